"""``accord policy conformance``: the test definitions, and whether two parties' results of one agree."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accord.base.errors import Refusal, UsageError
from accord.cli.flags import CatalogId, common_options
from accord.cli.output import emit, write
from accord.cli.policy_files import read_file
from accord.cli.policy_flags import parse_day

if TYPE_CHECKING:
    from accord.api.conformance_definition import Opened, Opener, Origin
    from accord.api.policy_conformance import ConformanceAnswer
    from accord.catalog.conformance import Conformance
    from accord.catalog.load import Catalog

_FILE = click.Path(path_type=Path)


@click.command("conformance")
@click.argument("definition", metavar="[DEFINITION", required=False, type=CatalogId("conformance"))
@click.argument("files", metavar="[A.json B.json]]", nargs=-1, type=_FILE)
@click.option("--items", is_flag=True, help="Print what both parties run on, as JSON lines.")
@click.option("--template", is_flag=True, help="Print an empty result file.")
@click.option("--date", "day", metavar="DAY", help="On which day results have to hold; today (UTC) otherwise.")
@click.option("--key", "keys", type=_FILE, multiple=True, metavar="NAME.pub", help="Whose signature is believed.")
@click.option("--trust", type=_FILE, metavar="FILE.json", help="File of the keys that are believed.")
@common_options
@click.pass_context
def command(
    ctx: click.Context, definition: str | None, files: tuple[Path, ...], items: bool, template: bool, day: str | None,
    keys: tuple[Path, ...], trust: Path | None, as_json: bool, catalog_paths: tuple[Path, ...],
) -> None:  # fmt: skip
    """Test definitions that two parties run alike, and whether their results agree.

    Without files: which definitions there are, or how to run one. With two files: agree, disagree (in what, by how
    much), or not comparable (why). The exit code is 1 for disagree and for not comparable alike: 'verdict' under --json
    tells them apart. In place of a result file, an envelope of 'accord attest sign --embed' over the answer of
    'accord policy evidence FILE --json' may be given.

    DEFINITION is an id of the catalog, a YAML file (NAME.yaml), or a file (NAME.json) of what 'accord policy
    conformance ID --json' printed or of an envelope that signs it with --embed: so both parties can hold the same
    definition, signed, and verify it with --key or --trust. Its hash must be the one that the results state.

    \b
    accord policy conformance safety-refusal-1 --items
    accord policy conformance safety-refusal-1 mine.json theirs.json
    accord policy conformance test.dsse.json mine.json theirs.json
        --key author.pub
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.catalog.load import load_catalog
    from accord.policy.conformance_items import item_lines
    from accord.policy.conformance_items import template as template_of
    from accord.report.to_json import envelope, to_bytes

    catalog = load_catalog(catalog_paths)
    if items or template:
        if definition is None or files or (items and template):
            raise UsageError("--items and --template go with one definition alone, one of them at a time")
        found, _ = _definition(catalog, definition, _opener(keys, trust))
        write("".join(item_lines(found)) if items else to_bytes(template_of(found)).decode())
        return
    answer = _answer(catalog, definition, files, day, _opener(keys, trust))
    body = envelope(
        "policy.conformance", inputs={**answer.inputs, "catalog": [str(path) for path in catalog_paths]},
        result=answer.result, sources=answer.sources, warnings=catalog.notes, catalog_digest=catalog.digest,
    )  # fmt: skip
    emit(body, *answer.tables, as_json=as_json)
    if answer.verdict not in (None, "agree"):
        ctx.exit(Refusal.exit_code)


def _answer(
    catalog: Catalog, definition: str | None, files: Sequence[Path], day: str | None, opener: Opener | None
) -> ConformanceAnswer:
    from accord.api.policy_conformance import compared, described, listed

    if definition is None:
        return listed(catalog)
    found, origin = _definition(catalog, definition, opener)
    if not files:
        return described(found, origin)
    if len(files) != 2:
        raise UsageError(
            f"{len(files)} result files are given", hint="two are compared: DEFINITION MINE.json THEIRS.json"
        )
    when = parse_day(day) if day is not None else datetime.datetime.now(tz=datetime.UTC).date()
    return compared(found, (read_file(files[0]), read_file(files[1])), when, opener, origin)


def _definition(catalog: Catalog, text: str, opener: Opener | None) -> tuple[Conformance, Origin]:
    """A definition by its id or its file, and where it is from."""
    from accord.api.conformance_definition import YAML, Origin, definition_in, definition_in_yaml

    file, suffix = Path(text), Path(text).suffix.lower()
    if suffix in YAML:
        return definition_in_yaml(file)
    if suffix == ".json" or "/" in text or "\\" in text:
        name, data = read_file(file)
        return definition_in(data, name, opener)
    return catalog.conformance(text), Origin()


def _opener(keys: Sequence[Path], trust: Path | None) -> Opener | None:
    """What opens envelopes: by keys that are believed. None where there are none. Raises UsageError, DataError."""
    if not keys and trust is None:
        return None
    try:
        from accord.store.keys import read_public_key, read_trust
    except ModuleNotFoundError as error:
        raise UsageError(f"signed results need {error.name}", hint="pip install 'accord[sign]'") from None
    from accord.api.attest import verify
    from accord.api.conformance_definition import Opened

    believed = (*map(read_public_key, keys), *(() if trust is None else read_trust(trust)))

    def opened(data: bytes, name: str) -> Opened:
        found = verify(data, name, believed)
        by = tuple(one.by for one in found.signed if one.by is not None)
        ids = tuple(key.id for name in by for key in believed if key.name == name)
        return Opened(found.statement.report.schema, found.statement.report.value, by, ids)

    return opened

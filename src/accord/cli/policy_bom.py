"""``accord policy bom``: a bill of materials of a model and what runs it."""

from __future__ import annotations

from pathlib import Path

import click

from accord.base.errors import UsageError
from accord.cli.flags import CatalogId, common_options
from accord.cli.output import emit, write
from accord.cli.policy_files import read_file
from accord.cli.policy_flags import parse_day
from accord.cli.saved import save, writable


@click.command("bom")
@click.argument("file", metavar="[PLAN.json]", required=False, type=click.Path(path_type=Path))
@click.option("--model", type=CatalogId("models"), metavar="ID", help="A model of the catalog, in place of a plan.")
@click.option("--system", type=CatalogId("systems"), metavar="ID", help="The system it runs on.")
@click.option("--engine", type=CatalogId("engines"), metavar="ID", help="The engine that runs it.")
@click.option("--date", "day", metavar="DAY", help="Day written on the bill; none is where it is left out.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the bill here, and show a table.")
@common_options
def command(
    file: Path | None, model: str | None, system: str | None, engine: str | None, day: str | None, out: Path | None,
    as_json: bool, catalog_paths: tuple[Path, ...],
) -> None:  # fmt: skip
    """A CycloneDX 1.6 ML-BOM of a model, its systems and engines; what is not known of them is said.

    PLAN.json is what 'accord plan --json' or 'accord size --json' printed; its first plan is listed. The bill is
    printed as it is, or written with --out; --json wraps it in Accord's envelope.

    \b
    accord policy bom --model deepseek-v3 --system huawei-cloudmatrix-384 --out bom.json
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.policy_bom import bom_of_model, bom_of_plan
    from accord.catalog.load import load_catalog
    from accord.report.to_json import envelope, to_bytes

    if (file is None) == (model is None):
        raise UsageError("give a plan's file or --model, one of them", hint="accord policy bom --model deepseek-v3")
    writable(out, "--out")
    if file is not None and (system or engine):
        raise UsageError("--system and --engine go with --model; a plan names its own")
    when = None if day is None else parse_day(day)
    catalog = load_catalog(catalog_paths)
    if model is not None:
        answer = bom_of_model(model, system, engine, catalog, when)
    else:
        assert file is not None, "one of the two is given"
        name, data = read_file(file)
        answer = bom_of_plan(data, name, catalog, when)
    if out is not None:
        save(out, to_bytes(answer.bom), "--out")
    elif not as_json:
        write(to_bytes(answer.bom).decode())
        return
    body = envelope(
        "policy.bom", inputs={**answer.inputs, "catalog": [str(path) for path in catalog_paths]},
        result=answer.result, sources=answer.sources, warnings=catalog.notes, catalog_digest=catalog.digest,
    )  # fmt: skip
    emit(body, *answer.tables, as_json=as_json)

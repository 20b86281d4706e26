"""``accord policy commitments``: what governance instruments ask of a plan or a training run, and what can be shown."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click

from accord.base.errors import DataError
from accord.cli.flags import WordList, common_options
from accord.cli.output import emit
from accord.cli.policy_files import read_file
from accord.cli.policy_flags import parse_day

STDIN = "-"
MOST_BYTES = 64 << 20


@click.command("commitments")
@click.argument("file", metavar="FILE")
@click.option("--date", "day", metavar="DAY", help="As of which day; today (UTC) where it is left out.")
@click.option(
    "--evidence",
    "evidence",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A result file of Inspect AI, Moonshot, AI Verify or MLPerf, or a CycloneDX ML-BOM; may be repeated.",
)
@click.option(
    "--offered", type=click.FloatRange(min=0.0, min_open=True), metavar="CHIPS", help="Chips offered to others."
)
@click.option("--instrument", "instruments", type=WordList(), metavar="ID[,ID]", help="Only these instruments.")
@common_options
def command(
    file: str, day: str | None, evidence: tuple[Path, ...], offered: float | None, instruments: tuple[str, ...] | None,
    as_json: bool, catalog_paths: tuple[Path, ...],
) -> None:  # fmt: skip
    """Provisions of governance instruments that a plan or run touches, and the evidence for each.

    FILE is what 'accord plan --json' or 'accord train --json' printed, - reads it from stdin. Nothing is scored.

    \b
    accord policy commitments plan.json --date 2026-08-01 --offered 8
        --evidence safety.json
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.policy_commitments import CommitAsk, commitments_answer
    from accord.catalog.load import load_catalog
    from accord.report.to_json import envelope

    when = parse_day(day) if day is not None else datetime.datetime.now(tz=datetime.UTC).date()
    catalog = load_catalog(catalog_paths)
    name, data = _subject(file)
    asked = CommitAsk(
        day=when, offered=offered, instruments=instruments or (),
        files=tuple(read_file(one) for one in evidence),
    )  # fmt: skip
    answer = commitments_answer(asked, data, name, catalog)
    body = envelope(
        "policy.commitments",
        inputs={"file": file, **answer.inputs, "catalog": [str(path) for path in catalog_paths]},
        result=answer.result, sources=answer.sources, warnings=answer.warnings, catalog_digest=catalog.digest,
    )  # fmt: skip
    emit(body, *answer.tables, as_json=as_json)


def _subject(file: str) -> tuple[str, bytes]:
    """Name and bytes of the answer that is asked about. Raises DataError for one that is not there, or too large."""
    if file == STDIN:
        name, data = "stdin", sys.stdin.buffer.read(MOST_BYTES + 1)
    else:
        name, data = read_file(Path(file), MOST_BYTES)
    if len(data) > MOST_BYTES:
        hint = "give a file of 'accord plan --json' or 'accord train --json'"
        raise DataError(f"is larger than {MOST_BYTES >> 20} MiB", where=name, hint=hint)
    return name, data

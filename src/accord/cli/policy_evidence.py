"""``accord policy evidence``: what result files show, and which risks they cover."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from accord.cli.flags import common_options
from accord.cli.output import emit
from accord.cli.policy_files import read_file
from accord.cli.policy_flags import parse_day


@click.command("evidence")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--date", "day", metavar="DAY", help="As of which day; today (UTC) where it is left out.")
@common_options
def command(files: tuple[Path, ...], day: str | None, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """What result files show, and which risks they cover, do not cover, or covered too long ago.

    Reads JSON logs of Inspect AI, results of Project Moonshot and AI Verify, MLPerf-style summaries and CycloneDX
    ML-BOM; the format is told by content. A run that did not finish is shown, and is no evidence.

    \b
    accord policy evidence log.json moonshot.json --date 2026-11-25
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.policy_evidence import evidence_answer
    from accord.catalog.load import load_catalog
    from accord.report.to_json import envelope

    when = parse_day(day) if day is not None else datetime.datetime.now(tz=datetime.UTC).date()
    catalog = load_catalog(catalog_paths)
    answer = evidence_answer([read_file(file) for file in files], when, catalog)
    body = envelope(
        "policy.evidence", inputs={**answer.inputs, "catalog": [str(path) for path in catalog_paths]},
        result=answer.result, sources=answer.sources, warnings=catalog.notes, catalog_digest=catalog.digest,
    )  # fmt: skip
    emit(body, *answer.tables, as_json=as_json)

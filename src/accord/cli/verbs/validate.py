"""``accord validate``: predicted against measured, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from accord.base.errors import UsageError
from accord.catalog.load import load_catalog
from accord.cli.flags import common_options, level_option
from accord.cli.output import emit
from accord.cli.read import read_text
from accord.cli.validated import Asked, By, Found, validated
from accord.cli.watching import begin
from accord.report import validate_view as view
from accord.report.tables import Table
from accord.report.to_json import envelope
from accord.validation.score import Scored, Summary, summarise
from accord.validation.tables import kind_of_table

PICTURES = (".svg", ".png")


@click.command("validate")
@click.argument("file", type=click.Path(path_type=Path))
@level_option
@click.option("--rows", "all_rows", is_flag=True, help="Also print every row, worst first.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.svg|OUT.png",
    help="Also draw predicted against measured into this file (needs matplotlib: the extra [plot]).",
)
@click.option(
    "--cv",
    "cross",
    type=click.Choice(["source", "chip", "model"]),
    help="Score each row by a fit that has not seen its source, chip or model family (minutes; extra [calibrate]).",
)
@click.option(
    "--facts",
    type=click.Path(path_type=Path),
    metavar="FACTS.csv",
    help="What else was published about sources: column source_id, and cells that rows of FILE leave empty.",
)
@common_options
def command(
    file: Path,
    level: float,
    all_rows: bool,
    plot: Path | None,
    cross: By | None,
    facts: Path | None,
    as_json: bool,
    catalog_paths: tuple[Path, ...],
) -> None:
    """Score a table of measured results (CSV): error and interval coverage per row, source and metric.

    The table's columns tell what it measured: inference, training runs, collectives and links, or failures. Inference
    runs of a stated number of requests, floods and waits under a rate are simulated; runs cut by a client's timeout
    are shown apart. Of training runs, derived figures and sellers' claims are shown apart.
    """
    draw = _drawer(plot)
    catalog = load_catalog(catalog_paths)
    more = (read_text(facts), str(facts)) if facts is not None else None
    asked = Asked(read_text(file), str(file), catalog, level, cross, more)
    kind = kind_of_table(asked.content, asked.name)
    begin()
    found = validated(kind, asked)
    scored = found.scored
    complete, everything = summarise(scored, complete_only=True, level=level), summarise(scored, level=level)
    completed = summarise((row for row in scored if not row.complete), level=level)
    result = {
        "kind": kind,
        "rows": [view.row_dict(row) for row in scored],
        "summary": view.summary_dict(complete, completed, everything),
        "censored": [view.row_dict(row) for row in found.cut],
        "shown": [view.row_dict(row) for row in found.shown],
        "systems": [view.system_dict(one) for one in found.systems],
    }
    inputs = {
        "file": str(file),
        "level": level,
        "cv": cross,
        "facts": str(facts) if facts is not None else None,
        "catalog": [str(path) for path in catalog_paths],
    }
    body = envelope("validate", inputs=inputs, result=result, catalog_digest=catalog.digest)
    tables = _tables(found, complete, everything, level, all_rows)
    if plot is not None:
        plot.write_bytes(draw(scored, level, plot.suffix[1:].lower()))
    emit(body, *tables, as_json=as_json)


def _tables(found: Found, complete: Summary, everything: Summary, level: float, all_rows: bool) -> list[Table]:
    """What is printed."""
    scored = found.scored
    tables = [
        view.summary_table(complete, everything, level),
        view.intervals_table(complete, everything, level),
        view.groups_table("source", everything.by_source),
        view.groups_table("metric", everything.by_metric),
        view.groups_table("chip", everything.by_chip),
        *([view.groups_table("model", everything.by_model)] if everything.by_model else []),
    ]
    if found.systems:
        tables.append(view.systems_table(found.systems))
    if any(row.skipped for row in scored):
        tables.append(view.skipped_table(scored))
    if all_rows:
        tables.append(view.rows_table(scored))
    if found.cut:
        tables.append(view.censored_table(found.cut))
    if all_rows and any(row.skipped is None for row in found.shown):
        tables.append(view.shown_table(found.shown))
    return tables


def _drawer(plot: Path | None) -> Callable[[Sequence[Scored], float, str], bytes]:
    """What draws the picture; nothing is loaded where none is asked for. Raises UsageError before any work is done."""
    if plot is None:
        return lambda rows, level, form: b""
    if plot.suffix.lower() not in PICTURES:
        raise UsageError(f"--plot {plot}: a picture ends in {' or '.join(PICTURES)}", hint=f"write '{plot.stem}.svg'")
    try:
        from accord.report.plots.predicted import picture
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise UsageError("--plot needs matplotlib", hint="pip install 'accord[plot]'") from None
    return picture

"""``accord validate``: predicted against measured, row by row."""

from __future__ import annotations

from pathlib import Path

import click

from accord import api
from accord.base.errors import TableError
from accord.catalog.load import load_catalog
from accord.cli.flags import common_options, level_option
from accord.cli.output import emit
from accord.report import validate_view as view
from accord.report.to_json import envelope
from accord.validation.score import summarise

MOST_BYTES = 64 << 20


@click.command("validate")
@click.argument("file", type=click.Path(path_type=Path))
@level_option
@click.option("--rows", "all_rows", is_flag=True, help="Also print every row, worst first.")
@common_options
def command(file: Path, level: float, all_rows: bool, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """Score a table of measured inference results (CSV): error and interval coverage per row, source and metric."""
    catalog = load_catalog(catalog_paths)
    scored = api.validate(_read(file), str(file), catalog=catalog, level=level)
    complete, everything = summarise(scored, complete_only=True), summarise(scored)
    result = {"rows": [view.row_dict(row) for row in scored], "summary": view.summary_dict(complete, everything)}
    inputs = {"file": str(file), "level": level, "catalog": [str(path) for path in catalog_paths]}
    body = envelope("validate", inputs=inputs, result=result, catalog_digest=catalog.digest)
    tables = [
        view.summary_table(complete, everything, level),
        view.groups_table("source", everything.by_source),
        view.groups_table("metric", everything.by_metric),
    ]
    if any(row.skipped for row in scored):
        tables.append(view.skipped_table(scored))
    if all_rows:
        tables.append(view.rows_table(scored))
    emit(body, *tables, as_json=as_json)


def _read(file: Path) -> str:
    """The table's text. Raises TableError for what is no readable UTF-8 file of a sane size."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise TableError(f"larger than {MOST_BYTES >> 20} MiB", where=str(file))
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise TableError(f"cannot be read: {error.strerror}", where=str(file)) from None
    except UnicodeDecodeError as error:
        raise TableError(f"is not UTF-8 text (byte {error.start})", where=str(file)) from None

"""``accord calibrate``: fit the cost model to operator tables and to measured rows."""

from __future__ import annotations

from pathlib import Path

import click

from accord.base.errors import UsageError
from accord.catalog.load import load_catalog
from accord.cli.flags import common_options
from accord.cli.output import emit
from accord.cli.read import read_text
from accord.report.to_json import envelope

OUT = "calibration"


@click.command("calibrate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(OUT),
    show_default=True,
    help="Folder for the fitted files; use them with --catalog FOLDER.",
)
@click.option("--quick", is_flag=True, help="Do not fit again without each chip to judge the tables (saves minutes).")
@common_options
def command(file: Path, out: Path, quick: bool, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """Fit efficiency curves, fixed times, engine parameters and residuals (minutes).

    FILE is a table of measured inference results (CSV). Operator tables come with the extra [calibrate].
    """
    try:
        from accord.calibration import view, whole, write
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("scipy", "pyarrow", "aiconfigurator_core"):
            raise
        raise UsageError(f"calibrate needs {error.name}", hint="pip install 'accord[calibrate]'") from None
    from accord.validation.rows import read_rows

    catalog = load_catalog(catalog_paths)
    done = whole.calibrate(catalog, read_rows(read_text(file), str(file)), judged=not quick)
    files = write.write(done.records, out)
    inputs = {"file": str(file), "out": str(out), "quick": quick, "catalog": [str(path) for path in catalog_paths]}
    body = envelope("calibrate", inputs=inputs, result=view.result_dict(done, files), catalog_digest=catalog.digest)
    emit(body, *view.tables(done, files), as_json=as_json)

"""``accord policy classify``: class and outcome of a chip or system on a day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from accord.base.errors import UsageError
from accord.cli.flags import common_options
from accord.cli.policy_flags import deal_options, item_options, parse_day, parse_question, show
from accord.cli.saved import save, writable


@click.command("classify")
@item_options
@deal_options
@click.option("--date", "day", metavar="DAY", help="As of which day; there is no default.")
@click.option("--history", is_flag=True, help="Also print class and outcome through time.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.svg", help="Draw the day's zones."
)
@click.option("--explain", is_flag=True, help="Also tell rules that do not hold.")
@common_options
def command(
    id: str, day: str | None, history: bool, plot: Path | None, explain: bool, as_json: bool,
    catalog_paths: tuple[Path, ...], **flags: Any,
) -> None:  # fmt: skip
    """Class and outcome of a chip or system on a day, by the exporter's law and the importer's. Not legal advice.

    What is not told (--from, --to, --hq, --exporter) is unknown: where it matters the answer is depends:<field>.

    \b
    accord policy classify nvidia-h20 --from US --to CN --date 2025-05-01
    accord policy classify --item memory --name "HBM3E stack" --from US --to CN --date 2025-05-01
    accord policy classify huawei-cloudmatrix-384 --from CN --to MY --date 2025-06-01 --plot zones.svg
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.law import Law
    from accord.api.policy_classify import classify_answer
    from accord.catalog.load import load_catalog
    from accord.report.to_json import envelope

    if plot is not None and plot.suffix.lower() != ".svg":
        raise UsageError(f"'{plot}' is no .svg file", where="--plot", hint=f"write it as {plot.stem}.svg")
    writable(plot, "--plot")
    if plot is not None and flags["item"] is not None:
        raise UsageError("the picture is of chips", where="--plot", hint="leave --plot out, or ask of a chip")
    when = parse_day(day)
    catalog = load_catalog(catalog_paths)
    question = parse_question(id, **flags)
    told = classify_answer(
        question, when, Law(catalog), explain=explain, through_time=history, picture=plot is not None
    )  # fmt: skip
    result = dict(told.result)
    if plot is not None and told.picture is not None:
        save(plot, told.picture, "--plot")
        result["picture"] = str(plot)
    body = envelope(
        "policy.classify", inputs={**told.inputs, "catalog": [str(path) for path in catalog_paths]}, result=result,
        sources=told.sources, warnings=[*catalog.notes, *told.warnings], catalog_digest=catalog.digest,
    )  # fmt: skip
    show(body, *told.tables, as_json=as_json)

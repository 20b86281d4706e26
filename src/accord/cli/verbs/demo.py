"""``accord demo``: the main job with no input."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.flags import common_options, level_option
from accord.cli.output import emit


@click.command("demo")
@click.option("--to", "buyer", metavar="CC", help="Country of delivery, for the law; else as the demo assumes.")
@click.option("--date", "day", metavar="DAY", help="Day of delivery, for the law; else as the demo assumes.")
@level_option
@common_options
def command(
    buyer: str | None, day: str | None, level: float, as_json: bool, catalog_paths: tuple[Path, ...]
) -> None:  # fmt: skip
    """Plan DeepSeek-R1 serving on a CloudMatrix 384 beside a GB200 NVL72 and HGX clusters.

    Best layouts under two latency limits, per chip, per kW and per dollar, with error bars and what they rest on, and
    what export control says of sending each system from its maker's country on a day.
    """
    from accord.api.branches import catalog_of
    from accord.api.demonstration import asked, demo
    from accord.report.to_json import envelope

    paths = tuple(str(path) for path in catalog_paths)
    catalog = catalog_of(paths)
    found = demo(paths=paths, level=level, question=asked(buyer, day))
    answer = envelope(
        "demo",
        inputs={**found.inputs, "catalog": catalog_paths},
        result=found.result,
        sources=found.sources,
        warnings=[*catalog.notes, *found.warnings],
        catalog_digest=catalog.digest,
    )
    emit(answer, *found.tables, as_json=as_json)

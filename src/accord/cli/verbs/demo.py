"""``accord demo``: the main job with no input."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.flags import common_options, level_option
from accord.cli.output import emit


@click.command("demo")
@level_option
@common_options
def command(level: float, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """Plan DeepSeek-R1 serving on a CloudMatrix 384 beside a GB200 NVL72 and HGX clusters.

    Best layouts under two latency limits, per chip, per kW and per dollar, with error bars and what they rest on.
    """
    from accord.api.branches import catalog_of
    from accord.api.demo import demo
    from accord.report.to_json import envelope

    paths = tuple(str(path) for path in catalog_paths)
    catalog = catalog_of(paths)
    found = demo(paths=paths, level=level)
    answer = envelope(
        "demo",
        inputs={**found.inputs, "catalog": catalog_paths},
        result=found.result,
        sources=found.sources,
        warnings=[*catalog.notes, *found.warnings],
        catalog_digest=catalog.digest,
    )
    emit(answer, *found.tables, as_json=as_json)

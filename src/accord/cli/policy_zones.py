"""``accord policy zones``: thresholds and classes of all chips through time, or on one day."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.flags import common_options
from accord.cli.policy_flags import parse_day, show


@click.command("zones")
@click.option("--date", "day", metavar="DAY", help="One day; all stretches of days where it is left out.")
@click.option("--designer", metavar="CC", help="Make zones for chips of a designer with headquarters in this country.")
@click.option("--not-datacenter", is_flag=True, help="Make zones for chips that are not marketed for data centres.")
@common_options
def command(
    day: str | None, designer: str | None, not_datacenter: bool, as_json: bool, catalog_paths: tuple[Path, ...]
) -> None:
    """Zones that class rules make of total processing performance against density, and the class of every chip.

    A stretch is the days on which the same class rules stand. Not legal advice.

    \b
    accord policy zones
    accord policy zones --date 2025-05-01
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.law import Law
    from accord.api.policy_plane import PlaneAsk, plane_answer
    from accord.catalog.load import load_catalog
    from accord.report.to_json import envelope

    when = parse_day(day) if day is not None else None
    catalog = load_catalog(catalog_paths)
    told = plane_answer(PlaneAsk(day=when, designer=designer, marketed=not not_datacenter), Law(catalog))
    body = envelope(
        "policy.zones", inputs={**told.inputs, "catalog": [str(path) for path in catalog_paths]}, result=told.result,
        sources=told.sources, warnings=[*catalog.notes, *told.warnings], catalog_digest=catalog.digest,
    )  # fmt: skip
    show(body, *told.tables, as_json=as_json)

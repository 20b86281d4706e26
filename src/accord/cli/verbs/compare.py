"""``accord compare``: systems side by side, every ratio recomputed from catalog facts."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.flags import CatalogId, common_options, level_option
from accord.cli.output import emit


@click.command("compare")
@click.argument("systems", metavar="A B [C D]", nargs=-1, required=True, type=CatalogId("systems"))
@level_option
@common_options
def command(systems: tuple[str, ...], level: float, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """Put two to four systems side by side: totals, per chip, per rack, per watt, per dollar.

    Every figure is recomputed from catalog facts with their alternatives; a ratio is A over B with the band that
    disagreeing sources leave. 'accord catalog list systems' lists the systems.
    """
    from accord.catalog.load import load_catalog
    from accord.report.comparison import comparison_result
    from accord.report.to_json import envelope

    catalog = load_catalog(catalog_paths)
    found = comparison_result(catalog, systems, level=level)
    answer = envelope(
        "compare",
        inputs={"systems": systems, "level": level, "catalog": catalog_paths},
        result=found.result,
        sources=found.sources,
        warnings=[*catalog.notes, *found.warnings],
        catalog_digest=catalog.digest,
    )
    emit(answer, *found.tables, as_json=as_json)

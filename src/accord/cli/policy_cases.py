"""``accord policy cases``: dated cases of a table, expected against got."""

from __future__ import annotations

from pathlib import Path

import click

from accord.cli.flags import common_options
from accord.cli.policy_flags import show


@click.command("cases")
@click.argument("file", metavar="FILE.csv", type=click.Path(path_type=Path))
@common_options
def command(file: Path, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """Answer dated cases of a table and compare class and outcome with what it expects.

    A case's facts go before the catalog's, an empty cell is unknown; columns that say where a case is from are not
    read for its answer. The exit code is 0 whatever is right.
    """
    from accord.api.law import Law
    from accord.api.policy_cases import cases_answer
    from accord.catalog.load import load_catalog
    from accord.cli.read import read_text
    from accord.report.to_json import envelope

    catalog = load_catalog(catalog_paths)
    answer = cases_answer(read_text(file, "a table of cases"), file.name, Law(catalog))
    body = envelope(
        "policy.cases", inputs={"file": str(file), "catalog": [str(path) for path in catalog_paths]},
        result=answer.result, warnings=(*catalog.notes, *answer.warnings), catalog_digest=catalog.digest,
    )  # fmt: skip
    show(body, *answer.tables, as_json=as_json)

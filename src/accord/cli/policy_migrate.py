"""``accord policy migrate``: class and outcome of a chip or system through time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from accord.cli.flags import common_options
from accord.cli.policy_flags import deal_options, item_options, parse_question, show


@click.command("migrate")
@item_options
@deal_options
@common_options
def command(id: str, as_json: bool, catalog_paths: tuple[Path, ...], **flags: Any) -> None:
    """Class and outcome of a chip or system through time, at every change of a rule or country group.

    \b
    accord policy migrate nvidia-h20 --from US --to CN --hq CN --exporter nvidia
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.law import Law
    from accord.api.policy_classify import migrate_answer
    from accord.catalog.load import load_catalog
    from accord.report.to_json import envelope

    catalog = load_catalog(catalog_paths)
    told = migrate_answer(parse_question(id, **flags), Law(catalog))
    body = envelope(
        "policy.migrate", inputs={**told.inputs, "catalog": [str(path) for path in catalog_paths]}, result=told.result,
        sources=told.sources, warnings=[*catalog.notes, *told.warnings], catalog_digest=catalog.digest,
    )  # fmt: skip
    show(body, *told.tables, as_json=as_json)

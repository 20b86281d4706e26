"""``accord policy party``: which lists a party is on, and who owns it."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from accord.base.errors import Refusal
from accord.cli.flags import common_options
from accord.cli.policy_flags import parse_day, show


@click.command("party")
@click.argument("name", metavar="NAME")
@click.option("--date", "day", metavar="DAY", help="As of which day; today (UTC) where it is left out.")
@common_options
@click.pass_context
def command(ctx: click.Context, name: str, day: str | None, as_json: bool, catalog_paths: tuple[Path, ...]) -> None:
    """Which lists a party is on, who owns it, and what rules make of that. Not legal advice.

    NAME is an id, a name or an alias in any script. A party that the catalog has not is "not screened", never clear;
    then the exit code is 1.

    \b
    accord policy party Huawei --date 2025-05-01
    accord policy party nexperia --date 2025-10-10 --json
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.law import Law
    from accord.api.policy_party import party_answer
    from accord.catalog.load import load_catalog
    from accord.report.to_json import envelope

    when = parse_day(day) if day is not None else datetime.datetime.now(tz=datetime.UTC).date()
    catalog = load_catalog(catalog_paths)
    answer = party_answer(name, when, Law(catalog))
    body = envelope(
        "policy.party", inputs={**answer.inputs, "catalog": [str(path) for path in catalog_paths]},
        result=answer.result, sources=answer.sources, warnings=catalog.notes, catalog_digest=catalog.digest,
    )  # fmt: skip
    show(body, *answer.tables, as_json=as_json)
    if not answer.known:
        ctx.exit(Refusal.exit_code)

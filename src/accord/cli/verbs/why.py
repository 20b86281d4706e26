"""``accord why``: one plan of a file beside another, term by term."""

from __future__ import annotations

from pathlib import Path

import click

from accord.base.errors import DataError, TableError, UsageError
from accord.cli.flags import common_options
from accord.cli.output import emit, say
from accord.cli.read import read_text
from accord.cli.watching import begin


@click.command("why")
@click.argument("file", metavar="PLAN.json", type=click.Path(path_type=Path))
@click.argument("a", metavar="[A]", default="1")
@click.argument("b", metavar="[B]", default="2")
@click.option("--objective", help="What they are judged by: cost, goodput, ..., or a metric; else the file's.")
@click.option("--prices/--no-prices", default=True, help="Search again with each limit relaxed.")
@common_options
def command(
    file: Path, a: str, b: str, objective: str | None, prices: bool, as_json: bool, catalog_paths: tuple[Path, ...]
) -> None:  # fmt: skip
    """Say why plan A is ahead of plan B: what differs, in which terms, how surely, and what holds each back.

    PLAN.json is what 'accord plan --json' printed. A and B are ranks or ids of its plans; left out, the best and the
    next one. The price of a limit is what relaxing it gains; finding it takes a search for each.
    """
    from accord.api.plan_file import parse_plans, priced, residual_of
    from accord.catalog.load import load_catalog
    from accord.planner.why import find_plan, why
    from accord.report.to_json import envelope
    from accord.report.why_view import result_dict, tables

    printed = parse_plans(_text(file).encode(), str(file))
    if len(printed.plans) == 1:
        raise UsageError("there is one plan and nothing to put beside it", where=str(file), hint="ask for more plans")
    plans = find_plan(printed.plans, a), find_plan(printed.plans, b)
    if plans[0].id == plans[1].id:
        raise UsageError(f"'{a}' and '{b}' are the same plan", hint="name two")
    begin()
    catalog = load_catalog(catalog_paths)
    asked = objective or printed.objective or "goodput"
    found = why(
        *plans, asked, level=printed.level, residual=residual_of(catalog), parts=printed.parts, said=printed.said
    )
    ranks = printed.plans.index(plans[0]) + 1, printed.plans.index(plans[1]) + 1
    if prices and printed.problem is not None:
        say("searching again with each limit relaxed; --no-prices leaves that out")
    relaxed = priced(printed, asked, tuple(map(str, catalog_paths))) if prices else ()
    said = [] if printed.catalog == catalog.digest else ["the plans rest on other facts than those of this catalog"]
    answer = envelope(
        "why",
        inputs={"file": file, "a": plans[0].id, "b": plans[1].id, "objective": asked, "level": printed.level,
                "catalog": catalog_paths},
        result=result_dict(found, ranks, relaxed), warnings=[*catalog.notes, *said], catalog_digest=catalog.digest,
    )  # fmt: skip
    emit(answer, *tables(found, ranks, relaxed), as_json=as_json)


def _text(file: Path) -> str:
    """A file's text; what cannot be read is bad data."""
    try:
        return read_text(file)
    except TableError as error:
        hint = "give what 'accord plan --json' or 'accord size --json' printed"
        raise DataError(error.what, where=error.where, hint=hint) from None

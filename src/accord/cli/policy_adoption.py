"""``accord policy adoption``: who has joined which governance instrument, and where systems stand."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from accord.base.errors import UsageError
from accord.cli.flags import CatalogId, WordList, common_options
from accord.cli.policy_flags import parse_day, show
from accord.cli.saved import save, writable


@click.command("adoption")
@click.option("--date", "day", metavar="DAY", help="As of which day; today (UTC) where it is left out.")
@click.option("--instrument", "instruments", type=WordList(), metavar="ID[,ID]", help="Only these instruments.")
@click.option("--who", "whos", type=WordList(), metavar="CC[,CC]", help="Countries by two letters, or names.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.svg", help="Draw the matrix.")
@click.option("--systems", is_flag=True, help="Where systems stand, in place of who joined what.")
@click.option("--system", type=CatalogId("systems", "chips"), metavar="ID", help="One system or chip, with --systems.")
@common_options
def command(
    day: str | None,
    instruments: tuple[str, ...] | None,
    whos: tuple[str, ...] | None,
    plot: Path | None,
    systems: bool,
    system: str | None,
    as_json: bool,
    catalog_paths: tuple[Path, ...],
) -> None:
    """Who has joined which governance instrument as of a day, and where systems stand.

    Joined, not joined and not recorded are three answers: an absent entry never means "not joined".

    \b
    accord policy adoption --who KZ,SG --instrument waico,pax-silica
    accord policy adoption --plot adoption.svg
    accord policy adoption --systems --system huawei-cloudmatrix-384
        --date 2025-07-01
    """  # noqa: D301  click takes a backspace for lines that stay as they are
    from accord.api.policy_adoption import AdoptionAsk, adoption_answer, systems_answer
    from accord.catalog.load import load_catalog
    from accord.report.to_json import envelope

    _fit(systems or system is not None, instruments, whos, plot)
    when = parse_day(day) if day is not None else datetime.datetime.now(tz=datetime.UTC).date()
    catalog = load_catalog(catalog_paths)
    if systems or system is not None:
        answer = systems_answer(when, system, catalog)
    else:
        ask = AdoptionAsk(day=when, instruments=instruments or (), whos=whos or ())
        answer = adoption_answer(ask, catalog, drawn=plot is not None)
    result = dict(answer.result)
    if plot is not None and answer.picture is not None:
        save(plot, answer.picture, "--plot")
        result["picture"] = str(plot)
    body = envelope(
        "policy.adoption", inputs={**answer.inputs, "catalog": [str(path) for path in catalog_paths]},
        result=result, sources=answer.sources, warnings=catalog.notes, catalog_digest=catalog.digest,
    )  # fmt: skip
    show(body, *answer.tables, as_json=as_json)


def _fit(systems: bool, instruments: object, whos: object, plot: Path | None) -> None:
    """Refuse flags that do not belong together. Raises UsageError."""
    given = [flag for flag, value in (("--instrument", instruments), ("--who", whos), ("--plot", plot)) if value]
    if systems and given:
        raise UsageError("does not belong to --systems", where=given[0], hint="leave one of them out")
    if plot is not None and plot.suffix.lower() != ".svg":
        raise UsageError(f"'{plot}' is no .svg file", where="--plot", hint=f"write it as {plot.stem}.svg")
    writable(plot, "--plot")

"""Flags of ``accord policy`` that say what is sent by whom to whom, as a question."""

from __future__ import annotations

import datetime
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from accord.base.errors import UsageError
from accord.cli.flags import CatalogId

if TYPE_CHECKING:
    from accord.api.policy_ask import Question
    from accord.report.tables import Table

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def item_options(function: Decorated) -> Decorated:
    """Add the argument and flags that say what is traded: an entry of the catalog, or an item that is described."""
    options = (
        click.argument("id", metavar="[CHIP|SYSTEM]", type=CatalogId("chips", "systems"), default=""),
        click.option(
            "--item", metavar="KIND", help="In place of a chip: memory, material, equipment or weights, with --name."
        ),
        click.option("--name", metavar="TEXT", help='What the item is called: "HBM3E stack", "gallium".'),
    )
    for option in reversed(options):
        function = option(function)
    return function


def deal_options(function: Decorated) -> Decorated:
    """Add the flags of a deal, handed over as ``seller``, ``buyer``, ``hq``, ``consignee``, ``exporter`` ..."""
    options = (
        click.option("--from", "seller", metavar="CC", help="Country it is sent from, two letters."),
        click.option("--to", "buyer", metavar="CC", help="Country it is sent to."),
        click.option("--hq", metavar="CC", help="Country of the consignee's headquarters or ultimate parent."),
        click.option("--consignee", metavar="PARTY", help="Who gets it: id, name or alias of a party of the catalog."),
        click.option("--exporter", metavar="PARTY", help="Who sends it; a letter binds its addressee alone."),
        click.option(
            "--transaction", metavar="WORD",
            help="In place of what the countries make: reexport, in_country_transfer, use_or_service, ...",
        ),
        click.option("--set", "given", metavar="FACT=VALUE", multiple=True, help="A fact in place of the catalog's."),
        click.option(
            "--what-if", metavar="RULE.PARAM=NUMBER", multiple=True, help="Another threshold: 3A090.a.tpp=6000."
        ),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def parse_day(text: str | None) -> datetime.date:
    """The day of ``--date``. Raises UsageError where it is missing or no day: there is no "current" law."""
    if text is None:
        raise UsageError(
            "no day is given, and there is no 'current' law", where="--date", hint="say as of when: --date 2025-05-01"
        )
    try:
        if _DAY.fullmatch(text):
            return datetime.date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"'{text}' is no day", where="--date", hint="write it as 2025-05-01")


def parse_question(id: str, **flags: Any) -> Question:
    """A question from the flags of :func:`deal_options`. Raises UsageError for a pair that is none."""
    from accord.api.policy_ask import Question

    given, what_if = (_pairs(flags.pop(name), f"--{name.replace('given', 'set').replace('_', '-')}") for name in _LISTS)
    return Question(id=id, given=given, what_if=what_if, **flags)


_LISTS = ("given", "what_if")
_LEAST = 60  # columns; tables are not made narrower, and a terminal's last one stays free


def show(body: Mapping[str, object], *tables: Table, as_json: bool) -> None:
    """Print an answer; tables fit 100 columns, or the terminal where that is narrower."""
    from accord.cli.output import emit
    from accord.report.table_fit import WIDTH, fitted

    width = WIDTH
    if sys.stdout is not None and sys.stdout.isatty():
        width = max(_LEAST, min(WIDTH, shutil.get_terminal_size().columns - 1))
    emit(body, *(fitted(table, width) for table in tables), as_json=as_json)


def _pairs(texts: tuple[str, ...], flag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value):
            raise UsageError(f"'{text}' is no NAME=VALUE", where=flag, hint="such as datacenter_marketed=yes")
        found[name] = value
    return found

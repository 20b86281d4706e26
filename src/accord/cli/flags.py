"""What the flags of a verb may say: quantities with units, comma lists, catalogue ids."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from accord.base import units
from accord.base.errors import AccordError

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Quantity(click.ParamType):
    """A number with its unit, such as ``50ms``, ``1MB`` or ``3.2 TB/s``; gives an SI float."""

    def __init__(self, unit: str, *, example: str, above: float | None = None, least: float | None = None) -> None:
        """Take quantities of one kind.

        unit: SI unit the value is converted to, as :func:`accord.base.units.parse` names it
        example: shown in messages
        above, least: bounds of the value [``unit``], itself left out and included
        """
        self.unit = unit
        self.example = example
        self.above = above
        self.least = least
        self.name = f"quantity in {unit}"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show an example in the help."""
        return self.example.replace(" ", "")

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse the text, or say what is wrong with it."""
        if isinstance(value, float):
            return value
        try:
            found = units.parse(str(value), self.unit)
        except AccordError as error:
            hint = error.hint or f"write it as '{self.example}'"
            self.fail(f"{error.what}; {hint}", param, ctx)
        if self.above is not None and not found > self.above:
            self.fail(f"'{value}' is not above {units.show(self.above, self.unit)}", param, ctx)
        if self.least is not None and not found >= self.least:
            self.fail(f"'{value}' is below {units.show(self.least, self.unit)}", param, ctx)
        return found


class NumberList(click.ParamType):
    """Numbers between commas, such as ``4,12,48``; gives a tuple."""

    def __init__(self, kind: type[int] | type[float], *, minimum: float | None = None) -> None:
        """Take whole (int) or any (float) numbers, none below ``minimum``."""
        self.kind = kind
        self.minimum = minimum
        self.name = "whole numbers" if kind is int else "numbers"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show the form in the help."""
        return "N[,N...]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...] | tuple[float, ...]:
        """Split at commas and check every number."""
        if isinstance(value, tuple):
            return value
        return tuple(self._one(part, param, ctx) for part in _parts(value, self, param, ctx))

    def _one(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> int | float:
        try:
            number = self.kind(text)
        except ValueError:
            self.fail(f"'{text}' is not one of the {self.name} this flag takes, such as '4' or '4,12,48'", param, ctx)
        if math.isnan(number):
            self.fail(f"'{text}' is no number", param, ctx)
        if self.minimum is not None and not number >= self.minimum:
            self.fail(f"{text} is below {self.minimum:g}, the least this flag takes", param, ctx)
        return number


class WordList(click.ParamType):
    """Words between commas, such as ``prefill,decode``; gives a tuple."""

    def __init__(self, *choices: str) -> None:
        """Take any words, or only those of ``choices``."""
        self.choices = choices
        self.name = "words"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show the choices in the help."""
        return f"{'|'.join(self.choices) or 'WORD'}[,...]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split at commas and check every word."""
        if isinstance(value, tuple):
            return value
        words = _parts(value, self, param, ctx)
        for word in words:
            if self.choices and word not in self.choices:
                self.fail(f"'{word}' is none of {', '.join(self.choices)}", param, ctx)
        return words


class CatalogId(click.ParamType):
    """The id of a catalogue entry; ids are completed by the shell and checked by the catalogue itself."""

    def __init__(self, *kinds: str) -> None:
        """Complete ids of these kinds (``chips``, ``systems``, ...)."""
        self.kinds = kinds
        self.name = "id"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take the text as it is; the catalogue says "did you mean" with the kind it wanted."""
        return str(value).strip()

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Ids of the built-in catalogue that begin with what was typed."""
        from accord.catalog.load import load_catalog

        catalog = load_catalog()
        names = sorted({name for kind in self.kinds for name in catalog.ids(kind)})
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class Level(click.ParamType):
    """The share of outcomes an interval holds, between 1 % and 99.9 %."""

    name = "share"
    low, high = 0.01, 0.999

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number and check its bounds."""
        try:
            level = float(str(value))
        except ValueError:
            level = float("nan")
        if not self.low <= level <= self.high:
            self.fail(f"'{value}' is no share between {self.low} and {self.high}, such as 0.9", param, ctx)
        return level


def level_option(function: Decorated) -> Decorated:
    """Add ``--level``, handed to the verb as ``level``."""
    text = "Share of outcomes that intervals and bands hold."
    return click.option("--level", type=Level(), default=0.9, show_default=True, help=text)(function)


def json_option(function: Decorated) -> Decorated:
    """Add ``--json``, handed to the verb as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the JSON envelope.")(function)


def catalog_option(function: Decorated) -> Decorated:
    """Add ``--catalog DIR``, handed to the verb as ``catalog_paths`` (a tuple of Path)."""
    return click.option(
        "--catalog",
        "catalog_paths",
        type=click.Path(exists=True, path_type=Path),
        multiple=True,
        metavar="DIR",
        help="Also read entries from here (chips/, systems/, ... or single files); may be repeated.",
    )(function)


def common_options(function: Decorated) -> Decorated:
    """Add the two options that every verb takes: ``--json`` and ``--catalog``."""
    return catalog_option(json_option(function))


def _parts(
    value: object, owner: click.ParamType, param: click.Parameter | None, ctx: click.Context | None
) -> tuple[str, ...]:
    """Split at commas; an empty part is an error."""
    parts: Sequence[str] = [part.strip() for part in str(value).split(",")]
    if not all(parts):
        owner.fail(f"'{value}' has nothing between two commas or at an end", param, ctx)
    return tuple(parts)

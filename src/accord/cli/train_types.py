"""What the flags of ``accord train`` may say: counts with multipliers, prices, places, days, stages."""

# mypy: disallow-any-generics=False
# click.ParamType is generic only in click's newer versions

from __future__ import annotations

import math
import re
from datetime import date
from typing import NamedTuple

import click

from accord.base import units
from accord.base.errors import AccordError
from accord.base.registry import did_you_mean

STAGES = ("pretraining", "continued", "long-context", "sft", "rl", "distillation")
_COUNTRY = re.compile(r"[A-Za-z]{2}")


def _is_plain(text: str) -> bool:
    """Whether a text is a number without a unit."""
    try:
        float(text)
    except ValueError:
        return False
    return True


class Count(click.ParamType):
    """A number of things, such as ``2048``, ``14.8e12`` or ``15.6T``; gives a float, or an int where whole."""

    def __init__(self, *, whole: bool = True, example: str = "N", unit: str = "1") -> None:
        """Take counts above 0. whole: only whole ones; unit: a word that may follow, such as ``tok``."""
        self.whole = whole
        self.example = example
        self.unit = unit
        self.name = "count"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show an example in the help."""
        return self.example

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | int:
        """Read the number and check it."""
        if isinstance(value, float | int):
            return value
        text = str(value).strip()
        try:
            found, unit = units.parse_any(text)
        except AccordError as error:
            self.fail(f"{error.what}; write it as '{self.example}'", param, ctx)
        if unit not in ("1", self.unit):
            self.fail(f"'{text}' is in {unit}; this is a count, such as '{self.example}'", param, ctx)
        if not (math.isfinite(found) and found > 0.0):
            self.fail(f"'{text}' is not above 0", param, ctx)
        if not self.whole:
            return found
        if found != round(found):
            self.fail(f"'{text}' is no whole number", param, ctx)
        return round(found)


class Tokens(Count):
    """A number of tokens, in which ``B`` is 10^9 and ``K`` is 1,000: ``300B``, ``15.6T``."""

    _SCALED = re.compile(r"([0-9.,eE+]+)\s*([BK])(\s*tok(?:ens?)?)?")
    _MEANT = {"B": " billion", "K": "k"}

    def __init__(self, example: str = "15.6T") -> None:
        """Take counts above 0."""
        super().__init__(whole=False, example=example, unit="tok")

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | int:
        """Read ``B`` and ``K`` as of tokens, else as any count."""
        found = self._SCALED.fullmatch(value.strip()) if isinstance(value, str) else None
        return super().convert(found[1] + self._MEANT[found[2]] if found is not None else value, param, ctx)


class Money(click.ParamType):
    """An amount of money for something, such as ``2``, ``2 USD/h`` or ``0.36 CNY/kWh``; gives value and unit."""

    name = "money"

    def __init__(self, per: str, example: str) -> None:
        """Take amounts for each ``per`` (``h``, ``kWh``); a bare number is USD."""
        self.per = per
        self.example = example

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show an example in the help."""
        return self.example.replace(" ", "")

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, str]:
        """Read the amount; a currency alone is for each ``per``."""
        if isinstance(value, tuple):
            return value
        text = str(value).strip()
        if _is_plain(text):
            text = f"{text} USD"
        if "/" not in text:
            text = f"{text}/{self.per}"
        try:
            found, unit = units.parse_any(re.sub(r"/\s*chip-?(hours?|h)$", "/h", text))
        except AccordError as error:
            self.fail(f"{error.what}; write it as '{self.example}'", param, ctx)
        name, _, per = unit.partition("/")
        if per != self.per or name not in units.CURRENCIES:
            self.fail(f"'{value}' is no amount of money for each {self.per}; write it as '{self.example}'", param, ctx)
        if found < 0.0:
            self.fail(f"'{value}' is below 0", param, ctx)
        return found, unit


class Place(click.ParamType):
    """A country, or a region of it, such as ``CN``, ``CN/gansu-qingyang`` or the catalog's ``cn-gansu-qingyang``."""

    name = "place"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show both forms in the help."""
        return "CC[/REGION]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None]:
        """Country in capitals, and the region or None."""
        if isinstance(value, tuple):
            return value
        text = str(value).strip()
        country, _, region = text.partition("/")
        if text[2:3] == "-" and not region:
            country, region = text[:2], text.lower()
        if not _COUNTRY.fullmatch(country):
            self.fail(f"'{value}' begins with no country; two letters of ISO 3166, such as CN or CN/gansu-qingyang",
                      param, ctx)  # fmt: skip
        return country.upper(), region or None


class Day(click.ParamType):
    """A day, such as ``2026-01-31``."""

    name = "day"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show the form in the help."""
        return "YYYY-MM-DD"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read the day."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value).strip())
        except ValueError:
            self.fail(f"'{value}' is no day; write it as 2026-01-31", param, ctx)


class StageText(NamedTuple):
    """A stage as written: kind, tokens, and tokens of a sequence or None."""

    kind: str
    tokens: float
    seq: float | None


class Stage(click.ParamType):
    """A further stage of training, such as ``continued:1e12`` or ``long-context:0.8T@32768``."""

    name = "stage"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Show the form in the help."""
        return "KIND:TOKENS[@SEQ]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> StageText:
        """Read kind and counts."""
        if isinstance(value, StageText):
            return value
        kind, colon, rest = str(value).strip().partition(":")
        if kind not in STAGES:
            self.fail(f"'{kind}' is no kind of stage; {did_you_mean(kind, STAGES)}", param, ctx)
        if not colon or not rest:
            self.fail(f"'{value}' says no tokens; write it as '{kind}:1e12'", param, ctx)
        tokens, at, seq = rest.partition("@")
        length = Count(whole=False, example="8192", unit="tok")
        return StageText(
            kind,
            float(Tokens(example="1e12").convert(tokens, param, ctx)),
            float(length.convert(seq, param, ctx)) if at else None,
        )

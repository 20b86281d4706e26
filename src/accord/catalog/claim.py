"""A public claim as data: who said what and when, what must be true for it, and how each part is recomputed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.base.source import Basis
from accord.catalog.value import Date, Sources

TermVerb = Literal[
    "compare", "estimate", "train", "size", "fabric", "policy", "adoption", "spend", "failures", "simulate"
]


MOST = 1e30  # of a number that is cited, or that something is asked with


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity: a verb's answer, a value of the catalog, or a cited number.

    verb: with ``with`` as inputs and ``take`` as the place in its answer; catalog: ``kind/id`` with ``take`` as key
    number: with unit, basis and source; low, high: of its 90 % interval, both or none
    unit: of the number; of a catalog's plain number, what it counts (a rate in ``CNY/USD``)
    same_as: name of the number of this claim that it is one draw with, where that has another name
    An input may be ``{term: NAME}``: the value of another term of the part.
    """

    verb: TermVerb | None = None
    inputs: dict[str, object] = msgspec.field(default_factory=dict, name="with")
    catalog: str | None = None
    take: str | None = None
    number: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    basis: Basis | None = None
    source: str | None = None
    locator: str | None = None
    same_as: str | None = None
    note: str | None = None

    @property
    def refers(self) -> Mapping[str, str]:
        """Inputs that are another term's value, with the name of that term."""
        return {
            name: str(value["term"])
            for name, value in self.inputs.items()
            if isinstance(value, Mapping) and set(value) == {"term"}
        }

    def __post_init__(self) -> None:
        """Refuse what is not exactly one of the three, and an interval that is none. Raises CatalogError."""
        given = [name for name in ("verb", "catalog", "number") if getattr(self, name) is not None]
        if len(given) != 1:
            raise CatalogError(f"verb is one of {len(given)} things a term says", hint="verb, catalog or number")
        if self.number is None and self.take is None:
            raise CatalogError("take is missing: which of the figures", hint="write 'take: NAME'")
        if self.number is not None and (self.source is None or self.basis is None):
            raise CatalogError("number has no source or no basis", hint="add 'source:' and 'basis:'")
        if self.number is None:
            for name in ("low", "high", "same_as"):
                if getattr(self, name) is not None:
                    raise CatalogError(f"{name} belongs to a number", hint="an answer has an interval of its own")
        else:
            self._check_interval(self.number)

    def _check_interval(self, number: float) -> None:
        for name in ("number", "low", "high"):
            value = getattr(self, name)
            if value is not None and not abs(value) <= MOST:
                raise CatalogError(f"{name} is beyond {MOST:g}", hint="write a larger unit")
        if (self.low is None) != (self.high is None):
            lacking = "low" if self.low is None else "high"
            raise CatalogError(f"{lacking} is missing: an interval has two ends", hint="give both, or none")
        if self.low is not None and self.low > number:
            raise CatalogError("low is on the wrong side of the number", hint="low, number, high")
        if self.high is not None and self.high < number:
            raise CatalogError("high is on the wrong side of the number", hint="low, number, high")


class Test(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the value is held against: a number, or an expression over the terms; tolerance: of ``within``, a share."""

    op: Literal[">", ">=", "<", "<=", "within"]
    number: float | None = None
    against: str | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        """Refuse a test against nothing, or against two things. Raises CatalogError."""
        if (self.number is None) == (self.against is None):
            hint = "write 'number: 1' or 'against: a / b'"
            raise CatalogError("number or against: a test has one of them", hint=hint)
        if (self.op == "within") != (self.tolerance is not None):
            raise CatalogError("tolerance belongs to 'within'", hint="write 'tolerance: 0.05' with 'op: within'")
        if self.tolerance is not None and not 0.0 <= self.tolerance < 1.0:
            raise CatalogError(f"tolerance is {self.tolerance:g}", hint="a share, from 0 to below 1: 0.05 is 5 %")
        if self.number is not None and not math.isfinite(self.number):
            raise CatalogError("number is not finite", hint="write it with a larger unit")
        if self.op == "within" and self.number == 0.0:
            raise CatalogError("number is 0, of which no tolerance is a share", hint="test with '<=' or '>='")


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that must be true.

    aside: not said by the claim, but what a reader would take from it; needs: evidence that would decide, where no
        calculation does; condition: of an aside, in words, under which the claim holds
    note: in words; of a test ``within`` a tolerance, why it is that wide
    """

    name: str
    terms: dict[str, Term] = {}
    value: str | None = None
    unit: str = "1"
    test: Test | None = None
    aside: bool = False
    condition: str | None = None
    needs: tuple[str, ...] = ()
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse a value without a test, a part that does not say what would decide, a tolerance without reason."""
        if (self.value is None) != (self.test is None):
            raise CatalogError("value and test belong together", hint="give both, or 'needs:'")
        if self.value is None and not self.needs:
            raise CatalogError("needs is empty, and nothing is calculated", hint="say which evidence would decide")
        if self.test is not None and self.test.op == "within" and not self.note:
            raise CatalogError("note is missing: why the tolerance is that wide", hint="add 'note:' to the part")


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One claim; statement: in our own words; source, locator: where it is said; date: day it was said."""

    id: str
    statement: str
    said_by: str
    date: Date
    source: str
    locator: str
    topic: Literal["hardware", "speed", "cost", "compute", "law", "governance", "quality", "supply"]
    parts: tuple[Part, ...]
    note: str | None = None
    sources: Sources

"""A public claim as data: who said what and when, what must be true for it, and how each part is recomputed."""

from __future__ import annotations

from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.base.source import Basis
from accord.catalog.value import Date, Sources

TermVerb = Literal[
    "compare", "estimate", "train", "size", "fabric", "policy", "adoption", "spend", "failures", "simulate"
]


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity: a verb's answer, a value of the catalog, or a cited number.

    verb: with ``with`` as inputs and ``take`` as the place in its answer; catalog: ``kind/id`` with ``take`` as key
    number: with unit, basis and source; low, high: of its 90 % interval
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
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is not exactly one of the three. Raises CatalogError."""
        given = [name for name in ("verb", "catalog", "number") if getattr(self, name) is not None]
        if len(given) != 1:
            raise CatalogError(f"verb is one of {len(given)} things a term says", hint="verb, catalog or number")
        if self.number is None and self.take is None:
            raise CatalogError("take is missing: which of the figures", hint="write 'take: NAME'")
        if self.number is not None and (self.source is None or self.basis is None):
            raise CatalogError("number has no source or no basis", hint="add 'source:' and 'basis:'")


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


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that must be true.

    aside: not said by the claim, but what a reader would take from it; needs: evidence that would decide, where no
        calculation does; condition: of an aside, in words, under which the claim holds
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
        """Refuse a value without a test, and a part that neither calculates nor says what would decide."""
        if (self.value is None) != (self.test is None):
            raise CatalogError("value and test belong together", hint="give both, or 'needs:'")
        if self.value is None and not self.needs:
            raise CatalogError("needs is empty, and nothing is calculated", hint="say which evidence would decide")


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

"""A licence that models come under: who may use them, where, for what, up to how many users."""

from __future__ import annotations

from typing import Literal

import msgspec

from accord.catalog.instrument import Tier
from accord.catalog.value import Date, Fact, Sources

TermKind = Literal["territory", "users", "revenue", "use", "outputs", "name", "registration"]


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit of a licence, in our own words.

    kind: ``territory``: countries (codes, or EU) it gives no rights in; ``users``: monthly users above which another
        licence is needed; ``revenue``: the same of revenue; ``use``: what it forbids; ``outputs``: training others on
        its answers; ``name``: naming duties; ``registration``: to be asked for first
    """

    kind: TermKind
    text: str
    countries: tuple[str, ...] = ()
    limit: Fact | None = None
    source: str
    tier: Tier
    locator: str


class Licence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One licence.

    spdx: its SPDX identifier, if it has one; free: free and open-source in the sense of the EU AI Act (use, change and
        pass on without such limits); models: ids of the catalog it covers
    """

    id: str
    name: str
    spdx: str | None = None
    version_date: Date | None = None
    free: bool
    commercial: bool
    models: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    note: str | None = None
    sources: Sources

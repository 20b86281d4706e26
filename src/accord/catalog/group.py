"""A group of countries that rules speak of, such as Country Group D:5, with the days of each membership."""

from __future__ import annotations

import datetime
import re

import msgspec

from accord.base.errors import CatalogError
from accord.base.source import Basis
from accord.catalog.value import Date, Sources

COUNTRY = re.compile(r"[A-Z]{2}")


class Membership(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A country in a group.

    start: first day, None = since before the first day Accord speaks of; until: first day no longer, None = open
    """

    country: str
    start: Date | None = None
    until: Date | None = None
    source: str
    basis: Basis
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no code of a country. Raises CatalogError."""
        if not COUNTRY.fullmatch(self.country):
            raise CatalogError(f"country is {self.country!r}, no country code", hint="write two capital letters: CN")

    def holds(self, day: datetime.date) -> bool:
        """Whether the country is in the group on ``day``."""
        text = day.isoformat()
        return (self.start is None or self.start <= text) and (self.until is None or text < self.until)


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One group.

    code: as rules write it, such as D:5
    complete: whether a country that is not listed is known to be outside; missing: what is not known, in words
    outside: countries known not to be in it, where it is not complete
    unsure: countries of which nobody knows on the days named, complete or not
    """

    id: str
    code: str
    name: str
    complete: bool
    missing: str | None = None
    members: tuple[Membership, ...]
    outside: tuple[Membership, ...] = ()
    unsure: tuple[Membership, ...] = ()
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse an incomplete list that does not say what is missing. Raises CatalogError."""
        if not self.complete and not self.missing:
            raise CatalogError("missing is empty, but the list is not complete", hint="say what is not known")

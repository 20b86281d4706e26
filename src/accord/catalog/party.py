"""A party: who designs, makes, sells, buys or runs; which lists it is on since when; who owns it."""

from __future__ import annotations

import datetime
import re
from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.base.source import Basis
from accord.catalog.instrument import Citation
from accord.catalog.value import Count, Date, Sources

Role = Literal["designer", "foundry", "osat", "oem", "cloud", "lab", "agency", "other"]
Review = Literal["presumption_of_denial", "case_by_case", "other"]
ListName = Literal["entity-list", "meu-list", "uvl", "1260h", "sdn", "ns-cmic", "dpl"]


class Listing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party on a list.

    list: entity-list, meu-list and uvl of the Bureau of Industry and Security, 1260h of the Department of Defense
        (no licence follows from it), sdn and ns-cmic of the Treasury, dpl of denied persons
    start: first day; until: first day no longer; policy: review policy it states; review: the same for chips and what
        holds them, in a word; covers: which entity, in words
    """

    list: ListName
    start: Date
    until: Date | None = None
    policy: str | None = None
    review: Review = "other"
    covers: str | None = None
    cites: tuple[Citation, ...]
    note: str | None = None

    def holds(self, day: datetime.date) -> bool:
        """Whether the party is listed on ``day``; a date that is not a whole day counts from its beginning."""
        text = day.isoformat()
        return self.start <= text and (self.until is None or text < self.until)


class Holding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share in a party.

    owner: id of another party, or a name; share: of the whole [1], None where it is not known
    """

    owner: str
    share: Count | None = None
    start: Date | None = None
    until: Date | None = None
    source: str
    basis: Basis
    note: str | None = None

    def holds(self, day: datetime.date) -> bool:
        """Whether it is held on ``day``."""
        text = day.isoformat()
        return (self.start is None or self.start <= text) and (self.until is None or text < self.until)


class Party(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One party.

    aliases: other names, in any script; country: of its headquarters or ultimate parent, ISO code of two letters
    chip_vendor: the ``vendor`` of its chips in the catalog; listings, owners: with days
    unlisted_as_of: day up to which its list status was looked up where it has no listing; None: not looked up
    large_platform, state_owned: None where it is not known
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    country: str
    roles: tuple[Role, ...]
    chip_vendor: str | None = None
    listings: tuple[Listing, ...] = ()
    owners: tuple[Holding, ...] = ()
    unlisted_as_of: Date | None = None
    large_platform: bool | None = None
    state_owned: bool | None = None
    note: str | None = None
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse what is no code of a country. Raises CatalogError."""
        if not re.fullmatch(r"[A-Z]{2}", self.country):
            raise CatalogError(f"country is {self.country!r}, no country code", hint="write two capital letters: CN")

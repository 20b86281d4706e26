"""Where machines stand: a system, its owner, the country, since when, how many."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.base.source import Basis
from accord.catalog.instrument import Tier
from accord.catalog.value import Count, Date, Sources


class Deployment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One deployment.

    system: id of the catalog, of a system or a chip; owner, site: in words
    country: ISO code, None where the source does not tell it
    state: ``operating``, ``announced`` (somebody said it will be), ``planned`` (permits, tenders), ``withdrawn``
    start: day from which the state holds; chips, systems: how many, None where nobody says
    of_all: the numbers are of all that its country had of the system on that day, other entries among them; of all that
        there was anywhere, where the country is None
    nowhere_else: the source says that on that day the system stood in no other country
    """

    id: str
    system: str
    owner: str
    country: str | None = None
    site: str | None = None
    state: Literal["operating", "announced", "planned", "withdrawn"]
    start: Date
    chips: Count | None = None
    systems: Count | None = None
    of_all: bool = False
    nowhere_else: bool = False
    source: str
    tier: Tier
    locator: str
    basis: Basis
    note: str | None = None
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse what is no code of a country. Raises CatalogError."""
        if self.country is not None and not re.fullmatch(r"[A-Z]{2}", self.country):
            hint = "write two capital letters: CN"
            raise CatalogError(f"country is {self.country!r}, no country code", hint=hint)

"""A risk of the small taxonomy that safety tests are sorted by: what it is called where, which tests speak to it."""

from __future__ import annotations

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.instrument import Tier
from accord.catalog.value import Sources


class Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a risk is named; words: what it is called there, in a few of our own words."""

    words: str
    source: str
    tier: Tier
    locator: str


class TaxonomyRisk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One risk.

    tests: names of tests that speak to it, small letters with hyphens; ``*`` stands for any letters
    valid_days: after which a test of it is too old; valid_why: why so long; named: where others name the risk
    """

    id: str
    name: str
    about: str
    tests: tuple[str, ...]
    valid_days: int
    valid_why: str
    named: tuple[Named, ...]
    note: str | None = None
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse a risk that nobody names, and a source that is not below. Raises CatalogError."""
        if not self.named:
            raise CatalogError("named is empty", hint="cite at least one list of risks that names it")

"""The law over the catalog: rules of a day, parties and items as facts, opened once and asked often."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

from accord.base.errors import CatalogError, MissingFact
from accord.catalog.group import Group
from accord.catalog.instrument import Instrument
from accord.catalog.load import Catalog
from accord.catalog.party import Party
from accord.policy.classify import Verdict, classify
from accord.policy.deal import Deal, deal_facts, moves
from accord.policy.item import Item, chip_facts, system_facts
from accord.policy.rulebook import Rulebook, rulebook


@dataclass(frozen=True, slots=True)
class Classified:
    """An item in a deal on a day, and what the rules say of it."""

    item: Item
    deal: Deal
    verdict: Verdict
    book: Rulebook


class Law:
    """Rules, groups and parties of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        """Remember the catalog; entries are opened when they are first asked for."""
        self.catalog = catalog
        self._books: dict[tuple[datetime.date, tuple[tuple[str, float], ...]], Rulebook] = {}

    @functools.cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """Every instrument of the catalog."""
        return tuple(self.catalog.instrument(id) for id in self.catalog.ids("instruments"))

    @functools.cached_property
    def groups(self) -> tuple[Group, ...]:
        """Every group of countries."""
        return tuple(self.catalog.group(id) for id in self.catalog.ids("groups"))

    @functools.cached_property
    def parties(self) -> tuple[Party, ...]:
        """Every party."""
        return tuple(self.catalog.party(id) for id in self.catalog.ids("parties"))

    def book(self, day: datetime.date, what_if: Mapping[str, float] | None = None) -> Rulebook:
        """Return the rules of a day, compiled once. Raises UsageError for a parameter no rule has."""
        key = (day, tuple(sorted((what_if or {}).items())))
        if key not in self._books:
            self._books[key] = rulebook(self.instruments, self.groups, day, what_if)
        return self._books[key]

    def maker(self, vendor: str) -> Party | None:
        """Return the party whose chips carry a vendor's name, None where the catalog has none."""
        if vendor in self.catalog.ids("parties") and self.catalog.party(vendor).chip_vendor == vendor:
            return self.catalog.party(vendor)
        return next((party for party in self.parties if party.chip_vendor == vendor), None)

    def item(self, id: str) -> Item:
        """Return a chip or system as facts.

        Raises CatalogError for an unknown id, MissingFact for a system whose chip is not known.
        """
        catalog = self.catalog
        if id in catalog.ids("chips"):
            chip = catalog.chip(id)
            return chip_facts(chip, self.maker(chip.vendor))
        if id not in catalog.ids("systems"):
            kind, _ = catalog.find(id)  # names the closest id where there is none
            raise CatalogError(f"{kind}/{id} is neither a chip nor a system", hint="accord catalog list chips")
        system = catalog.system(id)
        if system.chip is None:
            raise MissingFact(f"the entry of {id} names no chip", hint="ask for the chip itself")
        chip = catalog.chip(system.chip)
        return system_facts(system, chip, self.maker(chip.vendor))

    def classified(
        self, item: Item, deal: Deal, day: datetime.date, what_if: Mapping[str, float] | None = None
    ) -> Classified:
        """Ask the rules of a day of an item in a deal."""
        book = self.book(day, what_if)
        verdict = classify(book, deal_facts(deal, item.facts))
        if "transaction" in verdict.deciding:
            verdict = _whatever_way(book, deal, item) or verdict
        return Classified(item, deal, _renamed(verdict, deal), book)


def classify_system(law: Law, system: str, deal: Deal, day: datetime.date) -> Classified:
    """Ask the rules of a day of a chip or system by its id; errors as of :meth:`Law.item`."""
    return law.classified(law.item(system), deal, day)


def _whatever_way(book: Rulebook, deal: Deal, item: Item) -> Verdict | None:
    """The verdict that every way to move the item leads to, None where they differ."""
    ways = [classify(book, deal_facts(replace(deal, transaction=way), item.facts)) for way in moves(deal, item.facts)]
    answers = {(way.eccn, way.outcome, way.importer) for way in ways}
    return ways[0] if len(answers) == 1 else None


def _renamed(verdict: Verdict, deal: Deal) -> Verdict:
    """Say of an undecided transaction what would decide it: the countries, or the item's origin."""
    if "transaction" not in verdict.deciding:
        return verdict
    lacking = [name for name, given in (("from", deal.seller), ("destination", deal.buyer)) if given is None]
    names = lacking or ["origin"]
    deciding = tuple(
        dict.fromkeys(n for name in verdict.deciding for n in (names if name == "transaction" else [name]))
    )
    outcome = verdict.outcome
    if outcome.startswith("depends:"):
        outcome = "|".join(f"depends:{name}" for name in deciding)
    return replace(verdict, deciding=deciding, outcome=outcome)

"""A question of export control as people put it: names, countries and words, turned into an item, a deal and facts."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from accord.api.law import Law
from accord.base import units
from accord.base.errors import AccordError, CatalogError, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.legal_fact import ACTS, DEAL, FACTS, ITEM
from accord.catalog.load import Catalog
from accord.catalog.party import Party
from accord.policy.countries import CODES
from accord.policy.deal import Deal, deal_facts
from accord.policy.facts import FactValue
from accord.policy.item import Item, Told
from accord.policy.screen import closest, resolve, sides_facts
from accord.report.policy_words import GIVEN

ASKABLE = (*ITEM, *DEAL)
_MOVES = ("reexport", "in_country_transfer", "domestic", *ACTS)
_ACROSS = re.compile(r"(?:export_from|import_into)_([a-z]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, as it was written; what is not told is None.

    id: chip or system; seller, buyer: countries; hq: country of the consignee's headquarters
    consignee, exporter: parties by id, name or alias; given: facts by name, which go before the catalog's
    what_if: numbers in place of rules' parameters
    """

    id: str
    seller: str | None = None
    buyer: str | None = None
    hq: str | None = None
    consignee: str | None = None
    exporter: str | None = None
    transaction: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    what_if: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question read: what is traded, in which deal.

    kind: chips or systems; hq: country, of the consignee where only that is told
    exporter: id of the party, else the word that was written; sender, consignee: of the catalog
    unscreened: parties that the catalog has not, in words; parties: of the catalog
    """

    question: Question
    kind: str
    item: Item
    hq: str | None
    exporter: str | None
    sender: Party | None
    consignee: Party | None
    unscreened: tuple[str, ...]
    parties: Sequence[Party]

    def deal(self, day: datetime.date) -> Deal:
        """The deal on a day: what is known of the consignee changes with it."""
        asked = self.question
        more = sides_facts(
            self.parties, day, consignee=self.consignee, named=asked.consignee is not None, exporter=self.sender
        )
        return Deal(
            seller=asked.seller, buyer=asked.buyer, hq=self.hq, exporter=self.exporter, transaction=asked.transaction,
            more={**more, **{name: value for name, value in self.given().items() if name in DEAL}},
        )  # fmt: skip

    def given(self) -> dict[str, FactValue]:
        """Facts that the question itself states."""
        return {name: parse_fact(name, text) for name, text in self.question.given.items()}

    def facts(self, day: datetime.date) -> dict[str, FactValue]:
        """All that rules are asked with on a day."""
        return deal_facts(self.deal(day), self.item.facts)


def read_question(question: Question, law: Law) -> Asked:
    """Find the item, the parties and the countries of a question.

    Raises UsageError for words that name nothing, CatalogError for an unknown item, both with the closest.
    """
    for flag, code in (("--from", question.seller), ("--to", question.buyer), ("--hq", question.hq)):
        check_country(code, flag, law.catalog)
    _check_transaction(question.transaction)
    kind = _kind(law.catalog, question.id)
    asked = Asked(question, kind, law.item(question.id), question.hq, None, None, None, (), law.parties)
    given = {name: value for name, value in asked.given().items() if name in (*ITEM, "origin")}
    asked = replace(asked, item=_with(asked.item, given)) if given else asked
    return _with_parties(asked, law)


def check_country(code: str | None, flag: str, catalog: Catalog) -> None:
    """Refuse what is no country code of two letters. Raises UsageError with the closest."""
    if code is None or code in CODES:
        return
    if code.upper() in CODES:
        raise UsageError(f"'{code}' is no country code", where=flag, hint=f"did you mean '{code.upper()}'?")
    names = {
        catalog.place(id).name.casefold(): catalog.place(id).country
        for id in catalog.ids("places")
        if catalog.place(id).kind == "country"
    }
    named = names.get(code.casefold())
    hint = f"did you mean '{named}'?" if named else did_you_mean(code.upper(), sorted(CODES))
    raise UsageError(f"'{code}' is no country code of two letters", where=flag, hint=hint)


def parse_fact(name: str, text: str) -> FactValue:
    """A fact in the unit of the legal facts. Raises UsageError for an unknown name, or what the fact cannot be."""
    if name not in FACTS:
        raise UsageError(f"no fact is called '{name}'", where="--set", hint=did_you_mean(name, ASKABLE))
    fact = FACTS[name]
    where = f"--set {name}"
    if fact.kind == "number":
        return _number(text, fact.unit, where)
    if fact.kind == "day":
        try:
            return float(datetime.date.fromisoformat(text).toordinal())
        except ValueError:
            raise UsageError(f"'{text}' is no day", where=where, hint="write it as 2025-05-01") from None
    if fact.kind == "set":
        return frozenset(word.strip().lower() for word in text.split(",") if word.strip())
    if fact.kind == "country" and text not in CODES:
        raise UsageError(f"'{text}' is no country code", where=where, hint=did_you_mean(text.upper(), sorted(CODES)))
    if fact.words and text not in fact.words:
        raise UsageError(f"'{text}' is no value of it", where=where, hint=did_you_mean(text, fact.words))
    return text


def _kind(catalog: Catalog, id: str) -> str:
    """Raises CatalogError naming the closest chip or system."""
    for kind in ("chips", "systems"):
        if id in catalog.ids(kind):
            return kind
    names = (*catalog.ids("chips"), *catalog.ids("systems"))
    raise CatalogError(f"no chip or system is called '{id}'", hint=did_you_mean(id, names))


def _check_transaction(word: str | None) -> None:
    if word is None or word in _MOVES:
        return
    across = _ACROSS.fullmatch(word)
    if across is None or across.group(1).upper() not in CODES:
        known = ("export_from_us", *_MOVES)
        raise UsageError(f"no transaction is called '{word}'", where="--transaction", hint=did_you_mean(word, known))


def _with(item: Item, given: Mapping[str, FactValue]) -> Item:
    """An item whose facts are those of the question where it states them; a stated density goes before its parts."""
    facts, told = {**item.facts, **given}, dict(item.told)
    told |= {name: Told(GIVEN, "assumed", ()) for name in given}
    if "performance_density" in given and "die_area" not in given:
        facts.pop("die_area", None)
        told.pop("die_area", None)
    return replace(item, facts=facts, told=told)


def _with_parties(asked: Asked, law: Law) -> Asked:
    question, unscreened = asked.question, []
    exporter = resolve(law.parties, question.exporter) if question.exporter is not None else None
    consignee = resolve(law.parties, question.consignee) if question.consignee is not None else None
    for what, name, party in (
        ("exporter", question.exporter, exporter),
        ("consignee", question.consignee, consignee),
    ):
        if name is not None and party is None:
            near = closest(law.parties, name)
            meant = f"; did you mean {' or '.join(near)}?" if near else ""
            unscreened.append(f"{what} {name}: not screened, the catalog has no such party{meant}")
    hq = question.hq or (consignee.country if consignee is not None else None)
    named = exporter.id if exporter is not None else (question.exporter or "").strip().lower() or None
    return replace(
        asked, hq=hq, exporter=named, sender=exporter, consignee=consignee, unscreened=tuple(unscreened)
    )  # fmt: skip


def _number(text: str, unit: str, where: str) -> float:
    """A plain number is in the fact's unit; another unit is converted where units know it."""
    try:
        found = float(text)
    except ValueError:
        try:
            found = units.parse(text, unit, name="the value")
        except AccordError as error:
            raise UsageError(error.what, where=where, hint=error.hint) from None
    if not 0.0 <= found < float("inf"):
        raise UsageError(f"'{text}' is no number of 0 or more", where=where)
    return found

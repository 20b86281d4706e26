"""A question of export control as people put it: names, countries and words, turned into an item, a deal and facts."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from accord.api.law import Law
from accord.base import units
from accord.base.errors import AccordError, CatalogError, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.countries import CODES
from accord.catalog.legal_fact import ACTS, DEAL, FACTS, ITEM
from accord.catalog.load import Catalog
from accord.catalog.party import Party
from accord.policy.cases import DESCRIBED, described_item, item_words
from accord.policy.countries import OTHERWISE, REGIONS
from accord.policy.deal import Deal, deal_facts
from accord.policy.facts import FactValue
from accord.policy.item import Item, Told, name_words
from accord.policy.rulebook import unit_of_parameter
from accord.policy.screen import closest, resolve, sides_facts
from accord.report.policy_words import GIVEN

ASKABLE = (*ITEM, *DEAL)
_MOVES = ("reexport", "in_country_transfer", "domestic", *ACTS)
_ACROSS = re.compile(r"(export_from|import_into)_([a-z]{2})")
_FLAGS = (("destination", "buyer", "--to"), ("hq", "hq", "--hq"), ("exporter", "exporter", "--exporter"),
          ("transaction", "transaction", "--transaction"))  # fmt: skip
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, as it was written; what is not told is None.

    id: chip or system, "" for an item that is described instead; seller, buyer: countries
    hq: country of the consignee's headquarters
    consignee, exporter: parties by id, name or alias; given: facts by name, which go before the catalog's
    what_if: numbers in place of rules' parameters, as written with their units, or as numbers in the rules' units
    item, name: kind of an item that the catalog has not, and what it is called
    """

    id: str = ""
    seller: str | None = None
    buyer: str | None = None
    hq: str | None = None
    consignee: str | None = None
    exporter: str | None = None
    transaction: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    what_if: Mapping[str, str | float] = field(default_factory=dict)
    item: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question read: what is traded, in which deal.

    kind: chips, systems, or items for what is described; announced: day of the chip, where it is known
    hq: country, of the consignee where only that is told
    exporter: id of the party, else the word that was written; sender, consignee: of the catalog
    unscreened: parties that the catalog has not, in words; parties: of the catalog
    what_if: numbers in place of rules' parameters, in the rules' units
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
    announced: str | None = None
    what_if: Mapping[str, float] = field(default_factory=dict)

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
    question = _one_deal(question)
    for flag, code in (("--from", question.seller), ("--to", question.buyer), ("--hq", question.hq)):
        check_country(code, flag, law.catalog)
    _check_transaction(question)
    kind, item, announced = _item(question, law)
    what_if = {name: _changed(name, value, law) for name, value in question.what_if.items()}
    asked = Asked(question, kind, item, question.hq, None, None, None, (), law.parties, announced, what_if)
    given = {name: value for name, value in asked.given().items() if name not in DEAL or name == "origin"}
    asked = replace(asked, item=_with(asked.item, given)) if given else asked
    return _with_parties(asked, law)


def check_country(code: str | None, flag: str, catalog: Catalog) -> None:
    """Refuse what is no country code of two letters. Raises UsageError with the closest."""
    if code is None or code in CODES:
        return
    upper = code.upper()
    if upper in CODES or upper in OTHERWISE:
        hint = f"did you mean '{OTHERWISE.get(upper, upper)}'?"
        raise UsageError(f"'{code}' is no country code", where=flag, hint=hint)
    if upper in REGIONS:
        raise UsageError(f"'{code}' is {REGIONS[upper]}, not one country", where=flag, hint="ask of one country, as DE")
    names = {
        catalog.place(id).name.casefold(): catalog.place(id).country
        for id in catalog.ids("places")
        if catalog.place(id).kind == "country"
    }
    named = names.get(code.casefold())
    hint = f"did you mean '{named}'?" if named else "such as CN or US (ISO 3166-1)"
    raise UsageError(f"'{code}' is no country code of two letters", where=flag, hint=hint)


def parse_fact(name: str, text: str) -> FactValue:
    """A fact in the unit of the legal facts. Raises UsageError for an unknown name, or what the fact cannot be."""
    if name not in FACTS:
        raise UsageError(f"no fact is called '{name}'", where="--set", hint=did_you_mean(name, ASKABLE))
    fact = FACTS[name]
    where = f"--set {name}"
    if fact.kind == "number":
        return _number(text, fact.unit, where, bare=fact.unit == "1" or name.endswith(f"_{fact.unit.lower()}"))
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


def _one_deal(question: Question) -> Question:
    """The question with each part of the deal told once. Raises UsageError where it is told in two ways."""
    given = dict(question.given)
    told: dict[str, Any] = {}
    if "class" in given:
        hint = "state what it is made of: tpp, die_area, ..."
        raise UsageError("the class follows from the rules and is not stated", where="--set class", hint=hint)
    for fact, name, flag in _FLAGS:
        if fact not in given:
            continue
        flagged, value = getattr(question, name), given.pop(fact)
        if flagged is not None and flagged != value:
            said = f"{flag} {flagged} and --set {fact}={value} contradict one another"
            raise UsageError(said, where=f"--set {fact}", hint=f"leave one of them out; {flag} is enough")
        told[name] = value
    return replace(question, given=given, **told)


def _item(question: Question, law: Law) -> tuple[str, Item, str | None]:
    """Kind, item and day of announcement. Raises CatalogError naming the closest chip or system."""
    catalog, id = law.catalog, question.id
    if question.item is not None:
        if question.item not in DESCRIBED:
            hint = did_you_mean(question.item, DESCRIBED)
            raise UsageError(f"'{question.item}' is no kind of item that can be described", where="--item", hint=hint)
        if id or not question.name:
            said = "--item describes an item in place of a chip or system" if id else "the item has no name"
            raise UsageError(said, where="--item", hint='such as --item memory --name "HBM3E stack"')
        return "items", described_item(question.item, question.name), None
    if question.name is not None or not id:
        hint = 'name a chip or system, or describe it: --item memory --name "HBM3E stack"'
        said = "no chip or system is named" if not id else "only an item that is described has a name"
        raise UsageError(said, where="--name" if id else "CHIP|SYSTEM", hint=hint)
    if id in catalog.ids("chips"):
        return "chips", law.item(id), catalog.chip(id).announced
    if id in catalog.ids("systems"):
        item, chip = law.item(id), catalog.system(id).chip
        return "systems", item, catalog.chip(chip).announced if chip is not None else None
    raise CatalogError(f"no chip or system is called '{id}'", hint=_closest_item(id, catalog))


def _closest_item(asked: str, catalog: Catalog) -> str:
    """Entries whose name has all words of what was asked, the shortest first, else the closest id."""
    names = {id: catalog.chip(id).name for id in catalog.ids("chips")}
    names |= {id: catalog.system(id).name for id in catalog.ids("systems")}
    words = item_words(asked)
    near = [id for id, name in names.items() if words and words <= {*name_words(id), *name_words(name)}]
    near.sort(key=lambda id: (len(name_words(id)), id))
    if not near:
        return did_you_mean(asked, tuple(names))
    more = f", ... ({len(near)} in all)" if len(near) > _MOST_NAMED else ""
    return f"did you mean {' or '.join(repr(id) for id in near[:_MOST_NAMED])}{more}?"


def _check_transaction(question: Question) -> None:
    """Refuse a word that is no transaction, or one that the countries belie. Raises UsageError."""
    word, seller, buyer = question.transaction, question.seller, question.buyer
    if word is None:
        return
    across = _ACROSS.fullmatch(word)
    if word not in _MOVES and (across is None or across.group(2).upper() not in CODES):
        known = ("export_from_us", *_MOVES)
        raise UsageError(f"no transaction is called '{word}'", where="--transaction", hint=did_you_mean(word, known))
    belied = None
    if across is not None:
        way, there = across.group(1), across.group(2).upper()
        flag, told = ("--from", seller) if way == "export_from" else ("--to", buyer)
        belied = f"{flag} {told}" if told is not None and told != there else None
    elif seller is not None and buyer is not None:
        within = word in ("in_country_transfer", "domestic")
        if (within and seller != buyer) or (word == "reexport" and (seller == buyer or "US" in (seller, buyer))):
            belied = f"--from {seller} --to {buyer}"
    if belied:
        hint = "leave --transaction out: the countries make it"
        raise UsageError(f"{word} contradicts {belied}", where="--transaction", hint=hint)


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
    check_hq(question.hq, consignee)
    hq = question.hq or (consignee.country if consignee is not None else None)
    named = exporter.id if exporter is not None else (question.exporter or "").strip().lower() or None
    return replace(
        asked, hq=hq, exporter=named, sender=exporter, consignee=consignee, unscreened=tuple(unscreened)
    )  # fmt: skip


def check_hq(hq: str | None, consignee: Party | None) -> None:
    """Refuse headquarters elsewhere than those of the consignee. Raises UsageError."""
    if consignee is not None and hq not in (None, consignee.country):
        said = f"{hq} contradicts the catalog: {consignee.name}, or its ultimate parent, is of "
        hint = f"leave --hq out: {consignee.country} counts, wherever the entity that buys is registered"
        raise UsageError(said + consignee.country, where="--hq", hint=hint)


def _changed(name: str, value: str | float, law: Law) -> float:
    """Another number for a parameter, in the rule's unit; where that is no plain number, the text must say it."""
    unit = unit_of_parameter(law.instruments, name)
    return _number(value, unit, f"--what-if {name}", bare=unit == "1") if isinstance(value, str) else value


def _number(text: str, unit: str, where: str, *, bare: bool) -> float:
    """A number with its unit; bare: whether it may stand without one."""
    try:
        found = _plain(text) if bare else None
        found = units.parse(text, unit, name="it") if found is None else found
    except AccordError as error:
        hint = f"write it as, say, '{_LIKE[unit]}'" if unit in _LIKE else error.hint
        raise UsageError(error.what, where=where, hint=hint) from None
    if not 0.0 <= found < float("inf"):
        raise UsageError(f"'{text}' is no number of 0 or more", where=where)
    return found


def _plain(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_LIKE = {"1": "4800", "mm2": "814 mm2", "B/s": "8 TB/s", "b/s": "400 Gb/s", "nm": "5 nm"}

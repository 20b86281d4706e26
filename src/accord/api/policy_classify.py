"""``accord policy classify`` and ``migrate``: an item in a deal, on a day and through time."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from accord.api.law import Classified, Law
from accord.api.policy_ask import Asked, Question, read_question
from accord.api.policy_places import place_remarks
from accord.api.policy_zones import zones_of
from accord.base.errors import CatalogError
from accord.base.source import Source
from accord.catalog.legal_fact import FACTS, ITEM
from accord.policy.branches import Branch, branches
from accord.policy.classify import classify
from accord.policy.decide import NO_LICENCE
from accord.policy.facts import FactValue
from accord.policy.gate import NOT_COVERED
from accord.policy.history import Period, breakpoints, first_rule, history, last_read
from accord.policy.item import Item
from accord.policy.logic import FALSE
from accord.policy.rulebook import Rulebook
from accord.policy.screen import changes, screen
from accord.report import policy_view as view
from accord.report.policy_result import ClassAnswer, Flip, cited, classify_dict, migrate_dict
from accord.report.policy_words import DISCLAIMER
from accord.report.tables import Table
from accord.report.to_json import source_entry
from accord.report.zones_svg import draw

_CLAIMED = ("tpp", "die_area", "io_bandwidth", "dram_bandwidth")  # figures whose other sources are tried
_TOPICS = ("export", "import")
_OF_US = ("reexport", "in_country_transfer")  # of an item that US law follows
_OF_SCOPE = ("item_type", "transaction", "destination", "hq")
_KINDS = {"ic": "chips", "system": "systems", "weights": "model weights", "material": "materials"}
_OF_TRANSACTION = ("from", "destination", "origin")
_FEW = 4  # facts that decide; beyond them only figures are branched on, and the history is made where it is asked for


@dataclass(frozen=True, slots=True)
class Told:
    """What a verb prints; picture: SVG, None unless it was asked for."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    warnings: Sequence[str]
    tables: Sequence[Table]
    picture: bytes | None = None


def classify_answer(
    question: Question, day: datetime.date, law: Law, *, explain: bool = False, through_time: bool = False,
    picture: bool = False,
) -> Told:  # fmt: skip
    """Answer ``policy classify``.

    explain: tell rules that do not hold as well; through_time: print the history; picture: draw the zones of the day
    Raises UsageError for words that name nothing, CatalogError for an unknown item, MissingFact for a system of
    unknown chips.
    """
    asked = read_question(question, law)
    found = law.classified(asked.item, asked.deal(day), day, asked.what_if)
    verdict, deal = found.verdict, asked.question
    periods = _periods(asked, law) if len(verdict.deciding) <= _FEW or through_time else ()
    days, unspoken = days_told(day, law), _unspoken(found)
    silent = _unspoken_told(unspoken, asked.item)
    answer = ClassAnswer(
        item=asked.item, kind=asked.kind, day=day, seller=deal.seller, buyer=deal.buyer, hq=asked.hq,
        verdict=verdict, branches=_branches(found), flips=tuple(_flips(asked, found)), periods=periods,
        what_if=asked.what_if, digest=found.book.digest, ruled=_ruled(law),
        not_checked=(*days, *silent, *_not_checked(asked, law)),
        consignee=question.consignee, given=frozenset(question.given), explain=explain, history=through_time,
        screened=screen(law.parties, asked.consignee.id, day) if asked.consignee is not None else None,
        remarks=(
            *_announced(asked, day), *(silent if verdict.outcome == NO_LICENCE else ()),
            *place_remarks(found, law.groups),
        ),
        unspoken=unspoken,
        ways=_ways(found.book),
    )  # fmt: skip
    answer = replace(answer, sources=dict(_sources(law, cited(answer))))
    return Told(
        inputs={**_inputs(question), "date": day.isoformat(), "explain": explain, "history": through_time},
        result=classify_dict(answer),
        sources=[source_entry(key, source) for key, source in answer.sources.items()],
        warnings=[*days, *_warnings(asked)],
        tables=view.classify_tables(answer),
        picture=draw(zones_of(asked, found, law, NOT_COVERED)) if picture else None,
    )


def migrate_answer(question: Question, law: Law) -> Told:
    """Answer ``policy migrate``: class and outcome of an item through time. Errors as of :func:`classify_answer`."""
    asked = read_question(question, law)
    periods = _periods(asked, law)
    last = last_read(law.instruments)
    deal = asked.question
    told = view.asked_text(deal.seller, deal.buyer, asked.hq, deal.exporter)
    not_checked = _not_checked(asked, law)
    remarks = _announced(asked, first_rule(law.instruments))
    notes = (
        *remarks, *(f"Not checked: {one}." for one in not_checked), DISCLAIMER.format(day=last or "an unknown day"),
    )  # fmt: skip
    result = migrate_dict(
        asked.item, asked.kind, periods, **{"from": deal.seller}, to=deal.buyer, hq=asked.hq,
        remarks=list(remarks), last_checked=last.isoformat() if last else None, not_checked=list(not_checked),
        disclaimer=DISCLAIMER.format(day=last or "an unknown day"),
    )  # fmt: skip
    rules = {name for one in periods for name in one.rules}
    keys = [
        f"instruments/{one.id}:{cite.source}"
        for one in law.instruments
        for rule in one.rules
        if f"{one.id}/{rule.name}" in rules
        for cite in rule.cites
    ]
    return Told(
        inputs=_inputs(question),
        result=result,
        sources=[source_entry(key, source) for key, source in _sources(law, list(dict.fromkeys(keys)))],
        warnings=_warnings(asked),
        tables=view.migrate_tables(asked.item, told, periods, notes),
    )


def days_told(day: datetime.date, law: Law) -> tuple[str, ...]:
    """What is to be said of a day on which the catalog cannot speak: before its first rule, or after the last check."""
    last, first = last_read(law.instruments), first_rule(law.instruments)
    if last is not None and day > last:
        return (f"rules after {last}, when the last source was read: on {day} they may be others",)
    if first is not None and day < first:
        return (f"rules before {first}, the first of the catalog: it says nothing of {day}",)
    return ()


def _announced(asked: Asked, day: datetime.date | None) -> tuple[str, ...]:
    """A remark where a day lies before the item was announced."""
    if asked.announced is None or day is None or asked.announced <= day.isoformat():
        return ()
    return (f"{asked.item.name} was announced {asked.announced}: before that there was none to trade",)


def _unspoken(found: Classified) -> frozenset[str]:
    """Jurisdictions whose law follows the item, and of which no rule of the day is about this kind of item."""
    facts = found.verdict.facts
    kind, transaction = facts.get("item_type"), str(facts.get("transaction", ""))
    places = {"us"} if facts.get("origin") == "US" or transaction in _OF_US else set()
    places |= {transaction.removeprefix("export_from_")} if transaction.startswith("export_from_") else set()
    about = {name: facts[name] for name in _OF_SCOPE if name in facts}
    spoken = {
        rule.instrument.jurisdiction
        for rule in found.book.rules
        if rule.instrument.topic in _TOPICS and kind in rule.rule.scope.items and rule.evaluate(about)[0] != FALSE
    }
    return frozenset(places - spoken) if isinstance(kind, str) else frozenset()


def _unspoken_told(places: frozenset[str], item: Item) -> tuple[str, ...]:
    kind = item.facts.get("item_type", "")
    named = _KINDS.get(str(kind), str(kind))
    return tuple(f"law of {one.upper()} on {named}: no rule here is about this kind of item" for one in sorted(places))


def _ways(book: Rulebook) -> dict[str, frozenset[str]]:
    """Countries of each group or code that the rules of the day write."""
    words = {
        word for rule in book.rules for leaf in rule.leaves if FACTS[leaf.fact].kind == "country" for word in leaf.words
    }
    return {word: book.places.sets((word,))[0] for word in sorted(words)}


def _periods(asked: Asked, law: Law) -> tuple[Period, ...]:
    """The answer through time; numbers that are put in place of a rule's hold throughout."""
    days = breakpoints(law.instruments, law.groups)
    if asked.consignee is not None:
        days = tuple(sorted({*days, *changes(law.parties, asked.consignee)}))
    return history(
        lambda day: law.classified(asked.item, asked.deal(day), day, asked.what_if).verdict, days,
        last_read(law.instruments),
    )  # fmt: skip


def _branches(found: Classified) -> dict[str, tuple[Branch, ...]]:
    """What follows from each value of the facts that decide, everything else as it is."""
    names = [
        name for name in dict.fromkeys((*found.verdict.deciding, *found.verdict.importer_deciding)) if name in FACTS
    ]
    if len(found.verdict.deciding) > _FEW:
        names = [name for name in names if name in ITEM and FACTS[name].kind == "number"]
    open_ = [f"depends:{name}" for name in found.verdict.deciding if name in _OF_TRANSACTION]
    told = {
        name: tuple(_renamed(way, open_) for way in branches(found.book, found.verdict.facts, name)) for name in names
    }  # fmt: skip
    return {
        name: ways if ways and ways[0].number else tuple(sorted(ways, key=lambda way: not way.words))
        for name, ways in told.items()
    }  # fmt: skip


def _renamed(way: Branch, open_: Sequence[str]) -> Branch:
    """A branch that hangs on the transaction, by what the question lacks for it."""
    words = way.outcome.split("|")
    if "depends:transaction" not in words or not open_:
        return way
    named = [one for word in words for one in (open_ if word == "depends:transaction" else [word])]
    return replace(way, outcome="|".join(dict.fromkeys(named)))


def _flips(asked: Asked, found: Classified) -> Iterator[Flip]:
    """Values of other sources that would make another class or outcome."""
    day, verdict = found.book.day, found.verdict
    for name in _CLAIMED:
        told = asked.item.told.get(name)
        for point in told.points if told is not None else ():
            if point == asked.item.facts.get(name) or point <= 0.0:
                continue
            facts: dict[str, FactValue] = {**asked.item.facts, name: point}
            other = classify(found.book, replace(asked, item=replace(asked.item, facts=facts)).facts(day))
            if (other.eccn, other.outcome) != (verdict.eccn, verdict.outcome) and other.eccn != verdict.eccn:
                yield Flip(name, point, other.eccn, other.outcome)


def _ruled(law: Law) -> frozenset[str]:
    """Jurisdictions whose export or import law the catalog has."""
    return frozenset(one.jurisdiction for one in law.instruments if one.topic in _TOPICS)


def _not_checked(asked: Asked, law: Law) -> tuple[str, ...]:
    """What no rule here covers: subjects, jurisdictions without rules, parties that nobody screened."""
    places = dict.fromkeys(code for code in (asked.question.seller, asked.question.buyer, asked.hq) if code)
    without = [code for code in places if code.lower() not in _ruled(law)]
    says = [*NOT_COVERED, *(f"law of {code}: the catalog has no export or import rule of it" for code in without)]
    if asked.question.consignee is None:
        says.append("the consignee: no party is named and none was screened; the answer is for one on no list")
    return (*says, *asked.unscreened)


def _warnings(asked: Asked) -> list[str]:
    exporter = asked.question.exporter
    known = not any(one.startswith("exporter") and "no such party" in one for one in asked.unscreened)
    return (
        [] if exporter is None or known else [f"exporter '{exporter}' is no party of the catalog; no letter names it"]
    )


def _inputs(question: Question) -> dict[str, object]:
    return {
        "id": question.id, "item": question.item, "name": question.name,
        "from": question.seller, "to": question.buyer, "hq": question.hq,
        "consignee": question.consignee, "exporter": question.exporter, "transaction": question.transaction,
        "set": dict(question.given), "what_if": dict(question.what_if),
    }  # fmt: skip


def _sources(law: Law, keys: Sequence[str]) -> Iterator[tuple[str, Source]]:
    """Sources by ``kind/id:key``; one that an entry does not hold is left out."""
    for key in keys:
        owner, _, name = key.rpartition(":")
        kind, _, id = owner.partition("/")
        try:
            yield key, law.catalog.source(kind, id, name)
        except CatalogError:
            continue

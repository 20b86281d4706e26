"""The law as ``accord plan`` asks it: the deal in terms, each system's verdict, and which may stand in a plan."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

from accord.api.law import Classified, Law, classify_system
from accord.api.policy_ask import check_country, check_hq, parse_fact
from accord.api.policy_places import place_remarks
from accord.base.errors import MissingFact, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.legal_fact import DEAL, FACTS
from accord.catalog.load import Catalog
from accord.planner.lawful import Lawful, LawTerms, ModelLaw, SystemLaw
from accord.planner.problem import LAW_MODES, LawMode
from accord.policy.branches import Branch, branches
from accord.policy.classify import INSUFFICIENT
from accord.policy.deal import Deal
from accord.policy.decide import NO_RULE
from accord.policy.facts import FactValue
from accord.policy.gate import NOT_COVERED, gate
from accord.policy.licences import Buyer, LicenceAnswer, licence_everywhere, licence_of
from accord.policy.screen import closest, resolve, screen, sides_facts
from accord.policy.unknowns import ELSE
from accord.report.policy_words import branch_text, label
from accord.report.to_json import source_entry

Classify = Callable[[Law, str, Deal, datetime.date], Classified]
_SHOWN = 2  # deciding facts whose branches are told
_OF_FLAGS = ("transaction", "origin", "destination", "hq", "exporter")  # facts that flags make


def law_terms(
    catalog: Catalog, *, mode: str = "strict", seller: str | None = None, buyer: str | None = None,
    hq: str | None = None, day: str | None = None, exporter: str | None = None, consignee: str | None = None,
    facts: Mapping[str, str] | None = None,
) -> LawTerms:  # fmt: skip
    """Return the deal, with what is taken for granted said.

    seller, buyer, hq: ISO codes of two letters; day: ISO date; exporter, consignee: ids or names of parties, or
        ``other`` for an exporter no letter is addressed to; facts: other facts of the deal as they are written
    Raises UsageError for a mode, a country, a fact or an exporter nobody knows.
    """
    named = next((one for one in LAW_MODES if one == mode), None)
    if named is None:
        raise UsageError(f"'{mode}' is no way to keep the law", where="--law", hint=did_you_mean(mode, LAW_MODES))
    terms = LawTerms(
        mode=named, seller=seller, buyer=buyer, hq=hq, day=day, exporter=exporter, consignee=consignee,
        facts=dict(facts or {}),
    )  # fmt: skip
    return _completed(catalog, terms) if terms.complete else terms


def _completed(catalog: Catalog, terms: LawTerms) -> LawTerms:
    """The same terms with parties found and what is missing assumed, in words."""
    for flag, code in (("--from", terms.seller), ("--to", terms.buyer), ("--hq", terms.hq)):
        check_country(code, flag, catalog)
    for name, text in terms.facts.items():
        _fact(name, text)
    parties = Law(catalog).parties
    said: list[str] = []
    exporter, hq = terms.exporter, terms.hq
    if exporter is None:
        said.append("no exporter is named (--exporter): a letter binds its addressee alone")
    elif exporter.casefold() != ELSE:
        found = resolve(parties, exporter)
        if found is None:
            near = closest(parties, exporter)
            hint = f"did you mean {near[0]!r}?" if near else f"'{ELSE}' is anybody no letter is addressed to"
            raise UsageError(f"the catalog knows no party '{exporter}'", where="--exporter", hint=hint)
        exporter = found.id
    receiver = None if terms.consignee is None else resolve(parties, terms.consignee)
    check_hq(hq, receiver)
    if terms.consignee is None:
        said.append("no consignee is named (--consignee): it is taken to be on no list and owned by nobody listed")
    else:
        day = datetime.date.fromisoformat(terms.day or "")
        said.append(f"consignee {terms.consignee}: {screen(parties, terms.consignee, day).words}")
    if hq is None:
        hq, whose = (terms.buyer, "as the delivery") if receiver is None else (receiver.country, f"as {receiver.name}")
        said.append(f"the consignee's headquarters are taken to be in {hq}, {whose} (--hq)")
    consignee = receiver.id if receiver is not None else terms.consignee
    return LawTerms(
        mode=terms.mode, seller=terms.seller, buyer=terms.buyer, hq=hq, day=terms.day, exporter=exporter,
        consignee=consignee, facts=terms.facts, said=tuple(said),
    )  # fmt: skip


def _fact(name: str, text: str) -> FactValue:
    """A fact of the deal. Raises UsageError for one of an item, one that flags make, or an unknown one."""
    known = [one for one in DEAL if one not in _OF_FLAGS]
    if name not in known:
        what = f"'{name}' is no fact of a deal that can be stated"
        raise UsageError(what, where="--set", hint=did_you_mean(name, known))
    return parse_fact(name, text)


def lawful(
    catalog: Catalog, systems: Sequence[str], terms: LawTerms, *, model: str | None = None,
    classify: Classify = classify_system,
) -> Lawful:  # fmt: skip
    """Ask the law of every system, or chip, and the licence of a model.

    systems: ids; terms: see :func:`law_terms`. Without both countries and the day no system is asked about, without
        the buyer's country and the day no licence is
    classify: what answers of one system. Raises CatalogError for an unknown id.
    """
    if terms.mode == "off" or terms.buyer is None or terms.day is None:
        return Lawful(terms=terms)
    law, day = Law(catalog), datetime.date.fromisoformat(terms.day)
    licence = None if model is None else _licence(law, model, terms, day)
    if not terms.complete:
        return Lawful(terms=terms, model=licence)
    deal = _deal(law, terms, day)
    found = tuple(_verdict(law, system, deal, day, terms, classify) for system in systems)
    return Lawful(terms=terms, systems=found, model=licence, not_covered=_not_covered(law, terms))


def _not_covered(law: Law, terms: LawTerms) -> tuple[str, ...]:
    """What no rule covers: subjects, countries without rules, parties that nobody screened."""
    ruled = _ruled(law)
    places = dict.fromkeys(code for code in (terms.seller, terms.buyer, terms.hq) if code is not None)
    said = [*NOT_COVERED, *(f"law of {code}, of which the catalog has no rule" for code in places
                            if code not in ruled)]  # fmt: skip
    if terms.consignee is None:
        said.append("lists that the consignee may be on, for no name is given")
    return tuple(said)


def _ruled(law: Law) -> frozenset[str]:
    """Countries of whose law on trade the catalog has a rule."""
    return frozenset(one.jurisdiction.upper() for one in law.instruments if one.topic in ("export", "import"))


def _no_way(found: Classified) -> tuple[str, ...]:
    """What the importer's law says that lets no buyer in."""
    hits = (hit for hit in found.verdict.importer_hits if hit.counts)
    return tuple(dict.fromkeys(hit.word for hit in hits if hit.rule.rule.consequence.leaves_a_way is False))


def _deal(law: Law, terms: LawTerms, day: datetime.date) -> Deal:
    """The deal with what the catalog knows of the parties on the day; what the terms state goes before that."""
    consignee, exporter = (
        None if name is None else resolve(law.parties, name) for name in (terms.consignee, terms.exporter)
    )
    more = sides_facts(law.parties, day, consignee=consignee, named=terms.consignee is not None, exporter=exporter)
    more |= {name: _fact(name, text) for name, text in terms.facts.items()}
    return Deal(seller=terms.seller, buyer=terms.buyer, hq=terms.hq, exporter=terms.exporter, more=more)


def _verdict(
    law: Law, system: str, deal: Deal, day: datetime.date, terms: LawTerms, classify: Classify
) -> SystemLaw:  # fmt: skip
    """One system's verdict and whether it passes; of a system without a known chip nothing is known."""
    mode: LawMode = terms.mode
    assert mode != "off"  # terms are complete
    country = terms.buyer or ""
    try:
        found = classify(law, system, deal, day)
    except MissingFact as error:
        kept = gate(INSUFFICIENT, NO_RULE, mode, deciding=(error.what,))
        return SystemLaw(
            system=system, outcome=INSUFFICIENT, importer=NO_RULE, passes=False, reason=kept.reason,
            deciding=kept.deciding,
        )  # fmt: skip
    verdict = found.verdict
    no_way = _no_way(found)
    kept = gate(
        verdict.outcome, verdict.importer, mode, country=country, conditions=verdict.conditions,
        deciding=verdict.deciding, importer_deciding=verdict.importer_deciding, no_way=no_way,
        ruled=country in _ruled(law),
    )  # fmt: skip
    fields = [field for field in kept.deciding if field in FACTS][:_SHOWN]
    chip = system if system in law.catalog.ids("chips") else law.catalog.system(system).chip
    return SystemLaw(
        system=system, chip=chip, eccn=verdict.eccn, outcome=verdict.outcome, importer=verdict.importer,
        passes=kept.passes, reason=kept.reason, conditions=kept.conditions, deciding=kept.deciding,
        no_way=no_way,
        branches=tuple(text for field in fields for text in _told(branches(found.book, verdict.facts, field))),
        sources=_cited(found), said=(*found.item.remarks, *_remarks(law, found, chip, day)),
    )  # fmt: skip


def _remarks(law: Law, found: Classified, chip: str | None, day: datetime.date) -> tuple[str, ...]:
    """That the chip was announced later, and memberships of countries that nobody read in a list."""
    announced = None if chip is None else law.catalog.chip(chip).announced
    later = announced is not None and announced > day.isoformat()[: len(announced)]
    said = (f"the chip was announced {announced}: on {day} there was none to trade",) if later else ()
    return (*said, *place_remarks(found, law.groups))


def _told(found: Sequence[Branch]) -> list[str]:
    """What follows from each value of a fact, of the class and the two outcomes those that differ."""
    differ = [name for name in ("eccn", "outcome", "importer") if len({getattr(one, name) for one in found}) > 1]
    return [
        f"{label(one.field)} {branch_text(one)}: {', '.join(getattr(one, name) for name in differ)}"
        for one in found
        if differ
    ]


def _cited(found: Classified) -> tuple[str, ...]:
    """Sources of the rules that hold or are not known to, as ``instruments/ID:KEY``."""
    hits = (*found.verdict.hits, *found.verdict.importer_hits)
    names = (f"instruments/{hit.rule.instrument.id}:{cite.source}" for hit in hits for cite in hit.rule.rule.cites)
    return tuple(dict.fromkeys(names))


def _licence(law: Law, model: str, terms: LawTerms, day: datetime.date) -> ModelLaw:
    """What the model's licence says of the country of delivery, and of the headquarters where they are elsewhere.

    Only a bar stops: what is not known of the buyer is a condition to check.
    """
    catalog, places = law.catalog, law.book(day).places
    licence = licence_of((catalog.licence(id) for id in catalog.ids("licences")), model)
    countries = [code for code in (terms.buyer, terms.hq) if code is not None]
    answer = licence_everywhere(licence, model, Buyer(), countries, places)
    if answer.verdict == "not_licensed":
        reason = f"licence of {model}: {'; '.join(answer.reasons)}"
        return ModelLaw(
            model=model, licence=answer.licence, answer=answer.verdict, passes=False, reason=reason,
            sources=_terms_cited(answer),
        )  # fmt: skip
    name = f"licence {answer.licence}" if answer.licence else "licence"
    said = dict.fromkeys(f"{name}: {text}" for text in (*answer.conditions, *_unknowns(answer)))
    return ModelLaw(
        model=model, licence=answer.licence, answer=answer.verdict, passes=True, reason=answer.verdict,
        conditions=tuple(said), sources=_terms_cited(answer),
    )  # fmt: skip


def _unknowns(answer: LicenceAnswer) -> list[str]:
    """What is to be checked of a licence: that there is one, or what it asks of facts nobody told."""
    if answer.verdict == "check":
        return [f"check, {reason}" for reason in answer.reasons]
    asked = [f"check, {term.text}" for term in answer.terms if term.kind in answer.missing]
    return asked + (["check whether the use is commercial, which it leaves out"] if "uses" in answer.missing else [])


def _terms_cited(answer: LicenceAnswer) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"licences/{answer.licence}:{term.source}" for term in answer.terms))


def law_sources(catalog: Catalog, found: Sequence[SystemLaw | ModelLaw | None]) -> list[dict[str, object]]:
    """Entries of ``sources`` for everything that verdicts name."""
    names = [name for one in found if one is not None for name in one.sources]
    entries = []
    for name in dict.fromkeys(names):
        kind, _, rest = name.partition("/")
        id, _, key = rest.rpartition(":")
        entries.append(source_entry(name, catalog.source(kind, id, key)))
    return entries


__all__ = ["Classify", "law_sources", "law_terms", "lawful"]

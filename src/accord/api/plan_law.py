"""The law as ``accord plan`` asks it: the deal in terms, each system's verdict, and which may stand in a plan."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence

from accord.api.law import Classified, Law, classify_system
from accord.base import units
from accord.base.errors import MissingFact, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.legal_fact import FACTS
from accord.catalog.load import Catalog
from accord.catalog.party import Party
from accord.planner.lawful import LAW_MODES, Lawful, LawMode, LawTerms, SystemLaw
from accord.policy.branches import Branch, branches
from accord.policy.deal import Deal
from accord.policy.gate import gate
from accord.policy.unknowns import ELSE
from accord.report.to_json import source_entry

Classify = Callable[[Law, str, Deal, datetime.date], Classified]
_SHOWN = 2  # deciding facts whose branches are told


def law_terms(
    catalog: Catalog, *, mode: str = "strict", seller: str | None = None, buyer: str | None = None,
    hq: str | None = None, day: str | None = None, exporter: str | None = None, consignee: str | None = None,
) -> LawTerms:  # fmt: skip
    """Return the deal, with what is taken for granted said.

    seller, buyer, hq: ISO codes of two letters; day: ISO date; exporter, consignee: ids or names of parties, or
        ``other`` for an exporter no letter is addressed to
    Raises UsageError for a mode, a day or an exporter nobody knows.
    """
    named = next((one for one in LAW_MODES if one == mode), None)
    if named is None:
        raise UsageError(f"'{mode}' is no way to keep the law", where="--law", hint=did_you_mean(mode, LAW_MODES))
    asked = LawTerms(mode=named, seller=seller, buyer=buyer, day=day)
    if not asked.complete:
        return LawTerms(mode=named, seller=seller, buyer=buyer, hq=hq, day=day, exporter=exporter, consignee=consignee)
    parties, said = Law(catalog).parties, []
    sender = None if exporter is None else _exporter(parties, exporter)
    receiver = None if consignee is None else _party(parties, consignee)
    if sender is None:
        said.append("no exporter is named (--exporter): letters to a company bind it alone")
    if consignee is not None and receiver is None:
        said.append(f"consignee '{consignee}' is not in the catalog: not screened")
    if hq is None:
        hq = buyer if receiver is None else receiver.country
        whose = "the country of delivery" if receiver is None else f"where {receiver.name} has its own"
        said.append(f"the consignee's headquarters are assumed in {hq}, {whose} (--hq)")
    return LawTerms(
        mode=named, seller=seller, buyer=buyer, hq=hq, day=day, exporter=sender,
        consignee=receiver.id if receiver is not None else consignee, said=tuple(said),
    )  # fmt: skip


def _exporter(parties: Sequence[Party], name: str) -> str:
    """Id of the party, or ``other``. Raises UsageError for what is neither: a letter might be addressed to it."""
    found = _party(parties, name)
    if found is None and name.casefold() != ELSE:
        hint = f"{did_you_mean(name, [one.id for one in parties])}; '{ELSE}' is anyone no letter is addressed to"
        raise UsageError(f"the catalog knows no party '{name}'", where="--exporter", hint=hint)
    return ELSE if found is None else found.id


def _party(parties: Iterable[Party], name: str) -> Party | None:
    folded = name.casefold()
    return next(
        (one for one in parties if folded in (word.casefold() for word in (one.id, one.name, *one.aliases))), None
    )


def lawful(
    catalog: Catalog, systems: Sequence[str], terms: LawTerms, *, classify: Classify = classify_system
) -> Lawful:
    """Ask the law of every system, or chip.

    systems: ids; terms: see :func:`law_terms`; without both countries and the day nothing is asked
    classify: what answers. Raises CatalogError for an unknown id.
    """
    if not terms.complete:
        return Lawful(terms=terms)
    law, deal, day = Law(catalog), _deal(terms), datetime.date.fromisoformat(terms.day or "")
    return Lawful(terms=terms, systems=tuple(_verdict(law, system, deal, day, terms, classify) for system in systems))


def _deal(terms: LawTerms) -> Deal:
    return Deal(seller=terms.seller, buyer=terms.buyer, hq=terms.hq, exporter=terms.exporter)


def _verdict(law: Law, system: str, deal: Deal, day: datetime.date, terms: LawTerms, classify: Classify) -> SystemLaw:
    """One system's verdict and whether it passes; of a system without a known chip nothing is known."""
    mode: LawMode = terms.mode
    assert mode != "off"  # terms are complete
    country = terms.buyer or ""
    try:
        found = classify(law, system, deal, day)
    except MissingFact as error:
        kept = gate("insufficient_data", "", mode, country=country, deciding=(error.what,))
        return SystemLaw(
            system=system, outcome="insufficient_data", importer="no_rule", passes=False, reason=kept.reason,
            deciding=kept.deciding,
        )  # fmt: skip
    verdict = found.verdict
    kept = gate(
        verdict.outcome, verdict.importer, mode, country=country, conditions=verdict.conditions,
        deciding=verdict.deciding, importer_deciding=verdict.importer_deciding,
    )  # fmt: skip
    told = [
        f"{field} {words}" for field in kept.deciding[:_SHOWN] if field in FACTS
        for words in map(_branch_words, branches(found.book, verdict.facts, field))
    ]  # fmt: skip
    chip = system if system in law.catalog.ids("chips") else law.catalog.system(system).chip
    return SystemLaw(
        system=system, chip=chip, eccn=verdict.eccn, outcome=verdict.outcome, importer=verdict.importer,
        passes=kept.passes, reason=kept.reason, conditions=kept.conditions, deciding=kept.deciding,
        branches=tuple(told), sources=_cited(found), said=found.item.remarks,
    )  # fmt: skip


def _branch_words(one: Branch) -> str:
    """One branch: the values, then what follows."""
    follows = f"{one.eccn}, {one.outcome}"
    if one.importer != "no_rule":
        follows += f", importer {one.importer}"
    if not one.number:
        return f"{' or '.join(one.words) or 'any other'}: {follows}"
    unit = FACTS[one.field].unit
    low, high = (None if end is None else _end(end, unit) for end in (one.low, one.high))
    if low is not None and low == high:
        return f"{low}: {follows}"
    least = None if low is None else f"{'from' if one.with_low else 'above'} {low}"
    most = None if high is None else f"{'up to' if one.with_high else 'below'} {high}"
    return f"{' and '.join(end for end in (least, most) if end) or 'whatever it is'}: {follows}"


def _end(value: float, unit: str) -> str:
    if unit == "B/s":
        return units.show(value, unit)
    return f"{value:,.5g} {unit}".removesuffix(" 1").strip()


def _cited(found: Classified) -> tuple[str, ...]:
    """Sources of the rules that hold or are not known to, as ``instruments/ID:KEY``."""
    hits = (*found.verdict.hits, *found.verdict.importer_hits)
    return tuple(
        dict.fromkeys(
            f"instruments/{hit.rule.instrument.id}:{cite.source}" for hit in hits for cite in hit.rule.rule.cites
        )
    )


def law_sources(catalog: Catalog, found: Lawful) -> list[dict[str, object]]:
    """Entries of ``sources`` for everything that verdicts name."""
    names = [name for one in found.systems for name in one.sources]
    names += found.model.sources if found.model is not None else ()
    entries = []
    for name in dict.fromkeys(names):
        kind, _, rest = name.partition("/")
        id, _, key = rest.rpartition(":")
        entries.append(source_entry(name, catalog.source(kind, id, key)))
    return entries


__all__ = ["Classify", "law_sources", "law_terms", "lawful"]

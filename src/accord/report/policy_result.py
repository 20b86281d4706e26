"""What ``accord policy`` found of an item, as the dicts of the JSON envelope; the tables are in ``policy_view``."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from accord.base.source import Source
from accord.catalog.legal_fact import FACTS, ITEM
from accord.policy.branches import Branch
from accord.policy.cases import Scored
from accord.policy.classify import INSUFFICIENT, RuleTrace, Verdict
from accord.policy.decide import NO_LICENCE, NO_RULE, Hit
from accord.policy.facts import RATIO_PARTS, FactValue, Uncertain
from accord.policy.history import Period, deciding_hits
from accord.policy.item import Item, Told
from accord.policy.logic import FALSE, UNKNOWN, CompiledRule, LeafTrace
from accord.policy.screen import UNNAMED, Screened
from accord.report.policy_words import DISCLAIMER, GIVEN, RESULTS, branch_text, label


@dataclass(frozen=True, slots=True)
class Flip:
    """What another source's value of a fact would make of the answer."""

    fact: str
    value: float
    eccn: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassAnswer:
    """An item in a deal on a day, and all that is said of it.

    kind: chips or systems; seller, buyer, hq: countries, None where not told
    branches: by fact that decides; periods: through time; what_if: numbers put in place of rules' parameters
    ruled: jurisdictions whose export or import law the catalog has; not_checked: in words
    consignee: as it was named; given: facts that the question states
    explain: whether rules that do not hold are told as well; history: whether the periods are
    screened: the consignee, where the catalog has it; remarks: what a reader should know of item and day
    unspoken: jurisdictions of which no rule is about this kind of item
    sources: by ``kind/id:key``; ways: countries of each group or code that the rules of the day write
    """

    item: Item
    kind: str
    day: datetime.date
    seller: str | None
    buyer: str | None
    hq: str | None
    verdict: Verdict
    branches: Mapping[str, tuple[Branch, ...]]
    flips: tuple[Flip, ...]
    periods: tuple[Period, ...]
    what_if: Mapping[str, float]
    digest: str
    ruled: frozenset[str]
    not_checked: tuple[str, ...]
    consignee: str | None = None
    given: frozenset[str] = frozenset()
    explain: bool = False
    history: bool = False
    screened: Screened | None = None
    remarks: tuple[str, ...] = ()
    unspoken: frozenset[str] = frozenset()
    sources: Mapping[str, Source] = field(default_factory=dict)
    ways: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """One jurisdiction's answer: ``no_rule`` where the catalog has none of its law."""

    jurisdiction: str | None
    outcome: str
    rules: tuple[str, ...]


def classify_dict(answer: ClassAnswer) -> dict[str, object]:
    """Result of ``policy classify``."""
    verdict, deciding = answer.verdict, deciding_rules(answer)
    return {
        "item": {"id": answer.item.id, "kind": answer.kind.removesuffix("s"), "name": answer.item.name},
        "date": answer.day.isoformat(), "from": answer.seller, "to": answer.buyer, "hq": answer.hq,
        "eccn": verdict.eccn, "chip_eccn": verdict.chip_eccn, "outcome": verdict.outcome,
        "deciding": list(verdict.deciding),
        "branches": [branch_dict(one, answer.ways) for found in answer.branches.values() for one in found],
        "consignee": _consignee(answer.screened),
        "facts": {name: _fact_dict(answer, name) for name in sorted(verdict.facts)},
        "margins": list(margins(answer)),
        "sides": {
            "exporter": [_side_dict(side) for side in exporter_sides(answer)],
            "importer": _side_dict(importer_side(answer)),
        },
        "rules": [
            {**rule_dict(trace, answer.verdict), "decides": trace.rule.id in deciding} for trace in told_rules(answer)
        ],
        "conditions": list(verdict.conditions),
        "other_sources": [
            {"fact": one.fact, "value": one.value, "eccn": one.eccn, "outcome": one.outcome} for one in answer.flips
        ],
        "remarks": [*answer.remarks, *answer.item.remarks],
        "history": [period_dict(one) for one in answer.periods],
        "what_if": dict(answer.what_if), "digest": answer.digest, "not_checked": list(answer.not_checked),
        "disclaimer": DISCLAIMER.format(day=answer.day),
    }  # fmt: skip


def _consignee(screened: Screened | None) -> dict[str, object] | None:
    """Who gets it, and what its entries on lists say."""
    if screened is None or screened.party is None:
        return None
    entries = [
        {
            "list": one.list, "start": one.start, "until": one.until, "policy": one.policy, "covers": one.covers,
            "cites": [
                {"source": f"parties/{screened.party.id}:{cite.source}", "tier": cite.tier, "locator": cite.locator}
                for cite in one.cites
            ],
        }
        for one in screened.listings
    ]  # fmt: skip
    return {"id": screened.party.id, "says": screened.words, "listings": entries}


def told_rules(answer: ClassAnswer) -> list[RuleTrace]:
    """Rules that hold or are not known to, each once; all that were asked with ``--explain``."""
    found = [trace for trace in answer.verdict.explained() if answer.explain or trace.verdict != FALSE]
    return list({trace.rule.id: trace for trace in found}.values())


def is_left_open(answer: ClassAnswer, trace: RuleTrace) -> bool:
    """Whether a rule is not known to hold for want of a fact that decides the answer."""
    verdict = answer.verdict
    deciding = {*verdict.deciding, *verdict.importer_deciding}
    deciding |= {name for name, parts in RATIO_PARTS.items() if deciding & set(parts[:2])}
    return any(leaf.result == UNKNOWN and leaf.fact in deciding for leaf in trace.leaves)


def deciding_rules(answer: ClassAnswer) -> frozenset[str]:
    """Ids of the rules that make the answer, and of those that would once a fact that decides is known."""
    hits = (*deciding_hits(answer.verdict), *answer.verdict.importer_hits)
    left_open = (one for one in told_rules(answer) if one.verdict == UNKNOWN and is_left_open(answer, one))
    return frozenset((*(hit.rule.id for hit in hits if hit.counts), *(trace.rule.id for trace in left_open)))


def hit_of(verdict: Verdict, rule: CompiledRule) -> Hit | None:
    """What a rule came to in a verdict; None where it does not hold."""
    return next((hit for hit in (*verdict.hits, *verdict.importer_hits) if hit.rule.id == rule.id), None)


def rule_dict(trace: RuleTrace, verdict: Verdict) -> dict[str, object]:
    """One rule: what it says, what each comparison found, where it is read."""
    rule, hit = trace.rule, hit_of(verdict, trace.rule)
    consequence = rule.rule.consequence
    return {
        "instrument": rule.instrument.id, "rule": rule.rule.name, "jurisdiction": rule.instrument.jurisdiction,
        "stage": rule.rule.stage, "verdict": RESULTS[trace.verdict], "counts": hit is not None and hit.counts,
        "standing": rule.span.standing, "binding": rule.instrument.binding,
        "from": rule.span.start, "until": rule.span.until, "compliance": rule.span.compliance,
        "consequence": {"kind": consequence.kind, "value": consequence.value, "text": consequence.text},
        "trace": [leaf_dict(leaf) for leaf in trace.leaves],
        "cites": [
            {"source": source_key(rule, cite.source), "tier": cite.tier, "locator": cite.locator}
            for cite in rule.rule.cites
        ],
    }  # fmt: skip


def leaf_dict(leaf: LeafTrace) -> dict[str, object]:
    """One comparison."""
    return {
        "fact": leaf.fact, "op": leaf.op, "threshold": leaf.threshold, "unit": leaf.unit,
        "value": plain(leaf.fact, leaf.value), "result": RESULTS[leaf.result], "margin": leaf.margin,
        "probability": leaf.probability,
    }  # fmt: skip


def branch_dict(branch: Branch, ways: Mapping[str, frozenset[str]] | None = None) -> dict[str, object]:
    """What follows from some values of a fact; ways: as of :class:`ClassAnswer`."""
    return {
        "field": branch.field, "values": branch_text(branch, ways), "low": branch.low, "high": branch.high,
        "words": list(branch.words), "eccn": branch.eccn, "outcome": branch.outcome, "importer": branch.importer,
    }  # fmt: skip


def period_dict(one: Period) -> dict[str, object]:
    """A stretch of days with one answer; ``until`` is the first day no longer."""
    return {
        "from": one.start.isoformat() if one.start else None, "until": one.until.isoformat() if one.until else None,
        "eccn": one.eccn, "outcome": one.outcome, "importer": one.importer, "deciding": list(one.deciding),
        "rules": list(one.rules), "after_last_check": one.beyond,
    }  # fmt: skip


def migrate_dict(item: Item, kind: str, periods: Sequence[Period], **more: object) -> dict[str, object]:
    """Result of ``policy migrate``; more: what was asked, and what every answer says."""
    head = {"id": item.id, "kind": kind.removesuffix("s"), "name": item.name}
    return {"item": head, **more, "periods": [period_dict(one) for one in periods]}


def cases_dict(
    scored: Sequence[Scored], summary: Mapping[str, object], not_checked: Sequence[str] = ()
) -> dict[str, object]:
    """Result of ``policy cases``."""
    return {
        "not_checked": list(not_checked),
        "summary": dict(summary),
        "cases": [
            {
                "id": one.case.id, "item": one.case.chip, "date": one.case.day.isoformat(), "basis": one.case.basis,
                "expected": {"eccn": one.case.expected_eccn, "outcome": one.case.expected_outcome},
                "got": {"eccn": one.eccn, "outcome": one.outcome},
                "right": {"eccn": one.eccn_is_right, "outcome": one.outcome_is_right},
                "reason": one.reason,
            }
            for one in scored
        ],
    }  # fmt: skip


def exporter_sides(answer: ClassAnswer) -> list[Side]:
    """The law that follows the item and that of the sending country, each with its part of the outcome."""
    verdict = answer.verdict
    places = ["us", *([answer.seller.lower()] if answer.seller else [])]
    places += [hit.rule.instrument.jurisdiction for hit in verdict.hits]
    return [_exporter_side(answer, place) for place in dict.fromkeys(places)]


def _exporter_side(answer: ClassAnswer, place: str) -> Side:
    """The part of the outcome that a jurisdiction's rules make; what is open stays open in it."""
    verdict = answer.verdict
    hits = [hit for hit in verdict.hits if hit.rule.instrument.jurisdiction == place]
    rules = tuple(dict.fromkeys(hit.rule.id for hit in hits))
    words = [hit.word for hit in hits if hit.counts and hit.rule.rule.stage in ("licence", "exception")]
    unsure = any(hit.verdict == UNKNOWN for hit in hits)
    own = [
        word
        for word in verdict.outcome.split("|")
        if word in words or (unsure and (word == INSUFFICIENT or word.startswith("depends:")))
    ]
    if own or words:
        return Side(place, "|".join(own) or words[0], rules)
    if unsure and verdict.outcome != NO_LICENCE:
        return Side(place, verdict.outcome, rules)
    is_told = place in answer.ruled and place not in answer.unspoken
    return Side(place, NO_LICENCE if is_told else NO_RULE, rules)


def importer_side(answer: ClassAnswer) -> Side:
    """The law of the country of destination."""
    rules = tuple(dict.fromkeys(hit.rule.id for hit in answer.verdict.importer_hits))
    return Side(answer.buyer.lower() if answer.buyer else None, answer.verdict.importer, rules)


def margins(answer: ClassAnswer) -> Iterator[dict[str, object]]:
    """Every number of a class rule against what the item has, each pair once."""
    seen: set[tuple[str, str, float | str]] = set()
    for trace in answer.verdict.explained():
        if trace.rule.rule.stage != "class":
            continue
        for leaf in trace.leaves:
            key = (leaf.fact, leaf.op, leaf.threshold)
            if leaf.margin is not None and key not in seen:
                seen.add(key)
                yield {"rule": trace.rule.id, **leaf_dict(leaf)}


def source_key(rule: CompiledRule, key: str) -> str:
    """The key under which a rule's source stands among the envelope's sources."""
    return f"instruments/{rule.instrument.id}:{key}"


def cited(answer: ClassAnswer) -> list[str]:
    """Keys of all sources that an answer names: those of its rules, then those of its facts."""
    rules = [source_key(trace.rule, cite.source) for trace in told_rules(answer) for cite in trace.rule.rule.cites]
    facts = [key for name in answer.verdict.facts for key in told_of(answer, name).sources]
    party = answer.screened.party if answer.screened is not None else None
    lists = [f"parties/{party.id}:{cite.source}" for cite in answer.screened.cites] if party and answer.screened else []
    return list(dict.fromkeys((*rules, *lists, *facts)))


def told_of(answer: ClassAnswer, name: str) -> Told:
    """Where a fact of an answer is from."""
    told = answer.item.told.get(name)
    if told is not None:
        return told
    if name in RATIO_PARTS:
        return _told_ratio(answer, name)
    if name in ITEM:
        return Told("follows from other facts", "derived", ())
    if name in UNNAMED and not answer.consignee:
        return Told("nobody is named; taken to be on no list", "assumed", ())
    if name in _ASKED or name in answer.given:
        return Told(GIVEN, "assumed", ())
    return Told("follows from the deal", "derived", ())


def _told_ratio(answer: ClassAnswer, name: str) -> Told:
    """Where a ratio is from: what each pair of claims of its parts gives."""
    above, below, per = RATIO_PARTS[name]
    parts = [answer.item.told.get(part) for part in (above, below)]
    tops, bottoms = (part.points if part is not None else () for part in parts)
    points = tuple(top / bottom / per for top in tops for bottom in bottoms if bottom > 0.0)
    keys = dict.fromkeys(key for part in parts if part is not None for key in part.sources)
    return Told(f"{label(above)} / {label(below)}", "derived", tuple(keys), points)


_ASKED = ("destination", "hq", "exporter")


def plain(name: str, value: FactValue | None) -> object:
    """A fact as JSON has it: days as dates, sets as sorted words, an uncertain number by its middle."""
    if isinstance(value, Uncertain):
        return value.value
    if isinstance(value, float) and name in FACTS and FACTS[name].kind == "day":
        return datetime.date.fromordinal(round(value)).isoformat()
    return sorted(value) if isinstance(value, frozenset) else value


def _fact_dict(answer: ClassAnswer, name: str) -> dict[str, object]:
    value, told = answer.verdict.facts[name], told_of(answer, name)
    low, high = (value.low, value.high) if isinstance(value, Uncertain) else _ends(told)
    return {
        "value": plain(name, value), "unit": FACTS[name].unit, "low": low, "high": high, "basis": told.basis,
        "source": list(told.sources), "how": told.how, "assumed": told.basis == "assumed" and told.how != GIVEN,
    }  # fmt: skip


def _ends(told: Told) -> tuple[float | None, float | None]:
    return (min(told.points), max(told.points)) if told.points else (None, None)


def _side_dict(side: Side) -> dict[str, object]:
    return {"jurisdiction": side.jurisdiction, "outcome": side.outcome, "rules": list(side.rules)}

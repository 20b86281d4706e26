"""What AI law asks of a model or a run, with the facts it was asked with; and the same as JSON."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from accord.base.source import Source
from accord.catalog.instrument import Citation
from accord.catalog.legal_fact import FACTS
from accord.planner.lawful import SystemLaw
from accord.policy.duties import LISTED, Because, DutyAnswer, Elsewhen
from accord.policy.facts import FactValue, Uncertain
from accord.policy.licences import LicenceAnswer
from accord.policy.logic import VERDICTS

NOT_ADVICE = "not legal advice"


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact and where it is from, in words; instead: what it took the place of."""

    value: FactValue
    origin: str
    instead: FactValue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Everything that was asked and found.

    title: of what is checked, in words; jurisdictions: asked for; unruled: those of them without a rule on AI
    licence: of the model, None where there is no model; licence_sources: of its terms, by key
    export: systems under export control, with what was assumed of the deal; export_said: why there are none, in words
    not_checked: in words
    """

    title: str
    day: datetime.date
    jurisdictions: tuple[str, ...]
    unruled: tuple[str, ...]
    facts: Mapping[str, Stated]
    answers: tuple[DutyAnswer, ...]
    elsewhen: tuple[Elsewhen, ...]
    licence: LicenceAnswer | None
    export: tuple[SystemLaw, ...]
    assumed: tuple[str, ...]
    export_said: str
    not_checked: tuple[str, ...]
    licence_sources: Mapping[str, Source] = field(default_factory=dict)


# JSON


def result_dict(one: Checked) -> dict[str, object]:
    """The verb's ``result``."""
    return {
        "date": one.day.isoformat(),
        "jurisdictions": [
            {"id": name, "rules": sum(answer.jurisdiction == name for answer in one.answers),
             "answer": "no rule here: not checked" if name in one.unruled else "checked"}
            for name in one.jurisdictions
        ],
        "facts": [_fact_dict(name, stated) for name, stated in one.facts.items()],
        "answers": [answer_dict(answer) for answer in one.answers],
        "elsewhen": [
            {"instrument": other.instrument.id, "rule": other.rule, "jurisdiction": other.instrument.jurisdiction,
             "starts": other.starts, "ended": other.ended, "standing": other.span.standing,
             "compliance": other.span.compliance, "note": other.span.note}
            for other in one.elsewhen
        ],
        "licence": licence_dict(one.licence),
        "export": {
            "answer": one.export_said or "checked", "assumed": list(one.assumed),
            "systems": [msgspec.to_builtins(item) for item in one.export],
        },
        "missing": [
            {"fact": name, "about": FACTS[name].about, "unit": FACTS[name].unit, "rules": list(rules)}
            for name, rules in missing_facts(one.answers).items()
        ],
        "not_checked": list(one.not_checked),
        "advice": f"{NOT_ADVICE}, as of {one.day}",
    }  # fmt: skip


def licence_dict(one: LicenceAnswer | None) -> dict[str, object] | None:
    """What a model's licence says; None without a model."""
    if one is None:
        return None
    return {
        "model": one.model, "id": one.licence, "answer": one.verdict, "reasons": list(one.reasons),
        "conditions": list(one.conditions), "missing": list(one.missing),
        "terms": [{"kind": term.kind, "text": term.text, "source": f"licences/{one.licence}:{term.source}",
                   "tier": term.tier, "locator": term.locator} for term in one.terms],
    }  # fmt: skip


def answer_dict(one: DutyAnswer) -> dict[str, object]:
    """One rule's answer."""
    instrument = one.rule.instrument
    return {
        "instrument": instrument.id, "rule": one.rule.rule.name, "title": instrument.title,
        "jurisdiction": one.jurisdiction, "binding": instrument.binding, "standing": one.standing,
        "verdict": VERDICTS[one.verdict], "probability": one.probability, "outcome": one.outcome,
        "text": one.rule.rule.consequence.text,
        "because": [_because_dict(because) for because in one.because],
        "duties": [
            {"text": due.duty.text, "due": due.duty.due, "from": due.from_day, "locator": due.duty.locator}
            for due in one.duties
        ],
        "lifted_by": [id for id, _ in one.lifted_by], "transition": one.transition,
        "missing": [
            {"fact": deciding.fact, "decides": [{"value": words, "verdict": VERDICTS[verdict]}
                                                for words, verdict in deciding.decides]}
            for deciding in one.missing
        ],
        "cites": [_cite_dict(one, cite) for cite in one.rule.rule.cites],
    }  # fmt: skip


def missing_facts(answers: Sequence[DutyAnswer]) -> dict[str, tuple[str, ...]]:
    """Facts that would decide something, with the rules they would decide, most rules first."""
    found: dict[str, list[str]] = {}
    for answer in answers:
        for deciding in answer.missing:
            if deciding.decides and answer.standing not in LISTED:
                found.setdefault(deciding.fact, []).append(answer.rule.id)
    return {name: tuple(rules) for name, rules in sorted(found.items(), key=lambda one: -len(one[1]))}


def _fact_dict(name: str, stated: Stated) -> dict[str, object]:
    low, high = _ends(stated.value)
    found = {
        "fact": name, "value": plain(name, stated.value), "low": low, "high": high, "unit": FACTS[name].unit,
        "from": stated.origin,
    }  # fmt: skip
    return found if stated.instead is None else {**found, "instead_of": plain(name, stated.instead)}


def _because_dict(one: Because) -> dict[str, object]:
    trace = one.trace
    low, high = _ends(trace.value)
    threshold = trace.threshold
    return {
        "fact": trace.fact, "op": trace.op, "threshold": threshold, "unit": trace.unit,
        "value": None if trace.value is None else plain(trace.fact, trace.value), "low": low, "high": high,
        "result": VERDICTS[trace.result], "log10_distance": one.log10_distance, "probability": trace.probability,
        "pivotal": one.pivotal,
    }  # fmt: skip


def _cite_dict(one: DutyAnswer, cite: Citation) -> dict[str, object]:
    source = one.rule.instrument.sources[cite.source]
    return {
        "source": f"instruments/{one.rule.instrument.id}:{cite.source}", "tier": cite.tier, "locator": cite.locator,
        "title": source.title, "publisher": source.publisher, "url": source.url,
    }  # fmt: skip


def _ends(value: FactValue | None) -> tuple[float | None, float | None]:
    return (value.low, value.high) if isinstance(value, Uncertain) else (None, None)


def plain(name: str, value: FactValue) -> object:
    """A fact as JSON has it: days as dates, sets as sorted words, an uncertain number by its middle."""
    if isinstance(value, Uncertain):
        return value.value
    if isinstance(value, float) and FACTS[name].kind == "day":
        return datetime.date.fromordinal(round(value)).isoformat()
    return sorted(value) if isinstance(value, frozenset) else value

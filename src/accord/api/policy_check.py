"""``accord policy check``: what AI law, a model's licence and export control ask of a plan or a training run."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from accord.api.law import Law, classify_system
from accord.api.policy_facts import Subject, licence_of, training_facts
from accord.base.errors import AccordError, UsageError
from accord.catalog.load import Catalog
from accord.policy.deal import Deal
from accord.policy.duties import DutyAnswer, duties, elsewhen, with_rules
from accord.policy.facts import FactValue
from accord.policy.gate import NOT_COVERED
from accord.policy.logic import FALSE, UNKNOWN
from accord.report.catalog_view import entry_sources
from accord.report.duties_view import Checked, Exported, Stated, check_tables, plain, result_dict
from accord.report.tables import Table

COMPUTE = "training_flop"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAsk:
    """The question.

    jurisdictions: ids of the catalog, none = all that have rules on AI; day, seller, buyer: else those of the subject
    facts: stated by hand, which count for more than those of the subject; flags: the words that stated each
    """

    jurisdictions: tuple[str, ...] = ()
    day: datetime.date | None = None
    seller: str | None = None
    buyer: str | None = None
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """What ``accord policy check`` prints."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    warnings: Sequence[str]
    tables: Sequence[Table]


def check_answer(ask: CheckAsk, subject: Subject, catalog: Catalog) -> CheckAnswer:
    """Ask the law of a subject.

    Raises UsageError for a jurisdiction that no instrument names, and where no day is given at all.
    """
    law = Law(catalog)
    day = ask.day or subject.day
    if day is None:
        raise UsageError("--date is missing", hint="law holds on a day, such as --date 2026-01-31")
    seller, buyer = ask.seller or subject.seller, ask.buyer or subject.buyer
    ruled = with_rules(law.instruments)
    places = tuple(dict.fromkeys(ask.jurisdictions)) or ruled
    facts, said = _merged(ask, subject)
    plain_facts = {name: stated.value for name, stated in facts.items()}
    book = law.book(day)
    answers = duties(book, plain_facts, places)
    exported, export_said = _export(law, subject, seller, buyer, day)
    licence, licence_lines = _licence(catalog, subject, buyer)
    unruled = tuple(place for place in places if place not in ruled)
    checked = Checked(
        title=subject.title, day=day, jurisdictions=places, unruled=unruled, facts=facts, answers=answers,
        elsewhen=elsewhen(book, places), licence=licence, licence_lines=licence_lines, export=exported,
        export_said=export_said, not_checked=_not_checked(ruled, places),
    )  # fmt: skip
    inputs = {
        "date": day, "jurisdictions": places, "from": seller, "to": buyer, "subject": subject.title,
        "facts": {name: plain(name, value) for name, value in ask.facts.items()}, "rules": book.digest,
    }  # fmt: skip
    return CheckAnswer(
        inputs=inputs, result=result_dict(checked), sources=_sources(catalog, subject, answers),
        warnings=(*catalog.notes, *subject.said, *said), tables=check_tables(checked),
    )  # fmt: skip


def _merged(ask: CheckAsk, subject: Subject) -> tuple[dict[str, Stated], tuple[str, ...]]:
    """Facts of the subject, those stated by hand in their place, and what that changed."""
    facts, said = dict(subject.facts), []
    for name, value in ask.facts.items():
        flag = ask.flags.get(name, name)
        before = facts.get(name)
        if before is None or before.value == value:
            facts[name] = Stated(value, flag)
            continue
        facts[name] = Stated(value, flag, instead=before.value)
        said.append(f"{flag} takes the place of what {before.origin} says of {name}")
    return facts, tuple(said)


def _export(
    law: Law, subject: Subject, seller: str | None, buyer: str | None, day: datetime.date
) -> tuple[tuple[Exported, ...], str]:
    """Systems of the subject under export control; nothing, and why, where no deal is told."""
    if not subject.systems:
        return (), ""
    if seller is None or buyer is None:
        names = " and ".join(flag for flag, given in (("--from", seller), ("--to", buyer)) if given is None)
        return (), f"{', '.join(subject.systems)}: not checked without {names}"
    found = []
    said = ""
    for system in subject.systems:
        try:
            verdict = classify_system(law, system, Deal(seller=seller, buyer=buyer), day).verdict
        except AccordError as error:
            said = f"{system}: not checked, {error.what}"
            continue
        deciding = tuple(dict.fromkeys((*verdict.deciding, *verdict.importer_deciding)))
        found.append(
            Exported(system, verdict.eccn, verdict.outcome, verdict.importer, deciding, tuple(verdict.conditions))
        )
    return tuple(found), said


def _licence(catalog: Catalog, subject: Subject, buyer: str | None) -> tuple[dict[str, object], tuple[str, ...]]:
    """The licence of the subject's model; ``check`` where none is known."""
    if subject.model is None:
        return {"answer": "not asked"}, ()
    licence = licence_of(catalog, subject.model)
    if licence is None:
        return {"model": subject.model, "answer": "check"}, (f"check: no licence of {subject.model} is known here",)
    return {"model": subject.model, "id": licence.id, "answer": "known"}, (licence.name,)


def _not_checked(ruled: Sequence[str], places: Sequence[str]) -> tuple[str, ...]:
    without = [place for place in places if place not in ruled]
    unasked = [place for place in ruled if place not in places]
    found = [*NOT_COVERED]
    found += [f"{', '.join(without)}: no rule on AI here"] if without else []
    found += [f"rules here that were not asked for: {', '.join(unasked)}"] if unasked else []
    return (*found, "every jurisdiction that is not named above")


def _sources(catalog: Catalog, subject: Subject, answers: Sequence[DutyAnswer]) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    if subject.model in catalog.ids("models"):
        found += entry_sources(catalog.model(str(subject.model)), f"models/{subject.model}")
    for instrument in {answer.rule.instrument.id: answer.rule.instrument for answer in answers}.values():
        found += entry_sources(instrument, f"instruments/{instrument.id}")
    return found


# The law in the answer of a training run


def law_of_training(
    inputs: Mapping[str, object], result: Mapping[str, object], catalog: Catalog, day: datetime.date | None
) -> dict[str, object]:
    """What rules on training compute say of a run on a day, and the figures they ask for; all jurisdictions.

    inputs, result: of ``accord train``
    """
    flop = result.get("flop")
    if not isinstance(flop, dict):
        return {"answer": "not checked", "needs": {}}
    needs = {COMPUTE: flop["total_flop"], "own_flop": flop["own_flop"], "own_over_base": flop["own_over_base"]}
    if day is None:
        return {"answer": "not checked", "why": "no day given", "needs": needs}
    law = Law(catalog)
    facts = {name: one.value for name, one in training_facts(inputs, result, catalog).items()}
    asked = [one for one in duties(law.book(day), facts, with_rules(law.instruments)) if _distances(one)]
    return {
        "answer": "checked", "date": day.isoformat(), "needs": needs,
        "rules": [
            {"instrument": one.rule.instrument.id, "rule": one.rule.rule.name, "title": one.rule.instrument.title,
             "jurisdiction": one.jurisdiction, "outcome": one.outcome, **nearest}
            for one in asked for nearest in [_distances(one)[0]]
        ],
    }  # fmt: skip


def _distances(one: DutyAnswer) -> list[dict[str, object]]:
    """How far the compute lies from each threshold of a rule, the nearest first."""
    leaves = [
        because for because in one.because if because.trace.fact == COMPUTE and because.log10_distance is not None
    ]
    return [
        {"threshold": because.trace.threshold, "log10_distance": because.log10_distance,
         "reached": {FALSE: "no", UNKNOWN: "open"}.get(because.trace.result, "yes"),
         "probability": because.trace.probability}
        for because in sorted(leaves, key=lambda leaf: abs(leaf.log10_distance or 0.0))
    ]  # fmt: skip

"""``accord policy check``: what AI law, a model's licence and export control ask of a plan or a training run."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from accord.api.law import Law
from accord.api.plan_law import law_sources, law_terms, lawful
from accord.api.policy_facts import Subject, training_facts
from accord.base.errors import UsageError
from accord.base.source import Source
from accord.catalog.load import Catalog
from accord.planner.lawful import Lawful
from accord.policy.duties import DutyAnswer, duties, elsewhen, with_rules
from accord.policy.facts import FactValue, Uncertain
from accord.policy.gate import NOT_COVERED
from accord.policy.licences import Buyer, LicenceAnswer, licence_everywhere, licence_of
from accord.policy.logic import FALSE, UNKNOWN
from accord.policy.rulebook import Rulebook
from accord.policy.screen import resolve
from accord.report.catalog_view import entry_sources
from accord.report.duties_result import Checked, Stated, plain, result_dict
from accord.report.duties_view import check_tables, shown
from accord.report.tables import Table

COMPUTE = "training_flop"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAsk:
    """The question.

    jurisdictions: ids of the catalog, none = all that have rules on AI; day: else that of the subject
    deal: by seller, buyer, hq, exporter, consignee, where they are told, before those of the subject
    users: monthly users of the licensee's services; uses: such as commercial; None where they are not told
    facts: stated by hand, which count for more than those of the subject; flags: the words that stated each
    """

    jurisdictions: tuple[str, ...] = ()
    day: datetime.date | None = None
    deal: Mapping[str, str] = field(default_factory=dict)
    users: float | None = None
    uses: frozenset[str] | None = None
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
    deal = {**subject.deal, **ask.deal}
    ruled = with_rules(law.instruments)
    places = tuple(dict.fromkeys(ask.jurisdictions)) or ruled
    facts, said = _merged(ask, subject)
    plain_facts = {name: stated.value for name, stated in facts.items()}
    book = law.book(day)
    answers = duties(book, plain_facts, places)
    exported, export_said = _export(catalog, subject, deal, day)
    licence = _licence(catalog, subject, ask, _countries(law, deal), plain_facts, book)
    unruled = tuple(place for place in places if place not in ruled)
    checked = Checked(
        title=subject.title, day=day, jurisdictions=places, unruled=unruled, facts=facts, answers=answers,
        elsewhen=elsewhen(book, places), export=exported.systems if exported is not None else (),
        assumed=exported.terms.said if exported is not None else (),
        licence=licence, licence_sources=_of_licence(catalog, licence),
        export_said=export_said, not_checked=_not_checked(ruled, places),
    )  # fmt: skip
    inputs = {
        "date": day, "jurisdictions": places, **deal, "users": ask.users,
        "uses": None if ask.uses is None else sorted(ask.uses), "subject": subject.title,
        "facts": {name: _given(name, value) for name, value in ask.facts.items()}, "rules": book.digest,
    }  # fmt: skip
    return CheckAnswer(
        inputs=inputs, result=result_dict(checked), sources=_sources(catalog, subject, checked),
        warnings=(*catalog.notes, *subject.said, *said), tables=check_tables(checked),
    )  # fmt: skip


def _given(name: str, value: FactValue) -> object:
    if isinstance(value, Uncertain):
        return {"value": value.value, "low": value.low, "high": value.high}
    return plain(name, value)


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
        said.append(f"{name} is what {flag} says, in place of {shown(name, before.value)} ({before.origin})")
    return facts, tuple(said)


def _export(
    catalog: Catalog, subject: Subject, deal: Mapping[str, str], day: datetime.date
) -> tuple[Lawful | None, str]:
    """Systems of the subject under export control, as ``accord plan`` asks it; nothing, and why, without a deal.

    Raises UsageError for a country or an exporter nobody knows.
    """
    known = (*catalog.ids("systems"), *catalog.ids("chips"))
    systems = [one for one in subject.systems if one in known]
    if not systems:
        names = ", ".join(subject.systems)
        return None, f"{names}: not in the catalog, not checked" if names else "no system is named: not checked"
    lacking = [flag for flag, name in (("--from", "seller"), ("--to", "buyer")) if name not in deal]
    if lacking:
        return None, f"{', '.join(systems)}: not checked without {' and '.join(lacking)}"
    terms = law_terms(
        catalog, mode="licensable", day=day.isoformat(), seller=deal["seller"], buyer=deal["buyer"], hq=deal.get("hq"),
        exporter=deal.get("exporter"), consignee=deal.get("consignee"),
    )  # fmt: skip
    return lawful(catalog, systems, terms), ""


def _licence(
    catalog: Catalog, subject: Subject, ask: CheckAsk, countries: Sequence[str], facts: Mapping[str, FactValue],
    book: Rulebook,
) -> LicenceAnswer | None:  # fmt: skip
    """What the licence of the subject's model says of its use; ``check`` where none is known, None without a model."""
    if subject.model is None:
        return None
    revenue = facts.get("revenue_usd")
    user = Buyer(
        users=ask.users, revenue=revenue.value if isinstance(revenue, Uncertain) else revenue
        if isinstance(revenue, float) else None, uses=ask.uses,
    )  # fmt: skip
    every = (catalog.licence(id) for id in catalog.ids("licences"))
    return licence_everywhere(licence_of(every, subject.model), subject.model, user, countries, book.places)


def _countries(law: Law, deal: Mapping[str, str]) -> tuple[str, ...]:
    """Countries that the buyer is of: of delivery and of headquarters, which a consignee that is known has told."""
    consignee = resolve(law.parties, deal["consignee"]) if "consignee" in deal else None
    hq = deal.get("hq") or (consignee.country if consignee is not None else None)
    return tuple(code for code in (deal.get("buyer"), hq) if code is not None)


def _of_licence(catalog: Catalog, licence: LicenceAnswer | None) -> Mapping[str, Source]:
    """Sources of a licence's terms, or of the licence where it has none."""
    if licence is None or licence.licence is None:
        return {}
    sources = catalog.licence(licence.licence).sources
    named = dict.fromkeys(term.source for term in licence.terms)
    return {key: sources[key] for key in named or sources}


def _not_checked(ruled: Sequence[str], places: Sequence[str]) -> tuple[str, ...]:
    without = [place for place in places if place not in ruled]
    unasked = [place for place in ruled if place not in places]
    found = [*NOT_COVERED]
    found += [f"{', '.join(without)}: no rule on AI here"] if without else []
    found += [f"rules here that were not asked for: {', '.join(unasked)}"] if unasked else []
    return (*found, "every jurisdiction that is not named above")


def _sources(catalog: Catalog, subject: Subject, checked: Checked) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    if subject.model in catalog.ids("models"):
        found += entry_sources(catalog.model(str(subject.model)), f"models/{subject.model}")
    if checked.licence is not None and checked.licence.licence is not None:
        found += entry_sources(catalog.licence(checked.licence.licence), f"licences/{checked.licence.licence}")
    for instrument in {answer.rule.instrument.id: answer.rule.instrument for answer in checked.answers}.values():
        found += entry_sources(instrument, f"instruments/{instrument.id}")
    return [*found, *law_sources(catalog, checked.export)]


# The law in the answer of a training run


def law_of_training(
    inputs: Mapping[str, object], result: Mapping[str, object], catalog: Catalog, day: datetime.date | None
) -> dict[str, object]:
    """What rules on training compute say of a run on a day, and the figures they ask for; all jurisdictions.

    inputs, result: of ``accord train``
    """
    flop = result.get("flop")
    if not isinstance(flop, dict):
        return {"answer": "not checked", "why": "no compute is known", "needs": {}}
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
    """How far the compute lies from each threshold that makes a rule hold, the nearest first; none of an exemption."""
    leaves = [
        because
        for because in one.because
        if because.trace.fact == COMPUTE and because.trace.op in (">", ">=") and because.log10_distance is not None
    ]
    if one.rule.rule.stage == "exemption":
        return []
    return [
        {"threshold_flop": because.trace.threshold, "log10_distance": because.log10_distance,
         "reached": {FALSE: "no", UNKNOWN: "open"}.get(because.trace.result, "yes"),
         "probability": because.trace.probability}
        for because in sorted(leaves, key=lambda leaf: abs(leaf.log10_distance or 0.0))
    ]  # fmt: skip

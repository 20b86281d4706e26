"""The demo: one question put to several systems, from the catalog to plans with intervals and evidence."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from accord.api.branches import catalog_of
from accord.api.law import Law
from accord.api.plan_law import law_sources, law_terms, lawful
from accord.api.records import calibration_chain, engine_id, machine_of, model_spec
from accord.api.variants import best, priced
from accord.base.errors import CatalogError, UsageError
from accord.catalog.load import Catalog
from accord.catalog.system import System
from accord.catalog.value import Value
from accord.economics.capex import system_price
from accord.economics.scenario import Amount, Scenario
from accord.hardware.device import bytes_per_number
from accord.inference.complete import number
from accord.models.spec import ModelSpec
from accord.parallel.plan import Setting
from accord.planner.lawful import Lawful
from accord.planner.plan import Plan
from accord.planner.problem import Limit, Limits, Problem, Space
from accord.planner.terms import Terms
from accord.report.catalog_view import entry_sources
from accord.report.demo import (
    QUESTION,
    Candidate,
    Chosen,
    Costs,
    Evidence,
    Measure,
    Question,
    SystemPlan,
    result_dict,
)
from accord.report.demo_numbers import measures
from accord.report.demo_tables import demo_tables
from accord.report.tables import Table
from accord.report.to_json import source_entry
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

_ESTIMATE = 0.5  # confidence with which a limit holds at the estimate


class Demo(NamedTuple):
    """What the verb prints: see :class:`accord.report.comparison.Comparison`."""

    inputs: dict[str, object]
    result: dict[str, object]
    tables: tuple[Table, ...]
    sources: list[dict[str, object]]
    warnings: list[str]
    answers: tuple[SystemPlan, ...]


def demo(*, paths: tuple[str, ...] = (), level: float = 0.9, question: Question = QUESTION) -> Demo:
    """Plan the question's model on each of its systems.

    paths: extra catalogs; level: of the intervals, between 0 and 1
    """
    catalog = catalog_of(paths)
    spec = model_spec(catalog, question.model)
    accept = number(catalog.defaults(), "speculation", "mtp_accept")
    costs = Costs(
        life=_fact(catalog, question.life), tariff=_fact(catalog, question.tariff), pue=_fact(catalog, question.pue)
    )
    scenario = _scenario(costs)
    answers = tuple(_system(catalog, one, question, scenario, level, paths) for one in question.candidates)
    inputs = {**msgspec.to_builtins(question), "mtp_accept": accept, "level": level}
    return Demo(
        inputs=inputs, result=result_dict(answers, question),
        tables=demo_tables(answers, question, costs, accept, level),
        sources=_sources(catalog, question, answers), warnings=_warnings(answers, spec), answers=answers,
    )  # fmt: skip


def asked(buyer: str | None, day: str | None) -> Question:
    """The demo's question, with another country of delivery or another day.

    buyer: ISO code of two letters; day: ISO date. Raises UsageError for what is none.
    """
    changes = {} if buyer is None else {"buyer": buyer.upper()}
    if day is not None:
        try:
            changes["day"] = datetime.date.fromisoformat(day).isoformat()
        except ValueError:
            raise UsageError(f"'{day}' is no day", where="--date", hint="write 2026-03-01") from None
    return msgspec.structs.replace(QUESTION, **changes)


def _fact(catalog: Catalog, place: tuple[str, str]) -> Figure:
    entry, name = place
    found = figure.of(catalog.price(entry).facts.get(name), f"prices/{entry}")
    if found is None:
        raise CatalogError(f"prices/{entry} states no '{name}'")
    return found


def _scenario(costs: Costs) -> Scenario:
    """What the question says of money; what it leaves out costs nothing."""
    return Scenario(
        mode="own", life_years=costs.life.value, tariff=Amount(costs.tariff.value, costs.tariff.unit),
        pue=costs.pue.value, interest_per_year=0.0, residual_share=0.0, maintenance_share=0.0, network_share=0.0,
        utilisation=1.0,
    )  # fmt: skip


def _system(
    catalog: Catalog, candidate: Candidate, question: Question, scenario: Scenario, level: float,
    paths: tuple[str, ...],
) -> SystemPlan:  # fmt: skip
    """The best plans of one system; each limit takes the weights format that serves most."""
    machine = machine_of(catalog, candidate.system)
    chips = machine.chips * candidate.nodes
    rows = priced(_problem(candidate, question, chips, max(question.tpot_s), _ESTIMATE, level), scenario, paths)
    law = _law(catalog, candidate, question)
    power, price = _held(rows.offer.terms.power_w, chips), _price(catalog, rows.offer.terms, chips)

    def chosen(limit: float, confidence: float) -> tuple[Plan | None, dict[str, Measure]]:
        found = best(rows, _problem(candidate, question, chips, limit, confidence, level))
        if found is None:
            return None, {}
        plan = msgspec.structs.replace(found.plan, law=law.words((candidate.system,)))
        return plan, measures(found.plan, found.transfer_s, machine.devices_per_chip, level, power, price)

    sure = 0.5 + level / 2.0
    plans = []
    for limit in question.tpot_s:
        (plan, metrics), (assured, assured_metrics) = (chosen(limit, chance) for chance in (_ESTIMATE, sure))
        plans.append(
            Chosen(
                tpot_limit_s=limit, weights=plan.pools[0].weights if plan else next(iter(rows.settings)), plan=plan,
                metrics=metrics, assured_chance=sure, assured=assured, assured_metrics=assured_metrics,
            )
        )  # fmt: skip
    setting = rows.settings[plans[0].weights]
    return SystemPlan(
        id=candidate.system, name=_short(catalog.system(candidate.system), candidate.nodes), nodes=candidate.nodes,
        chips=chips, devices_per_chip=machine.devices_per_chip, engine=engine_id(catalog, candidate.engine),
        formats={name: getattr(setting.formats, name) for name in ("attention", "dense", "experts", "kv")},
        power=power, price=price, plans=tuple(plans),
        evidence=_evidence(catalog, candidate, setting, power, price), layouts=rows.tried,
        seller=law.terms.seller, law=law.systems[0] if law.systems else None,
    )  # fmt: skip


def _law(catalog: Catalog, candidate: Candidate, question: Question) -> Lawful:
    """What export control says where the maker of the chips sends the system from its country."""
    chip = catalog.system(candidate.system).chip
    maker = Law(catalog).maker(catalog.chip(chip).vendor) if chip is not None else None
    terms = law_terms(
        catalog, seller=None if maker is None else maker.country, buyer=question.buyer, day=question.day,
        exporter=None if maker is None else maker.id,
    )  # fmt: skip
    return lawful(catalog, (candidate.system,), terms)


def _problem(
    candidate: Candidate, question: Question, chips: int, tpot_s: float, confidence: float, level: float
) -> Problem:
    """The question put to one system, as the planner is asked it."""
    limits = (Limit(latency="ttft", limit_s=question.ttft_s), Limit(latency="tpot", limit_s=tpot_s))
    return Problem(
        model=question.model, systems=(candidate.system,), isl=question.isl, osl=question.osl,
        context=question.context, limits=Limits(latencies=limits, chips=chips),
        space=Space(
            modes=("disaggregated",), engines=(candidate.engine,), weights=candidate.weights,
            mtp_tokens=(question.mtp_tokens,), pp=question.pp,
        ),
        confidence=confidence, level=level, max_load=question.max_load,
    )  # fmt: skip


def _held(each: Figure | None, chips: int) -> Figure | None:
    return None if each is None else figure.scaled(each, float(chips), each.unit)


def _price(catalog: Catalog, terms: Terms, chips: int) -> Figure | None:
    """Price of all chips. That the question adds nothing for a network makes the stated price no assumption."""
    price, stated = _held(terms.capex_usd, chips), system_price(catalog.system(terms.system))
    return msgspec.structs.replace(price, basis=stated.basis) if price is not None and stated is not None else price


def _short(system: System, nodes: int) -> str:
    """A heading: the name without vendor and remarks, with the number of nodes."""
    words = system.name.partition(",")[0].split()
    name = " ".join(words[1:] if len(words) > 1 and words[0].lower() == system.vendor else words)
    return name if nodes == 1 else f"{nodes} x {name}"


# What is measured, and what is estimated


def _evidence(
    catalog: Catalog, candidate: Candidate, setting: Setting, power: Figure | None, price: Figure | None
) -> tuple[Evidence, ...]:
    system, chip = catalog.system(candidate.system), catalog.chip(setting.machine.chip)
    unit = setting.machine.device.compute(setting.formats.experts).format
    rate = next((value for name, value in chip.peak.items() if name == unit), None)
    facts = (("chip rate", rate), ("memory rate", chip.memory.bandwidth))
    return (
        _kernels(catalog, setting.machine.chip),
        _links(system),
        _end_to_end(system),
        *(_published(part, fact) for part, fact in facts if fact is not None),
        _stated("power", power),
        _stated("price", price),
    )


def _kernels(catalog: Catalog, chip: str) -> Evidence:
    """The parameters of the cost model nearest to the chip, by basis."""
    nearest, *parents = calibration_chain(catalog, chip)
    if not parents:
        return Evidence(part="kernels", basis="estimate", words="generic")
    counts = [(word, sum(one.basis == basis for one in nearest.parameters.values())) for basis, word in _KERNEL_WORDS]
    words = ", ".join(f"{count} {word}" for word, count in counts if count)
    return Evidence(part="kernels", basis="measured" if counts[0][1] else "derived", words=words)


_KERNEL_WORDS = (("measured", "measured"), ("derived", "fitted"), ("assumed", "assumed"))


def _links(system: System) -> Evidence:
    planes = [plane for plane in system.fabric.planes if plane.kind == "scale-up"]
    if any(path.bandwidth.basis == "measured" for plane in planes for path in plane.paths.values()):
        return Evidence(part="links", basis="measured", words="measured here")
    rates = [tier.bandwidth for plane in planes for tier in plane.tiers if tier.bandwidth is not None]
    basis = rates[0].basis if rates else "estimate"
    return Evidence(part="links", basis=basis, words=f"{basis} rate")


def _end_to_end(system: System) -> Evidence:
    rows = sum(1 for fact in system.facts.values() if fact.basis == "measured" and fact.unit == "tok/s")
    words = f"{rows} rates measured" if rows > 1 else "1 rate measured" if rows else "none of this system"
    return Evidence(part="end to end", basis="measured" if rows else "estimate", words=words)


def _published(part: str, fact: Value) -> Evidence:
    claims = figure.of(fact, "")
    disputed = claims is not None and claims.disputed
    words = f"{fact.basis}, disputed" if disputed else fact.basis
    return Evidence(part=part, basis=fact.basis, words=words, disputed=disputed)


def _stated(part: str, one: Figure | None) -> Evidence:
    if one is None:
        return Evidence(part=part, basis="estimate", words="no source")
    words = "built from boards" if one.built else one.basis
    return Evidence(part=part, basis=one.basis, words=f"{words}, disputed" if one.disputed and not one.built else words)


def _warnings(answers: Iterable[SystemPlan], spec: ModelSpec) -> list[str]:
    said = []
    for one in answers:
        if one.price is None:
            said.append(f"{one.id}: no source at hand states a price; cost is left out")
        narrow = {plan.weights for plan in one.plans if bytes_per_number(plan.weights) < bytes_per_number(spec.weights)}
        said += [
            f"{one.id}: {weights} is narrower than the released {spec.weights}; its effect on answers is not modelled"
            for weights in sorted(narrow)
        ]
        for plan in one.plans:
            if plan.plan is None:
                limit = plan.tpot_limit_s * 1e3
                said.append(f"{one.id}: no layout keeps {limit:g} ms per output token at the estimate")
    return said


def _sources(catalog: Catalog, question: Question, answers: Iterable[SystemPlan]) -> list[dict[str, object]]:
    """Sources of every entry that the answer used."""
    found = entry_sources(catalog.model(question.model), f"models/{question.model}")
    for one in question.candidates:
        system = catalog.system(one.system)
        chip, engine = system.chip or "", engine_id(catalog, one.engine)
        found += entry_sources(system, f"systems/{one.system}")
        found += entry_sources(catalog.chip(chip), f"chips/{chip}")
        found += entry_sources(catalog.engine(engine), f"engines/{engine}")
        for entry in calibration_chain(catalog, chip):
            found += entry_sources(entry, f"calibration/{entry.id}")
    for id, name in (question.life, question.tariff, question.pue):
        price = catalog.price(id)
        keys = {price.facts[name].source, *(other.source for other in price.facts[name].alternatives)}
        found += [source_entry(f"prices/{id}:{key}", price.sources[key]) for key in sorted(keys)]
    found += [
        entry for one in answers if one.law is not None for entry in law_sources(catalog, (one.law,))
        if entry not in found
    ]  # fmt: skip
    claims = (name for one in answers if one.price is not None for name in one.price.sources)
    for name in dict.fromkeys(claims):
        kind, _, rest = name.partition("/")
        id, _, key = rest.rpartition(":")
        if kind == "prices":
            found.append(source_entry(name, catalog.source(kind, id, key)))
    return found

"""``accord demo``: one question put to several systems, from the catalog to plans with intervals and evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

import msgspec
import numpy as np

from accord.api.lookup import residual_log_sd
from accord.api.records import calibration_chain, efficiency_of, engine_id, machine_of, model_spec
from accord.base.array import Array
from accord.base.errors import CatalogError
from accord.catalog.load import Catalog, load_catalog
from accord.catalog.system import System
from accord.catalog.value import Value
from accord.hardware.derate import Efficiency
from accord.hardware.device import bytes_per_number
from accord.hardware.system import Machine
from accord.inference.complete import Assumed, formats_for, number
from accord.inference.layouts import Options, Pool, Split, Workload, best_split, decode_options, prefill_options
from accord.inference.pools import decode_point, prefill_point
from accord.inference.request import EstimateRequest
from accord.inference.spread import spread_of
from accord.models.spec import ModelSpec
from accord.parallel.plan import Deployments, Setting
from accord.report.catalog_view import entry_sources
from accord.report.comparison import profiles_of
from accord.report.demo import (
    QUESTION,
    Candidate,
    Costs,
    Evidence,
    Measure,
    Plan,
    Question,
    SystemPlan,
    result_dict,
)
from accord.report.demo_numbers import chance_below, measures
from accord.report.demo_tables import demo_tables
from accord.report.tables import Table
from accord.report.to_json import source_entry
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

_ALL_IN = "capex_all_in_per_chip"
_LOADS = ("tokens", "batch")
_UNSURE = ("tpot_s", "request_per_s")


class Demo(NamedTuple):
    """What the verb prints: see :class:`accord.report.comparison.Comparison`."""

    inputs: dict[str, object]
    result: dict[str, object]
    tables: tuple[Table, ...]
    sources: list[dict[str, object]]
    warnings: list[str]
    answers: tuple[SystemPlan, ...]


class _Tried(NamedTuple):
    """One weights format of one system, searched.

    sd: standard deviation in log space of a pool's latency, and of a served rate, at the loosest limit's plan
    """

    setting: Setting
    pools: tuple[Options, Options]
    sd: tuple[float, float]


def demo(*, catalog: Catalog | None = None, level: float = 0.9, question: Question = QUESTION) -> Demo:
    """Plan the question's model on each of its systems. level: of the intervals, between 0 and 1."""
    catalog = catalog or load_catalog()
    spec = model_spec(catalog, question.model)
    accept = number(catalog.defaults(), "speculation", "mtp_accept")
    work = Workload(
        isl=question.isl, osl=question.osl, context=question.context, ttft_s=question.ttft_s,
        mtp_tokens=question.mtp_tokens, accept=accept,
    )  # fmt: skip
    costs = Costs(
        life=_fact(catalog, question.life), tariff=_fact(catalog, question.tariff), pue=_fact(catalog, question.pue)
    )
    profiles = profiles_of(catalog, [one.system for one in question.candidates])
    answers = tuple(
        _system(catalog, spec, work, candidate, question, costs, level, dict(known.whole))
        for candidate, known in zip(question.candidates, profiles, strict=True)
    )
    inputs = {**msgspec.to_builtins(question), "mtp_accept": accept, "level": level}
    return Demo(
        inputs=inputs, result=result_dict(answers, question),
        tables=demo_tables(answers, question, costs, accept, level),
        sources=_sources(catalog, question), warnings=_warnings(answers, spec), answers=answers,
    )  # fmt: skip


def _fact(catalog: Catalog, place: tuple[str, str]) -> Figure:
    entry, name = place
    found = figure.of(catalog.price(entry).facts.get(name), f"prices/{entry}")
    if found is None:
        raise CatalogError(f"prices/{entry} states no '{name}'")
    return found


def _system(
    catalog: Catalog, spec: ModelSpec, work: Workload, candidate: Candidate, question: Question, costs: Costs,
    level: float, known: Mapping[str, Figure],
) -> SystemPlan:  # fmt: skip
    """Search every weights format of one system; each limit takes the format that serves most."""
    one = machine_of(catalog, candidate.system)
    machine = replace(one, chips=one.chips * candidate.nodes)
    formats, loosest = candidate.weights or (None,), max(question.tpot_s)
    tried = [_search(catalog, spec, work, machine, candidate, weights, loosest) for weights in formats]
    power = _of_nodes(known.get("power"), candidate.nodes)
    price = _with_network(catalog, _of_nodes(known.get("price"), candidate.nodes), machine, candidate.nodes)

    def numbers(split: Split | None, sd: tuple[float, float]) -> dict[str, Measure]:
        if split is None:
            return {}
        per_chip = machine.devices_per_chip
        return measures(split, question, machine.chips, per_chip, sd, level, power, price, costs)

    plans = []
    sure = 0.5 + level / 2.0
    for limit in question.tpot_s:
        best, split = _best(tried, machine, work, limit, None)
        assured_by, assured = _best(tried, machine, work, limit, sure)
        plans.append(
            Plan(
                tpot_limit_s=limit, weights=best.setting.formats.experts, split=split, metrics=numbers(split, best.sd),
                chance=chance_below(limit, split.tpot_s, best.sd[0]) if split else None, assured_chance=sure,
                assured=assured, assured_metrics=numbers(assured, assured_by.sd),
            )
        )  # fmt: skip
    first = next((one for one in tried if one.setting.formats.experts == plans[0].weights), tried[0])
    return SystemPlan(
        id=candidate.system, name=_short(catalog.system(candidate.system), candidate.nodes), nodes=candidate.nodes,
        chips=machine.chips, devices_per_chip=machine.devices_per_chip,
        engine=engine_id(catalog, candidate.engine),
        formats={name: getattr(first.setting.formats, name) for name in ("attention", "dense", "experts", "kv")},
        power=power, price=price, plans=tuple(plans),
        evidence=_evidence(catalog, candidate, first.setting, power, price),
        layouts=sum(pool.tried for one in tried for pool in one.pools),
    )  # fmt: skip


def _search(
    catalog: Catalog, spec: ModelSpec, work: Workload, machine: Machine, candidate: Candidate, weights: str | None,
    limit: float,
) -> _Tried:  # fmt: skip
    efficiency = efficiency_of(catalog, machine.chip, candidate.engine)
    request = EstimateRequest(model=spec.id, system=machine.id, weights=weights)
    formats = formats_for(spec, machine, request, efficiency, Assumed())
    setting = Setting(spec, machine, formats, efficiency)
    wide = number(catalog.defaults(), "serving", "wide_ep")
    pools = (
        prefill_options(setting, machine.devices, work, wide),
        decode_options(setting, machine.devices, work, wide),
    )
    own = residual_log_sd(efficiency, "tpot_s", "decode"), residual_log_sd(efficiency, "request_per_s", "split")
    split = best_split(setting, machine.devices, pools, work, limit)
    spread = _spread(setting, pools, split) if split else {}
    pool, served = (math.hypot(sd, spread.get(name, 0.0)) for sd, name in zip(own, _UNSURE, strict=True))
    return _Tried(setting, pools, (pool, served))


def _spread(setting: Setting, pools: tuple[Options, Options], split: Split) -> Mapping[str, float]:
    """Standard deviations in log space from parameters and disputed facts, of a split's latency and rate."""
    plans = [
        _chosen(options.plan, pool, load)
        for options, pool, load in zip(pools, (split.prefill, split.decode), _LOADS, strict=True)
    ]

    def evaluate(machine: Machine, efficiency: Efficiency) -> dict[str, Array]:
        drawn = replace(setting, machine=machine, efficiency=efficiency)
        prefill, decode = prefill_point(drawn, plans[0]), decode_point(drawn, plans[1])
        rates = [
            pool.request_per_s * rate / at_mean
            for pool, rate, at_mean in (
                (split.prefill, prefill.tokens_per_s_per_device, split.prefill.tokens_per_s_per_device),
                (split.decode, decode.tokens_per_s_per_device, split.decode.tokens_per_s_per_device),
            )
        ]
        return dict(zip(_UNSURE, (decode.tpot_s, np.minimum(*rates)), strict=True))

    return spread_of(evaluate, setting.machine, setting.efficiency)


def _chosen(plan: Deployments, pool: Pool, load: str) -> Deployments:
    """The deployment of a pool as it was chosen."""
    wanted = {"tp": pool.tp, "dp": pool.dp, "ep": pool.ep, load: pool.load_per_device}
    same = np.logical_and.reduce([getattr(plan, name) == value for name, value in wanted.items()])
    return plan.pick(np.flatnonzero(same)[:1])


def _best(
    tried: Sequence[_Tried], machine: Machine, work: Workload, limit: float, sure: float | None
) -> tuple[_Tried, Split | None]:
    """The format and split that serve most; sure: chance with which the limit must be kept, None at the estimate."""
    found: list[tuple[float, int, Split | None]] = []
    for at, one in enumerate(tried):
        margin = 1.0 if sure is None else math.exp(NormalDist().inv_cdf(sure) * one.sd[0])
        split = best_split(one.setting, machine.devices, one.pools, work, limit / margin)
        found.append((split.request_per_s if split else 0.0, -at, split))
    rate, at, split = max(found, key=lambda entry: entry[:2])
    return tried[-at], split


def _of_nodes(one: Figure | None, nodes: int) -> Figure | None:
    return None if one is None else figure.scaled(one, float(nodes), one.unit)


def _with_network(catalog: Catalog, price: Figure | None, machine: Machine, nodes: int) -> Figure | None:
    """Price of several nodes, with claims per chip that contain the network between them as further ones."""
    if price is None or nodes == 1:
        return price
    for id in catalog.ids("prices"):
        entry = catalog.price(id)
        claim = figure.of(entry.facts.get(_ALL_IN), f"prices/{id}") if entry.chip == machine.chip else None
        if claim is not None and claim.unit == price.unit:
            price = figure.pooled(price, figure.scaled(claim, float(machine.chips), price.unit))
    return price


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
            if plan.split is None:
                limit = plan.tpot_limit_s * 1e3
                said.append(f"{one.id}: no layout keeps {limit:g} ms per output token at the estimate")
    return said


def _sources(catalog: Catalog, question: Question) -> list[dict[str, object]]:
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
    return found

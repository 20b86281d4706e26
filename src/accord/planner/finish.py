"""A chosen candidate as a plan: pools, holdings, every metric with its interval, every limit with its chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from accord.planner.compose import Candidates, Option
from accord.planner.figures import HELD_UNITS, Sure, held_figure, held_units, metrics_of, timed_values
from accord.planner.offer import Offer, chance_at_most
from accord.planner.plan import Check, Holding, Plan, PoolPlan, Role, plan_id
from accord.planner.problem import Problem
from accord.planner.search import Pick

_CHECKED = {"power_w": "power", "capex_usd": "capex", "usd_per_hour": "usd", "racks": "racks"}


Say = Callable[[Option, bool], tuple[str, ...]]


def plan_of(pick: Pick, offers: tuple[Offer, ...], problem: Problem, accept: float, say: Say) -> Plan:
    """The plan of a candidate.

    accept: chance that a draft is accepted; say: what is not known of an option, in words; told whether the plan drafts
    """
    options, made = pick.group.options, pick.group.candidates.pick(np.array([pick.at], dtype=np.intp))
    own = tuple(offers[option.offer] for option in options)
    pools = _pools(options, made, own, problem, accept)
    holdings = tuple(_holding(offer, units, pools) for offer, units in held_units(own, made))
    values = timed_values(made, problem)
    checks = _checks(values, made, own, problem)
    drafts = any(pool.mtp_tokens for pool in pools)
    unknown = [word for option in options for word in say(option, drafts)]
    if len(holdings) > 1:
        ends = " to ".join(pool.system for pool in pools)
        unknown.append(f"caches go from {ends}: no source says that an engine hands them over between the two")
    return Plan(
        id=plan_id(problem.model, pools, holdings), model=problem.model, isl=problem.isl, osl=problem.osl,
        mode="aggregated" if len(options) == 1 else "disaggregated", pools=pools, holdings=holdings,
        metrics=metrics_of(values, own, made, problem), checks=checks, chance=_together(checks, len(options)),
        unknown=tuple(dict.fromkeys(unknown)),
    )  # fmt: skip


# Pools and holdings


def _pools(
    options: tuple[Option, ...], made: Candidates, offers: tuple[Offer, ...], problem: Problem, accept: float
) -> tuple[PoolPlan, ...]:
    roles: tuple[Role, ...] = ("serve",) if len(options) == 1 else ("prefill", "decode")
    rows = (int(made.first[0]), int(made.second[0]))
    counts = (int(made.many[0]), int(made.others[0]))
    return tuple(
        _pool(role, option, row, count, problem, accept)
        for role, option, row, count in zip(roles, options, rows, counts, strict=False)
    )


def _pool(role: Role, option: Option, row: int, instances: int, problem: Problem, accept: float) -> PoolPlan:
    table = option.table
    tp, pp, dp, cp, ep = (int(getattr(table, name)[row]) for name in ("tp", "pp", "dp", "cp", "ep"))
    load, mtp = float(table.load[row]), int(table.mtp[row])
    decoding = role != "prefill"
    step_tokens = load * problem.isl
    budget = float(table.budget[row]) if decoding else step_tokens / cp
    return PoolPlan(
        role=role, system=option.system, engine=option.engine, engine_version=problem.space.engine_version,
        weights=option.weights, kv=option.kv, tp=tp, pp=pp, dp=dp, cp=cp, ep=ep, devices=tp * pp * dp * cp,
        instances=instances, batch_per_device=load / (tp * pp * cp) if decoding else 0.0,
        tokens_per_device=0.0 if decoding else step_tokens / (tp * cp),
        max_num_batched_tokens=round(budget),
        max_num_seqs=math.ceil(load / problem.max_load) if decoding else math.ceil(load) * pp,
        redundant_experts=option.copies if ep >= option.copies_from else 0,
        microbatches=int(table.microbatches[row]), mtp_tokens=mtp, mtp_accept=accept if mtp else 0.0,
        reuse=float(table.reuse[row]), memory_bytes=float(table.memory_bytes[row]),
        capacity_bytes=float(table.capacity_bytes[row]),
        request_per_s=float(table.request_per_s[row]) * instances,
    )  # fmt: skip


def _holding(offer: Offer, units: int, pools: tuple[PoolPlan, ...]) -> Holding:
    terms, chips = offer.terms, units * offer.unit_chips
    devices = sum(pool.instances * pool.devices for pool in pools if pool.system == terms.system)
    known = {name: getattr(terms, name) for name in HELD_UNITS}
    return Holding(
        system=terms.system, chip=terms.chip, chips=chips, used=math.ceil(devices / offer.devices_per_chip),
        systems=math.ceil(chips / terms.chips),
        **{name: None if one is None else one.value * chips for name, one in known.items()},
    )  # fmt: skip


# Limits


def _checks(
    values: dict[str, Sure], made: Candidates, offers: tuple[Offer, ...], problem: Problem
) -> tuple[Check, ...]:
    limits, held = problem.limits, held_units(offers, made)
    z = problem.deviations
    found: list[Check] = []
    for limit in limits.latencies:
        tail = "" if limit.quantile is None else f"p{round(100 * limit.quantile)}_"
        one = values[f"{limit.latency}_{tail}s"]
        found.append(_timed(limit.name, "at most", limit.limit_s, one, "s", z))
    if limits.request_per_s is not None:
        found.append(_timed("goodput", "at least", limits.request_per_s, values["request_per_s"], "req/s", z))
    if limits.chips is not None:
        chips = sum(units * offer.unit_chips for offer, units in held)
        found.append(_exact("chips", float(limits.chips), float(chips), "1", 1.0))
    for field, name in _CHECKED.items():
        most = getattr(limits, field)
        one_held = held_figure(held, field) if most is not None else None
        if most is not None and one_held is not None:
            found.append(_exact(name, most, one_held.value, HELD_UNITS[field], chance_at_most(one_held, most)))
    return tuple(found)


def _timed(name: str, sense: str, limit: float, one: Sure, unit: str, z: float) -> Check:
    room = limit / one.value if sense == "at most" else one.value / limit
    chance = NormalDist().cdf(math.log(room) / one.sd) if one.sd > 0.0 else float(room >= 1.0)
    slack = room * math.exp(-z * one.sd)
    return Check(
        name=name, sense="at most" if sense == "at most" else "at least", limit=limit, value=one.value, unit=unit,
        chance=chance, slack=slack,
    )  # fmt: skip


def _exact(name: str, limit: float, value: float, unit: str, chance: float) -> Check:
    slack = limit / value if value > 0.0 else math.inf
    return Check(name=name, sense="at most", limit=limit, value=value, unit=unit, chance=chance, slack=slack)


def _together(checks: tuple[Check, ...], pools: int) -> float:
    """Chance that all limits hold: those of one pool's step time have one cause, others are independent."""
    causes: dict[str, float] = {}
    for check in checks:
        first = check.name.startswith("ttft") and pools > 1
        timed = check.name.startswith(("tpot", "e2el", "ttft")) or check.name == "goodput"
        cause = "prefill" if first else "step" if timed else check.name
        causes[cause] = min(causes.get(cause, 1.0), check.chance)
    return math.prod(causes.values())

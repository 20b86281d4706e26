"""The nearest question that has an answer: one limit at a time let go, as far as it must."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import msgspec

from accord.planner.plan import Plan
from accord.planner.problem import Limit, Limits, Objective, Problem

Replan = Callable[[Problem], tuple[Plan, ...]]
_LIMITED = (
    ("power_w", "power"),
    ("capex_usd", "capex"),
    ("usd_per_hour", "usd"),
    ("racks", "racks"),
    ("chips", "chips"),
)
_CLOSE = 0.015  # of a confidence
_DOUBLINGS = 5  # of a limit, where letting it go is not enough to say what is needed
_UNITS = {"power": "W", "capex": "USD", "usd": "USD/h", "racks": "1", "chips": "1"}


@dataclass(frozen=True, slots=True)
class Relaxed:
    """One limit, what was asked, and what it would have to be, in ``unit``; by how much, above 1; the plan then."""

    name: str
    asked: float
    needed: float
    unit: str
    factor: float
    plan: Plan


def relaxations(problem: Problem, replan: Replan) -> tuple[Relaxed, ...]:
    """What each limit would have to be for the others to be kept, nearest first; empty where no single one is enough.

    replan: plans of a problem, best first
    """
    found = [_latency(problem, limit, replan) for limit in problem.limits.latencies]
    if problem.limits.request_per_s is not None:
        found.append(_goodput(problem, replan))
    for field, name in _LIMITED:
        if getattr(problem.limits, field) is not None:
            found.append(_other(problem, field, name, replan))
    found.append(_confidence(problem, replan))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.factor))


def _latency(problem: Problem, limit: Limit, replan: Replan) -> Relaxed | None:
    kept = tuple(one for one in problem.limits.latencies if one is not limit)
    limits = msgspec.structs.replace(problem.limits, latencies=kept)
    plans = replan(msgspec.structs.replace(problem, limits=limits, objectives=(limit.latency,)))
    needed = [(_sure_value(plan, limit, problem), plan) for plan in plans]
    if not needed:
        return None
    value, plan = min(needed, key=lambda one: one[0])
    return Relaxed(limit.name, limit.limit_s, value, "s", value / limit.limit_s, plan)


def _sure_value(plan: Plan, limit: Limit, problem: Problem) -> float:
    """A latency at the confidence of the problem, from the metric's interval at its level."""
    name = f"{limit.latency}_s" if limit.quantile is None else f"{limit.latency}_p{round(100 * limit.quantile)}_s"
    metric = plan.metrics[name]
    if metric.high is None:
        return metric.value
    width = NormalDist().inv_cdf(0.5 + problem.level / 2.0)
    share = NormalDist().inv_cdf(problem.confidence) / width
    return metric.value * math.exp(share * math.log(metric.high / metric.value))


def _goodput(problem: Problem, replan: Replan) -> Relaxed | None:
    """The most that is surely served."""
    asked = problem.limits.request_per_s or 0.0
    plans = _plans(problem, replan, "goodput", request_per_s=None)
    needed = [(value, plan) for plan in plans if (value := _held(plan, "request_per_s", problem)) is not None]
    if not needed or not max(needed, key=lambda one: one[0])[0] > 0.0:
        return None
    value, plan = max(needed, key=lambda one: one[0])
    return Relaxed("goodput", asked, value, "req/s", asked / value, plan)


def _other(problem: Problem, field: str, name: str, replan: Replan) -> Relaxed | None:
    """The least of what is held that keeps the others, system by system: fewer chips of one are less of everything."""
    asked = float(getattr(problem.limits, field))
    alone = [(system,) for system in problem.systems]
    together = [problem.systems] if problem.space.mixed and len(alone) > 1 else []
    found = []
    for systems in (*alone, *together):
        one = msgspec.structs.replace(problem, systems=systems)
        plans = _plans(one, replan, "chips", **{field: None})
        if not plans or field == "chips":
            plans = _doubled(one, field, replan, plans) or plans
        found += [(value, plan) for plan in plans if (value := _held(plan, field, problem)) is not None and value > 0.0]
    if not found:
        return None
    value, plan = min(found, key=lambda one: one[0])
    return Relaxed(name, asked, value, _UNITS[name], value / asked, plan)


def _doubled(problem: Problem, field: str, replan: Replan, free: tuple[Plan, ...]) -> tuple[Plan, ...]:
    """Plans at the first doubling of a limit that has any; free: those without it, beyond which nobody need look.

    Without a limit or a load one system is searched, whole, so more of it is to be asked for, or parts of it.
    """
    asked = float(getattr(problem.limits, field))
    least = min((value for plan in free if (value := _held(plan, field, problem)) is not None), default=math.inf)
    for power in range(1, _DOUBLINGS + 1):
        limit = asked * 2.0**power
        if limit >= least:
            break
        plans = _plans(problem, replan, "chips", **{field: int(limit) if field == "chips" else limit})
        if plans:
            return plans
    return ()


def _plans(problem: Problem, replan: Replan, objective: Objective, **limits: float | None) -> tuple[Plan, ...]:
    """Plans with other limits, with intervals wide enough to tell what holds at the problem's confidence."""
    changed: Limits = msgspec.structs.replace(problem.limits, **limits)
    level = max(problem.level, 2.0 * problem.confidence - 1.0)
    return replan(msgspec.structs.replace(problem, limits=changed, objectives=(objective,), level=level))


def _held(plan: Plan, field: str, problem: Problem) -> float | None:
    """What a plan holds or serves for sure; at the end of its interval where that is what claims allow to tell."""
    if field == "chips":
        return float(plan.chips)
    metric = plan.metrics.get(field)
    if metric is None or not problem.intervals or problem.confidence <= 0.5:
        return None if metric is None else metric.value
    if field != "request_per_s":
        return metric.high if metric.high is not None else metric.value
    level = max(problem.level, 2.0 * problem.confidence - 1.0)
    share = NormalDist().inv_cdf(problem.confidence) / NormalDist().inv_cdf(0.5 + level / 2.0)
    return metric.value * math.exp(-share * math.log(metric.value / (metric.low or metric.value)))


def _confidence(problem: Problem, replan: Replan) -> Relaxed | None:
    """The most confidence at which some plan keeps every limit, to a hundredth or two, if the estimate alone does."""
    if not problem.intervals or problem.confidence <= 0.5:
        return None
    low, high, best = 0.5, problem.confidence, None
    while best is None or high - low > _CLOSE:
        middle = low if best is None else 0.5 * (low + high)
        plans = replan(msgspec.structs.replace(problem, confidence=middle))
        if not plans and best is None:
            return None
        if not plans:
            high = middle
            continue
        best = max(plans, key=_least)
        low = min(max(middle, _least(best)), high)
    if low >= problem.confidence:
        return None
    return Relaxed("confidence", problem.confidence, low, "1", problem.confidence / low, best)


def _least(plan: Plan) -> float:
    return min((check.chance for check in plan.checks), default=1.0)

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
_LIMITED: tuple[tuple[str, str, Objective], ...] = (
    ("request_per_s", "goodput", "goodput"),
    ("power_w", "power", "power"),
    ("capex_usd", "capex", "chips"),
    ("usd_per_hour", "usd", "chips"),
    ("racks", "racks", "chips"),
    ("chips", "chips", "chips"),
)
_UNITS = {"goodput": "req/s", "power": "W", "capex": "USD", "usd": "USD/h", "racks": "1", "chips": "1"}


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
    for field, name, objective in _LIMITED:
        if getattr(problem.limits, field) is not None:
            found.append(_other(problem, field, name, objective, replan))
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


def _other(problem: Problem, field: str, name: str, objective: Objective, replan: Replan) -> Relaxed | None:
    asked = float(getattr(problem.limits, field))
    limits: Limits = msgspec.structs.replace(problem.limits, **{field: None})
    plans = replan(msgspec.structs.replace(problem, limits=limits, objectives=(objective,)))
    needed = [(value, plan) for plan in plans if (value := _held(plan, field, problem)) is not None and value > 0.0]
    if not needed:
        return None
    if field == "request_per_s":
        value, plan = max(needed, key=lambda one: one[0])
        return Relaxed(name, asked, value, _UNITS[name], asked / value, plan)
    value, plan = min(needed, key=lambda one: one[0])
    return Relaxed(name, asked, value, _UNITS[name], value / asked, plan)


def _held(plan: Plan, field: str, problem: Problem) -> float | None:
    if field == "request_per_s":
        metric = plan.metrics["request_per_s"]
        if metric.low is None:
            return metric.value
        share = NormalDist().inv_cdf(problem.confidence) / NormalDist().inv_cdf(0.5 + problem.level / 2.0)
        return metric.value * math.exp(-share * math.log(metric.value / metric.low))
    if field == "chips":
        return float(plan.chips)
    metric_of = plan.metrics.get(field)
    return None if metric_of is None else metric_of.high if metric_of.high is not None else metric_of.value


def _confidence(problem: Problem, replan: Replan) -> Relaxed | None:
    """The confidence at which some plan keeps every limit, if the estimate alone does."""
    if not problem.intervals or problem.confidence <= 0.5:
        return None
    plans = replan(msgspec.structs.replace(problem, confidence=0.5))
    if not plans:
        return None
    best = max(plans, key=lambda plan: min((check.chance for check in plan.checks), default=1.0))
    least = max(min((check.chance for check in best.checks), default=1.0), 0.5)
    if least >= problem.confidence:
        return None
    return Relaxed("confidence", problem.confidence, least, "1", problem.confidence / least, best)

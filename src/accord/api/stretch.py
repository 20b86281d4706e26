"""The nearest question that has an answer where letting go of one limit is not enough: several give way together."""

from __future__ import annotations

import math

import msgspec

from accord.api.relaxation import Relaxed, Replan
from accord.planner.plan import Plan
from accord.planner.problem import Limits, Problem
from accord.report.plan_lines import ALL, SERVED

MOST = 4096.0  # times, beyond which no plan is looked for
NEAR = 1.05  # the factor is found to within this


def stretched(problem: Problem, replan: Replan) -> Relaxed | None:
    """The least factor by which limits have to give way together for some plan to keep all; None where none helps.

    Latencies and the load give way first, what may be held stays; only where that is not enough, all of them do.
    The factor is found to within :data:`NEAR`, from above: the question that it makes has the plan that comes with it.
    replan: plans of a problem, best first
    """
    served = Limits(latencies=problem.limits.latencies, request_per_s=problem.limits.request_per_s)
    if problem.limits == Limits():
        return None
    found = None if served == Limits() else _least(problem, SERVED, replan)
    return found if found is not None or served == problem.limits else _least(problem, ALL, replan)


def beyond(problem: Problem, replan: Replan) -> bool:
    """Whether the limits are to blame where not even :data:`MOST` times as much room helps: without them plans are."""
    limited = problem.limits != Limits()
    return limited and bool(replan(msgspec.structs.replace(problem, limits=Limits())))


def _least(problem: Problem, name: str, replan: Replan) -> Relaxed | None:
    def plans(factor: float) -> tuple[Plan, ...]:
        limits = eased(problem.limits, factor, held=name == ALL)
        return replan(msgspec.structs.replace(problem, limits=limits))

    if name == SERVED and not plans(MOST):
        return None  # one search says so, before any that looks for the factor
    low, high = 1.0, 2.0
    while not (found := plans(high)):
        if high >= MOST:
            return None
        low, high = high, min(2.0 * high, MOST)
    while high > low * NEAR:
        middle = math.sqrt(low * high)
        nearer = plans(middle)
        low, high, found = (low, middle, nearer) if nearer else (middle, high, found)
    return Relaxed(name, 1.0, high, "1", high, found[0])


def eased(limits: Limits, factor: float, *, held: bool) -> Limits:
    """Limits that give way: latencies may be ``factor`` times as long, the load is that much less.

    held: chips, power, money and racks may be that much more as well
    """
    served = msgspec.structs.replace(
        limits,
        latencies=tuple(msgspec.structs.replace(one, limit_s=one.limit_s * factor) for one in limits.latencies),
        request_per_s=None if limits.request_per_s is None else limits.request_per_s / factor,
    )
    if not held:
        return served
    grown = {
        name: value * factor
        for name in ("power_w", "capex_usd", "usd_per_hour", "racks")
        if (value := getattr(limits, name)) is not None
    }
    chips = None if limits.chips is None else math.floor(limits.chips * factor)
    return msgspec.structs.replace(served, chips=chips, **grown)

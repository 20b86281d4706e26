"""How sure a lead is: metrics of two plans with their ratio, its interval and the chance that A is ahead.

Metrics are taken as log-normal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

from accord.planner.plan import Metric, Plan
from accord.planner.why_terms import asked_per_s
from accord.uncertainty.residual import quantile

Better = Literal["more", "less"]
Residual = Callable[[Plan, str], float]

_MORE = ("request_per_s", "token_per_s_total", "token_per_s_per_chip", "token_per_s_per_user",
         "share_within_limits", "hit_ratio", "completed")  # fmt: skip
_NEITHER = ("running", "utilization", "window_s", "makespan_s", "requests", "rank", "kv_occupancy_max",
            "waiting_mean", "link_utilization")  # fmt: skip
_HELD = ("chips", "racks", "power_w", "capex_usd", "usd_per_hour")
_PER_TOKEN = ("usd_per_million_output_tokens", "usd_per_million_tokens", "energy_j_per_output_token",
              "kgco2_per_million_output_tokens")  # fmt: skip
_EXACT = 1e-9  # logarithm of a ratio that is 1 but for rounding


@dataclass(frozen=True, slots=True)
class Compared:
    """A metric of both, in ``unit``.

    ratio: A over B, None where one is missing or 0; low, high: of the ratio, None where an interval is missing
    chance: that A is the better one; None where that is not known, or where neither more nor less is better
    """

    name: str
    unit: str
    better: Better | None
    a: float | None
    b: float | None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None


def compared(a: Plan, b: Plan, name: str, level: float, residual: Residual | None) -> Compared:
    """A metric of two plans.

    level: of their intervals; residual: see :func:`accord.planner.why.why`, None where the two share no cause
    """
    alike = held_alike(a, b)
    of_a, of_b = a.metrics.get(name), b.metrics.get(name)
    if alike and name in _HELD:
        return _exact(name, of_a, of_b)
    timed = "request_per_s" if alike and name in _PER_TOKEN else name
    own = (residual(a, timed), residual(b, timed)) if residual is not None else None
    paid = (_paid_sd(a, level), _paid_sd(b, level)) if timed != name else None
    return beside(name, of_a, of_b, level, own, paid)


def causes(plan: Plan) -> frozenset[tuple[str, ...]]:
    """What a plan's parameters are of: systems, engines and formats, by role."""
    return frozenset(
        (one.role, one.system, one.engine, one.engine_version or "", one.weights, one.kv) for one in plan.pools
    )


def held_alike(a: Plan, b: Plan) -> bool:
    """Whether both hold chips of the same systems, in the same proportion."""
    held = [{one.system: one.chips for one in plan.holdings} for plan in (a, b)]
    if not held[0] or held[0].keys() != held[1].keys() or not a.chips or not b.chips:
        return False
    return all(count * b.chips == held[1][system] * a.chips for system, count in held[0].items())


def better_of(name: str) -> Better | None:
    """Whether more or less of a metric is better, None where neither is."""
    if name in _NEITHER or name.endswith("rank") or name.startswith("offered"):
        return None
    return "more" if name.endswith(_MORE) else "less"


def _plain(name: str, a: Metric | None, b: Metric | None) -> Compared:
    """Both values and their ratio, where there is one."""
    some = a or b
    ratio = a.value / b.value if a is not None and b is not None and a.value > 0.0 and b.value > 0.0 else None
    unit = some.unit if some else "1"
    return Compared(name, unit, better_of(name), a.value if a else None, b.value if b else None, ratio)


def _exact(name: str, a: Metric | None, b: Metric | None) -> Compared:
    """Figures of what is held where it is of one kind: whoever holds less is ahead, or neither is."""
    plain = _plain(name, a, b)
    if plain.ratio is None or plain.better is None or abs(math.log(plain.ratio)) < _EXACT:
        return plain
    return replace(plain, chance=float((plain.ratio > 1.0) is (plain.better == "more")))


def beside(
    name: str, a: Metric | None, b: Metric | None, level: float, residuals: tuple[float, float] | None = None,
    paid: tuple[float | None, float | None] | None = None,
) -> Compared:  # fmt: skip
    """One metric of both.

    residuals: of both where the rest of their deviations is one cause; None where nothing is shared
    paid: deviations that count in place of the whole ones, where the rest of those is one cause and the same
    """
    plain = _plain(name, a, b)
    if plain.ratio is None or a is None or b is None:
        return plain
    first, second = paid or (_log_sd(a, level), _log_sd(b, level))
    if first is None or second is None:
        return plain
    sd = _ratio_sd((first, second), residuals)
    half, lead = quantile(level) * sd, math.log(plain.ratio)
    chance = None if plain.better is None else _chance(lead if plain.better == "more" else -lead, sd)
    return replace(plain, low=plain.ratio * math.exp(-half), high=plain.ratio * math.exp(half), chance=chance)


def _paid_sd(plan: Plan, level: float) -> float | None:
    """Deviation of the rate that a plan is paid for: none where it serves more than was asked for."""
    served = plan.metrics.get("request_per_s")
    if served is None:
        return None
    return _log_sd(served, level) if asked_per_s(plan) >= served.value else 0.0


def _log_sd(metric: Metric, level: float) -> float | None:
    if metric.low is None or metric.high is None or not 0.0 < metric.low <= metric.high:
        return None
    return math.log(metric.high / metric.low) / (2.0 * quantile(level))


def _ratio_sd(deviations: tuple[float, float], residuals: tuple[float, float] | None) -> float:
    if residuals is None:
        return math.hypot(*deviations)
    own = tuple(min(mine, whole) for mine, whole in zip(residuals, deviations, strict=True))
    shared = [math.sqrt(max(whole**2 - mine**2, 0.0)) for mine, whole in zip(own, deviations, strict=True)]
    return math.hypot(shared[0] - shared[1], *own)


def _chance(lead: float, sd: float) -> float:
    """That a log-normal lead is one."""
    if sd <= 1e-12:
        return 0.5 if abs(lead) < 1e-12 else float(lead > 0.0)
    return NormalDist().cdf(lead / sd)

"""The numbers of one plan with their intervals: those the planner states, and rates per watt and per dollar.

A rate or latency is off by a log-normal factor; what sources say about power and price is as spread as their claims.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from accord.planner.plan import Metric, Plan
from accord.report.demo import Measure, tokens_per_s_per_device
from accord.uncertainty.figure import Figure, calculated_basis
from accord.uncertainty.interval import band, products

_AS_PLANNED = (
    "tpot_s", "ttft_s", "request_per_s", "output_token_per_s_per_chip", "output_token_per_s_total",
    "usd_per_million_output_tokens",
)  # fmt: skip
POINTS = 200  # equally likely values that stand for a log-normal factor


def measures(
    plan: Plan, transfer_s: float, per_chip: int, level: float, power: Figure | None, price: Figure | None
) -> dict[str, Measure]:
    """Metrics of a plan of two pools by name.

    transfer_s: of a prompt's cache from pool to pool; per_chip: devices of a chip; level: of the plan's intervals
    power [W], price [USD]: of the whole system, which the plan holds
    """
    known = {name: _measure(plan.metrics[name]) for name in _AS_PLANNED if name in plan.metrics}
    output = known["output_token_per_s_total"]
    total = _like(output, output.value * (plan.isl + plan.osl) / plan.osl, "tok/s")
    found = {**known, "kv_transfer_s": _like(output, transfer_s, "s"), "total_token_per_s_total": total}
    for pool in plan.pools:
        as_sure = known["tpot_s"] if pool.role == "decode" else output
        rate = tokens_per_s_per_device(plan, pool) * per_chip
        found[f"{pool.role}_token_per_s_per_chip"] = _like(as_sure, rate, "tok/s")
        found[f"{pool.role}_memory_bytes"] = _exact(pool.memory_bytes, "B")
    draws = lognormal(1.0, log_sd(output, level))
    if power is not None:
        found["output_token_per_s_per_w"] = _over(output.value, draws, power, "tok/s/W", level)
        found["total_token_per_s_per_w"] = _over(total.value, draws, power, "tok/s/W", level)
    if price is not None:
        found["output_token_per_s_per_usd"] = _over(output.value, draws, price, "tok/s/USD", level)
    return found


def lognormal(median: float, sd: float) -> tuple[float, ...]:
    """Equally likely values around ``median``; sd: standard deviation of the logarithm."""
    normal = NormalDist()
    return tuple(median * math.exp(sd * normal.inv_cdf((at + 0.5) / POINTS)) for at in range(POINTS))


def chance_above(a: Measure, b: Measure, level: float) -> float:
    """Chance that A is more than B, from their intervals at ``level``, taken as independent and log-normal."""
    sd = math.hypot(*(log_sd(one, level) for one in (a, b)))
    return NormalDist().cdf(math.log(a.value / b.value) / sd) if sd > 0.0 else float(a.value > b.value)


def log_sd(one: Measure, level: float) -> float:
    """Standard deviation of the logarithm, from an interval at ``level``."""
    return math.log(one.high / one.low) / (2.0 * NormalDist().inv_cdf(0.5 + level / 2.0))


def _measure(one: Metric) -> Measure:
    low, high = (one.value if end is None else end for end in (one.low, one.high))
    return Measure(value=one.value, unit=one.unit, low=low, high=high, basis=one.basis)


def _like(other: Measure, value: float, unit: str) -> Measure:
    """A value that is as unsure as another one."""
    return Measure(value=value, unit=unit, low=value * other.low / other.value, high=value * other.high / other.value)


def _exact(value: float, unit: str) -> Measure:
    return Measure(value=value, unit=unit, low=value, high=value)


def _over(rate: float, draws: Sequence[float], below: Figure, unit: str, level: float) -> Measure:
    points = products(draws, tuple(rate / claim for claim in below.points))
    low, high = band(points, level)
    return Measure(
        value=rate / below.value, unit=unit, low=low, high=high, basis=calculated_basis(("derived", below.basis))
    )

"""The numbers of one plan with their intervals: rates, latencies, and rates per watt and per dollar.

A rate or latency is off by a log-normal factor; what sources say about power, price and tariff is as spread as
their claims. Both pools are taken to be off by the same factor, so a system's rate moves with it too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from accord.economics.capex import usd_per_year
from accord.economics.unit_cost import energy_usd_per_year, usd_per_million_tokens
from accord.inference.layouts import Split
from accord.report.demo import Costs, Measure, Question
from accord.uncertainty.figure import Figure, calculated_basis
from accord.uncertainty.interval import band, products

POINTS = 200  # equally likely values that stand for a log-normal factor


def measures(
    split: Split, question: Question, chips: int, per_chip: int, sd: tuple[float, float], level: float,
    power: Figure | None, price: Figure | None, costs: Costs,
) -> dict[str, Measure]:  # fmt: skip
    """Metrics of a split by name.

    per_chip: devices of a chip; sd: standard deviation in log space of a pool's latency, and of a served rate
    power [W], price [USD]: of the whole system
    """
    pool, served = sd
    output = split.request_per_s * question.osl
    total = split.request_per_s * (question.isl + question.osl)
    found = {
        "tpot_s": _spread(split.tpot_s, "s", pool, level),
        "ttft_s": _spread(split.ttft_s, "s", served, level),
        "kv_transfer_s": _spread(split.transfer_s, "s", served, level),
        "request_per_s": _spread(split.request_per_s, "req/s", served, level),
        "output_token_per_s_per_chip": _spread(output / chips, "tok/s", served, level),
        "output_token_per_s_total": _spread(output, "tok/s", served, level),
        "total_token_per_s_total": _spread(total, "tok/s", served, level),
        "decode_token_per_s_per_chip": _spread(split.decode.tokens_per_s_per_device * per_chip, "tok/s", pool, level),
        "prefill_token_per_s_per_chip": _spread(split.prefill.tokens_per_s_per_device * per_chip, "tok/s", pool, level),
        "decode_memory_bytes": _exact(split.decode.memory_bytes, "B"),
        "prefill_memory_bytes": _exact(split.prefill.memory_bytes, "B"),
    }
    draws = lognormal(1.0, served)
    if power is not None:
        found["output_token_per_s_per_w"] = _over(output, draws, power, "tok/s/W", level)
        found["total_token_per_s_per_w"] = _over(total, draws, power, "tok/s/W", level)
    if price is not None:
        found["output_token_per_s_per_usd"] = _over(output, draws, price, "tok/s/USD", level)
    if power is not None and price is not None:
        found["usd_per_million_output_tokens"] = _cost(output, draws, power, price, costs, level)
    return found


def lognormal(median: float, sd: float) -> tuple[float, ...]:
    """Equally likely values around ``median``; sd: standard deviation of the logarithm."""
    normal = NormalDist()
    return tuple(median * math.exp(sd * normal.inv_cdf((at + 0.5) / POINTS)) for at in range(POINTS))


def chance_below(limit: float, median: float, sd: float) -> float:
    """Chance that a log-normal quantity stays within ``limit``."""
    if sd <= 0.0:
        return float(median <= limit)
    return NormalDist().cdf(math.log(limit / median) / sd)


def chance_above(a: Measure, b: Measure, level: float) -> float:
    """Chance that A is more than B, from their intervals at ``level``, taken as independent and log-normal."""
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    sd = math.hypot(*(math.log(one.high / one.low) / (2.0 * z) for one in (a, b)))
    return NormalDist().cdf(math.log(a.value / b.value) / sd) if sd > 0.0 else float(a.value > b.value)


def _spread(value: float, unit: str, sd: float, level: float) -> Measure:
    factor = math.exp(sd * NormalDist().inv_cdf(0.5 + level / 2.0))
    return Measure(value=value, unit=unit, low=value / factor, high=value * factor)


def _exact(value: float, unit: str) -> Measure:
    return Measure(value=value, unit=unit, low=value, high=value)


def _over(rate: float, draws: Sequence[float], below: Figure, unit: str, level: float) -> Measure:
    points = products(draws, tuple(rate / claim for claim in below.points))
    low, high = band(points, level)
    return Measure(
        value=rate / below.value, unit=unit, low=low, high=high, basis=calculated_basis(("derived", below.basis))
    )


def _cost(rate: float, draws: Sequence[float], power: Figure, price: Figure, costs: Costs, level: float) -> Measure:
    """Owning and energy for a million output tokens, busy all year."""

    def cost(price_usd: float, power_w: float, tariff: float, pue: float) -> float:
        return usd_per_million_tokens(
            rate,
            capex_usd_per_year=usd_per_year(price_usd, life_years=costs.life.value),
            energy_usd_per_year=energy_usd_per_year(power_w, tariff, pue=pue),
        )

    claims = [
        cost(a, b, c, d)
        for a in price.points for b in power.points for c in costs.tariff.points for d in costs.pue.points
    ]  # fmt: skip
    low, high = band(products(claims, tuple(1.0 / draw for draw in draws)), level)
    parts = (price, power, costs.life, costs.tariff, costs.pue)
    value = cost(price.value, power.value, costs.tariff.value, costs.pue.value)
    basis = calculated_basis(part.basis for part in parts)
    return Measure(value=value, unit="USD", low=low, high=high, basis=basis)

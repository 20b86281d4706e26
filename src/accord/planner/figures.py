"""Numbers of a chosen candidate, each with its interval: what time decides, and what is held for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from accord.planner.compose import Candidates
from accord.planner.judge import PER_MILLION, SECONDS_PER_HOUR, W_PER_KW
from accord.planner.offer import Offer
from accord.planner.plan import Metric
from accord.planner.pricing import end_to_end
from accord.planner.problem import QUANTILES, Problem
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure, calculated_basis

HELD_UNITS = {"power_w": "W", "capex_usd": "USD", "usd_per_hour": "USD/h", "racks": "1"}


@dataclass(frozen=True, slots=True)
class Sure:
    """A number and the deviation of its logarithm."""

    value: float
    sd: float


def held_units(offers: tuple[Offer, ...], made: Candidates) -> list[tuple[Offer, int]]:
    """Offers of a candidate with the units held of each."""
    first = [(offers[0], int(made.units[0]))]
    if len(offers) > 1 and offers[1] is not offers[0]:
        first.append((offers[1], int(made.other_units[0])))
    return first


def timed_values(made: Candidates, problem: Problem) -> dict[str, Sure]:
    """What time decides, by metric name."""
    rate, osl = float(made.request_per_s[0]), problem.osl
    z = problem.deviations
    tpot, first = Sure(float(made.tpot_s[0]), float(made.tpot_sd[0])), Sure(
        float(made.ttft_s[0]), float(made.ttft_sd[0])
    )  # fmt: skip
    found = {"request_per_s": Sure(rate, float(made.rate_sd[0])), "tpot_s": tpot, "ttft_s": first}
    found["e2el_s"] = _end(first, tpot, osl, z)
    for at, share in enumerate(QUANTILES):
        name = f"p{round(100 * share)}_s"
        tail = Sure(float(made.ttft_q_s[at, 0]), first.sd)
        gap = Sure(float(made.tpot_q_s[at, 0]), tpot.sd)
        found |= {f"ttft_{name}": tail, f"tpot_{name}": gap, f"e2el_{name}": _end(tail, gap, osl, z)}
    return found


def _end(first: Sure, tpot: Sure, osl: float, z: float) -> Sure:
    a, a_sd, b, b_sd = (np.array([number]) for number in (first.value, first.sd, tpot.value, tpot.sd))
    total, sd = end_to_end(a, a_sd, b, b_sd, osl, z)
    return Sure(float(total[0]), float(sd[0]))


def metrics_of(
    values: dict[str, Sure], offers: tuple[Offer, ...], made: Candidates, problem: Problem
) -> dict[str, Metric]:
    """Every metric of a candidate by name."""
    rate, osl, isl = values["request_per_s"], problem.osl, problem.isl
    held = held_units(offers, made)
    chips = sum(units * offer.unit_chips for offer, units in held)
    wanted = problem.limits.request_per_s
    paid = rate if wanted is None else Sure(min(rate.value, wanted), rate.sd if rate.value < wanted else 0.0)
    found = {name: _spread(one, "req/s" if name == "request_per_s" else "s", problem) for name, one in values.items()}
    for name, factor, unit in (
        ("output_token_per_s_total", osl, "tok/s"), ("output_token_per_s_per_chip", osl / chips, "tok/s"),
        ("total_token_per_s_per_chip", (isl + osl) / chips, "tok/s"),
    ):  # fmt: skip
        found[name] = _spread(Sure(rate.value * factor, rate.sd), unit, problem)
    found["output_token_per_s_per_user"] = _spread(
        Sure(1.0 / values["tpot_s"].value, values["tpot_s"].sd), "tok/s", problem
    )
    found["running"] = _spread(Sure(rate.value * values["e2el_s"].value, 0.0), "1", problem)
    found["chips"] = Metric(value=float(chips), unit="1")
    for name, unit in HELD_UNITS.items():
        one = held_figure(held, name)
        if one is not None:
            found[name] = _claimed(one, unit, problem)
    return found | _unit_costs(held, paid, problem)


def _unit_costs(held: list[tuple[Offer, int]], paid: Sure, problem: Problem) -> dict[str, Metric]:
    """What a token costs, draws and emits."""
    found: dict[str, Metric] = {}
    busy = min(offer.terms.load for offer, _ in held)
    hourly = held_figure(held, "usd_per_hour")
    for name, tokens in (
        ("usd_per_million_output_tokens", problem.osl), ("usd_per_million_tokens", problem.isl + problem.osl)
    ):  # fmt: skip
        if hourly is not None:
            per_hour = paid.value * tokens * busy * SECONDS_PER_HOUR / PER_MILLION
            found[name] = _quotient(hourly, per_hour, paid.sd, "USD", problem)
    metered = _sum(held, lambda offer: _product(offer.terms.power_w, offer.terms.pue, "W"))
    if metered is not None:
        found["energy_j_per_output_token"] = _quotient(metered, paid.value * problem.osl, paid.sd, "J/tok", problem)
        emitted = _sum(held, lambda offer: _product(
            _product(offer.terms.power_w, offer.terms.pue, "W"), offer.terms.kgco2_per_kwh, "kgCO2e"
        ))  # fmt: skip
        if emitted is not None:
            per_hour = paid.value * problem.osl * SECONDS_PER_HOUR / PER_MILLION * W_PER_KW
            found["kgco2_per_million_output_tokens"] = _quotient(emitted, per_hour, paid.sd, "kgCO2e", problem)
    return found


def _product(a: Figure | None, b: Figure | None, unit: str) -> Figure | None:
    return None if a is None or b is None else figure.times(a, b, unit)


def held_figure(held: list[tuple[Offer, int]], name: str) -> Figure | None:
    """A figure of the terms over all that is held; None where one part is unknown."""
    return _sum(held, lambda offer: getattr(offer.terms, name))


def _sum(held: list[tuple[Offer, int]], each: Callable[[Offer], Figure | None]) -> Figure | None:
    parts: list[Figure] = []
    for offer, units in held:
        one = each(offer)
        if one is None:
            return None
        parts.append(figure.scaled(one, float(units * offer.unit_chips), one.unit))
    if len(parts) == 1:
        return parts[0]
    points = tuple(a + b for a in parts[0].points for b in parts[1].points)
    return Figure(
        value=parts[0].value + parts[1].value, unit=parts[0].unit, points=points,
        basis=calculated_basis([part.basis for part in parts]),
        sources=tuple(dict.fromkeys((*parts[0].sources, *parts[1].sources))),
    )  # fmt: skip


def _spread(one: Sure, unit: str, problem: Problem) -> Metric:
    if not problem.intervals:
        return Metric(value=one.value, unit=unit)
    wide = math.exp(NormalDist().inv_cdf(0.5 + problem.level / 2.0) * one.sd)
    return Metric(value=one.value, unit=unit, low=one.value / wide, high=one.value * wide)


def _claimed(one: Figure, unit: str, problem: Problem) -> Metric:
    low, high = _ends(one, problem.level)
    return Metric(value=one.value, unit=unit, low=low, high=high, basis=one.basis)


def _ends(one: Figure, level: float) -> tuple[float, float]:
    low, high = one.band(level)
    return min(low, one.value), max(high, one.value)


def _quotient(top: Figure, bottom: float, sd: float, unit: str, problem: Problem) -> Metric:
    """A claimed figure over a predicted rate: independent, so their log distances add in squares."""
    value, basis = top.value / bottom, calculated_basis([top.basis, "derived"])
    if not problem.intervals:
        return Metric(value=value, unit=unit, basis=basis)
    own = NormalDist().inv_cdf(0.5 + problem.level / 2.0) * sd
    low, high = _ends(top, problem.level)
    if not low > 0.0:
        return Metric(value=value, unit=unit, low=0.0, high=high / bottom * math.exp(own), basis=basis)
    down, up = (math.hypot(own, math.log(end / top.value)) for end in (low, high))
    return Metric(value=value, unit=unit, low=value * math.exp(-down), high=value * math.exp(up), basis=basis)

"""Candidates against the limits, and what they are worth by each objective."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.planner.compose import Candidates
from accord.planner.offer import Offer, at_confidence
from accord.planner.pricing import ROOM, named_latency
from accord.planner.problem import Objective, Problem
from accord.planner.terms import Terms
from accord.planner.waits import sure_rate
from accord.uncertainty.figure import Figure

W_PER_KW, SECONDS_PER_HOUR, PER_MILLION = 1000.0, 3600.0, 1e6
_DIGITS = 2.0**30
_HELD = (("power_w", "power"), ("capex_usd", "capex"), ("usd_per_hour", "usd"), ("racks", "racks"))


@dataclass(frozen=True, slots=True)
class Judged:
    """Which candidates keep every limit, their objectives (less is better, ``(C, M)``), and what the others break."""

    good: npt.NDArray[np.bool_]
    objectives: Array
    rejected: Counter[str]


def judge(made: Candidates, offers: tuple[Offer, ...], problem: Problem) -> Judged:
    """Every limit of the problem on every candidate, with the problem's confidence."""
    good = np.ones(len(made), dtype=bool)
    fell: Counter[str] = Counter()
    for name, kept in _limits(made, offers, problem):
        fell[name] += int(np.count_nonzero(good & ~kept))
        good &= kept
    columns = [rounded(objective(name, made, offers, problem)) for name in problem.objectives]
    objectives = np.stack(columns, axis=1)
    unknown = ~np.all(np.isfinite(objectives), axis=1)
    fell["objective unknown"] += int(np.count_nonzero(good & unknown))
    return Judged(good & ~unknown, objectives, +fell)


def rounded(values: Array) -> Array:
    """Values to 30 binary digits, so that equal ones are equal, in whatever order they were found."""
    share, power = np.frexp(values)
    return np.asarray(np.ldexp(np.round(share * _DIGITS) / _DIGITS, power), dtype=np.float64)


def _limits(made: Candidates, offers: tuple[Offer, ...], problem: Problem) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    limits, z = problem.limits, problem.deviations
    found: list[tuple[str, npt.NDArray[np.bool_]]] = []
    for limit in limits.latencies:
        value, sd = latency(made, limit.latency, limit.quantile, problem.osl, z)
        found.append((limit.name, value * np.exp(z * sd) <= limit.limit_s * ROOM))
    if limits.request_per_s is not None:
        sure = sure_rate(made.request_per_s, made.rate_sd, problem)
        found.append(("goodput", sure * ROOM >= limits.request_per_s))
    if limits.chips is not None:
        found.append(("chips", held_chips(made, offers) <= limits.chips))
    confidence = problem.confidence if problem.intervals else 0.5
    for field, name in _HELD:
        most = getattr(limits, field)
        if most is not None:
            found.append((name, sure_total(made, offers, field, confidence) <= most * ROOM))
    return found


def latency(made: Candidates, name: str, quantile: float | None, osl: float, z: float) -> tuple[Array, Array]:
    """A latency of candidates and the deviation of its logarithm, to be kept at ``z`` of them."""
    first = made.ttft_s, made.ttft_q_s, made.ttft_sd
    return named_latency(name, quantile, first, (made.tpot_s, made.tpot_q_s, made.tpot_sd), osl, z)


def held_chips(made: Candidates, offers: tuple[Offer, ...]) -> Array:
    """Chips held of all systems."""
    chips = made.units * offers[0].unit_chips
    return chips + made.other_units * offers[-1].unit_chips


def total(made: Candidates, offers: tuple[Offer, ...], each: Callable[[Terms], float]) -> Array:
    """A figure of the terms over all chips held, shape ``(C,)``; each: of one chip."""
    found = made.units * offers[0].unit_chips * each(offers[0].terms)
    if len(offers) > 1 and offers[1] is not offers[0]:
        found = found + made.other_units * offers[1].unit_chips * each(offers[1].terms)
    return np.asarray(found, dtype=np.float64)


def sure_total(made: Candidates, offers: tuple[Offer, ...], field: str, confidence: float) -> Array:
    """What a field of the terms over all chips held does not exceed with ``confidence``, shape ``(C,)``.

    Claims of two systems are independent: every combination of one of each counts.
    """
    plain = total(made, offers, held(field, confidence))
    if len(offers) < 2 or offers[1] is offers[0] or confidence <= 0.5 or not np.all(np.isfinite(plain)):
        return plain
    figures: list[Figure] = [getattr(one.terms, field) for one in offers]
    units, which = np.unique(np.stack([made.units, made.other_units], axis=1), axis=0, return_inverse=True)
    found = np.zeros(len(units))
    for at, counts in enumerate(units):
        chips = [float(count) * one.unit_chips for count, one in zip(counts, offers, strict=True)]
        each = [np.asarray(one.points or (one.value,)) * many for one, many in zip(figures, chips, strict=True)]
        points = tuple(np.add.outer(each[0], each[1]).ravel().tolist())
        value = figures[0].value * chips[0] + figures[1].value * chips[1]
        found[at] = at_confidence(msgspec.structs.replace(figures[0], value=value, points=points), confidence)
    return np.asarray(found[which.ravel()], dtype=np.float64)


def held(field: str, confidence: float) -> Callable[[Terms], float]:
    """A field of the terms, not exceeded with ``confidence``; infinite where nobody knows it."""

    def each(terms: Terms) -> float:
        figure: Figure | None = getattr(terms, field)
        return math.inf if figure is None else at_confidence(figure, confidence)

    return each


def metered_w(terms: Terms) -> float:
    """Power of a chip at the meter, hosts and building included; infinite where nobody knows it."""
    return math.inf if terms.power_w is None or terms.pue is None else terms.power_w.value * terms.pue.value


def kgco2_per_hour(terms: Terms) -> float:
    """What the electricity of a chip emits; infinite where nobody knows it."""
    return math.inf if terms.kgco2_per_kwh is None else metered_w(terms) / W_PER_KW * terms.kgco2_per_kwh.value


def served(made: Candidates, problem: Problem) -> Array:
    """Requests a second that are paid for: what a plan serves, at most what was asked for."""
    wanted = problem.limits.request_per_s
    return made.request_per_s if wanted is None else np.minimum(made.request_per_s, wanted)


def objective(name: Objective, made: Candidates, offers: tuple[Offer, ...], problem: Problem) -> Array:
    """One objective of candidates at the estimate, less is better, shape ``(C,)``; infinite or NaN where unknown."""
    output_per_s = served(made, problem) * problem.osl
    if name == "goodput":
        return -made.request_per_s
    if name == "chips":
        return held_chips(made, offers)
    if name == "power":
        return total(made, offers, held("power_w", 0.5))
    if name == "cost":
        busy = min(offer.terms.load for offer in offers)
        hourly = total(made, offers, held("usd_per_hour", 0.5))
        return np.asarray(hourly / (output_per_s * busy * SECONDS_PER_HOUR) * PER_MILLION, dtype=np.float64)
    if name == "energy":
        return np.asarray(total(made, offers, metered_w) / output_per_s, dtype=np.float64)
    if name == "carbon":
        hourly = total(made, offers, kgco2_per_hour)
        return np.asarray(hourly / (output_per_s * SECONDS_PER_HOUR) * PER_MILLION, dtype=np.float64)
    return latency(made, name, None, problem.osl, 0.0)[0]

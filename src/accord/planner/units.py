"""How many units of systems are tried: those a limit allows, and those a wanted rate needs."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.planner.offer import Offer
from accord.planner.pareto import front
from accord.planner.pricing import ROOM
from accord.planner.problem import Problem
from accord.planner.table import Table
from accord.planner.waits import in_time, sure_rate

MOST_INSTANCES = 1024  # of a prefill pool
_EVERY = 100  # instances up to which every number is tried
MANY = 16  # numbers of units that are tried for a wanted rate where more than needed may be better
_FEW = 4  # where they are not
_SMALL = 16  # units up to which every number is tried
_BY_UNITS = frozenset({"chips", "power", "cost", "energy", "carbon"})  # more units are never better


def ladder(offer: Offer, problem: Problem, *, sparse: bool = False) -> tuple[int, ...]:
    """Numbers of units that are tried: all small ones, then powers of two, and the most.

    None where only a load says how many. Where goodput alone counts, large numbers but the most are left out: whatever
    runs on fewer units runs on more. sparse: powers of two and the most, for pairs of systems
    """
    most = offer.most if offer.why else 0
    small = range(1, 1 if sparse else _SMALL + 1)
    large = (1 << power for power in range(most.bit_length() if sparse or problem.objectives != ("goodput",) else 0))
    return tuple(sorted({count for count in (*small, *large, most) if 0 < count <= most}))


@functools.cache
def instances(most: int) -> Array:
    """Numbers of prefill instances that are tried: all up to ``_EVERY``, then steps of a hundredth, and the most."""
    found, count = list(range(1, min(most, _EVERY) + 1)), _EVERY
    while count < most:
        count = min(max(count + 1, round(count * 1.01)), most)
        found.append(count)
    return np.asarray(found, dtype=np.float64)


def by_units(problem: Problem) -> bool:
    """Whether more units than needed are never better."""
    return frozenset(problem.objectives) <= _BY_UNITS


def unit_pairs(
    tables: tuple[Table, Table], offers: tuple[Offer, Offer], shared: bool, problem: Problem, transfer: Array
) -> Sequence[tuple[int, int]]:
    """Units of both systems that are tried. On one system the second number is 0."""
    first = ladder(offers[0], problem, sparse=not shared)
    second = (0,) if shared else ladder(offers[1], problem, sparse=True)
    tried = {(a, b) for a in first for b in second}
    if problem.limits.request_per_s is not None and len(tables[0]) and len(tables[1]):
        many, others = _needed(tables, offers, shared, problem, transfer)
        sizes = many * tables[0].devices[:, None], others * tables[1].devices
        tried |= _few_units(sizes, offers[0], problem) if shared else _few_pairs(sizes, offers, problem)
    return sorted(tried)


def _needed(
    tables: tuple[Table, Table], offers: tuple[Offer, Offer], shared: bool, problem: Problem, transfer: Array
) -> tuple[Array, Array]:
    """Instances with which pairs of rows first serve the wanted rate: of prefill ``(P, 1 or D)``, of decode ``(D,)``.

    Infinite where none of the instances that go into the offer do.
    """
    wanted = problem.limits.request_per_s or 0.0
    prefill, decode = tables[0], tables[1]
    others = np.ceil(wanted / (problem.max_load * sure_rate(decode.request_per_s, decode.rate_sd, problem)) - 1e-9)
    limits = [limit for limit in problem.limits.latencies if limit.latency != "tpot"]
    ends = any(limit.latency == "e2el" for limit in limits)
    width = len(decode) if ends else 1
    rows, d = np.repeat(np.arange(len(prefill)), width), np.tile(np.arange(len(decode)), len(prefill))
    answers = (decode.tpot_s[d], decode.tpot_q_s[:, d], decode.tpot_sd[d]) if ends else None
    most = np.clip(np.floor(offers[0].most * offers[0].unit_devices / prefill.devices[rows]), 0.0, MOST_INSTANCES)

    sure = sure_rate(prefill.request_per_s[rows], prefill.rate_sd[rows], problem)

    def enough(many: Array) -> npt.NDArray[np.bool_]:
        load = wanted / (many * sure)
        least = np.minimum(load, problem.max_load)
        kept = in_time(prefill, rows, many, transfer[rows], least, limits, problem, answers)
        return np.asarray(kept & (load <= problem.max_load * ROOM), dtype=np.bool_)

    good = enough(np.maximum(most, 1.0)) & (most >= 1.0)
    low, high = np.zeros(len(rows)), np.where(good, most, 1.0)
    while np.any(high - low > 1.0):
        middle = np.maximum(np.floor((low + high) / 2.0), 1.0)
        done = enough(middle)
        low, high = np.where(done, low, middle), np.where(done, middle, high)
    return np.where(good, high, np.inf).reshape(len(prefill), width), others


def _few_units(sizes: tuple[Array, Array], offer: Offer, problem: Problem) -> set[tuple[int, int]]:
    """The smallest numbers of units of one system that hold some pair; those that follow where more may be better."""
    first, second = sizes
    if first.shape[1] == 1:  # every first goes with every second
        first, second = np.unique(first)[:, None], np.unique(second)
    units = np.unique(np.ceil((first + second) / offer.unit_devices - 1e-9))
    units = units[units <= offer.most]
    if len(units) and not by_units(problem):
        units = units[0] + np.arange(MANY)
    few = units[:_FEW] if by_units(problem) else units[units <= offer.most]
    return {(int(count), 0) for count in few}


def _few_pairs(sizes: tuple[Array, Array], offers: tuple[Offer, Offer], problem: Problem) -> set[tuple[int, int]]:
    """Numbers of units of two systems that hold some pair, fewer of neither; those around where more may be better."""
    a = np.ceil(sizes[0] / offers[0].unit_devices - 1e-9)
    b = np.broadcast_to(np.ceil(sizes[1] / offers[1].unit_devices - 1e-9), (len(a), len(sizes[1])))
    both = np.stack([np.broadcast_to(a, b.shape).ravel(), b.ravel()], axis=1)
    both = np.unique(both[(both[:, 0] <= offers[0].most) & (both[:, 1] <= offers[1].most)], axis=0)
    more = range(1 if by_units(problem) else _FEW)
    found = {
        (int(first) + i, int(second) + j) for first, second in both[front(both)] for i in more for j in more
    }  # fmt: skip
    return {(i, j) for i, j in found if i <= offers[0].most and j <= offers[1].most}

"""Waiting before a prefill pool, and how much load it takes while limits on latency are kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.inference.waiting import CONSTANT, queue
from accord.planner.pricing import end_to_end
from accord.planner.problem import QUANTILES, Limit, Problem
from accord.planner.table import Index, Table

WAITING = frozenset({"ttft", "e2el"})  # less load makes them less
_HALVINGS = 40
_WINDOW_S = 600.0  # that a queue has been building; a pool planned below its most is hardly moved by it


def sure_rate(rate: Array, sd: Array, problem: Problem) -> Array:
    """What a rate is at least, with the problem's confidence."""
    return np.asarray(rate * np.exp(-problem.deviations * sd), dtype=np.float64)


def first_tokens(
    table: Table, rows: Index, many: Array, transfer: Array, load: Array, shares: Sequence[float] = QUANTILES
) -> tuple[Array, Array]:
    """Mean time to first token of ``many`` prefill instances at a share ``load`` of their most, and its percentiles.

    A prompt waits for a place (one of a group's in a step), for the step under way, for its own step and for the
    transfer. All groups of an instance step together, so where it has more than one place a prompt finds a step under
    way with chance ``1 - exp(-places load)`` and waits for half of it on average, anywhere in it.
    """
    per_s = many * table.request_per_s[rows]
    groups = table.groups[rows]
    line = queue(load, per_s, many * groups, CONSTANT, np.full_like(per_s, _WINDOW_S))
    under_way = -np.expm1(-load * groups * table.load[rows]) * table.gather_s[rows]
    own = table.first_s[rows] + transfer
    tails = [own + 2.0 * share * under_way + line.quantile_s(share) for share in shares]
    return own + under_way + line.mean_s, np.stack(tails) if tails else np.empty((0, len(per_s)))


def highest_load(
    table: Table, rows: Index, many: Array, transfer: Array, limits: Sequence[Limit], problem: Problem,
    answers: tuple[Array, Array, Array] | None = None,
) -> Array:  # fmt: skip
    """The share of its most at which a prefill pool still keeps its limits, 0 where at none.

    limits: on ``ttft``, and on ``e2el`` where ``answers`` (tpot, its percentiles, its deviation) are given
    Waiting grows with load, so halving finds it.
    """
    high = np.full(len(rows), problem.max_load)
    if not limits:
        return high

    def keeps(load: Array, at: Index) -> npt.NDArray[np.bool_]:
        own = None if answers is None else (answers[0][at], answers[1][:, at], answers[2][at])
        return in_time(table, rows[at], many[at], transfer[at], load, limits, problem, own)

    every = np.arange(len(rows))
    low = np.where(keeps(high, every), high, 0.0)
    at = np.flatnonzero(low == 0.0)
    at = at[keeps(np.zeros(len(at)), at)]  # where a prompt alone is too slow, no load is low enough
    top = high[at]
    for _ in range(_HALVINGS if len(at) else 0):
        middle = 0.5 * (low[at] + top)
        good = keeps(middle, at)
        low[at], top = np.where(good, middle, low[at]), np.where(good, top, middle)
    return low


def in_time(
    table: Table, rows: Index, many: Array, transfer: Array, load: Array, limits: Sequence[Limit], problem: Problem,
    answers: tuple[Array, Array, Array] | None = None,
) -> npt.NDArray[np.bool_]:  # fmt: skip
    """Whether a prefill pool keeps its limits at a load; arguments as of :func:`highest_load`."""
    good = np.ones(len(rows), dtype=bool)
    if not limits:
        return good
    z, sd = problem.deviations, table.first_sd[rows]
    asked = tuple(dict.fromkeys(limit.quantile for limit in limits if limit.quantile is not None))
    mean, tails = first_tokens(table, rows, many, transfer, load, asked)
    for limit in limits:
        at = None if limit.quantile is None else QUANTILES.index(limit.quantile)
        value, own = (mean if limit.quantile is None else tails[asked.index(limit.quantile)]), sd
        if limit.latency == "e2el" and answers is not None:
            tpot = answers[0] if at is None else answers[1][at]
            value, own = end_to_end(value, sd, tpot, answers[2], problem.osl, z)
        good &= value * np.exp(z * own) <= limit.limit_s
    return good

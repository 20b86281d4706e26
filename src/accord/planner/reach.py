"""What each row reaches beside its best partner, exactly, without forming every candidate.

A pair of pools serves the lesser of what both carry. So of all prefill rows of one size that keep the limits only the
one that starts most requests counts, and of all numbers of instances only those where no other has both more to start
and more to carry for what they cost. What is found equals the best of :func:`accord.planner.compose.splitting` as
long as no limit on the time to the last token ties prompts to answers; tests compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.planner.compose import Candidates, joint_sd
from accord.planner.judge import rounded
from accord.planner.offer import Offer
from accord.planner.pareto import front
from accord.planner.pricing import ROOM
from accord.planner.problem import Problem
from accord.planner.table import Index, Table
from accord.planner.units import MOST_INSTANCES, instances
from accord.planner.waits import first_tokens, highest_load, in_time, sure_rate

_EXACT = 1e-12  # that a whole number of instances may be off in rounding
_HALVINGS = 40  # as in waits.highest_load, whose results are met


@dataclass(frozen=True, slots=True)
class Ways:
    """Numbers of instances in which pools may be held, shape ``(W,)``, fewest units first.

    size, many: ranks of a prefill instance and how many of them; left: ranks for instances that answer
    units, other_units: held of the first and of the second system
    group: index among the different pairs of size and many, ``sizes`` and ``counts``
    A single pool has no prefill: 0 of size 0.
    """

    size: Array
    many: Array
    left: Array
    units: Array
    other_units: Array
    group: Index
    sizes: Array
    counts: Array

    def __len__(self) -> int:
        """Number of ways."""
        return len(self.size)

    def pick(self, index: Index) -> Ways:
        """The ways at ``index``."""
        return Ways(
            self.size[index], self.many[index], self.left[index], self.units[index], self.other_units[index],
            self.group[index], self.sizes, self.counts,
        )  # fmt: skip


def single_ways(units: Sequence[int], offer: Offer) -> Ways:
    """Ways of one pool that fills each number of units."""
    held = np.asarray(sorted(units), dtype=np.float64)
    none = np.zeros(len(held))
    return Ways(none, none, held * offer.unit_devices, held, none, none.astype(np.intp), np.zeros(1), np.zeros(1))


def paired_ways(sizes: Array, tried: Sequence[tuple[int, int]], offers: tuple[Offer, Offer]) -> Ways:
    """Ways of two pools. sizes: ranks of prefill instances there are; tried: units of both systems."""
    shared = offers[0] is offers[1]
    parts: list[Array] = [np.zeros((5, 0))]
    for first, second in tried:
        room, other = first * offers[0].unit_devices, second * offers[1].unit_devices
        for size in sizes:
            many = instances(int(min(room // size, MOST_INSTANCES)))
            left = room - many * size if shared else np.full(len(many), float(other))
            same = np.ones(len(many))
            parts.append(np.stack([size * same, many, left, first * same, second * same]))
    found = np.concatenate(parts, axis=1)
    found = found[:, found[2] >= 1.0]
    found = found[:, np.lexsort((found[1], found[3] + found[4]))]
    pairs, group = np.unique(found[:2], axis=1, return_inverse=True)
    size, many, left, first_units, second_units = found
    group = np.asarray(group.ravel(), dtype=np.intp)
    return Ways(size, many, left, first_units, second_units, group, pairs[0], pairs[1])


def most_started(prefill: Table, rows: Index, ways: Ways, transfer: Array, problem: Problem) -> Array:
    """Requests a second that the best of the prefill rows starts within the limits, for each way, shape ``(W,)``.

    rows: those that count; transfer: seconds a cache takes from pool to pool, of every row
    With a wanted rate only rows that start it surely count. Halving drops what can no longer be the best of its group.
    """
    by_size = {size: rows[prefill.devices[rows] == size] for size in np.unique(ways.sizes)}
    members = [by_size[size] for size in ways.sizes]
    row = np.concatenate([np.zeros(0, dtype=np.intp), *members])
    group = np.repeat(np.arange(len(members)), [len(one) for one in members])
    many = ways.counts[group]
    best = _halved(prefill, row, many, group, transfer, problem, len(members))
    return best[ways.group]


def _halved(
    prefill: Table, row: Index, many: Array, group: Index, transfer: Array, problem: Problem, groups: int
) -> Array:
    limits = [limit for limit in problem.limits.latencies if limit.latency == "ttft"]
    most, best = many * prefill.request_per_s[row], np.zeros(groups)
    sure = np.exp(-problem.deviations * prefill.rate_sd[row]) * ROOM
    wanted = problem.limits.request_per_s or 0.0

    def note(load: Array, at: Index) -> None:
        rate = load * most[at]
        np.maximum.at(best, group[at], np.where(rate * sure[at] >= wanted, rate, 0.0))

    def keeps(load: Array, at: Index) -> npt.NDArray[np.bool_]:
        return in_time(prefill, row[at], many[at], transfer[row[at]], load, limits, problem)

    def hopeful(load: Array, at: Index) -> npt.NDArray[np.bool_]:
        rate = load * most[at]
        return np.asarray((rate > best[group[at]]) & (rate * sure[at] >= wanted), dtype=np.bool_)

    every = np.arange(len(row))
    high = np.full(len(row), problem.max_load)
    every = every[hopeful(high, every)]
    full = keeps(high[every], every)
    note(high[every[full]], every[full])
    at = every[~full]
    at = at[hopeful(high[at], at)]
    at = at[keeps(np.zeros(len(at)), at)]
    low, top = np.zeros(len(at)), high[at]
    for _ in range(_HALVINGS):
        if not len(at):
            break
        middle = 0.5 * (low + top)
        good = keeps(middle, at)
        low, top = np.where(good, middle, low), np.where(good, top, middle)
        note(low, at)
        left = hopeful(top, at)
        at, low, top = at[left], low[left], top[left]
    return best


def reached(
    table: Table, rows: Index, ways: Ways, started: Array | None, cost: Array, problem: Problem, most: float = np.inf
) -> Array:
    """The most requests a second over cost of rows that answer, over all ways, shape ``(R,)``; 0 where there is none.

    started: what prefill pools start, shape ``(W,)``; None where a row serves prompts too
    cost: of each way, above 0; most: requests a second beyond which nothing is paid
    """
    found = np.zeros(len(rows))
    wanted = problem.limits.request_per_s is not None
    carried, least = _needed_each(table, rows, problem, pooled=started is not None)
    limit = np.full(len(ways), np.inf) if started is None else started
    usable = np.flatnonzero((limit > 0.0) & np.isfinite(cost))
    for of, way, many in _by_size(table, rows, ways, usable):
        start, price = np.minimum(limit[way], most), cost[way]
        if wanted:
            kept = _stairs(price, start, many)
        else:
            high = np.where(np.isfinite(start), start, 1.0)
            kept = np.flatnonzero(front(np.stack([-high / price, -many / price], axis=1)))
        start, price, many = start[kept], price[kept], many[kept]
        values = np.minimum(start[:, None], many[:, None] * carried[of]) / price[:, None]
        if wanted:
            values = np.where(many[:, None] >= least[of], values, 0.0)
        found[of] = values.max(axis=0)
    return found


def least_cost(
    table: Table, rows: Index, ways: Ways, started: Array | None, cost: Array, problem: Problem
) -> Array:  # fmt: skip
    """The least cost of rows that answer at which the wanted rate is served, infinite where it never is.

    Arguments as of :func:`reached`.
    """
    found = np.full(len(rows), np.inf)
    _, least = _needed_each(table, rows, problem, pooled=started is not None)
    usable = np.flatnonzero(np.isfinite(cost) & (True if started is None else started > 0.0))
    usable = usable[np.argsort(cost[usable], kind="stable")]
    for of, way, many in _by_size(table, rows, ways, usable):
        at = np.searchsorted(np.maximum.accumulate(many), least[of])
        found[of] = np.append(cost[way], np.inf)[at]
    return found


def _needed_each(table: Table, rows: Index, problem: Problem, *, pooled: bool) -> tuple[Array, Array]:
    """What an instance carries, and the fewest that surely carry the wanted rate."""
    carried, wanted = carried_each(table, rows, problem, pooled=pooled), problem.limits.request_per_s
    if wanted is None:
        return carried, np.ones(len(rows))
    return carried, np.ceil(wanted / (ROOM * sure_each(table, rows, carried, problem)) - _EXACT)


def _by_size(table: Table, rows: Index, ways: Ways, usable: Index) -> Iterator[tuple[Index, Index, Array]]:
    """Rows of instances of one size, as places in ``rows``; ways that hold one; and how many these hold."""
    for size in np.unique(table.devices[rows]):
        many = np.floor(ways.left[usable] / size + 1e-9)
        some = np.flatnonzero(many >= 1.0)
        if len(some):
            yield np.flatnonzero(table.devices[rows] == size), usable[some], many[some]


def _stairs(price: Array, start: Array, many: Array) -> Index:
    """Ways that no other of the same price beats in both."""
    order = np.lexsort((-many, -start, price))
    own = np.cumsum(np.diff(price[order], prepend=price[order[:1]]) > 0.0) * (2.0 * many.max() + 1.0) + many[order]
    best = np.concatenate([[-1.0], np.maximum.accumulate(own)[:-1]])
    return np.asarray(order[own > best], dtype=np.intp)


def carried_each(table: Table, rows: Index, problem: Problem, *, pooled: bool) -> Array:
    """Requests a second of one instance of rows that answer; of a decode pool at the load it is planned at."""
    rate = table.request_per_s[rows]
    return np.asarray(rate * problem.max_load if pooled else rate, dtype=np.float64)


def sure_each(table: Table, rows: Index, carried: Array, problem: Problem) -> Array:
    """What an instance carries with the problem's confidence."""
    return np.asarray(carried * np.exp(-problem.deviations * table.rate_sd[rows]), dtype=np.float64)


# Which candidate it is that reaches so much


def best_single(
    table: Table, rows: Index, ways: Ways, cost: Array, problem: Problem, most: float = np.inf
) -> Candidates:  # fmt: skip
    """Of each row the candidate that :func:`reached` speaks of, in the fewest units, shape ``(R,)``."""
    many = np.floor(ways.left / table.devices[rows][:, None] + 1e-9)
    rate = many * table.request_per_s[rows][:, None]
    sure = sure_rate(rate, table.rate_sd[rows][:, None], problem) * ROOM
    value = np.where(sure >= (problem.limits.request_per_s or 0.0), np.minimum(rate, most) / cost, 0.0)
    way = np.argmax(rounded(value), axis=1)
    none, at = np.zeros(len(rows)), (np.arange(len(rows)), way)
    return Candidates(
        rows, np.full(len(rows), -1, dtype=np.intp), many[at], none, ways.units[way], none, rate[at],
        table.rate_sd[rows], table.first_s[rows], table.first_q_s[:, rows], table.first_sd[rows], table.tpot_s[rows],
        table.tpot_q_s[:, rows], table.tpot_sd[rows],
    )  # fmt: skip


def best_pairs(
    pools: tuple[Table, Table], rows: tuple[Index, Index], ways: Ways, started: Array, cost: Array, transfer: Array,
    problem: Problem, most: float = np.inf,
) -> Candidates:  # fmt: skip
    """Of each decode row the candidate that :func:`reached` speaks of, shape ``(R,)``; ties as the search breaks them.

    rows: prefill rows that count, decode rows; each of the latter is known to reach something
    """
    prefill, decode = pools
    d = rows[1]
    carried = np.floor(ways.left / decode.devices[d][:, None] + 1e-9)
    rate = np.minimum(started, carried * carried_each(decode, d, problem, pooled=True)[:, None])
    sure = carried * sure_each(decode, d, carried_each(decode, d, problem, pooled=True), problem)[:, None]
    good = (sure * ROOM >= (problem.limits.request_per_s or 0.0)) & (started > 0.0) & np.isfinite(cost)
    value = rounded(np.where(good, np.minimum(rate, most) / cost, 0.0))
    held = ways.units + ways.other_units
    count = (len(d), len(ways))
    keys = (ways.many + carried, -rate, np.broadcast_to(held, count), -value)
    way = np.lexsort(keys, axis=1)[:, 0]
    others = carried[np.arange(len(d)), way]
    return _partnered(pools, rows, (ways.pick(way), others), transfer, problem)


def _partnered(
    pools: tuple[Table, Table], rows: tuple[Index, Index], held: tuple[Ways, Array], transfer: Array, problem: Problem
) -> Candidates:
    """Each decode row, held as said, with the prefill row that lets it serve most, and of those the soonest."""
    prefill, decode = pools
    ways, others = held
    members = [rows[0][prefill.devices[rows[0]] == size] for size in ways.size]
    p = np.concatenate([np.zeros(0, dtype=np.intp), *members])
    at = np.repeat(np.arange(len(members)), [len(one) for one in members])
    d, many = rows[1][at], ways.many[at]
    limits = [limit for limit in problem.limits.latencies if limit.latency == "ttft"]
    most = many * prefill.request_per_s[p]
    started = highest_load(prefill, p, many, transfer[p], limits, problem) * most
    carried = others[at] * decode.request_per_s[d] * problem.max_load
    rate = np.minimum(started, carried)
    sd = joint_sd((started, carried), (prefill.rate_sd[p], decode.rate_sd[d]), problem)
    first, first_q = first_tokens(prefill, p, many, transfer[p], rate / most)
    enough = sure_rate(rate, sd, problem) * ROOM >= (problem.limits.request_per_s or 0.0)
    order = np.lexsort((first, -np.where(enough, rate, 0.0), at))
    best = order[np.unique(at[order], return_index=True)[1]]
    p, d = p[best], d[best]
    return Candidates(
        p, d, many[best], others, ways.units, ways.other_units, rate[best], sd[best], first[best], first_q[:, best],
        prefill.first_sd[p], decode.tpot_s[d], decode.tpot_q_s[:, d], decode.tpot_sd[d],
    )  # fmt: skip

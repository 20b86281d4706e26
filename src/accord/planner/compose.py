"""Rows to candidates: how many instances of which rows on how many chips, and what they serve together.

An aggregated candidate is a row repeated. A disaggregated one is a prefill row and a decode row, each repeated; its
rate is the most that both pools carry while the time to first token keeps its limits, with as many decode instances
as the chips leave room for. Everything is arrays over candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.inference.waiting import CONSTANT, queue
from accord.planner.offer import Offer
from accord.planner.pareto import front, leading
from accord.planner.pricing import ROOM, end_to_end
from accord.planner.problem import QUANTILES, Limit, Problem
from accord.planner.table import Index, Table

MOST_INSTANCES = 1024  # of a prefill pool
_HALVINGS = 40
_SLICE = 400_000  # candidates looked at together
_BY_UNITS = frozenset({"chips", "power", "cost", "energy", "carbon"})  # more units are never better
_WAITING = frozenset({"ttft", "e2el"})  # less load makes them less
_FEW, _MANY = 4, 16  # numbers of units that are tried for a wanted rate
_SMALL = 16  # units up to which every number is tried
_WINDOW_S = 600.0  # that a queue has been building; a pool planned below its most is hardly moved by it
Send = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Option:
    """Rows of one branch, and what they lie on.

    offer: index of its system's offer
    """

    system: str
    engine: str
    weights: str
    kv: str
    offer: int
    table: Table


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates of one kind, shape ``(C,)``: rows of one or two options, instances, units held, and what they do.

    first, second: rows of the serving option, or of the prefill and the decode option
    many, others: instances of each; units, other_units: held of the first and of the second option's system
    first_q_s, tpot_q_s: percentiles, shape ``(Q, C)``
    """

    first: Index
    second: Index
    many: Array
    others: Array
    units: Array
    other_units: Array
    request_per_s: Array
    rate_sd: Array
    ttft_s: Array
    ttft_q_s: Array
    ttft_sd: Array
    tpot_s: Array
    tpot_q_s: Array
    tpot_sd: Array

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self.first)

    def pick(self, index: Index) -> Candidates:
        """The candidates at ``index``."""
        return Candidates(*(getattr(self, one.name)[..., index] for one in fields(self)))


def put_together(parts: Sequence[Candidates]) -> Candidates:
    """Candidates of all parts after one another; at least one part."""
    return Candidates(
        *(np.concatenate([getattr(part, one.name) for part in parts], axis=-1) for one in fields(Candidates))
    )


def ladder(offer: Offer) -> tuple[int, ...]:
    """Numbers of units that are tried: all small ones, then 1, 3, 5 and 9 times powers of two, and the most.

    None where only a load says how many.
    """
    most = offer.most if offer.why else 0
    large = (base << power for base in (1, 3, 5, 9) for power in range(most.bit_length()))
    return tuple(sorted({*range(1, min(most, _SMALL) + 1), *(count for count in large if count <= most), most} - {0}))


# One pool


def serving(option: Option, offer: Offer, problem: Problem) -> Candidates:
    """Every row, as often as it goes into each number of units; and as often as a wanted rate needs.

    Where more units may be better, those around the fewest that serve it are tried with every row.
    """
    table, room = option.table, offer.unit_devices
    devices, rate = table.devices, table.request_per_s
    wanted = problem.limits.request_per_s
    every = np.arange(len(table))
    rows, units = [every[:0]], [np.zeros(0)]
    for count in ladder(offer):
        rows.append(every)
        units.append(np.full(len(table), float(count)))
    if wanted is not None:
        needed = np.ceil(wanted / sure_rate(rate, table.rate_sd, problem) - 1e-9)
        enough = np.ceil(needed * devices / room - 1e-9)
        if _by_units(problem) or not len(table):
            rows.append(every)
            units.append(enough)
        else:
            rows += [every] * _MANY
            units += [np.full(len(table), enough.min() + more) for more in range(_MANY)]
    row, held = np.concatenate(rows), np.concatenate(units)
    held = np.where(held <= offer.most, held, 0.0)
    many = np.floor(held * room / devices[row] + 1e-9)
    good = np.flatnonzero(many >= 1.0)
    row, held, many = row[good], held[good], many[good]
    none = np.zeros(len(row))
    return Candidates(
        row, np.full(len(row), -1, dtype=np.intp), many, none, held, none, many * rate[row], table.rate_sd[row],
        table.first_s[row], table.first_q_s[:, row], table.first_sd[row], table.tpot_s[row], table.tpot_q_s[:, row],
        table.tpot_sd[row],
    )  # fmt: skip


def sure_rate(rate: Array, sd: Array, problem: Problem) -> Array:
    """What a rate is at least, with the problem's confidence."""
    return np.asarray(rate * np.exp(-_z(problem) * sd), dtype=np.float64)


def _by_units(problem: Problem) -> bool:
    """Whether more units than needed are never better."""
    return frozenset(problem.objectives) <= _BY_UNITS


def _z(problem: Problem) -> float:
    return NormalDist().inv_cdf(problem.confidence) if problem.intervals else 0.0


# Two pools


def splitting(
    pools: tuple[Option, Option], offers: tuple[Offer, Offer], send: Send, problem: Problem
) -> Iterator[tuple[Candidates, int]]:
    """Pairs of rows with numbers of prefill instances, part by part, and how many were looked at in each.

    pools, offers: of prefill and of decode, the same offer twice where both lie on one system
    send: seconds a prompt's cache takes from pool to pool
    Of all numbers of prefill instances those come back that serve most, and most surely; all of them where an
    objective falls with a shorter wait.
    """
    prefill, decode = pools[0].table, pools[1].table
    shared = offers[0] is offers[1]
    transfer = send(prefill.payload_bytes)
    for units in _unit_pairs(pools, offers, shared, problem, transfer):
        room = units[0] * offers[0].unit_devices, units[1] * offers[1].unit_devices
        for block in _counts(prefill, decode, room, shared):
            yield _pairs(prefill, decode, block, units, transfer, problem), len(block)


def _unit_pairs(
    pools: tuple[Option, Option], offers: tuple[Offer, Offer], shared: bool, problem: Problem, transfer: Array
) -> Sequence[tuple[int, int]]:
    """Units of both systems that are tried. On one system the second number is 0."""
    first, second = ladder(offers[0]), (0,) if shared else ladder(offers[1])
    tried = {(a, b) for a in first for b in second}
    if problem.limits.request_per_s is not None and len(pools[0].table) and len(pools[1].table):
        many, others = _needed(pools, offers, shared, problem, transfer)
        sizes = many * pools[0].table.devices[:, None], others * pools[1].table.devices
        tried |= _few_units(sizes, offers[0], problem) if shared else _few_pairs(sizes, offers, problem)
    return sorted(tried)


def _needed(
    pools: tuple[Option, Option], offers: tuple[Offer, Offer], shared: bool, problem: Problem, transfer: Array
) -> tuple[Array, Array]:
    """Instances with which pairs of rows first serve the wanted rate: of prefill ``(P, 1 or D)``, of decode ``(D,)``.

    Infinite where none of the instances that go into the offer do.
    """
    wanted = problem.limits.request_per_s or 0.0
    prefill, decode = pools[0].table, pools[1].table
    others = np.ceil(wanted / (problem.max_load * sure_rate(decode.request_per_s, decode.rate_sd, problem)) - 1e-9)
    limits = [limit for limit in problem.limits.latencies if limit.latency != "tpot"]
    ends = any(limit.latency == "e2el" for limit in limits)
    width = len(decode) if ends else 1
    rows, d = np.repeat(np.arange(len(prefill)), width), np.tile(np.arange(len(decode)), len(prefill))
    answers = (decode.tpot_s[d], decode.tpot_q_s[:, d], decode.tpot_sd[d]) if ends else None
    most = np.clip(np.floor(offers[0].most * offers[0].unit_devices / prefill.devices[rows]), 0.0, MOST_INSTANCES)

    def enough(many: Array) -> npt.NDArray[np.bool_]:
        load = highest_load(prefill, rows, many, transfer[rows], limits, problem, answers)
        sure = sure_rate(load * many * prefill.request_per_s[rows], prefill.rate_sd[rows], problem)
        return np.asarray(sure * ROOM >= wanted, dtype=np.bool_)

    good = enough(np.maximum(most, 1.0)) & (most >= 1.0)
    low, high = np.zeros(len(rows)), np.where(good, most, 1.0)
    while np.any(high - low > 1.0):
        middle = np.maximum(np.floor((low + high) / 2.0), 1.0)
        done = enough(middle)
        low, high = np.where(done, low, middle), np.where(done, middle, high)
    return np.where(good, high, np.inf).reshape(len(prefill), width), others


def _few_units(sizes: tuple[Array, Array], offer: Offer, problem: Problem) -> set[tuple[int, int]]:
    """The smallest numbers of units of one system that hold some pair; those that follow where more may be better."""
    units = np.unique(np.ceil((sizes[0] + sizes[1]) / offer.unit_devices - 1e-9))
    units = units[units <= offer.most]
    if len(units) and not _by_units(problem):
        units = units[0] + np.arange(_MANY)
    few = units[:_FEW] if _by_units(problem) else units[units <= offer.most]
    return {(int(count), 0) for count in few}


def _few_pairs(sizes: tuple[Array, Array], offers: tuple[Offer, Offer], problem: Problem) -> set[tuple[int, int]]:
    """Numbers of units of two systems that hold some pair, fewer of neither; those around where more may be better."""
    a = np.ceil(sizes[0] / offers[0].unit_devices - 1e-9)
    b = np.broadcast_to(np.ceil(sizes[1] / offers[1].unit_devices - 1e-9), (len(a), len(sizes[1])))
    both = np.stack([np.broadcast_to(a, b.shape).ravel(), b.ravel()], axis=1)
    both = np.unique(both[(both[:, 0] <= offers[0].most) & (both[:, 1] <= offers[1].most)], axis=0)
    more = range(1 if _by_units(problem) else _FEW)
    found = {
        (int(first) + i, int(second) + j) for first, second in both[front(both)] for i in more for j in more
    }  # fmt: skip
    return {(i, j) for i, j in found if i <= offers[0].most and j <= offers[1].most}


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows of equal instances in both pools with numbers of instances; a candidate is one of each.

    p, d: rows, shape ``(P,)`` and ``(D,)``; many, others: instances of each, shape ``(K,)``
    """

    p: Index
    d: Index
    many: Array
    others: Array

    def __len__(self) -> int:
        return len(self.p) * len(self.d) * len(self.many)


def _counts(prefill: Table, decode: Table, room: tuple[int, int], shared: bool) -> list[_Block]:
    """Rows of both pools and instances of each: every number of the first, the most of the second."""
    found: list[_Block] = []
    for size in np.unique(prefill.devices):
        rows = np.flatnonzero(prefill.devices == size)
        many = np.arange(1.0, min(np.floor(room[0] / size), MOST_INSTANCES) + 1.0)
        left = room[0] - many * size if shared else np.full(len(many), float(room[1]))
        for wide in np.unique(decode.devices):
            partners = np.flatnonzero(decode.devices == wide)
            others = np.floor(left / wide + 1e-9)
            keep = np.flatnonzero(others >= 1.0)
            each = max(_SLICE // max(len(keep) * len(partners), 1), 1)
            if len(keep):
                found += [
                    _Block(rows[start : start + each], partners, many[keep], others[keep])
                    for start in range(0, len(rows), each)
                ]
    return found


def _pairs(
    prefill: Table, decode: Table, block: _Block, units: tuple[int, int], transfer: Array, problem: Problem
) -> Candidates:
    """Candidates of a block, at the highest rate that both pools carry."""
    carried = block.others * decode.request_per_s[block.d][:, None] * problem.max_load
    most = block.many * prefill.request_per_s[block.p][:, None]
    load = _loads(prefill, decode, block, transfer, problem)
    started = load * most[:, None, :]
    rate = np.minimum(started, carried[None, :, :])
    sds = prefill.rate_sd[block.p][:, None, None], decode.rate_sd[block.d][None, :, None]
    sd = _joint_sd((started, carried[None, :, :]), sds, problem)
    if frozenset(problem.objectives) & _WAITING:
        at = np.nonzero(rate > 0.0)
    else:
        at = _fastest(rate, sd, problem)
    p, d, many, others = block.p[at[0]], block.d[at[1]], block.many[at[2]], block.others[at[2]]
    own = rate[at]
    first, first_q = first_tokens(prefill, p, many, transfer[p], own / most[at[0], at[2]])
    return Candidates(
        p, d, many, others, np.full(len(p), float(units[0])), np.full(len(p), float(units[1])), own, sd[at],
        first, first_q, prefill.first_sd[p], decode.tpot_s[d], decode.tpot_q_s[:, d], decode.tpot_sd[d],
    )  # fmt: skip


def _joint_sd(rates: tuple[Array, Array], sds: tuple[Array, Array], problem: Problem) -> Array:
    """Deviation of the logarithm of the lesser of two rates: at the wanted confidence both are to carry it.

    It is that of the slower pool, unless the other one is so much less sure that it is the one to fear for.
    """
    slower = rates[0] < rates[1]
    sd = np.where(slower, *sds)
    z = _z(problem)
    if z <= 0.0:
        return sd
    sure = rates[0] * np.exp(-z * sds[0]), rates[1] * np.exp(-z * sds[1])
    other = (rates[0] > 0.0) & ((sure[0] < sure[1]) != slower)
    if np.any(other):
        rate, least = np.minimum(*rates)[other], np.minimum(*sure)[other]
        sd[other] = np.log(rate / least) / z
    return sd


def _fastest(rate: Array, sd: Array, problem: Problem) -> tuple[Index, Index, Index]:
    """Of each pair of rows the numbers of instances with the highest rate, of all and of those sure enough."""
    found = []
    sure, wanted = sure_rate(rate, sd, problem), problem.limits.request_per_s
    for values in (rate, sure) if wanted is None else (rate, sure, np.where(sure * ROOM >= wanted, rate, 0.0)):
        best = np.argmax(values, axis=2)
        p, d = np.nonzero(np.take_along_axis(rate, best[:, :, None], 2)[:, :, 0] > 0.0)
        found.append(np.stack([p, d, best[p, d]]))
    joint = np.unique(np.concatenate(found, axis=1), axis=1)
    return joint[0], joint[1], joint[2]


def _loads(prefill: Table, decode: Table, block: _Block, transfer: Array, problem: Problem) -> Array:
    """The share of its most at which the prefill pool keeps the limits, shape ``(P, D or 1, K)``."""
    limits = [limit for limit in problem.limits.latencies if limit.latency != "tpot"]
    count = len(block.p), len(block.d), len(block.many)
    if not any(limit.latency == "e2el" for limit in limits):
        rows, counts = np.repeat(block.p, count[2]), np.tile(block.many, count[0])
        alone = highest_load(prefill, rows, counts, transfer[rows], limits, problem)
        return alone.reshape(count[0], 1, count[2])
    rows, counts = np.repeat(block.p, count[1] * count[2]), np.tile(block.many, count[0] * count[1])
    d = np.tile(np.repeat(block.d, count[2]), count[0])
    answers = decode.tpot_s[d], decode.tpot_q_s[:, d], decode.tpot_sd[d]
    return highest_load(prefill, rows, counts, transfer[rows], limits, problem, answers).reshape(count)


def first_tokens(table: Table, rows: Index, many: Array, transfer: Array, load: Array) -> tuple[Array, Array]:
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
    tails = [own + 2.0 * share * under_way + line.quantile_s(share) for share in QUANTILES]
    return own + under_way + line.mean_s, np.stack(tails)


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
    z = _z(problem)
    sd = table.first_sd[rows]

    def keeps(load: Array) -> npt.NDArray[np.bool_]:
        mean, tails = first_tokens(table, rows, many, transfer, load)
        good = np.ones(len(rows), dtype=bool)
        for limit in limits:
            at = None if limit.quantile is None else QUANTILES.index(limit.quantile)
            value, own = (mean if at is None else tails[at]), sd
            if limit.latency == "e2el" and answers is not None:
                tpot = answers[0] if at is None else answers[1][at]
                value, own = end_to_end(value, sd, tpot, answers[2], problem.osl, z)
            good &= value * np.exp(z * own) <= limit.limit_s
        return good

    whole = keeps(high)
    low, top = np.where(whole, high, 0.0), high.copy()
    open_ = ~whole
    if np.any(open_):
        for _ in range(_HALVINGS):
            middle = np.where(open_, 0.5 * (low + top), high)
            good = keeps(middle)
            low, top = np.where(open_ & good, middle, low), np.where(open_ & ~good, middle, top)
    return low


# What can be left out


def useful_serving(table: Table, wishes: frozenset[str]) -> Index:
    """Rows that may be best: of one layout none serves more, more surely and (where it is wished) sooner."""
    columns = [-table.request_per_s, table.rate_sd]
    columns += _wished(wishes, table.tpot_s, table.first_s)
    return leading(_layout_key(table), np.stack(columns, axis=1))


def _layout_key(table: Table) -> Array:
    """A number for each layout."""
    ranks = np.stack([table.tp, table.pp, table.dp, table.cp, table.ep], axis=1)
    return np.asarray(np.unique(ranks, axis=0, return_inverse=True)[1].ravel(), dtype=np.float64)


def useful_prefill(table: Table, wishes: frozenset[str], *, waits: bool) -> Index:
    """Prefill rows that may be best: capacity, sureness, step, gathering, payload, servers of equal instances.

    waits: limits speak of the time to first token. Where it is wished to be short as well, all rows may be best: one
    that keeps a limit less easily is loaded less, and what is loaded less waits less
    """
    if waits and wishes & _WAITING:
        return np.arange(len(table))
    columns = [
        -table.request_per_s, table.rate_sd, table.first_sd, table.first_s, table.gather_s, table.payload_bytes,
        -table.groups, table.groups * table.load,
    ]  # fmt: skip
    return leading(table.devices, np.stack(columns, axis=1))


def useful_decode(table: Table, wishes: frozenset[str], *, ends: bool) -> Index:
    """Decode rows that may be best. ends: a limit on the time to the last token speaks of them.

    Where the time to first token is wished to be short, slower ones may be: they ask less of the prefill pool.
    """
    columns = [-table.request_per_s, table.rate_sd]
    if ends or wishes & {"tpot", "e2el", "ttft"}:
        columns += [table.tpot_s, table.tpot_sd, *table.tpot_q_s]
    if wishes & _WAITING:
        columns.append(table.request_per_s)
    return leading(table.devices, np.stack(columns, axis=1))


def _wished(wishes: frozenset[str], tpot: Array, first: Array) -> list[Array]:
    found = [tpot] if wishes & {"tpot", "e2el"} else []
    return [*found, *([first] if wishes & {"ttft", "e2el"} else [])]

"""Rows to candidates: how many instances of which rows on how many chips, and what they serve together.

An aggregated candidate is a row repeated. A disaggregated one is a prefill row and a decode row, each repeated; its
rate is the most that both pools carry while the time to first token keeps its limits, with as many decode instances
as the chips leave room for. Everything is arrays over candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from accord.base.array import Array
from accord.planner.offer import Offer
from accord.planner.pricing import ROOM
from accord.planner.problem import Problem
from accord.planner.table import Index, Table
from accord.planner.units import MANY, MOST_INSTANCES, by_units, instances, ladder, unit_pairs
from accord.planner.waits import WAITING, first_tokens, highest_load, sure_rate

_SLICE = 400_000  # candidates looked at together
Send = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Option:
    """Rows of one branch, and what they lie on.

    offer: index of its system's offer
    copies: of experts beyond one of each, kept from ``copies_from`` expert-parallel ranks on
    """

    system: str
    engine: str
    weights: str
    kv: str
    offer: int
    table: Table
    copies: int = 0
    copies_from: float = 0.0


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
    for count in ladder(offer, problem):
        rows.append(every)
        units.append(np.full(len(table), float(count)))
    if wanted is not None:
        needed = np.ceil(wanted / sure_rate(rate, table.rate_sd, problem) - 1e-9)
        enough = np.ceil(needed * devices / room - 1e-9)
        if by_units(problem) or not len(table):
            rows.append(every)
            units.append(enough)
        else:
            rows += [every] * MANY
            units += [np.full(len(table), enough.min() + more) for more in range(MANY)]
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
    tried = unit_pairs((prefill, decode), offers, shared, problem, transfer)
    rooms = [(units[0] * offers[0].unit_devices, units[1] * offers[1].unit_devices) for units in tried]
    alone = alone_loads(prefill, [room[0] for room in rooms], transfer, problem)
    for units, room in zip(tried, rooms, strict=True):
        for block in _counts(prefill, decode, room, shared):
            yield _pairs(prefill, decode, block, units, transfer, problem, alone), len(block)


@dataclass(frozen=True, slots=True)
class Alone:
    """The share of its most at which each prefill row keeps its limits, whatever decodes for it.

    counts: numbers of instances by ranks of one; loads: by the same, shape ``(P, K)``; place: of each row there
    """

    counts: Mapping[float, Array]
    loads: Mapping[float, Array]
    place: Index

    def of(self, rows: Index, size: float, many: Array) -> Array:
        """Loads of rows of one size with numbers of instances that were asked for, shape ``(P, K)``."""
        return self.loads[size][self.place[rows][:, None], np.searchsorted(self.counts[size], many)]


def alone_loads(prefill: Table, rooms: Sequence[int], transfer: Array, problem: Problem) -> Alone | None:
    """Loads with every number of instances that goes into one of the rooms [rank]; all at once, since that is faster.

    None where a limit on the time to the last token makes them depend on the decode row.
    """
    limits = [limit for limit in problem.limits.latencies if limit.latency != "tpot"]
    if any(limit.latency == "e2el" for limit in limits):
        return None
    place = np.zeros(len(prefill), dtype=np.intp)
    members: dict[float, Index] = {}
    counts: dict[float, Array] = {}
    for size in np.unique(prefill.devices):
        found = [instances(most) for most in {int(min(room // size, MOST_INSTANCES)) for room in rooms}]
        members[size] = np.flatnonzero(prefill.devices == size)
        counts[size] = np.unique(np.concatenate([np.zeros(0), *found]))
        place[members[size]] = np.arange(len(members[size]))
    none = np.zeros(0)
    rows = np.concatenate([none[:0].astype(np.intp), *(np.repeat(members[s], len(counts[s])) for s in members)])
    many = np.concatenate([none, *(np.tile(counts[s], len(members[s])) for s in members)])
    loads = highest_load(prefill, rows, many, transfer[rows], limits, problem)
    ends = np.cumsum([len(members[s]) * len(counts[s]) for s in members])[:-1]
    parts = np.split(loads, ends)
    shaped = {s: part.reshape(len(members[s]), len(counts[s])) for s, part in zip(members, parts, strict=False)}
    return Alone(counts, shaped, place)


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
    """Rows of both pools and instances of each: the numbers of the first that are tried, the most of the second."""
    found: list[_Block] = []
    for size in np.unique(prefill.devices):
        rows = np.flatnonzero(prefill.devices == size)
        many = instances(int(min(room[0] // size, MOST_INSTANCES)))
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
    prefill: Table, decode: Table, block: _Block, units: tuple[int, int], transfer: Array, problem: Problem,
    alone: Alone | None,
) -> Candidates:  # fmt: skip
    """Candidates of a block, at the highest rate that both pools carry."""
    carried = block.others * decode.request_per_s[block.d][:, None] * problem.max_load
    most = block.many * prefill.request_per_s[block.p][:, None]
    load = _loads(prefill, decode, block, transfer, problem, alone)
    started = load * most[:, None, :]
    rate = np.minimum(started, carried[None, :, :])
    sds = prefill.rate_sd[block.p][:, None, None], decode.rate_sd[block.d][None, :, None]
    sd = joint_sd((started, carried[None, :, :]), sds, problem)
    if frozenset(problem.objectives) & WAITING:
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


def joint_sd(rates: tuple[Array, Array], sds: tuple[Array, Array], problem: Problem) -> Array:
    """Deviation of the logarithm of the lesser of two rates: at the wanted confidence both are to carry it.

    It is that of the slower pool, unless the other one is so much less sure that it is the one to fear for.
    """
    slower = rates[0] < rates[1]
    sd = np.where(slower, *sds)
    z = problem.deviations
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


def _loads(
    prefill: Table, decode: Table, block: _Block, transfer: Array, problem: Problem, alone: Alone | None
) -> Array:  # fmt: skip
    """The share of its most at which the prefill pool keeps the limits, shape ``(P, D or 1, K)``."""
    if alone is not None:
        return alone.of(block.p, float(prefill.devices[block.p[0]]), block.many)[:, None, :]
    limits = [limit for limit in problem.limits.latencies if limit.latency != "tpot"]
    count = len(block.p), len(block.d), len(block.many)
    rows, counts = np.repeat(block.p, count[1] * count[2]), np.tile(block.many, count[0] * count[1])
    d = np.tile(np.repeat(block.d, count[2]), count[0])
    answers = decode.tpot_s[d], decode.tpot_q_s[:, d], decode.tpot_sd[d]
    return highest_load(prefill, rows, counts, transfer[rows], limits, problem, answers).reshape(count)

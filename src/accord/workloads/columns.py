"""What a reader takes from a file, column by column, and the workload it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.workloads.request import NONE, Ints, Workload
from accord.workloads.tally import Tally

Block = int | str
DEFAULT_CHARS_PER_TOKEN = 4.0
_ODD = 0xD1342543DE82EF95  # multiplier of a 64-bit congruential generator (Steele and Vigna 2022)


@dataclass(frozen=True, slots=True)
class Options:
    """What a reader may be told.

    chain: turns of a chat follow one another instead of arriving when they were recorded
    chars_per_token: of texts that are stored without token counts; 4 is usual for English
    first_turn: only the first request of a conversation
    """

    chain: bool = False
    chars_per_token: float = DEFAULT_CHARS_PER_TOKEN
    first_turn: bool = False


@dataclass(slots=True)
class Columns:
    """Requests as they come: times [s] from any start, lengths [token], block ids of each prompt.

    parent: row after whose end a row begins, -1 for none; empty where rows are independent
    served_s: how long each took, where that is known: a turn waits from the end of the one before it
    block_tokens: tokens of a block, 0 without ids
    contents: an id stands for the tokens of its block alone, not for all before it as well
    timed: the file says when requests came
    """

    time_s: list[float] = field(default_factory=list)
    prompt: list[int] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)
    blocks: list[Sequence[Block]] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    served_s: list[float] = field(default_factory=list)
    block_tokens: int = 0
    contents: bool = False
    timed: bool = True


def workload_of(columns: Columns, tally: Tally, name: str) -> Workload:
    """Columns as a workload that begins at 0, sorted by time where the file is not; equal times keep their order.

    Raises TableError for a file without a single good line.
    """
    count = len(columns.prompt)
    if not count:
        raise tally.error(None, _nothing(tally), "give a file with at least one request")
    times = np.asarray(columns.time_s if columns.timed else np.zeros(count), dtype=np.float64)
    late = int(np.count_nonzero(np.diff(times) < 0.0))
    order = np.argsort(times, kind="stable")
    if late:
        tally.notes.append(f"requests that came before the one above them: {late} of {count}; sorted by time")
    if not columns.timed:
        tally.notes.append("the file gives no times; all requests arrive at 0")
    hashes, starts = _flat(columns, order)
    follows = _follows(columns, order)
    return Workload(
        name=name,
        arrival_s=times[order] - times[order[0]],
        prompt=np.asarray(columns.prompt, dtype=np.int64)[order],
        answer=np.asarray(columns.answer, dtype=np.int64)[order],
        follows=follows,
        wait_s=_waits(columns, times, order, follows),
        hashes=hashes,
        starts=starts,
        block_tokens=columns.block_tokens if len(hashes) else 0,
    )


def _nothing(tally: Tally) -> str:
    return f"has no good line (bad ones: {tally.skipped})" if tally.skipped else "holds no request"


def _flat(columns: Columns, order: npt.NDArray[np.intp]) -> tuple[Ints, Ints]:
    """Block ids after one another and where each request's begin."""
    starts = np.zeros(len(order) + 1, dtype=np.int64)
    if not columns.blocks:
        return np.zeros(0, dtype=np.int64), starts
    rows = [columns.blocks[at] for at in order]
    np.cumsum([len(row) for row in rows], out=starts[1:])
    ids = _whole_ids(list(chain.from_iterable(rows)))
    return (beginnings(ids, starts) if columns.contents else ids), starts


def beginnings(ids: Ints, starts: Ints) -> Ints:
    """Ids of blocks alone as ids of blocks and all before them: sums of mixed ids, each times a power of its place.

    Shape ``(blocks,)``. Two of ``n`` different beginnings are taken for one with chance ``n^2 / 2^64``.
    """
    if not len(ids):
        return ids
    place = np.arange(len(ids)) - np.repeat(starts[:-1], np.diff(starts))
    powers = np.cumprod(np.concatenate(([1], np.full(int(place.max()), _ODD, dtype=np.uint64))), dtype=np.uint64)
    sums = np.cumsum(_mixed(ids.astype(np.uint64)) * powers[place], dtype=np.uint64)
    before = np.concatenate((np.zeros(1, dtype=np.uint64), sums))[starts[:-1]]
    mixed = _mixed(sums - np.repeat(before, np.diff(starts)))
    return (mixed >> np.uint64(1)).astype(np.int64)


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Numbers of 64 bits spread over all of them, one to one (the finaliser of SplitMix64; Steele et al. 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _whole_ids(ids: list[Block]) -> Ints:
    """Ids as they are where they are whole numbers of 64 bits, else numbered in order of appearance."""
    if str not in set(map(type, ids)):
        try:
            return np.asarray(ids, dtype=np.int64)
        except OverflowError:
            pass
    number: dict[Block, int] = {}
    return np.asarray([number.setdefault(one, len(number)) for one in ids], dtype=np.int64)


def _follows(columns: Columns, order: npt.NDArray[np.intp]) -> Ints:
    """Rows that are followed, by their places in the sorted workload; a parent that came later is no parent."""
    if not columns.parent:
        return np.zeros(0, dtype=np.int64)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    parent = np.asarray(columns.parent, dtype=np.int64)[order]
    follows = np.where(parent >= 0, place[parent], NONE)
    return np.where(follows < np.arange(len(order)), follows, NONE)


def _waits(columns: Columns, times: Array, order: npt.NDArray[np.intp], follows: Ints) -> Array:
    """How long after the end of the one before it a request came; after its beginning where its end is not known."""
    if not columns.parent:
        return np.zeros(0)
    begun = times[order]
    served = np.asarray(columns.served_s or np.zeros(len(order)), dtype=np.float64)[order]
    return np.where(follows < 0, 0.0, np.maximum(begun - begun[follows] - served[follows], 0.0))

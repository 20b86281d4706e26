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

    parent: row before which a row does not begin, -1 for none; empty where no format says
    block_tokens: tokens of a block, 0 without ids; concurrency: most at once
    timed: the file says when requests came
    """

    time_s: list[float] | Array = field(default_factory=list)
    prompt: list[int] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)
    blocks: list[Sequence[Block]] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    block_tokens: int = 0
    concurrency: int | None = None
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
        tally.notes.append(f"{late} of {count} requests came before the line above them; sorted by time")
    if not columns.timed:
        tally.notes.append("the file gives no times; all requests arrive at 0")
    hashes, starts = _flat(columns, order)
    return Workload(
        name=name,
        arrival_s=times[order] - times[order[0]],
        prompt=np.asarray(columns.prompt, dtype=np.int64)[order],
        answer=np.asarray(columns.answer, dtype=np.int64)[order],
        follows=_follows(columns, order),
        wait_s=_waits(columns, times, order),
        hashes=hashes,
        starts=starts,
        block_tokens=columns.block_tokens if len(hashes) else 0,
        concurrency=columns.concurrency,
    )


def _nothing(tally: Tally) -> str:
    return f"has no good line ({tally.skipped} bad ones)" if tally.skipped else "holds no request"


def _flat(columns: Columns, order: npt.NDArray[np.intp]) -> tuple[Ints, Ints]:
    """Block ids after one another and where each request's begin."""
    starts = np.zeros(len(order) + 1, dtype=np.int64)
    if not columns.blocks:
        return np.zeros(0, dtype=np.int64), starts
    rows = [columns.blocks[at] for at in order]
    np.cumsum([len(row) for row in rows], out=starts[1:])
    return _whole_ids(list(chain.from_iterable(rows))), starts


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


def _waits(columns: Columns, times: Array, order: npt.NDArray[np.intp]) -> Array:
    return np.zeros(len(order)) if columns.parent else np.zeros(0)

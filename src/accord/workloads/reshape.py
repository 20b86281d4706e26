"""The same traffic otherwise: longer, faster, a part of it, several kinds at once. Pure, vectorised."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.workloads.request import NONE, Ints, Workload

Places = npt.NDArray[np.intp] | Ints
_PLAIN = ("prompt", "answer", "priority", "tenant", "wait_s", "patience_s")  # columns that are copied row by row


def repeat(workload: Workload, count: int) -> Workload:
    """The trace again and again until it has ``count`` requests.

    Each pass begins one mean gap after the last arrival of the one before. Block ids stay, so a later pass finds in
    a cache what an earlier one left. A trace whose requests all come at once stays so. Raises UsageError.
    """
    size = len(workload)
    if count < 1 or not size:
        raise UsageError(f"{count} requests from {size}", hint="repeat a trace of one request or more to 1 or more")
    own = workload.arrival_s[workload.follows < 0]
    period_s = float(own[-1] - own[0]) * len(own) / max(len(own) - 1, 1)
    times, places = np.divmod(np.arange(count), size)
    follows = workload.follows[places]
    return _gathered(workload, places).with_(
        arrival_s=workload.arrival_s[places] + times * period_s,
        follows=np.where(follows < 0, NONE, follows + times * size),
    )


def scale(workload: Workload, factor: float) -> Workload:
    """``factor`` times as many requests a second, in the same order; thinking times stay. Raises UsageError."""
    if not 0.0 < factor < np.inf:
        raise UsageError(f"a rate {factor:g} times as high", hint="give a number above 0")
    return workload.with_(arrival_s=workload.arrival_s / factor)


def with_rate(workload: Workload, per_s: float) -> Workload:
    """Arrivals stretched or pressed to ``per_s`` requests a second, counted over gaps, later turns included.

    Raises UsageError for requests that all come at once.
    """
    if not 0.0 < per_s < np.inf:
        raise UsageError(f"a rate of {per_s:g} a second", hint="give a number above 0")
    return scale(workload, per_s / rate_per_s(workload))


def rate_per_s(workload: Workload) -> float:
    """Requests a second [1/s]: all of them over the span of arrivals and one mean gap more. Raises UsageError."""
    own = workload.arrival_s[workload.follows < 0]
    span_s = float(own[-1] - own[0]) if len(own) else 0.0
    if span_s <= 0.0:
        raise UsageError(
            "the requests all come at once, so they have no rate", hint="give them arrivals of a law first"
        )
    return len(workload) * (len(own) - 1) / (len(own) * span_s)


def with_arrivals(workload: Workload, arrival_s: Array) -> Workload:
    """The same requests, lengths and contents, at other times [s], one for each that follows none, in any order."""
    own = workload.follows < 0
    if len(arrival_s) != np.count_nonzero(own):
        raise UsageError(f"{len(arrival_s)} arrivals for {np.count_nonzero(own)} requests that follow none")
    times = np.zeros(len(workload))
    times[own] = np.sort(np.asarray(arrival_s, dtype=np.float64))
    moved = workload.with_(arrival_s=times)
    return moved.with_(arrival_s=first_arrival(moved))


def head(workload: Workload, count: int) -> Workload:
    """The first ``count`` requests, all where there are fewer. Raises UsageError for a negative count."""
    if count < 0:
        raise UsageError(f"the first {count} requests", hint="give 0 or more")
    return _kept(workload, np.arange(min(count, len(workload))))


def window(workload: Workload, start_s: float, duration_s: float) -> Workload:
    """Requests that arrive from ``start_s`` on and before ``duration_s`` is over, counted from ``start_s``.

    Later turns come with the first turn they go back to. Raises UsageError for no window.
    """
    if not (start_s >= 0.0 and duration_s > 0.0):
        raise UsageError(f"a window of {duration_s:g} s from {start_s:g} s", hint="start at 0 or later, last above 0")
    begun = first_arrival(workload)
    part = _kept(workload, np.flatnonzero((begun >= start_s) & (begun < start_s + duration_s)))
    return part.with_(arrival_s=np.maximum(part.arrival_s - start_s, 0.0))


def first_arrival(workload: Workload) -> Array:
    """When the first turn came that a request goes back to, its own arrival where it follows none [s], ``(N,)``."""
    at = np.arange(len(workload))
    root = np.where(workload.follows < 0, at, workload.follows)
    while True:
        further = root[root]
        if np.array_equal(further, root):
            return np.asarray(workload.arrival_s[root], dtype=np.float64)
        root = further


def _kept(workload: Workload, places: Places) -> Workload:
    """The requests at ``places``, rising, none without the one it follows."""
    at = np.full(len(workload) + 1, NONE, dtype=np.int64)  # the last entry is that of -1: none
    at[places] = np.arange(len(places))
    at[-1] = NONE
    follows = at[workload.follows[places]]
    return _gathered(workload, places).with_(arrival_s=workload.arrival_s[places], follows=follows)


def merge(workloads: Sequence[Workload], name: str) -> Workload:
    """Several kinds of traffic at once, each with its own tenants, in order of arrival; contents stay apart.

    Of different radio times the shortest is kept: a workload has one (see ``radio_s``); take the rest off the limits.
    Of different blocks the largest is kept.
    Raises UsageError for none, for a closed loop among several, and for blocks that are no multiples of one another.
    """
    if not workloads:
        raise UsageError("no workload to mix", hint="name one or more")
    if len(workloads) == 1:
        return workloads[0].with_(name=name)
    if any(one.concurrency is not None for one in workloads):
        raise UsageError("closed loops cannot be mixed", hint="give each kind a rate")
    block = max(one.block_tokens for one in workloads)
    workloads = [coarser(one, block) if one.block_tokens else one for one in workloads]
    first = np.cumsum([0, *(len(one) for one in workloads)])
    order = np.argsort(np.concatenate([first_arrival(one) for one in workloads]), kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    follows = np.concatenate(
        [
            np.where(one.follows < 0, NONE, place[one.follows + shift])
            for one, shift in zip(workloads, first[:-1], strict=True)
        ]
    )
    hashes, starts = _merged_blocks(workloads, order)
    tenants = np.cumsum([0, *(len(one.tenants) for one in workloads)])
    return Workload(
        name=name,
        arrival_s=np.concatenate([one.arrival_s for one in workloads])[order],
        prompt=np.concatenate([one.prompt for one in workloads])[order],
        answer=np.concatenate([one.answer for one in workloads])[order],
        priority=np.concatenate([one.priority for one in workloads])[order],
        wait_s=np.concatenate([one.wait_s for one in workloads])[order],
        patience_s=np.concatenate([one.patience_s for one in workloads])[order],
        tenant=np.concatenate([one.tenant + at for one, at in zip(workloads, tenants[:-1], strict=True)])[order],
        tenants=tuple(tenant for one in workloads for tenant in one.tenants),
        follows=follows[order],
        hashes=hashes,
        starts=starts,
        block_tokens=block,
        radio_s=min(one.radio_s for one in workloads),
    )


def coarser(workload: Workload, block_tokens: int) -> Workload:
    """The same contents in larger blocks: an id stands for all before it, so the last of each group stands for it.

    Raises UsageError for a block that is no multiple of the workload's.
    """
    group, rest = divmod(block_tokens, workload.block_tokens) if workload.block_tokens else (0, 1)
    if rest:
        sizes = f"blocks of {workload.block_tokens} tokens are no parts of blocks of {block_tokens}"
        raise UsageError(sizes, hint="take a multiple")
    if group == 1:
        return workload
    blocks = np.diff(workload.starts)
    place = np.arange(len(workload.hashes)) - np.repeat(workload.starts[:-1], blocks)
    return workload.with_(
        hashes=workload.hashes[place % group == group - 1], starts=_starts(blocks // group), block_tokens=block_tokens
    )


def _merged_blocks(workloads: Sequence[Workload], order: Places) -> tuple[Ints, Ints]:
    """Block ids of all, made different from one workload to the next, in the order of the requests."""
    ids = [np.unique(one.hashes, return_inverse=True)[1] for one in workloads]
    above = np.cumsum([0, *(int(one.max(initial=-1)) + 1 for one in ids)])
    flat = np.concatenate([one + shift for one, shift in zip(ids, above[:-1], strict=True)])
    begin = _starts(np.concatenate([np.diff(one.starts) for one in workloads]))
    starts, at = _block_places(begin, order)
    return flat[at].astype(np.int64), starts


def _gathered(workload: Workload, places: Places) -> Workload:
    """Rows at ``places``, which may repeat; ``follows`` is left out."""
    starts, at = _block_places(workload.starts, places)
    return workload.with_(
        arrival_s=np.zeros(len(places)),
        **{name: getattr(workload, name)[places] for name in _PLAIN},
        follows=np.full(len(places), NONE, dtype=np.int64),
        hashes=workload.hashes[at],
        starts=starts,
    )


def _block_places(begin: Ints, places: Places) -> tuple[Ints, Places]:
    """Where blocks of chosen rows begin once they lie after one another, and where each block lies now."""
    blocks = np.diff(begin)[places]
    starts = _starts(blocks)
    return starts, np.arange(starts[-1]) + np.repeat(begin[:-1][places] - starts[:-1], blocks)


def _starts(blocks: Ints) -> Ints:
    starts = np.zeros(len(blocks) + 1, dtype=np.int64)
    np.cumsum(blocks, out=starts[1:])
    return starts

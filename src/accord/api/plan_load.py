"""Sessions as they come once people have been coming for long, where a load begins with nobody in a later turn."""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.workloads.request import NONE, Ints, Workload

_COLUMNS = ("prompt", "answer", "priority", "tenant", "patience_s")


def comes_back(workload: Workload) -> bool:
    """Whether requests follow one another, in an open load whose sessions begin over some time."""
    own = workload.arrival_s[workload.follows < 0]
    return bool(workload.concurrency is None and len(own) < len(workload) and len(own) > 1 and np.ptp(own) > 0.0)


def settled(workload: Workload, first_s: float, gap_s: float) -> Workload:
    """The same requests at a steady rate from the first second on.

    first_s, gap_s: time to a request's first token and between further ones, as far as is known [s]
    A load of sessions begins with first turns alone, and reaches its rate only when as many people come back as will.
    Here time is closed to a ring as long as sessions begin: what a session would ask after the end, one that began as
    long before the start asks instead. So every request comes once, in the time in which the first turns come, at the
    rate of all. A turn whose predecessor came before the start follows none. Contents are left out: a cache is empty
    at the start, and what such a turn would find in it is not there.
    Raises nothing; a load of which :func:`comes_back` is false must not be given.
    """
    begun = workload.arrival_s[workload.follows < 0]
    start_s = float(begun[0])
    ring_s = float(begun[-1] - start_s) * len(begun) / (len(begun) - 1)
    answer_s = np.asarray(first_s + gap_s * (workload.answer - 1), dtype=np.float64)
    time_s = _due(workload, answer_s) - start_s
    lap = np.floor_divide(time_s, ring_s).astype(np.int64)
    at_s = time_s - lap * ring_s
    before = workload.follows
    keeps = (before >= 0) & (lap == np.where(before >= 0, lap[before], 0))
    order = np.argsort(_head_s(at_s, before, keeps), kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return Workload(
        name=workload.name,
        arrival_s=at_s[order],
        **{name: getattr(workload, name)[order] for name in _COLUMNS},
        tenants=workload.tenants,
        follows=np.where(keeps, place[before], NONE)[order],
        wait_s=np.where(keeps, workload.wait_s, 0.0)[order],
        radio_s=workload.radio_s,
    )


def _due(workload: Workload, answer_s: Array) -> Array:
    """When each request comes [s]. answer_s: each is in the system [s]."""
    after_s = workload.wait_s + answer_s[workload.follows]
    since_s: Array = np.where(workload.follows >= 0, after_s, workload.arrival_s)
    before: Ints = np.array(workload.follows)
    while np.any(before >= 0):  # each pass looks back twice as far
        since_s = since_s + np.where(before >= 0, since_s[before], 0.0)
        before = np.where(before >= 0, before[before], NONE)
    return since_s


def _head_s(at_s: Array, before: Ints, keeps: np.typing.NDArray[np.bool_]) -> Array:
    """When the first turn on the same lap comes [s]; stable order of it keeps turns after those they follow."""
    head: Ints = np.where(keeps, before, np.arange(len(before)))
    while True:
        further = head[head]
        if np.array_equal(further, head):
            return np.asarray(at_s[head], dtype=np.float64)
        head = further

"""Fronts: what nothing else beats in everything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accord.base.array import Array

Mask = npt.NDArray[np.bool_]


def front(values: Array) -> Mask:
    """Which points no other point beats, shape ``(N,)``.

    values: shape ``(N, M)``, less is better; of equal points the first counts
    A point is beaten by one that is nowhere more and somewhere less. Each round keeps the least sum of what is left
    and drops all that it beats, so the time is that of the front's size. Of two columns one pass in order is enough.
    """
    count = len(values)
    kept = np.zeros(count, dtype=bool)
    left = np.lexsort((*values.T[::-1], np.zeros(count)))
    if values.shape[1] == 1:
        kept[left[:1]] = True
        return kept
    if values.shape[1] == 2:
        second = values[left, 1]
        kept[left[np.flatnonzero(second < np.minimum.accumulate(np.concatenate([[np.inf], second]))[:-1])]] = True
        return kept
    _, first = np.unique(values[left], axis=0, return_index=True)
    left = left[np.sort(first)]
    left = left[np.argsort(_rank_sum(values[left]), kind="stable")]
    while len(left):
        best = left[0]
        kept[best] = True
        left = left[1:]
        left = left[np.any(values[left] < values[best], axis=1)]
    return kept


def _rank_sum(values: Array) -> Array:
    """Sum of ranks in every column: who beats another has the smaller one, whatever the units."""
    ranks = [np.unique(column, return_inverse=True)[1] for column in values.T]
    return np.asarray(np.sum(ranks, axis=0), dtype=np.float64)


def leading(keys: Array, values: Array) -> npt.NDArray[np.intp]:
    """Points on the front of those that share a key, in order.

    keys: shape ``(N,)``; values: shape ``(N, M)``, less is better
    """
    kept = [index[front(values[index])] for index in _by_key(keys)]
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.intp)


def _by_key(keys: Array) -> list[npt.NDArray[np.intp]]:
    order = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    return [part for part in np.split(order, cuts) if len(part)]

"""Draws of what is not known exactly: fitted parameters, and facts that sources disagree about.

Every parameter and fact has a stream of its own, seeded by its name, so that a new one changes no other's
draws. The normal numbers of a stream are the middles of equally likely strata in an order of its own (a Latin
hypercube), so their mean is 0 and their standard deviation 1 exactly. Parameters may be correlated.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Protocol

import numpy as np

from accord.base.array import Array

COUNT = 128  # the smallest power of two whose half-widths are within 3 % of those of 4,096 draws; see tests


class Fitted(Protocol):
    """Fitted parameters by name, and the correlations of their logarithms."""

    @property
    def fits(self) -> Mapping[str, object]:
        """How sure each parameter is."""

    @property
    def correlations(self) -> Mapping[tuple[str, str], float]:
        """Of the logarithms of two parameters of one entry."""


def normals(fitted: Fitted, count: int = COUNT) -> Mapping[str, Array]:
    """Standard normal numbers of shape ``(count,)`` by fitted parameter, correlated as the fit says."""
    found = {name: standard(name, count) for name in fitted.fits}
    tied = {name for pair in fitted.correlations for name in pair}
    names = tuple(name for name in fitted.fits if name in tied)
    if names:
        matrix = correlation(names, fitted.correlations)
        mixed = np.linalg.cholesky(matrix) @ np.stack([found[name] for name in names])
        found.update(zip(names, _standardised(np.asarray(mixed, dtype=np.float64)), strict=True))
    return found


def correlation(
    names: Sequence[str], pairs: Mapping[tuple[str, str], float]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Correlation matrix of ``names`` in their order; pairs that are not stated are independent."""
    place = {name: index for index, name in enumerate(names)}
    matrix = np.eye(len(names))
    for (first, second), value in pairs.items():
        if first in place and second in place:
            matrix[place[first], place[second]] = matrix[place[second], place[first]] = value
    return matrix


@lru_cache(maxsize=1024)
def standard(name: str, count: int) -> Array:
    """The stream of a name: ``count`` standard normal numbers, mean 0 and standard deviation 1."""
    drawn = _strata(count)[_order(name, count)]
    drawn.flags.writeable = False
    return drawn


def among(name: str, points: Sequence[float], count: int) -> Array:
    """One of equally likely ``points`` in each of ``count`` draws, in the order of the name, shape ``(count,)``."""
    each = np.arange(count) * len(points) // count
    return np.asarray(points, dtype=np.float64)[each[_order(name, count)]]


def _standardised(rows: Array) -> Array:
    centred = rows - rows.mean(axis=-1, keepdims=True)
    return np.asarray(centred / centred.std(axis=-1, keepdims=True), dtype=np.float64)


@lru_cache(maxsize=8)
def _strata(count: int) -> Array:
    normal = NormalDist()
    half = [normal.inv_cdf((at + 0.5) / count) for at in range(count // 2)]
    whole = np.asarray([*half, *([0.0] if count % 2 else []), *(-one for one in reversed(half))])
    return whole / math.sqrt(float(np.mean(whole * whole)))


def _order(name: str, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    return np.asarray(np.random.default_rng(seed).permutation(count), dtype=np.intp)

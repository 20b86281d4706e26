"""How widely a quantity is spread over draws, and which cause that is due to.

The logarithm of the quantity is regressed on the causes. What the regression explains has the variance
``b' R b`` with the true correlations ``R`` of the causes, so chance correlations between a hundred draws do not
count; what it leaves is what causes do together, and is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from accord.base.array import Array

_TAIL = 0.05
_Z = NormalDist().inv_cdf(1.0 - _TAIL)
_OUTERMOST = 4.0  # standard deviations beyond which a draw counts as no farther out
_LEAST_SPARE = 8  # draws a regression needs beyond its causes
_STILL = 1e-9  # a logarithm that varies less does not vary


@dataclass(frozen=True, slots=True)
class Variance:
    """Variance of logarithms; ``total = sum of parts + rest``.

    total, rest: shape ``(Q,)`` for Q quantities; parts: by cause, shape ``(P, Q)``, negative where two
    correlated causes cancel
    """

    total: Array
    parts: Array
    rest: Array


def variance(logs: Array, causes: Array, correlation: Array) -> Variance:
    """Variance of quantities over draws by cause.

    logs: logarithms, shape ``(Q, S)``; an entry that is not finite is no draw
    causes: standard draws of each cause, shape ``(P, S)``; correlation: of the causes, shape ``(P, P)``
    """
    good = np.isfinite(logs)
    whole = np.flatnonzero(good.all(axis=1))
    total, rest, parts = np.zeros(len(logs)), np.zeros(len(logs)), np.zeros((len(causes), len(logs)))
    groups = [(whole, np.ones(logs.shape[1], dtype=np.bool_))] if len(whole) else []
    groups += [(np.asarray([at]), good[at]) for at in np.flatnonzero(~good.all(axis=1))]
    for rows, kept in groups:
        if np.count_nonzero(kept) < 2:
            continue
        values = _trimmed(logs[rows][:, kept])
        total[rows], parts[:, rows], rest[rows] = _regressed(values, causes[:, kept], correlation)
    return Variance(total, parts, rest)


def _trimmed(values: Array) -> Array:
    """Values less their mean, the outermost drawn in to a few robust standard deviations."""
    low, middle, high = np.quantile(values, (_TAIL, 0.5, 1.0 - _TAIL), axis=1, keepdims=True)
    robust = (high - low) / (2.0 * _Z)
    reach = np.where(robust > _STILL, _OUTERMOST * robust, np.inf)
    trimmed = np.clip(values, middle - reach, middle + reach)
    return np.asarray(trimmed - trimmed.mean(axis=1, keepdims=True), dtype=np.float64)


def _regressed(values: Array, causes: Array, correlation: Array) -> tuple[Array, Array, Array]:
    count, draws = causes.shape
    if draws < count + 1 + _LEAST_SPARE:
        plain = np.mean(values * values, axis=1)
        return plain, np.zeros((count, len(values))), plain
    centred = causes - causes.mean(axis=1, keepdims=True)
    slopes = np.linalg.lstsq(centred.T, values.T, rcond=None)[0]
    left = values - slopes.T @ centred
    rest = np.sum(left * left, axis=1) / (draws - 1 - count)
    parts = slopes * (correlation @ slopes)
    return np.maximum(parts.sum(axis=0), 0.0) + rest, parts, rest

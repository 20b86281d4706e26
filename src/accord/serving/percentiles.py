"""Means and percentiles: of numbers one by one, and of gaps that were only counted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.serving.result import Gaps

PERCENTILES = (50, 90, 95, 99)


def of_values(values: Array) -> dict[str, float]:
    """Mean and percentiles of numbers, shape ``(N,)``, under ``mean``, ``p50``, ``p90``, ``p95``, ``p99``.

    A percentile lies on the straight line between the two numbers around it, as numpy's ``linear`` has it.
    Nothing for no numbers; entries that are NaN are passed over.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return {}
    found = np.percentile(known, PERCENTILES)
    return {"mean": float(known.mean()), **{f"p{at}": float(one) for at, one in zip(PERCENTILES, found, strict=True)}}


def of_gaps(gaps: Gaps) -> dict[str, float]:
    """Mean and percentiles of counted gaps [s], under the same names; nothing for no gaps.

    The mean is exact. A percentile is that of :func:`of_values` with every gap put at the length of its bin that is
    off by the same share from either end, so it is off by at most ``tanh(width / 2)`` of itself.
    """
    total = int(gaps.counts.sum())
    if total == 0:
        return {}
    found = gap_percentiles(gaps, np.asarray(PERCENTILES, dtype=np.float64))
    named = {f"p{at}": float(one) for at, one in zip(PERCENTILES, found, strict=True)}
    return {"mean": gaps.total_s / total, **named}


def gap_percentiles(gaps: Gaps, percentiles: Array) -> Array:
    """Percentiles of counted gaps [s], shape as ``percentiles`` (0 to 100); there is at least one gap."""
    upto = np.cumsum(gaps.counts)
    place = percentiles / 100.0 * (int(upto[-1]) - 1)
    below = np.floor(place)
    lengths = _lengths_s(gaps)
    low = lengths[np.searchsorted(upto, below, side="right")]
    high = lengths[np.searchsorted(upto, np.ceil(place), side="right")]
    return np.asarray(low + (place - below) * (high - low), dtype=np.float64)


def share_within(gaps: Gaps, limit_s: float) -> float | None:
    """Share of counted gaps that are no longer than ``limit_s``, to within the bin it falls into; None for no gaps."""
    total = int(gaps.counts.sum())
    if total == 0:
        return None
    inside: npt.NDArray[np.bool_] = _lengths_s(gaps) <= limit_s
    return float(gaps.counts[inside].sum() / total)


def _lengths_s(gaps: Gaps) -> Array:
    """The length that stands for each bin: the harmonic mean of its ends."""
    return np.asarray(np.exp((gaps.bins + 0.5) * gaps.width) / np.cosh(0.5 * gaps.width), dtype=np.float64)

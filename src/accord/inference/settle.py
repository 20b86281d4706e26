"""Where a steady state settles: the number that its own consequences give back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from accord.base.array import Array

_SLOPES = (-20.0, 0.9)  # a slope of 1 has no crossing; nearer to it a step goes no farther than ten times its gap
_APART = 1e-6  # relative distance of two points below which their slope is noise


def settled(consequence: Callable[[Array], Array], start: Array, rounds: int) -> Array:
    """``x`` with ``consequence(x) = x``, above 0, by ``rounds`` steps along the line through the last two points.

    start: above 0, shape ``(D,)``; the first step is a plain one. Each entry goes its own way. Holds where the
    consequence rises by less than the number it follows from, as requests that wait on each other do.
    """
    x, slope = start, np.zeros_like(start)
    low, high = np.zeros_like(start), np.full_like(start, np.inf)
    before = after = start
    for at in range(rounds):
        found = consequence(x)
        low, high = np.where(found > x, x, low), np.where(found < x, x, high)
        if at:
            apart = x - before
            far = np.abs(apart) > _APART * np.abs(x)
            slope = np.where(far, (found - after) / np.where(far, apart, 1.0), 0.0)
            slope = np.clip(slope, *_SLOPES)
        before, after = x, found
        x = x + (found - x) / (1.0 - slope)
        x = np.where((x >= low) & (x <= high), x, 0.5 * (low + np.minimum(high, 2.0 * low)))
    return np.maximum(x, 1e-9)


def crossing(missing: Callable[[Array], Array], wanted: Array, most: Array, parts: int, rounds: int) -> Array:
    """The ``x`` of ``[0, most]`` from which nothing is missing, ``most`` where something always is.

    missing: what is missing at ``x``, for ``x`` of shape ``(parts - 1, D)``; wanted: what is missing at 0
    Each round cuts the interval in ``parts``, and a straight line is drawn in the last one. The cuts do not
    depend on what is wanted, so who wants more never finds less.
    """
    low, width = np.zeros_like(most), most
    before, after = wanted + low, np.full_like(most, np.nan)
    inner = np.arange(1.0, parts)[:, None] / parts
    for _ in range(rounds):
        found = missing(low + inner * width)
        ends = np.concatenate((before[None], found, after[None]))
        short = np.cumprod(found > 0.0, axis=0).sum(axis=0)[None]  # cuts before the first that is enough
        before, after = (np.take_along_axis(ends, short + end, 0)[0] for end in (0, 1))
        low, width = low + short[0] * width / parts, width / parts
    crossed = before > after  # not where the upper end was never looked at
    return low + width * np.where(crossed, np.clip(before / np.where(crossed, before - after, 1.0), 0.0, 1.0), 1.0)

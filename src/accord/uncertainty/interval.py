"""Bands from sources that disagree.

What several sources say about one fact is taken as a distribution: every distinct claim, the chosen one
included, has the same weight. Claims of different facts are independent, so the distribution of a product or
quotient is every combination of their claims. A band of level 0.9 leaves at most 5 % of the weight on either
side; with fewer than twenty combinations that is the lowest and the highest of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from accord.base.errors import UsageError

LEVEL = 0.9
ROUNDING = 0.005  # claims closer than this, relatively, are one claim rounded in two ways


def distinct(claims: Iterable[float], tolerance: float = ROUNDING) -> tuple[float, ...]:
    """Claims without those that only repeat an earlier one, in the order given.

    tolerance: largest relative difference between two roundings of one claim [1]
    """
    kept: list[float] = []
    for claim in claims:
        if not any(math.isclose(claim, other, rel_tol=tolerance) for other in kept):
            kept.append(claim)
    return tuple(kept)


def products(*claims: Sequence[float]) -> tuple[float, ...]:
    """Every combination of one claim from each fact, multiplied; equal weights stay equal."""
    found = np.ones(1)
    for points in claims:
        found = np.multiply.outer(found, np.asarray(points, dtype=float)).ravel()
    return tuple(found.tolist())


def quotients(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    """Every claim of one fact over every claim of another; a claim of zero below is left out."""
    divisors = np.asarray([claim for claim in below if claim != 0.0], dtype=float)
    return tuple(np.divide.outer(np.asarray(above, dtype=float), divisors).ravel().tolist())


def band(points: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """The two ends of the central interval of equally weighted points, both themselves points.

    level: share of the weight inside [1], above 0 and below 1
    Raises UsageError for no points or another level.
    """
    if not points:
        raise UsageError("a band of no values was asked for")
    if not 0.0 < level < 1.0:
        raise UsageError(f"the level of a band is {level:g}", hint="give a share between 0 and 1, such as 0.9")
    ordered = np.sort(np.asarray(points, dtype=float))
    tail = (1.0 - level) / 2.0 * len(ordered)
    first = int(math.floor(tail + 1e-9))
    first = min(first, (len(ordered) - 1) // 2)
    return float(ordered[first]), float(ordered[len(ordered) - 1 - first])

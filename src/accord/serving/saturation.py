"""The highest rate of arrivals at which a limit is still kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from accord.base.errors import UsageError

Ending = Literal["found", "never", "always", "cut"]
STEP = 2.0  # while no bracket is known


@dataclass(frozen=True, slots=True)
class Point:
    """One evaluated rate; value: what was reached there, kept: at least the target."""

    request_per_s: float
    value: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Saturation:
    """What a search found.

    request_per_s: highest rate that keeps the limit, None where none does; above: lowest rate known not to, None
        where all do
    ending: ``found``, the two are within the tolerance; ``never``, not even the lowest rate keeps it; ``always``, the
        highest does; ``cut``, the evaluations ran out
    points: all evaluated rates, in the order of evaluation
    """

    request_per_s: float | None
    above: float | None
    ending: Ending
    points: tuple[Point, ...]


def find_rate(
    evaluate: Callable[[float], float], low: float, high: float, *, target: float, start: float | None = None,
    tolerance: float = 0.02, most: int = 24,
) -> Saturation:  # fmt: skip
    """Search the highest rate between ``low`` and ``high`` [request/s] at which ``evaluate`` reaches ``target``.

    evaluate: a rate to what is reached, the higher the better: a share of requests within their limits, a limit over
        a percentile, or a truth value (with a target of 1). NaN counts as 0
    start: first rate, such as an estimate; else ``low``. tolerance: largest relative width of the bracket
    most: evaluations at most

    From the start the rate is doubled, or halved, until one rate keeps the limit and a higher one does not; the
    bracket is then halved in the logarithm. Chance may make a higher rate look better than a lower one. So rates are
    judged by the values that never rise with the rate and lie nearest to those found (isotonic regression): where
    neighbours contradict one another their mean decides. Once the bracket is narrow, one rate to either side of it is
    evaluated as well; if that moves the bracket the search goes on from there.
    Raises UsageError for rates that are not ``0 < low <= start <= high`` or a tolerance of 0 or less.
    """
    first = low if start is None else start
    if not (0.0 < low <= first <= high and math.isfinite(high)):
        raise UsageError(
            f"rates from {low:g} to {high:g} with a start at {first:g} request/s", hint="give 0 < low <= start <= high"
        )
    if not tolerance > 0.0 or most < 1:
        raise UsageError(f"tolerance {tolerance:g} with {most} evaluations", hint="both are above 0")
    points: list[Point] = []
    rate: float | None = first
    while rate is not None and len(points) < most:
        value = float(evaluate(rate))
        value = 0.0 if math.isnan(value) else value
        points.append(Point(rate, value, value >= target))
        below, above = bracket(points, target)
        rate = _next(points, below, above, (low, high), tolerance)
    below, above = bracket(points, target)
    return Saturation(below, above, _ending(below, above, rate is not None), tuple(points))


def bracket(points: Sequence[Point], target: float) -> tuple[float | None, float | None]:
    """Highest rate taken to reach the target and the next one, which does not; None where there is none.

    Values are first bounded at twice the target, so that one lucky rate does not outweigh several others, and made
    to fall with the rate by pooling neighbours that rise.
    """
    ordered = sorted(points, key=lambda point: point.request_per_s)
    pooled: list[tuple[float, int]] = []  # mean of so many neighbours
    for point in ordered:
        mean, count = min(point.value, 2.0 * target) if target > 0.0 else point.value, 1
        while pooled and pooled[-1][0] < mean:
            other, others = pooled.pop()
            mean, count = (mean * count + other * others) / (count + others), count + others
        pooled.append((mean, count))
    kept = sum(count for mean, count in pooled if mean >= target)
    below = ordered[kept - 1].request_per_s if kept else None
    above = ordered[kept].request_per_s if kept < len(ordered) else None
    return below, above


def _next(
    points: Sequence[Point], below: float | None, above: float | None, ends: tuple[float, float], tolerance: float
) -> float | None:
    """The next rate worth an evaluation, None when the search is over."""
    low, high = ends
    if below is None:
        return None if above is None or above <= low else max(low, above / STEP)
    if above is None:
        return None if below >= high else min(high, below * STEP)
    if above > below * (1.0 + tolerance):
        return math.sqrt(below * above)
    beside = 1.0 + 2.0 * tolerance
    rates = [point.request_per_s for point in points]
    lower, upper = max(low, below / beside), min(high, above * beside)
    if upper > above and not any(above < rate <= upper for rate in rates):
        return upper
    if lower < below and not any(lower <= rate < below for rate in rates):
        return lower
    return None


def _ending(below: float | None, above: float | None, cut: bool) -> Ending:
    if cut:
        return "cut"
    return "never" if below is None else "always" if above is None else "found"

"""How far predictions are off beyond what factors explain, from rows their fit has not seen.

For each kind of prediction one standard deviation is chosen. Two ways are tried: by the size of squares, as a
normal residual asks for (posterior predictive), and so that nine of ten held-out rows lie inside (split
conformal). Each is itself judged on sources that did not choose it; the one with the better interval score
among those that cover enough is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from accord.base.array import Array

LEVEL = 0.9
LEAST = 0.03
ENOUGH = 0.8  # share inside from which a way is taken at all
_WIDE = NormalDist().inv_cdf(0.5 + LEVEL / 2.0)


@dataclass(frozen=True, slots=True)
class Held:
    """A held-out row. kind: of its metric; miss: ln(predicted / measured); own_sd: from factors and facts."""

    kind: str
    source: str
    miss: float
    own_sd: float


@dataclass(frozen=True, slots=True)
class Way:
    """One way to choose residuals, judged on sources left out: share of rows inside, and mean interval score."""

    name: str
    coverage: float
    macro_coverage: float
    score: float


@dataclass(frozen=True, slots=True)
class Residuals:
    """Standard deviation by kind, the rows behind it, and how the ways compare; the first way was taken."""

    log_sd: Mapping[str, float]
    rows: Mapping[str, int]
    ways: tuple[Way, ...]


def residuals(held: Sequence[Held]) -> Residuals:
    """Residuals of every kind that has rows, and the comparison of ways where two sources or more can judge."""
    ordered = sorted(held, key=lambda one: (one.kind, one.miss, one.own_sd))  # not by what a source is called
    judged = sorted(
        (_judged(name, choose, ordered) for name, choose in _WAYS.items() if len({one.source for one in held}) > 1),
        key=lambda way: (way.coverage < ENOUGH, way.score),
    )
    choose = _WAYS[judged[0].name] if judged else _by_squares
    kinds = sorted({one.kind for one in ordered})
    groups = {kind: [one for one in ordered if one.kind == kind] for kind in kinds}
    return Residuals(
        {kind: choose(_like(kind, ordered)) for kind in kinds}, {kind: len(group) for kind, group in groups.items()},
        tuple(judged),
    )  # fmt: skip


def _like(kind: str, held: Sequence[Held]) -> Sequence[Held]:
    """Rows of a kind, or all where there are none."""
    return [one for one in held if one.kind == kind] or held


def _judged(name: str, choose: Callable[[Sequence[Held]], float], held: Sequence[Held]) -> Way:
    """Intervals of each source with residuals chosen on the others."""
    inside: dict[str, list[bool]] = {}
    scores: list[float] = []
    for source in sorted({one.source for one in held}):
        own = [one for one in held if one.source == source]
        for kind in sorted({one.kind for one in own}):
            sd = choose(_like(kind, [one for one in held if one.source != source]))
            for one in (one for one in own if one.kind == kind):
                half = _WIDE * float(np.hypot(sd, one.own_sd))
                inside.setdefault(source, []).append(abs(one.miss) <= half)
                scores.append(2.0 * half + 2.0 / (1.0 - LEVEL) * max(abs(one.miss) - half, 0.0))
    every = [hit for hits in inside.values() for hit in hits]
    macro = math.fsum(sum(hits) / len(hits) for hits in inside.values()) / len(inside)
    return Way(name, sum(every) / len(every), macro, math.fsum(scores) / len(scores))


def _weights(held: Sequence[Held]) -> Array:
    """A source weighs as the root of its rows."""
    names = [one.source for one in held]
    return np.array([names.count(name) ** -0.5 for name in names])


def _by_squares(held: Sequence[Held]) -> float:
    weight = _weights(held)
    miss = np.abs([one.miss for one in held])
    capped = np.minimum(miss, _quantile(miss, weight, 0.975))
    own = np.array([one.own_sd for one in held])
    square = float(np.sum(weight * (capped**2 - own**2)) / np.sum(weight))
    return float(max(square, LEAST**2) ** 0.5)


def _by_share(held: Sequence[Held]) -> float:
    """The least standard deviation with nine tenths of the weight inside."""
    weight = _weights(held)
    needed = np.array([max((one.miss / _WIDE) ** 2 - one.own_sd**2, LEAST**2) for one in held])
    return float(np.sqrt(_quantile(needed, weight, LEVEL)))


def _quantile(values: Array, weight: Array, share: float) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][min(int(np.searchsorted(total, share * total[-1])), len(values) - 1)])


_WAYS: Mapping[str, Callable[[Sequence[Held]], float]] = {
    "posterior predictive": _by_squares,
    "split conformal": _by_share,
}

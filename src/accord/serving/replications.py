"""Independent runs of one question, as means with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from accord.base.errors import UsageError
from accord.serving.metrics import Summary
from accord.serving.slo import Slo, attained

_HALVINGS = 200


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean of a metric over the runs that have it, with its confidence interval; no bounds from one run."""

    mean: float
    low: float | None
    high: float | None
    runs: int


Spreads = dict[str, Spread]


@dataclass(frozen=True, slots=True)
class SloSpread:
    """How a limit fared over all runs; figures as in :class:`~accord.serving.slo.Attainment`."""

    slo: Slo
    figures: Mapping[str, Spread]
    attained: bool | None


@dataclass(frozen=True, slots=True)
class Combined:
    """What :class:`~accord.serving.metrics.Summary` says, over one or more runs.

    level: of the intervals; complete: whether every run is
    """

    metrics: Mapping[str, Spread]
    slos: tuple[SloSpread, ...]
    by_tenant: Mapping[str, Mapping[str, Spread]]
    pools: Mapping[str, Mapping[str, Spread]]
    level: float
    warm_s: float
    seeds: tuple[int, ...]
    complete: bool


def combine(summaries: Sequence[Summary], level: float = 0.9) -> Combined:
    """Mean and interval of every number over runs that differ in their seed alone.

    level: share of such intervals that hold the true mean, above 0 and below 1
    The interval is Student's, ``mean +- t s / sqrt(n)``: runs are independent, and their metrics near enough normal.
    It covers chance within the workload's law, not what the model of the machine gets wrong.
    Raises UsageError without a run or with another level.
    """
    if not summaries:
        raise UsageError("there is no run to take a mean of")
    limits = zip(*(one.slos for one in summaries), strict=True)
    return Combined(
        metrics=spreads([one.metrics for one in summaries], level),
        slos=tuple(_slo(group[0].slo, [one.figures for one in group], level) for group in limits),
        by_tenant=_nested([one.by_tenant for one in summaries], level),
        pools=_nested([one.pools for one in summaries], level),
        level=level,
        warm_s=summaries[0].warm_s,
        seeds=tuple(one.seed for one in summaries),
        complete=all(one.complete for one in summaries),
    )


def spreads(runs: Sequence[Mapping[str, float]], level: float) -> Spreads:
    """Mean and interval of each number over the runs that have it, in the order of first appearance."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: spread([run[name] for run in runs if name in run], level) for name in names}


def spread(values: Sequence[float], level: float) -> Spread:
    """Mean of at least one number that is not negative, with Student's interval where there are two or more.

    The lower end stops at 0.
    """
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return Spread(mean, None, None, len(values))
    half = student_t(level, len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Spread(mean, max(0.0, mean - half), mean + half, len(values))


def student_t(level: float, freedom: int) -> float:
    """The ``t`` between whose negative and itself Student's law has the share ``level``.

    freedom: degrees of freedom, 1 or more
    The share is a finite sum of powers of the cosine of ``atan(t / sqrt(freedom))`` (Abramowitz and Stegun, Handbook
    of Mathematical Functions, 26.7.3 and 26.7.4); the angle is found by halving.
    Raises UsageError for a level outside 0 to 1 or no freedom.
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"the level of an interval is {level:g}", hint="give a share between 0 and 1, such as 0.9")
    if freedom < 1:
        raise UsageError(f"there are {freedom} degrees of freedom", hint="two runs or more give an interval")
    low, high = 0.0, math.pi / 2.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if _share_inside(middle, freedom) < level else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def _share_inside(angle: float, freedom: int) -> float:
    """Share of Student's law within ``sqrt(freedom) tan(angle)`` of 0."""
    cosine, sine, odd = math.cos(angle), math.sin(angle), freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for power in range(1 + odd, freedom, 2):
        total += term
        term *= cosine * cosine * power / (power + 1)
    return 2.0 / math.pi * (angle + sine * total) if odd else sine * total


def _slo(slo: Slo, runs: Sequence[Mapping[str, float]], level: float) -> SloSpread:
    figures = spreads(runs, level)
    return SloSpread(slo, figures, attained(slo, {name: one.mean for name, one in figures.items()}))


def _nested(runs: Sequence[Mapping[str, Mapping[str, float]]], level: float) -> dict[str, Spreads]:
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: spreads([run[name] for run in runs if name in run], level) for name in names}

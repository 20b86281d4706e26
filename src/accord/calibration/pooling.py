"""From chips to generations to every chip: what a chip without tables inherits, and how unsure that is.

Logarithms are pooled in two steps. A generation's number is the mean over its chips; a new chip of it lies off
by the spread between chips. The number of any chip is the mean over generations; a new generation lies off by
the spread between generations as well. Spreads are pooled over formats, since two or three chips tell little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.calibration.numbers import FittedNumber
from accord.calibration.operator_fit import Point

GENERIC = "generic"
MOST_SD = 0.8  # beyond, a number is next to nothing on some chips, and its logarithm says little
LEAST_SD = 0.05  # kernels in a running engine differ from the same kernels in a loop by no less
_LEAST_BETWEEN = {"chips": 0.05, "generations": 0.15}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A dataset's point with where it belongs. n: shapes behind it."""

    family: str
    fmt: str
    chip: str
    generation: str
    n: int
    point: Point


@dataclass(frozen=True, slots=True)
class Levels:
    """Numbers by entry (a chip, a generation or ``generic``) and name (``gemm.compute.fp8``)."""

    entries: Mapping[str, Mapping[str, FittedNumber]]

    def logs(self, family: str, fmt: str, names: Iterable[str], chain: Iterable[str]) -> Array | None:
        """Logarithms of a dataset's numbers by the nearest entry that has them; None where none has."""
        for entry in chain:
            numbers = self.entries.get(entry, {})
            for suffix in (f".{fmt}", ""):
                if all(f"{family}.{name}{suffix}" in numbers for name in names):
                    return np.log([numbers[f"{family}.{name}{suffix}"].value for name in names])
        return None


def pool(fitted: Iterable[Fitted]) -> Levels:
    """Every level's numbers from the points of single chips, in an order that does not depend on theirs."""
    points = sorted(fitted, key=lambda one: (one.family, one.fmt, one.generation, one.chip))
    entries: dict[str, dict[str, FittedNumber]] = defaultdict(dict)
    for family in sorted({one.family for one in points}):
        own = [one for one in points if one.family == family]
        for place, name in enumerate(own[0].point.names):
            _pool_one(entries, own, f"{family}.{name}", place)
    return Levels(entries)


def _pool_one(entries: dict[str, dict[str, FittedNumber]], points: list[Fitted], name: str, place: int) -> None:
    between_chips = _between(points, place, by=lambda one: (one.fmt, one.generation), least=_LEAST_BETWEEN["chips"])
    generations: dict[tuple[str, str], list[Fitted]] = defaultdict(list)
    for one in points:
        entries[one.chip][f"{name}.{one.fmt}"] = _number([one], place, LEAST_SD)
        generations[one.fmt, one.generation].append(one)
    means: dict[str, list[tuple[float, list[Fitted]]]] = defaultdict(list)
    for (fmt, generation), members in generations.items():
        spread = between_chips * np.sqrt(1.0 + 1.0 / len(members))
        entries[generation][f"{name}.{fmt}"] = _number(members, place, float(spread))
        means[fmt].append((_mean(members, place), members))
    between = max(
        [float(np.std([mean for mean, _ in group], ddof=1)) for group in means.values() if len(group) > 1],
        default=0.0,
    )
    between = max(between, _LEAST_BETWEEN["generations"])
    for fmt, group in means.items():
        if fmt == "bf16" or "bf16" not in means:
            plain = name if fmt == "bf16" or len(means) == 1 else f"{name}.{fmt}"
            _generic(entries, plain, place, group, between_chips, between)
        if fmt != "bf16":
            _generic(entries, f"{name}.{fmt}", place, group, between_chips, between)


def _generic(
    entries: dict[str, dict[str, FittedNumber]], name: str, place: int, group: list[tuple[float, list[Fitted]]],
    between_chips: float, between: float,
) -> None:  # fmt: skip
    members = [one for _, part in group for one in part]
    log = float(np.mean([mean for mean, _ in group]))
    own = float(np.mean([one.point.variance[place] for one in members]) / len(members))
    log_sd = min(float(np.sqrt(own + between_chips**2 + between**2 * (1.0 + 1.0 / len(group)))), MOST_SD)
    chips = tuple(sorted({one.chip for one in members}))
    entries[GENERIC][name] = FittedNumber(float(np.exp(log)), log_sd, sum(one.n for one in members), chips)


def _between(points: list[Fitted], place: int, by: object, least: float) -> float:
    """Pooled standard deviation inside groups of more than one."""
    groups: dict[object, list[float]] = defaultdict(list)
    for one in points:
        groups[by(one)].append(float(one.point.logs[place]))  # type: ignore[operator]
    squares = [(np.var(values, ddof=1), len(values) - 1) for values in groups.values() if len(values) > 1]
    weight = sum(count for _, count in squares)
    return max(float(np.sqrt(sum(square * count for square, count in squares) / weight)) if weight else 0.0, least)


def _mean(members: list[Fitted], place: int) -> float:
    return float(np.mean([one.point.logs[place] for one in members]))


def _number(members: list[Fitted], place: int, spread: float) -> FittedNumber:
    own = float(np.mean([one.point.variance[place] for one in members]) / len(members))
    log_sd = float(np.sqrt(own + spread**2))
    chips = tuple(sorted(one.chip for one in members))
    value = float(np.exp(_mean(members, place)))
    return FittedNumber(value, min(log_sd, MOST_SD), sum(one.n for one in members), chips)

"""The first stage of a calibration: operator tables to efficiency curves, with errors on shapes held back.

The numbers that are handed on come from four shapes in five; the fifth is never taught.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.calibration.numbers import TableError
from accord.calibration.operator_fit import Point, fit_curve, fit_point, modelled_s, names_of
from accord.calibration.operators import Dataset
from accord.calibration.pooling import GENERIC, Fitted, Levels, pool
from accord.catalog.calibration import Curve
from accord.hardware.device import Device

HELD_BACK = 5  # every fifth shape
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Curves:
    """Shape curves by entry (a generation or ``generic``) and ``family.format``."""

    entries: Mapping[str, Mapping[str, Curve]]

    def find(self, family: str, fmt: str, chain: Sequence[str]) -> Curve | None:
        """The nearest entry's curve."""
        for entry in chain:
            curves = self.entries.get(entry, {})
            for name in (f"{family}.{fmt}", family):
                if name in curves:
                    return curves[name]
        return None


@dataclass(frozen=True, slots=True)
class OperatorFit:
    """Numbers and curves of all levels, and how far each table is met."""

    levels: Levels
    curves: Curves
    errors: tuple[TableError, ...]


def fit_operators(
    datasets: Sequence[Dataset], devices: Mapping[str, Device], generations: Mapping[str, str], *, judged: bool = True
) -> OperatorFit:
    """Fit every dataset; where ``judged``, with errors on held-back shapes of a chip, and of a chip left out whole."""
    taught = [one.part(np.arange(len(one)) % HELD_BACK != 0) for one in datasets]
    kept = [one.part(np.arange(len(one)) % HELD_BACK == 0) for one in datasets]
    levels, curves = _fit(taught, devices, generations)
    errors: list[TableError] = []
    for chip in sorted({one.chip for one in datasets}) if judged else ():
        others, other_curves = _fit([one for one in taught if one.chip != chip], devices, generations)
        for one in (one for one in kept if one.chip == chip):
            inside = _error(one, devices[chip], levels, curves, (chip, generations[chip], GENERIC))
            outside = _error(one, devices[chip], others, other_curves, (generations[chip], GENERIC))
            errors.append(TableError(f"{one.table} {one.fmt}", chip, len(one), inside, outside))
    return OperatorFit(levels, curves, tuple(errors))


def _fit(
    datasets: Sequence[Dataset], devices: Mapping[str, Device], generations: Mapping[str, str]
) -> tuple[Levels, Curves]:
    """Points and curves in turns: four numbers a dataset, then what is left over for each generation."""
    curves: dict[str, dict[str, Curve]] = defaultdict(dict)
    groups: dict[tuple[str, str, str], list[Dataset]] = defaultdict(list)
    for one in sorted(datasets, key=lambda one: (one.family, one.fmt, one.chip, one.table)):
        groups[generations[one.chip], one.family, one.fmt].append(one)
    fitted: list[Fitted] = []
    wide: dict[str, list[tuple[list[Dataset], dict[str, Point]]]] = defaultdict(list)
    for (generation, family, fmt), members in sorted(groups.items()):
        joined = _by_chip(members)
        points = {chip: fit_point(parts, devices[chip], None) for chip, parts in joined.items()}
        curve: Curve | None = None
        for _ in range(_ROUNDS):
            curve = fit_curve(members, devices, points)
            points = {chip: fit_point(parts, devices[chip], curve) for chip, parts in joined.items()}
        if curve is not None:
            curves[generation][f"{family}.{fmt}"] = curve
        for chip, point in points.items():
            count = sum(len(part) for part in joined[chip])
            fitted.append(Fitted(family, fmt, chip, generation, count, point))
        if fmt == "bf16":
            wide[family].append((members, points))
    for family, parts in wide.items():
        every = [one for members, _ in parts for one in members]
        curve = fit_curve(every, devices, {chip: point for _, points in parts for chip, point in points.items()})
        if curve is not None:
            curves[GENERIC][family] = curve
    return pool(fitted), Curves(curves)


def _by_chip(members: Sequence[Dataset]) -> dict[str, list[Dataset]]:
    found: dict[str, list[Dataset]] = defaultdict(list)
    for one in members:
        found[one.chip].append(one)
    return found


def _error(dataset: Dataset, device: Device, levels: Levels, curves: Curves, chain: Sequence[str]) -> float:
    """Median |ln(modelled / measured)| with the numbers a chain of entries gives; nan where it has none."""
    names = names_of(dataset.family)
    logs = levels.logs(dataset.family, dataset.fmt, names, chain)
    if logs is None:
        return float("nan")
    made: Array = modelled_s(dataset, device, names, logs, curves.find(dataset.family, dataset.fmt, chain))
    return float(np.median(np.abs(np.log(made / dataset.seconds))))

"""Efficiency curves of operator families, fitted on tables: chip by chip, then pooled upwards.

Each dataset (chip, family, format) gives up to four numbers: fixed seconds of a kernel, shares of peak compute
and of memory bandwidth, and, of products, the walk of a lone output tile. Chips of one generation share a
curve over shape classes: what the four numbers leave over, smooth in the two logarithms, shrunk to nothing
where few shapes speak. Means and spreads over chips give what a chip of the same generation without tables
inherits, and over generations what any other chip inherits: the sums of variances make the wider band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from accord.base.array import Array
from accord.calibration.operators import Dataset
from accord.catalog.calibration import Curve
from accord.hardware.derate import Efficiency
from accord.hardware.device import Device
from accord.ops.roofline import WALKING, time_op

SOFT = 0.1  # log error beyond which a shape counts less
_START: Mapping[str, float] = {"launch_s": 5e-6, "compute": 0.5, "memory": 0.7, "walk": 2e5}
_LEAST: Mapping[str, float] = {"launch_s": 2e-7, "compute": 0.02, "memory": 0.05, "walk": 1e2}
_MOST: Mapping[str, float] = {"launch_s": 2e-4, "compute": 1.0, "memory": 1.0, "walk": 1e7}
_PRIOR_SD: Mapping[str, float] = {"launch_s": 2.0, "compute": 1.0, "memory": 0.6, "walk": 2.0}
_PRIOR_WEIGHT = 1.0  # a prior weighs as much as this many shapes
KNOTS = 6
SMOOTH = 10.0


@dataclass(frozen=True, slots=True)
class Point:
    """Four numbers of one dataset as logarithms, with a variance each."""

    names: tuple[str, ...]
    logs: Array
    variance: Array


def names_of(family: str) -> tuple[str, ...]:
    """Parameters of an operator family, without the family's name."""
    return ("launch_s", "compute", "memory", "walk") if family in WALKING else ("launch_s", "compute", "memory")


def efficiency(family: str, names: Sequence[str], logs: Array, curve: Curve | None) -> Efficiency:
    """The four numbers as parameters the cost model reads."""
    numbers = {f"{family}.{name}": float(np.exp(value)) for name, value in zip(names, logs, strict=True)}
    numbers |= {"vector.memory": 0.6, "vector.launch_s": 1e-6}
    return Efficiency((), "", numbers, {}, curves={family: curve} if curve else {})


def modelled_s(dataset: Dataset, device: Device, names: Sequence[str], logs: Array, curve: Curve | None) -> Array:
    """Seconds the cost model gives for every shape, shape ``(N,)``."""
    parameters = efficiency(dataset.family, names, logs, curve)
    total = np.zeros(len(dataset))
    for op in dataset.ops:
        total = total + time_op(op, device, parameters).total_s
    return total


def fit_point(datasets: Sequence[Dataset], device: Device, curve: Curve | None) -> Point:
    """Most likely four numbers of one chip's datasets of a family and format, robustly, on logarithms of time."""
    names = names_of(datasets[0].family)
    start = np.log([_START[name] for name in names])
    scale = np.array([_PRIOR_SD[name] for name in names])
    measured = [np.log(one.seconds) for one in datasets]
    shapes = sum(len(one) for one in datasets)

    def misses(logs: Array) -> Array:
        left = [
            np.log(modelled_s(one, device, names, logs, curve)) - known
            for one, known in zip(datasets, measured, strict=True)
        ]
        z = np.concatenate(left) / SOFT
        soft = np.sign(z) * np.sqrt(2.0 * (np.sqrt(1.0 + z * z) - 1.0))
        return np.concatenate([soft, _PRIOR_WEIGHT * (logs - start) / scale])

    low, high = (np.log([bound[name] for name in names]) for bound in (_LEAST, _MOST))
    found = least_squares(misses, start, bounds=(low - 1e-9, high + 1e-9))
    spread = max(float(np.median(np.abs(found.fun[:shapes]))), 0.1) ** 2
    variance = np.diag(np.linalg.inv(found.jac.T @ found.jac)) * spread
    return Point(names, found.x, variance)


def fit_curve(datasets: Sequence[Dataset], devices: Mapping[str, Device], points: Mapping[str, Point]) -> Curve | None:
    """What the four numbers leave over, shared by the chips of ``datasets``; None with too few shapes."""
    rows = np.concatenate([np.log2(np.maximum(one.ops[0].rows, 1e-9)) for one in datasets])
    width = np.concatenate([np.log2(np.maximum(one.ops[0].width, 1e-9)) for one in datasets])
    left = np.concatenate([_left(one, devices[one.chip], points[one.chip]) for one in datasets])
    if len(left) < 200:
        return None
    row_knots, width_knots = _knots(rows), _knots(width)
    if len(row_knots) < 2 or len(width_knots) < 2:
        return None
    design = (_hats(rows, row_knots)[:, :, None] * _hats(width, width_knots)[:, None, :]).reshape(len(left), -1)
    table = _robust(design, left, _smoothness(len(row_knots), len(width_knots)))
    table = np.clip(table, -1.0, 1.0).reshape(len(row_knots), len(width_knots))
    return Curve(
        rows=tuple(row_knots.tolist()), width=tuple(width_knots.tolist()),
        log=tuple(tuple(round(float(value), 3) for value in line) for line in table), n=len(left),
    )  # fmt: skip


def _left(dataset: Dataset, device: Device, point: Point) -> Array:
    """ln(measured / modelled) without a curve, shape ``(N,)``."""
    return np.log(dataset.seconds / modelled_s(dataset, device, point.names, point.logs, None))


def _knots(values: Array) -> Array:
    """Whole-number knots at even shares of the shapes."""
    return np.unique(np.round(np.quantile(values, np.linspace(0.02, 0.98, KNOTS))))


def _hats(values: Array, knots: Array) -> Array:
    """Weights of linear interpolation between knots, held at the ends, shape ``(N, K)``."""
    x = np.clip(values, knots[0], knots[-1])
    at = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    part = (x - knots[at]) / (knots[at + 1] - knots[at])
    weights = np.zeros((len(x), len(knots)))
    lines = np.arange(len(x))
    weights[lines, at], weights[lines, at + 1] = 1.0 - part, part
    return weights


def _smoothness(rows: int, width: int) -> Array:
    """Penalty on values and on steps between neighbouring knots, a square matrix."""

    def steps(count: int) -> Array:
        difference = np.diff(np.eye(count), axis=0)
        return difference.T @ difference

    return SMOOTH * (
        np.kron(steps(rows), np.eye(width)) + np.kron(np.eye(rows), steps(width)) + 0.3 * np.eye(rows * width)
    )


def _robust(design: Array, left: Array, penalty: Array) -> Array:
    """Penalised least squares in which far shapes count less (soft l1)."""
    weight: Array = np.ones(len(left))
    found: Array = np.zeros(design.shape[1])
    for _ in range(10):
        normal = design.T @ (design * weight[:, None]) + penalty
        found = np.asarray(np.linalg.solve(normal, design.T @ (weight * left)), dtype=np.float64)
        weight = 1.0 / np.sqrt(1.0 + ((left - design @ found) / SOFT) ** 2)
    return found

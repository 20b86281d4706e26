"""One operator on one device: seconds, and what bounds it.

``t = launch + c(shape) sqrt(((flop + walk) / (peak e_c))^2 + (bytes / (bandwidth e_m))^2)``

Compute and memory traffic overlap, but not perfectly: the root of their squares lies above the larger and
below their sum. ``walk`` is work of the first output tile, which has to walk the whole inner dimension
while units without a tile of their own stand idle. ``c`` is the measured over the modelled time of the
shape class where a table of the operator exists, else 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.catalog.calibration import Curve
from accord.hardware.derate import Efficiency
from accord.hardware.device import Device
from accord.ops.op import Op

WALKING = ("gemm", "grouped", "fused")  # families whose kernels cut their output into tiles


@dataclass(frozen=True, slots=True)
class OpTime:
    """Seconds of one operator in one layer; ``total_s = launch_s + sqrt(compute_s^2 + memory_s^2)``."""

    total_s: Array
    launch_s: Array
    compute_s: Array
    memory_s: Array


def time_op(op: Op, device: Device, efficiency: Efficiency, *, eager: bool = False) -> OpTime:
    """Time of a compute operator, shape ``(D,)``.

    eager: the host launches every kernel; else a captured graph does
    Raises MissingFact if the format has no known rate.
    """
    unit = device.compute(op.fmt) if op.fmt else None
    fmt = unit.format if unit else None
    memory = op.bytes / (device.memory_bytes_per_s * efficiency.get(f"{op.family}.memory", fmt))
    fixed = efficiency.get("launch_eager_s") if eager else efficiency.fixed(op.family, fmt)
    launch = op.launches * fixed + np.zeros_like(memory)
    if unit is None:
        return OpTime(launch + memory, launch, np.zeros_like(memory), memory)
    reached = efficiency.get(f"{op.family}.compute", unit.format)
    if not unit.native:
        reached = reached * efficiency.get("conversion.compute")
        memory = memory / efficiency.get("conversion.memory")
    flop = op.flop
    if op.family in WALKING:
        flop = flop + np.where(flop > 0.0, 2.0 * op.depth * efficiency.get(f"{op.family}.walk", unit.format), 0.0)
    compute = flop / (unit.flop_per_s * reached)
    curve = efficiency.curve(op.family, unit.format)
    if curve is not None:
        factor = shape_factor(curve, op.rows, op.width)
        compute, memory = compute * factor, memory * factor
    return OpTime(launch + np.sqrt(compute * compute + memory * memory), launch, compute, memory)


def shape_factor(curve: Curve, rows: Array, width: Array) -> Array:
    """Measured over modelled time at a shape class, between knots in proportion of logarithms, shape ``(D,)``."""
    own_rows, own_width, table = _arrays(curve)
    at, part = _place(*own_rows, rows)
    column, share = _place(*own_width, width)
    line = len(curve.width)
    here = at * line + column  # of the table laid out line after line
    rest = 1.0 - share
    low = table.take(here) * rest + table.take(here + 1) * share
    here = here + line
    high = table.take(here) * rest + table.take(here + 1) * share
    return np.exp(low * (1.0 - part) + high * part)


@lru_cache(maxsize=1024)
def _arrays(curve: Curve) -> tuple[tuple[Array, Array], tuple[Array, Array], Array]:
    """Knots of both axes with the gaps between them, and the table, line after line."""
    rows, width = np.asarray(curve.rows), np.asarray(curve.width)
    return (rows, np.diff(rows)), (width, np.diff(width)), np.asarray(curve.log).ravel()


def _place(knots: Array, gaps: Array, values: Array) -> tuple[npt.NDArray[np.intp], Array]:
    """Knot below each value's binary logarithm, and how far it is to the next one; ends are held."""
    x = np.log2(np.maximum(values, 1e-30))
    at = knots[1:-1].searchsorted(x, side="right")
    part = (x - knots.take(at)) / gaps.take(at)
    return at, np.minimum(np.maximum(part, 0.0), 1.0)

"""One operator on one device: seconds, and what bounds it.

``t = launch + max((flop + waste) / (peak e_c), bytes / (bandwidth e_m))``

``waste`` is what tiles of a matrix product compute for nothing (:func:`wasted_flop`). Both terms
grow with work, so more work is never faster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Efficiency
from accord.hardware.device import Device
from accord.ops.op import Op


@dataclass(frozen=True, slots=True)
class OpTime:
    """Seconds of one operator in one layer; ``total_s = launch_s + max(compute_s, memory_s)``."""

    total_s: Array
    launch_s: Array
    compute_s: Array
    memory_s: Array


def time_op(op: Op, device: Device, efficiency: Efficiency, *, eager: bool = False) -> OpTime:
    """Time of a compute operator, shape ``(D,)``.

    eager: the host launches every kernel; else a captured graph does
    Raises MissingFact if the format has no known rate.
    """
    memory = op.bytes / (device.memory_bytes_per_s * efficiency.get(f"{op.family}.memory"))
    launch = np.full_like(op.bytes, op.launches * efficiency.get("launch_eager_s" if eager else "launch_s"))
    if not op.fmt:
        return OpTime(launch + memory, launch, np.zeros_like(memory), memory)
    unit = device.compute(op.fmt)
    reached = efficiency.get(f"{op.family}.compute", unit.format)
    if not unit.native:
        reached *= efficiency.get("conversion.compute")
    padded = op.flop
    if op.family in ("gemm", "grouped"):
        padded = op.flop + wasted_flop(op.flop, op.half_flop, efficiency.get(f"{op.family}.half_rows"))
    compute = padded / (unit.flop_per_s * reached)
    return OpTime(launch + np.maximum(compute, memory), launch, compute, memory)


def wasted_flop(flop: Array, row_flop: Array, half_rows: float) -> Array:
    """FLOP spent on rows that no token fills, shape ``(D,)``.

    row_flop: FLOP of one row through all weights of the operator; half_rows: extra rows of large
    products [row]. Kernels pick smaller tiles for fewer rows, so ``r`` rows waste
    ``r half / (r + half)``: as many as there are when few, ``half_rows`` when many.
    """
    rows = flop / np.maximum(row_flop, 1e-300)
    return row_flop * rows * half_rows / np.maximum(rows + half_rows, 1e-300)

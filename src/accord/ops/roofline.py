"""One operator on one device: seconds, and what bounds it.

``t = launch + max((flop + half_rows * half_flop) / (peak e_c), bytes / (bandwidth e_m))``

``half_rows`` is the number of extra rows that tiles of a matrix product compute for nothing, so
achieved compute follows ``rows / (rows + half_rows)``. Both terms grow with work, so more work
is never faster.
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


def time_op(op: Op, device: Device, efficiency: Efficiency) -> OpTime:
    """Time of a compute operator, shape ``(D,)``. Raises MissingFact if the format has no known rate."""
    memory = op.bytes / (device.memory_bytes_per_s * efficiency.get(f"{op.family}.memory"))
    launch = np.full_like(op.bytes, op.launches * efficiency.get("launch_s"))
    if not op.fmt:
        return OpTime(launch + memory, launch, np.zeros_like(memory), memory)
    unit = device.compute(op.fmt)
    reached = efficiency.get(f"{op.family}.compute", unit.format)
    if not unit.native:
        reached *= efficiency.get("conversion.compute")
    padded = op.flop
    if op.family in ("gemm", "grouped"):
        padded = np.where(op.flop > 0.0, op.flop + efficiency.get(f"{op.family}.half_rows") * op.half_flop, 0.0)
    compute = padded / (unit.flop_per_s * reached)
    return OpTime(launch + np.maximum(compute, memory), launch, compute, memory)

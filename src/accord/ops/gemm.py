"""Matrix products: dense, and grouped over experts."""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.hardware.device import bytes_per_number
from accord.ops.op import Op, Stage, compute_op

ACTIVATION_BYTES = 2.0
EIGHT_BIT = ("fp8", "int8", "mxfp8")


def gemm(name: str, stage: Stage, fmt: str, rows: Array, k: Array | float, n: Array, layers: float) -> Op:
    """``rows x k`` times ``k x n`` with weights stored as ``fmt``.

    rows [token], k and n of this device. Activations enter in the weights' format when that is
    eight bits or less with a unit of its own, and leave in 16 bits.
    """
    stored = bytes_per_number(fmt)
    entering = 1.0 if fmt in EIGHT_BIT else ACTIVATION_BYTES
    width, inner = k * n, rows * k
    moved = width * stored + inner * entering + rows * n * ACTIVATION_BYTES
    return compute_op(name, "gemm", stage, fmt, 2.0 * inner * n, moved, depth=k, rows=rows, width=width, layers=layers)


def grouped_gemm(
    name: str, fmt: str, slots: Array, experts: Array, k: Array | float, n: Array | float, layers: float, *,
    family: str = "grouped",
) -> Op:  # fmt: skip
    """Products of ``slots`` rows spread over ``experts`` weight matrices of this device.

    slots [token copy], experts: matrices that at least one row uses
    family: ``grouped`` for rows that an exchange put into order, ``fused`` where the kernel does that itself
    """
    stored = bytes_per_number(fmt)
    entering = 1.0 if fmt in EIGHT_BIT else ACTIVATION_BYTES
    width = experts * k * n
    moved = width * stored + slots * (k * entering + n * ACTIVATION_BYTES)
    return compute_op(
        name, family, "ffn", fmt, 2.0 * slots * k * n, moved,
        depth=k, rows=slots / np.maximum(experts, 1e-9), width=width, layers=layers,
    )  # fmt: skip

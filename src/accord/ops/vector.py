"""Element-wise work: norms, residuals, quantisation, activations, rotary, cache writes."""

from __future__ import annotations

from accord.base.array import Array
from accord.ops.op import Op, Stage, compute_op


def vector(name: str, stage: Stage, moved: Array, layers: float, launches: float = 1.0) -> Op:
    """An operator that only moves ``moved`` bytes through device memory."""
    return compute_op(name, "vector", stage, "", moved * 0.0, moved, launches=launches, layers=layers)


def norm(name: str, stage: Stage, rows: Array, width: float, layers: float) -> Op:
    """Residual add, normalisation and quantisation in one kernel: read 2, write 2 vectors of 16 bits."""
    return vector(name, stage, rows * width * 8.0, layers)


def activation(name: str, rows: Array, width: Array, layers: float, gated: bool) -> Op:
    """Activation of a feed-forward block: read gate and up (or one), write one vector of 16 bits."""
    return vector(name, "ffn", rows * width * (6.0 if gated else 4.0), layers)

"""Operators of a layer as seconds of its passes: forward, gradients of inputs, gradients of weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.ops.op import Op
from accord.ops.roofline import time_op
from accord.training.layout import Job, Layouts
from accord.training.lower import CORES, Piece, input_gradient, weight_gradient

FACTOR = {"gemm": "train.gemm", "grouped": "train.grouped", "vector": "train.vector"}


@dataclass(frozen=True, slots=True)
class Passes:
    """Seconds of one micro-batch, shape ``(D,)``.

    forward_s, backward_s (gradients of inputs), weight_s (gradients of weights)
    core_s, light_s: parts of the forward pass: attention cores, and element-wise kernels, which selective
        recomputation repeats
    """

    forward_s: Array
    backward_s: Array
    weight_s: Array
    core_s: Array
    light_s: Array

    def __add__(self, other: Passes) -> Passes:
        """Two pieces of work after one another."""
        return Passes(
            self.forward_s + other.forward_s, self.backward_s + other.backward_s,
            self.weight_s + other.weight_s, self.core_s + other.core_s, self.light_s + other.light_s,
        )  # fmt: skip

    def times(self, count: Array | float) -> Passes:
        """The same work ``count`` times."""
        return Passes(
            self.forward_s * count, self.backward_s * count, self.weight_s * count, self.core_s * count,
            self.light_s * count,
        )  # fmt: skip


def nothing(lay: Layouts) -> Passes:
    """No work."""
    zero = np.zeros_like(lay.tp)
    return Passes(zero, zero, zero, zero, zero)


def passes(found: Iterable[Piece], job: Job, lay: Layouts) -> Passes:
    """Sum of the passes of some pieces."""
    total = nothing(lay)
    zero = np.zeros_like(lay.tp)
    for piece in found:
        op = piece.op
        forward = op_s(op, job)
        back = op_s(input_gradient(op), job, backward=True)
        weights = None if piece.frozen else weight_gradient(op)
        added = op_s(weights, job) if weights is not None else zero
        core, light = op.family in CORES, op.family == "vector"
        total = total + Passes(forward, back, added, forward if core else zero, forward if light else zero)
    return total


def op_s(op: Op, job: Job, *, backward: bool = False) -> Array:
    """Seconds of one operator at the pace training keeps up.

    Tables time kernels alone and cold; long steps of dense work run at lower clocks, and their element-wise kernels
    are less fused than those of serving.
    """
    taken = time_op(op, job.machine.device, job.efficiency)
    unit = job.machine.device.compute(op.fmt).format if op.fmt else None
    work = taken.total_s - taken.launch_s
    if op.family in FACTOR:
        return np.asarray(taken.launch_s + work / job.efficiency.get(FACTOR[op.family], unit))
    pace = job.efficiency.get("train.attention")
    if backward:
        pace = pace * job.efficiency.get("train.attention_backward")
    return np.asarray(taken.launch_s + work / pace)

"""Operators of a layer as seconds of its passes: forward, gradients of inputs, gradients of weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Number
from accord.ops.op import Op
from accord.ops.roofline import time_op
from accord.training.layout import Job, Layouts
from accord.training.lower import CHEAP, CORES, Piece, input_gradient, weight_gradient

PACE = {"gemm": "train.gemm", "grouped": "train.grouped"}
SOFTNESS = 6.0


@dataclass(frozen=True, slots=True)
class Passes:
    """Seconds of one micro-batch, shape ``(D,)``.

    forward_s, backward_s (gradients of inputs), weight_s (gradients of weights)
    core_s, light_s: parts of the forward pass: attention cores; element-wise kernels and products out of a low rank,
        which selective recomputation repeats
    """

    forward_s: Array
    backward_s: Array
    weight_s: Array
    core_s: Array
    light_s: Array

    @property
    def back_s(self) -> Array:
        """The backward pass, both kinds of gradients."""
        return np.asarray(self.backward_s + self.weight_s)

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
        weights = None if piece.frozen else weight_gradient(op, job.gradient_bytes)
        added = op_s(weights, job) if weights is not None else zero
        core, light = op.family in CORES, op.family == "vector" or op.name in CHEAP
        total = total + Passes(forward, back, added, forward if core else zero, forward if light else zero)
    return total


def op_s(op: Op, job: Job, *, backward: bool = False) -> Array:
    """Seconds of one operator at the pace training keeps up.

    Products follow the tables of their chip, which time kernels alone and cold; long steps hold less (``train.gemm``),
    and no more than the board's power feeds (``train.flop_per_joule``). Cores and element-wise kernels of training
    frameworks are not those of serving that tables time; they reach shares of the chip's peaks of their own. Beside its
    products a core takes an exponential of every score, which counts as ``train.score_flop`` more.
    """
    efficiency, device = job.efficiency, job.machine.device
    if op.family in PACE:
        taken = time_op(op, device, efficiency)
        unit = device.compute(op.fmt).format
        work = (taken.total_s - taken.launch_s) / efficiency.get(PACE[op.family], unit)
        if device.power_w is not None:
            fed = op.flop / (device.power_w * efficiency.get("train.flop_per_joule", unit))
            work = soft_maximum(work, fed)
        return np.asarray(taken.launch_s + work)
    fixed = op.launches * efficiency.get("launch_s")
    if op.family not in CORES:
        return np.asarray(fixed + op.bytes / (device.memory_bytes_per_s * efficiency.get("train.vector")))
    share = efficiency.get("train.attention")
    if backward:
        share = share * efficiency.get("train.attention_backward")
    softmax = op.depth > 0.0  # index scores and recurrences take no exponential, and have no row to begin
    scores = np.where(softmax, op.flop / (2.0 * np.maximum(op.depth, 1.0)), 0.0)
    work = op.flop + scores * efficiency.get("train.score_flop")
    work = work * (1.0 + np.where(softmax, efficiency.get("train.attention_short") / np.maximum(op.rows, 1.0), 0.0))
    return np.asarray(fixed + work / (device.compute("bf16").flop_per_s * share))


def soft_maximum(one: Array, other: Number) -> Array:
    """The longer of two times, and a little more where they are near: parts of the work meet either limit."""
    return np.asarray((one**SOFTNESS + other**SOFTNESS) ** (1.0 / SOFTNESS))

"""Operators to seconds: the one place where operator times and exchange times meet."""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.ops.op import Op, Phase
from accord.ops.roofline import OpTime, time_op
from accord.parallel.collectives import exchange_s, reduce_s
from accord.parallel.plan import Setting
from accord.step.breakdown import LayerTime


def seconds(op: Op, setting: Setting, phase: Phase) -> OpTime:
    """Time of one operator in one layer."""
    if op.stage == "exchange":
        wire = exchange_s(op, setting.machine.tiers, setting.efficiency, phase)
    elif op.stage == "reduce":
        wire = reduce_s(op, setting.machine.tiers, setting.efficiency)
    else:
        return time_op(op, setting.machine.device, setting.efficiency, eager=not setting.graph)
    zero = np.zeros_like(wire)
    return OpTime(wire, zero, zero, zero)


def layer_time(ops: list[Op], setting: Setting, phase: Phase) -> LayerTime:
    """Sum of a group of equal layers, by resource."""
    totals: dict[str, Array] = {}
    for op in ops:
        taken = op.layers * seconds(op, setting, phase).total_s
        totals[op.stage] = totals[op.stage] + taken if op.stage in totals else taken
    zero = np.zeros_like(next(iter(totals.values())))
    head = totals.get("head", zero)
    return LayerTime(
        totals.get("attention", zero) + head, totals.get("ffn", zero),
        totals.get("reduce", zero), totals.get("exchange", zero),
    )  # fmt: skip

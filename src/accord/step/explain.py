"""Where the time of a step goes, operator by operator."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from accord.hardware.noted import known, noting
from accord.ops.op import Op, Phase
from accord.parallel.plan import Setting
from accord.step.price import seconds


@dataclass(frozen=True, slots=True)
class OpRow:
    """One operator over all layers that repeat it, on one device, without overlap.

    seconds, share: of the step's operators; bound: launch, compute, memory or wire
    flop, bytes, wire_bytes: work of the device; constants: parameters its time depends on, and how each is known
    """

    name: str
    layers: int
    fmt: str
    seconds: float
    share: float
    bound: str
    flop: float
    bytes: float
    wire_bytes: float
    constants: tuple[str, ...]
    known: tuple[str, ...]


def explain(ops: list[Op], setting: Setting, phase: Phase, at: int = 0) -> tuple[OpRow, ...]:
    """Rows of the deployment at index ``at``; operators of one name are added up."""
    merged: dict[str, list[float]] = {}
    first: dict[str, Op] = {}
    bounds: dict[str, dict[str, float]] = {}
    read: dict[str, dict[str, None]] = {}
    for op in ops:
        efficiency, noted = noting(setting.efficiency)
        time = seconds(op, replace(setting, efficiency=efficiency), phase)
        read.setdefault(op.name, {}).update(dict.fromkeys(sorted(noted.read)))
        total = float(_at(time.total_s, at)) * op.layers
        work = [total, op.layers, *(float(_at(value, at)) * op.layers for value in (op.flop, op.bytes, op.wire_bytes))]
        if op.name in merged:
            merged[op.name] = [a + b for a, b in zip(merged[op.name], work, strict=True)]
        else:
            merged[op.name], first[op.name] = work, op
        bound = _bound(op, *(float(_at(part, at)) for part in (time.launch_s, time.compute_s, time.memory_s)))
        by = bounds.setdefault(op.name, {})
        by[bound] = by.get(bound, 0.0) + total
    whole = sum(work[0] for work in merged.values()) or 1.0
    rows: list[OpRow] = []
    for name, (taken, layers, flop, moved, sent) in merged.items():
        if taken > 0.0:
            bound = max(bounds[name], key=bounds[name].__getitem__)
            names = tuple(read[name])
            how = tuple(known(setting.efficiency, setting.machine.chip, one) for one in names)
            fmt, share = first[name].fmt, taken / whole
            rows.append(OpRow(name, int(layers), fmt, taken, share, bound, flop, moved, sent, names, how))
    return tuple(rows)


def _at(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], at: int) -> np.float64:
    """One entry of an array that may have been left at length one."""
    return np.float64(values[min(at, len(values) - 1)])


def _bound(op: Op, launch_s: float, compute_s: float, memory_s: float) -> str:
    if op.stage in ("exchange", "reduce"):
        return "wire"
    if launch_s > max(compute_s, memory_s):
        return "launch"
    return "compute" if compute_s > memory_s else "memory"

"""From a collective's time to the metric of a measured row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array, array
from accord.fabric.collective import bus_factor, collective, collective_s
from accord.fabric.curves import residual_log_sd, step_s
from accord.fabric.group import Group
from accord.hardware.derate import Efficiency
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine
from accord.ops.op import exchange_op
from accord.parallel.collectives import exchange_s
from accord.validation.fabric_rows import FabricQuestion


@dataclass(frozen=True, slots=True)
class FabricPrediction:
    """A value in the metric's unit, shape ``(1,)`` or ``(S,)`` of drawn parameters, or why there is none.

    log_sd: spread beyond that of the parameters [1]
    """

    value: Array | None
    log_sd: float = 0.0
    skipped: str | None = None


def predict(asked: FabricQuestion, metric: str, machine: Machine, efficiency: Efficiency) -> FabricPrediction:
    """The prediction of one question. Raises AccordError where the row asks for something impossible."""
    if asked.skipped is not None:
        return FabricPrediction(None, skipped=asked.skipped)
    if asked.kind == "access":
        return _access(asked, machine, efficiency)
    if asked.kind == "exchange":
        return _exchange(asked, metric, machine, efficiency)
    group = group_of(asked, machine)
    size = array(asked.size_bytes)
    found = collective(asked.name, size, group, machine, efficiency, asked.algorithm)
    return FabricPrediction(in_metric(asked, metric, found.total_s), float(found.log_sd[0]))


def in_metric(asked: FabricQuestion, metric: str, seconds: Array) -> Array:
    """Seconds of a collective as ``metric`` counts them; the way back is the same."""
    if metric in ("time_s", "latency_s"):
        return seconds
    passed = bus_factor(asked.name, array(asked.ranks)) if metric == "busbw_byte_per_s" else array(1.0)
    return passed * asked.size_bytes / seconds


def group_of(asked: FabricQuestion, machine: Machine) -> Group:
    """Ranks that sit side by side, or spread evenly over the nodes that the row counts."""
    stride = 1.0
    if asked.per_node is not None:
        stride = max(np.floor(machine.scale_up_devices / asked.per_node), 1.0)
    return Group(array(asked.ranks), array(stride))


def seconds_of(asked: Sequence[FabricQuestion], machine: Machine, efficiency: Efficiency) -> Array:
    """Seconds of questions of one collective and one algorithm on one machine, shape ``(R,)``."""
    groups = [group_of(one, machine) for one in asked]
    ranks, stride = (np.concatenate([getattr(group, name) for group in groups]) for name in ("ranks", "stride"))
    sizes = array([one.size_bytes for one in asked])
    return collective_s(asked[0].name, sizes, Group(ranks, stride), machine, efficiency, asked[0].algorithm)


def _access(asked: FabricQuestion, machine: Machine, efficiency: Efficiency) -> FabricPrediction:
    """One remote access: the latency of the first tier that joins the two; switches count tiers of one plane."""
    if asked.hops == 0 or not machine.tiers:
        return FabricPrediction(None, skipped="no_shape")
    tier: FabricTier = machine.tiers[0]
    if asked.hops is not None:
        plane = [one for one in machine.tiers if one.plane == tier.plane]
        if asked.hops > len(plane):
            return FabricPrediction(None, skipped="no_shape")
        tier = plane[asked.hops - 1]
    elif asked.per_node is not None:
        tier = next((one for one in machine.tiers if one.kind == "scale-out"), machine.tiers[-1])
    waited = tier.latency_s if tier.latency_s is not None else step_s(tier, efficiency)
    spread = residual_log_sd(array(1.0), np.asarray([tier.kind != "scale-up"]), efficiency)
    return FabricPrediction(array(waited), float(spread[0]))


def _exchange(asked: FabricQuestion, metric: str, machine: Machine, efficiency: Efficiency) -> FabricPrediction:
    """Dispatch or combine; kernels of many tokens (``normal``) send one copy of a token to each remote domain.

    The bandwidth that such kernels print counts a token once for each domain it reaches, its own included, or for
    each rank where all are in one domain.
    """
    family = asked.name.removeprefix("ep_")
    ranks = array(asked.ranks)
    normal = asked.algorithm == "normal"
    op = exchange_op(family, family, "exchange", array(asked.size_bytes), ranks, experts_per_token=float(asked.copies))
    seconds = exchange_s(op, machine.tiers, efficiency, "prefill" if normal else "decode")
    outside = asked.ranks > machine.scale_up_devices
    spread = float(residual_log_sd(array(0.5), np.asarray([outside]), efficiency)[0])
    if metric in ("time_s", "latency_s"):
        return FabricPrediction(seconds, spread)
    counted = asked.size_bytes
    if normal:
        places = asked.ranks / machine.scale_up_devices if outside else float(asked.ranks)
        counted = asked.tokens * asked.message_bytes * places * (1.0 - (1.0 - 1.0 / places) ** asked.copies)
    return FabricPrediction(counted / seconds, spread)

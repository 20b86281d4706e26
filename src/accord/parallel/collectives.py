"""Exchanges between ranks in seconds, over the tiers of a fabric.

Every exchange is ``alpha + bytes / rate`` per tier. Rates are the measured ones of the catalog
where it has them (UB reads and writes), else the nominal rate times the family's link share; many
small messages of a dispatch reach ``exchange.share`` of that.
Tiers of one plane share a port, so their times add; planes have ports of their own, so the
slowest plane decides.
"""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.base.errors import MissingFact
from accord.hardware.derate import Efficiency
from accord.hardware.fabric import FabricTier, traffic_shares
from accord.ops.op import Op, Phase


def rate_of(tier: FabricTier, efficiency: Efficiency, direction: str) -> float:
    """Achievable rate of a tier [B/s per device]; direction is ``read`` or ``write``."""
    measured = tier.read_bytes_per_s if direction == "read" else tier.write_bytes_per_s
    return measured if measured is not None else tier.bytes_per_s * efficiency.get(f"link.{tier.kind}")


def exchange_s(op: Op, tiers: tuple[FabricTier, ...], efficiency: Efficiency, phase: Phase) -> Array:
    """Dispatch or combine of an all-to-all over ``op.ranks`` ranks, shape ``(D,)``.

    Prefill kernels send one copy a token to each remote scale-up domain and fan out inside it;
    decode kernels send every copy on its own. Raises MissingFact where ranks have no wires.
    """
    _need_wires(op, tiers)
    if not tiers:
        return np.zeros_like(op.wire_bytes)
    shares = traffic_shares(tiers, op.ranks)
    busy: dict[str, Array] = {}
    inner = 1.0
    for tier, share in zip(tiers, shares, strict=True):
        sent = op.wire_bytes * share
        if tier.kind == "scale-out" and phase == "prefill":
            sent = sent * _distinct(op.ranks / inner, op.experts_per_token)
        taken = sent / (rate_of(tier, efficiency, "write") * efficiency.get("exchange.share"))
        busy[tier.plane] = busy.get(tier.plane, np.zeros_like(taken)) + taken
        if tier.kind == "scale-up":
            inner = max(min(tier.devices, 1e9), inner)
    slowest = np.maximum.reduce(list(busy.values()))
    base = efficiency.get(f"{op.family}.base_s")
    alpha = base + efficiency.get("exchange.per_doubling_s") * np.log2(np.maximum(op.ranks, 1.0))
    return np.where((op.ranks > 1.0) & (op.wire_bytes > 0.0), alpha + slowest, 0.0)


def _distinct(domains: Array, copies: float) -> Array:
    """Remote domains a token reaches over copies it sends there, at most 1."""
    domains = np.maximum(domains, 1.0)
    reached = domains * (1.0 - (1.0 - 1.0 / domains) ** max(copies, 1.0))
    return np.minimum(reached / max(copies, 1.0), 1.0)


def reduce_s(op: Op, tiers: tuple[FabricTier, ...], efficiency: Efficiency) -> Array:
    """All-reduce of ``op.wire_bytes``: reduce-scatter inwards, gather outwards, tier by tier.

    Ring or switch alike moves ``2 (m - 1) / m`` of the bytes over each of the ``m`` members' ports.
    """
    _need_wires(op, tiers)
    total = np.zeros_like(op.wire_bytes)
    left, inner = op.wire_bytes, np.ones_like(op.ranks)
    for index, tier in enumerate(tiers):
        last = index == len(tiers) - 1
        reached = op.ranks if last else np.minimum(op.ranks, tier.devices)
        members = np.maximum(reached / inner, 1.0)
        moved = 2.0 * (members - 1.0) / members * left / rate_of(tier, efficiency, "read")
        alpha = efficiency.get(f"reduce.base_s.{tier.kind}")
        total = total + np.where((members > 1.0) & (left > 0.0), alpha + moved, 0.0)
        left, inner = left / members, np.maximum(reached, inner)
    return total


def send_s(payload: Array, tier: FabricTier, efficiency: Efficiency) -> Array:
    """One device sends ``payload`` bytes to one other over ``tier``."""
    latency = tier.latency_s if tier.latency_s is not None else efficiency.get(f"send.base_s.{tier.kind}")
    return latency + payload / rate_of(tier, efficiency, "read")


def _need_wires(op: Op, tiers: tuple[FabricTier, ...]) -> None:
    reach = tiers[-1].devices if tiers else 1.0
    if np.any(op.ranks > reach):
        raise MissingFact(
            f"{int(np.max(op.ranks))} ranks exchange data, but the system's links join {reach:g}",
            hint="use fewer ranks, or a system whose catalog entry states its scale-out network",
        )

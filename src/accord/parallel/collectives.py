"""Exchanges between ranks in seconds, over the tiers of a fabric.

A sum over ranks is cut in as many chunks as make it quickest, so it takes
``latency + y + 2 sqrt(chunk x y)`` with ``y`` its bytes over the link: latency for small messages, a rate that
ramps up for middle ones, the whole rate for large ones. Dispatch and combine take ``latency + bytes / rate``.
Rates are the measured ones of the catalog where it has them (UB reads and writes), else the nominal rate times
the family's link share; the many messages of an exchange inside a domain reach ``exchange.share`` of that.
Tiers of one plane share a port, so their times add; planes have ports of their own, so the slowest plane decides.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from accord.base.array import Array
from accord.base.errors import MissingFact
from accord.hardware.derate import Efficiency, Number
from accord.hardware.fabric import FabricTier, traffic_shares
from accord.ops.op import Op, Phase

UNUSED = 1e-9  # a share so small that no message takes this way


def rate_of(tier: FabricTier, efficiency: Efficiency, direction: str) -> Number:
    """Achievable rate of a tier [B/s per device]; direction is ``read`` or ``write``."""
    measured = tier.read_bytes_per_s if direction == "read" else tier.write_bytes_per_s
    return measured if measured is not None else tier.bytes_per_s * efficiency.get(f"link.{tier.kind}")


def message_rate_of(tier: FabricTier, efficiency: Efficiency, kernel: str) -> Number:
    """Rate of dispatch or combine over a tier [B/s per device].

    kernel: ``dispatch`` or ``combine`` of decode, or ``prefill``; inside a domain each reaches a share of its own
    """
    rate = rate_of(tier, efficiency, "write")
    return rate * efficiency.get("exchange.share", kernel) if tier.kind == "scale-up" else rate


def exchange_s(op: Op, tiers: tuple[FabricTier, ...], efficiency: Efficiency, phase: Phase) -> Array:
    """Dispatch or combine of an all-to-all over ``op.ranks`` ranks, shape ``(D,)``.

    Decode kernels send every copy on its own. Over fewer ranks than a token has copies less travels where all ranks
    gather all tokens, in one piece at the rate of the link, so that is what is done there. Prefill kernels agree on
    sizes first, send one copy of a token to each remote domain, and fan out inside it with one copy a rank. Messages
    are also passed over once on their own device. Raises MissingFact where ranks have no wires.
    """
    _need_wires(op, tiers)
    if not tiers:
        return np.zeros_like(op.wire_bytes)
    kernel = "prefill" if phase == "prefill" else op.family
    copies = max(op.experts_per_token, 1.0)
    whole = op.ranks < copies
    busy: dict[str, Array] = {}
    for tier, sent in sent_bytes(op, tiers, phase):
        rate = np.where(whole, rate_of(tier, efficiency, "write"), message_rate_of(tier, efficiency, kernel))
        taken = sent / rate
        if not busy:
            passed = np.where(whole, 0.0, op.wire_bytes / copies)
            taken = taken + efficiency.get("exchange.local") * passed / rate
        busy[tier.plane] = busy[tier.plane] + taken if tier.plane in busy else taken
    alpha = efficiency.get(f"{op.family}.base_s")
    alpha = alpha + efficiency.get("exchange.per_doubling_s") * np.log2(np.maximum(op.ranks, 1.0))
    for within, beyond in pairwise(tiers):
        farther = _latency_s(beyond, efficiency) - (
            _latency_s(within, efficiency) if within.kind == beyond.kind else 0.0
        )
        alpha = alpha + np.where(op.ranks > within.devices, farther, 0.0)
    if phase == "prefill":
        alpha = alpha + efficiency.get("exchange.layout_s")
    return np.where((op.ranks > 1.0) & (op.wire_bytes > 0.0), alpha + _slowest(busy), 0.0)


def sent_bytes(op: Op, tiers: tuple[FabricTier, ...], phase: Phase) -> list[tuple[FabricTier, Array]]:
    """Bytes of a dispatch or combine that one device sends over each tier in one layer, shape ``(D,)`` each."""
    if phase != "prefill":
        shares = traffic_shares(tiers, op.ranks)
        once = op.wire_bytes * np.minimum(op.ranks / max(op.experts_per_token, 1.0), 1.0)
        return [(tier, once * share) for tier, share in zip(tiers, shares, strict=True)]
    inner = tuple(tier for tier in tiers if tier.kind == "scale-up")
    domain = max(inner[-1].devices, 1.0) if inner else 1.0
    inside = np.minimum(op.ranks, domain)
    once = op.wire_bytes * _distinct(op.ranks, op.experts_per_token)
    sent = [(tier, once * share) for tier, share in zip(inner, traffic_shares(inner, inside), strict=True)]
    outer = tiers[len(inner) :]
    far = op.wire_bytes * _distinct(op.ranks / inside, op.experts_per_token)
    beyond = traffic_shares(tiers, op.ranks)[len(inner) :]
    return sent + [(tier, far * share) for tier, share in zip(outer, beyond, strict=True)]


def _distinct(places: Array, copies: float) -> Array:
    """Places a token reaches over copies it sends to places drawn evenly, at most 1."""
    places = np.maximum(places, 1.0)
    reached = places * (1.0 - (1.0 - 1.0 / places) ** max(copies, 1.0))
    return np.minimum(reached / max(copies, 1.0), 1.0)


def reduce_s(op: Op, tiers: tuple[FabricTier, ...], efficiency: Efficiency) -> Array:
    """All-reduce of ``op.wire_bytes``: reduce-scatter inwards, gather outwards, chunk after chunk.

    Between devices ``2 (m - 1) / m`` of the bytes pass the port of each of ``m`` members, and
    ``reduce.local`` more on the device. A switch that sums lets ``1 + 1 / m`` pass, at a share of its own.
    """
    _need_wires(op, tiers)
    if not tiers:
        return np.zeros_like(op.wire_bytes)
    doubling = efficiency.get("reduce.per_doubling_s")
    alpha: Array = np.zeros_like(op.wire_bytes)
    busy: dict[str, Array] = {}
    left, inner = op.wire_bytes, np.ones_like(op.ranks)
    for index, tier in enumerate(tiers):
        last = index == len(tiers) - 1
        reached = op.ranks if last else np.minimum(op.ranks, tier.devices)
        members = np.maximum(reached / inner, 1.0)
        joins = (members > 1.0) & (left > 0.0)
        taken = np.where(joins, _sum_s(members, left, tier, efficiency), 0.0)
        busy[tier.plane] = busy[tier.plane] + taken if tier.plane in busy else taken
        base = efficiency.get(f"reduce.base_s.{tier.kind}") + doubling * np.log2(members)
        alpha = alpha + np.where(joins, base, 0.0)
        left, inner = left / members, np.maximum(reached, inner)
    moved = _slowest(busy)
    return alpha + moved + 2.0 * np.sqrt(efficiency.get("reduce.chunk_s") * moved)


def _sum_s(members: Array, payload: Array, tier: FabricTier, efficiency: Efficiency) -> Array:
    """Time the port of a tier is busy with a sum of ``payload`` bytes."""
    passes = 2.0 * (members - 1.0) / members
    if tier.kind != "scale-up":
        return passes * payload / rate_of(tier, efficiency, "read")
    between = (passes + efficiency.get("reduce.local")) * payload / rate_of(tier, efficiency, "read")
    switch = tier.bytes_per_s * np.maximum(efficiency.get("reduce.share.switch"), UNUSED)
    return np.asarray(np.minimum(between, (1.0 + 1.0 / members) * payload / switch))


def _slowest(busy: dict[str, Array]) -> Array:
    slowest: Array = np.maximum.reduce(np.broadcast_arrays(*busy.values()))
    return slowest


def send_s(payload: Array, tier: FabricTier, efficiency: Efficiency) -> Array:
    """One device sends ``payload`` bytes to one other over ``tier``."""
    return _latency_s(tier, efficiency) + payload / rate_of(tier, efficiency, "read")


def _latency_s(tier: FabricTier, efficiency: Efficiency) -> Number:
    return tier.latency_s if tier.latency_s is not None else efficiency.get(f"send.base_s.{tier.kind}")


def _need_wires(op: Op, tiers: tuple[FabricTier, ...]) -> None:
    reach = tiers[-1].devices if tiers else 1.0
    if np.any(op.ranks > reach):
        raise MissingFact(
            f"{int(np.max(op.ranks))} ranks exchange data, but the system's links join {reach:g}",
            hint="use fewer ranks, or a system whose catalog entry states its scale-out network",
        )

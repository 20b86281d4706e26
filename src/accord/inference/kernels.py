"""One operator on its own: what a kernel benchmark would print.

The same operator times as in a step, without model or engine around them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import MissingFact, UsageError
from accord.hardware.derate import Efficiency, Number
from accord.hardware.device import bytes_per_number
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine
from accord.ops.gemm import gemm, grouped_gemm
from accord.ops.op import exchange_op
from accord.ops.roofline import time_op
from accord.parallel.collectives import exchange_s, rate_of

OUT_BYTES = 2.0
# Families of attention: over a cache of latents, or over the keys and values of a prompt.
ATTENTION: Mapping[str, str] = MappingProxyType(
    {
        "mla": "mla_decode",
        "mla-decode": "mla_decode",
        "sparse-mla-decode": "mla_decode",
        "sparse-mla-prefill": "attention_prefill",
        "mha-prefill": "attention_prefill",
    }
)


@dataclass(frozen=True, slots=True)
class Kernel:
    """Seconds and achieved rates of one kernel on one device, shape ``(1,)``, or ``(S,)`` of drawn parameters."""

    seconds: Array
    flop_per_s: Array
    bytes_per_s: Array
    peak_flop_per_s: Number


def gemm_kernel(
    machine: Machine, efficiency: Efficiency, m: float, n: float, k: float, fmt: str, groups: int
) -> Kernel:
    """``groups`` products of ``m x k`` by ``k x n``; bytes count operands once and a 16-bit result."""
    rows = array(m * groups)
    if groups > 1:
        op = grouped_gemm("gemm", fmt, rows, array(groups), k, n, 1.0)
    else:
        op = gemm("gemm", "ffn", fmt, rows, k, array(n), 1.0)
    taken = time_op(op, machine.device, efficiency).total_s
    width = bytes_per_number(fmt)
    moved = groups * (m * k * width + k * n * width + m * n * OUT_BYTES)
    flop = 2.0 * m * n * k * groups
    return Kernel(taken, flop / taken, moved / taken, machine.device.compute(fmt).flop_per_s)


def attention_kernel(machine: Machine, efficiency: Efficiency, op: str, kv: str | None = None) -> Kernel:
    """Attention where it is bound by one resource alone: its best rates.

    op: one of ATTENTION. A cache of entries narrower than the 16 bits that are multiplied is widened on
    the way, which keeps a share of the rate. kv: format of the cache; 16 bits if omitted
    Raises UsageError for another op.
    """
    if op not in ATTENTION:
        raise UsageError(f"'{op}' is no attention kernel", hint=f"use one of {', '.join(ATTENTION)}")
    unit = machine.device.compute("bf16")
    reached = efficiency.get(f"{ATTENTION[op]}.compute", unit.format)
    if kv is not None and bytes_per_number(kv) < bytes_per_number("bf16"):
        reached = reached * efficiency.get("conversion.compute")
    moved = machine.device.memory_bytes_per_s * efficiency.get(f"{ATTENTION[op]}.memory")
    none = array(0.0)
    return Kernel(none, none + unit.flop_per_s * reached, none + moved, unit.flop_per_s)


def exchange_kernel(
    machine: Machine, efficiency: Efficiency, op: str, tokens: float, copies: int, message_bytes: float, ranks: int
) -> Kernel:
    """Low-latency dispatch or combine: every token sends ``copies`` messages to ``ranks`` ranks."""
    payload = array(tokens * copies * message_bytes)
    exchange = exchange_op(op, op, "exchange", payload, array(ranks), experts_per_token=float(copies))
    taken = exchange_s(exchange, machine.tiers, efficiency, "decode")
    if np.any(taken <= 0.0):
        raise UsageError(f"{op} among {ranks} rank exchanges nothing")
    return Kernel(taken, 0.0 * taken, payload / taken, 0.0)


def exchange_link(machine: Machine, efficiency: Efficiency, ranks: int) -> Kernel:
    """High-throughput dispatch or combine: the rate of the link that limits it.

    Inside one scale-up domain that is the inner link, beyond it the outer one.
    """
    tier = _limiting(machine.tiers, ranks)
    none = array(0.0)
    return Kernel(none, none, none + rate_of(tier, efficiency, "write"), 0.0)


def _limiting(tiers: tuple[FabricTier, ...], ranks: int) -> FabricTier:
    for tier in tiers:
        if ranks <= tier.devices:
            return tier
    raise MissingFact(f"the system's links join fewer than {ranks} ranks")

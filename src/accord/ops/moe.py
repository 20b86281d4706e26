"""Feed-forward blocks as operators: dense, and mixtures of routed and shared experts.

Expert placement. Each of ``ep`` ranks holds about ``(experts + redundant) / ep`` routed experts, split
``group / ep`` ways inside. Shared experts run on every rank beside the routed ones; where ranks
outnumber the experts, they get ranks of their own, so many that every rank sees the same number
of token copies (``ep / (top_k + 1)`` of them), and tokens are sent to ``top_k + 1`` places.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Number
from accord.models.spec import Ffn
from accord.ops.gemm import gemm, grouped_gemm
from accord.ops.op import Formats, Op, Shape, exchange_op
from accord.ops.vector import activation, norm, vector

SCALE_BYTES = 512.0  # alignment of a quantised token message: scale and padding, arXiv 2506.12708v2 section 4.2.1


@dataclass(frozen=True, slots=True)
class Routing:
    """Load of one rank in a routed layer, shape ``(D,)``.

    slots: token copies its experts compute, on the busiest rank
    held: routed experts it stores; touched: those that at least one token uses
    copies: places a token is sent to
    apart: 1 where shared experts have ranks of their own, else 0
    """

    slots: Array
    held: Array
    touched: Array
    copies: Array
    apart: Array


def route(ffn: Ffn, shape: Shape, skew: Number) -> Routing:
    """How tokens fall on ranks.

    skew: coefficient of variation of expert popularity [1]; the busiest of ``ep`` ranks carries
    ``mean + sqrt(2 ln ep)`` standard deviations (the usual bound on the largest of ep normal draws).
    """
    apart = np.where((shape.ep > ffn.experts) & (ffn.shared_hidden > 0), 1.0, 0.0)
    copies = ffn.top_k + apart
    held = held_experts(ffn.experts, shape.redundant, shape.ep)
    arriving = shape.routed * shape.groups * copies
    mean = arriving / shape.ep
    spread = np.sqrt(2.0 * np.log(np.maximum(shape.ep, 1.0)))
    slots = mean + spread * np.sqrt((skew * mean) ** 2 / held + mean)
    slots = np.minimum(slots, arriving)
    drawn = shape.routed * shape.groups
    untouched = np.exp(drawn * np.log1p(-min(ffn.top_k / ffn.experts, 1.0 - 1e-12)))
    return Routing(slots, held, held * (1.0 - untouched), copies, apart)


def held_experts(experts: int, redundant: Array, ranks: Array) -> Array:
    """Routed experts on one rank: a whole number, as near as may be to an even spread with copies."""
    even = (experts + redundant) / ranks
    return np.maximum(np.maximum(np.round(even), np.ceil(experts / ranks)), 1.0)


def lower_ffn(
    ffn: Ffn, hidden: int, shape: Shape, formats: Formats, layers: float, skew: Number, *, separate: bool
) -> list[Op]:
    """Operators of ``layers`` equal feed-forward blocks.

    separate: attention groups hold different tokens (dp > 1), so routed tokens must travel
    """
    ops = [norm("feed-forward norm", "ffn", shape.tokens, hidden, layers)]
    if not ffn.experts:
        return ops + _dense("dense", ffn.hidden, ffn.gated, hidden, shape.tokens, shape.tp, formats.dense, layers)
    routing = route(ffn, shape, skew)
    inner = ffn.latent or hidden
    within = shape.group / shape.ep
    ops.append(gemm("router", "ffn", "bf16", shape.tokens, hidden, np.ones_like(shape.tokens) * ffn.experts, layers))
    ops.append(vector("top-k selection", "ffn", shape.tokens * ffn.experts * 8.0, layers))
    if ffn.shared_hidden:
        split = shape.tp
        rows = shape.tokens * (1.0 - routing.apart)
        shared = _dense("shared expert", ffn.shared_hidden, ffn.gated, hidden, rows, split, formats.experts, layers)
        ops += [_masked(op, 1.0 - routing.apart) for op in shared]
    if separate:
        ops += _exchange(ffn, shape, routing, float(inner), formats, layers)
    away = np.where(shape.ep > 1.0, 1.0, 0.0) if separate else np.zeros_like(shape.ep)
    sorts = 1.0 - away if shape.phase == "decode" else np.ones_like(away)
    for family, share in (("grouped", away), ("fused", 1.0 - away)):
        if np.any(share > 0.0):
            ops += [_only(op, share) for op in _experts(ffn, routing, float(inner), within, formats, layers, family)]
    if np.any(sorts > 0.0):
        moved = routing.slots * inner * 4.0
        ops += [_only(vector(name, "ffn", moved, layers), sorts) for name in ("token permutation", "weighted sum")]
    return ops


def _experts(
    ffn: Ffn, routing: Routing, inner: float, within: Array, formats: Formats, layers: float, family: str
) -> list[Op]:
    """The routed experts of one rank.

    family: ``grouped`` where tokens come from other ranks, in order, else ``fused``
    """
    width = ffn.expert_hidden / within
    wide = width * (2.0 if ffn.gated else 1.0)
    fmt, slots, used = formats.experts, routing.slots, routing.touched
    return [
        grouped_gemm("expert up projection", fmt, slots, used, inner, wide, layers, family=family),
        activation("expert activation", slots, width, layers, ffn.gated),
        grouped_gemm("expert down projection", fmt, slots, used, width, inner, layers, family=family),
    ]


def _exchange(ffn: Ffn, shape: Shape, routing: Routing, inner: float, formats: Formats, layers: float) -> list[Op]:
    """Dispatch and combine when experts are spread; gather and scatter when each rank holds a slice of all."""
    sent = shape.routed / shape.tp
    quantised = inner + SCALE_BYTES if formats.experts in ("fp8", "int8", "mxfp8", "fp4", "mxfp4") else 2.0 * inner
    spread = shape.ep > 1.0
    ranks = np.where(spread, shape.group, 1.0)
    out = np.where(spread, sent * routing.copies * quantised, 0.0)
    back = np.where(spread, sent * routing.copies * 2.0 * inner, 0.0)
    slices = np.where(spread, 1.0, shape.group)
    whole = np.where(spread, 0.0, shape.tokens * shape.groups * 2.0 * inner)
    copies = float(ffn.top_k)
    return [
        exchange_op("dispatch", "dispatch", "exchange", out, ranks, layers=layers, experts_per_token=copies),
        exchange_op("combine", "combine", "exchange", back, ranks, layers=layers, experts_per_token=copies),
        exchange_op("gather and scatter", "reduce", "reduce", whole, slices, layers=layers),
    ]


def _dense(
    name: str, width: float, gated: bool, hidden: int, rows: Array, split: Array, fmt: str, layers: float
) -> list[Op]:
    local = width / split
    one = np.ones_like(local)
    return [
        gemm(f"{name} up projection", "ffn", fmt, rows, hidden, local * (2.0 if gated else 1.0), layers),
        activation(f"{name} activation", rows, local, layers, gated),
        gemm(f"{name} down projection", "ffn", fmt, rows, local, one * hidden, layers),
    ]


def _masked(op: Op, keep: Array) -> Op:
    """The operator where ``keep`` is 1, no work where it is 0 (its launch stays)."""
    return replace(op, flop=op.flop * keep, bytes=op.bytes * keep)


def _only(op: Op, keep: Array) -> Op:
    """The operator where ``keep`` is 1, nothing at all where it is 0."""
    return op if np.all(keep == 1.0) else replace(_masked(op, keep), launches=op.launches * keep)

"""Attention blocks as operators: grouped-query, latent (MLA), windowed, sparse and linear.

Decode reads each request's cache once and computes with every new token; prefill computes whole
chunks. Latent attention is computed absorbed in decode (all heads share one latent vector of
``kv_lora_rank + rope`` numbers) and expanded to per-head keys and values in prefill.
"""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.hardware.device import bytes_per_number
from accord.models.spec import Attention
from accord.ops.gemm import gemm
from accord.ops.op import Formats, Op, Shape, compute_op, exchange_op
from accord.ops.vector import norm, vector

INDEX_KEY_FORMAT = "fp8"  # the sparse indexer keeps 8-bit keys: DeepSeek-V3.2 report, section 2 (2025-09)


def attended(block: Attention, context: Array) -> Array:
    """Cache entries one new token reads: bounded by the window, the merge ratio and the top-k."""
    entries = context / block.compress
    if block.sparse_top_k:
        entries = np.minimum(entries, float(block.sparse_top_k))
    if block.window and block.compress == 1:
        return np.minimum(entries, float(block.window))
    return entries + (np.minimum(context, float(block.window)) if block.window else 0.0)


def lower_attention(block: Attention, hidden: int, shape: Shape, formats: Formats, layers: float) -> list[Op]:
    """Operators of ``layers`` equal attention blocks, output projection included."""
    ops = [norm("attention norm", "attention", shape.tokens, hidden, layers)]
    if block.kind == "mla":
        ops += _latent(block, hidden, shape, formats, layers)
    elif block.kind == "linear":
        ops += _linear(block, hidden, shape, formats, layers)
    else:
        ops += _grouped_query(block, hidden, shape, formats, layers)
    ops += _index(block, hidden, shape, formats, layers)
    if np.any(shape.cp > 1.0):
        ops.append(_context_exchange(block, shape, layers))
    ops += _output(block, hidden, shape, formats, layers)
    return ops


def _context_exchange(block: Attention, shape: Shape, layers: float) -> Op:
    """What context-parallel ranks tell each other, in 16 bits.

    Prefill passes keys and values of a rank's tokens around the ring to the ``cp - 1`` others; decode
    sends queries to them and gets partial results back. An all-reduce moves ``2 (cp - 1) / cp`` of its
    bytes, so half of ``cp`` times the payload stands for it.
    """
    if block.kind == "linear":
        width = block.heads / shape.tp * block.v_head_dim
    elif shape.phase == "prefill":
        latent = float(block.kv_lora_rank + block.rope_head_dim)
        both = _local(block.kv_heads, shape.tp) * (block.head_dim + block.v_head_dim)
        width = np.full_like(shape.tokens, latent) if block.kind == "mla" else both
    else:
        query = block.kv_lora_rank + block.rope_head_dim if block.kind == "mla" else block.head_dim
        result = block.kv_lora_rank if block.kind == "mla" else block.v_head_dim
        width = _local(block.heads, shape.tp) * (query + result)
    payload = shape.tokens * width * 2.0 * shape.cp / 2.0
    return exchange_op("context exchange", "reduce", "reduce", payload, shape.cp, layers=layers)


def _local(heads: int, tp: Array) -> Array:
    """Heads of this device; each device keeps at least one, so a few are replicated beyond tp = heads."""
    return np.maximum(np.ceil(heads / tp), 1.0)


def _grouped_query(block: Attention, hidden: int, shape: Shape, formats: Formats, layers: float) -> list[Op]:
    queries = _local(block.heads, shape.tp)
    keys = _local(block.kv_heads, shape.tp)
    stored = keys * (block.head_dim if block.shared_kv_vector else block.head_dim + block.v_head_dim)
    written = stored * (0.0 if block.shares_kv else 1.0)
    gate = queries * block.v_head_dim if block.output_gate else 0.0
    ops: list[Op] = []
    if block.q_lora_rank:
        down = block.q_lora_rank + written + 2.0 * block.compress_width
        ops.append(
            gemm("query down and kv projection", "attention", formats.attention, shape.tokens, hidden, down, layers)
        )
        ops.append(norm("query norm", "attention", shape.tokens, block.q_lora_rank, layers))
        wide = queries * block.head_dim + gate
        ops.append(
            gemm("query up projection", "attention", formats.attention, shape.tokens, block.q_lora_rank, wide, layers)
        )
    else:
        wide = queries * block.head_dim + written + gate + 2.0 * block.compress_width
        ops.append(gemm("qkv projection", "attention", formats.attention, shape.tokens, hidden, wide, layers))
    rotated = shape.tokens * (queries * block.head_dim + stored) * 4.0
    ops.append(vector("rotary and cache write", "attention", rotated, layers))
    ops.append(_core(block, shape, formats, layers, queries, stored, block.head_dim + block.v_head_dim))
    return ops


def _core(
    block: Attention, shape: Shape, formats: Formats, layers: float, queries: Array, stored: Array, width: float
) -> Op:
    entries = attended(block, shape.context)
    flop = 2.0 * shape.tokens * queries * width * entries
    cache = stored * bytes_per_number(formats.kv)
    if shape.phase == "decode":
        moved = shape.requests * entries * cache
        return compute_op(
            "attention core", "attention_decode", "attention", "bf16", flop, moved,
            rows=entries, width=moved, layers=layers,
        )  # fmt: skip
    moved = shape.tokens * (queries * block.head_dim * 4.0 + cache) + shape.requests * entries * cache
    return compute_op(
        "attention core", "attention_prefill", "attention", "bf16", flop, moved,
        rows=entries, width=flop, layers=layers,
    )  # fmt: skip


def _latent(block: Attention, hidden: int, shape: Shape, formats: Formats, layers: float) -> list[Op]:
    heads = _local(block.heads, shape.tp)
    nope = block.head_dim - block.rope_head_dim
    latent = float(block.kv_lora_rank + block.rope_head_dim)
    one = np.ones_like(shape.tokens)
    fmt = formats.attention
    ops: list[Op] = []
    source, width = float(hidden), one * latent
    if block.q_lora_rank:
        ops.append(
            gemm(
                "query and kv down projection",
                "attention",
                fmt,
                shape.tokens,
                hidden,
                width + block.q_lora_rank,
                layers,
            )
        )
        ops.append(norm("latent norm", "attention", shape.tokens, block.q_lora_rank + latent, layers))
        source, width = float(block.q_lora_rank), one * 0.0
    ops.append(
        gemm("query up projection", "attention", fmt, shape.tokens, source, heads * block.head_dim + width, layers)
    )
    if shape.phase == "decode":
        ops.append(_per_head("key absorption", shape.tokens, heads, nope, block.kv_lora_rank, layers))
        ops.append(
            vector(
                "rotary and cache write",
                "attention",
                shape.tokens * (heads * block.rope_head_dim + latent) * 4.0,
                layers,
            )
        )
        ops.append(_latent_core(block, shape, formats, layers, heads, latent))
        ops.append(_per_head("value expansion", shape.tokens, heads, block.kv_lora_rank, block.v_head_dim, layers))
        return ops
    ops.append(
        gemm(
            "key and value expansion",
            "attention",
            fmt,
            shape.tokens,
            block.kv_lora_rank,
            heads * (nope + block.v_head_dim),
            layers,
        )
    )
    ops.append(
        vector(
            "rotary and cache write", "attention", shape.tokens * (heads * 2 * block.head_dim + latent) * 4.0, layers
        )
    )
    stored = heads * (block.head_dim + block.v_head_dim)
    ops.append(_core(block, shape, formats, layers, heads, stored, block.head_dim + block.v_head_dim))
    return ops


def _per_head(name: str, rows: Array, heads: Array, k: float, n: float, layers: float) -> Op:
    """A product per head with 16-bit weights (absorbed projections stay unquantised)."""
    moved = 2.0 * heads * (k * n + rows * (k + n))
    return compute_op(
        name, "gemm", "attention", "bf16", 2.0 * rows * heads * k * n, moved,
        depth=k, rows=rows, width=heads * k * n, layers=layers,
    )  # fmt: skip


def _latent_core(block: Attention, shape: Shape, formats: Formats, layers: float, heads: Array, latent: float) -> Op:
    entries = attended(block, shape.context)
    flop = 2.0 * shape.tokens * heads * (latent + block.kv_lora_rank) * entries
    moved = shape.requests * entries * latent * bytes_per_number(formats.kv)
    return compute_op(
        "latent attention core", "mla_decode", "attention", "bf16", flop, moved,
        rows=heads * shape.tokens / np.maximum(shape.requests, 1e-9), width=moved, layers=layers,
    )  # fmt: skip


def _index(block: Attention, hidden: int, shape: Shape, formats: Formats, layers: float) -> list[Op]:
    """The sparse indexer: scores every stored entry with small heads, then keeps the best."""
    if not block.index_heads:
        return []
    wide = float(block.index_heads * block.index_head_dim)
    source = block.q_lora_rank or hidden
    projection = gemm(
        "index projection",
        "attention",
        formats.attention,
        shape.tokens,
        source,
        np.ones_like(shape.tokens) * wide,
        layers,
    )
    entries = shape.context / block.compress
    flop = 2.0 * shape.tokens * wide * entries
    keys = bytes_per_number(INDEX_KEY_FORMAT) * block.index_head_dim
    moved = shape.requests * entries * keys + shape.tokens * entries * 4.0
    family = "attention_decode" if shape.phase == "decode" else "attention_prefill"
    core = compute_op("index scores", family, "attention", "fp8", flop, moved, launches=2.0, layers=layers)
    return [projection, core]


def _linear(block: Attention, hidden: int, shape: Shape, formats: Formats, layers: float) -> list[Op]:
    """Recurrent attention: cost per token does not grow with the context."""
    values = _local(block.heads, shape.tp)
    keys = _local(block.kv_heads, shape.tp)
    gate = values * block.v_head_dim if block.output_gate else 0.0
    wide = keys * 2 * block.head_dim + values * block.v_head_dim + gate
    ops = [gemm("qkv projection", "attention", formats.attention, shape.tokens, hidden, wide, layers)]
    if block.conv_kernel:
        ops.append(vector("short convolution", "attention", shape.tokens * wide * 4.0, layers))
    per_token = values * block.head_dim * block.v_head_dim
    flop = 4.0 * shape.tokens * per_token
    state = shape.requests * block.state_elements * values / block.heads * 4.0
    moved = 2.0 * state + shape.tokens * wide * 4.0
    ops.append(compute_op("recurrent core", "linear", "attention", "bf16", flop, moved, layers=layers))
    return ops


def _output(block: Attention, hidden: int, shape: Shape, formats: Formats, layers: float) -> list[Op]:
    wide = _local(block.heads, shape.tp) * block.v_head_dim
    one = np.ones_like(shape.tokens)
    fmt = formats.attention
    if not block.o_lora_rank:
        return [gemm("output projection", "attention", fmt, shape.tokens, wide, one * hidden, layers)]
    middle = float(block.o_groups * block.o_lora_rank)
    groups = np.maximum(block.o_groups / shape.tp, 1.0)
    down = compute_op(
        "output down projection", "gemm", "attention", fmt,
        2.0 * shape.tokens * wide * block.o_lora_rank,
        wide * block.o_lora_rank * bytes_per_number(fmt) + shape.tokens * (wide + groups * block.o_lora_rank) * 2.0,
        depth=wide, rows=shape.tokens, width=wide * block.o_lora_rank, layers=layers,
    )  # fmt: skip
    return [down, gemm("output up projection", "attention", fmt, shape.tokens, middle, one * hidden, layers)]

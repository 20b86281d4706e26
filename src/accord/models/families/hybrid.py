"""Families that mix linear attention, whose state does not grow, with full attention."""

from __future__ import annotations

import msgspec

from accord.models.config_fields import MAX_COUNT, MAX_LAYERS, Fields
from accord.models.families.blocks import (
    Decoder,
    checked_heads,
    dense,
    grouped,
    hidden_size,
    layer_count,
    mixture,
    mtp_count,
    stack,
)
from accord.models.families.mixture import qwen_blocks
from accord.models.spec import Attention, Ffn

KINDS = ("linear_attention", "full_attention")


def lightning(f: Fields, full: Attention) -> Attention:
    """Lightning attention: one square state a head, a gate as wide as the output, a norm over it.

    full: the grouped attention of the same model, whose query heads and width it shares
    """
    heads, width = full.heads, full.head_dim
    return Attention(
        kind="linear",
        heads=heads,
        kv_heads=heads,
        head_dim=width,
        v_head_dim=width,
        output_gate=True,
        state_elements=heads * width * width,
        other_params=heads * width,
    )


def minimax_text(f: Fields) -> Decoder:
    """MiniMax-Text-01 and M1: lightning attention but on the layers marked 1 in ``attn_type_list``."""
    layers = layer_count(f)
    full = grouped(f)
    if f.has("attn_type_list"):
        marks = f.integers("attn_type_list", [layers], high=1)
        kinds = [KINDS[mark] for mark in marks]
    else:
        kinds = f.kinds("layer_types", layers, KINDS, lambda i: KINDS[i % 2])
    linear = lightning(f, full)
    moe = mixture(
        f,
        experts="num_local_experts",
        width="intermediate_size",
        shared=f.integer("shared_intermediate_size", low=0, default=0),
    )
    attentions = [full if kind == KINDS[1] else linear for kind in kinds]
    return Decoder(layers=stack(attentions, [moe] * layers))


def gated_delta(f: Fields) -> Attention:
    """Gated delta net: one key-by-value state a value head, a short convolution before it.

    The two narrow projections of the decay and the write strength are in ``other_params``.
    """
    heads = f.integer("linear_num_value_heads", high=MAX_COUNT)
    key_heads = f.integer("linear_num_key_heads", high=MAX_COUNT)
    checked_heads(f, heads, key_heads, "linear_num_key_heads")
    key_width = f.integer("linear_key_head_dim", high=100_000)
    value_width = f.integer("linear_value_head_dim", high=100_000)
    kernel = f.integer("linear_conv_kernel_dim", high=1_000)
    channels = 2 * key_heads * key_width + heads * value_width
    return Attention(
        kind="linear",
        heads=heads,
        kv_heads=key_heads,
        head_dim=key_width,
        v_head_dim=value_width,
        output_gate=True,
        state_elements=heads * key_width * value_width + (kernel - 1) * channels,
        conv_kernel=kernel,
        other_params=2 * hidden_size(f) * heads + 2 * heads + value_width,
    )


def _delta_hybrid(f: Fields, blocks: list[Ffn]) -> Decoder:
    """Gated delta nets with a gated full attention every ``full_attention_interval`` layers (4 unless stated)."""
    layers = layer_count(f)
    every = f.integer("full_attention_interval", high=MAX_LAYERS, default=4)
    kinds = f.kinds("layer_types", layers, KINDS, lambda i: KINDS[0] if (i + 1) % every else KINDS[1])
    bias = f.flag("attention_bias")
    full = grouped(f, qkv_bias=bias, out_bias=bias, qk_norm="head")
    full = msgspec.structs.replace(full, output_gate=f.flag("attn_output_gate", default=True))
    linear = gated_delta(f) if KINDS[0] in kinds else full
    extra = mtp_count(f)
    mtp = stack([full], [blocks[-1]])[0] if extra else None
    attentions = [full if kind == KINDS[1] else linear for kind in kinds]
    return Decoder(layers=stack(attentions, blocks), mtp_layers=extra, mtp=mtp)


def qwen3_next(f: Fields) -> Decoder:
    """Qwen3-Next and Qwen3.5 MoE: mixtures with a gated shared expert."""
    return _delta_hybrid(f, qwen_blocks(f, shared=True))


def qwen3_5(f: Fields) -> Decoder:
    """Qwen3.5 dense: the same attention with dense blocks."""
    return _delta_hybrid(f, [dense(f)] * layer_count(f))

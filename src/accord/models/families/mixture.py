"""Families with ordinary (grouped-query) attention and mixtures of experts."""

from __future__ import annotations

import re

import msgspec

from accord.base.errors import ModelConfigError
from accord.models.config_fields import MAX_COUNT, MAX_LAYERS, MAX_TOKENS, Fields
from accord.models.families.blocks import (
    Decoder,
    checked_heads,
    decoder,
    dense,
    grouped,
    head_width,
    hidden_size,
    layer_count,
    mixture,
    shared_width,
    single,
    stack,
    window_of,
    windowed,
)
from accord.models.families.dense import every_nth_full, late_windows
from accord.models.families.latent import leading_dense
from accord.models.spec import Attention, Ffn


def mixtral(f: Fields) -> Decoder:
    """Mixtral: every layer a mixture of blocks as wide as ``intermediate_size``."""
    layers = layer_count(f)
    moe = mixture(f, experts="num_local_experts", width="intermediate_size")
    return decoder(f, [grouped(f, window=window_of(f))] * layers, [moe] * layers)


def granite_moe(f: Fields) -> Decoder:
    """Granite MoE: Mixtral's layout with optional attention bias and a shared block."""
    layers = layer_count(f)
    bias = f.flag("attention_bias")
    shared = f.integer("shared_intermediate_size", low=0, default=0)
    moe = mixture(f, experts="num_local_experts", width="intermediate_size", shared=shared)
    return decoder(f, [grouped(f, qkv_bias=bias, out_bias=bias)] * layers, [moe] * layers, tied=True)


def qwen_blocks(f: Fields, *, shared: bool) -> list[Ffn]:
    """Qwen's rule: a mixture on every ``decoder_sparse_step``-th layer but those in ``mlp_only_layers``.

    shared: whether a gated shared expert is part of the mixture
    """
    layers = layer_count(f)
    step = f.integer("decoder_sparse_step", high=MAX_LAYERS, default=1)
    dense_only = f.indices("mlp_only_layers", layers)
    width = f.integer("shared_expert_intermediate_size", low=0) if shared else 0
    moe = mixture(f, shared=width, other=hidden_size(f) if width else 0)
    routed = [i not in dense_only and (i + 1) % step == 0 for i in range(layers)]
    block = moe if all(routed) else dense(f)
    return [moe if use else block for use in routed]


def qwen2_moe(f: Fields) -> Decoder:
    """Qwen2 MoE: biases on query, key and value, one gated shared expert."""
    return decoder(f, late_windows(f, grouped(f, qkv_bias=True)), qwen_blocks(f, shared=True))


def qwen3_moe(f: Fields) -> Decoder:
    """Qwen3 MoE: normalised queries and keys, no shared expert."""
    bias = f.flag("attention_bias")
    attention = grouped(f, qkv_bias=bias, out_bias=bias, qk_norm="head")
    return decoder(f, late_windows(f, attention), qwen_blocks(f, shared=False))


def glm4_moe(f: Fields) -> Decoder:
    """GLM-4.5: dense layers first, shared experts, biases on query, key and value when stated."""
    layers = layer_count(f)
    attention = grouped(f, qkv_bias=f.flag("attention_bias"), qk_norm="head" if f.flag("use_qk_norm") else "none")
    moe = mixture(f, experts="n_routed_experts", shared=shared_width(f), router_bias=True)
    return decoder(f, [attention] * layers, leading_dense(f, moe))


def gpt_oss(f: Fields) -> Decoder:
    """gpt-oss: windows on every other layer, a sink a head, biases on every matrix."""
    hidden = hidden_size(f)
    attention = grouped(f, qkv_bias=True, out_bias=True)
    attention = msgspec.structs.replace(attention, other_params=attention.other_params + attention.heads)
    moe = mixture(f, experts="num_local_experts", width="intermediate_size", router_bias=True)
    moe = msgspec.structs.replace(moe, expert_other_params=2 * moe.expert_hidden + hidden)
    return decoder(f, every_nth_full(f, attention, 2), [moe] * layer_count(f))


def llama4(f: Fields) -> Decoder:
    """Llama 4: mixtures on every ``interleave_moe_layer_step``-th layer, chunked attention but on every fourth."""
    layers = layer_count(f)
    kinds = ("chunked_attention", "full_attention")
    every = f.integer("no_rope_layer_interval", high=MAX_LAYERS, default=4)
    rotary = [1 if (i + 1) % every else 0 for i in range(layers)]
    if f.has("no_rope_layers") and f.values["no_rope_layers"] != []:
        rotary = f.integers("no_rope_layers", [layers], high=1)
    chosen = f.kinds("layer_types", layers, kinds, lambda i: kinds[0] if rotary[i] else kinds[1])
    attention = grouped(f, qkv_bias=f.flag("attention_bias"), out_bias=f.flag("attention_bias"))
    near = windowed(attention, f.integer("attention_chunk_size", high=MAX_TOKENS, default=0))
    step = f.integer("interleave_moe_layer_step", high=MAX_LAYERS, default=1)
    listed = f.indices("moe_layers", layers) or frozenset(i for i in range(layers) if (i + 1) % step == 0)
    moe = mixture(f, experts="num_local_experts", width="intermediate_size", shared=f.integer("intermediate_size"))
    block = moe if len(listed) == layers else dense(f, "intermediate_size_mlp")
    return decoder(
        f,
        [near if kind == kinds[0] else attention for kind in chosen],
        [moe if i in listed else block for i in range(layers)],
    )


def hunyuan(f: Fields) -> Decoder:
    """Hunyuan-Large: neighbouring layers share one key/value cache, shared experts as wide as the routed ones."""
    layers = layer_count(f)
    owner = grouped(f, qk_norm="head" if f.flag("use_qk_norm") else "none")
    share = f.integer("cla_share_factor", high=layers) if f.flag("use_cla") else 1
    lodger = msgspec.structs.replace(owner, shares_kv=True)
    widths = f.each("moe_intermediate_size", layers, default=f.integer("intermediate_size"))
    shared = f.each("num_shared_expert", layers, low=0, high=MAX_COUNT, default=0)
    experts = f.each("num_experts", layers, high=MAX_COUNT, default=None)
    top_k = f.each("moe_topk", layers, high=MAX_COUNT, default=1)
    for count, chosen in zip(experts, top_k, strict=True):
        if chosen > count:
            raise f.wrong("moe_topk", f"at most num_experts, which is {count}")
    skipped = f.integer("moe_layer_num_skipped", low=0, high=layers, default=0)
    with_shared = f.flag("use_mixed_mlp_moe", default=True)
    blocks = [
        dense(f)
        if i < skipped or experts[i] == 1
        else Ffn(
            experts=experts[i],
            top_k=top_k[i],
            expert_hidden=widths[i],
            shared_hidden=shared[i] * f.integer("intermediate_size") if with_shared else 0,
        )
        for i in range(layers)
    ]
    return decoder(f, [lodger if i % share else owner for i in range(layers)], blocks)


def hunyuan_dense(f: Fields) -> Decoder:
    """Hunyuan V1 dense: Llama's layout with normalised queries and keys."""
    layers = layer_count(f)
    bias = f.flag("attention_bias")
    attention = grouped(f, qkv_bias=bias, out_bias=bias, qk_norm="head" if f.flag("use_qk_norm", True) else "none")
    return decoder(f, [attention] * layers, [dense(f)] * layers)


def pangu_moe(f: Fields) -> Decoder:
    """Pangu Pro MoE: biases on query, key and value, one wide shared expert, experts chosen group by group."""
    layers = layer_count(f)
    moe = mixture(f, shared=f.integer("shared_expert_intermediate_size", low=0, default=0))
    return decoder(f, [grouped(f, qkv_bias=True)] * layers, [moe] * layers)


def minimax_m2(f: Fields) -> Decoder:
    """MiniMax-M2: full attention everywhere, norms as wide as all heads, modules predicting further tokens."""
    layers = layer_count(f)
    qk_norm = "none"
    if f.flag("use_qk_norm"):
        qk_norm = "width" if f.word("qk_norm_type", "per_layer") == "per_layer" else "head"
    moe = mixture(
        f,
        experts="num_local_experts",
        width="intermediate_size",
        shared=f.integer("shared_intermediate_size", low=0, default=0),
        router_bias=f.flag("use_routing_bias"),
    )
    if f.has("attn_type_list") and 0 in f.integers("attn_type_list", [layers], high=1):
        raise ModelConfigError(f"{f.name('attn_type_list')} has a 0; it must be 1 (full attention) on every layer")
    groups = stack([grouped(f, qk_norm=qk_norm)] * layers, [moe] * layers)
    extra = 0
    if f.flag("use_mtp"):
        extra = f.integer("num_mtp_modules", low=0, high=100, default=0)
        extra *= f.integer("mtp_transformer_layers", high=100, default=1)
    return Decoder(layers=groups, mtp_layers=extra, mtp=single(groups[-1]) if extra else None)


def step3_moe_layers(f: Fields, layers: int) -> frozenset[int]:
    """Layers with mixtures: ``"4..59"``, ``"4,5,6"`` or absent for all but the first. Raises ModelConfigError."""
    if not f.has("moe_layers_enum"):
        return frozenset(range(1, layers))
    text = f.values["moe_layers_enum"]
    found: set[int] = set()
    allowed = f"a text of layer numbers below {layers}, as '4,5,6' or '4..59'"
    if not isinstance(text, str) or len(text) > 100_000:
        raise f.wrong("moe_layers_enum", allowed)
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:\s*\.\.\s*(\d{1,6}))?\s*", part, flags=re.ASCII)
        if match is None:
            raise f.wrong("moe_layers_enum", allowed)
        first = int(match[1])
        last = int(match[2] or first)
        if not first <= last < layers:
            raise f.wrong("moe_layers_enum", allowed)
        found.update(range(first, last + 1))
    return frozenset(found)


def step3(f: Fields) -> Decoder:
    """Step-3: low-rank query shared by all heads and few wide key/value heads."""
    layers = layer_count(f)
    hidden = hidden_size(f)
    heads = f.integer("num_attention_heads", high=MAX_COUNT)
    kv_heads = f.integer("num_attention_groups", high=MAX_COUNT, default=1)
    checked_heads(f, heads, kv_heads, "num_attention_groups")
    width = head_width(f, hidden, heads)
    rank = f.integer("share_q_dim", low=0, default=0)
    attention = Attention(
        kind="full",
        heads=heads,
        kv_heads=kv_heads,
        head_dim=width,
        v_head_dim=width,
        q_lora_rank=rank,
        other_params=rank,
    )
    moe = mixture(
        f, experts="moe_num_experts", top_k="moe_top_k", shared=f.integer("share_expert_dim", low=0, default=0)
    )
    routed = step3_moe_layers(f, layers)
    block = moe if len(routed) == layers else dense(f)
    return decoder(f, [attention] * layers, [moe if i in routed else block for i in range(layers)])


def mimo_v2(f: Fields) -> Decoder:
    """MiMo-V2: windowed layers with their own head counts and sinks, between full ones."""
    layers = layer_count(f)
    far = _mimo_attention(f, "", f.flag("add_full_attention_sink_bias"), 0)
    pattern = [0] * layers
    if f.has("hybrid_layer_pattern"):
        pattern = f.integers("hybrid_layer_pattern", [layers], high=1)
    near = far
    if any(pattern):
        key = "sliding_window" if f.has("sliding_window") else "sliding_window_size"
        window = f.integer(key, high=MAX_TOKENS)
        near = _mimo_attention(f, "swa_", f.flag("add_swa_attention_sink_bias"), window)
    moe = mixture(f, experts="n_routed_experts", shared=shared_width(f), router_bias=True)
    routed = f.integers("moe_layer_freq", [layers], high=1) if f.has("moe_layer_freq") else [1] * layers
    block = moe if all(routed) else dense(f)
    return decoder(f, [near if p else far for p in pattern], [moe if r else block for r in routed])


def _mimo_attention(f: Fields, prefix: str, sink: bool, window: int) -> Attention:
    """One of MiMo's two attention shapes; ``prefix`` is that of its keys."""
    heads = f.integer(f"{prefix}num_attention_heads", high=MAX_COUNT)
    kv_heads = f.integer(f"{prefix}num_key_value_heads", high=MAX_COUNT)
    checked_heads(f, heads, kv_heads, f"{prefix}num_key_value_heads")
    width = head_width(f, hidden_size(f), heads, f"{prefix}head_dim")
    bias = (heads + 2 * kv_heads) * width if f.flag("attention_bias") else 0
    return Attention(
        kind="full",
        heads=heads,
        kv_heads=kv_heads,
        head_dim=width,
        v_head_dim=f.integer(f"{prefix}v_head_dim", default=width),
        window=window,
        other_params=bias + (heads if sink else 0),
    )

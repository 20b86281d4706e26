"""Families with multi-head latent attention: DeepSeek-V2, V3, V3.2, Kimi K2, GLM-5.

Conventions: ``head_dim`` is ``qk_nope_head_dim + qk_rope_head_dim``; ``kv_heads`` is 1, because one latent vector
and one rotary key serve all heads, whatever ``num_key_value_heads`` says.
"""

from __future__ import annotations

from accord.models.config_fields import MAX_COUNT, MAX_LAYERS, MAX_TOKENS, Fields
from accord.models.families.blocks import (
    Decoder,
    decoder,
    dense,
    hidden_size,
    layer_count,
    mixture,
    shared_width,
)
from accord.models.spec import Attention, Ffn


def _indexer(f: Fields) -> tuple[int, int, int]:
    """Top-k, query heads and key width of the sparse-attention indexer."""
    return (
        f.integer("index_topk", high=MAX_TOKENS),
        f.integer("index_n_heads", high=MAX_COUNT),
        f.integer("index_head_dim"),
    )


def mla(f: Fields, *, sparse: bool) -> Attention:
    """One latent attention block; ``sparse`` adds the indexer that picks the attended tokens."""
    hidden = hidden_size(f)
    heads = f.integer("num_attention_heads", high=MAX_COUNT)
    q_rank = f.integer("q_lora_rank", default=0)
    kv_rank = f.integer("kv_lora_rank")
    rope = f.integer("qk_rope_head_dim")
    nope = f.integer("qk_nope_head_dim")
    bias = f.flag("attention_bias")
    top_k, index_heads, index_width = _indexer(f) if sparse else (0, 0, 0)
    if sparse and not q_rank:
        raise f.wrong("q_lora_rank", "given: the indexer reads the low-rank query")
    other = q_rank + kv_rank + 2 * index_width  # norms; the indexer's key norm has a weight and a bias
    other += (q_rank + kv_rank + rope + hidden) if bias else 0
    return Attention(
        kind="mla",
        heads=heads,
        kv_heads=1,
        head_dim=nope + rope,
        v_head_dim=f.integer("v_head_dim"),
        q_lora_rank=q_rank,
        kv_lora_rank=kv_rank,
        rope_head_dim=rope,
        sparse_top_k=top_k,
        index_heads=index_heads,
        index_head_dim=index_width,
        other_params=other,
    )


def leading_dense(f: Fields, moe: Ffn) -> list[Ffn]:
    """``first_k_dense_replace`` dense blocks, then the mixture on every ``moe_layer_freq``-th layer."""
    layers = layer_count(f)
    first = f.integer("first_k_dense_replace", low=0, high=MAX_LAYERS, default=0)
    every = f.integer("moe_layer_freq", high=MAX_LAYERS, default=1)
    routed = [i >= first and i % every == 0 for i in range(layers)]
    block = moe if all(routed) else dense(f)
    return [moe if use else block for use in routed]


def _deepseek(f: Fields, *, sparse: bool, router_bias: bool) -> Decoder:
    """Latent attention on every layer, dense blocks first, mixtures after."""
    layers = layer_count(f)
    moe = mixture(f, experts="n_routed_experts", shared=shared_width(f), router_bias=router_bias)
    return decoder(f, [mla(f, sparse=sparse)] * layers, leading_dense(f, moe))


def deepseek_v2(f: Fields) -> Decoder:
    """DeepSeek-V2: softmax router without correction bias, query rank optional."""
    return _deepseek(f, sparse=False, router_bias=False)


def deepseek_v3(f: Fields) -> Decoder:
    """DeepSeek-V3 and R1, Kimi K2: router with one correction bias an expert."""
    return _deepseek(f, sparse=False, router_bias=True)


def deepseek_v32(f: Fields) -> Decoder:
    """DeepSeek-V3.2, GLM-5: V3 with an indexer that picks ``index_topk`` tokens."""
    return _deepseek(f, sparse=True, router_bias=True)

"""Families whose every layer has one dense feed-forward block."""

from __future__ import annotations

from accord.models.config_fields import MAX_LAYERS, MAX_TOKENS, Fields
from accord.models.families.blocks import (
    Decoder,
    decoder,
    dense,
    grouped,
    layer_count,
    window_of,
    windowed,
)
from accord.models.spec import Attention

SLIDING = ("sliding_attention", "full_attention")


def llama(f: Fields) -> Decoder:
    """Llama 2 and 3, Granite: grouped-query attention, gated block, optional biases."""
    bias = f.flag("attention_bias")
    attention = grouped(f, qkv_bias=bias, out_bias=bias)
    layers = layer_count(f)
    return decoder(f, [attention] * layers, [dense(f, bias=f.flag("mlp_bias"))] * layers)


def mistral(f: Fields) -> Decoder:
    """Mistral and Phi-3: as Llama, every layer windowed when ``sliding_window`` is set."""
    layers = layer_count(f)
    return decoder(f, [grouped(f, window=window_of(f))] * layers, [dense(f)] * layers)


def late_windows(f: Fields, attention: Attention) -> list[Attention]:
    """Qwen's rule: with ``use_sliding_window`` the layers from ``max_window_layers`` on are windowed."""
    layers = layer_count(f)
    window = window_of(f) if f.flag("use_sliding_window") else 0
    start = f.integer("max_window_layers", low=0, high=MAX_LAYERS, default=layers)
    kinds = f.kinds("layer_types", layers, SLIDING, lambda i: SLIDING[0] if i >= start else SLIDING[1])
    near = windowed(attention, window)
    return [near if kind == SLIDING[0] else attention for kind in kinds]


def qwen2(f: Fields) -> Decoder:
    """Qwen2: biases on query, key and value."""
    return decoder(f, late_windows(f, grouped(f, qkv_bias=True)), [dense(f)] * layer_count(f))


def qwen3(f: Fields) -> Decoder:
    """Qwen3: normalised queries and keys, biases only when stated."""
    bias = f.flag("attention_bias")
    attention = grouped(f, qkv_bias=bias, out_bias=bias, qk_norm="head")
    return decoder(f, late_windows(f, attention), [dense(f)] * layer_count(f))


def every_nth_full(f: Fields, attention: Attention, pattern: int) -> list[Attention]:
    """Layers as ``layer_types`` lists them, else windowed but for every ``pattern``-th."""
    kinds = f.kinds("layer_types", layer_count(f), SLIDING, lambda i: SLIDING[0] if (i + 1) % pattern else SLIDING[1])
    if SLIDING[0] not in kinds:
        return [attention] * len(kinds)
    near = windowed(attention, f.integer("sliding_window", high=MAX_TOKENS))
    return [near if kind == SLIDING[0] else attention for kind in kinds]


def _gemma(f: Fields, pattern: int, qk_norm: str, norms: int) -> Decoder:
    """Gemma: every ``pattern``-th layer sees the whole context (0: all do), the others a window."""
    layers = layer_count(f)
    attention = grouped(f, qk_norm=qk_norm)
    if pattern == 0:
        return decoder(f, [attention] * layers, [dense(f)] * layers, norms=norms, tied=True)
    return decoder(f, every_nth_full(f, attention, pattern), [dense(f)] * layers, norms=norms, tied=True)


def gemma(f: Fields) -> Decoder:
    """Gemma 1: full attention, tied embeddings."""
    return _gemma(f, 0, "none", 2)


def gemma2(f: Fields) -> Decoder:
    """Gemma 2: windows on every other layer, norms before and after each block."""
    return _gemma(f, 2, "none", 4)


def gemma3(f: Fields) -> Decoder:
    """Gemma 3: one full layer in ``sliding_window_pattern`` (6 unless stated), normalised queries and keys."""
    pattern = f.first_integer(("sliding_window_pattern", "_sliding_window_pattern"), low=1, high=MAX_LAYERS, default=6)
    return _gemma(f, pattern, "head", 4)


def glm(f: Fields) -> Decoder:
    """GLM-4 (first release): biases on query, key and value when stated."""
    layers = layer_count(f)
    return decoder(f, [grouped(f, qkv_bias=f.flag("attention_bias"))] * layers, [dense(f)] * layers)


def glm4(f: Fields) -> Decoder:
    """GLM-4-0414: as GLM-4 with norms before and after each block."""
    layers = layer_count(f)
    return decoder(f, [grouped(f, qkv_bias=f.flag("attention_bias"))] * layers, [dense(f)] * layers, norms=4)

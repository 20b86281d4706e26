"""How many numbers a model keeps per sequence: the key/value cache and constant states, in elements.

Two questions are kept apart. :func:`elements_per_token` is the figure model cards print: every attention that
keeps a growing cache, windowed layers as if they had no window, indexer keys left out. :func:`cache_elements`
is what a serving engine must hold at a given context: windows bound, compressed layers divided, indexer keys and
constant states in. Elements become bytes where the cache's format is known.
"""

from __future__ import annotations

import math

from accord.base.errors import UsageError
from accord.models.spec import Attention, Layer, ModelSpec


def entry_elements(attention: Attention) -> int:
    """Elements of one stored entry: one token, or one group of tokens where the block compresses [1].

    0 for linear attention and for layers that reuse another's cache.
    """
    if attention.kind == "linear" or attention.shares_kv:
        return 0
    if attention.kind == "mla":
        return attention.kv_lora_rank + attention.rope_head_dim
    if attention.shared_kv_vector:
        return attention.kv_heads * attention.head_dim
    return attention.kv_heads * (attention.head_dim + attention.v_head_dim)


def layer_elements_per_token(layer: Layer) -> int:
    """Elements one layer of the group adds to the cache per token, whatever its window [1].

    A compressed entry is spread over its tokens, rounded up; the window beside it does not grow.
    """
    return math.ceil(entry_elements(layer.attention) / layer.attention.compress)


def elements_per_token(spec: ModelSpec) -> int:
    """Elements the whole model adds to the cache per token, windowed layers in full [1].

    The figure by which published models are compared: for latent attention ``(kv_lora_rank +
    qk_rope_head_dim) x layers``, else two vectors a key/value head and layer.
    """
    return sum(layer.count * layer_elements_per_token(layer) for layer in spec.layers)


def layer_cache_elements(layer: Layer, context_tokens: float) -> float:
    """Elements one layer of the group holds for one sequence of ``context_tokens`` [1].

    Growing entries up to the window, compressed entries and indexer keys over the whole context, and the
    constant state, which is there from the first token. Raises UsageError for a context below 0 or not finite.
    """
    if not 0 <= context_tokens < math.inf:
        raise UsageError(f"a context of {context_tokens} tokens", hint="give a finite number of tokens, 0 or more")
    attention = layer.attention
    entry = entry_elements(attention)
    recent = min(context_tokens, attention.window) if attention.window else context_tokens
    if attention.compress > 1:
        stored = context_tokens / attention.compress
        kept = entry * (stored + (recent if attention.window else 0.0))
    else:
        stored = recent
        kept = entry * recent
    index = attention.index_head_dim * stored if attention.index_heads else 0.0
    return kept + index + attention.state_elements


def cache_elements(spec: ModelSpec, context_tokens: float) -> float:
    """Elements the whole model holds for one sequence of ``context_tokens`` [1].

    Raises UsageError for a context below 0 or not finite.
    """
    return sum(layer.count * layer_cache_elements(layer, context_tokens) for layer in spec.layers)

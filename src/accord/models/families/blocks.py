"""The pieces every family is built from: grouped-query attention, feed-forward, mixture, stacking.

A builder is a function from :class:`~accord.models.config_fields.Fields` to :class:`Decoder`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from accord.base.errors import ModelConfigError
from accord.models.config_fields import MAX_COUNT, MAX_LAYERS, MAX_TOKENS, Fields
from accord.models.spec import Attention, Ffn, Layer

MAX_PROJECTION = 10_000_000  # heads x head width
WIDTH_KEYS = ("hidden_size", "n_embd", "n_embed", "d_model")
LAYER_KEYS = ("num_hidden_layers", "n_layer", "n_layers")


class Decoder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a family builder finds out.

    layers: merged groups in depth order; mtp_layers, mtp: as in ModelSpec
    other_params: weights outside layers, embeddings and the final norm
    tied: whether this family ties embeddings when the configuration does not say
    """

    layers: tuple[Layer, ...]
    mtp_layers: int = 0
    mtp: Layer | None = None
    other_params: int = 0
    tied: bool = False


def hidden_size(f: Fields) -> int:
    """Width of the model."""
    return f.first_integer(WIDTH_KEYS, default=None)


def layer_count(f: Fields) -> int:
    """Number of decoder layers."""
    return f.first_integer(LAYER_KEYS, high=MAX_LAYERS, default=None)


def window_of(f: Fields, key: str = "sliding_window") -> int:
    """Sliding window [tokens], 0 when the key is absent or null."""
    return f.integer(key, high=MAX_TOKENS, default=0)


def mtp_count(f: Fields) -> int:
    """Multi-token-prediction layers under either spelling, 0 when not stated."""
    return f.first_integer(("num_nextn_predict_layers", "mtp_num_hidden_layers"), low=0, high=100, default=0)


def checked_heads(f: Fields, heads: int, kv_heads: int, key: str = "num_key_value_heads") -> None:
    """Refuse query heads that do not divide into key/value heads. Raises ModelConfigError."""
    if heads % kv_heads:
        raise ModelConfigError(f"{f.name(key)} is {kv_heads}; it must divide the {heads} query heads")


def head_width(f: Fields, hidden: int, heads: int, key: str = "head_dim") -> int:
    """Width of a head: stated, or the model's width split over the heads. Raises ModelConfigError."""
    if f.has(key):
        width = f.integer(key)
    elif hidden % heads:
        raise f.wrong(key, f"given, because {heads} heads do not divide the width {hidden}")
    else:
        width = hidden // heads
    if heads * width > MAX_PROJECTION:
        raise ModelConfigError(
            f"{f.name(key)} is {width} with {heads} heads; heads times width must not exceed {MAX_PROJECTION:,}"
        )
    return width


def grouped(
    f: Fields, *, qkv_bias: bool = False, out_bias: bool = False, qk_norm: str = "none", window: int = 0
) -> Attention:
    """Grouped-query attention from the usual keys.

    qk_norm: ``none``, ``head`` (one vector a head width for queries, one for keys) or ``width`` (as wide as
        all heads together)
    """
    hidden = hidden_size(f)
    heads = f.integer("num_attention_heads", high=MAX_COUNT)
    kv_heads = f.integer("num_key_value_heads", high=MAX_COUNT, default=heads)
    checked_heads(f, heads, kv_heads)
    width = head_width(f, hidden, heads)
    other = {"none": 0, "head": 2 * width, "width": (heads + kv_heads) * width}[qk_norm]
    other += (heads + 2 * kv_heads) * width if qkv_bias else 0
    other += hidden if out_bias else 0
    return Attention(
        kind="full",
        heads=heads,
        kv_heads=kv_heads,
        head_dim=width,
        v_head_dim=width,
        window=window,
        other_params=other,
    )


def dense(f: Fields, key: str = "intermediate_size", *, bias: bool = False) -> Ffn:
    """A gated dense block whose width is under ``key``."""
    width = f.integer(key)
    return Ffn(hidden=width, other_params=2 * width + hidden_size(f) if bias else 0)


def mixture(
    f: Fields,
    *,
    experts: str = "num_experts",
    top_k: str = "num_experts_per_tok",
    width: str = "moe_intermediate_size",
    shared: int = 0,
    router_bias: bool = False,
    other: int = 0,
) -> Ffn:
    """A mixture of gated experts; ``experts``, ``top_k`` and ``width`` name the keys.

    shared: summed width of the always-used experts; router_bias: one correction term an expert
    """
    count = f.integer(experts, high=MAX_COUNT)
    chosen = f.integer(top_k, high=count)
    return Ffn(
        experts=count,
        top_k=chosen,
        expert_hidden=f.integer(width),
        shared_hidden=shared,
        other_params=other + (count if router_bias else 0),
    )


def shared_width(f: Fields, key: str = "n_shared_experts", width: str = "moe_intermediate_size") -> int:
    """Summed width of the shared experts, 0 when there are none."""
    return f.integer(key, low=0, high=MAX_COUNT, default=0) * f.integer(width)


def stack(attentions: Sequence[Attention], ffns: Sequence[Ffn], norms: int = 2) -> tuple[Layer, ...]:
    """Layers in depth order, equal neighbours merged into one group."""
    groups: list[Layer] = []
    count = 0
    for index, (attention, ffn) in enumerate(zip(attentions, ffns, strict=True)):
        count += 1
        last = index + 1 == len(attentions)
        if last or attentions[index + 1] != attention or ffns[index + 1] != ffn:
            groups.append(Layer(attention=attention, ffn=ffn, count=count, norms=norms))
            count = 0
    return tuple(groups)


def single(layer: Layer) -> Layer:
    """One layer of a group, the usual shape of a multi-token-prediction layer."""
    return msgspec.structs.replace(layer, count=1)


def decoder(
    f: Fields, attentions: Sequence[Attention], ffns: Sequence[Ffn], *, norms: int = 2, tied: bool = False
) -> Decoder:
    """Stack the layers; multi-token-prediction layers repeat the last one."""
    layers = stack(attentions, ffns, norms)
    count = mtp_count(f)
    return Decoder(layers=layers, mtp_layers=count, mtp=single(layers[-1]) if count else None, tied=tied)


def windowed(attention: Attention, window: int) -> Attention:
    """The same block limited to the last ``window`` tokens."""
    return msgspec.structs.replace(attention, window=window)

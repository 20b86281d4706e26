"""DeepSeek-V4: one vector serves as key and value, long context is stored compressed.

Every layer keeps the last ``sliding_window`` tokens as they are. ``compress_ratios`` gives, layer by layer, how
many tokens are merged into one further entry: 0 for none, a small number with overlapping groups and an indexer
that picks entries, a large number with separate groups all of which are attended. The residual stream is
``hc_mult`` streams wide, mixed before and after each block (hyper-connections).
"""

from __future__ import annotations

from accord.models.config_fields import MAX_COUNT, MAX_TOKENS, Fields
from accord.models.families.blocks import (
    Decoder,
    checked_heads,
    head_width,
    hidden_size,
    layer_count,
    mixture,
    mtp_count,
    shared_width,
    stack,
)
from accord.models.spec import Attention, Ffn

OVERLAPPING_RATIO = 4
"""The ratio whose groups overlap and whose entries are picked by an indexer."""


def stream_mixing(f: Fields, *, head: bool = False) -> int:
    """Weights that mix the residual streams around one block, or before the output ``head``."""
    streams = f.integer("hc_mult", high=64, default=1)
    if streams == 1:
        return 0
    rows = streams if head else (2 + streams) * streams
    scales = 1 if head else 3
    return rows * streams * hidden_size(f) + rows + scales


def vector_attention(f: Fields, ratio: int) -> Attention:
    """One block whose long-range entries hold ``ratio`` tokens each (0: none, the window only)."""
    heads = f.integer("num_attention_heads", high=MAX_COUNT)
    kv_heads = f.integer("num_key_value_heads", high=MAX_COUNT, default=1)
    checked_heads(f, heads, kv_heads)
    width = head_width(f, hidden_size(f), heads)
    groups = f.integer("o_groups", high=heads, default=1)
    if heads % groups:
        raise f.wrong("o_groups", f"a divisor of the {heads} heads")
    q_rank = f.integer("q_lora_rank", default=0)
    picks = ratio == OVERLAPPING_RATIO
    overlap = 2 if picks else 1
    index_width = f.integer("index_head_dim") if picks else 0
    other = q_rank + width + heads + stream_mixing(f)  # query norm, entry norm, sinks
    state = 0
    if ratio:
        other += ratio * overlap * (width + index_width) + width + index_width  # positions in the group, norms
        state = 2 * (overlap * ratio) * overlap * (width + index_width)
    return Attention(
        kind="full",
        heads=heads,
        kv_heads=kv_heads,
        head_dim=width,
        v_head_dim=width,
        q_lora_rank=q_rank,
        rope_head_dim=f.integer("qk_rope_head_dim", high=width, default=0),
        o_lora_rank=f.integer("o_lora_rank", default=0),
        o_groups=groups,
        window=f.integer("sliding_window", high=MAX_TOKENS),
        compress=max(ratio, 1),
        compress_width=overlap * width if ratio else 0,
        sparse_top_k=f.integer("index_topk", high=MAX_TOKENS) if picks else 0,
        index_heads=f.integer("index_n_heads", high=MAX_COUNT) if picks else 0,
        index_head_dim=index_width,
        shared_kv_vector=True,
        state_elements=state,
        other_params=other,
    )


def deepseek_v4(f: Fields) -> Decoder:
    """DeepSeek-V4: a mixture on every layer; the first ``num_hash_layers`` route by a fixed table."""
    layers = layer_count(f)
    extra = mtp_count(f)
    ratios = f.integers("compress_ratios", [layers, layers + extra], high=65_536)
    mixing = stream_mixing(f)
    shared = shared_width(f)
    hashed = f.integer("num_hash_layers", low=0, high=layers, default=0)
    learned = mixture(f, experts="n_routed_experts", shared=shared, router_bias=True, other=mixing)
    fixed = mixture(f, experts="n_routed_experts", shared=shared, other=mixing)
    shapes = {ratio: vector_attention(f, ratio) for ratio in set(ratios)}
    blocks: list[Ffn] = [fixed] * hashed + [learned] * (layers - hashed)
    groups = stack([shapes[ratio] for ratio in ratios[:layers]], blocks)
    mtp = stack([shapes[ratios[-1]]], [learned])[0] if extra else None
    return Decoder(layers=groups, mtp_layers=extra, mtp=mtp, other_params=stream_mixing(f, head=True))

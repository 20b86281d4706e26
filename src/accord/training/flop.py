"""FLOP of a token in training: by part, by convention, by 6ND, and with frozen weights.

A multiply-add is two FLOP. Weights cost two FLOP a token forward, two for the gradient of their input and two for
their own; the attention core costs twice its forward in the backward pass (four products instead of two). What a
kernel computes again is hardware FLOP and in no number here unless a :class:`Convention` counts it.

- Causal: a token sees half of the sequence on average, less where a window or a top-k bounds it. Full: every token
  is counted as seeing what the last one sees. Documents packed into one sequence are not told apart.
- Latent attention is counted expanded to keys and values per head, as it is trained.
- A linear attention is counted as its recurrence, ``4 x heads x head_dim x v_head_dim`` a token.
- A sparse indexer scores every stored entry before the top-k; the core sees the top-k only.
- Chunked attention stands in a :class:`ModelSpec` as a window, so it is counted high by up to the window's half.

6ND: Kaplan et al., "Scaling Laws for Neural Language Models", arXiv 2001.08361 (2020-01-23), section 2.1. Backward as
twice the forward pass and full recompute as one more: Narayanan et al., arXiv 2104.04473 (2021-04-09), appendix.
Adapters: Hu et al., "LoRA", arXiv 2106.09685 (2021-06-17).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.models.params import (
    attention_params,
    count,
    dense_ffn_params,
    expert_params,
    router_params,
    shared_expert_params,
)
from accord.models.spec import Attention, Ffn, Layer, ModelSpec
from accord.training.request import Recompute

Number = float | Array
Targets = Literal["attention", "all"]


@dataclass(frozen=True, slots=True)
class ModelFlop:
    """Forward FLOP of one token by part [FLOP/token]; a float, or ``(D,)`` where the part depends on the sequence.

    attention_projections: all weights of attention blocks, compressors and indexers included
    attention_core, attention_core_full: scores and weighted values, index scores and recurrences; causal, and the
        full square
    dense_ffn, routed_experts, shared_experts, router, lm_head: over all decoder layers
    mtp, mtp_full: multi-token-prediction layers with their input projections and their own pass through the head
    """

    attention_projections: float
    attention_core: Number
    attention_core_full: Number
    dense_ffn: float
    routed_experts: float
    shared_experts: float
    router: float
    lm_head: float
    mtp: Number
    mtp_full: Number

    @property
    def matrices(self) -> float:
        """Products with weights in the decoder layers, head and multi-token prediction out [FLOP/token]."""
        return self.attention_projections + self.dense_ffn + self.routed_experts + self.shared_experts + self.router

    def layers(self, causal: bool) -> Number:
        """Decoder layers, head and multi-token prediction out [FLOP/token]."""
        return self.matrices + (self.attention_core if causal else self.attention_core_full)

    def forward(self, causal: bool, *, head: bool = True, mtp: bool = False) -> Number:
        """One forward pass [FLOP/token]."""
        total = self.layers(causal) + (self.lm_head if head else 0.0)
        return total + (self.mtp if causal else self.mtp_full) if mtp else total


def _mean_seen(seq: Number, limit: float) -> Number:
    """Mean over a sequence's positions of what a token sees, at most ``limit`` [token]: half of it without limit."""
    seen = np.minimum(seq, limit)
    result: Number = seen - seen**2 / (2.0 * np.maximum(seq, 1.0))
    return result


def entries_seen(block: Attention, seq: Number, causal: bool) -> Number:
    """Entries a token attends to: bounded by window, merge ratio and top-k [1]."""
    limit = float("inf")
    if block.sparse_top_k:
        limit = float(block.sparse_top_k * block.compress)
    if block.window and block.compress == 1:
        limit = min(limit, float(block.window))
    seen = _mean_seen(seq, limit) if causal else np.minimum(seq, limit)
    entries: Number = seen / block.compress
    if block.window and block.compress > 1:
        near = float(block.window)
        entries = entries + (_mean_seen(seq, near) if causal else np.minimum(seq, near))
    return entries


def attention_core_flop(block: Attention, seq: Number, *, causal: bool) -> Number:
    """Forward FLOP of one block's core for one token of a sequence of ``seq`` tokens [FLOP/token]."""
    if block.kind == "linear":
        return 4.0 * block.heads * block.head_dim * block.v_head_dim + 0.0 * seq
    core: Number = 2.0 * block.heads * (block.head_dim + block.v_head_dim) * entries_seen(block, seq, causal)
    if block.index_heads:
        scored = (_mean_seen(seq, float("inf")) if causal else seq) / block.compress
        core = core + 2.0 * block.index_heads * block.index_head_dim * scored
    return core


def _ffn_flop(ffn: Ffn, hidden: int) -> tuple[float, float, float, float]:
    """Forward FLOP of one feed-forward block: dense, routed, shared, router [FLOP/token]."""
    dense = dense_ffn_params(ffn, hidden) - (0 if ffn.experts else ffn.other_params)
    routed = ffn.top_k * (expert_params(ffn, hidden) - ffn.expert_other_params) if ffn.experts else 0
    router = router_params(ffn, hidden) - ffn.other_params if ffn.experts else 0
    return 2.0 * dense, 2.0 * routed, 2.0 * shared_expert_params(ffn, hidden), 2.0 * router


def _projection_flop(block: Attention, hidden: int) -> float:
    """Forward FLOP of one attention block's weights [FLOP/token]."""
    return 2.0 * (attention_params(block, hidden) - block.other_params)


def _mtp_flop(spec: ModelSpec, seq: Number, causal: bool) -> Number:
    """Forward FLOP of the multi-token-prediction layers [FLOP/token]."""
    if spec.mtp is None:
        return 0.0 * seq
    block = spec.mtp.attention
    weights = _projection_flop(block, spec.hidden) + sum(_ffn_flop(spec.mtp.ffn, spec.hidden))
    outside = 2.0 * spec.hidden * (2.0 * spec.hidden + spec.vocab)
    return spec.mtp_layers * (weights + outside + attention_core_flop(block, seq, causal=causal))


def model_flop(spec: ModelSpec, seq: Number) -> ModelFlop:
    """Forward FLOP of one token of a sequence of ``seq`` tokens, by part; ``seq`` a float or ``(D,)``."""
    groups = spec.distinct_layers
    projections, core, full = 0.0, 0.0 * seq, 0.0 * seq
    ffn = np.zeros(4)
    for layer in groups:
        projections += layer.count * _projection_flop(layer.attention, spec.hidden)
        core = core + layer.count * attention_core_flop(layer.attention, seq, causal=True)
        full = full + layer.count * attention_core_flop(layer.attention, seq, causal=False)
        ffn = ffn + layer.count * np.array(_ffn_flop(layer.ffn, spec.hidden))
    dense, routed, shared, router = (float(part) for part in ffn)
    return ModelFlop(
        attention_projections=projections,
        attention_core=core,
        attention_core_full=full,
        dense_ffn=dense,
        routed_experts=routed,
        shared_experts=shared,
        router=router,
        lm_head=2.0 * spec.hidden * spec.vocab,
        mtp=_mtp_flop(spec, seq, causal=True),
        mtp_full=_mtp_flop(spec, seq, causal=False),
    )


@overload
def train_flop_per_token(
    spec: ModelSpec, seq: float, causal: bool = ..., head: bool = ..., mtp: bool = ...
) -> float: ...
@overload
def train_flop_per_token(
    spec: ModelSpec, seq: Array, causal: bool = ..., head: bool = ..., mtp: bool = ...
) -> Array: ...
def train_flop_per_token(
    spec: ModelSpec, seq: Number, causal: bool = True, head: bool = True, mtp: bool = False
) -> Number:
    """Model FLOP of training on one token: three times the forward pass [FLOP/token].

    causal: count what causal attention asks for, else the full square; head: with the projection to words;
    mtp: with the multi-token-prediction layers
    """
    return 3.0 * model_flop(spec, seq).forward(causal, head=head, mtp=mtp)


def six_nd(spec: ModelSpec, tokens: float, *, embeddings: bool = True, head: bool = True) -> float:
    """``6 x active weights x tokens`` [FLOP].

    embeddings: with the input table, through which nothing is multiplied; head: with the projection to words. One
    tied table is counted once, unless both are left out.
    """
    counted = count(spec)
    table = spec.vocab * spec.hidden
    body = counted.active_without_embeddings - table
    tables = (1 if embeddings or head else 0) if spec.tied_embeddings else int(embeddings) + int(head)
    return 6.0 * (body + tables * table) * tokens


def recompute_flop_per_token(spec: ModelSpec, seq: Number, recompute: Recompute, *, causal: bool) -> Number:
    """FLOP computed again for one token: nothing, the attention core, or every decoder layer [FLOP/token]."""
    flop = model_flop(spec, seq)
    if recompute == "none":
        return 0.0 * seq
    if recompute == "selective":
        return flop.attention_core if causal else flop.attention_core_full
    return flop.layers(causal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """How somebody counts the FLOP and the peak behind an MFU or HFU.

    causal: half of the attention square counted, else all of it; attention: the core counted at all
    recompute: what is counted as computed again (an HFU)
    weights: ``operators`` (this module), ``6n`` with the input table, ``6n-no-embeddings`` without it
    mtp: multi-token-prediction layers counted; peak_flop_per_s: the dense peak divided by, None where both
        sides of a conversion divide by the same
    """

    causal: bool = True
    attention: bool = True
    recompute: Recompute = "none"
    weights: Literal["operators", "6n", "6n-no-embeddings"] = "operators"
    mtp: bool = False
    peak_flop_per_s: float | None = None


def convention_flop_per_token(spec: ModelSpec, seq: Number, convention: Convention) -> Number:
    """FLOP of training on one token as ``convention`` counts them [FLOP/token]."""
    flop = model_flop(spec, seq)
    core = flop.attention_core if convention.causal else flop.attention_core_full
    if convention.weights == "operators":
        matrices = 3.0 * (flop.matrices + flop.lm_head)
    else:
        matrices = six_nd(spec, 1.0, embeddings=convention.weights == "6n")
    total = matrices + (3.0 * core if convention.attention else 0.0 * seq)
    if convention.mtp:
        total = total + 3.0 * (flop.mtp if convention.causal else flop.mtp_full)
    if convention.attention or convention.recompute == "full":
        again = recompute_flop_per_token(spec, seq, convention.recompute, causal=convention.causal)
        total = total + again - (0.0 if convention.attention else core)
    return total


def convert_mfu(value: Number, spec: ModelSpec, seq: Number, *, from_: Convention, to: Convention) -> Number:
    """The same throughput's MFU (or HFU) in another convention [1].

    Raises UsageError where only one of the two names its peak.
    """
    if (from_.peak_flop_per_s is None) != (to.peak_flop_per_s is None):
        raise UsageError("one convention names its peak and the other does not", hint="give both peaks, or neither")
    peaks = 1.0
    if from_.peak_flop_per_s is not None and to.peak_flop_per_s is not None:
        peaks = from_.peak_flop_per_s / to.peak_flop_per_s
    ratio = convention_flop_per_token(spec, seq, to) / convention_flop_per_token(spec, seq, from_)
    return value * ratio * peaks


def _attention_matrices(block: Attention, hidden: int) -> list[tuple[int, int]]:
    """Inputs and outputs of the query, key, value and output projections of one block."""
    queries, values = block.heads * block.head_dim, block.heads * block.v_head_dim
    if block.kind == "linear":
        keys = block.kv_heads * block.head_dim
        return [(hidden, keys), (hidden, keys), (hidden, values), (values, hidden)]
    rank = block.q_lora_rank
    shapes = [(hidden, rank), (rank, queries)] if rank else [(hidden, queries)]
    if block.kind == "mla" and not block.shares_kv:
        latent, plain = block.kv_lora_rank, block.head_dim - block.rope_head_dim
        shapes += [(hidden, latent + block.rope_head_dim), (latent, block.heads * (plain + block.v_head_dim))]
    elif not block.shares_kv:
        shapes.append((hidden, block.kv_heads * block.head_dim))
        if not block.shared_kv_vector:
            shapes.append((hidden, block.kv_heads * block.v_head_dim))
    if block.o_lora_rank:
        middle = block.o_groups * block.o_lora_rank
        return [*shapes, *[(values // block.o_groups, block.o_lora_rank)] * block.o_groups, (middle, hidden)]
    return [*shapes, (values, hidden)]


def _adapter_sums(layer: Layer, hidden: int, targets: Targets) -> tuple[float, float]:
    """Inputs plus outputs of one layer's adapted matrices: all of them, and those one token passes [1]."""
    attention = float(sum(sum(shape) for shape in _attention_matrices(layer.attention, hidden)))
    if targets == "attention":
        return attention, attention
    ffn = layer.ffn
    matrices = 3 if ffn.gated else 2
    always = attention + sum(matrices * (hidden + wide) for wide in (ffn.hidden, ffn.shared_hidden) if wide)
    expert = matrices * ((ffn.latent or hidden) + ffn.expert_hidden) if ffn.experts else 0
    return always + ffn.experts * expert, always + ffn.top_k * expert


def lora_params(spec: ModelSpec, rank: int, targets: Targets = "attention", *, active: bool = False) -> float:
    """Weights of adapters of ``rank`` beside every matrix of ``targets``: ``rank x (inputs + outputs)`` each [1].

    targets: ``attention`` (query, key, value and output projections) or ``all`` (feed-forward matrices too, each
    expert its own); active: those one token passes
    """
    if rank < 1:
        raise UsageError(f"the rank of adapters is {rank}", hint="use 1 or more")
    pairs = [(layer.count, *_adapter_sums(layer, spec.hidden, targets)) for layer in spec.distinct_layers]
    return rank * sum(layers * (used if active else held) for layers, held, used in pairs)


@overload
def lora_flop_per_token(
    spec: ModelSpec, seq: float, rank: int, causal: bool = ..., head: bool = ..., targets: Targets = ...
) -> float: ...
@overload
def lora_flop_per_token(
    spec: ModelSpec, seq: Array, rank: int, causal: bool = ..., head: bool = ..., targets: Targets = ...
) -> Array: ...
def lora_flop_per_token(
    spec: ModelSpec,
    seq: Number,
    rank: int,
    causal: bool = True,
    head: bool = True,
    targets: Targets = "attention",
) -> Number:
    """Model FLOP of training adapters on one token [FLOP/token].

    Frozen weights cost their forward pass and the gradient of their input (4 a weight), adapters 6 a weight, the
    attention core three times its forward pass as ever.
    """
    flop = model_flop(spec, seq)
    core = flop.attention_core if causal else flop.attention_core_full
    frozen = flop.matrices + (flop.lm_head if head else 0.0)
    return 2.0 * frozen + 3.0 * core + 6.0 * lora_params(spec, rank, targets, active=True)

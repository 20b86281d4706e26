"""What must fit in one device's memory while training, part by part.

Weights in 16 bits, gradients added up in 32, optimizer states of Adam in 32 (a master copy and two moments): 18 bytes
a weight, of which ZeRO shards 12, 16 or all 18 (Rajbhandari et al., arXiv 1910.02054, section 3). Activations are what
backward needs of a layer: inputs of its products and of its core (Korthikanti et al., arXiv 2205.05198, section 4,
without the squares that fused attention never writes). DualPipe holds weights and gradients twice.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Number
from accord.hardware.device import bytes_per_number
from accord.models.params import dense_ffn_params, expert_params, router_params, shared_expert_params
from accord.models.spec import Layer
from accord.parallel.memory import rank_attention_params, reported_bytes
from accord.training.flop import lora_params
from accord.training.layout import DUALPIPE, FULL, INTERLEAVED, SELECTIVE, ZERO_BUBBLE, Job, Layouts
from accord.training.lower import NARROW, busiest
from accord.training.schedules import peak_micro_batches

WEIGHT_BYTES, STATE_BYTES = 2.0, 12.0
KEPT = 2.0  # bytes of a number kept for backward
LOGIT_BYTES, KEPT_LOGIT_BYTES = 6.0, 4.0  # 16-bit logits and their 32-bit copy, which alone is kept for backward


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of a pipeline rank, shape ``(D,)`` [1]: replicated over data-parallel ranks, experts apart.

    dense, experts: of its layers, one stage; table: embeddings or output, both without a pipeline
    mtp_dense, mtp_experts: of multi-token-prediction layers, which the rank with the head has
    """

    dense: Array
    experts: Array
    table: Array
    mtp_dense: Array
    mtp_experts: Array

    @property
    def shared(self) -> Array:
        """Weights that data and context parallel ranks hold alike, on the rank with the head."""
        return self.dense + self.table + self.mtp_dense

    @property
    def routed(self) -> Array:
        """Experts of the rank with the head."""
        return self.experts + self.mtp_experts


@dataclass(frozen=True, slots=True)
class TrainMemory:
    """Bytes on the fullest rank, shape ``(D,)``; ``free_bytes`` is negative where it does not fit."""

    weights_bytes: Array
    gradients_bytes: Array
    optimizer_bytes: Array
    activations_bytes: Array
    logits_bytes: Array
    reserve_bytes: Array
    capacity_bytes: Array

    @property
    def used_bytes(self) -> Array:
        """Everything but what is free."""
        return (
            self.weights_bytes + self.gradients_bytes + self.optimizer_bytes
            + self.activations_bytes + self.logits_bytes + self.reserve_bytes
        )  # fmt: skip

    @property
    def free_bytes(self) -> Array:
        """Capacity left."""
        return self.capacity_bytes - self.used_bytes


def rank_layers(job: Job, lay: Layouts) -> Array:
    """Layers of the fullest pipeline rank."""
    return np.ceil(job.spec.n_layers / (lay.pp * lay.vp)) * lay.vp


def rank_weights(job: Job, lay: Layouts) -> Weights:
    """Weights a rank holds."""
    spec = job.spec
    dense, experts = np.zeros_like(lay.tp), np.zeros_like(lay.tp)
    for layer in spec.distinct_layers:
        own, routed = _layer_weights(job, lay, layer)
        dense, experts = dense + layer.count * own, experts + layer.count * routed
    share = rank_layers(job, lay) / spec.n_layers
    tables = np.where(lay.pp > 1.0, 1.0, 1.0 if spec.tied_embeddings else 2.0)
    table = spec.hidden * spec.vocab * tables / lay.tp + spec.other_params / lay.tp / lay.pp
    drafted = (np.zeros_like(lay.tp), np.zeros_like(lay.tp))
    if job.mtp and spec.mtp is not None:
        own, routed = _layer_weights(job, lay, spec.mtp)
        drafted = (spec.mtp_layers * (own + 2.0 * spec.hidden**2 / lay.tp), spec.mtp_layers * routed)
    return Weights(dense * share, experts * share, table, *drafted)


def _layer_weights(job: Job, lay: Layouts, layer: Layer) -> tuple[Array, Array]:
    """Weights of one layer on a rank: dense ones, and experts."""
    ffn, hidden = layer.ffn, job.spec.hidden
    split = (dense_ffn_params(ffn, hidden) + shared_expert_params(ffn, hidden)) / lay.tp
    dense = rank_attention_params(layer.attention, hidden, lay.tp) + split
    dense = dense + router_params(ffn, hidden) + layer.norms * hidden
    return dense, ffn.experts * expert_params(ffn, hidden) / (lay.ep * lay.slices)


def trained_weights(job: Job, lay: Layouts) -> Weights:
    """Weights that are trained: all, or adapters beside frozen ones."""
    if not job.frozen:
        return rank_weights(job, lay)
    zero = np.zeros_like(lay.tp)
    share = rank_layers(job, lay) / job.spec.n_layers / lay.tp
    return Weights(lora_params(job.spec, job.lora_rank) * share, zero, zero, zero, zero)


def layer_activation_bytes(job: Job, lay: Layouts, layer: Layer) -> Array:
    """What one layer keeps of one micro-batch, not yet recomputed in full.

    Without recomputation: inputs of norms, products and the core, and what the activation reads and writes; inputs of
    narrow products are kept as narrow. Selective recomputation makes element-wise results and
    products out of a low rank again.
    """
    some = np.where(lay.recompute == SELECTIVE, 0.0, 1.0)
    narrow = bytes_per_number(job.precision) if job.precision in NARROW else KEPT
    tokens = lay.micro * job.seq / lay.cp
    block, ffn, hidden = layer.attention, layer.ffn, job.spec.hidden
    thin = hidden / np.where(lay.sp > 0.0, lay.tp, 1.0)
    core: Number = block.heads * (block.head_dim + block.v_head_dim) + 2.0 * block.kv_heads * block.head_dim
    if block.kind == "mla":
        low = block.q_lora_rank + block.kv_lora_rank + block.rope_head_dim
        core = block.heads * (2.0 * block.head_dim * some + block.v_head_dim * (1.0 + some)) + low * lay.tp
    dense = (ffn.hidden + ffn.shared_hidden) / lay.tp
    raw = 2.0 if ffn.gated else 1.0
    kept = KEPT * (2.0 * thin + core / lay.tp) + narrow * dense * raw + some * narrow * (2.0 * thin + dense)
    total: Array = np.asarray(tokens * kept)
    if ffn.experts:
        slots, _ = busiest(job, lay, ffn, tokens)
        width = ffn.expert_hidden / lay.slices
        total = total + slots * narrow * (float(ffn.latent or hidden) + (raw + some) * width)
    return np.asarray(total)


def activation_bytes(job: Job, lay: Layouts, flying: Array) -> Array:
    """Activations of ``flying`` micro-batches on a rank, and of the layer under way."""
    spec = job.spec
    tokens = lay.micro * job.seq / lay.cp
    each = np.zeros_like(lay.tp)
    for layer in spec.distinct_layers:
        each = each + layer.count * layer_activation_bytes(job, lay, layer) / spec.n_layers
    border = tokens * spec.hidden * KEPT / np.where(lay.sp > 0.0, lay.tp, 1.0)
    kept = np.where(lay.recompute == FULL, border, each)
    return np.asarray(np.maximum(flying, 1.0) * kept * rank_layers(job, lay) + each)


def train_memory(job: Job, lay: Layouts) -> TrainMemory:
    """Memory of the fullest rank: the first of a pipeline, or the last, which has the head and fewer in flight.

    A rank of DualPipe is both at once, and holds its stages' weights and gradients of both directions.
    """
    own, trained = rank_weights(job, lay), trained_weights(job, lay)
    alone = lay.pp <= 1.0
    both = ~alone & (lay.schedule == DUALPIPE)
    stages, joined = np.where(both, 2.0, 1.0), alone | both
    count = lay.micro_batches(job)
    flying = peak_micro_batches(lay.schedule, lay.pp, count, lay.vp)
    each = LOGIT_BYTES + KEPT_LOGIT_BYTES * (job.spec.mtp_layers if job.mtp else 0)
    logits = lay.micro * job.seq / lay.cp * job.spec.vocab / lay.tp * each
    first = _place(job, lay, (own, trained), stages, joined * 1.0, flying, np.where(joined, logits, 0.0))
    last = _place(job, lay, (own, trained), stages, np.ones_like(lay.tp), _last_flying(lay, count), logits)
    heavier = ~joined & (last.used_bytes > first.used_bytes)
    return TrainMemory(*(
        np.where(heavier, getattr(last, field.name), getattr(first, field.name)) for field in fields(TrainMemory)
    ))  # fmt: skip


def _last_flying(lay: Layouts, count: Array) -> Array:
    """Micro-batches that the last rank of a pipeline has in flight, in those of its layers (see the schedules)."""
    interleaved = ((lay.vp - 1.0) * lay.pp + 1.0) / lay.vp
    choices = [lay.schedule == INTERLEAVED, lay.schedule == ZERO_BUBBLE]
    return np.minimum(np.select(choices, [interleaved, lay.pp], 1.0), count)


def _place(
    job: Job, lay: Layouts, weights: tuple[Weights, Weights], stages: Array, head: Array, flying: Array, logits: Array
) -> TrainMemory:  # fmt: skip
    """Memory of a rank with ``stages`` stages, and with the layers beside the head where ``head`` is 1.

    weights: those it holds, and those of them that are trained
    """
    over, apart = lay.replicas, lay.expert_replicas

    def held(of: Weights, each: float, copies: Array, from_stage: float) -> Array:
        """Bytes of weights, sharded from a stage of ZeRO on; copies: of a stage."""
        shared = copies * (of.dense + of.table) + head * of.mtp_dense
        routed = copies * of.experts + head * of.mtp_experts
        sharded = lay.zero >= from_stage
        return each * (shared / np.where(sharded, over, 1.0) + routed / np.where(sharded, apart, 1.0))

    own, trained = weights
    one = np.ones_like(lay.tp)
    kept = held(own, WEIGHT_BYTES, stages, 3.0) + (held(trained, WEIGHT_BYTES, one, 4.0) if job.frozen else 0.0)
    layers = np.minimum(2.0 / np.maximum(rank_layers(job, lay), 1.0), 1.0)  # two at a time
    whole = np.maximum(layers * (own.dense * (over > 1.0) + own.experts * (apart > 1.0)), own.table * (over > 1.0))
    kept = kept + np.where(lay.zero >= 3.0, WEIGHT_BYTES * whole, 0.0)
    states = np.where(lay.offload > 0.0, 0.0, held(trained, STATE_BYTES, one, 1.0))
    capacity = reported_bytes(job.machine) + np.zeros_like(lay.tp)
    reserve = capacity * job.efficiency.get("train.memory_reserve")
    return TrainMemory(
        np.asarray(kept), np.asarray(held(trained, job.gradient_bytes, stages, 2.0)), np.asarray(states),
        activation_bytes(job, lay, flying), np.asarray(logits), np.asarray(reserve), capacity,
    )  # fmt: skip

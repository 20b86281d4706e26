"""What must fit in one device's memory while training, part by part.

Weights in 16 bits, gradients added up in 32, optimizer states of Adam in 32 (a master copy and two moments): 18 bytes
a weight, of which ZeRO shards 12, 16 or all 18 (Rajbhandari et al., arXiv 1910.02054, section 3). Activations are what
backward needs of a layer: inputs of its products and of its core (Korthikanti et al., arXiv 2205.05198, section 4,
without the squares that fused attention never writes). DualPipe holds weights and gradients twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Number
from accord.hardware.device import bytes_per_number
from accord.models.params import dense_ffn_params, expert_params, router_params, shared_expert_params
from accord.models.spec import Layer
from accord.parallel.memory import rank_attention_params, reported_bytes
from accord.training.layout import DUALPIPE, FULL, SELECTIVE, Job, Layouts
from accord.training.lower import NARROW, busiest
from accord.training.schedules import peak_micro_batches

WEIGHT_BYTES, STATE_BYTES = 2.0, 12.0
KEPT = 2.0  # bytes of a number kept for backward
LOGIT_BYTES = 6.0  # 16-bit logits and their 32-bit copy, whose place the gradient takes


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the fullest rank, shape ``(D,)`` [1]: replicated over data-parallel ranks, experts apart.

    dense, experts: of its layers; ends: embedding or output table
    """

    dense: Array
    experts: Array
    ends: Array

    @property
    def shared(self) -> Array:
        """Weights that data and context parallel ranks hold alike."""
        return self.dense + self.ends


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
        ffn = layer.ffn
        split = rank_attention_params(layer.attention, spec.hidden, lay.tp)
        split = split + (dense_ffn_params(ffn, spec.hidden) + shared_expert_params(ffn, spec.hidden)) / lay.tp
        dense = dense + layer.count * (split + router_params(ffn, spec.hidden) + layer.norms * spec.hidden)
        if ffn.experts:
            held = ffn.experts * expert_params(ffn, spec.hidden) / (lay.ep * lay.slices)
            experts = experts + layer.count * held
    share = rank_layers(job, lay) / spec.n_layers
    tables = np.where(lay.pp > 1.0, 1.0, 1.0 if spec.tied_embeddings else 2.0)
    ends = spec.hidden * spec.vocab * tables / lay.tp + spec.other_params / lay.tp / lay.pp
    if job.mtp and spec.mtp is not None:
        one = spec.mtp
        extra = (
            rank_attention_params(one.attention, spec.hidden, lay.tp)
            + shared_expert_params(one.ffn, spec.hidden) / lay.tp
        )
        ends = ends + spec.mtp_layers * (extra + 2.0 * spec.hidden**2 / lay.tp)
        experts = experts + spec.mtp_layers * one.ffn.experts * expert_params(one.ffn, spec.hidden) / (
            lay.ep * lay.slices
        ) / np.maximum(share, 1e-9)
    return Weights(dense * share, experts * share, ends)


def adapter_weights(job: Job, lay: Layouts) -> Array:
    """Trained weights of a rank where the model's own are frozen."""
    total = np.zeros_like(lay.tp)
    for layer in job.spec.distinct_layers:
        block = layer.attention
        outs = (block.heads + 2.0 * block.kv_heads) * block.head_dim + job.spec.hidden
        total = total + layer.count * job.lora_rank * (4.0 * job.spec.hidden + outs)
    return total * rank_layers(job, lay) / job.spec.n_layers / lay.tp


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


def activation_bytes(job: Job, lay: Layouts) -> Array:
    """Activations of all micro-batches in flight on the fullest rank."""
    spec = job.spec
    tokens = lay.micro * job.seq / lay.cp
    each = np.zeros_like(lay.tp)
    for layer in spec.distinct_layers:
        each = each + layer.count * layer_activation_bytes(job, lay, layer) / spec.n_layers
    widest = each
    border = tokens * spec.hidden * KEPT / np.where(lay.sp > 0.0, lay.tp, 1.0)
    each = np.where(lay.recompute == FULL, border, each)
    flying = peak_micro_batches(lay.schedule, lay.pp, lay.micro_batches(job), lay.vp)
    return np.asarray(np.maximum(flying, 1.0) * each * rank_layers(job, lay) + widest)


def train_memory(job: Job, lay: Layouts) -> TrainMemory:
    """Memory of the fullest rank."""
    weights = rank_weights(job, lay)
    trained = (adapter_weights(job, lay), np.zeros_like(lay.tp)) if job.frozen else (weights.shared, weights.experts)
    over, apart = lay.replicas, lay.expert_replicas
    held = weights.shared * WEIGHT_BYTES / np.where(lay.zero >= 3.0, over, 1.0)
    held = held + weights.experts * WEIGHT_BYTES / np.where(lay.zero >= 3.0, apart, 1.0)
    held = held + (trained[0] * WEIGHT_BYTES if job.frozen else 0.0)
    summed = trained[0] * job.gradient_bytes / np.where(lay.zero >= 2.0, over, 1.0)
    summed = summed + trained[1] * job.gradient_bytes / np.where(lay.zero >= 2.0, apart, 1.0)
    states = trained[0] * STATE_BYTES / np.where(lay.zero >= 1.0, over, 1.0)
    states = states + trained[1] * STATE_BYTES / np.where(lay.zero >= 1.0, apart, 1.0)
    twice = np.where((lay.schedule == DUALPIPE) & (lay.pp > 1.0), 2.0, 1.0)  # both directions hold their stages
    whole = np.minimum(2.0 / np.maximum(rank_layers(job, lay), 1.0), 1.0)  # of two layers at a time
    gathered = WEIGHT_BYTES * whole * (weights.dense * (over > 1.0) + weights.experts * (apart > 1.0))
    gathered = np.where(lay.zero >= 3.0, gathered, 0.0)
    tokens = lay.micro * job.seq / lay.cp
    logits = tokens * job.spec.vocab / lay.tp * LOGIT_BYTES
    ends = (lay.pp > 1.0) & (lay.schedule != DUALPIPE)  # the last stage holds few micro-batches beside them
    logits = np.where(ends, 0.0, logits)
    capacity = reported_bytes(job.machine) / job.machine.devices_per_chip + np.zeros_like(lay.tp)
    reserve = capacity * job.efficiency.get("train.memory_reserve")
    states = np.where(lay.offload > 0.0, 0.0, states)
    return TrainMemory(
        np.asarray(held * twice + gathered), np.asarray(summed * twice), np.asarray(states),
        activation_bytes(job, lay), np.asarray(logits), np.asarray(reserve + np.zeros_like(lay.tp)), capacity,
    )  # fmt: skip

"""One optimizer step, in parts that sum to the whole.

A micro-batch on one pipeline rank is forward work, gradients of inputs (with what is computed again) and gradients of
weights, each with the exchanges that nothing hides. The schedule of the pipeline makes a step of them; data-parallel
exchanges hide behind what runs beside them; then come the optimizer, the host, and waiting for the slowest rank.

What hides what:

- sums over tensor-parallel ranks stop the device, but for the share ``train.overlap.tensor``
- dispatch and combine likewise (``train.overlap.experts``); under DualPipe another micro-batch's work runs beside them,
  so only what is longer than that work shows
- keys and values of context-parallel ranks travel beside the attention core, and while the device waits for its host
- gradients of a step are summed beside the backward pass of its last micro-batch and weights gathered beside the
  forward pass of the first; from ZeRO-2 on gradients are summed beside every micro-batch, with ZeRO-3 weights gathered
  too; the share ``train.overlap.data`` of that work can hide them
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from accord.base.array import Array
from accord.models.spec import Layer
from accord.ops.gemm import gemm
from accord.training import wires
from accord.training.layout import DUALPIPE, FULL, SELECTIVE, Job, Layouts
from accord.training.lower import BACKWARD_CORE, Piece, embedding_piece, head_pieces, pieces
from accord.training.memory import Weights, rank_layers, trained_weights
from accord.training.schedules import Work, pipeline_s
from accord.training.times import Passes, nothing, passes, soft_maximum

OPTIMIZER_BYTES = 30.0  # a weight's master copy and two moments read and written, its gradient read, its copy written
MIXTURE_LAUNCHES = 1.5  # kernels of a routed layer over those of a dense one
OFFLOADED_BYTES = 6.0  # of a weight that travel to the host (gradient) and back (copy) where states lie there


@dataclass(frozen=True, slots=True)
class StepParts:
    """Seconds of one step, shape ``(D,)``; ``total_s`` is the sum of the other fields.

    compute_s: forward and backward of the slowest pipeline rank; recompute_s: forward work done again
    tensor_s, context_s, experts_s: exchanges inside micro-batches that nothing hides; bubble_s: the slowest rank waits
    data_s: data-parallel exchanges that nothing hides; optimizer_s; host_s: outside the device; straggle_s: waiting
    for the slowest of all ranks
    """

    compute_s: Array
    recompute_s: Array
    tensor_s: Array
    context_s: Array
    experts_s: Array
    bubble_s: Array
    data_s: Array
    optimizer_s: Array
    host_s: Array
    straggle_s: Array

    @property
    def total_s(self) -> Array:
        """The step."""
        return np.asarray(sum(getattr(self, field.name) for field in fields(self)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Micro:
    """One micro-batch over all layers of the model, shape ``(D,)`` [s]; exchanges of a forward pass.

    layers: work of the decoder's layers; head, embedding: at the ends of the pipeline
    tensor_s, experts_s: what nothing hides; context_s and context_back_s likewise, of forward and backward
    port_s: what of both kinds keeps the port between domains busy, hidden or not
    """

    layers: Passes
    head: Passes
    embedding: Passes
    tensor_s: Array
    experts_s: Array
    context_s: Array
    context_back_s: Array
    port_s: Array


def micro_batch(job: Job, lay: Layouts) -> Micro:
    """Work and bare exchanges of one micro-batch."""
    layers, tensor, experts = nothing(lay), np.zeros_like(lay.tp), np.zeros_like(lay.tp)
    context, back = np.zeros_like(lay.tp), np.zeros_like(lay.tp)
    for layer in job.spec.distinct_layers:
        bare = passes(pieces(job, lay, layer), job, lay)
        own = _hosted(bare, job, layer)
        layers = layers + own.times(float(layer.count))
        tensor = tensor + layer.count * wires.tensor_s(job, lay, layer)
        experts = experts + layer.count * wires.experts_s(job, lay, layer.ffn)
        sent = wires.context_s(job, lay, layer.attention)
        idle, later = own.forward_s - bare.forward_s, own.back_s - bare.back_s
        context = context + layer.count * np.maximum(sent - own.core_s - idle, 0.0)
        back = back + layer.count * np.maximum(2.0 * sent - BACKWARD_CORE * own.core_s - later, 0.0)
    head = passes(head_pieces(job, lay), job, lay)
    if job.mtp and job.spec.mtp is not None:
        head = head.times(1.0 + job.spec.mtp_layers) + _drafted(job, lay, job.spec.mtp)
    embedding = passes([embedding_piece(job, lay)], job, lay)
    efficiency, domain = job.efficiency, float(job.machine.scale_up_devices)
    port = np.where(lay.tp > domain, tensor, 0.0) + np.where(lay.ep > domain, experts, 0.0)
    tensor = tensor * (1.0 - efficiency.get("train.overlap.tensor"))
    hidden = experts * (1.0 - efficiency.get("train.overlap.experts"))
    work = layers.forward_s + layers.backward_s + layers.weight_s
    beside = np.maximum(experts - 0.5 * work, 0.0)  # four exchanges a micro-batch, of which two are counted here
    experts = np.where(lay.schedule == DUALPIPE, beside, hidden)
    return Micro(layers, head, embedding, tensor, experts, context, back, port)


def _drafted(job: Job, lay: Layouts, layer: Layer) -> Passes:
    """Multi-token-prediction layers on the last rank, with the product that joins their inputs and their exchanges."""
    tokens = lay.micro * job.seq / lay.cp
    out = np.ones_like(tokens) * job.spec.hidden / lay.tp
    joined = Piece(gemm("draft input projection", "head", "bf16", tokens, 2.0 * job.spec.hidden, out, 1.0), job.frozen)
    own = passes([*pieces(job, lay, layer), joined], job, lay)
    told = wires.tensor_s(job, lay, layer) * (1.0 - job.efficiency.get("train.overlap.tensor"))
    sent = wires.experts_s(job, lay, layer.ffn) * (1.0 - job.efficiency.get("train.overlap.experts"))
    shown = told + np.where(lay.schedule == DUALPIPE, 0.0, sent)
    both = Passes(own.forward_s + shown, own.backward_s + shown, own.weight_s, own.core_s, own.light_s)
    return both.times(float(job.spec.mtp_layers))


def _hosted(own: Passes, job: Job, layer: Layer) -> Passes:
    """Passes that take no less than the host needs to launch their kernels.

    Launches run ahead of the device until it waits for them: a soft maximum of both, since kernels differ in length.
    """
    least = job.efficiency.get("train.layer_launch_s") * (MIXTURE_LAUNCHES if layer.ffn.experts else 1.0)
    forward = soft_maximum(own.forward_s, least)
    longer = soft_maximum(own.back_s, 2.0 * least) / own.back_s
    return Passes(forward, own.backward_s * longer, own.weight_s * longer, own.core_s, own.light_s)


@dataclass(frozen=True, slots=True)
class Ranks:
    """Work of a micro-batch on the mean and on the slowest pipeline rank, shape ``(D,)``.

    again_s: what the slowest computes again; last: layers of the rank with the head
    """

    mean: Work
    slowest: Work
    again_s: Array
    last: Array


def train_step(job: Job, lay: Layouts, piped_s: Array | None = None, data_s: Array | None = None) -> StepParts:
    """Parts of one step.

    piped_s, data_s: of the pipeline and of data-parallel exchanges, as a timeline found them; else in closed form
    """
    micro = micro_batch(job, lay)
    count = lay.micro_batches(job)
    ranks = ranks_of(job, lay, micro)
    slowest, again = ranks.slowest, ranks.again_s
    send_s = wires.send_s(job, lay)
    piped = pipeline_s(lay.schedule, lay.pp, count, lay.vp, ranks.mean, slowest, send_s) if piped_s is None else piped_s
    data = _exposed(job, lay, micro, slowest, count) if data_s is None else data_s
    optimizer = optimizer_s(job, lay, trained_weights(job, lay))
    host = job.efficiency.get("train.host_s") + np.zeros_like(lay.tp)
    share = rank_layers(job, lay) / job.spec.n_layers * count
    passes_made = 2.0 + (lay.recompute == FULL)
    tensor, experts = share * passes_made * micro.tensor_s, share * passes_made * micro.experts_s
    context = share * ((passes_made - 1.0) * micro.context_s + micro.context_back_s)
    busy = slowest.total_s * count
    busy = busy if piped_s is None else np.minimum(busy, piped)
    known = piped + data + optimizer + host
    straggle = known * (job.efficiency.get("train.straggle_per_doubling") * np.log2(np.maximum(lay.devices, 1.0)))
    if not job.timed_alone:
        host = host + known * (1.0 / job.efficiency.get("train.run_pace") - 1.0)
    return StepParts(
        busy - count * again - tensor - experts - context, count * again, tensor, context, experts,
        piped - busy, data, optimizer, host, straggle,
    )  # fmt: skip


def ranks_of(job: Job, lay: Layouts, micro: Micro) -> Ranks:
    """Work of a micro-batch on pipeline ranks.

    A rank with the head carries fewer layers where the layers do not divide evenly.
    """
    full, some = lay.recompute == FULL, lay.recompute == SELECTIVE
    one = micro.layers
    wire = micro.tensor_s + micro.experts_s
    again = np.where(full, one.forward_s, np.where(some, one.light_s, 0.0))
    forward = one.forward_s + wire + micro.context_s
    backward = one.backward_s + wire + micro.context_back_s + again
    backward = backward + np.where(full, wire + micro.context_s, 0.0)
    layers = float(job.spec.n_layers)
    ends = Work(
        micro.head.forward_s + micro.embedding.forward_s, micro.head.backward_s + micro.embedding.backward_s,
        micro.head.weight_s,
    )  # fmt: skip
    mean = Work((forward + ends.forward_s) / lay.pp, (backward + ends.backward_s) / lay.pp,
                (one.weight_s + ends.weight_s) / lay.pp)  # fmt: skip
    most = rank_layers(job, lay)
    layer_s = (forward + backward + one.weight_s) / layers
    spare = np.minimum(most * lay.pp - layers, np.ceil(ends.total_s / np.maximum(layer_s, 1e-12) - 1e-9))
    last = most - spare
    pair = np.where((lay.schedule == DUALPIPE) & (lay.pp > 1.0), 0.5, 1.0)  # the head's rank has the first stage too
    carried = most - pair * spare
    heavier = carried * layer_s + pair * ends.total_s > most * layer_s
    held = np.where(heavier, carried, most) / layers
    tail = np.where(heavier, pair, 0.0)
    slowest = Work(forward * held + tail * ends.forward_s, backward * held + tail * ends.backward_s,
                   one.weight_s * held + tail * ends.weight_s)  # fmt: skip
    return Ranks(mean, slowest, again * held, last)


def sync_of(job: Job, lay: Layouts) -> wires.Sync:
    """Data-parallel exchanges of what is trained."""
    return wires.sync(job, lay, trained_weights(job, lay))


def _exposed(job: Job, lay: Layouts, micro: Micro, slowest: Work, count: Array) -> Array:
    """Data-parallel exchanges that nothing hides: work hides them while the port is not busy with other exchanges."""
    sync, hides = sync_of(job, lay), job.efficiency.get("train.overlap.data")
    port = micro.port_s / lay.pp
    forward = np.maximum(hides * slowest.forward_s - port, 0.0)
    backward = np.maximum(hides * (slowest.backward_s + slowest.weight_s) - port, 0.0)
    first = np.maximum(sync.gather_s - forward, 0.0)
    once = first + np.maximum(sync.reduce_s - backward, 0.0)
    each = np.maximum(sync.reduce_s - backward, 0.0)  # of a micro-batch, where no rank keeps all gradients
    often = first + np.maximum(sync.gather_s + sync.reduce_s - backward, 0.0)
    return np.asarray(np.select([lay.zero >= 3.0, lay.zero >= 2.0], [count * often, first + count * each], once))


def optimizer_s(job: Job, lay: Layouts, trained: Weights) -> Array:
    """Adam over the weights of a rank, sharded from ZeRO-1 on.

    Where states lie in host memory, the host's processor does it, while gradients arrive and copies leave.
    """
    shards = np.where(lay.zero >= 1.0, lay.replicas, 1.0)
    apart = np.where(lay.zero >= 1.0, lay.expert_replicas, 1.0)
    own = trained.shared / shards + trained.routed / apart
    rate = job.machine.device.memory_bytes_per_s * job.efficiency.get("train.optimizer_memory")
    link = own * OFFLOADED_BYTES / job.efficiency.get("train.offload_bytes_per_s")
    away = np.maximum(link, own * OPTIMIZER_BYTES / job.efficiency.get("train.host_memory_bytes_per_s"))
    return np.asarray(np.where(lay.offload > 0.0, away, own * OPTIMIZER_BYTES / rate))

"""What the ranks of a layout tell each other in one step, in seconds.

Ranks are numbered tensor parallel first, then context, data and pipeline parallel (the order of Megatron-LM), so
tensor-parallel ranks are neighbours and stages are farthest apart. Each function gives all seconds on the wire; what of
them shows is decided where work runs beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.fabric.collective import collective_s
from accord.fabric.group import Group
from accord.hardware.device import bytes_per_number
from accord.models.spec import Attention, Ffn, Layer
from accord.ops.op import exchange_op
from accord.parallel.collectives import exchange_s
from accord.training.layout import Job, Layouts
from accord.training.lower import NARROW, routed_tokens
from accord.training.memory import Weights, rank_layers

NUMBER = 2.0  # bytes of an activation or weight on the wire
SHARDED = 2.0  # bytes of a gradient on the wire where weights are sharded too (ZeRO-3): frameworks reduce in 16 bits


@dataclass(frozen=True, slots=True)
class Sync:
    """Seconds of data-parallel exchanges, shape ``(D,)``.

    reduce_s, gather_s: gradients summed and weights gathered once
    """

    reduce_s: Array
    gather_s: Array


def entering(job: Job) -> float:
    """Bytes of a number that enters a product, on the wire."""
    return bytes_per_number(job.precision) if job.precision in NARROW else NUMBER


def tensor_s(job: Job, lay: Layouts, layer: Layer) -> Array:
    """Sums over tensor-parallel ranks in one forward pass of a layer and micro-batch.

    After attention and after feed-forward; with sequence parallelism a gather and a scatter move the same bytes.
    """
    payload = lay.micro * job.seq / lay.cp * job.spec.hidden * NUMBER
    group = Group(lay.tp, np.ones_like(lay.tp))
    joined = lay.tp > 1.0
    whole = collective_s("all_reduce", payload, group, job.machine, job.efficiency)
    gathered = payload / NUMBER * entering(job)
    halves = collective_s("all_gather", gathered, group, job.machine, job.efficiency)
    halves = halves + collective_s("reduce_scatter", payload, group, job.machine, job.efficiency)
    each = np.where(lay.sp > 0.0, halves, whole)
    places = np.where((layer.ffn.experts > 0) & (lay.ep > 1.0) & (layer.ffn.shared_hidden == 0), 1.0, 2.0)
    return np.asarray(np.where(joined, places * each, 0.0))


def context_s(job: Job, lay: Layouts, block: Attention) -> Array:
    """Keys and values passed around context-parallel ranks in one forward pass of a layer and micro-batch."""
    tokens = lay.micro * job.seq / lay.cp
    width = block.kv_lora_rank + block.rope_head_dim if block.kind == "mla" else (
        np.maximum(block.kv_heads / lay.tp, 1.0) * (block.head_dim + block.v_head_dim)
    )  # fmt: skip
    group = Group(lay.cp, lay.tp)
    gathered = tokens * width * NUMBER * lay.cp
    return np.asarray(np.where(lay.cp > 1.0, collective_s("all_gather", gathered, group, job.machine, job.efficiency),
                               0.0))  # fmt: skip


def experts_s(job: Job, lay: Layouts, ffn: Ffn) -> Array:
    """Dispatch and combine of one forward pass of a routed layer and micro-batch."""
    if not ffn.experts:
        return np.zeros_like(lay.tp)
    tokens = routed_tokens(lay, lay.micro * job.seq / lay.cp)
    inner = float(ffn.latent or job.spec.hidden)
    narrow = entering(job)
    total = np.zeros_like(lay.tp)
    for family, each in (("dispatch", narrow), ("combine", NUMBER)):
        sent = np.where(lay.ep > 1.0, tokens * ffn.top_k * inner * each, 0.0)
        op = exchange_op(family, family, "exchange", sent, lay.ep, experts_per_token=float(ffn.top_k))
        total = total + exchange_s(op, job.machine.tiers, job.efficiency, "prefill")
    return np.asarray(np.where(lay.ep > 1.0, total, 0.0))


def send_s(job: Job, lay: Layouts) -> Array:
    """Activations of one micro-batch handed to the next stage."""
    payload = lay.micro * job.seq / lay.cp * job.spec.hidden * NUMBER / np.where(lay.sp > 0.0, lay.tp, 1.0)
    group = Group(np.where(lay.pp > 1.0, 2.0, 1.0), lay.tp * lay.cp * lay.dp)
    sent = collective_s("p2p", payload, group, job.machine, job.efficiency)
    return np.asarray(np.where(lay.pp > 1.0, sent, 0.0))


def sync(job: Job, lay: Layouts, trained: Weights) -> Sync:
    """Sums of gradients and gathers of weights over the ranks that hold the same ones.

    Below ZeRO-1 gradients are summed in one all-reduce, and nothing is gathered. ZeRO-3 goes layer by layer.
    """
    summed, gathered = np.zeros_like(lay.tp), np.zeros_like(lay.tp)
    each = np.where(lay.zero >= 3.0, SHARDED, job.gradient_bytes)
    pieces = np.where(lay.zero >= 3.0, rank_layers(job, lay), 1.0)
    for weights, ranks, stride in (
        (trained.shared, lay.replicas, lay.tp),
        (trained.routed, lay.expert_replicas, lay.ep * lay.slices),
    ):
        group = Group(np.maximum(ranks, 1.0), stride)
        joined = (ranks > 1.0) & (weights > 0.0)
        part = weights / pieces
        whole = collective_s("all_reduce", part * each, group, job.machine, job.efficiency)
        scatter = collective_s("reduce_scatter", part * each, group, job.machine, job.efficiency)
        gather = collective_s("all_gather", part * NUMBER, group, job.machine, job.efficiency)
        summed = summed + np.where(joined, pieces * np.where(lay.zero >= 1.0, scatter, whole), 0.0)
        gathered = gathered + np.where(joined & (lay.zero >= 1.0), pieces * gather, 0.0)
    return Sync(np.asarray(summed), np.asarray(gathered))

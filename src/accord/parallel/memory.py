"""What must fit in one device's memory: weights, cache, activations and the reserve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.hardware.device import bytes_per_number
from accord.hardware.system import Machine
from accord.models.kv import entry_elements
from accord.models.params import (
    attention_params,
    dense_ffn_params,
    expert_params,
    router_params,
    shared_expert_params,
)
from accord.models.spec import Attention, Layer
from accord.ops.moe import held_experts
from accord.parallel.plan import Deployments, Setting

BLOCK_TOKENS = 128.0  # cache pages hold 128 tokens on Ascend engines, 16 to 64 elsewhere: the wasteful end
BINARY = 2.0**30 / 1e9  # memories are sold in GB and made of chips of 2^30 bytes and their multiples
VISIBLE = 0.985  # of that, what drivers report: 79.18 GiB of 80 (H100), 23.52 of 24 (RTX 4090), 139.8 of 141 (H200)
NOMINAL = 1e-6  # how near to a whole number of GB a nominal capacity is


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on the fullest rank, shape ``(D,)``; ``free_bytes`` is negative when it does not fit."""

    weights_bytes: Array
    cache_bytes: Array
    activation_bytes: Array
    reserve_bytes: Array
    capacity_bytes: Array

    @property
    def used_bytes(self) -> Array:
        """Everything but what is free."""
        return self.weights_bytes + self.cache_bytes + self.activation_bytes + self.reserve_bytes

    @property
    def free_bytes(self) -> Array:
        """Capacity left."""
        return self.capacity_bytes - self.used_bytes


def weights_bytes(setting: Setting, plan: Deployments) -> Array:
    """Weights of one rank: layers over pipeline stages, heads over tp, experts over ep."""
    spec, formats = setting.spec, setting.formats
    total = np.zeros_like(plan.tp)
    for layer in spec.distinct_layers:
        total = total + layer.count * _layer_bytes(layer, setting, plan)
    total = total / plan.pp
    if spec.mtp is not None:
        drafting = np.where(plan.mtp_tokens > 0.0, 1.0, 0.0)
        total = total + drafting * spec.mtp_layers * _layer_bytes(spec.mtp, setting, plan)
    ends = spec.hidden * spec.vocab * 2.0 * (1.0 if spec.tied_embeddings else 2.0)
    return total + ends / plan.tp + spec.other_params * bytes_per_number(formats.dense) / plan.tp


def _layer_bytes(layer: Layer, setting: Setting, plan: Deployments) -> Array:
    formats, ffn, hidden = setting.formats, layer.ffn, setting.spec.hidden
    attention = rank_attention_params(layer.attention, hidden, plan.tp) * bytes_per_number(formats.attention)
    dense = dense_ffn_params(ffn, hidden) * bytes_per_number(formats.dense) / plan.tp
    whole = np.full_like(plan.tp, (router_params(ffn, hidden) + layer.norms * hidden) * 2.0)
    if not ffn.experts:
        return attention + dense + whole
    group = plan.tp * plan.groups
    experts = held_experts(ffn.experts, plan.redundant, plan.ep) * plan.ep / group
    routed = experts * expert_params(ffn, hidden) * bytes_per_number(formats.experts)
    apart = (plan.ep > ffn.experts) & (ffn.shared_hidden > 0)
    shared = shared_expert_params(ffn, hidden) * bytes_per_number(formats.experts) / plan.tp
    return attention + dense + whole + routed + np.where(apart, 0.0, shared)


def rank_attention_params(block: Attention, hidden: int, tp: Array) -> Array:
    """Attention weights of one tensor-parallel rank, shape ``(D,)``.

    Heads are split; low-rank down projections are whole on every rank, and beyond as many ranks as
    key/value heads every rank keeps a head of its own.
    """
    whole = hidden * block.q_lora_rank
    if block.kind == "mla":
        whole += hidden * (block.kv_lora_rank + block.rope_head_dim)
    repeated = np.zeros_like(tp)
    if block.kind == "full" and not block.shares_kv:
        width = block.head_dim if block.shared_kv_vector else block.head_dim + block.v_head_dim
        repeated = hidden * width * np.maximum(1.0 - block.kv_heads / tp, 0.0)
    return np.asarray((attention_params(block, hidden) - whole) / tp + whole + repeated, dtype=np.float64)


def layer_cache_elements(layer: Layer, tokens: Array) -> Array:
    """Elements one layer keeps for sequences of ``tokens`` length: :mod:`accord.models.kv` over arrays."""
    block = layer.attention
    entry = entry_elements(block)
    recent = np.minimum(tokens, float(block.window)) if block.window else tokens
    stored, kept = recent, entry * recent
    if block.compress > 1:
        stored = tokens / block.compress
        kept = entry * (stored + (recent if block.window else 0.0))
    index = block.index_head_dim * stored if block.index_heads else 0.0
    return np.asarray(kept + index + block.state_elements, dtype=np.float64)


def cache_bytes_per_request(setting: Setting, plan: Deployments, tokens: Array) -> Array:
    """Cache of one request of ``tokens`` length on one rank, in whole blocks.

    Grouped-query heads split over tp and repeat beyond the number of heads; a latent vector is
    kept whole on every rank.
    """
    return _cache_bytes(setting, plan, np.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS)


def _cache_bytes(setting: Setting, plan: Deployments, tokens: Array) -> Array:
    total = np.zeros_like(plan.tp)
    for layer in setting.spec.distinct_layers:
        block = layer.attention
        split = 1.0 / plan.tp
        if block.kind == "mla" or block.shared_kv_vector:
            split = np.ones_like(plan.tp)
        elif block.kind == "full":
            split = np.ceil(block.kv_heads / plan.tp) / block.kv_heads
        total = total + layer.count * split * layer_cache_elements(layer, tokens)
    return total * bytes_per_number(setting.formats.kv) / plan.pp


def decode_memory(setting: Setting, plan: Deployments, *, whole_reserve: bool = False) -> Memory:
    """Memory while decoding ``batch`` requests a device at full length (prompt and answer).

    whole_reserve: the engine keeps to its default share of the memory, see :func:`_memory`
    """
    longest = np.maximum(plan.isl + plan.osl, plan.context)
    group_requests = plan.batch * plan.tp * plan.pp
    cache = group_requests * cache_bytes_per_request(setting, plan, longest)
    tokens = plan.batch * plan.tp * (1.0 + plan.mtp_tokens)
    return _memory(setting, plan, cache, tokens, whole_reserve=whole_reserve)


def serving_memory(setting: Setting, plan: Deployments, requests: Array, *, whole_reserve: bool = False) -> Memory:
    """Memory while ``requests`` (at least one over its context-parallel ranks) of a group are in mid-answer."""
    held = np.maximum(requests, 1.0 / plan.cp)
    cache = held * cache_bytes_per_request(setting, plan, np.maximum(plan.isl + plan.osl / 2.0, 1.0))
    return _memory(setting, plan, cache, held * (1.0 + plan.mtp_tokens), whole_reserve=whole_reserve)


def prefill_memory(setting: Setting, plan: Deployments, *, whole_reserve: bool = False) -> Memory:
    """Memory while computing ``tokens`` prompt tokens a device, their cache kept until handed on."""
    requests = plan.tokens * plan.tp / np.maximum(plan.isl, 1.0)
    tokens = requests * np.maximum(plan.isl * (1.0 - plan.reuse), 1.0)
    cache = requests * plan.pp * cache_bytes_per_request(setting, plan, np.maximum(plan.isl, 1.0))
    return _memory(setting, plan, cache, tokens, whole_reserve=whole_reserve)


def _memory(setting: Setting, plan: Deployments, cache: Array, tokens: Array, *, whole_reserve: bool = False) -> Memory:
    """Parts of one rank's memory.

    The reserve is what the engine leaves free by default, less where weights crowd the memory:
    operators then raise the engine's share, down to the runtime's own need.
    whole_reserve: they do not; engines that keep activations apart have them in it
    """
    efficiency, device = setting.efficiency, setting.machine.device
    live = _live_bytes(setting, plan, tokens)
    weights = weights_bytes(setting, plan)
    usual = device.memory_bytes * (1.0 - efficiency.scalar("engine.memory_fraction"))
    least = device.memory_bytes * efficiency.get("memory.runtime_share")
    reserve = np.clip(0.25 * (device.memory_bytes - weights - live), least, np.maximum(usual, least))
    if whole_reserve:
        apart = live if efficiency.has("activations_apart") else 0.0
        reserve = np.maximum(usual - apart, least)
    return Memory(weights, cache, live, reserve, np.zeros_like(live) + device.memory_bytes)


def _live_bytes(setting: Setting, plan: Deployments, tokens: Array) -> Array:
    """What a layer holds at once while it computes ``tokens``."""
    spec = setting.spec
    widest = max(max(layer.ffn.hidden, layer.ffn.top_k * layer.ffn.expert_hidden) for layer in spec.distinct_layers)
    return tokens * (6.0 * spec.hidden + 3.0 * widest / plan.tp) * 2.0


def most_requests(setting: Setting, plan: Deployments, step_tokens: Array, *, whole_reserve: bool = False) -> Array:
    """Requests of full length whose cache fits one attention group beside a step of ``step_tokens``."""
    empty = _memory(setting, plan, np.zeros_like(plan.tp), step_tokens, whole_reserve=whole_reserve)
    each = cache_bytes_per_request(setting, plan, np.maximum(plan.isl + plan.osl / 2.0, 1.0))
    whole = np.floor(np.maximum(empty.free_bytes, 0.0) * plan.cp / np.maximum(each, 1.0))
    return whole / plan.cp


def most_prompt_tokens(setting: Setting, plan: Deployments, step_tokens: Array) -> Array:
    """Prompt tokens a device, reused ones included, whose cache fits beside a step that computes ``step_tokens``."""
    empty = _memory(setting, plan, np.zeros_like(plan.tp), step_tokens)
    each = cache_bytes_per_request(setting, plan, np.maximum(plan.isl, 1.0)) * plan.pp
    requests = np.maximum(empty.free_bytes, 0.0) / np.maximum(each, 1.0)
    return requests * plan.isl / plan.tp


@dataclass(frozen=True, slots=True)
class KvBudget:
    """What an engine keeps for caches. Bytes are of one rank, the fullest.

    tokens: cache of one attention group, with all of its context-parallel ranks [token], 0 where nothing is left
    bytes_per_token: of one token over all ranks of its group [B]
    activation_bytes: peak of a step, sampling included; overhead_bytes: libraries and communicators
    reserve_bytes: left to others; memory_bytes: what the device reports. The parts and the cache fill it
    """

    tokens: float
    bytes_per_token: float
    weights_bytes: float
    activation_bytes: float
    overhead_bytes: float
    reserve_bytes: float
    cache_bytes: float
    memory_bytes: float


def kv_budget(
    setting: Setting, plan: Deployments, *, max_num_batched_tokens: float, max_num_seqs: float,
    utilisation: float | None = None, length: float = 4096.0, memory_bytes: float | None = None,
) -> KvBudget:  # fmt: skip
    """Cache that an engine takes after it has run its largest step once: its share of the memory less what that used.

    plan: one deployment; utilisation: share of the memory the engine uses, its default if omitted
    length: mean tokens of a request, over which windows and states of constant size are spread
    memory_bytes: what the driver reports [B]; if omitted, from the catalog's capacity

    The largest step is either a layer of ``max_num_batched_tokens`` or the sampling of ``max_num_seqs`` words beside
    the hidden states, whichever holds more. Engines that keep activations apart leave them the rest of the memory.
    Source: how vLLM sizes its cache (``determine_available_memory``), and SGLang's ``mem_fraction_static``.
    """
    efficiency, spec = setting.efficiency, setting.spec
    reported = reported_bytes(setting.machine) if memory_bytes is None else memory_bytes
    share = efficiency.scalar("engine.memory_fraction") if utilisation is None else utilisation
    hidden = 2.0 * max_num_batched_tokens * spec.hidden
    sampling = efficiency.scalar("engine.sampling_bytes") * max_num_seqs * spec.vocab
    layer = float(_live_bytes(setting, plan, np.full_like(plan.tp, max_num_batched_tokens))[0])
    activation = max(layer, sampling + hidden)
    joined = bool(plan.devices[0] > 1.0)
    overhead = efficiency.scalar("engine.runtime_bytes")
    overhead += efficiency.scalar("engine.communicator_bytes") if joined else 0.0
    weights = float(weights_bytes(setting, plan)[0])
    reserve = reported * (1.0 - share)
    if efficiency.has("activations_apart"):
        reserve = max(reserve - activation - overhead, 0.0)
    cache = reported - reserve - weights - activation - overhead
    each = float(_cache_bytes(setting, plan, np.full_like(plan.tp, max(length, 1.0)))[0]) / max(length, 1.0)
    tokens = np.floor(max(cache, 0.0) / each) * plan.cp[0] if each else np.inf
    return KvBudget(
        float(tokens), each * float(plan.tp[0] * plan.pp[0]), weights, activation, overhead, reserve, cache,
        reported,
    )  # fmt: skip


def reported_bytes(machine: Machine) -> float:
    """Memory of one device as its driver reports it.

    A capacity in whole GB a chip is the nominal one; another was read from a device, or counts in 2^30 bytes already.
    """
    stated = float(np.mean(machine.device.memory_bytes))
    chip = stated * machine.devices_per_chip / 1e9
    return stated * BINARY * VISIBLE if abs(chip - round(chip)) < NOMINAL else stated


def load_s(setting: Setting, plan: Deployments, bytes_per_s: float) -> float:
    """Time until an instance has its weights, when each of its ranks reads its own at ``bytes_per_s``.

    plan: one deployment. Raises UsageError for a rate that is not above 0.
    """
    if not bytes_per_s > 0.0:
        raise UsageError(f"weights read at {bytes_per_s:g} bytes a second", hint="give a rate above 0, such as 2e9")
    return float(weights_bytes(setting, plan)[0]) / bytes_per_s

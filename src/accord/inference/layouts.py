"""The best layout of a system for one workload: two pools, searched over arrays.

Every layout of a pool is a row: ranks, and requests or prompt tokens a device. All rows of a pool are
estimated at once, those that do not fit the memory are dropped, and then every pair of a prefill and a
decode layout is tried with every number of whole instances that fits the devices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import product

import msgspec
import numpy as np
import numpy.typing as npt

from accord.base.array import Array, array
from accord.hardware.fabric import FabricTier
from accord.inference.estimate import transfer_tier
from accord.inference.pools import decode_point, prefill_point
from accord.ops.op import Phase
from accord.parallel.collectives import send_s
from accord.parallel.memory import cache_bytes_per_request
from accord.parallel.plan import Deployments, Setting, deployments

TENSOR_RANKS = (1, 2, 4, 8)
# Instances of 2^n times 1, 3, 5 or 9 devices: what systems divide into, the widest published ones among them.
SIZES = tuple(sorted({base << power for base in (1, 3, 5, 9) for power in range(10)}))
BATCHES = (*range(1, 32), *range(32, 64, 2), *range(64, 128, 4), *range(128, 256, 8), *range(256, 513, 16))
PROMPTS = (1, 2, 4, 8, 16, 32)
MOST_TOKENS = 16384  # prompt tokens a device and step, the largest published setting
RANKS_PER_EXPERT = 1.25  # redundant and shared experts fill a quarter more ranks than there are experts
TIE = 0.01  # plans that serve this much less are as good

Index = npt.NDArray[np.intp]


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is served: prompt, answer and mid-way context [token], draft tokens and their acceptance.

    ttft_s: the longest mean time to first token
    """

    isl: int
    osl: int
    context: int
    ttft_s: float
    mtp_tokens: int = 0
    accept: float = 0.0


@dataclass(frozen=True, slots=True)
class _Row:
    """What layouts of one pool do, shape ``(L,)`` each.

    latency_s: time per output token (decode), mean time to first token without transfer (prefill)
    tokens_per_s_per_device: output (decode) or prompt tokens (prefill)
    used_bytes, capacity_bytes: memory of the fullest device
    """

    latency_s: Array
    tokens_per_s_per_device: Array
    microbatches: Array
    used_bytes: Array
    capacity_bytes: Array

    def pick(self, index: Index) -> _Row:
        """The layouts at ``index``."""
        return _Row(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Options:
    """Layouts of one pool that fit the memory, one instance each, shape ``(L,)``.

    request_per_s: of an instance; tried: layouts looked at, those that do not fit included
    """

    plan: Deployments
    row: _Row
    request_per_s: Array
    tried: int


class Pool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pool as chosen: a layout, how many instances of it there are, and what they can do.

    devices: of an instance; load_per_device: requests (decode) or prompt tokens of a step (prefill)
    request_per_s: of the whole pool; memory_bytes, capacity_bytes: of the fullest device
    """

    tp: int
    dp: int
    ep: int
    devices: int
    instances: int
    load_per_device: float
    microbatches: int
    request_per_s: float
    tokens_per_s_per_device: float
    memory_bytes: float
    capacity_bytes: float


class Split(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system divided into a prefill and a decode pool.

    request_per_s: the lesser of both pools; idle_devices: those that make no whole instance
    ttft_s: mean, half a step's wait and the transfer of the cache included
    """

    prefill: Pool
    decode: Pool
    request_per_s: float
    tpot_s: float
    ttft_s: float
    transfer_s: float
    idle_devices: int


# The layouts


def layouts(setting: Setting, devices: int, redundant_from: float) -> tuple[tuple[int, int, int], ...]:
    """(tp, dp, ep) of one instance.

    Every rank holds whole experts, redundant copies included, and as many as every other; tensor ranks may slice
    them between each other. An instance fills whole nodes, or divides one, where nodes are joined less tightly.
    redundant_from: expert-parallel ranks from which redundant experts are kept
    """
    experts = _experts(setting)
    node = setting.machine.tiers[0].devices if setting.machine.tiers else 1.0
    widest = min(devices, int(experts * RANKS_PER_EXPERT)) if experts else min(devices, max(TENSOR_RANKS))
    found: dict[tuple[int, int, int], None] = {}
    for size, tp in product(SIZES, TENSOR_RANKS):
        if size > widest or size % tp or (node < devices and size % node and node % size):
            continue
        for ep in (size, size // tp) if experts else (1,):
            slots = experts + _redundant(setting, ep, redundant_from)
            if ep > experts or slots % ep == 0.0:
                found[tp, size // tp, ep] = None
    return tuple(found)


def _experts(setting: Setting) -> int:
    return max(layer.ffn.experts for layer in setting.spec.distinct_layers)


def _redundant(setting: Setting, ep: float, redundant_from: float) -> float:
    """Expert copies beyond one of each."""
    return setting.efficiency.scalar("engine.redundant_share") * _experts(setting) if ep >= redundant_from else 0.0


def decode_options(setting: Setting, devices: int, work: Workload, redundant_from: float) -> Options:
    """Decode layouts with every batch of :data:`BATCHES`.

    redundant_from: expert-parallel ranks from which redundant experts are kept
    """
    most = setting.efficiency.scalar("engine.max_num_seqs")
    rows = [
        (*layout, float(batch))
        for layout, batch in product(layouts(setting, devices, redundant_from), BATCHES)
        if batch * layout[0] <= most
    ]
    return _options(setting, work, rows, "decode", redundant_from)


def prefill_options(setting: Setting, devices: int, work: Workload, redundant_from: float) -> Options:
    """Prefill layouts with one to many whole prompts an attention group and step.

    A prompt that arrives waits half a step on average and is done at the end of the next.
    """
    rows = [
        (*layout, prompts * work.isl / layout[0])
        for layout, prompts in product(layouts(setting, devices, redundant_from), PROMPTS)
        if prompts == 1 or prompts * work.isl <= MOST_TOKENS * layout[0]
    ]
    return _options(setting, work, rows, "prefill", redundant_from)


def _options(
    setting: Setting, work: Workload, rows: Sequence[tuple[int, int, int, float]], phase: Phase, redundant_from: float
) -> Options:
    """Estimate rows of (tp, dp, ep, batch or tokens) and keep those that fit."""
    plan = _plan(setting, work, rows, "batch" if phase == "decode" else "tokens", redundant_from)
    found: list[tuple[Index, _Row]] = []
    for separate in (True, False):  # with and without separate attention groups: never in one batch
        index = np.flatnonzero((plan.groups > 1.0) == separate)
        if len(index):
            row = _run(setting, plan.pick(index), phase)
            good = np.flatnonzero(row.capacity_bytes >= row.used_bytes)
            found.append((index[good], row.pick(good)))
    kept = plan.pick(np.concatenate([index for index, _ in found]))
    row = _Row(*(np.concatenate([getattr(one, field.name) for _, one in found]) for field in fields(_Row)))
    asked = work.osl if phase == "decode" else work.isl
    return Options(kept, row, row.tokens_per_s_per_device * kept.devices / asked, len(rows))


def _plan(
    setting: Setting, work: Workload, rows: Sequence[tuple[int, int, int, float]], load: str, redundant_from: float
) -> Deployments:
    tp, dp, ep, amount = (array(column) for column in zip(*rows, strict=True))
    copies = _redundant(setting, redundant_from, redundant_from)
    return deployments(
        tp=tp, dp=dp, ep=ep, isl=work.isl, osl=work.osl, context=work.context, mtp_tokens=work.mtp_tokens,
        accept=work.accept, microbatches=0.0 if setting.efficiency.has("microbatch_overlap") else 1.0,
        redundant=np.where(ep >= redundant_from, copies, 0.0), **{load: amount},
    )  # fmt: skip


def _run(setting: Setting, plan: Deployments, phase: Phase) -> _Row:
    if phase == "decode":
        done = decode_point(setting, plan)
        latency, rate, memory, micro = done.tpot_s, done.tokens_per_s_per_device, done.memory, done.microbatches
    else:
        step = prefill_point(setting, plan)
        latency, rate, memory, micro = 1.5 * step.step_s, step.tokens_per_s_per_device, step.memory, step.microbatches
    return _Row(latency, rate, micro, memory.used_bytes, memory.capacity_bytes)


# The choice


def best_split(
    setting: Setting, devices: int, pools: tuple[Options, Options], work: Workload, tpot_s: float
) -> Split | None:
    """Most requests per second of ``devices`` ranks under a time per output token, or None where nothing keeps it.

    pools: prefill and decode options. Of splits within :data:`TIE` of the best the quickest decode is taken.
    """
    prefill, decode = pools
    transfer = transfer_s(setting, prefill.plan, transfer_tier(setting.machine))
    first = _leading(prefill, np.flatnonzero(prefill.row.latency_s + transfer <= work.ttft_s))
    second = _leading(decode, np.flatnonzero(decode.row.latency_s <= tpot_s))
    found: list[tuple[_Counts, int, int]] = []
    for p, d in product(first, second):
        sizes = int(prefill.plan.devices[p]), int(decode.plan.devices[d])
        if sum(sizes) <= devices:
            rates = float(prefill.request_per_s[p]), float(decode.request_per_s[d])
            found.append((_counts(devices, sizes, rates), int(p), int(d)))
    if not found:
        return None
    enough = max(counts.request_per_s for counts, _, _ in found) * (1.0 - TIE)
    ready = [
        (counts, p, _quickest(decode, d, enough / counts.decode))
        for counts, p, d in found if counts.request_per_s >= enough
    ]  # fmt: skip
    counts, p, d = min(ready, key=lambda one: (decode.row.latency_s[one[2]], prefill.row.latency_s[one[1]]))
    chosen = _pool(prefill, p, counts.prefill, "tokens"), _pool(decode, d, counts.decode, "batch")
    return Split(
        prefill=chosen[0], decode=chosen[1], request_per_s=min(pool.request_per_s for pool in chosen),
        tpot_s=float(decode.row.latency_s[d]), ttft_s=float(prefill.row.latency_s[p] + transfer[p]),
        transfer_s=float(transfer[p]), idle_devices=devices - sum(pool.devices * pool.instances for pool in chosen),
    )  # fmt: skip


def _leading(options: Options, among: Index) -> Index:
    """Of the rows of one instance size the one that serves most."""
    best: dict[float, int] = {}
    for at in among:
        size = float(options.plan.devices[at])
        if size not in best or options.request_per_s[at] > options.request_per_s[best[size]]:
            best[size] = int(at)
    return np.asarray(sorted(best.values()), dtype=np.intp)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Requests per second of both pools together, and whole instances of each."""

    request_per_s: float
    prefill: int
    decode: int


def _counts(devices: int, sizes: tuple[int, int], rates: tuple[float, float]) -> _Counts:
    """The whole instances of a prefill and a decode layout that serve most, and no more than are needed for it."""
    others = np.arange(1, (devices - sizes[0]) // sizes[1] + 1)
    instances = (devices - others * sizes[1]) // sizes[0]
    rate = float(np.max(np.minimum(instances * rates[0], others * rates[1])))
    needed = [max(math.ceil(rate / each - 1e-9), 1) for each in rates]
    return _Counts(rate, *needed)


def _quickest(decode: Options, at: int, request_per_s: float) -> int:
    """Of the rows with instances of the same size that serve ``request_per_s`` the one with the shortest TPOT."""
    same = decode.plan.devices == decode.plan.devices[at]
    enough = np.flatnonzero(same & (decode.request_per_s >= request_per_s))
    return int(enough[np.argmin(decode.row.latency_s[enough])])


def _pool(options: Options, at: int, instances: int, load: str) -> Pool:
    plan, row = options.plan, options.row
    return Pool(
        tp=int(plan.tp[at]), dp=int(plan.dp[at]), ep=int(plan.ep[at]), devices=int(plan.devices[at]),
        instances=instances, load_per_device=float(getattr(plan, load)[at]), microbatches=int(row.microbatches[at]),
        request_per_s=float(options.request_per_s[at]) * instances,
        tokens_per_s_per_device=float(row.tokens_per_s_per_device[at]),
        memory_bytes=float(row.used_bytes[at]), capacity_bytes=float(row.capacity_bytes[at]),
    )  # fmt: skip


def transfer_s(setting: Setting, plan: Deployments, plane: FabricTier | None) -> Array:
    """Time to send one prompt's cache from pool to pool, every rank of its group a part; 0 without a plane."""
    if plane is None:
        return np.zeros_like(plan.tp)
    return send_s(cache_bytes_per_request(setting, plan, plan.isl), plane, setting.efficiency)

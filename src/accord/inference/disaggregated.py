"""Prefill and decode on pools of their own, joined by a transfer of the cache.

A closed loop of ``concurrency`` requests: each spends TTFT in the prefill pool and on the wire,
then ``osl`` tokens in the decode pool. The slower pool sets the rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.hardware.fabric import FabricTier
from accord.inference.cache import Reuse, reuse_load_s
from accord.inference.pools import decode_point
from accord.parallel.collectives import send_s
from accord.parallel.memory import cache_bytes_per_request, most_prompt_tokens, most_requests
from accord.parallel.plan import Deployments, Setting
from accord.step.prefill import prefill_step

_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class SplitPoint:
    """A disaggregated deployment at constant load, shape ``(D,)``.

    request_per_s: of the whole deployment; running: requests decoding in one attention group
    prefill_limit_per_s: what the prefill pool could do, in steps of prefill_tokens a device
    transfer_s: one request's cache on the wire
    """

    request_per_s: Array
    running: Array
    ttft_s: Array
    tpot_s: Array
    transfer_s: Array
    prefill_limit_per_s: Array
    prefill_tokens: Array


def split_point(
    prefill: tuple[Setting, Deployments, Array],
    decode: tuple[Setting, Deployments, Array],
    concurrency: Array,
    plane: FabricTier | None,
    reuse: Reuse = Reuse(),  # noqa: B008  a frozen record
) -> SplitPoint:
    """Two pools of (setting, one instance, number of instances) under a closed loop.

    concurrency: requests of the whole deployment; infinite asks for the most the decode pool holds
    plane: the tier that carries the cache from pool to pool, None inside one device
    """
    p_setting, p_plan, p_instances = prefill
    d_setting, d_plan, d_instances = decode
    groups = d_plan.groups * d_instances
    one_s, capacity, step_tokens = _prefill(p_setting, p_plan, p_instances, reuse)
    transfer = _transfer_s(p_setting, p_plan, plane)
    most = d_setting.efficiency.scalar("engine.max_num_seqs") * d_plan.pp
    limit = np.minimum(most_requests(d_setting, d_plan, most / d_plan.pp), most)
    ranks = d_plan.tp * d_plan.pp
    running = np.maximum(np.minimum(concurrency / groups, limit), 1e-9)
    point = decode_point(d_setting, d_plan.with_(batch=running / ranks))
    rate, ttft = np.zeros_like(running), one_s + transfer
    for _ in range(_ROUNDS):
        point = decode_point(d_setting, d_plan.with_(batch=running / ranks))
        decoding = d_plan.osl * point.tpot_s
        rate = np.minimum(running * groups / decoding, capacity)
        load = np.minimum(rate / capacity, 0.95)
        ttft = one_s * (1.0 + 0.5 * load / (1.0 - load)) + transfer
        free = np.where(np.isfinite(concurrency), concurrency / groups * decoding / (decoding + ttft), limit)
        target = np.minimum(np.minimum(free, limit), capacity * decoding / groups)
        running = 0.5 * (running + np.maximum(target, 1e-9))
    point = decode_point(d_setting, d_plan.with_(batch=running / ranks))
    decoding = d_plan.osl * point.tpot_s
    rate = np.minimum(running * groups / decoding, capacity)
    # what is in flight and not decoding waits for its prompt: Little's law
    ttft = np.maximum(ttft, np.where(np.isfinite(concurrency), concurrency / rate - decoding, 0.0))
    return SplitPoint(rate, running, ttft, point.tpot_s, transfer, capacity, step_tokens)


def _prefill(setting: Setting, plan: Deployments, instances: Array, reuse: Reuse) -> tuple[Array, Array, Array]:
    """Time of one prompt alone in an attention group [s], the pool's capacity [request/s], its step [token]."""
    computed = np.maximum(plan.isl * (1.0 - plan.reuse), 1.0)
    budget = setting.efficiency.scalar("engine.max_num_batched_tokens")
    alone = np.minimum(computed / plan.cp, budget)
    whole = plan.isl / computed / plan.tp
    held = np.maximum(most_prompt_tokens(setting, plan, np.maximum(alone, budget)), plan.isl / plan.tp / plan.cp)
    single = plan.with_(tokens=alone * whole)
    filled = plan.with_(tokens=np.minimum(np.maximum(alone, budget) * whole, held))
    load = reuse_load_s(setting, plan.with_(tokens=plan.isl / plan.tp / plan.cp), reuse)
    one = prefill_step(setting, single)[0].total_s * (1.0 + (computed / plan.cp / alone - 1.0) / plan.pp) + load
    full = filled.tokens / whole
    step = prefill_step(setting, filled)[0].total_s + reuse_load_s(setting, filled, reuse)
    return one, full / step / computed * plan.pp * plan.groups * instances, filled.tokens


def _transfer_s(setting: Setting, plan: Deployments, plane: FabricTier | None) -> Array:
    """The prompt's cache over the named plane; every rank of the attention group sends its part."""
    if plane is None:
        return np.zeros_like(plan.tp)
    payload = cache_bytes_per_request(setting, plan, np.maximum(plan.isl, 1.0))
    return send_s(payload, plane, setting.efficiency)

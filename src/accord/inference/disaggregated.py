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
from accord.inference.settle import crossing
from accord.inference.slo import tokens_per_iteration
from accord.parallel.collectives import send_s
from accord.parallel.memory import cache_bytes_per_request, most_prompt_tokens, most_requests
from accord.parallel.plan import Deployments, Setting
from accord.step.decode import decode_step
from accord.step.prefill import prefill_step

_PARTS, _ROUNDS, _ROUNDS_DRAWN = 12, 3, 2


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
    *,
    drawn: bool = False,
) -> SplitPoint:
    """Two pools of (setting, one instance, number of instances) under a closed loop.

    concurrency: requests of the whole deployment; infinite asks for the most the decode pool holds
    plane: the tier that carries the cache from pool to pool, None inside one device
    drawn: one of many draws, for which a coarser search is enough
    """
    p_setting, p_plan, p_instances = prefill
    d_setting, d_plan, d_instances = decode
    groups = d_plan.groups * d_instances
    one_s, capacity, step_tokens = _prefill(p_setting, p_plan, p_instances, reuse)
    transfer = _transfer_s(p_setting, p_plan, plane)
    most = d_setting.efficiency.scalar("engine.max_num_seqs") * d_plan.pp
    limit = np.minimum(most_requests(d_setting, d_plan, most / d_plan.pp), most)
    ranks, tau = d_plan.tp * d_plan.pp, tokens_per_iteration(d_plan.mtp_tokens, d_plan.accept)

    def served(running: Array) -> tuple[Array, Array, Array, Array]:
        """Time per output token, time to decode an answer, requests a second, time in prefill and on the wire."""
        tpot = decode_step(d_setting, d_plan.with_(batch=running / ranks))[0].total_s / tau
        decoding = d_plan.osl * tpot
        rate = np.minimum(running * groups / decoding, capacity)
        load = np.minimum(rate / capacity, 0.95)
        return tpot, decoding, rate, one_s * (1.0 + 0.5 * load / (1.0 - load)) + transfer

    def decoded(running: Array) -> Array:
        """Of those in flight, the part that is in the decode pool."""
        _, decoding, _, ttft = served(running)
        free = np.where(np.isfinite(concurrency), concurrency / groups * decoding / (decoding + ttft), limit)
        return np.minimum(np.minimum(free, limit), capacity * decoding / groups)

    most = np.maximum(np.minimum(concurrency / groups, limit), 1e-9)
    running = crossing(
        lambda running: decoded(running) - running, most, most, _PARTS, _ROUNDS_DRAWN if drawn else _ROUNDS
    )
    tpot, decoding, rate, ttft = served(running)
    # what is in flight and not decoding waits for its prompt: Little's law
    ttft = np.maximum(ttft, np.where(np.isfinite(concurrency), concurrency / rate - decoding, 0.0))
    return SplitPoint(rate, running, ttft, tpot, transfer, capacity, step_tokens)


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

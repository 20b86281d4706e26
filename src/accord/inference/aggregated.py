"""One engine that mixes prompt chunks into decode iterations, under constant load.

In steady state every finished request is replaced by one with a prompt of ``isl`` tokens, so each
iteration brings on average ``N tau isl / osl`` prompt tokens for ``N`` running requests that
yield ``tau`` tokens an iteration. Prompts enter in chunks of at most the engine's token budget; an
iteration with a chunk computes both together, one without is a plain decode iteration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.inference.slo import tokens_per_iteration
from accord.ops.lower import lower_layers
from accord.parallel.memory import most_requests
from accord.parallel.plan import Deployments, Setting
from accord.parallel.shard import decode_shape
from accord.step.decode import decode_step
from accord.step.prefill import prefill_step
from accord.step.price import seconds
from accord.workloads.lengths import mean_inverse, share_within

_ROUNDS = 8
_CORES = ("attention_decode", "mla_decode", "linear")


@dataclass(frozen=True, slots=True)
class ServePoint:
    """A deployment at constant load, shape ``(D,)``.

    running: requests decoding in one attention group; limit: most it can hold (memory, engine)
    request_per_s: completed requests of one instance; ttft_s, tpot_s: means
    """

    running: Array
    limit: Array
    request_per_s: Array
    ttft_s: Array
    tpot_s: Array
    plain_s: Array
    mixed_s: Array
    chunk: Array


def serve_point(setting: Setting, plan: Deployments, concurrency: Array) -> ServePoint:
    """Closed loop of ``concurrency`` requests on one instance of ``plan``.

    concurrency: requests of the instance in flight or queued; infinite asks for the most it holds
    """
    limit = request_limit(setting, plan)
    asked = concurrency / plan.groups
    held = np.maximum(np.minimum(asked, limit), 1e-9)
    tau = tokens_per_iteration(plan.mtp_tokens, plan.accept)
    running = held
    for _ in range(_ROUNDS):
        step = _iteration(setting, plan, running, tau)
        mean, prompt = step.mean_s, step.prompt_s
        answering = plan.osl / tau * mean
        target = held * answering / (answering + prompt)
        running = 0.5 * (running + np.minimum(target, _token_limit(setting, plan, tau)))
    step = _iteration(setting, plan, running, tau)
    mean, prompt = step.mean_s, step.prompt_s
    per_group = running * tau / (plan.osl * mean)
    waiting = np.where(np.isfinite(asked), np.maximum(asked - running, 0.0), 0.0) / per_group
    ttft = np.maximum(prompt + 0.5 * mean, waiting)
    return ServePoint(running, limit, per_group * plan.groups, ttft, mean / tau, step.plain_s, step.mixed_s, step.chunk)


def request_limit(setting: Setting, plan: Deployments) -> Array:
    """Requests one attention group holds at once: memory, and the engine's own limit."""
    efficiency = setting.efficiency
    budget = efficiency.get("engine.max_num_batched_tokens")
    by_memory = most_requests(setting, plan, np.full_like(plan.tp, budget))
    return np.minimum(by_memory, efficiency.get("engine.max_num_seqs") * plan.pp)


def _token_limit(setting: Setting, plan: Deployments, tau: Array) -> Array:
    """Running requests at which prompts alone fill the token budget of every iteration."""
    budget = setting.efficiency.get("engine.max_num_batched_tokens")
    computed = plan.isl * (1.0 - plan.reuse)
    return plan.pp * budget / (1.0 + plan.mtp_tokens + tau * computed / plan.osl)


@dataclass(frozen=True, slots=True)
class _Iteration:
    """Plain, mixed and mean iteration, time from a prompt's first to its last chunk [s], chunk [token]."""

    plain_s: Array
    mixed_s: Array
    mean_s: Array
    prompt_s: Array
    chunk: Array


def _iteration(setting: Setting, plan: Deployments, running: Array, tau: Array) -> _Iteration:
    """Iterations with ``running`` requests in an attention group.

    Pipeline stages work on as many micro-steps at once, each with its share of the requests, and
    an iteration is one pass of a micro-step through all stages.
    """
    budget = setting.efficiency.get("engine.max_num_batched_tokens")
    share_of_stage = running / plan.pp
    batch = plan.with_(batch=share_of_stage / plan.tp)
    plain = decode_step(setting, batch)[0].total_s
    computed = np.maximum(plan.isl * (1.0 - plan.reuse), 1.0)
    room = np.maximum(budget - share_of_stage * (1.0 + plan.mtp_tokens), 1.0)
    arriving = share_of_stage * tau * computed / plan.osl
    chunk = np.minimum(np.maximum(arriving, computed / plan.cp), room)
    computed_tokens = chunk + share_of_stage * (1.0 + plan.mtp_tokens)
    joint = plan.with_(tokens=computed_tokens / plan.tp * plan.isl / computed)
    mixed = prefill_step(setting, joint)[0].total_s + _cores_s(setting, batch)
    mixed = np.maximum(mixed, plain)
    share = np.minimum(arriving / chunk, 1.0)
    mean = (1.0 - share) * plain + share * mixed
    prompt = (1.0 + np.maximum(computed / plan.cp / chunk - 1.0, 0.0) / plan.pp) * mixed
    return _Iteration(plain, mixed, mean, prompt, chunk)


def _cores_s(setting: Setting, plan: Deployments) -> Array:
    """Attention over the caches of the running requests, the part of decode that no prompt chunk shares."""
    separate = plan.separate
    total = np.zeros_like(plan.tp)
    for op in lower_layers(setting.spec, decode_shape(plan, setting.graph), setting.formats, 0.0, separate=separate):
        if op.family in _CORES:
            total = total + op.layers * seconds(op, setting, "decode").total_s
    return total


def batch_run_s(plan: Deployments, point: ServePoint, requests: Array, instances: Array, spread: Array) -> Array:
    """Time to finish ``requests`` submitted at once: the steady part and the tail that drains.

    spread: longest answer over the mean one; the last requests decode almost alone
    """
    steady = requests / (point.request_per_s * instances)
    tau = tokens_per_iteration(plan.mtp_tokens, plan.accept)
    return steady + spread * plan.osl / tau * point.plain_s * 0.5


def batch_run_tpot_s(setting: Setting, plan: Deployments, point: ServePoint, requests: Array, shortest: float) -> Array:
    """Mean over requests of TPOT when ``requests`` per attention group are submitted at once.

    At the start prompts flood in: every step carries a full chunk until those that fit are in, and
    admissions are even over the flood. An engine that mixes chunks into decode lets a request spend
    its first ``k`` iterations in the rest of the flood. One that runs prompts first stops decoding for
    the rest of the flood, which costs every token of an answer its share.

    shortest: shortest answer [token]
    """
    tau = tokens_per_iteration(plan.mtp_tokens, plan.accept)
    budget = setting.efficiency.get("engine.max_num_batched_tokens")
    steps = np.minimum(requests, point.limit) * plan.isl * (1.0 - plan.reuse) / budget / plan.pp
    full_s = prefill_step(setting, plan.with_(tokens=np.full_like(steps, budget) / plan.tp))[0].total_s
    if setting.efficiency.has("prompts_first"):
        return point.tpot_s + 0.5 * steps * full_s * mean_inverse(shortest, plan.osl)
    share = share_within(0.5 * steps * tau, plan.osl)
    flooded = np.maximum(full_s, point.mixed_s)
    return share * flooded / tau + (1.0 - share) * point.tpot_s

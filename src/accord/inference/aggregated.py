"""One engine that mixes prompt chunks into decode iterations, under constant load.

A closed loop: every finished request is replaced by a new one, and what the engine does not run waits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.inference.mixed import Iteration, iteration
from accord.inference.settle import settled
from accord.inference.slo import tokens_per_iteration
from accord.inference.waiting import QUANTILES, Ttft, behind
from accord.parallel.memory import most_requests
from accord.parallel.plan import Deployments, Setting
from accord.step.prefill import prefill_step
from accord.workloads.lengths import mean_inverse, share_within

_ROUNDS, _ROUNDS_NEAR = 3, 1


@dataclass(frozen=True, slots=True)
class ServePoint:
    """A deployment at constant load, shape ``(D,)``.

    running: requests decoding in one attention group; limit: most it can hold (memory, engine)
    request_per_s: completed requests of one instance; tpot_s: mean
    """

    running: Array
    limit: Array
    request_per_s: Array
    tpot_s: Array
    plain_s: Array
    mixed_s: Array
    chunk: Array
    ttft: Ttft


def serve_point(setting: Setting, plan: Deployments, concurrency: Array, near: Array | None = None) -> ServePoint:
    """Closed loop of ``concurrency`` requests on one instance of ``plan``.

    concurrency: requests of the instance in flight or queued; infinite asks for the most it holds
    near: requests that run at parameters near these, from where it takes fewer steps
    """
    limit = request_limit(setting, plan)
    asked = concurrency / plan.groups
    held = np.maximum(np.minimum(asked, limit), 1e-9)
    tau = tokens_per_iteration(plan.mtp_tokens, plan.accept)
    most = _token_limit(setting, plan, tau)

    def answering(running: Array) -> Array:
        """Of those held, the part that is not waiting for its prompt."""
        step = iteration(setting, plan, running, tau)
        answer_s = plan.osl / tau * step.mean_s
        return np.minimum(held * answer_s / (answer_s + step.prompt_s), most)

    running = settled(answering, held, _ROUNDS) if near is None else settled(answering, near, _ROUNDS_NEAR)
    step = iteration(setting, plan, running, tau)
    per_group = running * tau / (plan.osl * step.mean_s)
    outside = np.where(np.isfinite(asked), np.maximum(asked - running, 0.0), 0.0)
    return ServePoint(
        running, limit, per_group * plan.groups, step.mean_s / tau, step.plain_s, step.mixed_s, step.chunk,
        _ttft(step, outside, per_group),
    )  # fmt: skip


def _ttft(step: Iteration, outside: Array, per_s: Array) -> Ttft:
    """TTFT in a closed loop with ``outside`` requests of a group in flight that do not decode yet.

    A request waits for the rest of an iteration, anywhere in it, and for its prompt. Little's law says
    how long those outside spend there; what is beyond that is a queue in order of arrival, and behind
    ``m`` others that leave at random one waits a gamma time of shape ``m``.
    """
    own = step.prompt_s + 0.5 * step.mean_s
    queued = np.maximum(outside / per_s - own, 0.0)
    ahead = queued * per_s
    quantiles = (step.prompt_s + q * step.mean_s + queued * behind(ahead, q) for q in QUANTILES)
    return Ttft(own + queued, *quantiles)


def request_limit(setting: Setting, plan: Deployments) -> Array:
    """Requests one attention group holds at once: memory, and the engine's own limit."""
    efficiency = setting.efficiency
    budget = efficiency.scalar("engine.max_num_batched_tokens")
    by_memory = most_requests(setting, plan, np.full_like(plan.tp, budget))
    return np.minimum(by_memory, efficiency.scalar("engine.max_num_seqs") * plan.pp)


def _token_limit(setting: Setting, plan: Deployments, tau: Array) -> Array:
    """Running requests at which prompts alone fill the token budget of every iteration."""
    budget = setting.efficiency.scalar("engine.max_num_batched_tokens")
    computed = plan.isl * (1.0 - plan.reuse)
    return plan.pp * budget / (1.0 + plan.mtp_tokens + tau * computed / plan.osl)


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
    budget = setting.efficiency.scalar("engine.max_num_batched_tokens")
    steps = np.minimum(requests, point.limit) * plan.isl * (1.0 - plan.reuse) / budget / plan.pp
    full_s = prefill_step(setting, plan.with_(tokens=np.full_like(steps, budget) / plan.tp))[0].total_s
    if setting.efficiency.has("prompts_first"):
        return point.tpot_s + 0.5 * steps * full_s * mean_inverse(shortest, plan.osl)
    share = share_within(0.5 * steps * tau, plan.osl)
    flooded = np.maximum(full_s, point.mixed_s)
    return share * flooded / tau + (1.0 - share) * point.tpot_s

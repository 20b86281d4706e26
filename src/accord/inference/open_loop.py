"""One engine that mixes prompt chunks into decode, under requests that arrive by themselves.

Arrivals are Poisson at a stated rate and do not wait for answers. As many requests run as Little's law
says: rate times the time to answer, which grows with those that run. A request waits

- for one of the engine's running requests to leave, where memory or the engine allow no more,
- for the iteration under way, if the engine is busy,
- for prompts that came before it: mixed iterations take a budget of prompt tokens, so prompts stand in
  one queue whose server takes the budget's share of a full iteration for each,

and then its own prompt is computed, chunk by chunk. All prompts are ``isl`` long; answers are
exponential. Where more arrives than is served, the rest queues for the window that is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.inference.aggregated import ServePoint, serve_point
from accord.inference.mixed import Iteration, iteration
from accord.inference.settle import crossing
from accord.inference.slo import tokens_per_iteration
from accord.inference.waiting import CONSTANT, EXPONENTIAL, QUANTILES, Queue, Ttft, backlog_s, queue
from accord.parallel.plan import Deployments, Setting
from accord.step.mixed import computed_tokens, mixed_s

_PARTS, _ROUNDS = 12, 3


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """A deployment under an open loop, shape ``(D,)``.

    served: as a closed loop that holds as many running; load: arrivals over the most that is served,
    above 1 the queue grows for as long as they keep coming
    """

    served: ServePoint
    load: Array


def open_point(setting: Setting, plan: Deployments, request_per_s: Array, window_s: Array) -> OpenPoint:
    """``request_per_s`` on one instance of ``plan``, for ``window_s``.

    TTFT quantiles add those of its parts, which is exact where one part matters and high where two do.
    """
    full = serve_point(setting, plan, np.full_like(plan.tp, np.inf))
    load = request_per_s / full.request_per_s
    tau = tokens_per_iteration(plan.mtp_tokens, plan.accept)
    rate = np.minimum(request_per_s, full.request_per_s)
    running = _running(setting, plan, rate / plan.groups, full.running, tau)
    step = iteration(setting, plan, running, tau)
    tpot = step.mean_s / tau
    first = first_token(
        setting, plan, running, rate / plan.groups, step, full.limit, window_s, backlog_s(load, window_s)
    )
    served = ServePoint(running, full.limit, rate, tpot, step.plain_s, step.mixed_s, step.chunk, first)
    return OpenPoint(served, load)


def first_token(
    setting: Setting, plan: Deployments, running: Array, per_group: Array, step: Iteration, limit: Array,
    window_s: Array, last_s: Array | float = 0.0,
) -> Ttft:  # fmt: skip
    """Time to first token of an attention group that ``per_group`` requests a second reach.

    running, step: requests that run in it, and its iterations; limit: most it holds
    last_s: what the last to arrive in ``window_s`` waits because more arrives than is served
    """
    tpot = step.mean_s / tokens_per_iteration(plan.mtp_tokens, plan.accept)
    slots = queue(running / limit, limit / (plan.osl * tpot), limit, EXPONENTIAL, window_s)
    prompts = _prompts(setting, plan, running, per_group, step, window_s)
    under_way = _under_way_s(step, running / plan.pp)
    mean = slots.mean_s + prompts.mean_s + 0.5 * last_s + under_way + step.prompt_s
    quantiles = (
        slots.quantile_s(q) + prompts.quantile_s(q) + q * last_s + 2.0 * q * under_way + step.prompt_s
        for q in QUANTILES
    )
    return Ttft(mean, *quantiles)


def _running(setting: Setting, plan: Deployments, per_group: Array, most: Array, tau: Array) -> Array:
    """Requests running in an attention group that finish ``per_group`` a second, up to ``most``."""

    def missing(running: Array) -> Array:
        return per_group - running * tau / (plan.osl * iteration(setting, plan, running, tau).mean_s)

    return crossing(missing, per_group, most, _PARTS, _ROUNDS)


def _prompts(
    setting: Setting, plan: Deployments, running: Array, per_group: Array, step: Iteration, window_s: Array
) -> Queue:
    """The queue for the token budget: one server, constant times, at the rate of full iterations."""
    filled = np.maximum(mixed_s(setting, plan, running, step.room), step.plain_s)
    per_s = plan.pp * step.room / filled / (computed_tokens(plan) / plan.cp)
    return queue(per_group / per_s, per_s, np.ones_like(per_s), CONSTANT, window_s)


def _under_way_s(step: Iteration, running: Array) -> Array:
    """Mean rest of the iteration that an arrival finds: half its squared mean over its mean, if any runs.

    Those running are Poisson in number, so none does with chance ``exp(-running)``.
    """
    squared = (1.0 - step.share) * step.plain_s**2 + step.share * step.mixed_s**2
    return -np.expm1(-running) * 0.5 * squared / step.mean_s

"""One iteration of an engine that mixes prompt chunks into decode.

In steady state every finished request is followed by one with a prompt of ``isl`` tokens, so each
iteration brings on average ``N tau isl / osl`` prompt tokens for ``N`` running requests that
yield ``tau`` tokens an iteration. Prompts enter in chunks of at most the engine's token budget; an
iteration with a chunk computes both together, one without is a plain decode iteration.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Number
from accord.parallel.plan import Deployments, Setting
from accord.step.breakdown import StepTime
from accord.step.decode import decode_step
from accord.step.mixed import computed_tokens, mixed_parts, mixed_s


@dataclass(frozen=True, slots=True)
class Iteration:
    """Plain, mixed and mean iteration, time from a prompt's first to its last chunk [s], shape ``(D,)``.

    chunk: prompt tokens of a mixed iteration; room: the most it takes; share: of iterations that are mixed
    microbatches: of a plain iteration
    """

    plain_s: Array
    mixed_s: Array
    mean_s: Array
    prompt_s: Array
    chunk: Array
    room: Array
    share: Array
    microbatches: Array


def iteration(
    setting: Setting, plan: Deployments, running: Array, tau: Array, budget: Number | None = None
) -> Iteration:
    """Iterations with ``running`` requests in an attention group.

    budget: most tokens of an iteration, the engine's default if omitted

    Pipeline stages work on as many micro-steps at once, each with its share of the requests, and
    an iteration is one pass of a micro-step through all stages.
    """
    share_of_stage = running / plan.pp
    step, microbatches = decode_step(setting, plan.with_(batch=share_of_stage / plan.tp))
    plain = step.total_s
    chunk, room, share = _chunks(setting, plan, running, tau, budget)
    mixed = np.maximum(mixed_s(setting, plan, running, chunk), plain)
    mean = (1.0 - share) * plain + share * mixed
    prompt = (1.0 + np.maximum(computed_tokens(plan) / plan.cp / chunk - 1.0, 0.0) / plan.pp) * mixed
    return Iteration(plain, mixed, mean, prompt, chunk, room, share, microbatches)


def mean_parts(
    setting: Setting, plan: Deployments, running: Array, tau: Array, budget: Number | None = None
) -> StepTime:
    """The mean iteration in parts; see :func:`iteration`, whose mixed iteration is besides never below a plain one."""
    chunk, _, share = _chunks(setting, plan, running, tau, budget)
    plain = decode_step(setting, plan.with_(batch=running / plan.pp / plan.tp))[0]
    mixed = mixed_parts(setting, plan, running, chunk)
    return StepTime(
        *((1.0 - share) * getattr(plain, part.name) + share * getattr(mixed, part.name) for part in fields(StepTime))
    )


def _chunks(
    setting: Setting, plan: Deployments, running: Array, tau: Array, budget: Number | None
) -> tuple[Array, Array, Array]:
    """Prompt tokens of a mixed iteration, the most it takes, and the share of iterations that are mixed."""
    share_of_stage = running / plan.pp
    computed = computed_tokens(plan)
    most = setting.efficiency.scalar("engine.max_num_batched_tokens") if budget is None else budget
    room = np.maximum(most - share_of_stage * (1.0 + plan.mtp_tokens), 1.0)
    arriving = share_of_stage * tau * computed / plan.osl
    chunk = np.minimum(np.maximum(arriving, computed / plan.cp), room)
    return chunk, room, np.minimum(arriving / chunk, 1.0)

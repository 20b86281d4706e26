"""One iteration of an engine that computes prompt chunks beside requests that decode.

Two views of it. :func:`mixed_s` is of a steady state, where every chunk is like the next: the estimate. The rest is
of a load that changes from one iteration to the next: the simulator. There an iteration with prompt tokens is

``cores of the chunk + layers of all rows + words of all sampled positions + host + what decoding adds``

- rows: prompt tokens, and one and its drafts for every decoding request. Together they pass projections, experts,
  reductions and exchanges, as so many prompt tokens.
- cores of the chunk: what attention over the entries that the prompt tokens see adds to layers that see none. So a
  decoding row is charged no attention of prompts.
- what decoding adds: attention over the caches of the requests that decode, and the drafts, as in a plain iteration.

It is never shorter than the plain iteration of the same requests; without them it is the prefill step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.ops.attention import lower_attention
from accord.ops.lower import lower_head
from accord.ops.op import Shape
from accord.parallel.plan import Deployments, Setting
from accord.parallel.shard import decode_shape
from accord.step.breakdown import StepTime
from accord.step.decode import decode_step, pipeline_s, stack_time
from accord.step.host import outside_s
from accord.step.prefill import prefill_step
from accord.step.price import layer_time, seconds

_CORES = ("attention_decode", "mla_decode", "linear")


def mixed_s(setting: Setting, plan: Deployments, running: Array, chunk: Array) -> Array:
    """An iteration of ``chunk`` prompt tokens beside ``running`` requests of an attention group, in steady state."""
    return mixed_parts(setting, plan, running, chunk).total_s


def mixed_parts(setting: Setting, plan: Deployments, running: Array, chunk: Array) -> StepTime:
    """The same in parts; attention over the caches of the running requests is among that of the prompts."""
    share_of_stage = running / plan.pp
    tokens = chunk + share_of_stage * (1.0 + plan.mtp_tokens)
    joint = plan.with_(tokens=tokens / plan.tp * plan.isl / computed_tokens(plan))
    batch = plan.with_(batch=share_of_stage / plan.tp)
    step = prefill_step(setting, joint)[0]
    return replace(step, attention_s=step.attention_s + _cores_s(setting, batch))


def computed_tokens(plan: Deployments) -> Array:
    """Tokens of a prompt that no cache holds, at least one."""
    return np.maximum(plan.isl * (1.0 - plan.reuse), 1.0)


def _cores_s(setting: Setting, plan: Deployments) -> Array:
    """Attention over the caches of the running requests, the part of decode that no prompt chunk shares."""
    shape = decode_shape(plan, setting.graph)
    total = np.zeros_like(plan.tp)
    for layer in setting.spec.distinct_layers:
        for op in lower_attention(layer.attention, setting.spec.hidden, shape, setting.formats, float(layer.count)):
            if op.family in _CORES:
                total = total + op.layers * seconds(op, setting, "decode").total_s
    return total


@dataclass(frozen=True, slots=True)
class Load:
    """What one attention group does in an iteration, all of its stages and context-parallel ranks, shape ``(D,)``.

    tokens: prompt tokens of ``prompts`` requests; pairs: cache entries they attend, summed over them
    batch: requests that decode; context: cache entries they read together
    """

    tokens: Array
    pairs: Array
    prompts: Array
    batch: Array
    context: Array


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds of an iteration, shape ``(D,)``.

    shared_s: of the total, experts, which work on the tokens of all groups of an instance
    beside_s: of a plain iteration, what decoding adds to one with prompt tokens
    """

    total_s: Array
    shared_s: Array
    beside_s: Array


def one_instance(plan: Deployments) -> Deployments:
    """The plan of a timer. Raises UsageError where it describes several."""
    if len(plan) != 1:
        raise UsageError(f"step times of {len(plan)} deployments at once", hint="give one deployment")
    return plan


def micro_step(plan: Deployments, load: Load, token_budget: float) -> Load:
    """A group's load as one of its pipeline's micro-steps has it.

    Requests are dealt to as many micro-steps as there are stages. Prompt tokens stay in one of them up to its
    token budget, and are dealt evenly beyond as many budgets.
    """
    stages = plan.pp
    share = np.minimum(load.tokens, np.maximum(token_budget, load.tokens / stages)) / np.maximum(load.tokens, 1.0)
    share = np.where((stages > 1.0) & (load.tokens > 0.0), share, 1.0)
    return Load(load.tokens * share, load.pairs * share, load.prompts * share, load.batch / stages,
                load.context / stages)  # fmt: skip


def plain_step(setting: Setting, plan: Deployments, batch: Array, context: Array) -> Parts:
    """A decode iteration of ``batch`` requests of a micro-step that read ``context`` entries together."""
    own = _many(plan, len(batch)).with_(
        batch=batch / plan.tp / plan.cp, context=context / np.where(batch > 0.0, batch, 1.0)
    )
    step = decode_step(setting, own)[0]
    works = np.where(batch > 0.0, 1.0, 0.0)
    shared = _shared(setting, plan, step.ffn_s)
    return Parts(step.total_s * works, shared * works, (_cores_s(setting, own) + step.draft_s) * works)


def layers_s(setting: Setting, plan: Deployments, tokens: Array, context: Array, prompts: Array) -> tuple[Array, Array]:
    """All layers over ``tokens`` rows of ``prompts`` requests, each of which attends ``context`` entries.

    Returns the whole and the part of the experts.
    """
    own = _many(plan, len(tokens))
    layers, _ = stack_time(setting, _prompt_shape(own, tokens, context, prompts), own.microbatches, plan.separate)
    return layers.device_s + layers.exchange_s, _shared(setting, plan, layers.ffn_s)


def row_parts(setting: Setting, plan: Deployments, rows: Array) -> tuple[Array, Array]:
    """What ``rows`` of a step take that attend nothing: layers, embedding, hand-over; and the experts' part."""
    none = np.zeros_like(rows)
    own = _many(plan, len(rows))
    whole, shared = layers_s(setting, plan, rows, none, none)
    shape = _prompt_shape(own, rows, none, none)
    at_none = _head_s(setting, replace(shape, tokens=none))
    return whole + (_head_s(setting, shape) - at_none) + pipeline_s(setting, own, shape), shared


def core_s(setting: Setting, plan: Deployments, tokens: Array, context: Array, prompts: Array) -> Array:
    """What attending ``context`` entries a token adds to layers over ``tokens`` rows of ``prompts`` requests."""
    none = np.zeros_like(tokens)
    attending = layers_s(setting, plan, tokens, context, prompts)[0]
    return attending - layers_s(setting, plan, tokens, none, none)[0]


def words_s(setting: Setting, plan: Deployments, positions: Array) -> Array:
    """Sampling at ``positions``, embedding apart."""
    none = np.zeros_like(positions)
    shape = _prompt_shape(_many(plan, len(positions)), none, none, none)
    return _head_s(setting, replace(shape, logits=positions / plan.cp))


def mixed_step(setting: Setting, plan: Deployments, load: Load) -> Parts:
    """An iteration of a micro-step with prompt tokens, before it is compared with the plain one."""
    drafted = 1.0 + plan.mtp_tokens
    attended = load.pairs / np.where(load.tokens > 0.0, load.tokens, 1.0)
    rows, shared = row_parts(setting, plan, load.tokens + load.batch * drafted)
    beside = plain_step(setting, plan, load.batch, load.context).beside_s
    device = (
        core_s(setting, plan, load.tokens, attended, load.prompts) + rows
        + words_s(setting, plan, load.prompts + load.batch * drafted) + beside
    )  # fmt: skip
    requests = (load.prompts + load.batch) / plan.cp
    return Parts(device + outside_s(setting.efficiency, device, requests, decode=False), shared, beside)


def _many(plan: Deployments, count: int) -> Deployments:
    return plan.pick(np.zeros(count, dtype=np.intp))


def _prompt_shape(plan: Deployments, tokens: Array, context: Array, prompts: Array) -> Shape:
    """A prefill step of one group, whose context-parallel ranks share its tokens and requests."""
    rows, requests = tokens / plan.cp, prompts / plan.cp
    return Shape(
        "prefill", rows, requests, context, requests,
        plan.tp, plan.ep, plan.tp * plan.groups, plan.groups, plan.redundant, rows, plan.cp,
    )  # fmt: skip


def _head_s(setting: Setting, shape: Shape) -> Array:
    return layer_time(lower_head(setting.spec, shape), setting, "prefill").attention_s


def _shared(setting: Setting, plan: Deployments, ffn_s: Array) -> Array:
    """Experts work for all groups; dense feed-forward layers are a group's own."""
    return ffn_s if setting.spec.is_moe and plan.separate else np.zeros_like(ffn_s)

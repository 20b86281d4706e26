"""One decode iteration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accord.base.array import Array
from accord.models.spec import Layer
from accord.ops.lower import lower_draft, lower_head, lower_layer, lower_layers
from accord.ops.op import Op, Shape
from accord.parallel.collectives import send_s
from accord.parallel.plan import Deployments, Setting
from accord.parallel.shard import decode_shape
from accord.step.breakdown import LayerTime, StepTime
from accord.step.host import outside_s
from accord.step.overlap import choose, overlapped
from accord.step.price import layer_time


def stack_time(setting: Setting, shape: Shape, microbatches: Array, separate: bool) -> tuple[LayerTime, Array]:
    """All decoder layers by resource, with the overlap asked for, and microbatches chosen.

    The choice is made once for the whole stack, as engines do.
    """
    layers = setting.spec.distinct_layers
    if not separate or np.all(microbatches == 1.0):
        return _sum([_group(setting, layer, shape, separate) for layer in layers]), np.ones_like(shape.tokens)
    slowdown = setting.efficiency.get("overlap.slowdown")
    if np.all(microbatches >= 2.0):
        half = shape.scaled(0.5)
        split = _sum([overlapped(_group(setting, layer, half, separate), slowdown) for layer in layers])
        return split, np.full_like(shape.tokens, 2.0)
    stacked = _whole_and_half(shape, max(shape.tokens.ndim, setting.axes))
    both = [_group(setting, layer, stacked, separate) for layer in layers]
    split = _sum([overlapped(one.pick(1), slowdown) for one in both])
    return choose(_sum([one.pick(0) for one in both]), split, microbatches)


def _whole_and_half(shape: Shape, axes: int) -> Shape:
    """The same step with all of its tokens and with half of them, on an axis before ``axes`` others."""
    shares = np.asarray([1.0, 0.5]).reshape(2, *(1,) * axes)
    parts = {name: getattr(shape, name) * shares for name in ("tokens", "requests", "logits", "routed")}
    return replace(shape, **parts)


def _group(setting: Setting, layer: Layer, shape: Shape, separate: bool) -> LayerTime:
    skew = setting.skew(shape.phase)
    ops = lower_layer(layer, setting.spec.hidden, shape, setting.formats, skew, separate=separate)
    return layer_time(ops, setting, shape.phase)


def _sum(parts: list[LayerTime]) -> LayerTime:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def pipeline_s(setting: Setting, plan: Deployments, shape: Shape) -> Array:
    """Hand-over of activations between pipeline stages."""
    if np.all(plan.pp == 1.0) or not setting.machine.tiers:
        return np.zeros_like(plan.pp)
    payload = shape.tokens / plan.tp * setting.spec.hidden * 2.0
    return (plan.pp - 1.0) * send_s(payload, setting.machine.tiers[-1], setting.efficiency)


def decode_ops(setting: Setting, plan: Deployments) -> list[Op]:
    """Every operator of one iteration without microbatches and drafts, for the explained table."""
    return stack_ops(setting, plan, decode_shape(plan, setting.graph))


def stack_ops(setting: Setting, plan: Deployments, shape: Shape) -> list[Op]:
    """Operators of all layers and of what lies outside them, for one step of ``shape``."""
    separate = plan.separate
    layers = lower_layers(setting.spec, shape, setting.formats, setting.skew(shape.phase), separate=separate)
    return layers + lower_head(setting.spec, shape)


def decode_step(setting: Setting, plan: Deployments) -> tuple[StepTime, Array]:
    """Parts of one iteration and the number of microbatches, shape ``(D,)`` each.

    All deployments must agree on whether attention groups are separate (dp > 1).
    """
    shape = decode_shape(plan, setting.graph)
    separate = plan.separate
    layers, microbatches = stack_time(setting, shape, plan.microbatches, separate)
    head = layer_time(lower_head(setting.spec, shape), setting, "decode").attention_s
    draft = _draft_s(setting, plan, shape, separate)
    device = StepTime(
        layers.attention_s, layers.ffn_s, layers.reduce_s, layers.exchange_s,
        head, draft, pipeline_s(setting, plan, shape), np.zeros_like(head),
    )  # fmt: skip
    outside = outside_s(setting.efficiency, device.total_s, shape.requests, decode=True)
    return replace(device, outside_s=outside), microbatches


def _draft_s(setting: Setting, plan: Deployments, shape: Shape, separate: bool) -> Array:
    """``mtp_tokens`` passes of the draft layer, one after another, each with its own output words."""
    if np.all(plan.mtp_tokens == 0.0):
        return np.zeros_like(plan.tp)
    one = replace(shape, tokens=shape.requests, logits=shape.requests, routed=shape.requests)
    skew = setting.skew("decode")
    ops = lower_draft(setting.spec, one, setting.formats, skew, separate=separate)
    layer = layer_time(ops, setting, "decode")
    head = layer_time(lower_head(setting.spec, one), setting, "decode").attention_s
    drafting = 0.0 if setting.efficiency.has("device_loop") else setting.efficiency.get("engine.draft_s")
    each = layer.device_s + layer.exchange_s + head + drafting
    return plan.mtp_tokens * each

"""One prefill step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accord.base.array import Array
from accord.ops.lower import lower_head
from accord.ops.op import Op
from accord.parallel.plan import Deployments, Setting
from accord.parallel.shard import prefill_shape
from accord.step.breakdown import StepTime
from accord.step.decode import pipeline_s, stack_ops, stack_time
from accord.step.host import outside_s
from accord.step.price import layer_time


def prefill_step(setting: Setting, plan: Deployments) -> tuple[StepTime, Array]:
    """Parts of one step of ``plan.tokens`` prompt tokens a device, and microbatches, shape ``(D,)``."""
    shape = prefill_shape(plan)
    separate = plan.separate
    layers, microbatches = stack_time(setting, shape, plan.microbatches, separate)
    head = layer_time(lower_head(setting.spec, shape), setting, "prefill").attention_s
    zero = np.zeros_like(head)
    device = StepTime(
        layers.attention_s, layers.ffn_s, layers.reduce_s, layers.exchange_s,
        head, zero, pipeline_s(setting, plan, shape), zero,
    )  # fmt: skip
    outside = outside_s(setting.efficiency, device.total_s, shape.requests, decode=False)
    return replace(device, outside_s=outside), microbatches


def prefill_ops(setting: Setting, plan: Deployments) -> list[Op]:
    """Every operator of one step without microbatches, for the explained table."""
    return stack_ops(setting, plan, prefill_shape(plan))

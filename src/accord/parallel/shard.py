"""A deployment's step as the shape operators are made from."""

from __future__ import annotations

import numpy as np

from accord.ops.op import Shape
from accord.parallel.plan import Deployments


def decode_shape(plan: Deployments) -> Shape:
    """One decode iteration: every request of the attention group brings 1 + draft tokens.

    With pipeline stages the requests of a group are dealt to as many micro-steps, so one
    micro-step carries ``batch * tp`` requests and passes every stage.
    """
    requests = plan.batch * plan.tp
    tokens = requests * (1.0 + plan.mtp_tokens)
    return Shape(
        "decode", tokens, requests, np.maximum(plan.context, 1.0), tokens,
        plan.tp, plan.ep, plan.tp * plan.dp, plan.dp, plan.redundant,
    )  # fmt: skip


def prefill_shape(plan: Deployments) -> Shape:
    """One prefill step over ``tokens`` prompt tokens a device, of which the reused share is not computed.

    Each computed token attends the reused prefix and, on average, half of the computed part.
    """
    computed = np.maximum(plan.isl * (1.0 - plan.reuse), 1.0)
    requests = plan.tokens * plan.tp / np.maximum(plan.isl, 1.0)
    tokens = requests * computed
    context = plan.isl * plan.reuse + computed / 2.0
    return Shape(
        "prefill", tokens, requests, context, requests,
        plan.tp, plan.ep, plan.tp * plan.dp, plan.dp, plan.redundant,
    )  # fmt: skip

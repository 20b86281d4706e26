"""A deployment's step as the shape operators are made from."""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.ops.op import Shape
from accord.parallel.plan import Deployments

CAPTURED = 512.0


def padded(tokens: Array) -> Array:
    """Tokens of a captured graph that holds ``tokens``: 1, 2, 4, then multiples of 8 up to 512.

    Larger steps run as they are. Source: default capture sizes of vLLM and SGLang (2026).
    """
    small = 2.0 ** np.ceil(np.log2(np.maximum(tokens, 1.0)))
    size = np.where(tokens <= 4.0, small, 8.0 * np.ceil(tokens / 8.0))
    return np.where(tokens <= CAPTURED, size, tokens)


def decode_shape(plan: Deployments, graph: bool = True) -> Shape:
    """One decode iteration: every request of the attention group brings 1 + draft tokens.

    Context-parallel ranks count as groups that each hold their share of the requests.

    graph: the step replays a captured graph, whose rows are padded to its size.

    With pipeline stages the requests of a group are dealt to as many micro-steps, so one
    micro-step carries ``batch * tp`` requests and passes every stage.
    """
    requests = plan.batch * plan.tp
    tokens = requests * (1.0 + plan.mtp_tokens)
    rows = padded(tokens) if graph else tokens
    return Shape(
        "decode", rows, requests, np.maximum(plan.context, 1.0), rows,
        plan.tp, plan.ep, plan.tp * plan.groups, plan.groups, plan.redundant, tokens, plan.cp,
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
        plan.tp, plan.ep, plan.tp * plan.groups, plan.groups, plan.redundant, tokens, plan.cp,
    )  # fmt: skip

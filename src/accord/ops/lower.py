"""A model and a step become a list of operators.

One line a family: attention blocks in :mod:`accord.ops.attention`, feed-forward blocks in
:mod:`accord.ops.moe`, and what lies outside the layers here.
"""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Number
from accord.models.spec import Layer, ModelSpec
from accord.ops.attention import lower_attention
from accord.ops.gemm import gemm
from accord.ops.moe import lower_ffn
from accord.ops.op import Formats, Op, Shape, exchange_op
from accord.ops.vector import norm, vector


def lower_layers(spec: ModelSpec, shape: Shape, formats: Formats, skew: Number, *, separate: bool) -> list[Op]:
    """All decoder layers, MTP layers out. Equal operators of equal layers appear once, with a count."""
    ops: list[Op] = []
    for layer in spec.distinct_layers:
        ops += lower_layer(layer, spec.hidden, shape, formats, skew, separate=separate)
    return ops


def lower_layer(layer: Layer, hidden: int, shape: Shape, formats: Formats, skew: Number, *, separate: bool) -> list[Op]:
    """One group of equal layers, with the reductions that tensor parallelism needs.

    separate: attention groups hold different tokens (dp > 1)
    """
    count = float(layer.count)
    ops = lower_attention(layer.attention, hidden, shape, formats, count)
    ops.append(_reduction("attention reduction", shape.tokens, hidden, shape.tp, count))
    ops += lower_ffn(layer.ffn, hidden, shape, formats, count, skew, separate=separate)
    routed_away = layer.ffn.experts > 0 and separate
    ranks = np.ones_like(shape.tp) if routed_away else shape.tp
    ops.append(_reduction("feed-forward reduction", shape.tokens, hidden, ranks, count))
    return ops


def lower_head(spec: ModelSpec, shape: Shape, layers: float = 1.0) -> list[Op]:
    """Embedding, final norm, output projection over a split vocabulary, and sampling, 16-bit weights."""
    one = np.ones_like(shape.tokens)
    return [
        vector("embedding", "head", shape.tokens * spec.hidden * 4.0, layers),
        norm("final norm", "head", shape.logits, spec.hidden, layers),
        gemm(
            "output projection to words", "head", "bf16", shape.logits, spec.hidden, one * spec.vocab / shape.tp, layers
        ),
        vector("sampling", "head", shape.logits * spec.vocab / shape.tp * 8.0, layers, launches=4.0),
    ]


def lower_draft(spec: ModelSpec, shape: Shape, formats: Formats, skew: Number, *, separate: bool) -> list[Op]:
    """One pass of the multi-token-prediction layer; models without one draft with their last layer."""
    layer = spec.mtp or spec.layers[-1]
    single = Layer(attention=layer.attention, ffn=layer.ffn, count=1, norms=layer.norms)
    one = np.ones_like(shape.tokens)
    mix = gemm("draft input projection", "head", "bf16", shape.tokens, 2.0 * spec.hidden, one * spec.hidden, 1.0)
    return [mix, *lower_layer(single, spec.hidden, shape, formats, skew, separate=separate)]


def _reduction(name: str, tokens: Array, hidden: int, ranks: Array, layers: float) -> Op:
    return exchange_op(name, "reduce", "reduce", tokens * hidden * 2.0, ranks, layers=layers)

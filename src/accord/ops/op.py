"""The record every operator is, and the shapes operators are made from.

All arrays have shape ``(D,)``: one entry a deployment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from accord.base.array import Array

Phase = Literal["prefill", "decode"]
Stage = Literal["attention", "ffn", "exchange", "reduce", "head"]


@dataclass(frozen=True, slots=True)
class Formats:
    """How numbers are stored. attention, experts, dense: weights by place; kv: the cache."""

    attention: str
    dense: str
    experts: str
    kv: str


@dataclass(frozen=True, slots=True)
class Shape:
    """One micro-step on one attention group, before operators are made.

    phase: decode reads the cache once a request; prefill computes whole chunks
    tokens: new tokens of the attention group [token]
    requests: requests of the attention group [request]
    context: cached and new entries a new token attends, averaged [token]
    logits: positions whose next token is sampled [token]
    tp: ranks that split one attention; ep: ranks that hold different experts
    group: ranks that share one feed-forward layer (tp x dp); groups: attention groups in it (dp)
    redundant: expert copies beyond one of each, over all ranks
    cp: groups that share the context of a request
    routed: tokens that are routed to experts; rows that only pad a captured graph are not [token]
    """

    phase: Phase
    tokens: Array
    requests: Array
    context: Array
    logits: Array
    tp: Array
    ep: Array
    group: Array
    groups: Array
    redundant: Array
    routed: Array
    cp: Array

    def scaled(self, share: float) -> Shape:
        """The same step with ``share`` of its tokens and requests (a microbatch)."""
        return replace(
            self,
            tokens=self.tokens * share,
            requests=self.requests * share,
            logits=self.logits * share,
            routed=self.routed * share,
        )


@dataclass(frozen=True, slots=True)
class Op:
    """One operator on one device, in one layer.

    family: whose efficiency it follows (``gemm``, ``grouped``, ``attention_decode`` ...)
    flop, bytes: work of the device [FLOP, B]; launches: kernels; layers: how many layers repeat it
    depth: inner dimension that every output tile walks from end to end [1]
    rows, width: its shape class: how often a stored number is used, and how many stored numbers or
        independent pieces of work there are
    wire_bytes, ranks: for exchanges, bytes one device sends and ranks that take part
    tokens: rows of the exchange, for its latency and its copies
    """

    name: str
    family: str
    stage: Stage
    fmt: str
    flop: Array
    bytes: Array
    depth: Array
    rows: Array
    width: Array
    launches: Array | float
    layers: float
    wire_bytes: Array
    ranks: Array
    experts_per_token: float = 0.0


def compute_op(  # noqa: PLR0913  what an operator is
    name: str, family: str, stage: Stage, fmt: str, flop: Array, moved: Array, *,
    depth: Array | float = 0.0, rows: Array | float = 1.0, width: Array | float = 1.0,
    launches: float = 1.0, layers: float = 1.0,
) -> Op:  # fmt: skip
    """An operator without an exchange."""
    zero = np.zeros_like(flop)
    shape = flop.shape
    return Op(
        name, family, stage, fmt, flop, _of_shape(moved, shape), _of_shape(depth, shape), _of_shape(rows, shape),
        _of_shape(width, shape), launches, layers, zero, np.ones_like(flop),
    )  # fmt: skip


def _of_shape(values: Array | float, shape: tuple[int, ...]) -> Array:
    """Values with one entry a deployment; what has them already is not copied."""
    if isinstance(values, np.ndarray) and values.shape == shape:
        return values
    return np.zeros(shape) + values


def exchange_op(
    name: str, family: str, stage: Stage, wire_bytes: Array, ranks: Array, *,
    layers: float = 1.0, experts_per_token: float = 0.0,
) -> Op:  # fmt: skip
    """A collective: ``wire_bytes`` leave each of ``ranks`` devices."""
    zero = np.zeros_like(wire_bytes)
    one = zero + 1.0
    return Op(
        name, family, stage, "", zero, zero, zero, one, one, 0.0, layers, wire_bytes, ranks + zero, experts_per_token
    )

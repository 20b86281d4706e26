"""Deployments as the shape of one step."""

from __future__ import annotations

import numpy as np
import pytest
from tests.rig import value

from accord.parallel.plan import deployments
from accord.parallel.shard import decode_shape, padded, prefill_shape


@pytest.mark.parametrize(("tokens", "rows"), [
    (0.3, 1), (1, 1), (1.5, 2), (3, 4), (4, 4), (5, 8), (8, 8), (9, 16), (96, 96), (97, 104), (512, 512), (513, 513),
])  # fmt: skip
def test_rows_of_captured_graphs(tokens: float, rows: float) -> None:
    assert value(padded(np.array([tokens]))) == rows


def test_padding_never_shrinks_and_keeps_order() -> None:
    tokens = np.linspace(0.01, 1000.0, 5000)
    assert np.all(padded(tokens) >= tokens)
    assert np.all(np.diff(padded(tokens)) >= 0.0)


def test_decode_brings_one_token_and_the_drafts() -> None:
    plan = deployments(tp=4, dp=8, ep=32, batch=6, isl=1000, osl=500, mtp_tokens=2, redundant=16)
    shape = decode_shape(plan)
    assert value(shape.requests) == 24
    assert value(shape.tokens) == value(shape.logits) == 72
    assert value(shape.context) == 1250
    assert (value(shape.tp), value(shape.ep), value(shape.group), value(shape.groups)) == (4, 32, 32, 8)
    assert value(shape.redundant) == 16


def test_graphs_pad_tokens_and_not_requests() -> None:
    plan = deployments(tp=1, batch=5, isl=1000, mtp_tokens=1)
    assert (value(decode_shape(plan).tokens), value(decode_shape(plan).requests)) == (16, 5)
    assert value(decode_shape(plan, graph=False).tokens) == 10


def test_an_empty_context_still_holds_the_token_itself() -> None:
    assert value(decode_shape(deployments(tp=1, isl=0, osl=0)).context) == 1


def test_prefill_attends_half_of_the_prompt_on_average() -> None:
    shape = prefill_shape(deployments(tp=2, tokens=8192, isl=4096))
    assert value(shape.requests) == value(shape.logits) == 4
    assert value(shape.tokens) == 16384
    assert value(shape.context) == 2048


def test_prefill_does_not_compute_what_is_reused() -> None:
    shape = prefill_shape(deployments(tp=1, tokens=8192, isl=4096, reuse=0.75))
    assert value(shape.requests) == 2
    assert value(shape.tokens) == 2 * 1024
    assert value(shape.context) == 3072 + 512


def test_a_prompt_reused_whole_still_computes_its_last_token() -> None:
    shape = prefill_shape(deployments(tp=1, tokens=4096, isl=4096, reuse=1))
    assert value(shape.tokens) == 1


def test_a_microbatch_is_half_of_everything_that_scales() -> None:
    shape = decode_shape(deployments(tp=1, dp=8, ep=8, batch=64, isl=1000))
    half = shape.scaled(0.5)
    assert (value(half.tokens), value(half.requests), value(half.logits)) == (32, 32, 32)
    assert (value(half.context), value(half.groups)) == (value(shape.context), 8)

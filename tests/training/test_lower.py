"""Operators of training: their work is that of the model, and every product has its two backward products."""

from __future__ import annotations

import numpy as np
import pytest
from tests.training.rig import gpt, job

from accord.training.flop import model_flop, train_flop_per_token
from accord.training.layout import Job, Layouts, layouts
from accord.training.lower import CORES, PRODUCTS, head_pieces, input_gradient, pieces, weight_gradient
from accord.training.times import op_s

MODELS = ("llama-3.1-8b", "llama-3.1-70b", "deepseek-v3", "qwen3-235b-a22b", "mixtral-8x7b")


def forward_flop(asked: Job, lay: Layouts) -> float:
    """FLOP of a forward pass of one micro-batch on one device."""
    layers = sum(
        layer.count * float(piece.op.flop[0])
        for layer in asked.spec.distinct_layers
        for piece in pieces(asked, lay, layer)
    )
    return layers + sum(float(piece.op.flop[0]) for piece in head_pieces(asked, lay))


@pytest.mark.parametrize("name", MODELS)
def test_forward_flop_is_that_of_the_model(name: str) -> None:
    asked = job(name, balanced=True)
    lay = layouts(micro=2.0)
    flop = model_flop(asked.spec, asked.seq)
    stated = float(flop.forward(causal=True)) * 2.0 * asked.seq
    assert forward_flop(asked, lay) == pytest.approx(stated, rel=0.01)


@pytest.mark.parametrize("name", ["llama-3.1-70b", "deepseek-v3"])
def test_tensor_and_context_ranks_share_the_flop(name: str) -> None:
    asked = job(name, balanced=True)
    one = forward_flop(asked, layouts(micro=1.0))
    for tp, cp in ((2.0, 1.0), (1.0, 4.0), (4.0, 2.0)):
        lay = layouts(tp=tp, cp=cp, micro=1.0)
        assert tp * cp * forward_flop(asked, lay) == pytest.approx(one, rel=0.08)  # low-rank products stay whole


def test_backward_is_twice_forward_but_for_kernels_that_compute_again() -> None:
    asked = job("llama-3.1-8b")
    lay = layouts(micro=1.0)
    for piece in pieces(asked, lay, asked.spec.layers[0]):
        op, back, own = piece.op, input_gradient(piece.op), weight_gradient(piece.op, 4.0)
        if op.family in PRODUCTS:
            assert own is not None
            assert back.flop[0] == op.flop[0] == own.flop[0]
            assert own.bytes[0] > op.bytes[0]  # the sum of gradients is wider than the weights
        elif op.family in CORES:
            assert own is None
            assert back.flop[0] == 2.5 * op.flop[0]
        else:
            assert own is None


def test_weight_gradients_walk_the_tokens() -> None:
    asked = job(gpt(2, 1024, 16))
    lay = layouts(micro=4.0)
    up = next(piece.op for piece in pieces(asked, lay, asked.spec.layers[0]) if "up projection" in piece.op.name)
    own = weight_gradient(up, 4.0)
    assert own is not None
    assert own.depth[0] == up.rows[0] == 4.0 * asked.seq
    assert own.rows[0] == up.depth[0] == 1024.0
    assert own.width[0] == pytest.approx(4096.0 * 4.0 * asked.seq)


def test_narrow_products_are_fed_by_casts() -> None:
    wide = pieces(job("llama-3.1-8b"), layouts(), job("llama-3.1-8b").spec.layers[0])
    narrow = pieces(job("llama-3.1-8b", precision="fp8"), layouts(), job("llama-3.1-8b").spec.layers[0])
    assert len(narrow) - len(wide) == sum(piece.op.family == "gemm" for piece in wide)
    assert all(piece.op.fmt == "bf16" for piece in narrow if piece.op.family in CORES)


def test_frozen_weights_have_no_gradients_and_adapters_do() -> None:
    asked = job("llama-2-70b", lora_rank=16)
    found = pieces(asked, layouts(), asked.spec.layers[0])
    trained = [piece for piece in found if not piece.frozen and piece.op.family in PRODUCTS]
    assert {piece.op.name for piece in trained} == {"adapters into their rank", "adapters out of their rank"}


def test_sequence_parallel_ranks_share_norms() -> None:
    asked = job("llama-3.1-70b")
    for name in ("attention norm", "feed-forward norm"):
        split, whole = (
            next(p.op for p in pieces(asked, layouts(tp=8.0, sp=sp), asked.spec.layers[0]) if p.op.name == name)
            for sp in (1.0, 0.0)
        )
        assert 8.0 * split.bytes[0] == pytest.approx(whole.bytes[0])


def test_uneven_experts_load_the_busiest_rank() -> None:
    even, uneven = job("deepseek-v3", balanced=True), job("deepseek-v3")
    lay = layouts(dp=64.0, ep=64.0)
    layer = even.spec.distinct_layers[-1]
    loads = [
        next(piece.op for piece in pieces(asked, lay, layer) if piece.op.name == "expert up projection").flop[0]
        for asked in (even, uneven)
    ]
    assert loads[1] > loads[0]


@pytest.mark.parametrize("name", ["gemma-3-27b-it", "deepseek-v3.2", "llama-4-maverick", "minimax-m1", "glm-5"])
def test_windows_and_indexes_count_what_positions_see(name: str) -> None:
    asked = job(name, seq=8192.0, balanced=True)
    flop = model_flop(asked.spec, asked.seq)
    stated = float(flop.forward(causal=True)) * asked.seq
    assert forward_flop(asked, layouts()) == pytest.approx(stated, rel=0.02)


@pytest.mark.parametrize("name", ["deepseek-v3.2", "glm-5", "minimax-text-01", "qwen3.5-397b-a17b"])
def test_every_core_runs_at_a_rate_like_that_of_others(name: str) -> None:
    asked = job(name, seq=8192.0)
    peak = float(asked.machine.device.compute("bf16").flop_per_s)
    for layer in asked.spec.distinct_layers:
        for piece in pieces(asked, layouts(), layer):
            if piece.op.family in CORES:
                share = piece.op.flop[0] / (op_s(piece.op, asked)[0] * peak)
                assert 0.05 < share < 0.6


def test_training_flop_is_three_times_forward() -> None:
    asked = job("llama-3.1-8b")
    flop = model_flop(asked.spec, asked.seq)
    assert np.isclose(train_flop_per_token(asked.spec, asked.seq), 3.0 * float(flop.forward(causal=True)))

"""Splitting work does not make or lose it."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from tests import rig

from accord.ops.lower import lower_head, lower_layers
from accord.ops.op import Op, Phase
from accord.parallel.plan import deployments
from accord.parallel.shard import decode_shape, prefill_shape

# Computed whole on every rank: the router scores every expert, the latent down projections and the
# indexer make what all heads share. Element-wise kernels have no FLOP.
REPLICATED = (
    "router",
    "query and kv down projection",
    "query down and kv projection",
    "index projection",
    "index scores",
)
REPLICATED_PARTS = ("qkv projection",)  # key/value heads repeat where ranks outnumber them
DIVIDING = {
    "deepseek-r1": (1, 2, 8, 32, 128),
    "deepseek-v3.2": (1, 2, 8, 32, 128),
    "llama-3.1-70b": (1, 2, 4, 8),
    "qwen3-235b-a22b": (1, 2, 4),
    "gpt-oss-120b": (1, 2, 4, 8),
    "minimax-m1": (1, 2, 4, 8),
    "llama-3.1-8b": (1, 2, 4, 8),
}


def flop_of(name: str, tp: int, phase: Phase) -> dict[str, float]:
    """FLOP of all ranks of one attention group by operator; every rank holds a slice of each expert."""
    one = rig.setting_of(name, "huawei-cloudmatrix-384")
    plan = deployments(tp=tp, ep=1, batch=64 / tp, tokens=4096 / tp, isl=2048, osl=2)
    shape = decode_shape(plan) if phase == "decode" else prefill_shape(plan)
    ops: list[Op] = lower_layers(one.spec, shape, one.formats, 0.0, separate=False) + lower_head(one.spec, shape)
    total: dict[str, float] = defaultdict(float)
    for op in ops:
        total[op.name] += float(op.flop[0]) * op.layers * tp
    return dict(total)


@pytest.mark.parametrize("phase", ["decode", "prefill"])
@pytest.mark.parametrize("name", DIVIDING)
def test_tensor_ranks_share_the_flop(name: str, phase: Phase) -> None:
    whole = flop_of(name, 1, phase)
    for tp in DIVIDING[name][1:]:
        for operator, flop in flop_of(name, tp, phase).items():
            if operator in REPLICATED:
                assert flop == pytest.approx(whole[operator] * tp), operator
            else:
                assert flop == pytest.approx(whole[operator]), (operator, tp)


def test_ranks_beyond_the_key_value_heads_repeat_them() -> None:
    whole, split = flop_of("llama-3.1-70b", 1, "decode"), flop_of("llama-3.1-70b", 32, "decode")
    for operator, flop in split.items():
        if operator in REPLICATED_PARTS:
            assert flop / whole[operator] == pytest.approx((64 + 2 * 8 * 4) / (64 + 2 * 8))
        else:
            assert flop == pytest.approx(whole[operator]), operator


@pytest.mark.parametrize("name", ["deepseek-r1", "qwen3-235b-a22b", "gpt-oss-120b"])
def test_expert_ranks_share_the_flop_when_tokens_fall_evenly(name: str) -> None:
    """The busiest of equal ranks approaches the mean as tokens grow, so totals agree."""
    one = rig.setting_of(name, "huawei-cloudmatrix-384")
    totals = []
    for dp in (2, 4, 16, 64):
        shape = decode_shape(deployments(tp=1, dp=dp, ep=dp, batch=4e7 / dp, isl=100))
        ops = lower_layers(one.spec, shape, one.formats, 0.0, separate=True)
        totals.append(sum(float(op.flop[0]) * op.layers * dp for op in ops if op.family == "grouped"))
    assert totals == pytest.approx([totals[0]] * 4, rel=0.01)


def test_stages_do_not_change_the_work_of_a_step() -> None:
    plan = deployments(tp=2, pp=(1, 2, 4), batch=16, isl=1000)
    shape = decode_shape(plan)
    assert np.all(shape.tokens == shape.tokens[0])

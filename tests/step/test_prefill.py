"""A prefill step."""

from __future__ import annotations

import numpy as np
import pytest
from tests import rig
from tests.rig import setting, value

from accord.models.params import count
from accord.parallel.plan import deployments
from accord.step.prefill import prefill_ops, prefill_step

CM384 = rig.setting_of("deepseek-r1", "huawei-cloudmatrix-384", "int8", "bf16", "cloudmatrix-infer")


def test_no_draft_and_words_for_the_last_token_alone() -> None:
    short = prefill_step(setting(), deployments(tp=1, tokens=8192, isl=4096))[0]
    assert value(short.draft_s) == 0.0
    many = prefill_step(setting(), deployments(tp=1, tokens=8192, isl=64))[0]
    assert value(many.head_s) > value(short.head_s)


@pytest.mark.parametrize("name", ["llama-3.1-70b", "qwen3-235b-a22b", "gpt-oss-120b"])
def test_flop_a_token_are_twice_the_active_parameters(name: str) -> None:
    """Attention over the context apart: a short prompt, so that it hardly counts."""
    one = rig.setting_of(name, "nvidia-gb200-nvl72")
    spec = rig.spec_of(name)
    tokens = 1e6
    ops = prefill_ops(one, deployments(tp=1, tokens=tokens, isl=16))
    flop = sum(value(op.flop) * op.layers for op in ops if op.stage != "head" and op.name != "attention core")
    sizes = count(spec)
    active = sizes.active_without_embeddings - sizes.lm_head
    assert flop / tokens == pytest.approx(2 * active, rel=0.005)


def test_reuse_saves_time_and_keeps_the_context() -> None:
    reuse = (0.0, 0.25, 0.5, 0.75, 0.9)
    total = prefill_step(CM384, deployments(tp=1, dp=32, ep=32, tokens=8192, isl=4096, reuse=reuse))[0].total_s
    assert np.all(np.diff(total) < 0.0)
    assert total[-1] > total[0] * 0.1  # a tenth of the tokens, and fixed time beside it


def test_two_microbatches_hide_exchanges() -> None:
    plan = deployments(tp=1, dp=32, ep=32, tokens=8192, isl=4096, microbatches=(1, 2))
    step, chosen = prefill_step(CM384, plan)
    assert chosen.tolist() == [1, 2]
    assert step.exchange_s[1] < step.exchange_s[0]


def test_stages_hand_over() -> None:
    step = prefill_step(setting(), deployments(tp=2, pp=(1, 3), tokens=1000, isl=1000))[0]
    assert step.pipeline_s == pytest.approx([0.0, 2 * (5e-6 + 1000 * 512 * 2 / 5e9)])

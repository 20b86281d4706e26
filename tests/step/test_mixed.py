"""An iteration with prompt chunks beside requests that decode, as the simulator asks for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import rig
from tests.rig import setting, value

from accord.base.array import array
from accord.base.errors import UsageError
from accord.ops.op import Formats
from accord.parallel.plan import Deployments, Setting, deployments
from accord.step.decode import decode_step
from accord.step.exact import ExactTimer
from accord.step.mixed import Load, micro_step, mixed_s
from accord.step.prefill import prefill_step

CM384 = rig.setting_of("deepseek-r1", "huawei-cloudmatrix-384", "int8", "bf16", "cloudmatrix-infer")
CASES: dict[str, tuple[Setting, Deployments]] = {
    "dense": (rig.setting_of("llama-3.1-8b", "nvidia-h100-sxm-1", engine="vllm"), deployments(tp=1, isl=1)),
    "tensor": (rig.setting_of("llama-3.1-70b", "nvidia-hgx-h100-8", engine="vllm"), deployments(tp=4, isl=1)),
    "stages": (rig.setting_of("llama-3.1-70b", "nvidia-hgx-h100-8"), deployments(tp=4, pp=2, isl=1)),
    "context": (rig.setting_of("llama-3.1-70b", "nvidia-hgx-h100-8"), deployments(tp=4, cp=2, isl=1)),
    "prefill pool": (CM384, deployments(tp=1, dp=32, ep=32, isl=1, redundant=32)),
    "decode pool": (CM384, deployments(tp=1, dp=320, ep=320, isl=1, mtp_tokens=1, accept=0.7, redundant=32)),
    "windows": (rig.setting_of("gpt-oss-120b", "nvidia-hgx-h100-8"), deployments(tp=4, isl=1)),
    "states": (rig.setting_of("minimax-m1", "nvidia-hgx-h100-8"), deployments(tp=8, isl=1)),
    "indexer": (rig.setting_of("deepseek-v3.2", "nvidia-gb200-nvl72"), deployments(tp=1, dp=32, ep=32, isl=1)),
}
EXPERTS = CASES["prefill pool"]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("cached", "chunk"), [(0, 1), (0, 900), (0, 16384), (3000, 700), (100_000, 5)])
def test_a_chunk_alone_takes_a_prefill_step(name: str, cached: int, chunk: int) -> None:
    one, plan = CASES[name]
    whole = float(cached + chunk)
    prompt = plan.with_(tokens=whole / plan.tp / plan.cp, isl=array(whole), reuse=array(cached / whole))
    expected = value(prefill_step(one, prompt)[0].total_s)
    taken = ExactTimer(one, plan, token_budget=1e6).mixed(chunk, chunk * (cached + chunk / 2), 1, 0, 0.0)
    assert taken == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("batch", [1, 7, 96])
def test_without_prompts_it_is_a_decode_iteration(name: str, batch: int) -> None:
    one, plan = CASES[name]
    step = plan.with_(batch=batch / plan.tp / plan.pp / plan.cp, context=array(1234.0))
    taken, slope, until = ExactTimer(one, plan).line(batch, 1234.0 * batch)
    assert taken == pytest.approx(value(decode_step(one, step)[0].total_s), rel=1e-9)
    assert (slope, until) == (0.0, 1234.0 * batch)


def test_decoding_rows_see_no_attention_of_prompts() -> None:
    """What the rows add does not depend on how much the chunk attends."""
    one, plan = CASES["windows"]
    timer = ExactTimer(one, plan)
    added = [timer.mixed(512, pairs, 1, 64, 64e3) - timer.mixed(512, pairs, 1, 0, 0.0) for pairs in (512 * 256, 512e5)]
    assert added[0] == pytest.approx(added[1], rel=1e-9)
    assert added[0] > 0.0


def test_a_few_prompt_tokens_never_make_an_iteration_shorter() -> None:
    for one, plan in CASES.values():
        timer = ExactTimer(one, plan)
        assert timer.mixed(1, 0.5, 1, 96, 96e3) >= timer.line(96, 96e3)[0]


def test_it_is_near_the_mixed_iteration_of_the_steady_state() -> None:
    one, plan = CASES["dense"]
    steady = plan.with_(isl=array(2048.0), context=array(2148.0))
    expected = value(mixed_s(one, steady, array(100.0), array(1900.0)))
    taken = ExactTimer(one, plan).mixed(1900, 1900 * 1024.0, 1, 100, 100 * 2148.0)
    assert taken == pytest.approx(expected, rel=0.05)


def test_equal_groups_are_as_one() -> None:
    same = np.ones(8)
    for one, plan in CASES.values():
        timer = ExactTimer(one, plan)
        plain = timer.joint(0 * same, 0 * same, 0 * same, 64 * same, 64e3 * same)
        assert plain == pytest.approx(timer.line(64, 64e3)[0], rel=1e-12)
        mixed = timer.joint(512 * same, 512 * 256.0 * same, same, 64 * same, 64e3 * same)
        assert mixed == pytest.approx(timer.mixed(512, 512 * 256.0, 1, 64, 64e3), rel=1e-12)


def test_dense_groups_wait_for_the_slowest_alone() -> None:
    one, plan = CASES["tensor"][0], deployments(tp=2, dp=4, isl=1, microbatches=1)
    timer, none = ExactTimer(one, plan), np.zeros(4)
    batch, context = np.array([3.0, 40.0, 0.0, 20.0]), np.array([9e4, 4e4, 0.0, 2e4])
    alone = [timer.line(int(b), c)[0] for b, c in zip(batch, context, strict=True) if b]
    assert timer.joint(none, none, none, batch, context) == pytest.approx(max(alone), rel=1e-12)


def test_experts_work_on_the_tokens_of_all_groups() -> None:
    """One long context holds all back by its attention, but not by the experts of a full batch."""
    one, plan = CASES["decode pool"]
    timer, none = ExactTimer(one, plan), np.zeros(320)
    batch, context = np.full(320, 48.0), np.full(320, 48 * 4000.0)
    even = timer.joint(none, none, none, batch, context)
    context[7] *= 2.0
    longer = timer.joint(none, none, none, batch, context)
    assert even < longer <= timer.line(48, 96 * 4000.0)[0] * (1 + 1e-9)
    batch[:] = 1.0
    batch[0] = 48.0
    assert timer.joint(none, none, none, batch, batch * 4000.0) < even


def test_one_group_with_a_prompt_holds_the_others_back() -> None:
    one, plan = EXPERTS
    timer, none = ExactTimer(one, plan), np.zeros(32)
    tokens = none.copy()
    tokens[3] = 4096.0
    alone = timer.joint(tokens, tokens * 2048.0, tokens / 4096.0, none, none)
    every = timer.mixed(4096, 4096 * 2048.0, 1, 0, 0.0)
    assert 0.3 * every < alone < every


def test_a_stated_overhead_takes_the_place_of_the_engines() -> None:
    for name in ("dense", "decode pool"):
        one, plan = CASES[name]
        fast, slow = (ExactTimer(one, plan, step_overhead_s=seconds) for seconds in (0.0, 4e-3))
        assert slow.line(8, 8e3)[0] - fast.line(8, 8e3)[0] == pytest.approx(4e-3)
        assert slow.mixed(4096, 1e6, 1, 0, 0.0) - fast.mixed(4096, 1e6, 1, 0, 0.0) == pytest.approx(4e-3)
    kept = ExactTimer(CASES["dense"][0], CASES["dense"][1], step_overhead_s=None)
    assert kept.line(8, 8e3) == ExactTimer(*CASES["dense"]).line(8, 8e3)


def test_stages_share_prompts_beyond_one_budget() -> None:
    _, plan = CASES["stages"]
    dealt = [micro_step(plan, load(tokens), 2048.0) for tokens in (1000.0, 2048.0, 3000.0, 4096.0, 8192.0)]
    assert [value(one.tokens) for one in dealt] == pytest.approx([1000.0, 2048.0, 2048.0, 2048.0, 4096.0])
    assert [value(one.batch) for one in dealt] == [10.0] * 5
    assert value(dealt[-1].pairs) == pytest.approx(0.5 * 8192.0**2 / 2)


def load(tokens: float) -> Load:
    return Load(array(tokens), array(tokens * tokens / 2), array(1.0), array(20.0), array(20e3))


def test_several_deployments_have_no_one_step_time() -> None:
    with pytest.raises(UsageError, match="several|2 deployments"):
        ExactTimer(setting(), deployments(tp=(1, 2), isl=1))


def test_a_narrower_cache_is_read_faster() -> None:
    one, plan = CASES["dense"]
    narrow = replace(one, formats=Formats("bf16", "bf16", "bf16", "fp8"))
    assert ExactTimer(narrow, plan).line(64, 64e4)[0] < ExactTimer(one, plan).line(64, 64e4)[0]

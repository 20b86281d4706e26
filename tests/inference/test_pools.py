"""One pool at constant load."""

from __future__ import annotations

import numpy as np
import pytest
from tests import rig
from tests.rig import setting, value

from accord.inference.grid import evaluate
from accord.inference.pools import decode_point, largest_batch, prefill_point
from accord.parallel.plan import deployments

CM384 = rig.setting_of("deepseek-r1", "huawei-cloudmatrix-384", "int8", "bf16", "cloudmatrix-infer")
WIDE = deployments(
    tp=1, dp=320, ep=320, batch=(4, 12, 48), isl=4096, osl=256, mtp_tokens=1, accept=0.7, redundant=32
)  # fmt: skip


def test_decode_identities() -> None:
    point = decode_point(CM384, WIDE)
    assert point.iteration_s == pytest.approx(point.step.total_s)
    assert point.tpot_s == pytest.approx(point.iteration_s / 1.7)
    assert point.tokens_per_s_per_device == pytest.approx(WIDE.batch / point.tpot_s)
    assert np.all(point.memory.free_bytes > 0.0)


def test_prefill_identities() -> None:
    plan = deployments(tp=1, dp=32, ep=32, tokens=8192, isl=4096, reuse=(0.0, 0.5))
    point = prefill_point(CM384, plan)
    assert point.served_tokens_per_s_per_device == pytest.approx(8192 / point.step_s)
    assert point.tokens_per_s_per_device == pytest.approx(np.array([8192, 4096]) / point.step_s)


def test_waiting_for_the_cache_is_not_hidden() -> None:
    plan = deployments(tp=1, dp=32, ep=32, tokens=8192, isl=4096)
    waited = prefill_point(CM384, plan, np.array([0.25]))
    assert value(waited.step_s) == pytest.approx(value(prefill_point(CM384, plan).step_s) + 0.25)


def test_the_largest_batch_keeps_the_goal_and_one_more_does_not() -> None:
    goal = 0.05
    most = largest_batch(CM384, WIDE.take(slice(0, 1)), goal)
    assert value(most) == np.floor(value(most))
    for extra, kept in ((0.0, True), (1.0, False)):
        point = decode_point(CM384, WIDE.take(slice(0, 1)).with_(batch=most + extra))
        assert (value(point.tpot_s) <= goal and value(point.memory.free_bytes) >= 0.0) is kept


def test_the_largest_batch_is_bounded_by_memory() -> None:
    one = setting()
    plan = deployments(tp=1, isl=1_000_000, osl=1)
    most = largest_batch(one, plan, 1e9)
    assert value(decode_point(one, plan.with_(batch=most)).memory.free_bytes) >= 0.0
    assert value(decode_point(one, plan.with_(batch=most + 1.0)).memory.free_bytes) < 0.0


def test_a_goal_nothing_reaches_leaves_one_request() -> None:
    assert value(largest_batch(CM384, WIDE.take(slice(0, 1)), 1e-6)) == 1.0


def test_a_grid_mixes_deployments_with_and_without_attention_groups() -> None:
    one = rig.setting_of("qwen3-235b-a22b", "nvidia-gb200-nvl72")
    plan = deployments(tp=(8, 1, 4, 2), dp=(1, 8, 1, 16), ep=(8, 8, 1, 32), batch=8, tokens=4096, isl=2048)
    grid = evaluate(one, plan)
    for at in range(4):
        alone = plan.take(slice(at, at + 1))
        decode, prefill = decode_point(one, alone), prefill_point(one, alone)
        assert grid.tpot_s[at] == pytest.approx(value(decode.tpot_s), rel=1e-12)
        assert grid.prefill_step_s[at] == pytest.approx(value(prefill.step_s), rel=1e-12)
        free = min(value(decode.memory.free_bytes), value(prefill.memory.free_bytes))
        assert bool(grid.fits[at]) is (free >= 0.0)

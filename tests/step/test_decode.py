"""A decode iteration: drafts, stages, microbatches, and time outside the layers."""

from __future__ import annotations

import numpy as np
import pytest
from tests import rig
from tests.rig import setting, value

from accord.parallel.plan import Deployments, deployments
from accord.step.decode import decode_step

CM384 = rig.setting_of("deepseek-r1", "huawei-cloudmatrix-384", "int8", "bf16", "cloudmatrix-infer")


def wide(**columns: object) -> Deployments:
    given = {"tp": 1, "dp": 320, "ep": 320, "batch": 48, "isl": 4096, "osl": 256, "redundant": 32}
    return deployments(**{**given, **columns})


def test_without_drafts_and_stages_those_parts_are_nothing() -> None:
    step, microbatches = decode_step(setting(), deployments(tp=1, batch=8, isl=100))
    assert (value(step.draft_s), value(step.pipeline_s), value(step.exchange_s), value(step.reduce_s)) == (0, 0, 0, 0)
    assert value(microbatches) == 1


def test_time_outside_the_layers() -> None:
    step, _ = decode_step(setting(), deployments(tp=2, batch=8, isl=100))
    assert value(step.outside_s) == pytest.approx(1e-3 + 16 * 1e-6)


def test_every_draft_costs_the_same() -> None:
    draft = decode_step(CM384, wide(mtp_tokens=(1, 2, 3)))[0].draft_s
    assert draft[1] == pytest.approx(2 * draft[0])
    assert draft[2] == pytest.approx(3 * draft[0])
    assert draft[0] > 0.0


def test_the_draft_layer_is_about_one_of_the_stack() -> None:
    step = decode_step(CM384, wide(mtp_tokens=1, microbatches=1))[0]
    layer = value(step.attention_s + step.ffn_s + step.reduce_s + step.exchange_s) / 61
    assert 0.5 * layer < value(step.draft_s) < 3 * layer


def test_stages_hand_over() -> None:
    step, _ = decode_step(setting(), deployments(tp=2, pp=(1, 2, 4), batch=8, isl=100))
    once = 5e-6 + 16 / 2 * 512 * 2 / (10e9 * 0.5)
    assert step.pipeline_s == pytest.approx([0.0, once, 3 * once])


def test_attention_groups_do_not_see_one_another_in_a_dense_model() -> None:
    one = rig.setting_of("llama-3.1-70b", "nvidia-hgx-h100-8")
    alone = decode_step(one, deployments(tp=2, dp=1, batch=8, isl=1000))[0]
    beside = decode_step(one, deployments(tp=2, dp=4, batch=8, isl=1000, microbatches=1))[0]
    assert value(beside.total_s) == pytest.approx(value(alone.total_s))


def test_microbatches_asked_for_and_chosen() -> None:
    step, chosen = decode_step(CM384, wide(microbatches=(0, 1, 2), mtp_tokens=1))
    assert chosen.tolist()[1:] == [1, 2]
    assert step.total_s[0] == pytest.approx(min(step.total_s[1:]))


def test_a_larger_batch_serves_more_tokens_a_second() -> None:
    batch = np.array([4, 12, 48, 96, 192.0])
    step, _ = decode_step(CM384, wide(batch=batch))
    assert np.all(np.diff(batch / step.total_s) > 0.0)


def test_without_graphs_every_kernel_waits_for_the_host() -> None:
    one = setting()
    eager = type(one)(one.spec, one.machine, one.formats, one.efficiency, graph=False)
    plan = deployments(tp=1, batch=8, isl=100)
    assert value(decode_step(eager, plan)[0].total_s) > value(decode_step(one, plan)[0].total_s)


def test_balanced_experts_are_never_slower() -> None:
    even = type(CM384)(CM384.spec, CM384.machine, CM384.formats, CM384.efficiency, balanced=True)
    assert value(decode_step(even, wide())[0].ffn_s) < value(decode_step(CM384, wide())[0].ffn_s)

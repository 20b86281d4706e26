"""A step: parts that sum, what hides what, and the machine's limits."""

from __future__ import annotations

from dataclasses import fields, replace

import msgspec
import numpy as np
import pytest
from tests.training.rig import efficiency, gpt, job, machine, model

from accord.models.spec import ModelSpec
from accord.training.layout import DUALPIPE, FULL, NONE, PLAIN, SELECTIVE, layouts
from accord.training.lower import pieces
from accord.training.memory import rank_weights
from accord.training.step import optimizer_s, train_step
from accord.training.times import op_s, soft_maximum
from accord.training.wires import experts_s, send_s, sync, tensor_s


def test_parts_sum_to_the_step() -> None:
    found = train_step(job("deepseek-v3", global_batch=2.0**25), layouts(pp=8.0, dp=64.0, ep=32.0, vp=[1.0, 2.0],
                                                                        schedule=[PLAIN, 1.0]))  # fmt: skip
    assert np.allclose(sum(getattr(found, field.name) for field in fields(found)), found.total_s)
    assert all(np.all(getattr(found, field.name) >= -1e-12) for field in fields(found))


def test_a_step_alone_is_the_sum_of_its_micro_batches() -> None:
    asked = job("llama-3.1-8b", global_batch=8.0 * 4096.0, timed_alone=True)
    one, two = (train_step(replace(asked, global_batch=n * 4096.0), layouts()) for n in (8.0, 16.0))
    fixed = 2.0 * one.total_s - two.total_s  # optimizer and host, once a step
    assert fixed[0] == pytest.approx(float(one.optimizer_s[0] + one.host_s[0]), rel=1e-9)


def test_full_recomputation_costs_a_forward_pass() -> None:
    asked = job("llama-3.1-70b", timed_alone=True)
    none, some, full = (train_step(asked, layouts(tp=8.0, dp=8.0, recompute=one)) for one in (NONE, SELECTIVE, FULL))
    assert full.recompute_s[0] / none.compute_s[0] == pytest.approx(1.0 / 3.0, abs=0.05)
    assert 0.0 < some.recompute_s[0] < 0.3 * full.recompute_s[0]


def test_a_board_with_less_power_multiplies_slower() -> None:
    asked = job("llama-3.1-70b")
    op = next(p.op for p in pieces(asked, layouts(), asked.spec.layers[0]) if p.op.name == "dense up projection")
    times = []
    for watts in (None, 700.0, 350.0):
        device = replace(asked.machine.device, power_w=watts)
        times.append(op_s(op, replace(asked, machine=replace(asked.machine, device=device)))[0])
    assert times[0] < times[1] < times[2]
    fed = op.flop[0] / (350.0 * efficiency("nvidia-hgx-h100-8").scalar("train.flop_per_joule", "bf16"))
    assert times[2] == pytest.approx(fed, rel=0.05)


def test_soft_maximum_lies_above_both_and_near_the_larger() -> None:
    one = np.asarray([1.0, 1.0, 1.0])
    assert np.allclose(soft_maximum(one, 3.0), 3.0, rtol=1e-3)
    assert np.all(soft_maximum(one, np.asarray([0.5, 1.0, 2.0])) >= np.maximum(one, [0.5, 1.0, 2.0]))
    assert soft_maximum(one, 1.0)[0] == pytest.approx(2.0 ** (1.0 / 6.0))


def test_lone_ranks_say_nothing_to_anybody() -> None:
    asked = job("mixtral-8x7b")
    lay = layouts()
    layer = asked.spec.layers[0]
    for found in (tensor_s(asked, lay, layer), experts_s(asked, lay, layer.ffn), send_s(asked, lay)):
        assert found[0] == 0.0
    both = sync(asked, lay, rank_weights(asked, lay))
    assert both.reduce_s[0] == both.gather_s[0] == 0.0


def test_gathers_and_scatters_move_what_sums_move() -> None:
    asked = job("llama-3.1-70b", "nvidia-hgx-h100-8")
    layer = asked.spec.layers[0]
    split, whole = (tensor_s(asked, layouts(tp=4.0, sp=sp, micro=8.0), layer)[0] for sp in (1.0, 0.0))
    assert split == pytest.approx(whole, rel=0.35)  # sums have kernels of their own


def test_dualpipe_hides_what_is_shorter_than_the_work_beside_it() -> None:
    asked = job("deepseek-v3", "nvidia-hgx-h800-8", global_batch=15360 * 4096.0, precision="fp8")
    lay = layouts(pp=16.0, dp=128.0, ep=64.0, schedule=[PLAIN, DUALPIPE], recompute=1.0)
    found = train_step(asked, lay)
    assert found.experts_s[0] > 0.0
    assert found.experts_s[1] == 0.0
    assert found.total_s[1] < found.total_s[0]


def test_zero_shards_the_optimizer_and_offloading_slows_it() -> None:
    asked = job("llama-3.1-8b")
    weights = rank_weights(asked, layouts(dp=8.0))
    whole, shard, away = (
        optimizer_s(asked, layouts(dp=8.0, zero=zero, offload=offload), weights)[0]
        for zero, offload in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    )
    assert whole == pytest.approx(8.0 * shard)
    assert away > shard


def test_the_stage_with_the_head_carries_fewer_layers() -> None:
    """126 layers over 16 stages: two stages have seven (Llama 3, arXiv 2407.21783, section 3.3.2)."""
    asked = job("llama-3.1-405b", seq=8192.0, global_batch=2.0**24, timed_alone=True)
    even = job(replace_layers(128), seq=8192.0, global_batch=2.0**24, timed_alone=True)
    lay = layouts(tp=8.0, pp=16.0, dp=64.0, micro=1.0)
    with_spare, without = train_step(asked, lay), train_step(even, lay)
    assert with_spare.compute_s[0] < without.compute_s[0]


def replace_layers(count: int) -> ModelSpec:
    """The 405B model with another number of layers."""
    spec = model("llama-3.1-405b")
    layer = msgspec.structs.replace(spec.layers[0], count=count)
    return msgspec.structs.replace(spec, layers=(layer,))


def test_scalar_is_the_array_of_one() -> None:
    asked = job(gpt(24, 2048, 16), "nvidia-hgx-a100-8", seq=2048.0)
    rng = np.random.default_rng(7)
    lay = layouts(tp=rng.choice([1.0, 2.0, 4.0, 8.0], 40), pp=rng.choice([1.0, 2.0, 4.0], 40),
                  dp=rng.choice([1.0, 2.0, 4.0], 40), micro=rng.choice([1.0, 2.0], 40),
                  zero=rng.choice([0.0, 1.0], 40), recompute=rng.choice([0.0, 1.0, 2.0], 40))  # fmt: skip
    every = train_step(asked, lay).total_s
    for at in range(40):
        assert train_step(asked, lay.pick(slice(at, at + 1))).total_s[0] == pytest.approx(every[at], rel=1e-12)


def test_known_machine_has_a_board_power() -> None:
    assert machine("nvidia-hgx-h100-8").device.power_w == 700.0
    assert machine("huawei-cloudmatrix-384").device.power_w == 350.0  # two devices a package

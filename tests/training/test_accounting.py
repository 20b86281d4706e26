"""Training compute summed over stages: sums, methods, intervals, refusals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.models import Attention, Ffn, Layer, ModelSpec, count
from accord.training.accounting import (
    PURPOSES,
    ComputeAccount,
    ForwardPass,
    HardwareUse,
    KnownCompute,
    Stage,
    account,
)
from accord.training.flop import lora_flop_per_token, lora_params, model_flop, train_flop_per_token

SPEC = ModelSpec(
    id="hand",
    model_type="hand",
    hidden=1024,
    vocab=10_000,
    layers=(
        Layer(
            attention=Attention(kind="full", heads=8, kv_heads=8, head_dim=128, v_head_dim=128),
            ffn=Ffn(hidden=4096),
            count=8,
        ),
    ),
)
N = float(count(SPEC).active)
PRETRAINING = Stage(name="pretraining", kind="pretraining", tokens=1e12, seq=4096.0)
ROLLOUTS = ForwardPass(purpose="rollout", tokens=4e9, seq=8192.0)
REINFORCEMENT = Stage(name="rl", kind="rl", tokens=1e9, seq=8192.0, forward=(ROLLOUTS,))


def test_one_stage_by_operators_and_by_six_nd() -> None:
    done = account([PRETRAINING], spec=SPEC)
    assert done.total_flop == train_flop_per_token(SPEC, 4096.0) * 1e12
    assert [one.name for one in done.methods] == ["operators", "6nd"]
    assert done.methods[1].flop == 6.0 * N * 1e12
    levels = sorted(math.log10(one.flop) for one in done.methods)
    assert (done.log10_low, done.log10_high) == pytest.approx(levels)
    assert done.own_flop == done.total_flop
    assert done.base_flop == done.left_out_flop == 0.0
    assert done.own_over_base is None


def test_without_a_shape_six_nd_is_all_there_is() -> None:
    done = account([PRETRAINING], active_params=2e9)
    assert done.total_flop == 1.2e22
    assert [one.name for one in done.methods] == ["6nd"]
    assert done.log10_low == pytest.approx(done.log10_high)


def test_stated_weights_go_before_counted_ones() -> None:
    assert account([PRETRAINING], spec=SPEC, active_params=2e9).methods[1].flop == 1.2e22


def test_stages_add_up_and_run_on() -> None:
    stages = [
        PRETRAINING,
        Stage(name="mid", kind="continued", tokens=1e11, seq=4096.0),
        Stage(name="longer", kind="long-context", tokens=5e10, seq=131072.0),
        Stage(name="sft", kind="sft", tokens=1e9, seq=8192.0),
        REINFORCEMENT,
    ]
    done = account(stages, spec=SPEC)
    assert done.total_flop == pytest.approx(sum(one.flop for one in done.stages))
    running = 0.0
    for one in done.stages:
        running += one.flop
        assert one.cumulative_flop == pytest.approx(running)
        assert one.flop == one.training_flop + sum(f.flop for f in one.forward if f.included)
    longer = done.stages[2]
    assert longer.training_flop / longer.six_nd_flop > 3.0, "the square of a long context, which 6ND leaves out"


def test_rollouts_are_forward_only_and_listed() -> None:
    done = account([REINFORCEMENT], spec=SPEC)
    (passes,) = done.stages[0].forward
    assert passes.flop == model_flop(SPEC, 8192.0).forward(causal=True) * 4e9
    assert passes.flop / 4e9 == pytest.approx(done.stages[0].training_flop / 1e9 / 3.0)
    without = account([REINFORCEMENT], spec=SPEC, include=[p for p in PURPOSES if p != "rollout"])
    assert done.total_flop - without.total_flop == pytest.approx(passes.flop)
    assert without.left_out_flop == passes.flop
    assert done.left_out_flop == 0.0


def test_a_teacher_has_its_own_shape_or_weights() -> None:
    def distilled(teacher: ForwardPass) -> ComputeAccount:
        stage = Stage(name="distil", kind="distillation", tokens=1e9, seq=4096.0, forward=(teacher,))
        return account([stage], spec=SPEC)

    known = ForwardPass(purpose="teacher", tokens=1e9, seq=4096.0, active_params=4e11)
    assert distilled(known).stages[0].forward[0].flop == 2 * 4e11 * 1e9
    shaped = replace(known, active_params=None, spec=SPEC)
    assert (
        distilled(shaped).stages[0].forward[0].flop == distilled(replace(shaped, spec=None)).stages[0].forward[0].flop
    )
    for one in distilled(known).methods:
        assert one.flop > 2 * 4e11 * 1e9


def test_ones_own_beside_the_base() -> None:
    base = replace(PRETRAINING, base=True)
    tuning = Stage(name="tuning", kind="sft", tokens=1e11, seq=4096.0)
    both = account([base, tuning], spec=SPEC)
    assert both.base_flop + both.own_flop == pytest.approx(both.total_flop)
    assert both.own_over_base == pytest.approx(0.1)
    known = account([tuning], spec=SPEC, base=KnownCompute(flop=both.base_flop))
    assert known.total_flop == pytest.approx(both.total_flop)
    assert known.own_over_base == pytest.approx(0.1)
    assert known.stages[0].cumulative_flop == pytest.approx(both.total_flop)


def test_adapters_and_frozen_shares() -> None:
    tuning = Stage(name="lora", kind="sft", tokens=1e9, seq=4096.0, lora_rank=16)
    done = account([tuning], spec=SPEC)
    assert done.total_flop == lora_flop_per_token(SPEC, 4096.0, 16) * 1e9
    assert done.methods[1].flop == pytest.approx((4 * N + 6 * lora_params(SPEC, 16)) * 1e9)
    flop = model_flop(SPEC, 4096.0)
    shares = [
        account([replace(tuning, lora_rank=None, trainable=x)], spec=SPEC).total_flop / 1e9 for x in (0.0, 0.5, 1.0)
    ]
    assert shares[2] == train_flop_per_token(SPEC, 4096.0)
    assert shares[2] - shares[0] == pytest.approx(flop.matrices + flop.lm_head)
    assert shares[1] == pytest.approx((shares[0] + shares[2]) / 2)


def test_hardware_is_another_method() -> None:
    flop = account([PRETRAINING], spec=SPEC).total_flop
    use = HardwareUse(
        chips=1000, peak_flop_per_s=1e15, seconds=flop * 1.1 / (1000 * 1e15 * 0.4), utilisation=0.4, factor=1.2
    )
    done = account([PRETRAINING], spec=SPEC, hardware=use)
    assert [one.name for one in done.methods] == ["operators", "6nd", "hardware"]
    assert done.total_flop == flop
    hardware = done.methods[2]
    assert hardware.flop == pytest.approx(1.1 * flop)
    assert hardware.log10_high - hardware.log10_low == pytest.approx(2 * math.log10(1.2))
    assert done.log10_high == hardware.log10_high
    beside = account([PRETRAINING], spec=SPEC, hardware=use, base=KnownCompute(flop=flop, factor=2.0))
    assert beside.methods[2].flop == pytest.approx(2.1 * flop)
    assert 10 ** beside.methods[2].log10_high == pytest.approx(2.0 * flop + 1.1 * 1.2 * flop)


def test_doubts_about_tokens_and_weights_add_in_quadrature() -> None:
    for tokens, params in ((1.0, 1.0), (1.3, 1.0), (1.0, 1.1), (1.3, 1.1)):
        done = account([replace(PRETRAINING, tokens_factor=tokens)], spec=SPEC, params_factor=params)
        reach = math.hypot(math.log10(tokens), math.log10(params))
        for one in done.methods:
            assert one.log10_high - math.log10(one.flop) == pytest.approx(reach)
            assert math.log10(one.flop) - one.log10_low == pytest.approx(reach)
        assert done.log10_low == min(one.log10_low for one in done.methods)
        assert done.log10_high == max(one.log10_high for one in done.methods)


@given(
    st.floats(1e6, 1e14), st.floats(1.0, 1e6), st.floats(1.0, 3.0), st.floats(1.0, 3.0), st.floats(1e18, 1e26),
    st.floats(1.0, 10.0), st.booleans(),
)  # fmt: skip
def test_the_total_lies_in_its_interval(
    tokens: float, seq: float, tokens_factor: float, params_factor: float, base: float, base_factor: float, shaped: bool
) -> None:
    stage = Stage(name="a", kind="continued", tokens=tokens, seq=seq, tokens_factor=tokens_factor, forward=(ROLLOUTS,))
    done = account(
        [stage], spec=SPEC if shaped else None, active_params=N, params_factor=params_factor,
        base=KnownCompute(flop=base, factor=base_factor),
    )  # fmt: skip
    assert done.log10_low <= done.log10 + 1e-12
    assert done.log10 <= done.log10_high + 1e-12
    assert done.total_flop == pytest.approx(done.base_flop + done.own_flop)
    assert done.stages[-1].cumulative_flop == pytest.approx(done.total_flop)
    far = done.distance_log10(1e25)
    assert far.low - 1e-12 <= far.log10 <= far.high + 1e-12
    assert far.log10 == pytest.approx(done.log10 - 25.0)


def test_distances_are_plain_numbers() -> None:
    done = account([PRETRAINING], active_params=1e9)
    assert [round(done.distance_log10(at).log10, 3) for at in (1e23, 1e25, 1e26)] == [-1.222, -3.222, -4.222]
    with pytest.raises(UsageError, match="threshold"):
        done.distance_log10(0.0)


@pytest.mark.parametrize(
    ("stage", "settings", "message"),
    [
        ({"tokens": 0.0}, {}, "0.0 tokens in sequences of 4096.0"),
        ({"seq": -1.0}, {}, "sequences of -1.0"),
        ({"tokens": float("nan")}, {}, "nan tokens"),
        ({"kind": "tuning"}, {}, "no kind of stage is called 'tuning'"),
        ({"trainable": 1.5}, {}, "trainable share is 1.5"),
        ({"lora_rank": 8, "trainable": 0.5}, {}, "adapters need"),
        ({"lora_rank": 8}, {"spec": None, "active_params": 1e9}, "adapters need"),
        ({"lora_rank": 0}, {}, "rank of adapters is 0"),
        ({"tokens_factor": 0.5}, {}, "factor of doubt is 0.5"),
        ({"forward": (ForwardPass(purpose="rollout", tokens=-1.0, seq=1.0),)}, {}, "-1.0 tokens"),
        ({"forward": (replace(ROLLOUTS, active_params=-1.0),)}, {}, "active_params is -1.0"),
        ({}, {"params_factor": float("nan")}, "factor of doubt"),
        ({}, {"spec": None}, "neither the model's shape"),
        ({}, {"active_params": 0.0}, "active_params is 0.0"),
        ({}, {"base": KnownCompute(flop=0.0)}, "base model's compute is 0.0"),
        ({}, {"include": ["rollouts"]}, "no purpose of a pass is called 'rollouts'"),
        (
            {},
            {"hardware": HardwareUse(chips=1, peak_flop_per_s=1e15, seconds=1.0, utilisation=1.5)},
            "hardware's use makes",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(stage: dict[str, Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        account([replace(PRETRAINING, **stage)], **{"spec": SPEC, **settings})
    assert caught.value.hint


def test_no_stage_is_refused() -> None:
    with pytest.raises(UsageError, match="no stage"):
        account([], spec=SPEC)


def test_hardware_alone_is_enough() -> None:
    use = HardwareUse(chips=1e5, peak_flop_per_s=1e15, seconds=1e7, utilisation=0.35, factor=1.5)
    done = account([], hardware=use)
    assert done.total_flop == done.own_flop == use.flop == pytest.approx(3.5e26)
    assert done.log10_high - done.log10_low == pytest.approx(2 * math.log10(1.5))
    beside = account([], hardware=use, base=KnownCompute(flop=1e26))
    assert beside.total_flop == beside.base_flop + beside.own_flop == pytest.approx(4.5e26)

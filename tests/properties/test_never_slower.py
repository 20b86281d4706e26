"""Faster hardware is never slower, and more work is never faster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import rig

from accord.base.array import Array
from accord.base.errors import MissingFact
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine
from accord.inference.pools import decode_point, prefill_point
from accord.parallel.plan import Deployments, Setting

COUNT = 24
SLACK = 1e-9
FEWER = settings(max_examples=4)
SEEDS = st.integers(0, 2**32 - 1)
EVERYWHERE = [(name, system) for name in rig.MODELS for system in rig.SYSTEMS]


def more_bandwidth(machine: Machine, factor: float) -> Machine:
    return replace(
        machine, device=replace(machine.device, memory_bytes_per_s=machine.device.memory_bytes_per_s * factor)
    )


def more_flop(machine: Machine, factor: float) -> Machine:
    peaks = {name: rate * factor for name, rate in machine.device.peak_flop_per_s.items()}
    return replace(machine, device=replace(machine.device, peak_flop_per_s=peaks))


def more_link(machine: Machine, factor: float) -> Machine:
    return replace(machine, tiers=tuple(wider(tier, factor) for tier in machine.tiers))


def wider(tier: FabricTier, factor: float) -> FabricTier:
    def times(rate: float | None) -> float | None:
        return None if rate is None else rate * factor

    return replace(
        tier, bytes_per_s=tier.bytes_per_s * factor, read_bytes_per_s=times(tier.read_bytes_per_s),
        write_bytes_per_s=times(tier.write_bytes_per_s),
    )  # fmt: skip


def plans(setting: Setting, seed: int, name: str, separate: bool) -> Deployments:
    reach = setting.machine.tiers[-1].devices if setting.machine.tiers else 1
    return rig.random_plan(np.random.default_rng(seed), COUNT, name, separate, ranks=int(min(reach, 256)))


def times(setting: Setting, plan: Deployments) -> tuple[Array, Array]:
    return decode_point(setting, plan).tpot_s, prefill_point(setting, plan).step_s


@pytest.mark.parametrize("better", [more_bandwidth, more_flop, more_link])
@pytest.mark.parametrize(("name", "system"), EVERYWHERE)
@FEWER
@given(seed=SEEDS, factor=st.floats(1.0, 10.0), separate=st.booleans())
def test_better_hardware(name: str, system: str, better: object, seed: int, factor: float, separate: bool) -> None:
    setting = rig.setting_of(name, system)
    assert callable(better)
    faster = replace(setting, machine=better(setting.machine, factor))
    plan = plans(setting, seed, name, separate)
    for before, after in zip(times(setting, plan), times(faster, plan), strict=True):
        assert np.all(after <= before * (1 + SLACK))


@pytest.mark.parametrize("grown", ["batch", "context"])
@pytest.mark.parametrize(("name", "system"), EVERYWHERE)
@FEWER
@given(seed=SEEDS, factor=st.floats(1.0, 4.0), separate=st.booleans())
def test_decode_does_not_speed_up_with_load(
    name: str, system: str, grown: str, seed: int, factor: float, separate: bool
) -> None:
    setting = rig.setting_of(name, system)
    plan = plans(setting, seed, name, separate)
    more = plan.with_(**{grown: getattr(plan, grown) * factor})
    before, after = decode_point(setting, plan).tpot_s, decode_point(setting, more).tpot_s
    assert np.all(after >= before * 0.98)


@pytest.mark.parametrize(("name", "system"), EVERYWHERE)
@FEWER
@given(seed=SEEDS, factor=st.floats(1.0, 4.0), separate=st.booleans())
def test_prefill_does_not_speed_up_with_more_tokens(
    name: str, system: str, seed: int, factor: float, separate: bool
) -> None:
    setting = rig.setting_of(name, system)
    plan = plans(setting, seed, name, separate)
    more = plan.with_(tokens=plan.tokens * factor)
    assert np.all(prefill_point(setting, more).step_s >= prefill_point(setting, plan).step_s * (1 - SLACK))


@pytest.mark.parametrize(("name", "system"), EVERYWHERE)
@FEWER
@given(seed=SEEDS, separate=st.booleans())
def test_every_number_is_finite_and_not_negative(name: str, system: str, seed: int, separate: bool) -> None:
    setting = rig.setting_of(name, system)
    plan = plans(setting, seed, name, separate)
    for step in (decode_point(setting, plan).step, prefill_point(setting, plan).step):
        for part in step.__slots__:
            values = getattr(step, part)
            assert values.shape == (COUNT,)
            assert np.all(np.isfinite(values)), part
            assert np.all(values >= -1e-12), part
    rates = decode_point(setting, plan).tokens_per_s_per_device
    assert np.all((rates > 0.0) & np.isfinite(rates))


def test_more_ranks_than_wires_join_is_refused() -> None:
    setting = rig.setting_of("deepseek-r1", "amd-mi300x-8")
    plan = rig.random_plan(np.random.default_rng(0), 1, "deepseek-r1", True, layouts=((1, 16, 16),))
    with pytest.raises(MissingFact):
        decode_point(setting, plan)

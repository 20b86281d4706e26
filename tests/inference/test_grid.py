"""Many deployments at once, and how sure they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.fitted import fitted
from tests.rig import setting_of

from accord.base.array import Array
from accord.catalog.calibration import Fit
from accord.hardware.derate import Efficiency, Number
from accord.hardware.system import Machine
from accord.inference.grid import evaluate, spread
from accord.inference.pools import decode_point, prefill_point
from accord.inference.spread import draws, spread_of
from accord.parallel.plan import Deployments, Setting, deployments
from accord.uncertainty.variance import variance

CM384, HGX = "huawei-cloudmatrix-384", "nvidia-hgx-h100-8"
RESIDUAL = 0.15
WIDE = (
    (1, 16, 16),
    (1, 64, 64),
    (1, 144, 144),
    (1, 320, 320),
    (2, 24, 48),
    (2, 160, 320),
    (4, 36, 144),
    (4, 80, 320),
)


def unsure(model: str, system: str, engine: str | None = None) -> Setting:
    setting = setting_of(model, system, engine=engine)
    slowdown = Fit(log_sd=0.05, n=3)  # between 1 and 1.3 on any chip
    return replace(setting, efficiency=fitted(setting.efficiency, overlap__slowdown=slowdown))


def sampled(setting: Setting, plan: Deployments, timed: Callable[[Setting, Deployments], Array]) -> Array:
    """Standard deviations of the logarithm of a time over draws, one deployment after another."""
    found = []
    for at in range(len(plan)):
        one = plan.take(slice(at, at + 1))

        def seconds(machine: Machine, efficiency: Efficiency, one: Deployments = one) -> dict[str, Number]:
            return {"s": timed(replace(setting, machine=machine, efficiency=efficiency), one)}

        found.append(spread_of(seconds, setting.machine, setting.efficiency)["s"])
    return np.asarray(found)


def tpot_s(setting: Setting, plan: Deployments) -> Array:
    return decode_point(setting, plan).tpot_s


def step_s(setting: Setting, plan: Deployments) -> Array:
    return prefill_point(setting, plan).step_s


def planned(layouts: Sequence[tuple[int, int, int]], count: int) -> Deployments:
    """Deployments as somebody plans them, in no order; layouts: (tp, dp, ep)."""
    rng = np.random.default_rng(11)
    rows = np.asarray(layouts, dtype=float)[rng.integers(0, len(layouts), count)]
    drafts = rng.integers(0, 2, count)
    return deployments(
        tp=rows[:, 0], dp=rows[:, 1], ep=rows[:, 2], batch=2.0 ** rng.uniform(0.0, 7.0, count),
        tokens=2.0 ** rng.uniform(10.0, 14.0, count), isl=np.round(2.0 ** rng.uniform(7.0, 14.0, count)),
        osl=np.round(2.0 ** rng.uniform(6.0, 11.0, count)), mtp_tokens=drafts, accept=0.7 * drafts,
    )  # fmt: skip


@pytest.mark.parametrize("phase", ["decode", "prefill"])
@pytest.mark.parametrize(
    ("model", "system", "engine", "layouts"),
    [
        ("deepseek-r1", CM384, "cloudmatrix-infer", WIDE),
        ("llama-3.1-70b", HGX, "vllm", ((2, 1, 1), (4, 1, 1), (8, 1, 1))),
        ("qwen3-235b-a22b", HGX, "sglang", ((8, 1, 1), (8, 1, 8), (1, 8, 8), (4, 2, 8), (1, 16, 16))),
    ],
)
def test_the_half_width_is_within_a_tenth_of_the_sampled_one(
    model: str, system: str, engine: str, layouts: tuple[tuple[int, int, int], ...], phase: str
) -> None:
    """On 200 random deployments, the residual included."""
    setting, plan = unsure(model, system, engine), planned(layouts, 200)
    timed = tpot_s if phase == "decode" else step_s
    found = np.hypot(getattr(spread(setting, plan), phase), RESIDUAL)
    assert found == pytest.approx(np.hypot(sampled(setting, plan, timed), RESIDUAL), rel=0.1)


def test_deployments_with_and_without_separate_groups_may_be_mixed() -> None:
    setting = unsure("deepseek-r1", HGX)
    plan = deployments(tp=(1, 8, 1, 4), dp=(8, 1, 8, 2), ep=8, batch=(4, 4, 16, 8), tokens=4096, isl=1024, osl=256)
    mixed = spread(setting, plan)
    for rows in ([0, 2, 3], [1]):
        alone = spread(setting, plan.pick(np.asarray(rows)))
        assert mixed.decode[rows] == pytest.approx(alone.decode)
        assert mixed.prefill[rows] == pytest.approx(alone.prefill)


def test_exact_parameters_have_no_spread() -> None:
    setting = setting_of("llama-3.1-70b", HGX)
    setting = replace(setting, efficiency=replace(setting.efficiency, fits={}))
    plan = deployments(tp=8, batch=(4, 8), tokens=4096, isl=1024, osl=256)
    found = spread(setting, plan)
    assert np.all(found.decode == 0.0)
    assert np.all(found.prefill == 0.0)


def test_disputed_facts_alone_spread_the_answers() -> None:
    setting = setting_of("deepseek-r1", CM384, engine="cloudmatrix-infer")
    setting = replace(setting, efficiency=replace(setting.efficiency, fits={}))
    plan = planned(WIDE, 8)
    assert np.all(spread(setting, plan).prefill > 0.0)
    sample = draws(setting.machine, setting.efficiency)
    logs = [np.log(step_s(replace(setting, machine=sample.machine), plan.take(slice(at, at + 1)))) for at in range(8)]
    total = variance(np.stack(logs), sample.columns, sample.correlation).total
    assert spread(setting, plan).prefill == pytest.approx(np.sqrt(total), rel=0.15)


def test_the_answers_are_those_of_one_at_a_time() -> None:
    setting = unsure("deepseek-r1", CM384)
    plan = planned(WIDE, 20)
    grid = evaluate(setting, plan)
    for at in range(20):
        one = plan.take(slice(at, at + 1))
        assert grid.tpot_s[at] == pytest.approx(tpot_s(setting, one)[0], rel=1e-12)
        assert grid.prefill_step_s[at] == pytest.approx(step_s(setting, one)[0], rel=1e-12)

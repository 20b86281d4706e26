"""The vectorised step against a plain scalar one, deployment by deployment."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from tests import rig
from tests.step import scalar_bench as bench
from tests.step import scalar_reference as reference

from accord.base.array import Array
from accord.parallel.collectives import rate_of
from accord.parallel.plan import Deployments, Setting, deployments
from accord.step.breakdown import StepTime
from accord.step.decode import decode_step
from accord.step.prefill import prefill_step

COUNT = 120
H100, CM384 = "nvidia-hgx-h100-8", "huawei-cloudmatrix-384"
EXACT = 1e-9
WIDE = ((1, 320, 320), (1, 320, 320), (1, 32, 32), (4, 8, 32), (2, 16, 16), (1, 64, 1), (4, 80, 320), (1, 512, 512))
DENSE = ((1, 1, 1), (2, 1, 1), (4, 1, 1), (8, 1, 1), (16, 1, 1), (32, 1, 1), (3, 1, 1))
TOGETHER = ((8, 1, 8), (16, 1, 16), (16, 1, 1), (32, 1, 32), (64, 1, 64))
CASES = [
    (reference.LLAMA, "llama-3.1-70b", H100, "bf16", "bf16", DENSE),
    (reference.LLAMA, "llama-3.1-70b", H100, "fp8", "fp8", ((1, 8, 1), (2, 4, 1), (8, 4, 1))),
    (reference.LLAMA, "llama-3.1-70b", CM384, "fp8", "bf16", DENSE),
    (reference.DEEPSEEK, "deepseek-r1", CM384, "int8", "bf16", WIDE),
    (reference.DEEPSEEK, "deepseek-r1", CM384, "int8", "fp8", TOGETHER),
    (reference.DEEPSEEK, "deepseek-r1", CM384, "bf16", "bf16", WIDE),
    (reference.DEEPSEEK, "deepseek-r1", H100, "fp8", "bf16", ((1, 32, 32), (8, 4, 32), (4, 4, 16), (2, 8, 1))),
]
NAMES = [f"{model}-{system}-{weights}-{layouts[0][1]}" for _, model, system, weights, _, layouts in CASES]


def scalar_rig(setting: Setting, formats: tuple[str, ...]) -> bench.Rig:
    device, efficiency = setting.machine.device, setting.efficiency
    units = {}
    for stored in {"bf16", *formats}:
        unit = device.compute(stored)
        units[stored] = (unit.format, float(unit.flop_per_s), unit.native)
    links = tuple(
        bench.Link(
            tier.plane, tier.kind, tier.devices,
            float(rate_of(tier, efficiency, "read")), float(rate_of(tier, efficiency, "write")),
            tier.latency_s if tier.latency_s is not None else efficiency.scalar(f"send.base_s.{tier.kind}"),
            float(tier.bytes_per_s),
        )
        for tier in setting.machine.tiers
    )  # fmt: skip

    def table(family: str, fmt: str) -> bench.Table | None:
        curve = efficiency.curve(family, fmt)
        return None if curve is None else (curve.rows, curve.width, curve.log)

    def launch(family: str, fmt: str | None) -> float:
        return float(efficiency.fixed(family, fmt))

    loop, ahead = efficiency.has("device_loop"), efficiency.has("async_scheduling")
    return bench.Rig(units, float(device.memory_bytes_per_s), links, efficiency.scalar, launch, table, loop, ahead)


def case_at(plan: Deployments, at: int, weights: str, kv: str) -> bench.Case:
    numbers = {field.name: float(getattr(plan, field.name)[at]) for field in fields(plan)}
    kept = ("tp", "pp", "dp", "ep", "batch", "tokens", "isl", "context", "microbatches", "reuse", "redundant")
    chosen = {name: numbers[name] for name in kept}
    return bench.Case(**chosen, mtp=numbers["mtp_tokens"], weights=weights, kv=kv, separate=bool(np.any(plan.dp > 1.0)))


def parts_at(step: StepTime, at: int) -> dict[str, float]:
    return {field.name.removesuffix("_s"): float(getattr(step, field.name)[at]) for field in fields(step)}


def assert_same(step: StepTime, at: int, expected: dict[str, float], what: object) -> None:
    total = sum(expected.values())
    assert float(step.total_s[at]) == pytest.approx(total, rel=EXACT), what
    for name, seconds in parts_at(step, at).items():
        assert seconds == pytest.approx(expected[name], rel=EXACT, abs=EXACT * total), (name, what)


@pytest.mark.parametrize("curves", [True, False], ids=["curves", "plain"])
@pytest.mark.parametrize(("model", "name", "system", "weights", "kv", "layouts"), CASES, ids=NAMES)
def test_random_deployments(
    model: reference.Model, name: str, system: str, weights: str, kv: str, layouts: tuple[tuple[int, int, int], ...],
    curves: bool,
) -> None:  # fmt: skip
    setting = rig.setting_of(name, system, weights, kv)
    if not curves:
        setting = replace(setting, efficiency=replace(setting.efficiency, curves={}))
    plan = rig.random_plan(np.random.default_rng(7), COUNT, name, layouts[0][1] > 1, layouts=layouts)
    one = scalar_rig(setting, (weights,))
    decoded, prefilled = decode_step(setting, plan)[0], prefill_step(setting, plan)[0]
    for at in range(COUNT):
        case = case_at(plan, at, weights, kv)
        assert_same(decoded, at, reference.decode(one, case, model), case)
        assert_same(prefilled, at, reference.prefill(one, case, model), case)


@pytest.mark.parametrize("microbatches", [0, 1, 2])
@pytest.mark.parametrize("batch", [4, 12, 48])
def test_wide_expert_parallel_decode_with_drafts(batch: int, microbatches: int) -> None:
    setting = rig.setting_of("deepseek-r1", CM384, "int8", "bf16", "cloudmatrix-infer")
    plan = deployments(
        tp=1, dp=320, ep=320, batch=batch, isl=4096, osl=256, mtp_tokens=1, accept=0.7, microbatches=microbatches,
        redundant=32,
    )  # fmt: skip
    one = scalar_rig(setting, ("int8",))
    case = case_at(plan, 0, "int8", "bf16")
    assert_same(decode_step(setting, plan)[0], 0, reference.decode(one, case, reference.DEEPSEEK), case)


def test_how_experts_are_spread_next_door_does_not_matter() -> None:
    """Sliced experts beside spread ones in one batch, on an engine with expert kernels of its own."""
    setting = rig.setting_of("deepseek-r1", H100, "fp8", "bf16", "vllm")
    plan = deployments(tp=[1, 2], dp=[32, 8], ep=[32, 1], batch=8, isl=4096, osl=256, microbatches=1)
    for step in (decode_step, prefill_step):
        together = step(setting, plan.with_(tokens=np.full(2, 4096.0)))[0].total_s
        for at in range(2):
            alone = step(setting, plan.with_(tokens=np.full(2, 4096.0)).take(slice(at, at + 1)))[0].total_s
            assert together[at] == pytest.approx(alone[0], rel=1e-12)


def columns(step: StepTime, chosen: Array) -> list[Array]:
    return [*(getattr(step, field.name) for field in fields(step)), chosen]


@pytest.mark.parametrize(("name", "separate"), [("deepseek-r1", True), ("gpt-oss-120b", False), ("minimax-m1", True)])
def test_a_scalar_is_the_array_of_one_and_a_slice_of_many(name: str, separate: bool) -> None:
    setting = rig.setting_of(name, "nvidia-gb200-nvl72")
    plan = rig.random_plan(np.random.default_rng(11), 3000, name, separate, ranks=32)
    for step in (decode_step, prefill_step):
        many = columns(*step(setting, plan))
        part = columns(*step(setting, plan.take(slice(1000, 1007))))
        for at in range(1000, 1007):
            alone = columns(*step(setting, plan.take(slice(at, at + 1))))
            for whole, some, one in zip(many, part, alone, strict=True):
                assert some[at - 1000] == pytest.approx(whole[at], rel=1e-12)
                assert one[0] == pytest.approx(whole[at], rel=1e-12)
                assert one.shape == (1,)

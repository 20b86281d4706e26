"""Constant load: more requests, longer prompts, slower lives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import rig

from accord import api
from accord.base.array import Array, array
from accord.base.errors import UsageError
from accord.inference.aggregated import serve_point
from accord.inference.request import EstimateRequest, PoolRequest
from accord.inference.slo import tokens_per_iteration
from accord.parallel.plan import Deployments, Setting, deployments

CASES = [
    ("llama-3.1-70b", "nvidia-hgx-h100-8", 8, 1, 1),
    ("gpt-oss-120b", "amd-mi300x-8", 4, 1, 1),
    ("qwen3-235b-a22b", "nvidia-gb200-nvl72", 1, 16, 16),
    ("deepseek-r1", "huawei-cloudmatrix-384", 1, 64, 64),
    ("minimax-m1", "huawei-cloudmatrix-384", 32, 1, 1),
]
LENGTHS = st.integers(16, 20_000)
ANSWERS = st.integers(8, 4_000)


@given(tokens=st.integers(0, 16), accept=st.floats(0.0, 1.0))
def test_tokens_of_an_iteration_are_bounded(tokens: int, accept: float) -> None:
    found = float(tokens_per_iteration(array(tokens), array(accept))[0])
    assert 1.0 - 1e-12 <= found <= (1 + tokens) * (1 + 1e-9)
    assert found >= 1 + (accept if tokens else 0.0) - 1e-9
    more = float(tokens_per_iteration(array(tokens + 1), array(accept))[0])
    assert more >= found - 1e-9


def loop(setting: Setting, plan: Deployments, requests: list[float]) -> tuple[Array, Array, Array]:
    point = serve_point(setting, plan.pick(np.zeros(len(requests), dtype=np.intp)), np.array(requests))
    return point.tpot_s, point.ttft.mean_s, point.request_per_s


@pytest.mark.parametrize(("name", "system", "tp", "dp", "ep"), CASES)
@settings(max_examples=12)
@given(isl=LENGTHS, osl=ANSWERS, requests=st.floats(1.0, 2000.0))
def test_twice_the_requests_never_speed_one_up(
    name: str, system: str, tp: int, dp: int, ep: int, isl: int, osl: int, requests: float
) -> None:
    setting = rig.setting_of(name, system)
    plan = deployments(tp=tp, dp=dp, ep=ep, isl=isl, osl=osl, microbatches=1)
    tpot, ttft, rate = loop(setting, plan, [requests, 2 * requests])
    assert tpot[1] >= tpot[0] * 0.98
    for numbers in (tpot, ttft, rate):
        assert np.all(np.isfinite(numbers) & (numbers > 0.0))


@pytest.mark.parametrize(("name", "system", "tp", "dp", "ep"), CASES)
@settings(max_examples=8)
@given(isl=LENGTHS, osl=ANSWERS, requests=st.floats(1.0, 500.0), factor=st.floats(1.0, 8.0))
def test_better_memory_serves_no_fewer_requests(
    name: str, system: str, tp: int, dp: int, ep: int, isl: int, osl: int, requests: float, factor: float
) -> None:
    setting = rig.setting_of(name, system)
    quick = replace(
        setting.machine.device, memory_bytes_per_s=setting.machine.device.memory_bytes_per_s * factor
    )  # fmt: skip
    faster = replace(setting, machine=replace(setting.machine, device=quick))
    plan = deployments(tp=tp, dp=dp, ep=ep, isl=isl, osl=osl, microbatches=1)
    assert loop(faster, plan, [requests])[2][0] >= loop(setting, plan, [requests])[2][0] * 0.999


@pytest.mark.parametrize(("name", "system", "tp", "dp", "ep"), CASES)
def test_what_is_in_flight_is_what_littles_law_says(name: str, system: str, tp: int, dp: int, ep: int) -> None:
    """Requests in the loop = rate x (TTFT + answer x TPOT), to the accuracy of the fixed point."""
    setting = rig.setting_of(name, system)
    plan = deployments(tp=tp, dp=dp, ep=ep, isl=512, osl=512, microbatches=1)
    for requests in (dp * 2.0, dp * 16.0):
        point = serve_point(setting, plan, array(requests))
        latency = point.ttft.mean_s + 512 * point.tpot_s
        assert float((point.request_per_s * latency)[0]) == pytest.approx(requests, rel=0.1)


@pytest.mark.parametrize("stages", [1, 2, 4])
def test_pipeline_stages_with_their_chips_do_not_lose_throughput(stages: int) -> None:
    def rate(pp: int) -> float:
        request = EstimateRequest(
            model="llama-3.1-405b", system="nvidia-hgx-h100-8", weights="fp8", tp=8, pp=pp, chips=8 * pp,
            isl=1000.0, osl=200.0, concurrency=4096.0,
        )  # fmt: skip
        return float(api.estimate(request).metrics["output_token_per_s_total"][0])

    assert rate(2 * stages) >= 1.9 * rate(stages)


@pytest.mark.parametrize("phase", ["decode", "serve"])
def test_devices_that_make_no_whole_instance_do_nothing(phase: str) -> None:
    def total(chips: int) -> float:
        request = EstimateRequest(
            model="deepseek-r1", system="huawei-cloudmatrix-384", phase=phase, chips=chips, ep=320,  # type: ignore[arg-type]
            batch_per_device=8.0, concurrency=1000.0,
        )  # fmt: skip
        return float(api.estimate(request).metrics["output_token_per_s_total"][0])

    assert total(170) == total(160)


def test_pools_larger_than_the_chips_given_are_refused() -> None:
    request = EstimateRequest(
        model="deepseek-r1", system="huawei-cloudmatrix-384", chips=100,
        prefill=PoolRequest(devices=32, ep=32), decode=PoolRequest(devices=320, ep=320), concurrency=100.0,
    )  # fmt: skip
    with pytest.raises(UsageError, match="352 devices"):
        api.estimate(request)

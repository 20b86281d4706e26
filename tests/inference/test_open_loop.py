"""Requests that arrive by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import rig
from tests.rig import value

from accord import api
from accord.base.array import array
from accord.base.errors import UsageError
from accord.inference.aggregated import serve_point
from accord.inference.mixed import iteration
from accord.inference.open_loop import OpenPoint, open_point
from accord.inference.request import EstimateRequest, PoolRequest
from accord.inference.result import Estimate
from accord.inference.slo import tokens_per_iteration
from accord.parallel.plan import Deployments, Setting, deployments

H100 = rig.setting_of("llama-3.1-70b", "nvidia-hgx-h100-8")
PLAN = deployments(tp=8, isl=1024, osl=512)
WINDOW = array(600.0)
TTFT = ("mean_s", "p50_s", "p90_s", "p99_s")
CASES = [
    ("llama-3.1-70b", "nvidia-hgx-h100-8", 8, 1, 1),
    ("qwen3-235b-a22b", "nvidia-gb200-nvl72", 1, 16, 16),
    ("deepseek-r1", "huawei-cloudmatrix-384", 1, 64, 64),
]


def ask(**fields: object) -> Estimate:
    request = {"model": "llama-3.1-70b", "system": "nvidia-hgx-h100-8", "chips": 8, "tp": 4, "isl": 1000.0, **fields}
    return api.estimate(EstimateRequest(**request), catalog=rig.catalog())  # type: ignore[arg-type]


def at(loads: list[float], setting: Setting = H100, plan: Deployments = PLAN) -> OpenPoint:
    """The deployment at multiples of the most it serves."""
    most = value(serve_point(setting, plan, array(np.inf)).request_per_s)
    many = plan.pick(np.zeros(len(loads), dtype=np.intp))
    return open_point(setting, many, most * np.array(loads), WINDOW)


def test_without_load_a_prompt_waits_for_nothing() -> None:
    """TTFT at no load is the time of the prompt's own chunks, in every quantile."""
    for isl in (100.0, 1024.0, 30_000.0):
        plan = deployments(tp=8, isl=isl, osl=512)
        alone = value(iteration(H100, plan, array(1e-9), tokens_per_iteration(plan.mtp_tokens, plan.accept)).prompt_s)
        found = open_point(H100, plan, array(1e-9), WINDOW).served.ttft
        for name in TTFT:
            assert value(getattr(found, name)) == pytest.approx(alone, rel=1e-3)
        pool = ask(phase="prefill", chips=None, tp=8, isl=isl, tokens_per_device=min(isl, 8192.0) / 8)
        chunks = max(isl / 8192.0, 1.0)
        assert alone == pytest.approx(chunks * float(pool.metrics["step_s"][0]), rel=0.25)


@pytest.mark.parametrize("load", [0.01, 0.3, 0.7, 0.95])
def test_below_the_most_all_arrivals_are_served(load: float) -> None:
    point = at([load])
    most = value(serve_point(H100, PLAN, array(np.inf)).request_per_s)
    assert value(point.load) == pytest.approx(load)
    assert value(point.served.request_per_s) == pytest.approx(load * most)


@pytest.mark.parametrize("load", [0.05, 0.5, 0.9])
def test_as_many_run_as_littles_law_says(load: float) -> None:
    served = at([load]).served
    answering = 512 * value(served.tpot_s)
    assert value(served.running) == pytest.approx(value(served.request_per_s) * answering, rel=1e-3)


def test_beyond_the_most_the_queue_grows() -> None:
    served = at([1.0, 1.5, 2.0]).served
    assert np.ptp(served.request_per_s) == 0.0
    assert np.ptp(served.tpot_s) == 0.0
    assert np.allclose(np.diff(served.ttft.mean_s), 0.5 * 0.5 * 600.0)
    assert np.allclose(np.diff(served.ttft.p99_s), 0.99 * 0.5 * 600.0)
    longer = open_point(H100, PLAN, array(1.5 * served.request_per_s[0]), array(1200.0)).served
    assert value(longer.ttft.mean_s) > 1.9 * served.ttft.mean_s[1]


@pytest.mark.parametrize(("name", "system", "tp", "dp", "ep"), CASES)
@settings(max_examples=6)
@given(
    isl=st.integers(16, 20_000), osl=st.integers(8, 4_000),
    loads=st.lists(st.floats(1e-4, 2.0), min_size=2, max_size=4),
)  # fmt: skip
def test_more_load_never_lowers_ttft(
    name: str, system: str, tp: int, dp: int, ep: int, isl: int, osl: int, loads: list[float]
) -> None:
    plan = deployments(tp=tp, dp=dp, ep=ep, isl=isl, osl=osl, microbatches=1)
    served = at(sorted(loads), rig.setting_of(name, system), plan).served
    for quantile in TTFT:
        numbers = getattr(served.ttft, quantile)
        assert np.all(np.isfinite(numbers) & (numbers > 0.0))
        assert np.all(np.diff(numbers) >= -0.02 * numbers[1:]), quantile
    assert np.all(served.ttft.p50_s <= served.ttft.p90_s)
    assert np.all(served.ttft.p90_s <= served.ttft.p99_s)
    assert np.all(np.diff(served.running) >= 0.0)
    assert np.all(served.running <= served.limit * (1 + 1e-9))


def test_replicas_share_the_arrivals() -> None:
    one, two = (ask(chips=chips, request_rate=rate) for chips, rate in ((4, 0.5), (8, 1.0)))
    assert float(two.metrics["output_token_per_s_total"][0]) == pytest.approx(1024.0)
    assert float(two.metrics["ttft_p99_s"][0]) == float(one.metrics["ttft_p99_s"][0])
    assert float(two.metrics["load"][0]) == float(one.metrics["load"][0]) < 1.0


def test_a_list_of_rates_is_one_point_a_rate() -> None:
    done = ask(request_rate=(0.5, 2.0, 1e6), osl=100.0)
    assert done.points == tuple(
        {"tp": 4, "request_rate": rate, "isl": 1000.0, "osl": 100.0} for rate in (0.5, 2.0, 1e6)
    )
    assert list(done.metrics["output_token_per_s_total"][:2]) == pytest.approx([50.0, 200.0])
    assert done.metrics["load"][2] > 1.0


@pytest.mark.parametrize(("fields", "said", "hint"), [
    ({"request_rate": 0.0}, "0 is not a number above 0", "--request-rate"),
    ({"request_rate": -2.0}, "-2 is not a number above 0", "--request-rate"),
    ({"request_rate": 1.0, "concurrency": 8.0}, "two loads at once", "not both"),
    ({"request_rate": 1.0, "phase": "offline"}, "in phase 'offline'", "--phase serve"),
    ({"request_rate": 1.0, "prefill": PoolRequest(), "decode": PoolRequest()}, "separate pools", "--concurrency"),
])  # fmt: skip
def test_what_a_rate_cannot_be_asked_with(fields: dict[str, object], said: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        ask(**fields)
    assert error.value.where == "--request-rate"
    assert said in error.value.what
    assert hint in (error.value.hint or "")


@pytest.mark.parametrize("phase", ["serve", "offline"])
def test_a_prompt_left_out_is_as_long_as_the_answer(phase: str) -> None:
    left_out, stated = (ask(phase=phase, isl=isl, osl=(100.0, 300.0)) for isl in (None, 300.0))
    assert "isl" in left_out.assumed
    assert "isl" not in stated.assumed
    assert float(left_out.metrics["tpot_s"][1]) == float(stated.metrics["tpot_s"][1])
    assert list(left_out.metrics["input_token_per_s_total"]) == list(left_out.metrics["output_token_per_s_total"])


def test_without_any_length_the_defaults_stand() -> None:
    done = ask(isl=None)
    assert float(done.plans["serve"].isl[0]) == 4096
    assert {"isl", "osl"} <= set(done.assumed)

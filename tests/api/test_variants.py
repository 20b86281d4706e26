from __future__ import annotations

from functools import cache

import msgspec
import pytest

from accord import api
from accord.api.plan import plan
from accord.api.variants import Best, Priced, best, priced
from accord.base.errors import Refusal
from accord.economics.scenario import Scenario
from accord.planner.problem import Limit, Limits, Problem, Space

SYSTEM, CHIPS, TP = "nvidia-gb200-nvl72", 72, (1, 2)


def problem(ttft_s: float, tpot_s: float, confidence: float) -> Problem:
    limits = (Limit(latency="ttft", limit_s=ttft_s), Limit(latency="tpot", limit_s=tpot_s))
    return Problem(
        model="deepseek-r1", systems=(SYSTEM,), isl=4096, osl=1024, limits=Limits(latencies=limits, chips=CHIPS),
        space=Space(modes=("disaggregated",), engines=("tensorrt-llm",), weights=("fp4",), tp=TP, pp=(1,)),
        confidence=confidence,
    )  # fmt: skip


@cache
def rows() -> Priced:
    return priced(problem(5.0, 0.05, 0.5), Scenario())


@pytest.mark.parametrize(
    ("ttft_s", "tpot_s", "confidence"), [(5.0, 0.05, 0.5), (5.0, 0.03, 0.95), (0.4, 0.05, 0.5), (0.9, 0.04, 0.8)]
)
def test_the_answer_is_that_of_plan(ttft_s: float, tpot_s: float, confidence: float) -> None:
    """Under looser limits than the rows', which are searched in two steps, the same comes out as in one search."""
    asked = problem(ttft_s, tpot_s, confidence)
    found, whole = best(rows(), asked), plan(asked, count=1).plans[0]
    assert found is not None
    assert found.plan.metrics["request_per_s"].value == pytest.approx(whole.metrics["request_per_s"].value)
    assert {check.name for check in found.plan.checks} == {"ttft", "tpot", "chips"}
    assert all(check.slack >= 1.0 - 1e-9 and check.chance >= confidence - 1e-9 for check in found.plan.checks)
    layouts = [[(pool.instances, pool.tp, pool.dp, pool.ep) for pool in one.pools] for one in (found.plan, whole)]
    assert whole.chips < CHIPS or layouts[0] == layouts[1]


def test_all_chips_are_held() -> None:
    found = best(rows(), problem(5.0, 0.05, 0.5))
    assert found is not None and found.plan.chips == CHIPS
    assert found.plan.holdings[0].systems == 1 and found.plan.holdings[0].used <= CHIPS
    assert 0.0 < found.transfer_s < found.plan.metrics["ttft_s"].value


def test_surer_or_quicker_serves_no_more() -> None:
    found = [best(rows(), one) for one in (problem(5.0, 0.05, 0.5), problem(5.0, 0.05, 0.9), problem(5.0, 0.02, 0.9))]
    rates = [one.plan.metrics["request_per_s"].value for one in found if isinstance(one, Best)]
    assert len(rates) == 3 and rates == sorted(rates, reverse=True)


def test_what_nothing_keeps_has_no_plan() -> None:
    assert best(rows(), problem(5.0, 1e-4, 0.5)) is None
    assert best(rows(), problem(1e-3, 0.05, 0.5)) is None


def test_a_system_that_nothing_runs_on_is_refused() -> None:
    small = msgspec.structs.replace(problem(5.0, 0.05, 0.5), limits=Limits(chips=1), space=Space(tp=(8,), dp=(64,)))
    with pytest.raises(Refusal):
        priced(small, Scenario())


def test_pools_are_what_estimate_says() -> None:
    found = best(rows(), problem(5.0, 0.05, 0.5))
    assert found is not None
    pool = found.plan.pool("decode")
    assert pool is not None
    asked = api.EstimateRequest(
        model="deepseek-r1", system=SYSTEM, engine="tensorrt-llm", isl=4096, osl=1024, phase="decode", weights="fp4",
        tp=pool.tp, dp=pool.dp, ep=pool.ep, batch_per_device=pool.batch_per_device, kv_len=4608,
        mtp_tokens=pool.mtp_tokens or None, mtp_accept=pool.mtp_accept or None,
    )  # fmt: skip
    decode = api.estimate(asked)
    assert decode.metrics["tpot_s"][0] == pytest.approx(found.plan.metrics["tpot_s"].value)
    memory = decode.memories["decode"]
    assert memory.used_bytes[0] - memory.reserve_bytes[0] < pool.memory_bytes <= pool.capacity_bytes

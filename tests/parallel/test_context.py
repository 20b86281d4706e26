"""Context parallelism: ranks that share the tokens and the cache of a request."""

from __future__ import annotations

import numpy as np
import pytest
from tests import rig

from accord import api
from accord.inference.request import EstimateRequest
from accord.parallel.memory import most_requests
from accord.parallel.plan import deployments
from accord.step.decode import decode_step
from accord.step.prefill import prefill_step

H100 = "nvidia-hgx-h100-8"


def test_one_rank_exchanges_no_context() -> None:
    setting = rig.setting_of("llama-3.1-70b", H100)
    plan = deployments(tp=2, cp=1, batch=4, isl=1000, osl=10, tokens=1000)
    plain = deployments(tp=2, batch=4, isl=1000, osl=10, tokens=1000)
    assert decode_step(setting, plan)[0].total_s == decode_step(setting, plain)[0].total_s
    assert prefill_step(setting, plan)[0].total_s == prefill_step(setting, plain)[0].total_s


@pytest.mark.parametrize("model", ["llama-3.1-70b", "deepseek-r1", "minimax-m1"])
def test_sharing_a_context_costs_an_exchange(model: str) -> None:
    setting = rig.setting_of(model, "huawei-cloudmatrix-384")
    shared = deployments(tp=8, cp=4, ep=1, batch=4, isl=32_000, osl=10, tokens=2000)
    apart = deployments(tp=8, dp=4, ep=1, batch=4, isl=32_000, osl=10, tokens=2000)
    assert decode_step(setting, shared)[0].total_s > decode_step(setting, apart)[0].total_s
    assert prefill_step(setting, shared)[0].total_s > prefill_step(setting, apart)[0].total_s


def test_ranks_together_hold_a_longer_request() -> None:
    setting = rig.setting_of("llama-3.1-70b", H100)
    plan = deployments(tp=4, cp=np.array([1.0, 2.0]), isl=450_000, osl=10)
    alone, shared = most_requests(setting, plan, np.full(2, 1000.0))
    assert alone == 0.0
    assert shared * 2.0 >= 1.0


def test_a_prompt_shared_by_ranks_answers_sooner() -> None:
    request = EstimateRequest(
        model="llama-3.1-8b", system=H100, chips=8, tp=1, cp=(1, 2, 4, 8), isl=60_000.0, osl=10.0, concurrency=1.0
    )
    ttft = api.estimate(request).metrics["ttft_s"]
    assert np.all(np.diff(ttft) < 0.0)

"""Intervals from parameters and disputed facts."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.fitted import fitted
from tests.rig import catalog, machine_of, setting_of, spec_of

from accord import api
from accord.hardware.derate import Efficiency, Number
from accord.hardware.system import Machine
from accord.inference.estimate import estimate
from accord.inference.kernels import gemm_kernel
from accord.inference.pools import decode_point
from accord.inference.request import EstimateRequest, PoolRequest
from accord.inference.result import Estimate
from accord.inference.spread import Spread, draws, estimate_spread, spread_of
from accord.parallel.plan import deployments
from accord.uncertainty.draws import COUNT
from accord.uncertainty.residual import half_width

CM384, HGX = "huawei-cloudmatrix-384", "nvidia-hgx-h100-8"
R1 = EstimateRequest(
    model="deepseek-r1", system=CM384, engine="cloudmatrix-infer", isl=4096, osl=256, mtp_tokens=1, mtp_accept=0.7
)
LLAMA = EstimateRequest(model="llama-3.1-70b", system=HGX, engine="vllm", isl=1024, osl=256)


def having(request: EstimateRequest, **fields: object) -> EstimateRequest:
    return EstimateRequest(**{name: getattr(request, name) for name in request.__struct_fields__} | fields)


REQUESTS = {
    "decode": having(R1, phase="decode", devices=320, ep=320, batch_per_device=48),
    "largest batch": having(LLAMA, phase="decode", tp=4),
    "prefill": having(R1, phase="prefill", devices=32, ep=32),
    "serve": having(R1, devices=32, ep=32, concurrency=500),
    "closed": having(LLAMA, tp=8, concurrency=100),
    "open": having(LLAMA, tp=8, request_rate=4.0),
    "offline": having(LLAMA, phase="offline", tp=4, concurrency=1000),
    "chosen layout": having(LLAMA, chips=8, concurrency=64),
    "split": having(
        R1,
        prefill=PoolRequest(instances=6, devices=32, ep=32),
        decode=PoolRequest(instances=1, devices=320, ep=320),
        concurrency=4000,
    ),
    "reuse": having(R1, phase="prefill", devices=32, ep=32, reuse=0.5),
}


@cache
def known(request: EstimateRequest) -> tuple[Machine, Efficiency]:
    machine = machine_of(request.system)
    return machine, fitted(api.efficiency_of(catalog(), machine.chip, request.engine))


@cache
def asked(request: EstimateRequest, count: int = COUNT) -> tuple[Estimate, Spread]:
    return estimate_spread(spec_of(request.model), *known(request), request, catalog().defaults(), count)


@pytest.mark.parametrize("name", REQUESTS)
def test_the_estimate_is_the_public_one(name: str) -> None:
    request = REQUESTS[name]
    mean, spread = asked(request)
    public = estimate(spec_of(request.model), *known(request), request, catalog().defaults())
    for metric, values in public.metrics.items():
        assert np.array_equal(values, mean.metrics[metric])
        assert spread.log_sd[metric].shape == values.shape
    assert mean.setting.efficiency is known(request)[1]


@pytest.mark.parametrize("name", REQUESTS)
def test_draws_at_the_mean_give_the_mean(name: str) -> None:
    request = REQUESTS[name]
    machine, efficiency = known(request)
    sure = fitted(efficiency, log_sd=1e-9)
    still = replace(
        machine,
        device=replace(machine.device, claims={}),
        tiers=tuple(replace(one, claims=()) for one in machine.tiers),
    )
    _, spread = estimate_spread(spec_of(request.model), still, sure, request, catalog().defaults())
    assert all(np.all(sd < 1e-6) for sd in spread.log_sd.values())


@pytest.mark.parametrize("name", REQUESTS)
def test_a_few_draws_are_enough(name: str) -> None:
    """The half-width of the default count is within 3 % of that of 4,096 draws, the residual included."""
    request = REQUESTS[name]
    mean, few = asked(request)
    _, many = asked(request, 4096)
    for metric in mean.metrics:
        if metric != "microbatches":
            widths = [half_width(float(one.log_sd[metric][0]), 0.15, 0.9) for one in (few, many)]
            assert widths[0] == pytest.approx(widths[1], rel=0.03), metric


@pytest.mark.parametrize("name", ["decode", "prefill", "closed"])
def test_log_sd_is_that_of_plain_draws(name: str) -> None:
    request = REQUESTS[name]
    machine, efficiency = known(request)
    sample = draws(machine, efficiency, count=1024)
    first = next(iter(asked(request)[0].metrics))
    values = []
    for at in range(0, 1024, 8):
        numbers = {
            key: float(value[at]) if isinstance(value, np.ndarray) else value
            for key, value in sample.efficiency.numbers.items()
        }
        device = sample.machine.device
        peaks = {fmt: float(np.broadcast_to(peak, 1024)[at]) for fmt, peak in device.peak_flop_per_s.items()}
        rates = [np.broadcast_to(rate, 1024)[at] for rate in (device.memory_bytes, device.memory_bytes_per_s)]
        one = replace(device, peak_flop_per_s=peaks, memory_bytes=float(rates[0]), memory_bytes_per_s=float(rates[1]))
        tiers = tuple(
            replace(tier, bytes_per_s=float(np.broadcast_to(tier.bytes_per_s, 1024)[at]))
            for tier in sample.machine.tiers
        )
        drawn = replace(machine, device=one, tiers=tiers)
        done = estimate(
            spec_of(request.model), drawn, replace(efficiency, numbers=numbers), request, catalog().defaults()
        )
        values.append(math.log(float(done.metrics[first][0])))
    assert float(asked(request)[1].log_sd[first][0]) == pytest.approx(np.std(values), rel=0.2)


def test_points_of_a_list_have_the_spread_of_each_alone() -> None:
    listed = having(R1, phase="decode", devices=320, ep=320, batch_per_device=(1.0, 12.0, 48.0))
    spread = asked(listed)[1]
    for at, batch in enumerate((1.0, 12.0, 48.0)):
        alone = asked(having(listed, batch_per_device=batch))[1]
        assert spread.log_sd["tpot_s"][at] == pytest.approx(alone.log_sd["tpot_s"][0], rel=1e-9)


def test_listed_ranks_have_the_spread_of_each_alone() -> None:
    listed = having(LLAMA, phase="decode", tp=(4, 8), batch_per_device=(4.0, 16.0), chips=8)
    spread = asked(listed)[1]
    for at, (tp, batch) in enumerate(((4, 4.0), (4, 16.0), (8, 4.0), (8, 16.0))):
        alone = asked(having(listed, tp=tp, batch_per_device=batch))[1]
        assert spread.log_sd["tpot_s"][at] == pytest.approx(alone.log_sd["tpot_s"][0], rel=1e-9)


@pytest.mark.parametrize("name", REQUESTS)
def test_causes_sum_to_no_more_than_the_whole(name: str) -> None:
    mean, spread = asked(REQUESTS[name])
    for metric in mean.metrics:
        assert spread.parts[metric].shape == (len(spread.causes), len(mean.points))
        assert np.all(spread.parts[metric].sum(axis=0) <= spread.log_sd[metric] ** 2 + 1e-12)


def test_only_what_was_read_is_a_cause() -> None:
    causes = asked(REQUESTS["closed"])[1].causes
    assert any(cause.startswith("attention_decode.memory") for cause in causes)
    assert not any(cause.startswith(("mla_decode", "grouped", "dispatch", "engine.draft_s")) for cause in causes)


def test_exact_parameters_and_agreeing_sources_leave_no_spread() -> None:
    request = REQUESTS["closed"]
    machine, efficiency = known(request)
    found = estimate_spread(
        spec_of(request.model), machine, replace(efficiency, fits={}), request, catalog().defaults()
    )
    assert machine.claims == {}
    assert all(np.all(sd == 0.0) for sd in found[1].log_sd.values())


def test_disputed_facts_alone_spread_an_answer() -> None:
    request = REQUESTS["decode"]
    machine, efficiency = known(request)
    spread = estimate_spread(
        spec_of(request.model), machine, replace(efficiency, fits={}), request, catalog().defaults()
    )[1]
    assert set(spread.causes) == {f"says: {fact}" for fact in machine.claims}
    assert 0.0 < spread.log_sd["tpot_s"][0] < 0.1


def test_draws_that_do_not_fit_are_left_out_and_counted() -> None:
    request = having(LLAMA, phase="decode", tp=2, batch_per_device=1.0)
    machine, efficiency = known(request)
    doubtful = replace(machine, device=replace(machine.device, claims={"memory capacity": (1.0, 0.5)}))
    spread = estimate_spread(spec_of(request.model), doubtful, efficiency, request, catalog().defaults())[1]
    assert spread.fits[0] == pytest.approx(0.5)
    assert spread.log_sd["tpot_s"][0] == pytest.approx(asked(request)[1].log_sd["tpot_s"][0], rel=0.1)


def test_anything_elementwise_has_a_spread() -> None:
    setting = setting_of("llama-3.1-70b", HGX)
    plan = deployments(tp=8, batch=16, isl=1024, osl=256)
    unsure = fitted(setting.efficiency)

    def tpot(machine: Machine, efficiency: Efficiency) -> dict[str, Number]:
        return {"tpot_s": decode_point(replace(setting, machine=machine, efficiency=efficiency), plan).tpot_s}

    found = spread_of(tpot, setting.machine, unsure)["tpot_s"]
    assert found == pytest.approx(spread_of(tpot, setting.machine, unsure, 2048)["tpot_s"], rel=0.04)


def test_a_kernel_has_a_spread() -> None:
    machine, efficiency = known(LLAMA)
    share = efficiency.name_of("gemm.compute", "bf16")
    efficiency = replace(efficiency, numbers={**efficiency.numbers, share: 0.4})  # far from the peak it stops at

    def seconds(machine: Machine, efficiency: Efficiency) -> dict[str, Number]:
        return {"s": gemm_kernel(machine, efficiency, 8192.0, 8192.0, 8192.0, "bf16", 1).seconds}

    assert spread_of(seconds, machine, efficiency)["s"] == pytest.approx(0.15, rel=0.05)  # all of it gemm.compute
    disputed = replace(machine, device=replace(machine.device, claims={"peak bf16": (1.0, 0.5)}))
    exact = replace(efficiency, fits={})
    assert spread_of(seconds, disputed, exact)["s"] == pytest.approx(math.log(2.0) / 2.0, rel=0.05)


@pytest.mark.parametrize("name", REQUESTS)
def test_one_deployment_with_its_interval_is_quick(name: str) -> None:
    """About 10 ms for a pool or a closed loop, 30 to 45 ms for the largest; three times that on a busy machine."""
    request = REQUESTS[name]
    spec, (machine, efficiency), defaults = spec_of(request.model), known(request), catalog().defaults()
    limit_s = 0.045 if name in ("serve", "split") else 0.03
    best = math.inf
    for _ in range(20):
        started = time.perf_counter()
        estimate_spread(spec, machine, efficiency, request, defaults)
        best = min(best, time.perf_counter() - started)
    assert best < 3.0 * limit_s

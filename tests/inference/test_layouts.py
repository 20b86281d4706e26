from __future__ import annotations

import importlib.util
import itertools
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest

from accord import api
from accord.api.records import efficiency_of, machine_of, model_spec
from accord.catalog.load import load_catalog
from accord.inference.complete import Assumed, formats_for, number
from accord.inference.layouts import (
    TIE,
    Options,
    Workload,
    best_split,
    decode_options,
    layouts,
    prefill_options,
)
from accord.inference.request import EstimateRequest
from accord.parallel.plan import Setting

CATALOG = load_catalog()
WIDE = number(CATALOG.defaults(), "serving", "wide_ep")
WORK = Workload(isl=4096, osl=1024, context=4608, ttft_s=5.0, mtp_tokens=1, accept=0.7)
SYSTEMS = (("huawei-cloudmatrix-384", 1, "cloudmatrix-infer"), ("nvidia-hgx-h800-8", 8, "deepseek"))


@cache
def setting(system: str, nodes: int, engine: str, model: str = "deepseek-r1") -> Setting:
    one = machine_of(CATALOG, system)
    machine = replace(one, chips=one.chips * nodes)
    spec = model_spec(CATALOG, model)
    efficiency = efficiency_of(CATALOG, machine.chip, engine)
    formats = formats_for(spec, machine, EstimateRequest(model=model, system=system), efficiency, Assumed())
    return Setting(spec, machine, formats, efficiency)


@cache
def pools(system: str, nodes: int, engine: str) -> tuple[Options, Options]:
    shared = setting(system, nodes, engine)
    devices = shared.machine.devices
    return prefill_options(shared, devices, WORK, WIDE), decode_options(shared, devices, WORK, WIDE)


@pytest.mark.parametrize("place", SYSTEMS)
def test_layouts_divide_and_fit_nodes(place: tuple[str, int, str]) -> None:
    shared = setting(*place)
    found = layouts(shared, shared.machine.devices, WIDE)
    node = shared.machine.tiers[0].devices
    assert len(found) == len(set(found)) > 20
    for tp, dp, ep in found:
        size = tp * dp
        assert size % ep == 0 and size <= shared.machine.devices
        assert size % node == 0 or node % size == 0


def test_the_widest_published_layouts_are_among_them() -> None:
    shared = setting(*SYSTEMS[0])
    found = layouts(shared, shared.machine.devices, WIDE)
    assert {(1, 32, 32), (1, 144, 144), (1, 320, 320)} <= set(found)


def test_a_dense_model_has_no_experts_to_share_out() -> None:
    shared = setting("nvidia-hgx-h100-8", 1, "vllm", "llama-3.1-70b")
    assert {(tp, dp, ep) for tp, dp, ep in layouts(shared, 8, WIDE)} >= {(8, 1, 1), (4, 1, 1), (1, 8, 1)}
    assert {ep for _, _, ep in layouts(shared, 8, WIDE)} == {1}


@pytest.mark.parametrize("place", SYSTEMS)
def test_options_fit_the_memory(place: tuple[str, int, str]) -> None:
    for options in pools(*place):
        assert 0 < len(options.plan) < options.tried
        assert np.all(options.row.used_bytes <= options.row.capacity_bytes)
        assert np.all(options.request_per_s > 0.0) and np.all(options.row.latency_s > 0.0)


@pytest.mark.parametrize("limit", [0.050, 0.015])
@pytest.mark.parametrize("place", SYSTEMS)
def test_a_split_keeps_its_promises(place: tuple[str, int, str], limit: float) -> None:
    shared = setting(*place)
    devices = shared.machine.devices
    split = best_split(shared, devices, pools(*place), WORK, limit)
    assert split is not None
    used = sum(pool.instances * pool.devices for pool in (split.prefill, split.decode))
    assert used + split.idle_devices == devices and split.idle_devices >= 0
    assert split.tpot_s <= limit and split.ttft_s <= WORK.ttft_s and split.ttft_s > split.transfer_s
    for pool in (split.prefill, split.decode):
        assert pool.tp * pool.dp == pool.devices and pool.devices % pool.ep == 0
        assert pool.memory_bytes <= pool.capacity_bytes
        assert pool.request_per_s >= split.request_per_s
    assert split.request_per_s == pytest.approx(min(split.prefill.request_per_s, split.decode.request_per_s))


def test_no_other_split_serves_more() -> None:
    """Every pair of layouts and every division of a small system, by brute force."""
    place = ("nvidia-hgx-h800-8", 8, "deepseek")
    shared, (prefill, decode) = setting(*place), pools(*place)
    split = best_split(shared, 64, (prefill, decode), WORK, 0.05)
    assert split is not None
    slots: dict[tuple[str, int], float] = {}
    for name, options, good in (
        ("prefill", prefill, prefill.row.latency_s + split.transfer_s <= WORK.ttft_s),
        ("decode", decode, decode.row.latency_s <= 0.05),
    ):
        for at in np.flatnonzero(good):
            key = name, int(options.plan.devices[at])
            slots[key] = max(slots.get(key, 0.0), float(options.request_per_s[at]))
    best = 0.0
    for (one, p), (other, d) in itertools.product(slots, slots):
        if (one, other) == ("prefill", "decode"):
            for left, right in itertools.product(range(1, 64 // p + 1), range(1, 64 // d + 1)):
                if left * p + right * d <= 64:
                    best = max(best, min(left * slots[one, p], right * slots[other, d]))
    assert split.request_per_s <= best * (1.0 + 1e-9)
    assert split.request_per_s >= best * (1.0 - TIE) * (1.0 - 1e-9)


def test_a_tighter_limit_never_serves_more() -> None:
    shared = setting(*SYSTEMS[0])
    rates = []
    for limit in (0.1, 0.05, 0.03, 0.02, 0.015, 1e-4):
        split = best_split(shared, 768, pools(*SYSTEMS[0]), WORK, limit)
        rates.append(split.request_per_s if split else 0.0)
    assert rates[-1] == 0.0
    assert all(a >= b * (1.0 - 2.0 * TIE) for a, b in itertools.pairwise(rates))


def test_too_few_devices_give_no_split() -> None:
    assert best_split(setting(*SYSTEMS[0]), 8, pools(*SYSTEMS[0]), WORK, 0.05) is None


def test_the_chosen_pools_are_what_estimate_says() -> None:
    shared = setting(*SYSTEMS[0])
    split = best_split(shared, 768, pools(*SYSTEMS[0]), WORK, 0.05)
    assert split is not None
    common = EstimateRequest(
        model="deepseek-r1", system="huawei-cloudmatrix-384", engine="cloudmatrix-infer", isl=4096, osl=1024
    )
    pool = split.decode
    decode = api.estimate(
        msgspec.structs.replace(
            common, phase="decode", tp=pool.tp, dp=pool.dp, ep=pool.ep, batch_per_device=pool.load_per_device,
            kv_len=4608, mtp_tokens=1, mtp_accept=0.7,
        ), catalog=CATALOG,
    )  # fmt: skip
    assert decode.metrics["tpot_s"][0] == pytest.approx(split.tpot_s)
    assert decode.memories["decode"].used_bytes[0] == pytest.approx(pool.memory_bytes)
    pool = split.prefill
    prefill = api.estimate(
        msgspec.structs.replace(
            common, phase="prefill", tp=pool.tp, dp=pool.dp, ep=pool.ep, tokens_per_device=pool.load_per_device
        ), catalog=CATALOG,
    )  # fmt: skip
    rate = prefill.metrics["prefill_token_per_s_per_chip"][0]
    assert rate == pytest.approx(pool.tokens_per_s_per_device * 2.0)


def bench_grid() -> ModuleType:
    place = Path(__file__).parents[2] / "bench" / "bench_grid.py"
    found = importlib.util.spec_from_file_location("bench_grid", place)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_a_hundred_thousand_deployments_take_under_three_seconds() -> None:
    bench = bench_grid()
    shared, plan = bench.setting(), bench.full_grid()
    assert bench.distinct(plan) == len(plan) == 100_000
    taken, found = bench.cpu_s(shared, plan, rounds=2)
    assert np.all(np.isfinite(found.tpot_s)) and np.all(found.tpot_s > 0.0)
    assert 0 < np.count_nonzero(found.fits) < len(plan)
    assert taken < 3.0

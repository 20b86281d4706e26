"""Rows against single estimates, and what may be dropped before an interval is known."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planner.rig import ROLES, table

from accord.api.branches import Key, branch_of, catalog_of, spec_of
from accord.api.records import efficiency_of, machine_of
from accord.base.errors import DoesNotFit
from accord.inference.estimate import estimate
from accord.inference.request import EstimateRequest
from accord.inference.result import Estimate
from accord.inference.spread import estimate_spread
from accord.parallel.memory import Memory, most_requests
from accord.parallel.plan import deployments
from accord.planner.plan import Role
from accord.planner.pricing import Branch, end_to_end, price, within
from accord.planner.problem import QUANTILES, Latency, Limit, Limits, Problem, Space
from accord.planner.space import layouts
from accord.planner.table import Table, Tally, packed, unpacked

ISL, OSL = 2000.0, 500.0
REAL = (
    ("llama-3.1-8b", "nvidia-hgx-h100-8", "vllm", 8, 8192),
    ("deepseek-v3", "nvidia-hgx-h200-8", "sglang", 16, 8192),
    ("deepseek-r1", "huawei-cloudmatrix-384", "cloudmatrix-infer", 128, 8192),
)
Case = tuple[str, str, str, int, int]


@lru_cache(maxsize=16)
def priced(case: Case, role: Role) -> tuple[Branch, Table, Tally]:
    """A few rows of a real branch."""
    model, system, engine, devices, budget = case
    question = Problem(
        model=model, systems=(system,), isl=ISL, osl=OSL, space=Space(batches=(2, 16, 64), budgets=(budget,))
    )
    branch = branch_of(Key(system=system, engine=engine, weights=None, kv=None, role=role), question, devices, ())
    found, _ = layouts(branch.setting, devices, question.space, role, branch.redundant_from)
    made, tally = price(branch, question, found[:: max(len(found) // 5, 1)])
    return branch, made, tally


def rows_of(made: Table) -> range:
    return range(0, len(made), max(len(made) // 6, 1))


def request(case: Case, branch: Branch, made: Table, at: int, role: Role) -> EstimateRequest:
    """The same row as a question to the estimate."""
    model, system, engine, _, _ = case
    ranks = {name: int(getattr(made, name)[at]) for name in ("tp", "pp", "dp", "cp", "ep")}
    asked: dict[str, object] = {
        "model": model, "system": system, "engine": engine, "isl": ISL, "osl": OSL, "phase": role,
        "devices": int(made.devices[at]), **ranks,
    }  # fmt: skip
    if role == "prefill":
        return EstimateRequest(**asked, tokens_per_device=made.load[at] * ISL / (made.tp[at] * made.cp[at]))  # type: ignore[arg-type]
    if made.mtp[at]:
        asked |= {"mtp_tokens": int(made.mtp[at]), "mtp_accept": branch.accept}
    if role == "decode":
        asked["batch_per_device"] = made.load[at] / (made.tp[at] * made.pp[at] * made.cp[at])
    else:
        asked["request_rate"] = float(made.request_per_s[at])
    return EstimateRequest(**asked)  # type: ignore[arg-type]


def estimated(case: Case, one: EstimateRequest) -> Estimate:
    catalog = catalog_of(())
    machine = machine_of(catalog, case[1])
    own = efficiency_of(catalog, machine.chip, case[2], None)
    return estimate(spec_of((), case[0]), machine, own, one, catalog.defaults())


def with_whole_reserve(branch: Branch, memory: Memory) -> float:
    """Bytes used where the engine keeps to its default share of the memory."""
    efficiency, own = branch.setting.efficiency, float(memory.activation_bytes[0])
    reserve = float(memory.capacity_bytes[0]) * (1.0 - efficiency.scalar("engine.memory_fraction"))
    least = float(memory.capacity_bytes[0]) * efficiency.scalar("memory.runtime_share")
    reserve = max(reserve - (own if efficiency.has("activations_apart") else 0.0), least)
    return float(memory.used_bytes[0] - memory.reserve_bytes[0]) + reserve


@pytest.mark.parametrize("case", REAL, ids=lambda case: case[0])
def test_decode_rows_are_single_estimates(case: Case) -> None:
    branch, made, _ = priced(case, "decode")
    assert len(made) > 5
    for at in rows_of(made):
        single = estimated(case, request(case, branch, made, at, "decode"))
        assert made.tpot_s[at] == pytest.approx(float(single.metrics["tpot_s"][0]), rel=1e-9)
        total = float(single.metrics["output_token_per_s_total"][0])
        assert made.request_per_s[at] * OSL == pytest.approx(total, rel=1e-9)
        assert made.memory_bytes[at] == pytest.approx(with_whole_reserve(branch, single.memories["decode"]), rel=1e-9)
        assert made.capacity_bytes[at] == pytest.approx(float(single.memories["decode"].capacity_bytes[0]))


@pytest.mark.parametrize("case", REAL, ids=lambda case: case[0])
def test_prefill_rows_are_single_estimates(case: Case) -> None:
    branch, made, _ = priced(case, "prefill")
    assert len(made) > 5
    for at in rows_of(made):
        single = estimated(case, request(case, branch, made, at, "prefill"))
        assert made.first_s[at] == pytest.approx(float(single.metrics["step_s"][0]), rel=1e-9)
        chips = made.devices[at] / branch.setting.machine.devices_per_chip
        rate = float(single.metrics["input_token_per_s_per_chip"][0]) * chips / ISL
        assert made.request_per_s[at] == pytest.approx(rate, rel=1e-9)
        assert made.memory_bytes[at] == pytest.approx(with_whole_reserve(branch, single.memories["prefill"]), rel=1e-9)


@pytest.mark.parametrize("case", REAL, ids=lambda case: case[0])
def test_serving_rows_are_single_estimates_at_their_rate(case: Case) -> None:
    """The estimate looks for the requests that run at a rate on a grid, and may stop a little above them."""
    branch, made, _ = priced(case, "serve")
    assert len(made) > 5
    for at in rows_of(made):
        single = estimated(case, request(case, branch, made, at, "serve"))
        assert float(single.metrics["request_per_s"][0]) == pytest.approx(made.request_per_s[at], rel=1e-9)
        running = float(single.metrics["running"][0]) / (made.load[at] / made.cp[at])
        assert 1.0 - 1e-6 <= running <= 1.06
        longer = float(single.metrics["tpot_s"][0]) / made.tpot_s[at]
        assert 1.0 - 1e-6 <= longer <= running + 1e-2
        # near what memory holds, waiting for a seat grows fast with those that run
        assert float(single.metrics["ttft_s"][0]) == pytest.approx(made.first_s[at], rel=0.005 + 3.0 * (running - 1.0))


@pytest.mark.parametrize("case", REAL, ids=lambda case: case[0])
@pytest.mark.parametrize("role", ["decode", "prefill"])
def test_intervals_are_about_those_of_single_estimates(case: Case, role: Role) -> None:
    """Causes are followed one by one, draws take them together; the residual of both is the same."""
    branch, made, _ = priced(case, role)
    catalog = catalog_of(())
    machine = machine_of(catalog, case[1])
    own = efficiency_of(catalog, machine.chip, case[2], None)
    metric, short, kept = ("tpot_s", "tpot", made.tpot_sd) if role == "decode" else ("step_s", "first", made.first_sd)
    for at in list(rows_of(made))[:5]:
        one = request(case, branch, made, at, role)
        _, wide = estimate_spread(spec_of((), case[0]), machine, own, one, catalog.defaults(), count=200)
        single = math.hypot(float(wide.log_sd[metric][0]), branch.residuals[short])
        assert kept[at] == pytest.approx(single, rel=0.15)
        assert kept[at] >= branch.residuals[short]


def test_what_does_not_fit_a_single_estimate_is_no_row() -> None:
    case = REAL[1]
    branch, made, tally = priced(case, "decode")
    assert tally.rejected["memory"] > 0
    assert np.all(made.memory_bytes <= made.capacity_bytes)
    kept = {(made.tp[at], made.dp[at], made.ep[at], made.load[at], made.mtp[at]) for at in range(len(made))}
    found, _ = layouts(branch.setting, case[3], Space(), "decode", branch.redundant_from)
    for layout in found[:: max(len(found) // 5, 1)]:
        for load in (2, 16, 64):
            one = EstimateRequest(
                model=case[0], system=case[1], engine=case[2], isl=ISL, osl=OSL, phase="decode", tp=layout.tp,
                dp=layout.dp, ep=layout.ep, devices=layout.devices, batch_per_device=load / layout.tp, mtp_tokens=0,
            )  # fmt: skip
            try:
                estimated(case, one)
                fits = True
            except DoesNotFit:
                fits = False
            assert fits == ((layout.tp, layout.dp, layout.ep, load, 0.0) in kept)


def test_serving_rows_leave_the_room_that_is_asked_for() -> None:
    for case in REAL:
        branch, made, _ = priced(case, "serve")
        plan = deployments(
            tp=made.tp, pp=made.pp, dp=made.dp, cp=made.cp, ep=made.ep, isl=ISL, osl=OSL, mtp_tokens=made.mtp,
            redundant=np.zeros(len(made)),
        )  # fmt: skip
        assert np.all(made.load <= 0.9 * most_requests(branch.setting, plan, made.budget) + 1e-9)


def test_reuse_where_there_is_no_pool_costs_nothing_and_where_there_is_one_it_does() -> None:
    question = Problem(
        model="deepseek-r1", systems=("huawei-cloudmatrix-384",), isl=ISL, osl=OSL, space=Space(reuse=(0.0, 0.5))
    )
    key = Key(system=question.systems[0], engine="cloudmatrix-infer", weights=None, kv=None, role="prefill")
    branch = branch_of(key, question, 32, ())
    assert branch.setting.machine.pools
    found, _ = layouts(branch.setting, 32, question.space, "prefill", branch.redundant_from)
    pooled, _ = price(branch, question, found[-2:])
    bare = replace(branch, setting=replace(branch.setting, machine=replace(branch.setting.machine, pools=())))
    free, _ = price(bare, question, found[-2:])
    assert np.all(pooled.first_s[pooled.reuse > 0.0] > free.first_s[free.reuse > 0.0])
    assert np.array_equal(pooled.first_s[pooled.reuse == 0.0], free.first_s[free.reuse == 0.0])


# What is dropped before intervals are known

LIMIT = st.builds(
    lambda latency, limit_s, quantile: Limit(latency=latency, limit_s=limit_s, quantile=quantile),
    st.sampled_from(["ttft", "tpot", "e2el"]), st.floats(0.01, 5.0), st.sampled_from([None, *QUANTILES]),
)  # fmt: skip


@given(
    st.integers(0, 10_000), st.sampled_from(ROLES), st.lists(LIMIT, min_size=1, max_size=4, unique_by=lambda a: a.name),
    st.floats(0.5, 0.999), st.booleans(),
)  # fmt: skip
def test_nothing_is_dropped_early_that_its_own_interval_would_keep(
    seed: int, role: Role, limits: list[Limit], confidence: float, intervals: bool
) -> None:
    rng = np.random.default_rng(seed)
    least = table(role, 30, rng)
    own = rng.exponential(0.3, 30)
    sds = {name: np.hypot(own, getattr(least, name)) for name in ("rate_sd", "tpot_sd", "first_sd")}
    whole = replace(least, time_sd=own, **sds)
    question = Problem(
        model="m", systems=("s",), isl=10.0, osl=40.0, limits=Limits(latencies=tuple(limits)), confidence=confidence,
        intervals=intervals,
    )  # fmt: skip
    early, fell = within(least, question)
    late, _ = within(whole, question)
    assert set(late.tolist()) <= set(early.tolist())
    assert sum(fell.values()) == 30 - len(early)


@given(st.floats(0.0, 9.0), st.floats(0.0, 1.5), st.floats(1e-3, 1.0), st.floats(0.0, 1.5), st.floats(0.0, 3.1))
def test_time_to_the_last_token_is_that_of_its_parts_late_together(
    first: float, first_sd: float, tpot: float, tpot_sd: float, z: float
) -> None:
    parts = [np.array([one]) for one in (first, first_sd, tpot, tpot_sd)]
    total, sd = end_to_end(parts[0], parts[1], parts[2], parts[3], 51.0, z)
    assert total[0] == pytest.approx(first + 50.0 * tpot)
    late = first * math.exp(z * first_sd) + 50.0 * tpot * math.exp(z * tpot_sd)
    assert total[0] * math.exp(z * sd[0]) == pytest.approx(late, rel=1e-6) or z < 1e-3
    alone, alone_sd = end_to_end(np.zeros(1), np.zeros(1), parts[2], parts[3], 51.0, z)
    assert total[0] * math.exp(z * sd[0]) >= alone[0] * math.exp(z * alone_sd[0]) * (1.0 - 1e-9)


@pytest.mark.parametrize("latency", ["ttft", "tpot", "e2el"])
def test_a_limit_at_the_interval_is_kept(latency: Latency) -> None:
    made = table("serve", 1, np.random.default_rng(2))
    question = Problem(model="m", systems=("s",), isl=10.0, osl=1.0, confidence=0.95)
    z = question.deviations
    value = {"ttft": made.first_s * np.exp(z * made.first_sd), "tpot": made.tpot_s * np.exp(z * made.tpot_sd)}
    value["e2el"] = value["ttft"]
    for factor, kept in ((1.0001, 1), (0.9999, 0)):
        limit = Limit(latency=latency, limit_s=float(value[latency][0]) * factor)
        asked = Problem(
            model="m", systems=("s",), isl=10.0, osl=1.0, confidence=0.95, limits=Limits(latencies=(limit,))
        )
        assert len(within(made, asked)[0]) == kept


def test_tables_travel_as_bytes() -> None:
    made = table("prefill", 7, np.random.default_rng(4))
    tally = Tally(9, 8)
    tally.rejected["memory"] = 2
    content = packed(made, tally)
    back, counted = unpacked(content)
    assert counted == tally
    assert packed(back, counted) == content

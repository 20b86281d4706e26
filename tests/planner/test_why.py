"""One plan beside another: terms that multiply, chances, limits, what is not shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.planner.plan import Check, Holding, Metric, Plan, PoolPlan
from accord.planner.problem import Limit, Limits, Problem
from accord.planner.why import (
    METRIC_OF,
    Why,
    binding,
    differences,
    find_plan,
    relaxations,
    rests,
    riskiest,
    why,
    with_limits,
)
from accord.planner.why_chances import better_of, held_alike

PRICE = {"cloud-a": 3.0, "cloud-b": 5.0}
PARTS = {"cloud-a": {"capital": 2.0, "energy": 1.0}, "cloud-b": {"capital": 3.5, "energy": 0.5, "building": 1.0}}
WATTS = {"cloud-a": 800.0, "cloud-b": 1200.0}


def plan(
    id: str = "a" * 10, system: str = "cloud-a", *, chips: int = 16, tp: int = 1, batch: float = 32.0,
    tpot_s: float = 0.03, used: float = 0.9, mtp: int = 0, wide: float = 1.2, isl: float = 4000.0,
    osl: float = 1000.0, spare: int = 0, **fields: Any,
) -> Plan:  # fmt: skip
    """An aggregated plan whose numbers hang together; wide: high over value of every interval."""
    instances = chips // tp
    rate = used * instances * tp * batch / tpot_s / osl
    held = chips + spare
    pool = PoolPlan(
        role="serve", system=system, engine="vllm", weights="fp8", kv="bf16", tp=tp, devices=tp, instances=instances,
        batch_per_device=batch, max_num_batched_tokens=8192, max_num_seqs=math.ceil(batch * tp), mtp_tokens=mtp,
        mtp_accept=0.7 if mtp else 0.0, memory_bytes=1e11, capacity_bytes=1.4e11, request_per_s=rate,
    )  # fmt: skip
    hourly, power = PRICE[system] * held, WATTS[system] * held
    values = {
        "request_per_s": (rate, "req/s"), "output_token_per_s_total": (rate * osl, "tok/s"),
        "output_token_per_s_per_chip": (rate * osl / held, "tok/s"), "tpot_s": (tpot_s, "s"), "ttft_s": (0.4, "s"),
        "e2el_s": (0.4 + tpot_s * (osl - 1.0), "s"), "chips": (float(held), "1"), "power_w": (power, "W"),
        "usd_per_hour": (hourly, "USD/h"), "energy_j_per_output_token": (1.3 * power / (rate * osl), "J/tok"),
        "usd_per_million_output_tokens": (hourly / (rate * osl * 0.8 * 3600.0) * 1e6, "USD"),
        "kgco2_per_million_output_tokens": (1.3 * power * 4e-4 / 3.6e6 / (rate * osl) * 1e6, "kgCO2e"),
    }  # fmt: skip
    metrics = {
        name: Metric(value=value, unit=unit, low=value / wide, high=value * wide)
        for name, (value, unit) in values.items()
    }
    holding = Holding(system=system, chip="chip", chips=held, used=chips, systems=max(held // 8, 1))
    made: dict[str, Any] = {
        "id": id, "model": "m", "mode": "aggregated", "isl": isl, "osl": osl, "pools": (pool,), "holdings": (holding,),
        "metrics": metrics,
    }  # fmt: skip
    return Plan(**{**made, **fields})


def check(name: str, slack: float, chance: float = 1.0, limit: float = 1.0, **fields: Any) -> Check:
    return Check(**{"name": name, "sense": "at most", "limit": limit, "value": limit / slack, "unit": "s",
                    "chance": chance, "slack": slack, **fields})  # fmt: skip


def product(found: Why) -> float:
    return math.prod(one.factor for one in found.terms)


PLANS = st.builds(
    plan,
    system=st.sampled_from(sorted(PRICE)), chips=st.sampled_from((8, 16, 64)), tp=st.sampled_from((1, 2, 8)),
    batch=st.floats(1.0, 256.0), tpot_s=st.floats(1e-3, 0.2), used=st.floats(0.1, 1.0), mtp=st.integers(0, 2),
    osl=st.floats(2.0, 5000.0), spare=st.integers(0, 8),
)  # fmt: skip


@given(PLANS, PLANS, st.sampled_from(sorted(METRIC_OF)), st.booleans())
def test_factors_multiply_to_the_whole(a: Plan, b: Plan, objective: str, priced: bool) -> None:
    found = why(a, b, objective, parts=PARTS if priced else None)
    assert found.whole.ratio is not None
    assert product(found) == pytest.approx(found.whole.ratio, rel=1e-9)


def test_terms_of_a_cost() -> None:
    a, b = plan(batch=64.0, tpot_s=0.04), plan("b" * 10, "cloud-b", batch=32.0, tpot_s=0.03, spare=4, mtp=1)
    terms = {one.name: one for one in why(a, b, "cost", parts=PARTS).terms}
    assert terms["requests in flight on each"].factor == pytest.approx(32.0 / 64.0)
    assert terms["iterations a second"].factor == pytest.approx((1 / 0.03 / 1.7) / (1 / 0.04))
    assert terms["tokens of an iteration"].factor == pytest.approx(1.7)
    assert terms["decoding devices of a chip held"].factor == pytest.approx((16 / 20) / 1.0)
    hours = [one for name, one in terms.items() if name.startswith("an hour of a chip held: ")]
    assert {one.name.partition(": ")[2] for one in hours} == {"capital", "energy", "building"}
    assert math.prod(one.factor for one in hours) == pytest.approx(3.0 / 5.0)
    assert "everything else" not in terms
    whole = {one.name: one.factor for one in why(a, b, "cost").terms}
    assert whole["an hour of a chip held"] == pytest.approx(3.0 / 5.0)


def test_what_was_asked_for_is_a_term() -> None:
    wanted = check("goodput", 2.0, limit=5.0, sense="at least", unit="req/s")
    a = plan(checks=(wanted,))
    cost = a.metrics["usd_per_million_output_tokens"]
    paid = msgspec.structs.replace(cost, value=cost.value * a.metrics["request_per_s"].value / 5.0)
    a = msgspec.structs.replace(a, metrics={**a.metrics, "usd_per_million_output_tokens": paid})
    terms = {one.name: one.factor for one in why(a, plan("b" * 10), "cost").terms}
    assert terms["share of its rate that is asked for"] == pytest.approx(a.metrics["request_per_s"].value / 5.0)
    assert "everything else" not in terms and "hours that are not under load" not in terms


def test_rests_of_a_ratio_are_named() -> None:
    a, b = plan(), plan("b" * 10, "cloud-b")
    metric = a.metrics["energy_j_per_output_token"]
    drawn = msgspec.structs.replace(metric, value=metric.value * 1.1)
    a = msgspec.structs.replace(a, metrics={**a.metrics, "energy_j_per_output_token": drawn})
    last = why(a, b, "energy").terms[-1]
    assert last.name == "building over racks (PUE)"
    assert last.factor == pytest.approx(1.1)
    unknown = {name: one for name, one in a.metrics.items() if name != "power_w"}
    assert why(msgspec.structs.replace(a, metrics=unknown), b, "energy").terms[-1].name == "everything else"


def test_time_to_the_last_token_is_a_sum() -> None:
    found = why(plan(tpot_s=0.02), plan("b" * 10, tpot_s=0.04), "e2el")
    first, after = found.terms
    assert (first.name, first.factor, after.name) == ("time to first token", 1.0, "the tokens after it")
    assert after.factor == pytest.approx((0.4 + 999 * 0.02) / (0.4 + 999 * 0.04))


def test_chances_by_hand() -> None:
    a, b = plan(tpot_s=0.02, wide=1.2), plan("b" * 10, tpot_s=0.021, wide=1.5)
    z = 1.6448536269514722  # of a 90 % interval
    own = (math.log(1.2) / z, math.log(1.5) / z)
    lead = math.log(0.021 / 0.02)

    def law(sd: float) -> float:
        return 0.5 * (1.0 + math.erf(lead / sd / math.sqrt(2.0)))

    apart = why(a, b, "tpot")
    assert apart.common is False
    assert apart.whole.chance == pytest.approx(law(math.hypot(*own)))
    half = math.exp(z * math.hypot(*own))
    assert apart.whole.ratio is not None
    assert apart.whole.low == pytest.approx(apart.whole.ratio / half)
    assert apart.whole.high == pytest.approx(apart.whole.ratio * half)
    together = why(a, b, "tpot", residual=lambda _, name: 0.05)
    shared = [math.sqrt(sd**2 - 0.05**2) for sd in own]
    assert together.common is True
    assert together.whole.chance == pytest.approx(law(math.hypot(shared[0] - shared[1], 0.05, 0.05)))
    other = plan("b" * 10, "cloud-b", tpot_s=0.021, wide=1.5)
    assert why(a, other, "tpot", residual=lambda _, name: 0.05).whole.chance == apart.whole.chance


@given(PLANS, PLANS, st.sampled_from(sorted(METRIC_OF)), st.floats(0.0, 0.5))
def test_chances_of_both_sides_sum_to_one(a: Plan, b: Plan, objective: str, own: float) -> None:
    here, there = (why(*pair, objective, residual=lambda _, name: own) for pair in ((a, b), (b, a)))
    if a.chips == b.chips and objective in ("chips", "power") and held_alike(a, b):
        assert here.whole.chance is there.whole.chance is None  # the same, so neither is ahead
        return
    assert here.whole.chance is not None and there.whole.chance is not None
    assert here.whole.chance + there.whole.chance == pytest.approx(1.0)
    better = here.whole.ratio is not None and (here.whole.ratio > 1.0) is (here.whole.better == "more")
    assert (here.whole.chance >= 0.5) is better or here.whole.chance == pytest.approx(0.5)


def test_what_has_no_interval_has_no_chance() -> None:
    bare = {name: Metric(value=one.value, unit=one.unit) for name, one in plan().metrics.items()}
    found = why(msgspec.structs.replace(plan(), metrics=bare), plan("b" * 10), "cost")
    assert (found.whole.low, found.whole.chance) == (None, None)
    assert found.whole.ratio == pytest.approx(1.0)


def test_equal_plans_are_even() -> None:
    found = why(plan(), plan("b" * 10), "cost", residual=lambda _, name: 0.0)
    assert found.differences == ()
    assert found.whole.chance == 0.5
    assert all(one.factor == pytest.approx(1.0) for one in found.terms)


def said(a: Plan, b: Plan) -> dict[str, str]:
    return {f"{one.where} {one.field}": f"{one.a} and {one.b}" for one in differences(a, b)}


def test_differences_name_pools_and_chips() -> None:
    a, b = plan(tp=8), plan("b" * 10, "cloud-b", spare=4)
    found = said(a, b)
    assert found["serve tp"] == "8 and 1"
    assert found["serve system"] == "cloud-a and cloud-b"
    assert found["chips held cloud-a"] == "16 and None"
    assert found["chips held cloud-b"] == "None and 20"
    assert "serve weights" not in found
    pool = msgspec.structs.replace(b.pools[0], role="decode")
    found = said(a, msgspec.structs.replace(b, mode="disaggregated", pools=(pool,)))
    assert found["plan mode"] == "aggregated and disaggregated"
    assert found["serve pool"] == "2 x tp8 fp8 on cloud-a and None"
    assert found["decode pool"] == "None and 16 x one device fp8 on cloud-b"
    assert not any(name.endswith(" tp") for name in found)


def test_what_is_held_alike_is_one_cause() -> None:
    a, b = plan(tpot_s=0.03), plan("b" * 10, tpot_s=0.031, wide=1.4)
    pool = msgspec.structs.replace(b.pools[0], engine="sglang")
    b = msgspec.structs.replace(b, pools=(pool,))
    own = 0.05
    for other, residual in ((b, None), (b, lambda _, name: own), (plan("b" * 10, tpot_s=0.031), lambda _, name: own)):
        found = {one.name: one for one in why(a, other, "cost", residual=residual).metrics}
        for name in ("power_w", "usd_per_hour", "chips"):
            assert (found[name].ratio, found[name].low, found[name].high) == (1.0, None, None)
            assert found[name].chance is None
        rate = found["request_per_s"].chance
        assert rate is not None and 0.5 < rate < 1.0
        for name in ("usd_per_million_output_tokens", "energy_j_per_output_token", "kgco2_per_million_output_tokens"):
            assert found[name].chance == pytest.approx(rate)
    twice = {one.name: one for one in why(plan(chips=32), plan("b" * 10), "power").metrics}
    assert (twice["power_w"].ratio, twice["power_w"].low, twice["power_w"].chance) == (2.0, None, 0.0)
    apart = {one.name: one for one in why(a, plan("b" * 10, "cloud-b"), "power").metrics}
    assert apart["power_w"].low is not None


def test_a_token_that_was_asked_for_is_as_sure_as_what_is_held() -> None:
    wanted = check("goodput", 2.0, limit=1.0, sense="at least", unit="req/s")
    a, b = plan(checks=(wanted,)), plan("b" * 10, tpot_s=0.04, checks=(wanted,))
    found = why(a, b, "cost").whole
    assert found.ratio is not None and found.low == pytest.approx(found.ratio)  # both are paid for one request a second
    assert found.chance == 1.0


def test_which_limit_binds() -> None:
    checks = (check("ttft", 2.0, 0.99), check("tpot", 1.01, 0.91), check("chips", 1.0))
    assert [one.name for one in binding(plan(checks=checks))] == ["chips", "tpot"]
    assert [one.name for one in binding(plan(checks=checks[:1]))] == ["ttft"]  # the nearest, though far
    assert binding(plan()) == ()
    least = riskiest(plan(checks=checks))
    assert least is not None and least.name == "tpot"
    assert riskiest(plan(checks=checks[2:])) is None


def test_the_price_of_a_limit() -> None:
    checks = (
        check("tpot", 1.0, limit=0.04), check("chips", 1.0, limit=16.0, unit="1"),
        check("goodput", 1.0, limit=10.0, sense="at least", unit="req/s"), check("power", 1.0, limit=2e4, unit="W"),
    )  # fmt: skip
    asked: list[Mapping[str, float]] = []

    def replan(changes: Mapping[str, float]) -> Plan | None:
        asked.append(changes)
        if "power" in changes:
            return None
        return plan("c" * 10, batch=48.0, tpot_s=0.04 if "tpot" in changes else 0.03)

    found = {one.name: one for one in relaxations(plan(checks=checks), "goodput", replan)}
    assert [dict(one) for one in asked] == [
        {"tpot": pytest.approx(0.044)}, {"chips": 24.0}, {"goodput": pytest.approx(10.0 / 1.1)},
        {"power": pytest.approx(2.2e4)},
    ]  # fmt: skip
    tpot = found["tpot"]
    assert tpot.after is not None and tpot.gain == pytest.approx(48.0 / 32.0 * 0.03 / 0.04)
    assert tpot.per_unit == pytest.approx((tpot.after - tpot.before) / 0.004)
    assert (found["power"].after, found["power"].gain, found["power"].id) == (None, None, None)
    cheaper = relaxations(plan(checks=checks[:1]), "cost", lambda changes: plan("c" * 10, batch=48.0))
    assert cheaper[0].gain == pytest.approx(48.0 / 32.0)  # a lower cost is a gain


def test_limits_of_a_problem_are_changed_by_their_names() -> None:
    limits = Limits(
        latencies=(Limit(latency="tpot", limit_s=0.04), Limit(latency="ttft", limit_s=2.0, quantile=0.99)),
        request_per_s=5.0, power_w=2e4, chips=16,
    )  # fmt: skip
    asked = Problem(model="m", systems=("cloud-a",), isl=100.0, osl=10.0, limits=limits)
    found = with_limits(asked, {"ttft_p99": 2.2, "goodput": 4.5, "power": 2.2e4, "chips": 24.0}).limits
    assert [one.limit_s for one in found.latencies] == [0.04, 2.2]
    assert (found.request_per_s, found.power_w, found.chips) == (4.5, 2.2e4, 24)
    assert with_limits(asked, {}) == asked
    with pytest.raises(UsageError, match="has no limit 'racks'") as caught:
        with_limits(asked, {"racks": 3.0})
    assert caught.value.hint == "known: tpot, ttft_p99, goodput, power, chips"


def test_what_nobody_has_shown() -> None:
    a = plan(unknown=("engine support of vllm", "price of a system"))
    weak = msgspec.structs.replace(a.metrics["power_w"], basis="assumed")
    b = plan("b" * 10, unknown=("engine support of vllm",))
    b = msgspec.structs.replace(b, metrics={**b.metrics, "power_w": weak})
    found = rests(a, b, ("utilisation is a default",))
    assert found.both == ("utilisation is a default", "engine support of vllm", "law: not checked")
    assert found.a == ("price of a system",)
    assert found.b == ("power_w is assumed",)


def test_a_plan_is_found_by_rank_id_or_beginning() -> None:
    plans = [plan("0123456789"), plan("01234abcde"), plan("fedcba9876")]
    assert find_plan(plans, "2") is plans[1]
    assert find_plan(plans, "fedcba9876") is plans[2]
    assert find_plan(plans, "fed") is plans[2]
    assert find_plan(plans, "01234a") is plans[1]
    twins = [plan("abcdef0000"), plan("abcdef1111")]
    with pytest.raises(UsageError, match="begins 2 ids"):
        find_plan(twins, "abcdef")
    with pytest.raises(UsageError, match="no plan of rank 4") as caught:
        find_plan(plans, "4")
    assert caught.value.hint == "ranks go from 1 to 3"
    with pytest.raises(UsageError, match="no plan 'fedcab9876'") as caught:
        find_plan(plans, "fedcab9876")
    assert caught.value.hint == "did you mean 'fedcba9876'?"


def test_better_is_more_or_less_or_neither() -> None:
    assert [name for name in METRIC_OF.values() if better_of(name) == "more"] == ["request_per_s"]
    assert all(better_of(name) for name in METRIC_OF.values())
    assert better_of("goodput_request_per_s") == better_of("output_token_per_s_per_user") == "more"
    assert better_of("ttft_p99_s") == "less"
    assert better_of("offered_request_per_s") is better_of("steady_rank") is better_of("requests") is None


def test_a_plan_without_the_number_is_not_judged_by_it() -> None:
    bare = {name: one for name, one in plan().metrics.items() if not name.startswith("usd")}
    with pytest.raises(UsageError, match="plan B has no 'usd_per_million_output_tokens'"):
        why(plan(), plan("b" * 10, metrics=bare), "cost")
    with pytest.raises(UsageError, match="plan A and B have no 'costs'"):
        why(plan(), plan("b" * 10), "costs")

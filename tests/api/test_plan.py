"""Plans of a small question move as they should when the question moves."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import pytest

from accord.api import branches
from accord.api.plan import Answer, plan
from accord.base.errors import AccordError
from accord.economics.scenario import Amount, Scenario, SystemTerms
from accord.planner.plan import Plan
from accord.planner.problem import Limit, Limits, Objective, Problem, Space

H100, H200, A100 = "nvidia-hgx-h100-8", "nvidia-hgx-h200-8", "nvidia-hgx-a100-8"
SMALL = Space(engines=("vllm",), batches=(1, 4, 16, 64), budgets=(2048, 8192), tp=(1, 2, 8), pp=(1,))


def limit(latency: str, limit_s: float, quantile: float | None = None) -> Limit:
    return Limit(latency=latency, limit_s=limit_s, quantile=quantile)  # type: ignore[arg-type]


def problem(*objectives: Objective, systems: tuple[str, ...] = (H100,), **limits: object) -> Problem:
    return Problem(
        model="llama-3.1-8b", systems=systems, isl=2000.0, osl=300.0, space=SMALL,
        objectives=objectives or ("goodput",), limits=Limits(**limits),  # type: ignore[arg-type]
    )  # fmt: skip


def changed(one: Problem, **limits: object) -> Problem:
    return msgspec.structs.replace(one, limits=msgspec.structs.replace(one.limits, **limits))


@lru_cache(maxsize=512)
def answer(one: Problem) -> Answer:
    return plan(one)


def metric(found: Plan, objective: str) -> float:
    """An objective of a plan, less is better."""
    name = {
        "goodput": "request_per_s", "cost": "usd_per_million_output_tokens", "chips": "chips", "power": "power_w",
        "ttft": "ttft_s", "tpot": "tpot_s", "e2el": "e2el_s", "energy": "energy_j_per_output_token",
    }[objective]  # fmt: skip
    return found.metrics[name].value * (-1.0 if objective == "goodput" else 1.0)


def best(one: Problem) -> float:
    """The best objective; infinite without a plan."""
    plans = answer(one).plans
    return metric(plans[0], one.objectives[0]) if plans else float("inf")


# A looser question has no worse an answer

LADDERS: dict[str, list[Problem]] = {
    "ttft": [problem(chips=16, latencies=(limit("ttft", s),)) for s in (0.05, 0.1, 0.2, 0.5, 2.0)],
    "ttft tail": [problem(chips=16, latencies=(limit("ttft", s, 0.99),)) for s in (0.1, 0.2, 0.5, 2.0)],
    "tpot": [problem("cost", chips=16, latencies=(limit("tpot", s),)) for s in (0.004, 0.012, 0.02, 0.05)],
    "e2el": [problem(chips=16, latencies=(limit("e2el", s),)) for s in (2.0, 4.0, 8.0, 30.0)],
    "e2el tail": [problem("cost", chips=16, latencies=(limit("e2el", s, 0.9),)) for s in (2.0, 4.0, 8.0)],
    "chips": [problem(chips=chips) for chips in (8, 16, 24, 32, 64, 72)],
    "chips for cost": [problem("cost", chips=chips) for chips in (8, 16, 24, 32)],
    "power": [problem(power_w=watt) for watt in (5e3, 2e4, 5e4, 1e5)],
    "usd": [problem(usd_per_hour=usd) for usd in (20.0, 50.0, 120.0, 300.0)],
    "load": [problem("chips", request_per_s=rate) for rate in (300.0, 100.0, 40.0, 10.0)],
    "load for cost": [problem("cost", request_per_s=rate, chips=64) for rate in (200.0, 100.0, 5.0)][::-1],
    "confidence": [
        msgspec.structs.replace(
            problem(chips=16, latencies=(limit("ttft", 0.3), limit("tpot", 0.02))), confidence=share
        )
        for share in (0.99, 0.9, 0.75, 0.5)
    ],
    "confidence in power": [
        msgspec.structs.replace(problem(power_w=6e4), confidence=share) for share in (0.99, 0.9, 0.75, 0.6, 0.5)
    ],
    "max load": [
        msgspec.structs.replace(problem(chips=16), max_load=share) for share in (0.5, 0.7, 0.9, 1.0)
    ],
    "systems": [
        problem("cost", systems=systems, request_per_s=40.0) for systems in ((H200,), (H100, H200), (A100, H100, H200))
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in LADDERS if name != "load for cost"])
def test_a_looser_question_has_no_worse_an_answer(name: str) -> None:
    found = [best(one) for one in LADDERS[name]]
    assert found[-1] < float("inf")
    for tight, loose in zip(found, found[1:], strict=False):
        assert loose <= tight + 1e-9 * abs(tight)


def test_the_same_machines_for_less_load_cost_more_a_token() -> None:
    found = [best(one) for one in LADDERS["load for cost"]]
    assert found[0] > found[-1]


def test_without_intervals_limits_hold_at_the_estimate() -> None:
    sure = LADDERS["confidence"][-1]
    plain = msgspec.structs.replace(sure, intervals=False, confidence=0.9)
    assert best(plain) == pytest.approx(best(sure), rel=1e-9)


# Every plan keeps what it says

ASKED: dict[str, Problem] = {
    "latencies": problem(chips=32, latencies=(limit("ttft", 0.3), limit("tpot", 0.02, 0.9), limit("e2el", 9.0, 0.99))),
    "load": problem("cost", request_per_s=60.0, latencies=(limit("ttft", 0.5),)),
    "power": problem(power_w=5e4, latencies=(limit("e2el", 8.0),)),
    "money": problem("cost", usd_per_hour=100.0),
    "front": problem("goodput", "ttft", "chips", chips=16, latencies=(limit("tpot", 0.05),)),
    "two systems": msgspec.structs.replace(
        problem("cost", systems=(A100, H200), request_per_s=30.0, usd_per_hour=200.0, power_w=1e6),
        space=msgspec.structs.replace(SMALL, mixed=True),
    ),
    "two systems in a feed": msgspec.structs.replace(
        problem("goodput", systems=(A100, H200), power_w=6e4), space=msgspec.structs.replace(SMALL, mixed=True),
        confidence=0.8,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_limits_hold_with_the_chance_that_is_asked_for(name: str) -> None:
    one = ASKED[name]
    found = answer(one)
    assert found.plans
    for each in (*found.plans, *found.front, *found.by_system):
        for check in each.checks:
            assert check.chance >= one.confidence - 1e-6, (each.id, check)
            assert check.slack >= 1.0 - 1e-6, (each.id, check)
        assert each.chance <= min((check.chance for check in each.checks), default=1.0) + 1e-12
        assert len(each.checks) == len(one.limits.latencies) + sum(
            getattr(one.limits, field) is not None
            for field in ("request_per_s", "chips", "power_w", "capex_usd", "usd_per_hour", "racks")
        )


@pytest.mark.parametrize("name", ASKED)
def test_numbers_of_a_plan_agree(name: str) -> None:
    one = ASKED[name]
    for each in answer(one).plans:
        get = {key: found.value for key, found in each.metrics.items()}
        for key, found in each.metrics.items():
            if found.low is not None and found.high is not None:
                assert found.low <= found.value * (1 + 1e-12), key
                assert found.value <= found.high * (1 + 1e-12), key
        assert get["e2el_s"] == pytest.approx(get["ttft_s"] + (one.osl - 1.0) * get["tpot_s"])
        assert get["chips"] == each.chips == sum(held.chips for held in each.holdings)
        assert get["output_token_per_s_total"] == pytest.approx(get["request_per_s"] * one.osl)
        assert get["output_token_per_s_per_chip"] * each.chips == pytest.approx(get["output_token_per_s_total"])
        assert get["running"] == pytest.approx(get["request_per_s"] * get["e2el_s"])
        assert get["power_w"] == pytest.approx(sum(held.power_w or 0.0 for held in each.holdings))
        paid = min(get["request_per_s"], one.limits.request_per_s or float("inf"))
        busy = min(terms.load for terms in answer(one).terms if terms.system in {held.system for held in each.holdings})
        hourly = sum(held.usd_per_hour or 0.0 for held in each.holdings)
        cost = hourly / (paid * one.osl * busy * 3600.0) * 1e6
        assert get["usd_per_million_output_tokens"] == pytest.approx(cost)
        for pool in each.pools:
            assert pool.devices == pool.tp * pool.pp * pool.dp * pool.cp
            assert pool.memory_bytes <= pool.capacity_bytes
            share = 1.0 if pool.role == "serve" else one.max_load + 1e-9
            assert get["request_per_s"] <= pool.request_per_s * share * (1 + 1e-9)
        for held in each.holdings:
            own = sum(pool.instances * pool.devices for pool in each.pools if pool.system == held.system)
            assert held.used == own <= held.chips


@pytest.mark.parametrize("name", ASKED)
def test_plans_are_in_order_and_told_apart(name: str) -> None:
    one = ASKED[name]
    found = answer(one)
    worth = [tuple(metric(each, objective) for objective in one.objectives) for each in found.plans]
    first = [each[0] for each in worth]
    assert all(a <= b + 1e-8 * abs(b) for a, b in zip(first, first[1:], strict=False))
    assert len({each.id for each in found.plans}) == len(found.plans)
    assert len({each.id for each in found.front}) == len(found.front)
    assert found.by_system[0].id == found.plans[0].id
    again = plan(one)
    assert msgspec.json.encode(again.plans) == msgspec.json.encode(found.plans)
    assert msgspec.json.encode(again.front) == msgspec.json.encode(found.front)
    assert again.tally == found.tally


def test_two_die_chips_are_counted_as_chips() -> None:
    one = Problem(
        model="deepseek-v3", systems=("huawei-cloudmatrix-384",), isl=2000.0, osl=300.0,
        space=Space(batches=(8, 32), budgets=(8192,), pp=(1,), engines=("cloudmatrix-infer",)), limits=Limits(chips=32),
    )  # fmt: skip
    found = plan(one).plans
    assert found
    for each in found:
        assert each.chips <= 32
        (held,) = each.holdings
        assert 2 * held.used >= sum(pool.devices * pool.instances for pool in each.pools) > 2 * held.used - 2
    assert any(sum(pool.devices * pool.instances for pool in each.pools) == 64 for each in found)


# Prices


def rented(usd: float) -> Scenario:
    return Scenario(mode="rent", systems={H100: SystemTerms(rent=Amount(value=usd, unit="USD"))})


def test_twice_the_price_is_twice_the_cost_and_the_same_order() -> None:
    for objectives in (("cost",), ("goodput",)):
        one = problem(*objectives, chips=16, latencies=(limit("ttft", 0.5),))
        cheap, dear = (plan(one, scenario=rented(usd)) for usd in (2.0, 4.0))
        assert [each.id for each in cheap.plans] == [each.id for each in dear.plans]
        for a, b in zip(cheap.plans, dear.plans, strict=True):
            assert metric(b, "cost") == pytest.approx(2.0 * metric(a, "cost"))
            assert metric(b, "goodput") == metric(a, "goodput")


def test_a_plan_within_a_tight_budget_is_within_a_loose_one() -> None:
    tight, loose = (plan(problem(usd_per_hour=usd), count=100) for usd in (60.0, 200.0))
    assert tight.plans
    for each in tight.plans:
        assert (each.metrics["usd_per_hour"].high or 0.0) <= 200.0
    assert metric(loose.plans[0], "goodput") <= metric(tight.plans[0], "goodput")


# How the work is cut


@pytest.mark.parametrize("rows", [7, 300, 10_000_000])
def test_slices_do_not_change_the_answer(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Followed causes are those of a slice, so intervals may differ a little with it, estimates not."""
    for name in ("front", "load"):
        one = msgspec.structs.replace(ASKED[name], intervals=False)
        whole = plan(one)
        monkeypatch.setattr(branches, "SLICE_ROWS", rows)
        cut = plan(one)
        monkeypatch.undo()
        assert [each.id for each in cut.plans] == [each.id for each in whole.plans]
        assert [each.id for each in cut.front] == [each.id for each in whole.front]
        assert cut.tally == whole.tally
        for a, b in zip(cut.plans, whole.plans, strict=True):
            assert metric(a, one.objectives[0]) == pytest.approx(metric(b, one.objectives[0]), rel=1e-9)


def test_slices_change_intervals_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of equally good plans are shown may depend on whose interval is wider."""
    one = problem(chips=16)
    whole = plan(one).plans
    monkeypatch.setattr(branches, "SLICE_ROWS", 200)
    cut = plan(one).plans
    for a, b in zip(cut, whole, strict=True):
        assert metric(a, "goodput") == pytest.approx(metric(b, "goodput"), rel=1e-9)
    own = {each.id: each.metrics["tpot_s"] for each in whole}
    shared = [(each.metrics["tpot_s"], own[each.id]) for each in cut if each.id in own]
    assert len(shared) >= 4
    for one_cut, one_whole in shared:
        assert one_cut.value == pytest.approx(one_whole.value, rel=1e-9)
        assert one_cut.high == pytest.approx(one_whole.high or 0.0, rel=0.03)


# What cannot be


@pytest.mark.parametrize(
    "one",
    [
        problem(systems=("no-such-system",)),
        msgspec.structs.replace(problem(), model="no-such-model"),
        msgspec.structs.replace(problem(), confidence=0.2),
    ],
)
def test_what_is_unknown_is_refused_with_a_hint(one: Problem) -> None:
    with pytest.raises(AccordError) as caught:
        plan(one)
    assert caught.value.hint


def test_an_infeasible_question_has_no_plan_and_says_what_fell() -> None:
    found = answer(problem(chips=8, latencies=(limit("tpot", 1e-4),)))
    assert found.plans == found.front == ()
    assert found.tally.rejected["tpot"] > 0
    assert found.tally.counted == found.tally.estimated + sum(
        count for why, count in found.tally.rejected.items() if not why.startswith(("tpot", "ttft", "e2el"))
    )

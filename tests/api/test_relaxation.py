"""What each limit would have to be: put into the question, it has an answer."""

from __future__ import annotations

import math
from functools import lru_cache

import msgspec
import pytest

from accord.api.plan import plan
from accord.api.relaxation import Relaxed, relaxations
from accord.planner.plan import Plan
from accord.planner.problem import Limit, Limits, Objective, Problem, Space

TPOT, TTFT = Limit(latency="tpot", limit_s=0.0005), Limit(latency="ttft", limit_s=0.005, quantile=0.99)
E2EL = Limit(latency="e2el", limit_s=0.5)
H100, A100 = "nvidia-hgx-h100-8", "nvidia-hgx-a100-8"
FIELDS = {"goodput": "request_per_s", "power": "power_w", "capex": "capex_usd", "usd": "usd_per_hour"}


def problem(*systems: str, objective: Objective = "goodput", **limits: object) -> Problem:
    return Problem(
        model="llama-3.1-8b", systems=systems or (H100,), isl=2000.0, osl=300.0, limits=Limits(**limits),  # type: ignore[arg-type]
        space=Space(engines=("vllm",), batches=(1, 16, 64), budgets=(8192,), tp=(1, 2, 8), pp=(1,)),
        objectives=(objective,),
    )  # fmt: skip


INFEASIBLE = {
    "tpot": problem(chips=8, latencies=(TPOT,)),
    "ttft tail": problem(chips=8, latencies=(TTFT,)),
    "last token": problem(chips=8, latencies=(E2EL,)),
    "load": problem(chips=8, request_per_s=300.0),
    "power": problem(power_w=500.0),
    "power for a load": problem(request_per_s=60.0, power_w=9e3),
    "price": problem(request_per_s=60.0, capex_usd=2e5),
    "hour": problem(request_per_s=60.0, usd_per_hour=10.0),
    "two systems": problem(H100, A100, request_per_s=60.0, usd_per_hour=10.0),
    "two limits": problem(chips=8, request_per_s=200.0, latencies=(Limit(latency="ttft", limit_s=0.3),)),
    "nearly": problem(chips=8, request_per_s=46.0, latencies=(Limit(latency="tpot", limit_s=0.05),)),
}


@lru_cache(maxsize=512)
def plans(one: Problem) -> tuple[Plan, ...]:
    return plan(one).plans


@lru_cache(maxsize=32)
def relaxed(name: str) -> tuple[Relaxed, ...]:
    return relaxations(INFEASIBLE[name], plans)


def loosened(one: Problem, found: Relaxed) -> Problem:
    """The question with a limit as it is said to be needed, rounded to its loose side."""
    more, less = found.needed * (1.0 + 1e-6), found.needed * (1.0 - 1e-6)
    if found.name == "confidence":
        return msgspec.structs.replace(one, confidence=max(less, 0.5))
    limits = one.limits
    if found.name in FIELDS:
        value = less if found.name == "goodput" else more
        changed = msgspec.structs.replace(limits, **{FIELDS[found.name]: value})
    elif found.name in ("chips", "racks"):
        changed = msgspec.structs.replace(limits, **{found.name: math.ceil(found.needed)})
    else:
        own = tuple(
            msgspec.structs.replace(limit, limit_s=more) if limit.name == found.name else limit
            for limit in limits.latencies
        )
        changed = msgspec.structs.replace(limits, latencies=own)
    return msgspec.structs.replace(one, limits=changed)


@pytest.mark.parametrize("name", INFEASIBLE)
def test_what_is_needed_is_enough(name: str) -> None:
    one = INFEASIBLE[name]
    assert not plans(one), "the question has an answer already"
    for found in relaxed(name):
        assert plans(loosened(one, found)), found.name
        assert found.plan.pools


@pytest.mark.parametrize("name", INFEASIBLE)
def test_nearest_first_and_every_limit_once(name: str) -> None:
    found = relaxed(name)
    factors = [one.factor for one in found]
    assert factors == sorted(factors)
    assert all(factor > 1.0 for factor in factors)
    assert len({one.name for one in found}) == len(found)
    for one in found:
        up = one.name not in ("goodput", "confidence")
        assert one.factor == pytest.approx(one.needed / one.asked if up else one.asked / one.needed)


@pytest.mark.parametrize("name", ["tpot", "load", "power", "power for a load", "hour", "two systems"])
def test_what_is_a_little_less_than_needed_is_not_enough(name: str) -> None:
    """Of limits on what a plan holds or serves; a latency that is let go is that of a pool under full load."""
    one = INFEASIBLE[name]
    for found in relaxed(name):
        if found.name in ("chips", "confidence"):
            continue
        back = 1.02 if found.name == "goodput" else 0.98
        tight = loosened(one, _moved(found, back))
        assert not plans(tight), found.name


def _moved(found: Relaxed, factor: float) -> Relaxed:
    return Relaxed(found.name, found.asked, found.needed * factor, found.unit, found.factor, found.plan)


def test_fewest_chips() -> None:
    one = INFEASIBLE["load"]
    chips = next(found for found in relaxed("load") if found.name == "chips")
    assert chips.needed % 8 == 0
    fewer = msgspec.structs.replace(one, limits=msgspec.structs.replace(one.limits, chips=int(chips.needed) - 8))
    assert not plans(fewer)


def test_none_where_no_single_limit_is_to_blame() -> None:
    one = problem(chips=8, latencies=(TPOT, TTFT))
    assert not plans(one)
    assert relaxations(one, plans) == ()


def test_every_limit_alone_is_named_where_it_is_enough() -> None:
    assert [one.name for one in relaxed("tpot")] == ["tpot"]
    assert {"goodput", "chips"} <= {one.name for one in relaxed("load")}
    assert {"goodput", "chips"} <= {one.name for one in relaxed("two limits")}
    assert "confidence" in {one.name for one in relaxed("nearly")}

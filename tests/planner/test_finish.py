"""A candidate as a plan: chances, slack, intervals, what is held."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import msgspec
import numpy as np
import pytest
from tests.planner.rig import table, terms

from accord.planner.compose import Option, Send
from accord.planner.finish import plan_of
from accord.planner.offer import Offer, at_confidence, chance_at_most
from accord.planner.plan import Check, Plan
from accord.planner.problem import Limit, Limits, Problem, Space
from accord.planner.search import search

RNG = np.random.default_rng(12)
OFFERS = Offer(terms(RNG, "east"), 2, 4, 5, "chips"), Offer(terms(RNG, "west"), 1, 4, 5, "chips")
LIMITS = Limits(
    latencies=(
        Limit(latency="ttft", limit_s=4.0), Limit(latency="tpot", limit_s=0.3, quantile=0.9),
        Limit(latency="e2el", limit_s=40.0),
    ),
    request_per_s=1.0, chips=40, power_w=1e5, capex_usd=3e6, usd_per_hour=500.0, racks=20.0,
)  # fmt: skip
ASKED = Problem(model="m", systems=("east", "west"), isl=1000.0, osl=100.0, limits=LIMITS, space=Space(mixed=True))
KEYS = {"ttft": "ttft_s", "tpot_p90": "tpot_p90_s", "e2el": "e2el_s", "goodput": "request_per_s"}


def sends(first: Option, second: Option) -> Send | None:
    return np.zeros_like


@lru_cache(maxsize=8)
def plans(mode: str, problem: Problem = ASKED) -> tuple[Plan, ...]:
    rng = np.random.default_rng(13)

    def option(role: str, at: int) -> Option:
        return Option(("east", "west")[at], "e", "fp8", "bf16", at, table(role, 6, rng))  # type: ignore[arg-type]

    options = {
        "one": {"serve": [option("serve", 0)]},
        "two": {"prefill": [option("prefill", 0)], "decode": [option("decode", 0)]},
        "mixed": {"prefill": [option("prefill", 0)], "decode": [option("decode", 1)]},
    }[mode]
    found = search(options, OFFERS, sends, problem, 4)
    assert found.best
    return tuple(
        plan_of(pick, OFFERS, problem, 0.7, lambda option, drafts: (f"nothing of {option.system}",))
        for pick in found.best
    )


def check(one: Plan, name: str) -> Check:
    return next(check for check in one.checks if check.name == name)


@pytest.mark.parametrize("mode", ["one", "two", "mixed"])
def test_chances_are_those_of_the_interval(mode: str) -> None:
    z = NormalDist().inv_cdf(0.9)
    for one in plans(mode):
        for name, key in (
            ("ttft", "ttft_s"),
            ("tpot_p90", "tpot_p90_s"),
            ("e2el", "e2el_s"),
            ("goodput", "request_per_s"),
        ):
            found, metric = check(one, name), one.metrics[key]
            sd = math.log((metric.high or 0.0) / metric.value) / NormalDist().inv_cdf(0.95)
            room = found.limit / metric.value if found.sense == "at most" else metric.value / found.limit
            assert found.chance == pytest.approx(NormalDist().cdf(math.log(room) / sd))
            assert found.slack == pytest.approx(room * math.exp(-z * sd))
            assert (found.slack >= 1.0) == (found.chance >= 0.9)
            assert found.value == metric.value


@pytest.mark.parametrize("mode", ["one", "two", "mixed"])
def test_what_is_held_is_counted_in_chips(mode: str) -> None:
    for one in plans(mode):
        assert [held.system for held in one.holdings] == (["east", "west"] if mode == "mixed" else ["east"])
        for held in one.holdings:
            own = next(offer for offer in OFFERS if offer.terms.system == held.system)
            ranks = sum(pool.instances * pool.devices for pool in one.pools if pool.system == held.system)
            assert held.used == math.ceil(ranks / own.devices_per_chip) <= held.chips
            assert held.systems == math.ceil(held.chips / own.terms.chips)
            assert own.terms.power_w is not None
            assert held.power_w == pytest.approx(own.terms.power_w.value * held.chips)
        assert one.metrics["chips"].value == one.chips == check(one, "chips").value


def test_the_chance_of_a_disputed_figure_is_the_share_of_its_claims() -> None:
    power = OFFERS[0].terms.power_w
    assert power is not None
    for one in plans("one"):
        found = check(one, "power")
        assert found.chance == chance_at_most(power, 1e5 / one.chips)
        assert found.chance >= 0.9
        assert found.limit / found.slack == pytest.approx(power.value * one.chips)
        assert at_confidence(power, 0.9) * one.chips <= 1e5


def test_all_together_is_no_more_likely_than_the_least_likely_cause_of_each() -> None:
    for mode in ("one", "two", "mixed"):
        for one in plans(mode):
            least = min(check.chance for check in one.checks)
            every = math.prod(check.chance for check in one.checks)
            assert every - 1e-12 <= one.chance <= least + 1e-12


def test_names_of_plans_tell_them_apart_and_do_not_depend_on_predictions() -> None:
    found = [one.id for mode in ("one", "two", "mixed") for one in plans(mode)]
    assert len(set(found)) == len(found)
    other = msgspec.structs.replace(ASKED, level=0.5)
    assert [one.id for one in plans("two", other)] == [one.id for one in plans("two")]


def test_without_intervals_there_are_none() -> None:
    for one in plans("two", msgspec.structs.replace(ASKED, intervals=False)):
        assert one.metrics["tpot_s"].low is one.metrics["ttft_s"].high is None
        assert all(check.slack >= 1.0 - 1e-9 for check in one.checks)


def test_what_is_not_known_is_said_once() -> None:
    assert plans("two")[0].unknown == ("nothing of east",)
    assert plans("mixed")[0].unknown[:2] == ("nothing of east", "nothing of west")
    assert plans("mixed")[0].unknown[2].startswith("caches go from east to west")

"""Rows put together: counts, rates, waits, units."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planner.rig import case, table, terms
from tests.planner.slow import first_token, row, wait

from accord.inference.waiting import CONSTANT, queue
from accord.planner.compose import Option, put_together, serving, splitting
from accord.planner.offer import Offer
from accord.planner.problem import Limit, Limits, Problem
from accord.planner.units import ladder
from accord.planner.waits import first_tokens, highest_load

EAST = terms(np.random.default_rng(5), "east")


def held(most: int, why: str = "chips", chips: int = 4, dies: int = 2) -> Offer:
    return Offer(EAST, dies, chips, most, why)


def problem(**limits: object) -> Problem:
    return Problem(model="m", systems=("east",), isl=1000.0, osl=100.0, limits=Limits(**limits))  # type: ignore[arg-type]


def option(role: str, count: int = 6, seed: int = 0) -> Option:
    return Option("east", "e", "fp8", "fp8", 0, table(role, count, np.random.default_rng(seed)))  # type: ignore[arg-type]


@given(st.integers(0, 5000))
def test_small_numbers_of_units_are_all_tried(most: int) -> None:
    cheap = msgspec.structs.replace(problem(), objectives=("cost",))
    for sparse in (False, True):
        found = ladder(held(most), cheap, sparse=sparse)
        assert list(found) == sorted(set(found))
        assert all(0 < count <= most for count in found)
        assert (most in found) == (most > 0)
        assert all(2**power in found for power in range(13) if 2**power <= most)
    assert set(range(1, min(most, 16) + 1)) <= set(ladder(held(most), cheap))
    assert ladder(held(most, why=""), cheap) == ()
    assert {*ladder(held(most), problem())} == {*range(1, min(most, 16) + 1), most} - {0}


@pytest.mark.parametrize("most", [17, 40, 61])
def test_more_units_never_serve_less(most: int) -> None:
    pools, offer = (option("prefill", seed=1), option("decode", seed=2)), held(most)
    for asked in (problem(), problem(latencies=(Limit(latency="ttft", limit_s=1.0),))):
        cheap = msgspec.structs.replace(asked, objectives=("cost",))
        for made in (
            splitting(pools, (offer, offer), np.zeros_like, cheap),
            [(serving(option("serve"), offer, cheap), 0)],
        ):
            every = put_together([part for part, _ in made])
            best = [every.request_per_s[every.units == units].max(initial=0.0) for units in ladder(offer, cheap)]
            assert all(a <= b * (1 + 1e-12) for a, b in zip(best, best[1:], strict=False))


@given(st.floats(0.0, 1.0), st.floats(0.01, 100.0), st.integers(1, 64), st.sampled_from([None, 0.5, 0.9, 0.99]))
def test_the_slow_answers_wait_is_that_of_the_queue(
    load: float, per_s: float, servers: int, share: float | None
) -> None:
    one = queue(np.array([load]), np.array([per_s]), np.array([float(servers)]), CONSTANT, np.array([600.0]))
    own = one.mean_s[0] if share is None else one.quantile_s(share)[0]
    assert wait(load, per_s, servers, share) == pytest.approx(float(own), rel=1e-6, abs=1e-9)


def test_without_load_nobody_waits() -> None:
    own = table("prefill", 20, np.random.default_rng(1))
    rows, sent = np.arange(20), np.full(20, 0.01)
    mean, tails = first_tokens(own, rows, np.ones(20), sent, np.zeros(20))
    assert np.allclose(mean, own.first_s + 0.01)
    assert np.allclose(tails, own.first_s + 0.01)


@given(st.integers(0, 1000), st.integers(1, 9), st.floats(0.0, 0.99))
def test_waits_grow_with_load_and_shrink_with_instances(seed: int, many: int, load: float) -> None:
    own = table("prefill", 8, np.random.default_rng(seed))
    rows, sent = np.arange(8), np.zeros(8)
    counts, loads = np.full(8, float(many)), np.full(8, load)
    mean, tails = first_tokens(own, rows, counts, sent, loads)
    for share, tail in zip((0.5, 0.9, 0.99), tails, strict=True):
        for at in rows:
            assert tail[at] == pytest.approx(first_token(row(own, int(at)), many, 0.0, load, share), rel=1e-6)
    busier, later = first_tokens(own, rows, counts, sent, np.minimum(loads + 0.01, 1.0))
    assert np.all(busier >= mean * (1 - 1e-12))
    assert np.all(later >= tails * (1 - 1e-12))
    wider, sooner = first_tokens(own, rows, counts + 1.0, sent, loads)
    assert np.all(wider <= mean * (1 + 1e-12))
    assert np.all(sooner <= tails * (1 + 1e-12))


@given(st.integers(0, 500), st.floats(0.05, 3.0), st.sampled_from([None, 0.5, 0.9, 0.99]))
def test_the_highest_load_just_keeps_the_limit(seed: int, limit_s: float, quantile: float | None) -> None:
    own = table("prefill", 8, np.random.default_rng(seed))
    limit = Limit(latency="ttft", limit_s=limit_s, quantile=quantile)
    asked = problem(latencies=(limit,))
    rows, counts, sent = np.arange(8), np.full(8, 3.0), np.zeros(8)
    load = highest_load(own, rows, counts, sent, [limit], asked)
    late = np.exp(asked.deviations * own.first_sd)

    def value(
        share: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        mean, tails = first_tokens(own, rows, counts, sent, share)
        return np.asarray(late * (mean if quantile is None else tails[(0.5, 0.9, 0.99).index(quantile)]))

    some = load > 0.0
    assert np.all(value(load)[some] <= limit_s)
    more = value(np.minimum(load + 1e-6, 1.0))
    assert np.all((more > limit_s) | (load >= asked.max_load))


def test_serving_holds_whole_units_and_no_more_instances_than_go_in() -> None:
    own, offer = option("serve"), held(5)
    made = serving(own, offer, problem())
    devices = own.table.devices[made.first]
    assert np.all(made.many * devices <= made.units * offer.unit_devices)
    assert np.all((made.many + 1.0) * devices > made.units * offer.unit_devices)
    assert np.allclose(made.request_per_s, made.many * own.table.request_per_s[made.first])
    assert set(made.units) == {1.0, 2.0, 3.0, 4.0, 5.0}


def test_pools_share_what_is_held_and_the_slower_sets_the_rate() -> None:
    pools, offer = (option("prefill", seed=1), option("decode", seed=2)), held(3)
    asked = problem()
    parts = [part for part, _ in splitting(pools, (offer, offer), np.zeros_like, asked)]
    made = put_together(parts)
    prefill, decode = pools[0].table, pools[1].table
    used = made.many * prefill.devices[made.first] + made.others * decode.devices[made.second]
    room = made.units * offer.unit_devices
    assert np.all(used <= room)
    assert np.all(used + decode.devices[made.second] > room)
    most = 0.9 * np.minimum(
        made.many * prefill.request_per_s[made.first], made.others * decode.request_per_s[made.second]
    )
    assert np.allclose(made.request_per_s, most)


def test_parts_are_looked_at_block_by_block_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from accord.planner import compose

    asked = case(1)
    pools = asked.options["prefill"][0], asked.options["decode"][0]
    offer = asked.offers[0]

    def rates() -> list[float]:
        parts = [part for part, _ in splitting(pools, (offer, offer), np.zeros_like, asked.problem)]
        return sorted(float(rate) for part in parts for rate in part.request_per_s)

    whole = rates()
    monkeypatch.setattr(compose, "_SLICE", 5)
    assert rates() == whole

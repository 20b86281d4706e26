"""The board: what it answers under any limits is what ``plan`` finds from the same deviations."""

from __future__ import annotations

import functools
import time

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.planner.rig import terms

from accord.api.board import Board, Shown, steady
from accord.api.board_sides import Pair, Per, Sides
from accord.api.plan import Answer, plan
from accord.base.errors import UsageError
from accord.planner.offer import Offer
from accord.planner.problem import Limit, Limits, Objective, Problem, Space
from accord.planner.reach import single_ways

SMALL = Problem(
    model="deepseek-v3", systems=("nvidia-hgx-h200-8", "huawei-cloudmatrix-384"), isl=4096, osl=1024,
    space=Space(batches=(4, 16, 64, 128), engines=("sglang", "cloudmatrix-infer"), budgets=(8192,), mtp_tokens=(0,)),
)  # fmt: skip
LATENCIES = (Limit(latency="ttft", limit_s=2.0), Limit(latency="tpot", limit_s=0.05))
FRONT: dict[Per, tuple[Objective, ...]] = {"chip": ("tpot", "goodput", "chips"), "usd": ("tpot", "cost")}
Points = list[tuple[float, float]]


@functools.cache
def board() -> Board:
    return Board(SMALL)


def searched(limits: Limits, objectives: tuple[Objective, ...], confidence: float) -> Answer:
    asked = msgspec.structs.replace(SMALL, limits=limits, objectives=objectives, confidence=confidence)
    return plan(asked, sweep=steady, count=1)


def front_of_plan(answer: Answer, per: Per) -> Points:
    """Of the front over more objectives that over the two axes, slowest first."""
    points: Points = []
    for metrics in (one.metrics for one in answer.front):
        y = metrics["output_token_per_s_per_chip"].value
        if per == "usd":
            y = 1e6 / metrics["usd_per_million_output_tokens"].value
        x = metrics["output_token_per_s_per_user"].value
        points.append((float(f"{x:.9g}"), float(f"{y:.9g}")))
    found: Points = []
    for x, y in sorted(set(points), reverse=True):
        if not found or y > found[-1][1]:
            found.append((x, y))
    return found[::-1]


def front_of_board(shown: Shown) -> Points:
    return [
        (1.0 / float(pick.group.candidates.tpot_s[pick.at]), shown.view.per_cost(pick) * SMALL.osl)
        for pick in shown.front
    ]


def same(limits: Limits, objective: Objective, confidence: float, per: Per) -> None:
    shown = board().ask(limits, (objective,), confidence, per)
    best = searched(limits, (objective,), confidence)
    assert (None if shown.best is None else shown.best.id) == (best.plans[0].id if best.plans else None)
    if shown.best is not None:
        assert shown.best == best.plans[0]
    expected, found = front_of_plan(searched(limits, FRONT[per], confidence), per), front_of_board(shown)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-7)
    assert (shown.feasible > 0) == (shown.best is not None)
    assert shown.feasible + sum(shown.rejected.values()) == shown.candidates


CASES: tuple[tuple[Limits, Objective, Per], ...] = (
    (Limits(), "goodput", "chip"),
    (Limits(latencies=LATENCIES), "goodput", "usd"),
    (Limits(latencies=LATENCIES, chips=48), "goodput", "chip"),
    (Limits(latencies=LATENCIES, chips=12), "goodput", "chip"),
    (Limits(latencies=LATENCIES, power_w=90e3), "goodput", "chip"),
    (Limits(latencies=LATENCIES, request_per_s=9.0), "chips", "chip"),
    (Limits(latencies=(*LATENCIES, Limit(latency="e2el", limit_s=40.0))), "goodput", "chip"),
    (Limits(latencies=(Limit(latency="ttft", limit_s=1e-3),)), "goodput", "chip"),
)


@pytest.mark.parametrize(("limits", "objective", "per"), CASES)
def test_it_finds_what_plan_finds(limits: Limits, objective: Objective, per: Per) -> None:
    same(limits, objective, 0.9, per)


@st.composite
def limits_of(draw: st.DrawFn) -> Limits:
    names = draw(st.lists(st.sampled_from(("ttft", "tpot")), unique=True))
    ends = {"ttft": (0.2, 10.0), "tpot": (0.008, 0.15)}
    latencies = tuple(
        Limit(
            latency="ttft" if name == "ttft" else "tpot", limit_s=draw(st.floats(*ends[name])),
            quantile=draw(st.sampled_from((None, 0.5, 0.99))),
        )
        for name in names
    )  # fmt: skip
    return Limits(
        latencies=latencies, chips=draw(st.none() | st.sampled_from((16, 24, 64, 100))),
        power_w=draw(st.none() | st.floats(3e4, 3e5)), request_per_s=draw(st.none() | st.floats(0.5, 40.0)),
    )  # fmt: skip


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    limits=limits_of(), confidence=st.sampled_from((0.5, 0.8, 0.9, 0.99)), per=st.sampled_from(("chip", "usd"))
)  # fmt: skip
def test_it_finds_what_plan_finds_under_any_limits(limits: Limits, confidence: float, per: Per) -> None:
    held = limits.chips is not None or limits.power_w is not None
    same(limits, "chips" if limits.request_per_s is not None and not held else "goodput", confidence, per)


def test_a_point_of_the_front_as_a_plan() -> None:
    limits = Limits(latencies=LATENCIES)
    shown = board().ask(limits, chosen=0)
    assert shown.chosen is not None
    x = shown.chosen.metrics["output_token_per_s_per_user"].value
    assert x == pytest.approx(front_of_board(shown)[0][0])
    assert all(check.slack > 1.0 - 1e-6 for check in shown.chosen.checks)
    with pytest.raises(UsageError, match="none of index 10000"):
        board().ask(limits, chosen=10_000)


def test_rows_are_priced_once_and_limits_cost_little() -> None:
    own = Board(SMALL)
    assert own.ask(Limits(latencies=LATENCIES)).priced > 0
    began = time.process_time()
    for at in range(5):
        tighter = tuple(msgspec.structs.replace(one, limit_s=one.limit_s * (0.95 - 0.1 * at)) for one in LATENCIES)
        assert own.ask(Limits(latencies=tighter)).priced == 0
    assert time.process_time() - began < 5 * 0.5


def test_what_is_drawn_agrees_with_the_counts() -> None:
    shown = board().ask(Limits(latencies=LATENCIES))
    x, y, good, system = shown.view.drawn()
    assert len(x) == len(y) == len(good) == len(system) == shown.candidates
    assert int(good.sum()) == shown.feasible and (x > 0.0).all() and (y >= 0.0).all()
    tops = [one for one in front_of_board(shown) if one[1] == max(value for _, value in front_of_board(shown))]
    assert tops[0][1] == pytest.approx(float(y[good].max()) * SMALL.osl)


def test_limits_that_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match="limit"):
        board().ask(Limits(chips=-1))
    with pytest.raises(UsageError, match="no layers that draft"):
        Board(msgspec.structs.replace(SMALL, model="qwen3-235b-a22b", space=Space(mtp_tokens=(1,))))


def test_plans_own_deviations_differ_little() -> None:
    limits = Limits(latencies=LATENCIES)
    shown = board().ask(limits)
    best = plan(msgspec.structs.replace(SMALL, limits=limits), count=1).plans[0]
    assert shown.best is not None
    own, theirs = (one.metrics["request_per_s"].value for one in (shown.best, best))
    assert own == pytest.approx(theirs, rel=0.03)


def test_ways_of_a_pair_are_kept_for_a_few_limits() -> None:
    pair = Pair(0, 0, np.zeros(0), np.zeros(0, dtype=np.intp))
    sides = Sides({}, (), lambda first, second: None, (pair, pair))
    offer = Offer(terms(np.random.default_rng(1), "east"), 1, 4, 6, "chips")
    held = [single_ways([count], offer) for count in range(1, 101)]
    for number, ways in enumerate(held):
        assert sides.kept_ways((number,), lambda ways=ways: ways) is ways  # type: ignore[misc]
    assert len(sides.ways) == 16
    assert sides.kept_ways((84,), lambda: held[0]) is held[84]
    sides.kept_ways((100,), lambda: held[0])
    assert (84,) in sides.ways and (85,) not in sides.ways

"""Pipelines run task by task: known answers, what must hold whatever the times, and how long a run takes."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.array import Array, array
from accord.base.errors import UsageError
from accord.training.request import SCHEDULES, Schedule
from accord.training.schedule_order import BACKWARD, FORWARD, INPUT, WEIGHT, order
from accord.training.schedules import Work, peak_micro_batches, pipeline_s
from accord.training.timeline import StageWork, Timeline, simulate


def equal(stages: int, f: float, b: float, w: float, **others: object) -> StageWork:
    """Stages that all take the same time."""
    return StageWork(np.full(stages, f), np.full(stages, b), np.full(stages, w), **others)  # type: ignore[arg-type]


def closed_s(schedule: Schedule, p: int, m: int, v: int, f: float, b: float, w: float, send: float) -> float:
    """Closed form for equal ranks of this work."""
    each = Work(array(f), array(b), array(w))
    index = array(SCHEDULES.index(schedule))
    return float(pipeline_s(index, array(p), array(m), array(v), each, each, array(send))[0])


@st.composite
def counts(draw: st.DrawFn) -> tuple[Schedule, int, int, int]:
    """A schedule with ranks, micro-batches and virtual stages that it takes."""
    schedule = draw(st.sampled_from(SCHEDULES))
    p, m = draw(st.integers(1, 12)), draw(st.integers(1, 40))
    v = draw(st.integers(2, 5)) if schedule == "interleaved" else 1
    if schedule == "interleaved":
        m = p * (1 + m // 10)
    if schedule == "dualpipe":
        p = 2 * (1 + p // 2)
        m = 2 * p + 2 * (m // 2)
    return schedule, p, m, v


@given(count=counts(), b=st.floats(0.4, 2.5), w=st.floats(0.3, 1.5), send=st.floats(0.0, 0.2))
def test_equal_stages_are_the_closed_form(
    count: tuple[Schedule, int, int, int], b: float, w: float, send: float
) -> None:
    schedule, p, m, v = count
    t = simulate(schedule, p, m, equal(p * v, 1.0 / v, b / v, w / v), send / v)
    assert t.total_s == pytest.approx(closed_s(schedule, p, m, v, 1.0, b, w, send / v), rel=1e-9)


@pytest.mark.parametrize("m", [1, 2, 5, 8, 40])
def test_1f1b_peaks_are_min_of_p_minus_rank_and_m(m: int) -> None:
    t = simulate("1f1b", 8, m, equal(8, 1.0, 1.0, 1.0))
    assert t.peak_micro_batches.tolist() == [min(8 - s, m) for s in range(8)]


@given(count=counts())
def test_peaks_are_those_of_the_closed_form(count: tuple[Schedule, int, int, int]) -> None:
    schedule, p, m, v = count
    t = simulate(schedule, p, m, equal(p * v, 1.0, 1.0, 1.0, activation_bytes=3.0))
    peak = peak_micro_batches(array(SCHEDULES.index(schedule)), array(p), array(m), array(v))[0]
    assert t.peak_micro_batches.max() == pytest.approx(peak)
    assert t.peak_bytes.max() == pytest.approx(peak * v * 3.0)


def test_dualpipe_holds_p_plus_1_on_every_rank() -> None:
    """DeepSeek-AI, arXiv:2412.19437, table 2."""
    assert simulate("dualpipe", 8, 20, equal(8, 1.0, 1.0, 1.0)).peak_micro_batches.tolist() == [9.0] * 8


def test_zb_h1_holds_less_where_gradients_of_weights_need_less() -> None:
    half = simulate("zero-bubble", 4, 12, equal(4, 1.0, 1.0, 1.0, activation_bytes=1.0, kept_for_weights=0.5))
    assert half.peak_bytes.tolist() == [4.0, 3.5, 3.0, 2.5]


@pytest.mark.parametrize(("gradient", "pair"), [(1.0, 3.0), (1.0, 2.4), (1.0, 2.0)])
def test_dualpipe_bubble_of_middle_ranks_as_published(gradient: float, pair: float) -> None:
    """(p/2 - 1)(F&B + B - 3W) with forwards, both gradients of 1 and any time of a pair that overlaps.

    Half of the compute is put into exchanges, so that a pair takes the longer of the two sums.
    """
    p, m, hidden = 8, 24, 3.0 - pair
    work = equal(p, 1.0 - hidden / 2, gradient - hidden / 2, 1.0, forward_exchange_s=hidden / 2,
                 backward_exchange_s=hidden / 2)  # fmt: skip
    idle_s = simulate("dualpipe", p, m, work).idle_s
    assert idle_s[p // 2] == pytest.approx((p / 2 - 1) * (pair + 2.0 - 3.0), abs=1e-9)


def uneven(seed: int, stages: int) -> StageWork:
    r = np.random.default_rng(seed)
    return StageWork(r.uniform(0.5, 2, stages), r.uniform(0.5, 4, stages), r.uniform(0.3, 2, stages))


@given(count=counts(), seed=st.integers(0, 10**6), send=st.floats(0.0, 1.0))
def test_whatever_the_times(count: tuple[Schedule, int, int, int], seed: int, send: float) -> None:
    """Busy time is that of the work, no rank idles less than nothing, no task starts before what it needs."""
    schedule, p, m, v = count
    work = uneven(seed, p * v)
    t = simulate(schedule, p, m, work, send)
    of_stage = work.forward_s + work.backward_s + work.weight_s
    assert t.busy_s.sum() == pytest.approx(m * of_stage.sum())
    assert (t.idle_s >= -1e-9 * t.total_s).all()
    assert 0.0 <= t.bubble_share + 1e-12 < 1.0
    assert t.total_s == pytest.approx(float(t.tasks.end_s.max()))
    check_needs(t, p, send)


def check_needs(t: Timeline, ranks: int, send: float) -> None:
    """Inputs and gradients come after the tasks that make them, and every stage does every micro-batch once."""
    tasks = t.tasks
    way = tasks.chunk if t.schedule == "dualpipe" else np.zeros_like(tasks.chunk)
    last = int(tasks.stage.max())
    begun: dict[tuple[int, int, int, int], float] = {}
    ended: dict[tuple[int, int, int, int], float] = {}
    for i in range(len(tasks.rank)):
        kind = int(tasks.kind[i])
        for done in (INPUT, WEIGHT) if kind == BACKWARD else (kind,):
            key = (done, int(way[i]), int(tasks.stage[i]), int(tasks.micro_batch[i]))
            assert key not in ended
            begun[key], ended[key] = float(tasks.start_s[i]), float(tasks.end_s[i])
    away = send if ranks > 1 and t.schedule != "dualpipe" else 0.0  # a DualPipe pair hides its sends
    for (kind, direction, stage, batch), start in begun.items():
        ready = 0.0 if kind == FORWARD else ended[FORWARD, direction, stage, batch]
        if kind == FORWARD and stage > 0:
            ready = ended[FORWARD, direction, stage - 1, batch] + away
        if kind == INPUT and stage < last:
            ready = max(ready, ended[INPUT, direction, stage + 1, batch] + away)
        assert start >= ready - 1e-9


@given(count=counts(), seed=st.integers(0, 10**6), send=st.floats(0.0, 0.5), more=st.floats(0.0, 2.0))
def test_a_longer_task_never_shortens_a_step(
    count: tuple[Schedule, int, int, int], seed: int, send: float, more: float
) -> None:
    schedule, p, m, v = count
    work = uneven(seed, p * v)
    stage = seed % (p * v)
    before = simulate(schedule, p, m, work, send).total_s
    for name in ("forward_s", "backward_s", "weight_s"):
        longer = getattr(work, name).copy()
        longer[stage] += more
        after = simulate(schedule, p, m, dataclasses.replace(work, **{name: longer}), send).total_s
        assert before * (1 - 1e-12) <= after <= before + m * more + 1e-9
    assert simulate(schedule, p, m, work, send + more).total_s >= before * (1 - 1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_gathers_and_reductions(schedule: Schedule) -> None:
    p, m, v = 4, 16, 2 if schedule == "interleaved" else 1
    bare = simulate(schedule, p, m, equal(p * v, 1.0, 1.0, 1.0))
    assert bare.exposed_s == 0.0
    reduced = simulate(schedule, p, m, equal(p * v, 1.0, 1.0, 1.0, reduce_s=5.0))
    assert 5.0 <= reduced.exposed_s <= 5.0 * (2 if schedule in ("interleaved", "dualpipe") else 1)
    gathered = simulate(schedule, p, m, equal(p * v, 1.0, 1.0, 1.0, gather_s=0.5))
    assert 0.0 < gathered.exposed_s <= 0.5 + 1e-9
    assert gathered.total_s == pytest.approx(bare.total_s + gathered.exposed_s)


def test_reductions_of_early_chunks_hide() -> None:
    """Backward leaves chunk 1 long before chunk 0, whose reduction alone is seen."""
    t = simulate("interleaved", 4, 8, equal(8, 1.0, 1.0, 1.0, reduce_s=2.0))
    assert t.exposed_s == pytest.approx(2.0)


def test_one_slow_link_is_used_by_its_own_neighbours() -> None:
    even = simulate("1f1b", 4, 8, equal(4, 1.0, 1.0, 1.0), 0.1).total_s
    hops: Array = np.array([0.1, 0.5, 0.1, 9.0])  # the last, from the last rank to the first, carries nothing in 1F1B
    slow = simulate("1f1b", 4, 8, equal(4, 1.0, 1.0, 1.0), hops).total_s
    assert even < slow <= even + 2 * 8 * 0.4


def test_a_link_carries_one_at_a_time() -> None:
    """A first stage that is quick cannot send faster than its link."""
    t = simulate("1f1b", 2, 50, StageWork(np.array([0.1, 0.1]), np.array([0.1, 0.1]), np.zeros(2)), 5.0)
    assert t.total_s >= 50 * 5.0


def test_pairs_hide_exchanges_and_others_do_not() -> None:
    hidden = {"forward_exchange_s": 0.5, "backward_exchange_s": 0.5}
    p, m = 4, 64
    plain, dual = (simulate(s, p, m, equal(p, 1.0, 1.0, 1.0, **hidden)) for s in ("1f1b", "dualpipe"))
    assert plain.total_s == pytest.approx((p - 1 + m) * 4.0)
    assert dual.total_s < m * 3.0 * 1.1


def test_head_of_the_last_stage_sets_the_pace() -> None:
    work = equal(8, 1.0, 1.0, 1.0)
    work.forward_s[-1] += 0.5
    work.backward_s[-1] += 0.5
    assert simulate("1f1b", 8, 100, work).total_s == pytest.approx(7 * 3.0 + 100 * 4.0)


@pytest.mark.parametrize(
    ("schedule", "p", "m", "stages", "says"),
    [
        ("interleaved", 4, 6, 8, "6 micro-batches on 4 pipeline ranks"),
        ("dualpipe", 4, 6, 4, "dualpipe with 4 pipeline ranks and 6 micro-batches"),
        ("dualpipe", 3, 12, 3, "dualpipe with 3 pipeline ranks"),
        ("1f1b", 4, 8, 8, "8 stages on 4 pipeline ranks under 1f1b"),
        ("1f1b", 0, 8, 0, "0 ranks"),
        ("1f1b", 4, 0, 4, "0 micro-batches"),
    ],
)
def test_counts_that_a_schedule_does_not_take(schedule: Schedule, p: int, m: int, stages: int, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        simulate(schedule, p, m, equal(stages, 1.0, 1.0, 1.0))


def test_orders_hold_every_task_once() -> None:
    for schedule in SCHEDULES:
        for slots in order(schedule, 4, 16, 2 if schedule == "interleaved" else 1):
            forwards = [s[1:3] for s in slots if s[0] == FORWARD] + [s[1:3] for s in slots if s[3] >= 0]
            assert len(set(forwards)) == len(forwards) == 16 * (2 if schedule == "interleaved" else 1)


@pytest.mark.parametrize(("schedule", "v"), [("1f1b", 1), ("interleaved", 8), ("zero-bubble", 1), ("dualpipe", 1)])
def test_is_quick(schedule: Schedule, v: int) -> None:
    """16 ranks, 128 micro-batches, up to 8 virtual stages: 50 of these are timed again after a search."""
    started = time.perf_counter()
    simulate(schedule, 16, 128, equal(16 * v, 1.0, 1.0, 1.0), 0.01)
    assert time.perf_counter() - started < 1.0

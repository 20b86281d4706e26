"""Numbers of runs small enough for a pencil."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.outcomes import FOUR, NEVER, Row, outcome, pool

from accord.base.errors import UsageError
from accord.serving.metrics import Summary, summarise
from accord.serving.result import COMPLETED, Outcome, Series
from accord.serving.slo import Slo

PLAIN = outcome(FOUR, gaps=[1.0] * 4, pools=(pool(chips=2.0, instances=2, busy_s=12.0, up_s=20.0),))


def near(found: Summary, **expected: float) -> None:
    assert {name: found.metrics.get(name) for name in expected} == pytest.approx(expected)


def test_latencies_are_of_completed_requests() -> None:
    found = summarise(PLAIN)
    near(found, ttft_mean_s=2.0, ttft_p50_s=2.0, ttft_p99_s=2.0)
    near(found, e2e_mean_s=(5 + 3 + 2) / 3, e2e_p50_s=3.0, e2e_p90_s=3 + 0.8 * 2, e2e_p99_s=3 + 0.98 * 2)
    near(found, queue_mean_s=1.0, queue_p50_s=1.0, queue_p90_s=1.8)


def test_one_token_has_no_time_per_output_token() -> None:
    near(summarise(PLAIN), tpot_s=1.0, tpot_p50_s=1.0, tpot_p99_s=1.0)
    alone = summarise(outcome([(0.0, 0.0, 1.0, 1.0, "completed", 1)]))
    assert not [name for name in alone.metrics if name.startswith(("tpot", "itl"))]
    near(alone, ttft_p99_s=1.0, e2e_mean_s=1.0, request_per_s=1.0, output_token_per_s_total=1.0)


def test_rates_are_over_first_arrival_to_last_end() -> None:
    near(
        summarise(PLAIN),
        makespan_s=10.0,
        request_per_s=0.3,
        output_token_per_s_total=0.7,
        input_token_per_s_total=3.0,
        output_token_per_s_per_chip=0.7 / 4,
        total_token_per_s_per_chip=3.7 / 4,
        offered_request_per_s=1.0,
        utilization=0.6,
    )


def test_counts() -> None:
    near(summarise(PLAIN), requests=4, completed=3, cancelled=1, failed=0, unfinished=0, not_arrived=0)


def test_gaps_have_their_own_mean() -> None:
    found = summarise(PLAIN)
    near(found, itl_mean_s=1.0)
    assert found.metrics["itl_p50_s"] == pytest.approx(1.0, rel=0.003)


def test_presence_obeys_littles_law() -> None:
    found = summarise(PLAIN).metrics
    assert found["in_flight_mean"] == pytest.approx((5 + 3 + 2 + 7) / 10)
    rate, stay_s = 4 / found["makespan_s"], (5 + 3 + 2 + 7) / 4
    assert found["in_flight_mean"] == pytest.approx(rate * stay_s)


def test_radio_time_is_added_to_first_token_and_end() -> None:
    found = summarise(replace(PLAIN, workload=PLAIN.workload.with_(radio_s=0.5)))
    near(found, ttft_mean_s=2.5, e2e_p50_s=3.5, tpot_s=1.0, queue_mean_s=1.0, makespan_s=10.0)


def test_warm_up_is_left_out() -> None:
    found = summarise(PLAIN, warm_s=2.0)
    near(found, ttft_mean_s=2.0, e2e_mean_s=2.0, queue_mean_s=2.0, window_s=8.0, makespan_s=10.0)
    assert "tpot_s" not in found.metrics
    # completed at 5, 4 and 4; tokens: all of the first, whose first token comes as the window begins
    near(found, completed=3, request_per_s=3 / 8, output_token_per_s_total=7 / 8, input_token_per_s_total=30 / 8)
    near(found, in_flight_mean=(3 + 2 + 2 + 7) / 8, offered_request_per_s=1.0)


def test_a_window_that_opens_amid_an_answer_counts_part_of_it() -> None:
    found = summarise(PLAIN, warm_s=3.5)
    # of the first's three later tokens half come after 3.5, of the second's one half; the third is whole
    near(found, output_token_per_s_total=(1.5 + 0.5 + 1.0) / 6.5, input_token_per_s_total=10 / 6.5)


def test_nothing_after_the_warm_up() -> None:
    found = summarise(PLAIN, warm_s=50.0)
    near(found, completed=3, window_s=0.0)
    assert not [name for name in found.metrics if name.startswith("ttft") or name.endswith("request_per_s")]


def test_unfinished_answers_count_up_to_the_cut() -> None:
    rows: list[Row] = [(0.0, 0.0, 1.0, 3.0, "completed", 3), (1.0, 1.0, 2.0, NEVER, "unfinished", 5)]
    found = summarise(outcome(rows, answer=[3, 50], end_s=6.0))
    near(found, unfinished=1, makespan_s=6.0, request_per_s=1 / 6, output_token_per_s_total=8 / 6)
    near(found, in_flight_mean=(3 + 5) / 6, ttft_p99_s=1.0, e2e_p99_s=3.0)


def test_requests_that_never_came_are_no_requests() -> None:
    rows: list[Row] = [FOUR[0], (NEVER, NEVER, NEVER, NEVER, "unfinished", 0)]
    found = summarise(outcome(rows, end_s=9.0))
    near(found, requests=1, not_arrived=1, unfinished=0, completed=1, makespan_s=5.0)
    later: list[Row] = [FOUR[0], (99.0, NEVER, NEVER, NEVER, "unfinished", 0)]
    near(summarise(outcome(later, end_s=9.0)), requests=1, not_arrived=1, unfinished=0)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_nothing_completed(status: str) -> None:
    rows: list[Row] = [(0.0, NEVER, NEVER, 2.0, status, 0), (1.0, NEVER, NEVER, 4.0, status, 0)]
    found = summarise(outcome(rows), slos=[Slo(ttft_s=1.0)])
    near(found, completed=0, request_per_s=0.0, goodput_request_per_s=0.0, output_token_per_s_total=0.0)
    assert not [name for name in found.metrics if name.startswith(("ttft", "tpot", "e2e", "queue", "itl"))]
    assert found.slos[0].figures == {"requests": 2.0, "share": 0.0, "goodput_request_per_s": 0.0}
    assert found.slos[0].attained is False


def test_all_failed_on_arrival() -> None:
    found = summarise(outcome([(1.0, NEVER, NEVER, 1.0, "failed", 0)]))
    near(found, failed=1, makespan_s=0.0)
    assert "request_per_s" not in found.metrics


def test_no_requests() -> None:
    found = summarise(outcome([]), slos=[Slo(e2e_s=1.0)])
    near(found, requests=0, completed=0, makespan_s=0.0)
    assert found.slos[0].attained is None
    assert all(np.isfinite(value) for value in found.metrics.values())


def series(times: list[float], running: list[float], **changes: list[float]) -> Series:
    zero = np.zeros(len(times))
    columns = {"waiting": zero, "kv_share": zero, "instances": zero, "link_share": zero}
    given = {name: np.asarray(values) for name, values in changes.items()}
    return Series(np.asarray(times), np.asarray(running), **{**columns, **given})


def test_series_are_weighted_by_time() -> None:
    # the window is 0 to 10: the points stand for 4, 4 and 2 s
    states = series([0.0, 4.0, 8.0, 12.0], [1.0, 2.0, 6.0, 99.0], waiting=[0, 1, 5, 99], kv_share=[0.1, 0.5, 0.3, 1])
    found = summarise(replace(PLAIN, series={"all": states, "pool": states}))
    near(found, running_mean=(4 + 8 + 12) / 10, waiting_mean=(4 + 10) / 10, waiting_max=5.0)
    near(found, kv_occupancy_mean=(0.4 + 2.0 + 0.6) / 10, kv_occupancy_max=0.5)
    assert found.pools["pool"]["kv_occupancy_max"] == 0.5
    near(summarise(replace(PLAIN, series={"all": states}), warm_s=6.0), running_mean=(2 * 2 + 2 * 6) / 4)


def test_two_pools() -> None:
    pools = (
        pool("p", chips=4.0, instances=2, busy_s=10.0, up_s=20.0, iterations=5, prompt_tokens=40, asked_tokens=50,
             hit_tokens=10, link_busy_s=2.5),
        pool("d", chips=8.0, instances=1, busy_s=8.0, up_s=10.0, iterations=4, answer_tokens=10),
    )  # fmt: skip
    found = summarise(replace(PLAIN, pools=pools), roles={"p": "prefill", "d": "decode"})
    near(
        found,
        utilization=(4 * 10 + 8 * 8) / (4 * 20 + 8 * 10),
        cache_hit_ratio=0.2,
        link_utilization=0.25,
        output_token_per_s_per_chip=0.7 / 16,
        prefill_token_per_s_per_chip=3.0 / 8,
        input_token_per_s_per_chip=3.0 / 8,
        decode_token_per_s_per_chip=0.7 / 8,
    )
    assert found.pools["p"] == pytest.approx(
        {
            "chips": 8, "instances": 2, "iterations": 5, "iteration_s": 2.0, "utilization": 0.5, "preemptions": 0,
            "prefill_token_per_s_per_chip": 0.5, "output_token_per_s_per_chip": 0.0, "cache_hit_ratio": 0.2,
            "link_utilization": 0.25,
        }
    )  # fmt: skip
    assert "decode_token_per_s_per_chip" not in summarise(replace(PLAIN, pools=pools)).metrics


def test_cached_tokens_are_served_but_not_computed() -> None:
    run = outcome(FOUR, cached=[5, 0, 0, 0], pools=(pool("p"), pool("d")))
    found = summarise(run, roles={"p": "prefill", "d": "decode"})
    near(found, prefill_token_per_s_per_chip=2.5, input_token_per_s_per_chip=3.0)


def test_goodput_is_of_requests_that_keep_every_limit() -> None:
    slos = [Slo(ttft_s=2.0, name="first"), Slo(e2e_s=3.0, name="whole"), Slo(tpot_s=0.9, name="pace")]
    found = summarise(PLAIN, slos=slos)
    near(found, goodput_request_per_s=0.1)  # only the third: its one token has no pace to keep
    first, whole, pace = (one.figures for one in found.slos)
    assert first == pytest.approx({"requests": 4, "share": 0.75, "goodput_request_per_s": 0.3})
    assert whole == pytest.approx({"requests": 4, "share": 0.5, "goodput_request_per_s": 0.2})
    assert pace == pytest.approx({"requests": 4, "share": 0.25, "goodput_request_per_s": 0.1})
    assert [one.attained for one in found.slos] == [False, False, False]
    assert summarise(PLAIN, slos=[Slo(ttft_s=2.0, needed=0.75)]).slos[0].attained


def test_without_limits_there_is_no_goodput() -> None:
    assert "goodput_request_per_s" not in summarise(PLAIN).metrics


def test_what_is_unfinished_is_judged_only_when_it_is_too_late() -> None:
    rows: list[Row] = [
        (0.0, 0.0, 1.0, NEVER, "unfinished", 3),  # 10 s old, 9 s for 90 later tokens
        (0.0, 0.0, 1.0, 2.0, "completed", 2),
        (9.0, NEVER, NEVER, NEVER, "unfinished", 0),  # 1 s old
    ]
    run = outcome(rows, answer=[91, 2, 2], end_s=10.0)

    def judged(slo: Slo) -> tuple[float, float]:
        figures = summarise(run, slos=[slo]).slos[0].figures
        return figures["requests"], figures["share"]

    assert judged(Slo(ttft_s=2.0)) == (1, 1.0)
    assert judged(Slo(e2e_s=5.0)) == (2, 0.5)
    assert judged(Slo(tpot_s=1.5)) == (1, 1.0)
    assert judged(Slo(tpot_s=0.09)) == (2, 0.0)
    assert judged(Slo(ttft_s=0.5)) == (3, 0.0)


def test_gaps_are_limited_over_the_run() -> None:
    run = outcome(FOUR, gaps=[0.1] * 9 + [5.0])
    found = summarise(run, slos=[Slo(itl_s=1.0, needed=0.75), Slo(itl_s=1.0, needed=0.95)]).slos
    assert found[0].figures["itl_share"] == pytest.approx(0.9)
    assert [one.attained for one in found] == [True, False]


def test_classes_of_tenants() -> None:
    run = outcome(FOUR, tenant=[0, 1, 1, 0], tenants=("chat", "batch"))
    slos = [Slo(e2e_s=4.0, tenant="chat", name="chat"), Slo(e2e_s=3.0, tenant="batch", name="batch")]
    found = summarise(run, slos=slos)
    assert [(one.figures["requests"], one.figures["share"]) for one in found.slos] == [(2, 0.0), (2, 1.0)]
    near(found, goodput_request_per_s=0.2)
    chat, batch = found.by_tenant["chat"], found.by_tenant["batch"]
    assert (chat["requests"], chat["completed"], chat["cancelled"]) == (2, 1, 1)
    assert (batch["requests"], batch["e2e_mean_s"], batch["goodput_request_per_s"]) == (2, 2.5, 0.2)
    for name in ("requests", "completed", "request_per_s", "output_token_per_s_total", "in_flight_mean"):
        assert chat[name] + batch[name] == pytest.approx(found.metrics[name])


def test_a_tenant_without_a_class_is_good_when_it_is_done() -> None:
    run = outcome(FOUR, tenant=[0, 1, 1, 0], tenants=("chat", "batch"))
    near(summarise(run, slos=[Slo(e2e_s=1.0, tenant="chat")]), goodput_request_per_s=0.2)


def test_a_tenant_nobody_knows() -> None:
    with pytest.raises(UsageError, match="tenant 'x', who sends no requests\nhint: tenants: all"):
        summarise(PLAIN, slos=[Slo(ttft_s=1.0, tenant="x")])


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({}, "has no limit"),
        ({"ttft_s": 0.0}, "ttft_s of 'slo' is 0"),
        ({"tpot_s": float("nan")}, "tpot_s of 'slo' is nan"),
        ({"e2e_s": 1.0, "needed": 0.0}, "share needed by 'slo' is 0"),
        ({"e2e_s": 1.0, "needed": 90.0}, "share needed by 'slo' is 90"),
        ({"itl_s": 1.0, "tenant": "a"}, "gaps of tenant 'a' alone"),
    ],
)
def test_limits_that_cannot_be_judged(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Slo(**limits)


def test_more_metrics_can_be_added() -> None:
    assert summarise(PLAIN).plus({"energy_j": 3.0}).metrics["energy_j"] == 3.0


def random_rows(draw: st.DataObject, count: int) -> list[Row]:
    rows: list[Row] = []
    short = st.floats(0.0, 9.0).map(lambda value: round(value, 3))
    for arrival in sorted(draw.draw(st.lists(short, min_size=count, max_size=count))):
        wait, prefill, decode = (draw.draw(short) for _ in range(3))
        tokens = draw.draw(st.integers(1, 5))
        first = arrival + wait + prefill
        finish = first + (decode if tokens > 1 else 0.0)
        status = draw.draw(st.sampled_from(["completed", "completed", "cancelled", "failed"]))
        rows.append((arrival, arrival + wait, first, finish, status, tokens))
    return rows


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 12), st.floats(0.0, 12.0))
def test_what_always_holds(data: st.DataObject, count: int, warm_s: float) -> None:
    tenant = data.draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    run = outcome(random_rows(data, count), tenant=tenant, tenants=("a", "b"))
    found = summarise(run, slos=[Slo(ttft_s=5.0), Slo(e2e_s=9.0, tenant="a")], warm_s=warm_s)
    metrics = found.metrics
    assert all(np.isfinite(value) and value >= 0.0 for value in metrics.values())
    assert metrics["requests"] == sum(metrics[name] for name in ("completed", "failed", "cancelled", "unfinished"))
    for stem in ("ttft", "tpot", "e2e", "queue"):
        ordered = [metrics[f"{stem}_{p}_s"] for p in ("p50", "p90", "p95", "p99") if f"{stem}_{p}_s" in metrics]
        assert ordered == sorted(ordered)
    if "request_per_s" in metrics:
        assert metrics["goodput_request_per_s"] <= metrics["request_per_s"]
        assert all(
            metrics["goodput_request_per_s"] <= one.figures["goodput_request_per_s"] + 1e-12
            for one in found.slos if one.slo.tenant is None
        )  # fmt: skip
        for name in ("request_per_s", "output_token_per_s_total", "in_flight_mean", "goodput_request_per_s"):
            assert sum(one[name] for one in found.by_tenant.values()) == pytest.approx(metrics[name])


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 12))
def test_presence_equals_the_area_under_the_count(data: st.DataObject, count: int) -> None:
    run = outcome(random_rows(data, count))
    times = np.concatenate([run.requests.arrival_s, run.requests.finish_s])
    steps = np.repeat([1.0, -1.0], count)
    order = np.argsort(times)
    area = float(np.sum(np.cumsum(steps[order])[:-1] * np.diff(times[order])))
    found = summarise(run).metrics
    assert found.get("in_flight_mean", 0.0) * found["makespan_s"] == pytest.approx(area, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 10), st.floats(0.001, 100.0))
def test_stricter_limits_never_give_more_goodput(data: st.DataObject, count: int, limit_s: float) -> None:
    run = outcome(random_rows(data, count))
    loose, strict = (summarise(run, slos=[Slo(e2e_s=one)]).slos[0].figures for one in (2 * limit_s, limit_s))
    assert strict.get("goodput_request_per_s", 0.0) <= loose.get("goodput_request_per_s", 0.0)
    assert strict["share"] <= loose["share"]


def many(count: int) -> Outcome:
    rng = np.random.default_rng(1)
    run = outcome([FOUR[0]])
    arrival = np.sort(rng.uniform(0.0, 1e5, count))
    first = arrival + rng.exponential(1.0, count)
    tokens = rng.integers(1, 500, count)
    whole = np.zeros(count, dtype=np.int64)
    found = replace(
        run.requests, arrival_s=arrival, scheduled_s=arrival, first_s=first, finish_s=first + 0.01 * tokens,
        status=np.full(count, COMPLETED, dtype=np.int8), produced=tokens, cached=whole, pooled=whole, preempted=whole,
        restarted=whole, prefill=whole, instance=whole,
    )  # fmt: skip
    work = type(run.workload)(
        name="many", arrival_s=arrival, prompt=tokens, answer=tokens, tenant=rng.integers(0, 4, count),
        tenants=("a", "b", "c", "d"),
    )  # fmt: skip
    return replace(run, requests=found, workload=work, end_s=float(found.finish_s.max()))


def test_a_million_requests_take_about_a_second() -> None:
    run = many(1_000_000)
    start = time.process_time()
    summarise(run, slos=[Slo(ttft_s=1.0), Slo(e2e_s=3.0, tenant="b")])
    assert time.process_time() - start < 4.0  # a quarter of it where nothing else runs

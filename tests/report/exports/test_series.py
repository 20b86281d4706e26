"""A run as one small file for a page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.report.simulated import nobody, outcome

from accord.base.array import Array
from accord.report.exports import series
from accord.report.exports.series import MOST_BYTES, SHARES, series_json
from accord.report.outputs import About
from accord.serving.latency import latencies
from accord.serving.result import Outcome, Span
from accord.serving.result import Series as Pool

ABOUT = About(created="2026-01-02T03:04:05+00:00", model="some-model", backend="vllm", label="<b>mine</b>")
RUN = outcome(200)


def whole(run: Outcome = RUN) -> bytes:
    return b"".join(series_json(run, {}, ABOUT))


def found(run: Outcome = RUN) -> dict[str, Any]:
    made = json.loads(whole(run))
    assert isinstance(made, dict)
    return made


def many(count: int, instances: int = 3) -> Outcome:
    """A run with many iterations."""
    spans = [
        Span(at * 0.01, at * 0.01 + 0.0083217, instance, ("prefill", "decode", "mixed")[at % 3], at % 97, at, 2)
        for at in range(count)
        for instance in range(instances)
    ]
    return replace(RUN, spans=tuple(spans), end_s=max(RUN.end_s, count * 0.01))


def test_it_says_what_it_is() -> None:
    made = found()
    assert (made["simulated"], made["complete"], made["model"], made["label"]) == (
        True, True, "some-model", "<b>mine</b>"
    )  # fmt: skip
    assert made["requests"] == {"unfinished": 1, "completed": 196, "cancelled": 2, "failed": 1}
    assert made["end_s"] == RUN.end_s


def test_quantiles_are_those_of_the_latencies() -> None:
    made, waits = found()["latency"], latencies(RUN)
    assert len(made["share"]) == len(SHARES) <= 200
    for name in ("ttft_s", "tpot_s", "e2e_s", "queue_s"):
        values = getattr(waits, name)
        known = values[np.isfinite(values)]
        assert made["count"][name] == len(known)
        assert made[name] == pytest.approx(np.quantile(known, SHARES), rel=1e-4, abs=1e-9)
        assert made[name] == sorted(made[name])


def test_series_are_thinned_to_the_mean_and_the_most_of_each_stretch() -> None:
    points = 10_001
    time_s: Array = np.linspace(0.0, 5000.0, points)
    running: Array = (np.sin(time_s) + 2.0).astype(np.float64)
    zero: Array = np.zeros(points)
    one: Array = np.ones(points)
    run = replace(RUN, series={"all": Pool(time_s, running, running, zero, one, zero)})
    (pool,) = found(run)["pools"]
    assert len(pool["time_s"]) <= 400
    assert len(pool["running"]["mean"]) == len(pool["running"]["max"]) == len(pool["time_s"])
    assert max(pool["running"]["max"]) == pytest.approx(running.max(), rel=1e-4)
    assert np.mean(pool["running"]["mean"]) == pytest.approx(running.mean(), rel=1e-2)
    assert "link_share" not in pool


def test_a_short_series_is_as_it_is() -> None:
    made = found()["pools"]
    assert [pool["name"] for pool in made] == list(RUN.series)
    for pool, own in zip(made, RUN.series.values(), strict=True):
        assert pool["time_s"] == pytest.approx(own.time_s)
        assert pool["waiting"]["mean"] == pytest.approx(own.waiting, rel=1e-4)
        assert "max" not in pool["waiting"]


def test_the_load_counts_every_request_once() -> None:
    made, own = found()["load"], RUN.requests
    assert len(made["time_s"]) == len(made["waiting"]) == len(made["running"]) == 400
    for at in (0, 57, 199, 398):
        time_s = RUN.end_s * at / 399
        came, begun = own.arrival_s <= time_s, own.scheduled_s <= time_s
        ended = own.finish_s <= time_s
        assert made["waiting"][at] == int((came & ~begun & ~(ended & np.isnan(own.scheduled_s))).sum())
        assert made["running"][at] == int((begun & ~ended).sum())
    assert min(made["waiting"]) >= 0


def test_tokens_sum_to_those_of_the_run() -> None:
    made = found()["tokens"]
    width_s = RUN.end_s / len(made["time_s"])
    assert sum(made["answer_per_s"]) * width_s == pytest.approx(RUN.requests.produced.sum(), rel=1e-2)
    assert all(share is None or 0.0 <= share <= 1.0 for share in made["cached_share"])


def test_iterations_come_in_order_with_what_they_did() -> None:
    made = found()
    gantt = made["gantt"]
    count = len(RUN.spans)
    assert gantt["of"] == count
    columns = ("start_s", "duration_s", "instance", "kind", "batch", "prompt_tokens", "iterations")
    assert {len(gantt[name]) for name in columns} == {count}
    assert gantt["start_s"] == sorted(gantt["start_s"])
    assert sum(gantt["iterations"]) == sum(span.iterations for span in RUN.spans)
    assert sum(gantt["duration_s"]) == pytest.approx(sum(span.end_s - span.start_s for span in RUN.spans))
    assert gantt["pools"] == ["prefill", "prefill", "decode"]


def test_busy_time_is_that_of_the_iterations() -> None:
    run = many(3000)
    made = found(run)["busy"]
    for row in made["instances"]:
        for kind, shares in row["share"].items():
            own = sum(one.end_s - one.start_s for one in run.spans
                      if one.kind == kind and one.instance == row["instance"])  # fmt: skip
            assert sum(shares) * made["width_s"] == pytest.approx(own, rel=0.05)
            assert max(shares) <= 1.0


def test_a_long_run_stays_small_and_says_how_much_it_shows() -> None:
    run = many(10_000, 20)
    made = whole(run)
    assert len(made) <= MOST_BYTES + 1
    gantt = json.loads(made)["gantt"]
    assert gantt["of"] == 200_000
    assert 500 < len(gantt["start_s"]) <= 4000
    assert gantt["until_s"] == pytest.approx(max(gantt["start_s"]), abs=0.1)
    assert len(json.loads(made)["busy"]["instances"]) == 16


def test_nobody_and_nothing_at_all_is_a_file_too() -> None:
    for run in (nobody(), replace(nobody(), spans=(), series={}, events=(), end_s=0.0)):
        made = found(run)
        assert set(made["latency"]["ttft_s"]) == {None}
        assert made["gantt"]["of"] == len(run.spans)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(5, 300), seed=st.integers(0, 1000))
def test_any_run_is_strict_json_below_the_cap(count: int, seed: int) -> None:
    made = whole(outcome(count, seed=seed))
    assert len(made) <= MOST_BYTES + 1
    json.loads(made, parse_constant=pytest.fail)


def test_the_parts_are_written_out() -> None:
    assert series.FORM == found()["form"] == 1

"""Means of runs, and Student's law without a library."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.serving.outcomes import FOUR, outcome, pool

from accord.base.errors import UsageError
from accord.serving.metrics import Summary, summarise
from accord.serving.replications import combine, spread, spreads, student_t
from accord.serving.slo import Slo


@settings(max_examples=200, deadline=None)
@given(st.floats(0.001, 0.9999), st.integers(1, 400))
def test_student_agrees_with_scipy(level: float, freedom: int) -> None:
    assert student_t(level, freedom) == pytest.approx(stats.t.ppf(0.5 + level / 2.0, freedom), rel=1e-8)


@pytest.mark.parametrize(("freedom", "value"), [(1, 6.3138), (2, 2.9200), (4, 2.1318), (9, 1.8331), (30, 1.6973)])
def test_student_as_tables_print_it(freedom: int, value: float) -> None:
    assert student_t(0.9, freedom) == pytest.approx(value, abs=6e-5)


def test_spread_by_hand() -> None:
    found = spread([1.0, 2.0, 3.0], 0.9)
    assert found.mean == 2.0 and found.runs == 3
    assert found.low == pytest.approx(2.0 - 2.9200 / 3**0.5, abs=1e-4)
    assert found.high == pytest.approx(2.0 + 2.9200 / 3**0.5, abs=1e-4)


def test_one_run_has_no_interval() -> None:
    found = spread([5.0], 0.9)
    assert (found.mean, found.low, found.high, found.runs) == (5.0, None, None, 1)


def test_a_metric_that_some_runs_lack() -> None:
    found = spreads([{"a": 1.0}, {"a": 3.0, "b": 7.0}], 0.9)
    assert (found["a"].mean, found["a"].runs) == (2.0, 2)
    assert (found["b"].mean, found["b"].low, found["b"].runs) == (7.0, None, 1)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    inside = [
        one.low <= 3.0 <= one.high
        for one in (spread([float(value) for value in rng.normal(3.0, 2.0, 5)], 0.8) for _ in range(2000))
        if one.low is not None and one.high is not None
    ]
    assert np.mean(inside) == pytest.approx(0.8, abs=0.03)


def runs() -> list[Summary]:
    slos = [Slo(e2e_s=3.0, needed=0.4, name="whole"), Slo(ttft_s=1.0, name="first")]
    summaries = []
    for seed, shift in enumerate([0.0, 1.0]):
        rows = [(a, s + shift, f + shift, e + shift, status, n) for a, s, f, e, status, n in FOUR]
        run = outcome(rows, tenant=[0, 1, 1, 0], tenants=("a", "b"), pools=(pool("p", up_s=1.0),), seed=seed)
        summaries.append(summarise(run, slos=slos))
    return summaries


def test_everything_is_combined() -> None:
    found = combine(runs(), 0.9)
    assert found.seeds == (0, 1) and found.complete and found.level == 0.9
    assert found.metrics["ttft_mean_s"].mean == 2.5
    assert found.metrics["ttft_mean_s"].high == pytest.approx(2.5 + 6.3138 * 0.5, abs=1e-3)
    assert found.slos[0].figures["share"].mean == pytest.approx(0.375)
    assert [one.attained for one in found.slos] == [False, False]
    assert found.by_tenant["b"]["e2e_mean_s"].mean == 3.0
    assert found.pools["p"]["utilization"].mean == 0.0


def test_one_interrupted_run_makes_it_incomplete() -> None:
    first, second = runs()
    assert not combine([first, replace(second, complete=False)], 0.9).complete


def test_what_cannot_be_combined() -> None:
    with pytest.raises(UsageError, match="no run"):
        combine([], 0.9)
    with pytest.raises(UsageError, match="level of an interval is 1"):
        combine(runs(), 1.0)
    with pytest.raises(UsageError, match="0 degrees of freedom"):
        student_t(0.9, 0)

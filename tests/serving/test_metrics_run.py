"""Numbers of simulated runs, against what queueing theory and the run's own series say."""

from __future__ import annotations

import numpy as np
import pytest
from tests.serving.timers import LinearTimer

from accord.serving.metrics import Summary, summarise
from accord.serving.replications import combine
from accord.serving.result import Outcome
from accord.serving.run import simulate
from accord.serving.saturation import find_rate
from accord.serving.slo import Slo
from accord.serving.spec import Autoscale, Pool, Rules
from accord.workloads.request import Workload

POOL = Pool(
    name="p", role="both", instances=1, timer=LinearTimer(0.1), kv_tokens=100_000, max_seqs=1, token_budget=4096,
    chips=2.0,
)  # fmt: skip


def poisson(rate: float, count: int, seed: int, answer: int = 1) -> Workload:
    arrival_s = np.cumsum(np.random.default_rng(seed).exponential(1.0 / rate, count))
    return Workload("poisson", arrival_s, np.full(count, 8), np.full(count, answer))


def one_at_a_time(rate: float, count: int = 4000, seed: int = 1) -> Outcome:
    """Service of exactly 0.1 s, one request after another."""
    return simulate([POOL], poisson(rate, count, seed), Rules(tick_s=0.05, seed=seed))


def summary(rate: float, seed: int = 1, count: int = 4000, slo: Slo | None = None) -> Summary:
    return summarise(one_at_a_time(rate, count, seed), slos=[slo] if slo else [], warm_s=10.0)


def test_a_queue_of_constant_service() -> None:
    load = 0.7
    found = combine([summary(load / 0.1, seed) for seed in range(8)], 0.99).metrics
    wait = found["queue_mean_s"]
    theory_s = load * 0.1 / (2.0 * (1.0 - load))  # Pollaczek-Khinchine
    assert wait.low is not None and wait.high is not None and wait.low <= theory_s <= wait.high
    assert wait.high - wait.low < 0.5 * theory_s
    assert found["utilization"].mean == pytest.approx(load, rel=0.03)
    assert found["e2e_mean_s"].mean == pytest.approx(wait.mean + 0.1)


def test_presence_agrees_with_the_series_and_with_littles_law() -> None:
    found = summary(7.0).metrics
    assert found["in_flight_mean"] == pytest.approx(found["running_mean"] + found["waiting_mean"], rel=0.03)
    assert found["in_flight_mean"] == pytest.approx(found["offered_request_per_s"] * found["e2e_mean_s"], rel=0.02)


def test_the_highest_rate_of_that_queue() -> None:
    """Waits longer than the limit are 10 % of all where theory has them, and the search finds that rate."""
    limit = Slo(ttft_s=0.3, needed=0.9)

    def share(rate: float) -> float:
        return summary(rate, count=3000, slo=limit).slos[0].figures["share"]

    found = find_rate(share, 0.5, 50.0, target=0.9, start=4.0)
    assert found.ending == "found" and found.request_per_s is not None
    assert 5.5 < found.request_per_s < 7.5
    assert share(found.request_per_s) >= 0.9 > share(1.1 * found.request_per_s)


def test_a_run_that_scales_pays_for_what_serves() -> None:
    rules = Rules(autoscale=Autoscale(least=1, most=3, up=2.0, down=0.5, interval_s=1.0), duration_s=60.0)
    run = simulate([POOL], poisson(15.0, 900, 3), rules)
    assert any(event.what == "scale-up" for event in run.events)
    chips = summarise(run).pools["p"]["chips"]
    assert 2.0 <= chips <= 2.0 * run.pools[0].instances
    assert chips == pytest.approx(2.0 * run.pools[0].up_s / summarise(run).metrics["makespan_s"], rel=1e-9)

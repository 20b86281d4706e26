"""What holds for every run, on every scheduler and router."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given
from tests.rig import value
from tests.serving.cases import Case, pool, run_fast, workload
from tests.serving.strategies import FEWER, cases
from tests.serving.timers import LinearTimer
from tests.step.test_mixed import CASES

from accord.base.array import array
from accord.serving import replica
from accord.serving.result import CANCELLED, COMPLETED, FAILED, UNFINISHED, Outcome
from accord.serving.routers import ROUTERS
from accord.serving.run import simulate
from accord.serving.schedulers import SCHEDULERS
from accord.serving.spec import Rules
from accord.serving.timer import StepTimer
from accord.step.decode import decode_step
from accord.step.exact import ExactTimer
from accord.step.prefill import prefill_step
from accord.step.table import StepTable

OFF_BEAT_S = 0.37 + 1e-9  # no event of the cases falls on it
Invariant = Callable[[Case], None]


def everywhere(invariant: Invariant) -> Callable[[str, str], None]:
    """A test of an invariant with every scheduler and every router, on random cases."""

    @pytest.mark.parametrize("router", ROUTERS)
    @pytest.mark.parametrize("scheduler", SCHEDULERS)
    def test(scheduler: str, router: str) -> None:
        @FEWER
        @given(cases(scheduler, router))
        def check(case: Case) -> None:
            invariant(case)

        check()

    test.__doc__ = invariant.__doc__
    return test


def every_request_ends_exactly_once(case: Case) -> None:
    """Completed, cancelled or failed; open ends only where the run was closed before."""
    found = run_fast(case)
    requests = found.requests
    assert found.complete
    ended = np.isin(requests.status, (COMPLETED, CANCELLED, FAILED))
    assert np.all(ended) or math.isfinite(case.rules.duration_s)
    np.testing.assert_array_equal(np.isfinite(requests.finish_s), ended)
    complete = requests.produced == case.workload.answer
    np.testing.assert_array_equal(complete, requests.status == COMPLETED)
    assert np.all(requests.produced[requests.status == FAILED] == 0)
    assert sum(used.answer_tokens for used in found.pools) == requests.produced.sum()
    # One that comes after another comes once it has ended, and once.
    follows = case.workload.follows
    for index in np.flatnonzero((follows >= 0) & np.isfinite(requests.arrival_s)):
        ready_s = requests.finish_s[follows[index]] + case.workload.wait_s[index]
        assert requests.arrival_s[index] >= ready_s
        assert case.workload.concurrency or requests.arrival_s[index] == ready_s
    if case.workload.concurrency:
        assert most_at_once(found) <= case.workload.concurrency


def most_at_once(found: Outcome) -> int:
    """Most requests that were there at one time; one that ends makes room for one that comes."""
    arrival_s, finish_s = found.requests.arrival_s, found.requests.finish_s
    came = arrival_s[np.isfinite(arrival_s)]
    return max((int(np.sum(came <= t) - np.sum(finish_s <= t)) for t in came), default=0)


def the_clock_is_monotone(case: Case) -> None:
    """Events, series and each instance's iterations go forward, and iterations of an instance do not overlap."""
    found = run_fast(case.with_rules(spans=100_000))
    times = [event.time_s for event in found.events]
    assert times == sorted(times)
    for series in found.series.values():
        assert np.all(np.diff(series.time_s) > 0.0)
    last_s: dict[int, float] = {}
    for span in found.spans:
        assert last_s.get(span.instance, 0.0) <= span.start_s < span.end_s
        last_s[span.instance] = span.end_s
    assert all(end_s <= found.end_s for end_s in last_s.values())
    assert all(time_s <= found.end_s for time_s in times)


def cache_blocks_are_conserved(case: Case) -> None:
    """Free, held and known blocks are all there are, before and after every iteration is planned."""
    plan = replica.Rank.plan

    def checked(rank: replica.Rank) -> replica.Work:
        rank.check()
        work = plan(rank)
        rank.check()
        return work

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replica.Rank, "plan", checked)
        found = run_fast(case)
    for series in found.series.values():
        assert np.all((series.kv_share >= 0.0) & (series.kv_share <= 1.0))


def no_iteration_exceeds_budget_seats_or_memory(case: Case) -> None:
    """Tokens and requests of every iteration, from the spans."""
    found = run_fast(case.with_rules(spans=100_000, tick_s=OFF_BEAT_S))
    of = [one for one in case.pools for _ in range(one.instances)]
    for span in found.spans:
        one = of[span.instance]
        assert 0 < span.prompt_tokens + span.batch * (1 + one.mtp_tokens) <= one.token_budget * one.groups
        assert span.batch <= one.max_seqs * one.groups
        assert span.iterations >= 1
    for series in found.series.values():
        assert np.all(series.kv_share <= 1.0)


def causes_come_before_effects(case: Case) -> None:
    """Arrival, first scheduled, first token, end; the cache of a prompt arrives before its answer goes on."""
    requests = run_fast(case).requests
    order = np.array([requests.arrival_s, requests.scheduled_s, requests.first_s, requests.finish_s])
    done = requests.status == COMPLETED
    assert np.all(np.diff(order[:, done], axis=0) >= 0.0)
    assert np.all(requests.first_s[done] > requests.scheduled_s[done])
    for before, after in ((0, 1), (0, 3), (1, 2), (2, 3)):
        both = np.isfinite(order[before]) & np.isfinite(order[after])
        assert np.all(order[before][both] <= order[after][both])
    assert np.all(np.isfinite(requests.scheduled_s[np.isfinite(requests.first_s)]))
    own = (case.workload.follows < 0) & np.isfinite(requests.arrival_s)
    assert np.all(requests.arrival_s[own] >= case.workload.arrival_s[own])
    assert np.all((requests.produced > 0) == np.isfinite(requests.first_s))
    assert np.all(requests.pooled <= requests.cached)
    assert np.all(requests.cached < case.workload.prompt)
    if len(case.pools) == 2:
        sender = case.pools[0]
        long = done & (case.workload.answer > 1) & (requests.restarted == 0)
        assert np.all(requests.first_s[long] - requests.scheduled_s[long] > sender.latency_s)
        assert np.all(requests.instance[long] >= sender.instances)


def the_same_seed_gives_the_same_bytes(case: Case) -> None:
    """Everything that is drawn comes from the seed."""
    one, again = (frozen(draw(case, seed=7)) for _ in range(2))
    assert one == again


def draw(case: Case, seed: int) -> Outcome:
    """A run that draws its failures, too."""
    rules = replace(case.rules, seed=seed, mtbf_s=30.0, repair_s=2.0, duration_s=60.0)
    return simulate(case.pools, case.workload, rules)


def frozen(found: Outcome) -> bytes:
    """All of an outcome but its seed, as bytes."""
    parts = [astuple(found.requests), astuple(found.gaps), found.pools, found.events, found.end_s, found.complete]
    series = [(name, astuple(one)) for name, one in sorted(found.series.items())]
    return pickle.dumps((parts, series))


def the_series_obey_littles_law(case: Case) -> None:
    """What is there at a time is what has come and not gone; so the mean in the system is rate times stay."""
    found = run_fast(case.with_rules(tick_s=OFF_BEAT_S))
    series, requests = found.series["all"], found.requests
    came = requests.arrival_s[np.isfinite(requests.arrival_s)]
    gone = requests.finish_s[np.isfinite(requests.finish_s)]
    for time_s, running, waiting in zip(series.time_s[:-1], series.running, series.waiting, strict=False):
        if time_s > 0.0:
            assert running + waiting == np.sum(came < time_s) - np.sum(gone < time_s)


test_every_request_ends_exactly_once = everywhere(every_request_ends_exactly_once)
test_the_clock_is_monotone = everywhere(the_clock_is_monotone)
test_cache_blocks_are_conserved = everywhere(cache_blocks_are_conserved)
test_no_iteration_exceeds_budget_seats_or_memory = everywhere(no_iteration_exceeds_budget_seats_or_memory)
test_causes_come_before_effects = everywhere(causes_come_before_effects)
test_the_same_seed_gives_the_same_bytes = everywhere(the_same_seed_gives_the_same_bytes)
test_the_series_obey_littles_law = everywhere(the_series_obey_littles_law)


@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_other_seeds_differ(scheduler: str, router: str) -> None:
    """Drafts are accepted by chance, and so runs of other seeds are other runs."""
    one = pool(LinearTimer(0.1), instances=2, mtp_tokens=2, accept=0.5)
    asked = workload([0.5 * index for index in range(20)], 10, 60)
    found = {seed: draw(Case((one,), asked, Rules(scheduler=scheduler, router=router), ()), seed) for seed in range(4)}
    assert len({frozen(run) for run in found.values()}) == 4
    assert all(np.all(run.requests.status != UNFINISHED) for run in found.values())


STEADY = {name: CASES[name] for name in ("dense", "tensor", "windows")}
PROMPT, ANSWER = 1500, 40


def steady_s(name: str) -> tuple[float, float]:
    """Seconds of a prompt and of the answer's further tokens, by the steady state's steps."""
    setting, plan = STEADY[name]
    first = plan.with_(tokens=PROMPT / plan.tp / plan.cp, isl=array(float(PROMPT)))
    steps = [
        value(decode_step(setting, plan.with_(batch=1.0 / plan.tp, context=array(float(PROMPT + m))))[0].total_s)
        for m in range(1, ANSWER)
    ]
    return value(prefill_step(setting, first)[0].total_s), sum(steps)


@pytest.mark.parametrize("name", STEADY)
def test_a_request_alone_takes_what_the_steady_state_says(name: str) -> None:
    """To 1e-9 with the estimate as timer, within 1 % through the table."""
    prompt_s, answer_s = steady_s(name)
    setting, plan = STEADY[name]
    timers: dict[float, StepTimer] = {1e-9: ExactTimer(setting, plan), 0.01: StepTable(setting, plan, max_seqs=8)}
    for within, timer in timers.items():
        one = replace(pool(token_budget=8192, max_seqs=8), timer=timer)
        found = simulate([one], workload([3.0], PROMPT, ANSWER), Rules()).requests
        assert found.first_s[0] - 3.0 == pytest.approx(prompt_s, rel=within)
        assert found.finish_s[0] - found.first_s[0] == pytest.approx(answer_s, rel=within)

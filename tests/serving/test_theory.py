"""The engine against queues whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.serving.cases import pool, workload
from tests.serving.timers import LinearTimer

from accord.base.array import Array
from accord.serving.result import Outcome
from accord.serving.run import simulate
from accord.serving.spec import Pool, Rules
from accord.workloads.request import NONE, Ints, Workload

SERVICE_S = 0.5
FCFS = Rules()


def run(pools: list[Pool], asked: Workload, rules: Rules = FCFS) -> Outcome:
    found = simulate(pools, asked, rules)
    assert found.complete
    assert np.all(found.requests.status == 1)
    return found


def poisson(rate_per_s: float, size: int, seed: int) -> Array:
    return np.cumsum(np.random.default_rng(seed).exponential(1.0 / rate_per_s, size))


def close_to_mean(samples: Array, expected: float, batches: int = 25) -> None:
    """The mean of a correlated series is ``expected``, within four standard errors from means of batches."""
    means = np.array([part.mean() for part in np.array_split(samples, batches)])
    error = means.std(ddof=1) / math.sqrt(batches)
    assert abs(samples.mean() - expected) < 4.0 * error
    assert error < 0.08 * expected, "too few samples to tell"


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_server_with_constant_service_waits_as_pollaczek_and_khinchine_say(load: float) -> None:
    """M/D/1: mean wait ``load S / (2 (1 - load))``."""
    asked = workload(poisson(load / SERVICE_S, 40_000, seed=1).tolist(), 7, 1)
    found = run([pool(LinearTimer(SERVICE_S), max_seqs=1)], asked).requests
    np.testing.assert_allclose(found.finish_s - found.scheduled_s, SERVICE_S, rtol=1e-9)
    close_to_mean(found.scheduled_s - found.arrival_s, load * SERVICE_S / (2.0 * (1.0 - load)))


@pytest.mark.parametrize("load", [0.4, 0.7])
def test_one_server_with_answers_of_random_length(load: float) -> None:
    """M/G/1: mean wait ``rate E[S^2] / (2 (1 - load))``, with the moments of the lengths that were drawn."""
    answers = np.random.default_rng(2).geometric(1.0 / 8.0, 25_000)
    service_s = SERVICE_S * answers
    rate = load / service_s.mean()
    asked = workload(poisson(rate, len(answers), seed=3).tolist(), 1, answers.tolist())
    found = run([pool(LinearTimer(SERVICE_S), max_seqs=1)], asked).requests
    close_to_mean(found.scheduled_s - found.arrival_s, rate * (service_s**2).mean() / (2.0 * (1.0 - load)))


def test_as_many_servers_as_a_batch_holds_never_wait() -> None:
    """M/D/infinity: a batch without a cost of its own keeps nobody waiting but for the iteration under way."""
    asked = workload(poisson(4.0, 5_000, seed=4).tolist(), 1, 40)
    found = run([pool(LinearTimer(0.01))], asked).requests
    assert np.max(found.scheduled_s - found.arrival_s) <= 0.01 + 1e-9
    np.testing.assert_allclose(found.finish_s - found.scheduled_s, 0.4, rtol=1e-6)
    inside = np.sum(found.finish_s - found.arrival_s) / found.finish_s[-1]
    assert inside == pytest.approx(4.0 * 0.405, rel=0.05)


def batch_s(timer: LinearTimer, batch: int, prompt: int, answer: int) -> float:
    """Time of ``batch`` equal requests that begin and end together."""
    first_s = timer.mixed(batch * prompt, batch * prompt**2 / 2.0, batch, 0, 0.0)
    return first_s + sum(timer.mixed(0, 0.0, 0, batch, float(batch * (prompt + m))) for m in range(1, answer))


TIMER = LinearTimer(a=0.01, b=1e-3, c=1e-6, d=1e-4, e=1e-7, f=1e-3)


@pytest.mark.parametrize("batch", [1, 4, 32])
def test_a_closed_loop_of_equal_requests_goes_round_in_a_known_time(batch: int) -> None:
    rounds, prompt, answer = 10, 50, 21
    asked = workload([0.0] * (batch * rounds), prompt, answer, concurrency=batch)
    found = run([pool(TIMER)], asked)
    assert found.requests.finish_s[-1] == pytest.approx(rounds * batch_s(TIMER, batch, prompt, answer), rel=1e-9)


@pytest.mark.parametrize(("size", "most"), [(1, 4), (8, 4), (10, 4), (9, 1)])
def test_a_flood_is_served_in_full_batches(size: int, most: int) -> None:
    found = run([pool(TIMER, max_seqs=most)], workload([0.0] * size, 30, 12)).requests
    full, rest = divmod(size, most)
    expected = full * batch_s(TIMER, most, 30, 12) + (batch_s(TIMER, rest, 30, 12) if rest else 0.0)
    assert found.finish_s[-1] == pytest.approx(expected, rel=1e-9)


def users(size: int, turns: int, think_s: Array, answer: Ints | int) -> Workload:
    """``size`` users who each ask, read, think, and ask again."""
    count = size * turns
    follows = np.arange(count) - size
    follows[:size] = NONE
    return workload([0.0] * count, 1, answer, follows=follows, wait_s=think_s)  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "think_s"), [(1, 3.0), (3, 9.0), (7, 3.0), (12, 2.0)])
def test_machine_repair_with_constant_times(size: int, think_s: float) -> None:
    """One server, users who think: one goes round in ``max(think + service, users x service)``."""
    asked = users(size, 30, np.full(size * 30, think_s), 2)
    found = run([pool(LinearTimer(SERVICE_S), max_seqs=1)], asked).requests
    rounds_s = np.diff(found.finish_s.reshape(30, size), axis=0)[3:]
    np.testing.assert_allclose(rounds_s, max(think_s + 2.0 * SERVICE_S, size * 2.0 * SERVICE_S), rtol=1e-9)


def test_machine_repair_with_random_times() -> None:
    """M/M/1//N: throughput ``(1 - p0) / S``; answers of geometric length stand for the exponential law."""
    size, turns, service_s, think_s = 4, 8_000, 1.0, 4.0
    rng = np.random.default_rng(5)
    answers = rng.geometric(1.0 / 200.0, size * turns)
    asked = users(size, turns, rng.exponential(think_s, size * turns), answers)
    found = run([pool(LinearTimer(service_s / 200.0), max_seqs=1)], asked).requests
    weights = [math.factorial(size) / math.factorial(size - n) * (service_s / think_s) ** n for n in range(size + 1)]
    busy = 1.0 - weights[0] / sum(weights)
    assert size * turns / found.finish_s.max() == pytest.approx(busy / service_s, rel=0.02)


@pytest.mark.parametrize("every_s", [0.5, 0.4, 0.2])
def test_two_instances_in_turn_under_even_arrivals(every_s: float) -> None:
    """D/D/1 twice: each sees every other request, and falls behind by what its service exceeds their distance."""
    service_s, size = 0.8, 40
    rules = Rules(router="round-robin")
    asked = workload([every_s * index for index in range(size)], 1, 1)
    found = run([pool(LinearTimer(service_s), instances=2, max_seqs=1)], asked, rules).requests
    behind_s = max(0.0, service_s - 2.0 * every_s)
    np.testing.assert_array_equal(found.instance, np.arange(size) % 2)
    np.testing.assert_allclose(found.scheduled_s - found.arrival_s, np.arange(size) // 2 * behind_s, atol=1e-9)


@pytest.mark.parametrize("budget", [1, 7, 64, 100, 101, 1000])
def test_a_prompt_takes_as_many_chunks_as_the_budget_asks_for(budget: int) -> None:
    """``ceil(P / budget)`` iterations; their pairs sum to ``P^2 / 2``."""
    prompt, timer = 100, LinearTimer(a=1.0, d=0.25, e=0.5)
    found = run([pool(timer, token_budget=budget)], workload([0.0], prompt, 1))
    chunks = math.ceil(prompt / budget)
    assert found.pools[0].iterations == chunks
    assert found.requests.first_s[0] == pytest.approx(chunks + 0.25 * prompt + 0.25 * prompt**2, rel=1e-9)


def arrive(senders: int, receivers: int, egress: float = math.inf, ingress: float = math.inf) -> Array:
    """When the caches of two prompts of 100 bytes, computed in one second, have arrived."""
    sender = pool(None, "prefill", instances=senders, egress_bytes_per_s=egress, latency_s=0.25)
    receiver = pool(None, "decode", instances=receivers, ingress_bytes_per_s=ingress)
    found = run([sender, receiver], workload([0.0, 0.0], 100, 2)).requests
    return np.sort(found.first_s) - 1.25


def test_transfers_share_the_links() -> None:
    """Two caches over one link take twice as long; over links of their own they do not."""
    np.testing.assert_allclose(arrive(1, 1, egress=50.0), [2.0, 4.0])
    np.testing.assert_allclose(arrive(1, 2, egress=50.0), [2.0, 4.0])
    np.testing.assert_allclose(arrive(2, 2, egress=50.0), [2.0, 2.0])
    np.testing.assert_allclose(arrive(2, 1, egress=50.0), [2.0, 2.0])
    np.testing.assert_allclose(arrive(2, 1, ingress=50.0), [2.0, 4.0])
    np.testing.assert_allclose(arrive(2, 2, ingress=50.0), [2.0, 2.0])
    np.testing.assert_allclose(arrive(1, 1, egress=50.0, ingress=25.0), [4.0, 8.0])
    np.testing.assert_allclose(arrive(1, 1, egress=25.0, ingress=50.0), [4.0, 8.0])


def test_disaggregation_without_a_distance_is_one_pool_that_never_mixes() -> None:
    """A request alone: prompt, transfer, answer, one after the other."""
    timer = LinearTimer(a=0.01, c=1e-5, d=1e-4)
    pools = [pool(timer, role="prefill", egress_bytes_per_s=1e3, latency_s=0.5), pool(timer, role="decode")]
    found = run(pools, workload([0.0], 200, 11)).requests
    prompt_s = 0.01 + 1e-4 * 200
    assert found.first_s[0] == pytest.approx(prompt_s + 0.2 + 0.5, rel=1e-9)
    answer_s = sum(0.01 + 1e-5 * (200 + m) for m in range(1, 11))
    assert found.finish_s[0] == pytest.approx(found.first_s[0] + answer_s, rel=1e-9)

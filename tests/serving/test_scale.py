"""What a request costs must not grow with their number, in time or in memory.

Margins are wide, so that a busy machine does not fail them: four times as many requests may take 2.5 times as long
each, where a cost that grows with the square of their number would take 4 times as long. bench/bench_serving.py
measures the same up to a million requests.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from tests.serving.cases import pool
from tests.serving.timers import LinearTimer

from accord.serving.result import COMPLETED
from accord.serving.run import simulate
from accord.serving.spec import Pool, Rules
from accord.workloads.request import Workload

FEW, MANY = 5_000, 20_000
MOST_RISE = 2.5
MOST_BYTES = 2_000
TIMER = LinearTimer(8e-3, 2e-5, 5e-8, 3.2e-5, 1e-9, reach=1e5)  # near Llama-3-8B on one H100
SEATED: dict[str, object] = {"kv_tokens": 400_000, "block_tokens": 16, "max_seqs": 128, "token_budget": 2048}


def _workload(count: int, gap_s: float) -> Workload:
    """Poisson arrivals, prompts of 1,000 and answers of 150 tokens on the mean."""
    rng = np.random.default_rng(7)
    arrival_s = np.cumsum(rng.exponential(gap_s, count)) if gap_s else np.zeros(count)
    prompt, answer = (rng.geometric(1.0 / mean, count) for mean in (1000, 150))
    return Workload("scale", arrival_s, prompt, np.minimum(answer, 2000))


def _open(count: int) -> tuple[list[Pool], Workload]:
    """Two instances below their saturation."""
    return [pool(TIMER, "both", instances=2, **SEATED)], _workload(count, 0.04)


def _at_once(count: int) -> tuple[list[Pool], Workload]:
    """Everything waits from the beginning."""
    return [pool(TIMER, "both", instances=2, **SEATED)], _workload(count, 0.0)


def _cached(count: int) -> tuple[list[Pool], Workload]:
    """Prompts that share a beginning, in a cache that must evict all the time; two pools and transfers between."""
    plain = _workload(count, 0.04)
    blocks = np.maximum(plain.prompt // 64, 1)
    starts = np.concatenate(([0], np.cumsum(blocks)))
    hashes = 1000 + np.arange(starts[-1])
    hashes[starts[:-1]] = np.arange(count) % 100  # the first block is one of a hundred
    load = plain.with_(prompt=np.maximum(plain.prompt, 64), hashes=hashes, starts=starts, block_tokens=64)
    links: dict[str, object] = {"egress_bytes_per_s": 1e6, "ingress_bytes_per_s": 1e6}
    one = pool(TIMER, "prefill", instances=2, **SEATED, **links)
    return [one, pool(TIMER, "decode", instances=2, **SEATED, **links)], load


Setup = Callable[[int], tuple[list[Pool], Workload]]
SETUPS = pytest.mark.parametrize("setup", [_open, _at_once, _cached], ids=["open", "at-once", "prefix-cache"])


def _each_s(setup: Setup, count: int) -> float:
    """Least CPU time a request of a few runs [s]."""
    pools, workload = setup(count)
    taken = []
    for _ in range(2):
        began = time.process_time()
        outcome = simulate(pools, workload, Rules())
        taken.append(time.process_time() - began)
        assert np.all(outcome.requests.status == COMPLETED)
    return min(taken) / count


@SETUPS
def test_time_a_request_does_not_grow_with_their_number(setup: Setup) -> None:
    share = 4 if setup is _cached else 1  # a run with evictions takes longer
    few, many = _each_s(setup, FEW // share), _each_s(setup, MANY // share)
    if many > MOST_RISE * few:  # the machine may have been busy just then
        few, many = _each_s(setup, FEW // share), _each_s(setup, MANY // share)
    assert many < MOST_RISE * few


def _most_bytes(setup: Setup, count: int) -> int:
    pools, workload = setup(count)
    tracemalloc.start()
    try:
        simulate(pools, workload, Rules())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("setup", [_open, _at_once], ids=["open", "at-once"])
def test_memory_of_a_request_is_bounded(setup: Setup) -> None:
    """The most memory of a run, without the workload it was given."""
    few, many = FEW // 5, FEW
    assert (_most_bytes(setup, many) - _most_bytes(setup, few)) / (many - few) < MOST_BYTES

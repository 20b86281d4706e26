"""Small deployments and workloads for the tests, and one way to run both the engine and the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.serving.reference import Slow, simulate_slowly
from tests.serving.timers import LinearTimer

from accord.serving.result import COMPLETED, Outcome
from accord.serving.run import simulate
from accord.serving.spec import Pool, Role, Rules
from accord.workloads.request import Workload

PLENTY = 1_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """One run: what serves, what is asked, by which rules, in how many decode iterations each."""

    pools: tuple[Pool, ...]
    workload: Workload
    rules: Rules
    iterations: tuple[int, ...]

    def with_rules(self, **changes: object) -> Case:
        """The same case under other rules."""
        return replace(self, rules=replace(self.rules, **changes))  # type: ignore[arg-type]


def pool(timer: LinearTimer | None = None, role: Role = "both", **changes: object) -> Pool:
    """An instance with plenty of everything, 1 s an iteration, unless told otherwise."""
    known: dict[str, object] = {
        "name": role,
        "role": role,
        "instances": 1,
        "timer": timer or LinearTimer(1.0),
        "kv_tokens": PLENTY,
        "block_tokens": 1,
        "max_seqs": PLENTY,
        "token_budget": PLENTY,
        "bytes_per_token": 1.0,
    }
    return Pool(**(known | changes))  # type: ignore[arg-type]


def workload(
    arrival_s: Sequence[float], prompt: Sequence[int] | int, answer: Sequence[int] | int, **changes: object
) -> Workload:
    """Requests in order of arrival; one length stands for all of them."""
    size = len(arrival_s)
    columns: dict[str, object] = {
        "name": "case",
        "arrival_s": np.array(arrival_s, dtype=np.float64),
        "prompt": np.broadcast_to(np.array(prompt, dtype=np.int64), size).copy(),
        "answer": np.broadcast_to(np.array(answer, dtype=np.int64), size).copy(),
    }
    columns |= {name: np.array(value) if isinstance(value, list) else value for name, value in changes.items()}
    return Workload(**columns)  # type: ignore[arg-type]


def hashed(ids: Sequence[Sequence[int]], block_tokens: int) -> dict[str, object]:
    """Columns of a workload whose prompts have these block ids."""
    starts = np.cumsum([0, *(len(one) for one in ids)])
    flat = [name for one in ids for name in one]
    return {
        "hashes": np.array(flat, dtype=np.int64),
        "starts": starts.astype(np.int64),
        "block_tokens": block_tokens,
    }


INTEGERS = ("status", "produced", "cached", "pooled", "preempted", "restarted")
TIMES = ("arrival_s", "scheduled_s", "first_s", "finish_s")


def run_fast(case: Case) -> Outcome:
    """By the engine."""
    iterations = np.array(case.iterations, dtype=np.int64)
    return simulate(case.pools, case.workload, case.rules, iterations=iterations)


def run_slowly(case: Case) -> Slow:
    """By the reference."""
    return simulate_slowly(case.pools, case.workload, case.rules, case.iterations)


def assert_same(case: Case) -> None:
    """The engine and the reference agree event for event."""
    fast, slow = run_fast(case), run_slowly(case)
    for name in TIMES:
        np.testing.assert_allclose(getattr(fast.requests, name), slow.column(name), rtol=1e-9, atol=0.0, err_msg=name)
    for name in INTEGERS:
        np.testing.assert_array_equal(getattr(fast.requests, name), slow.column(name), err_msg=name)
    done = fast.requests.status == COMPLETED
    for name in ("prefill", "instance"):
        found, expected = getattr(fast.requests, name), np.array(slow.column(name))
        np.testing.assert_array_equal(found[done], expected[done], err_msg=name)
    gaps = slow.gaps()
    assert fast.gaps.counts.sum() == len(gaps)
    assert fast.gaps.total_s == pytest.approx(sum(gaps), rel=1e-9)
    last_s = np.nanmax([*slow.column("finish_s"), 0.0])
    changes = [(event.time_s, event.instance, event.what) for event in fast.events if event.what in ("down", "up")]
    assert sorted(e for e in changes if e[0] < last_s) == sorted(e for e in slow.events if e[0] < last_s)
    assert sum(pool.preemptions for pool in fast.pools) == slow.preemptions

"""A load of sessions that has lasted: nothing is lost, nothing comes twice, and its rate is steady."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.api.plan_load import comes_back, settled
from accord.workloads.arrivals import Arrivals
from accord.workloads.lengths import Law, parse_law
from accord.workloads.request import Workload
from accord.workloads.reshape import rate_per_s
from accord.workloads.sessions import Sessions, Talk
from accord.workloads.synthetic import Traffic, generate


def talk(rate: float, count: int, seed: int = 0, turns: float = 3.0, think_s: float = 30.0) -> Workload:
    sessions = Sessions(turns=Law("geometric", mean=turns), think=Law("exponential", mean=think_s))
    laws = Talk(parse_law("300"), Law("exponential", mean=100.0), sessions)
    return generate(Traffic("talk", laws, Arrivals("poisson", per_s=rate)), seed, count=count)


def due_s(work: Workload, first_s: float, gap_s: float = 0.0) -> list[float]:
    """When each request comes if answers take so long, one after another."""
    found: list[float] = []
    for at, before in enumerate(work.follows.tolist()):
        wait_s = float(work.wait_s[at]) + first_s + gap_s * (float(work.answer[before]) - 1.0)
        found.append(float(work.arrival_s[at]) if before < 0 else found[before] + wait_s)
    return found


@given(
    rate=st.floats(0.1, 100.0), count=st.integers(20, 300), seed=st.integers(0, 9), turns=st.floats(1.5, 6.0),
    first_s=st.floats(0.0, 5.0), gap_s=st.floats(0.0, 0.5),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_every_request_comes_once_within_the_ring(
    rate: float, count: int, seed: int, turns: float, first_s: float, gap_s: float
) -> None:
    work = talk(rate, count, seed, turns)
    if not comes_back(work):
        return
    found = settled(work, first_s, gap_s)
    assert len(found) == len(work)
    for name in ("prompt", "answer"):
        assert sorted(getattr(found, name).tolist()) == sorted(getattr(work, name).tolist())
    ring_s = len(work) / rate_per_s(work)
    due = due_s(found, first_s, gap_s)
    assert min(due) >= -1e-6 and max(due) <= ring_s * (1.0 + 1e-9) + 1e-6
    begun = float(work.arrival_s[0])
    lost = [(one - begun) % ring_s for one in due_s(work, first_s, gap_s)]
    assert sorted(due) == pytest.approx(sorted(lost), abs=1e-6 * ring_s + 1e-6)


def test_the_rate_is_steady_from_the_start() -> None:
    work = talk(50.0, 4000, think_s=60.0)  # sessions begin for 80 s and last for minutes
    found = settled(work, 5.0, 0.0)
    counts = np.histogram(due_s(found, 5.0), bins=4)[0]
    assert counts == pytest.approx(np.full(4, 1000), rel=0.1)
    before = np.histogram(due_s(work, 5.0), bins=4)[0]
    assert before.max() > 2 * before.min()


def test_turns_that_stay_together_keep_their_pause() -> None:
    work = talk(1.0, 400, think_s=5.0)
    found = settled(work, 1.0, 0.02)
    later = found.follows >= 0
    assert later.sum() > 0.9 * (work.follows >= 0).sum()
    assert set(found.wait_s[later].tolist()) <= set(work.wait_s.tolist())
    assert np.all(found.prompt[later] > found.prompt[found.follows[later]])


def test_which_loads_come_back() -> None:
    assert comes_back(talk(1.0, 50))
    assert not comes_back(talk(1.0, 50, turns=1.0))
    assert not comes_back(talk(1.0, 50).with_(concurrency=4))
    assert not comes_back(talk(1.0, 50).with_(arrival_s=np.zeros(50)))

"""Queues: limits that a textbook gives, and tails."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rig import value

from accord.base.array import array
from accord.inference.waiting import CONSTANT, EXPONENTIAL, QUANTILES, backlog_s, behind, queue

LONG = array(1e12)
ONE = array(1.0)


@pytest.mark.parametrize("load", [0.1, 0.5, 0.9, 0.99])
def test_one_server_waits_as_pollaczek_and_khinchine_say(load: float) -> None:
    for variability in (CONSTANT, EXPONENTIAL):
        found = queue(array(load), array(4.0), ONE, variability, LONG)
        assert value(found.mean_s) == pytest.approx(variability * load / (4.0 * (1.0 - load)), rel=1e-3)
        assert value(found.waits) == pytest.approx(load)


def test_many_servers_wait_about_as_erlang_says() -> None:
    """Ten servers of one second each at a load of 0.8: Erlang C gives 0.409 of arrivals and 0.2046 s."""
    found = queue(array(0.8), array(10.0), array(10.0), EXPONENTIAL, LONG)
    assert value(found.waits) == pytest.approx(0.409, rel=0.1)
    assert value(found.mean_s) == pytest.approx(0.2046, rel=0.1)


def test_nobody_waits_without_load() -> None:
    found = queue(array(0.0), ONE, ONE, CONSTANT, array(600.0))
    assert value(found.mean_s) == 0.0
    assert all(value(found.quantile_s(share)) == 0.0 for share in QUANTILES)
    assert value(backlog_s(array(1.0), array(600.0))) == 0.0


def test_a_full_server_is_bound_by_the_window() -> None:
    waits = [value(queue(ONE, array(10.0), ONE, CONSTANT, array(window)).mean_s) for window in (60.0, 600.0, 6000.0)]
    assert waits == sorted(waits)
    assert waits[1] == pytest.approx(0.25 * 600 * math.sqrt(8 * 0.5 / 6000))
    assert value(backlog_s(array(1.5), array(600.0))) == 300.0


@given(
    loads=st.lists(st.floats(0.0, 3.0), min_size=2, max_size=6),
    per_s=st.floats(0.01, 1e4),
    servers=st.floats(1.0, 2000.0),
    window=st.floats(1.0, 1e5),
)
def test_more_load_never_waits_less(loads: list[float], per_s: float, servers: float, window: float) -> None:
    load = np.array(sorted(loads))
    found = queue(load, array(per_s), array(servers), EXPONENTIAL, array(window))
    for numbers in (found.mean_s, found.waits, backlog_s(load, array(window))):
        assert np.all(np.diff(numbers) >= -1e-9 * (1.0 + numbers[1:]))
    p50, p90, p99 = (found.quantile_s(share) for share in QUANTILES)
    assert np.all((p50 <= p90) & (p90 <= p99))


def test_quantiles_of_an_exponential_wait() -> None:
    found = queue(ONE, ONE, ONE, EXPONENTIAL, LONG)
    assert value(found.quantile_s(0.9)) == pytest.approx(math.log(10.0) * value(found.mean_s))


@pytest.mark.parametrize(("count", "share", "expected"), [
    (1.0, 0.5, 0.6931), (1.0, 0.99, 4.605), (10.0, 0.5, 0.9669), (10.0, 0.9, 1.4206), (100.0, 0.99, 1.2472),
])  # fmt: skip
def test_the_wait_behind_others_is_gamma(count: float, share: float, expected: float) -> None:
    """Quantiles of a gamma of mean 1, from tables of chi-square."""
    assert value(behind(array(count), share)) == pytest.approx(expected, rel=0.02)

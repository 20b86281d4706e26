"""Spares and repairs: Erlang's and Poisson's numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.reliability.spares import erlang, excess, in_repair, needed


def poisson(load: float, at: int) -> float:
    return math.exp(at * math.log(load) - load - math.lgamma(at + 1))


@pytest.mark.parametrize(("load", "servers", "blocked"), [(1.0, 1, 0.5), (2.0, 2, 0.4), (10.0, 10, 0.21458)])
def test_erlang(load: float, servers: int, blocked: float) -> None:
    """Erlang B: a/(1+a), a^2/2/(1+a+a^2/2), and the tabled value for 10 erlang on 10 lines."""
    assert erlang(np.asarray([load]), servers)[0] == pytest.approx(blocked, rel=1e-4)


@given(st.floats(0.01, 60.0), st.integers(0, 90))
def test_excess_is_that_of_poisson(load: float, spares: int) -> None:
    counts = range(spares + 1, spares + 400)
    mean, chance = excess(np.asarray([load]), spares)
    assert mean[0] == pytest.approx(sum((n - spares) * poisson(load, n) for n in counts), rel=1e-6, abs=1e-9)
    assert chance[0] == pytest.approx(sum(poisson(load, n) for n in counts), rel=1e-6, abs=1e-9)


def test_large_numbers_are_nearly_normal() -> None:
    mean, chance = excess(np.asarray([400.0]), 410)
    counts = range(411, 900)
    assert mean[0] == pytest.approx(sum((n - 410) * poisson(400.0, n) for n in counts), rel=0.01)
    assert chance[0] == pytest.approx(sum(poisson(400.0, n) for n in counts), rel=0.01)


def test_a_young_run_has_fewer_in_repair() -> None:
    node = np.asarray([1.0 / 3600.0])
    assert in_repair(node, 86400.0, np.asarray([1e9]))[0] == pytest.approx(24.0)
    assert in_repair(node, 86400.0, np.asarray([3600.0]))[0] == pytest.approx(24.0 * -math.expm1(-1.0 / 24.0))
    assert in_repair(node, 0.0, np.asarray([3600.0]))[0] == 0.0


@given(st.floats(0.05, 400.0), st.sampled_from((0.5, 0.9, 0.99)))
def test_needed_is_the_least(load: float, confidence: float) -> None:
    spares = needed(load / 3600.0, 3600.0, confidence)
    assert excess(np.asarray([load]), spares)[1][0] <= 1.0 - confidence
    if spares:
        assert excess(np.asarray([load]), spares - 1)[1][0] > 1.0 - confidence


def test_confidence_is_a_share() -> None:
    with pytest.raises(UsageError, match="a confidence of 1"):
        needed(1.0, 1.0, 1.0)

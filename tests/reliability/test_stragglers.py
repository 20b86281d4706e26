"""Slow chips: the greatest of many, against sums and against chance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.reliability.rates import Rates
from accord.reliability.stragglers import expected_greatest, slow_chips, speed


def rates(slow_chips_per_chip: float, slowdown: float) -> Rates:
    return Rates(1e-9, slow_per_chip_s=slow_chips_per_chip / 3600.0, slow_s=3600.0, slowdown=slowdown)


@pytest.mark.parametrize("count", [0.01, 0.9, 5.0, 30.0, 200.0])
def test_mean_of_harmonic_numbers(count: float) -> None:
    chance, harmonic, wanted = math.exp(-count), 0.0, 0.0
    for m in range(1, 1000):
        chance *= count / m
        harmonic += 1.0 / m
        wanted += chance * harmonic
    assert expected_greatest(np.asarray([count]), np.asarray([0.25]))[0] == pytest.approx(0.25 * wanted, rel=1e-6)


@pytest.mark.parametrize(("chips", "slowdown"), [(100.0, 0.3), (1000.0, 0.05), (20000.0, 0.13)])
def test_speed_by_chance(chips: float, slowdown: float) -> None:
    one = rates(1e-3, slowdown)
    generator = np.random.default_rng(3)
    counts = generator.poisson(slow_chips(one, chips)[0], 20000)
    greatest = [generator.exponential(slowdown, n).max(initial=0.0) for n in counts]
    assert speed(one, chips)[0] == pytest.approx(np.mean(1.0 / (1.0 + np.asarray(greatest))), rel=0.004)


@given(st.floats(1.0, 1e5), st.floats(0.01, 1.0))
def test_more_chips_are_never_faster(chips: float, slowdown: float) -> None:
    one = rates(1e-4, slowdown)
    assert speed(one, 2.0 * chips)[0] <= speed(one, chips)[0] <= 1.0


def test_none_are_slow() -> None:
    assert speed(Rates(1e-9), 1e5)[0] == 1.0

"""Where a steady state settles."""

from __future__ import annotations

import numpy as np
import pytest

from accord.base.array import Array
from accord.inference.settle import crossing, settled

RATES = np.asarray([0.01, 0.3, 1.0, 4.0, 40.0])


@pytest.mark.parametrize("power", [-1.0, -0.5, 0.0, 0.3, 0.6])
def test_a_power_settles_where_it_gives_itself_back(power: float) -> None:
    found = settled(lambda x: RATES * x**power, RATES, 8)
    assert found == pytest.approx(RATES ** (1.0 / (1.0 - power)), rel=0.01)


def test_a_constant_settles_at_once() -> None:
    assert np.array_equal(settled(lambda x: 0.0 * x + 3.0, RATES, 1), np.full(5, 3.0))


def test_what_falls_to_nought_settles_above_it() -> None:
    assert np.all(settled(lambda x: 0.0 * x, RATES, 3) > 0.0)


def test_a_step_settles_at_the_step() -> None:
    found = settled(lambda x: np.where(x > 2.0, 0.5, 8.0), np.ones(1), 24)
    assert found == pytest.approx(2.0, rel=0.05)


def missing(wanted: Array) -> Array:
    """Where ``x / (1 + x)`` of the most is reached."""
    return crossing(lambda x: wanted - x / (1.0 + x), wanted, np.full_like(wanted, 100.0), 12, 3)


def test_a_crossing_is_found() -> None:
    wanted = np.asarray([0.001, 0.1, 0.5, 0.9, 0.95])
    assert missing(wanted) == pytest.approx(wanted / (1.0 - wanted), rel=0.06)


def test_what_is_never_enough_is_the_most() -> None:
    assert missing(np.asarray([0.999]))[0] == 100.0
    assert missing(np.asarray([0.0]))[0] == 0.0


def test_who_wants_more_never_finds_less() -> None:
    found = missing(np.linspace(0.0, 1.2, 2000))
    assert np.all(np.diff(found) >= 0.0)

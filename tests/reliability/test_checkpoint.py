"""Checkpoints: Young's and Daly's equations, and the optimum against a search."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.reliability.checkpoint import mean_cycle_s, optimum_s, young_s

HOUR, MINUTE = 3600.0, 60.0


def test_young() -> None:
    assert young_s(40.0, 7.0 * 86400.0)[0] == pytest.approx(math.sqrt(2.0 * 40.0 * 604800.0))


@pytest.mark.parametrize(("mttf_s", "minutes"), [(24.0 * HOUR, 117.0), (6.0 * HOUR, 57.0), (0.25 * HOUR, 9.1)])
def test_dalys_optima(mttf_s: float, minutes: float) -> None:
    """Daly 2006, figures 3 to 5: a dump of 5 min, MTTF of 24 h, 6 h and 15 min; optima of 117, 57 and 9.1 min.

    His is a perturbation series of the equation that is solved here, so they differ by some per cent far out.
    """
    assert optimum_s(5.0 * MINUTE, mttf_s)[0] / MINUTE == pytest.approx(minutes, rel=0.03)


def test_dalys_mean_time() -> None:
    """Exact mean of exponential interruptions: M exp(R/M) (exp((t + d)/M) - 1) a checkpoint."""
    m, r, t, d = 6.0 * HOUR, 600.0, 3420.0, 300.0
    wanted = m * math.exp(r / m) * (math.exp((t + d) / m) - 1.0)
    found = mean_cycle_s(np.asarray([1.0 / m]), np.asarray([t]), d, 0.0, r)[0]
    assert found == pytest.approx(wanted, rel=1e-12)


def test_no_interruptions_cost_the_checkpoints_alone() -> None:
    assert mean_cycle_s(np.zeros(1), np.asarray([100.0]), 5.0, 20.0, 600.0)[0] == 105.0
    assert optimum_s(5.0, math.inf)[0] == math.inf


@given(st.floats(0.01, 3000.0), st.floats(100.0, 1e7))
def test_the_optimum_is_one(blocking_s: float, mttf_s: float) -> None:
    best = optimum_s(blocking_s, mttf_s)
    rate = np.asarray([1.0 / mttf_s])

    def cost(interval: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float((mean_cycle_s(rate, interval, blocking_s, 0.0, 60.0) / interval)[0])

    assert cost(best) <= cost(best * 1.02) * (1.0 + 1e-12)
    assert cost(best) <= cost(best * 0.98) * (1.0 + 1e-12)
    x = float(best[0]) / mttf_s
    assert math.log1p(-x) + x + blocking_s / mttf_s == pytest.approx(0.0, abs=1e-6)


@given(st.floats(1e5, 1e7))
def test_young_holds_where_checkpoints_are_short(mttf_s: float) -> None:
    assert optimum_s(1.0, mttf_s)[0] == pytest.approx(young_s(1.0, mttf_s)[0], rel=0.005)

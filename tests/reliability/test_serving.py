"""Serving replicas: closed forms, and a chain played event by event."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.reliability.rates import Rates
from accord.reliability.serving import availability

HOUR, DAY = 3600.0, 86400.0


def test_one_instance_without_spares() -> None:
    """Up 1 / (1 + r repair): the restart comes after the repair, and is the other share."""
    rates = Rates(1.0 / (100.0 * HOUR))
    found = availability(rates, 1, 1, 0, 25.0 * HOUR, 0.0)
    assert found.instance[0] == pytest.approx(0.8)
    assert found.mtbf_s[0] == pytest.approx(100.0 * HOUR)


def test_independent_restarts_are_binomial() -> None:
    rates = Rates(1.0 / (99.0 * HOUR))
    found = availability(rates, 1, 4, 0, 0.0, HOUR)
    assert found.instance[0] == pytest.approx(0.99)
    assert found.at_least_up(4)[0] == pytest.approx(0.99**4)
    assert found.at_least_up(3)[0] == pytest.approx(0.99**4 + 4 * 0.99**3 * 0.01)
    assert found.at_least_up(5)[0] == 0.0
    assert found.at_least_up(0)[0] == pytest.approx(1.0)


def played(
    rates: Rates, chips: float, instances: int, spares: int, repair_s: float, restart_s: float
) -> tuple[float, float]:
    """Time mean of instances up, and the share of the time that all are: one long chain of exponential times."""
    draw = np.random.default_rng(11)
    node, other = rates.node_s(chips)[0], rates.elsewhere_s(chips)[0] + rates.job_per_s
    up, restarting, repairing, total, weighted, full = instances, 0, 0, 0.0, 0.0, 0.0
    for _ in range(60_000):
        speeds = np.asarray([up * node, up * other, restarting / restart_s, repairing / repair_s])
        step = draw.exponential(1.0 / speeds.sum())
        total, weighted, full = total + step, weighted + step * up, full + step * (up == instances)
        event = int(np.searchsorted(np.cumsum(speeds), draw.random() * speeds.sum()))
        if event == 0:
            waiting = max(repairing - spares, 0)
            up, repairing = up - 1, repairing + 1
            restarting += max(repairing - spares, 0) == waiting
        elif event == 1:
            up, restarting = up - 1, restarting + 1
        elif event == 2:
            up, restarting = up + 1, restarting - 1
        else:
            waiting = max(repairing - spares, 0)
            repairing -= 1
            restarting += waiting > 0
    return weighted / total, full / total


@pytest.mark.parametrize("spares", [0, 1, 3])
def test_the_chain(spares: int) -> None:
    rates = Rates(node_per_chip_s=1.0 / (3000.0 * HOUR), elsewhere=0.5)
    found = availability(rates, 64, 10, spares, 8.0 * HOUR, 0.5 * HOUR)
    up, full = played(rates, 64, 10, spares, 8.0 * HOUR, 0.5 * HOUR)
    assert found.up[0] == pytest.approx(up, rel=0.015)
    assert found.at_least_up(10)[0] == pytest.approx(full, abs=0.03)


@given(st.integers(1, 60), st.integers(0, 10), st.floats(0.0, 100.0), st.floats(0.0, 5.0))
def test_more_spares_never_fewer_up(instances: int, spares: int, repair_h: float, restart_h: float) -> None:
    rates = Rates(np.asarray([1e-9, 1e-7]), elsewhere=0.5)
    less = availability(rates, 16, instances, spares, repair_h * HOUR, restart_h * HOUR)
    more = availability(rates, 16, instances, spares + 1, repair_h * HOUR, restart_h * HOUR)
    assert np.all(more.up >= less.up * (1.0 - 1e-9))
    assert np.all(np.diff(less.at_least, axis=1) <= 1e-9)
    assert np.all((less.instance >= 0.0) & (less.instance <= 1.0 + 1e-9))


def test_no_instance() -> None:
    with pytest.raises(UsageError, match="instances is 0"):
        availability(Rates(1e-9), 8, 0, 0, 0.0, 0.0)

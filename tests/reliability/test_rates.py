"""Rates of interruptions: growth with a job, lemons, draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.reliability.rates import COMPONENTS, Rates, draw

DAY = 86400.0
RATES = Rates(
    node_per_chip_s=5e-4 / DAY, elsewhere=0.6, growth=0.04, job_per_s=1.0 / (365.0 * DAY), lemons=0.0133,
    lemon_events=0.73,
)  # fmt: skip


def test_a_known_rate() -> None:
    rates = Rates(node_per_chip_s=4.735876e-4 / DAY)
    assert rates.total_s(16384)[0] * 54.0 * DAY == pytest.approx(419.0, rel=1e-5)
    assert rates.mttf_s(16384)[0] / 3600.0 == pytest.approx(3.093, rel=1e-3)


@given(st.floats(1.0, 2e5), st.floats(1.001, 8.0))
def test_more_chips_never_fewer_interruptions(chips: float, factor: float) -> None:
    assert RATES.total_s(chips * factor)[0] >= RATES.total_s(chips)[0]


@given(st.floats(2048.0, 1e5))
def test_large_jobs_are_interrupted_more_than_in_proportion(chips: float) -> None:
    assert RATES.total_s(2.0 * chips)[0] > 2.0 * (RATES.total_s(chips)[0] - RATES.job_per_s)


@given(st.floats(1.0, 2e5))
def test_components_sum_to_the_whole(chips: float) -> None:
    parts = RATES.by_component(chips)
    assert tuple(parts) == COMPONENTS
    assert np.sum(list(parts.values())) == pytest.approx(RATES.total_s(chips)[0], rel=1e-12)


def test_lemons_leave_the_rate_of_the_others() -> None:
    fall, speed_s = RATES.decay()
    rest = 1.0 - fall[0]
    lemon, other = 0.73 / 0.0133, 0.27 / 0.9867
    assert other < rest < 1.05 * other  # those that come in are lemons at times, but do not stay
    node = 8.0 * 5e-4 / DAY
    assert speed_s[0] == pytest.approx(node * (lemon * 0.9867 + other * 0.0133))
    none = Rates(node_per_chip_s=1e-9).decay()
    assert none[0][0] == 0.0


def test_chance_of_lemons() -> None:
    generator = np.random.default_rng(5)
    drawn = RATES.frailty(1024.0, 4000, generator)[0]
    assert drawn.mean() == pytest.approx(1.0, abs=0.06)
    assert drawn.var() == pytest.approx(RATES.frailty_variance(1024.0)[0], rel=0.1)
    assert RATES.frailty_variance(16384.0)[0] < RATES.frailty_variance(8.0)[0]


def test_draws_keep_the_median_and_the_spread() -> None:
    values = {"node_per_chip_s": 1e-8, "accelerator_share": 0.8, "elsewhere": 0.6}
    drawn = draw(values, {"accelerator_share": 0.3, "elsewhere": 0.5}, 512, scatter=0.7)
    logs = np.log(np.asarray(drawn.node_per_chip_s))
    assert np.median(logs) == pytest.approx(np.log(1e-8), abs=0.01)
    assert logs.std() == pytest.approx(0.7, rel=0.01)
    assert np.max(drawn.accelerator_share) <= 1.0
    assert drawn.log_sd == pytest.approx(0.7)
    assert draw(values, {}, 0).total_s(8)[0] == Rates(**values).total_s(8)[0]


def test_an_unknown_constant() -> None:
    with pytest.raises(UsageError, match="'mtbf' is no constant of rates"):
        draw({"mtbf": 1.0}, {}, 0)

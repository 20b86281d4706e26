"""Runs played at random against the closed form, and how quick they are."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from accord.base.errors import DoesNotFit, UsageError
from accord.reliability.monte_carlo import simulate
from accord.reliability.rates import Rates, draw
from accord.reliability.run import ON_LOSS, Plan, expected

DAY = 86400.0
RATES = Rates(node_per_chip_s=4.735876e-4 / DAY)
PLAN = Plan(
    chips=16384, domain_chips=8, productive_s=54.0 * DAY, checkpoint_bytes=5.7e12, checkpoint_bytes_per_s=5e11,
    blocking_s=4.0, detection_s=300.0, restart_s=300.0, spares_chips=320, repair_s=DAY,
)  # fmt: skip


def some(seed: int) -> tuple[Rates, Plan]:
    """A plan and rates at random: 256 to 32,768 chips, all ways to lose and to write, lemons, slow chips, windows."""
    draws = np.random.default_rng(seed)
    chips = float(2 ** draws.integers(8, 16))
    rates = Rates(
        node_per_chip_s=float(draws.uniform(2e-4, 8e-4)) / DAY, elsewhere=float(draws.uniform(0.0, 1.0)), growth=0.04,
        job_per_s=1.0 / (200.0 * DAY), lemons=0.0133, lemon_events=float(draws.uniform(0.1, 0.73)),
        slow_per_chip_s=float(draws.choice((0.0, 3e-9))), slow_s=3600.0, slowdown=0.1,
    )  # fmt: skip
    domain = float(draws.choice((8.0, 16.0, 64.0)))
    out = float(rates.node_s(chips)[0]) * DAY
    plan = Plan(
        chips=chips, domain_chips=domain, productive_s=60.0 * DAY, checkpoint_bytes=chips * 4e8,
        checkpoint_bytes_per_s=chips * float(draws.uniform(2e7, 2e8)),
        blocking_s=None if draws.random() < 0.5 else float(draws.uniform(0.0, 2.0)),
        detection_s=float(draws.uniform(0.0, 300.0)), restart_s=float(draws.uniform(60.0, 600.0)),
        spares_chips=domain * float(np.ceil(out + draws.uniform(0.5, 3.0) * np.sqrt(out))), repair_s=DAY,
        on_loss=ON_LOSS[int(draws.integers(3))], exchange=bool(draws.random() < 0.5),
        maintenance_every_s=7.0 * DAY, maintenance_s=float(draws.choice((0.0, 3600.0))),
    )  # fmt: skip
    return rates, plan


@pytest.mark.parametrize("seed", range(12))
def test_the_closed_form(seed: int) -> None:
    rates, plan = some(seed)
    found, played = expected(rates, plan), simulate(rates, plan, 800, seed)
    assert played.effective.mean() == pytest.approx(found.effective[0], rel=0.005)
    spread = played.interruptions.std() / np.sqrt(800.0)
    assert played.interruptions.mean() == pytest.approx(found.interruptions[0], rel=0.02, abs=4.0 * spread)


@pytest.mark.parametrize("exchange", [False, True])
def test_quantiles_of_counts(exchange: bool) -> None:
    rates, plan = replace(RATES, lemons=0.0133, lemon_events=0.73), replace(PLAN, exchange=exchange)
    found, played = expected(rates, plan), simulate(rates, plan, 2000, 1)
    sd = np.sqrt(found.count_variance[0])
    low, high = np.quantile(played.interruptions, (0.05, 0.95))
    assert low == pytest.approx(found.interruptions[0] - 1.645 * sd, rel=0.04)
    assert high == pytest.approx(found.interruptions[0] + 1.645 * sd, rel=0.04)


def test_quantiles_over_draws() -> None:
    rates = draw({"node_per_chip_s": 4e-9, "elsewhere": 0.4}, {"elsewhere": 0.5}, 128, scatter=0.5)
    found, played = expected(rates, PLAN), simulate(rates, PLAN, 1280, 2)
    for level in (0.5, 0.9):
        assert played.band("effective", level) == pytest.approx(found.band("effective", level), rel=0.01)
        assert played.band("interruptions", level) == pytest.approx(found.band("interruptions", level), rel=0.06)


def test_a_seed_is_a_run() -> None:
    first, again, other = (simulate(RATES, PLAN, 50, seed) for seed in (7, 7, 8))
    assert np.array_equal(first.elapsed_s, again.elapsed_s)
    assert not np.array_equal(first.elapsed_s, other.elapsed_s)


def test_ten_thousand_runs_are_quick() -> None:
    start = time.process_time()
    played = simulate(RATES, replace(PLAN, productive_s=60.0 * DAY), 10_000, 3)
    assert played.interruptions.mean() > 480.0
    assert time.process_time() - start < 2.0


def test_waiting_is_what_spares_are_for() -> None:
    bare = simulate(RATES, replace(PLAN, spares_chips=40.0), 200, 4)
    assert bare.waiting_s.mean() > 0.0
    assert bare.effective.mean() < simulate(RATES, PLAN, 200, 4).effective.mean()


def test_jobs_that_do_not_get_on() -> None:
    with pytest.raises(DoesNotFit, match="hardly get on"):
        simulate(RATES, replace(PLAN, chips=3e7), 10, 1)
    with pytest.raises(UsageError, match="0 runs"):
        simulate(RATES, PLAN, 0, 1)

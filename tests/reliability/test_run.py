"""A long job: parts that sum, what may only help or hurt, and plans that make no sense."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.base.errors import AccordError, DoesNotFit, UsageError
from accord.reliability.rates import Rates, draw
from accord.reliability.run import LOST, ON_LOSS, OnLoss, Plan, expected

DAY = 86400.0
RATES = Rates(node_per_chip_s=4.7e-4 / DAY, elsewhere=0.3, growth=0.04, job_per_s=1.0 / (365.0 * DAY))
PLAN = Plan(
    chips=16384, domain_chips=8, productive_s=54.0 * DAY, checkpoint_bytes=5.7e12, checkpoint_bytes_per_s=2e12,
    detection_s=300.0, restart_s=300.0, spares_chips=320, repair_s=2.0 * DAY,
)  # fmt: skip

PLANS = st.builds(
    Plan,
    chips=st.sampled_from((256.0, 4096.0, 16384.0)), domain_chips=st.sampled_from((1.0, 8.0, 64.0)),
    productive_s=st.floats(10.0, 90.0).map(lambda days: days * DAY), checkpoint_bytes=st.floats(1e11, 1e13),
    checkpoint_bytes_per_s=st.floats(1e10, 1e12), blocking_s=st.none() | st.floats(0.5, 60.0),
    detection_s=st.floats(0.0, 900.0), restart_s=st.floats(0.0, 3600.0), spares_chips=st.floats(0.0, 512.0),
    repair_s=st.floats(0.0, 4.0 * DAY), on_loss=st.sampled_from(ON_LOSS), exchange=st.booleans(),
    maintenance_every_s=st.sampled_from((math.inf, 7.0 * DAY)), maintenance_s=st.floats(0.0, 7200.0),
)  # fmt: skip


def test_dalys_run() -> None:
    """Ts/t M exp(R/M) (exp((t + d)/M) - 1) with no waiting, all of the write blocking."""
    plan = replace(PLAN, repair_s=0.0, interval_s=1800.0)
    m, d = RATES.mttf_s(16384)[0], plan.write_s
    wanted = plan.productive_s / 1800.0 * m * math.exp(600.0 / m) * (math.exp((1800.0 + d) / m) - 1.0)
    assert expected(RATES, plan).elapsed_s[0] == pytest.approx(wanted, rel=1e-9)


def test_no_interruptions_take_no_longer() -> None:
    found = expected(Rates(0.0), replace(PLAN, interval_s=3600.0))
    assert found.elapsed_s[0] == pytest.approx(PLAN.productive_s * (3600.0 + PLAN.write_s) / 3600.0, rel=1e-9)
    assert found.interruptions[0] == 0.0
    assert expected(Rates(0.0), PLAN).effective[0] == pytest.approx(1.0, abs=1e-5)


@settings(max_examples=50)
@given(PLANS)
def test_parts_sum(plan: Plan) -> None:
    rates = replace(RATES, lemons=0.0133, lemon_events=0.73, slow_per_chip_s=1e-8, slow_s=1e3, slowdown=0.1)
    found = expected(rates, plan)
    assert tuple(found.lost_s) == LOST
    total = found.productive_s + np.sum(list(found.lost_s.values()))
    assert total == pytest.approx(found.elapsed_s[0], rel=1e-6)
    assert all(part[0] >= -1e-6 * found.elapsed_s[0] for part in found.lost_s.values())
    assert np.sum(list(found.by_component.values())) == pytest.approx(found.interruptions[0], rel=1e-9)
    assert 0.0 < found.effective[0] <= 1.0


@given(PLANS, st.floats(1.1, 4.0))
def test_more_chips_never_fewer_interruptions(plan: Plan, factor: float) -> None:
    bigger = replace(plan, chips=plan.chips * factor, repair_s=0.0)
    assert expected(RATES, bigger).interruptions[0] >= expected(RATES, replace(plan, repair_s=0.0)).interruptions[0]


@given(PLANS, st.floats(1.0, 3600.0))
def test_longer_restarts_never_help(plan: Plan, more_s: float) -> None:
    longer = replace(plan, restart_s=plan.restart_s + more_s)
    assert expected(RATES, longer).effective[0] <= expected(RATES, plan).effective[0] * (1.0 + 1e-9)


@given(PLANS, st.floats(1.0, 512.0))
def test_spares_never_hurt(plan: Plan, more: float) -> None:
    richer = replace(plan, spares_chips=plan.spares_chips + more)
    assert expected(RATES, richer).effective[0] >= expected(RATES, plan).effective[0] * (1.0 - 1e-6)


@settings(max_examples=25)
@given(PLANS, st.floats(0.3, 3.0))
def test_the_chosen_interval_is_the_best(plan: Plan, factor: float) -> None:
    rates = replace(RATES, lemons=0.0133, lemon_events=0.73)
    best = expected(rates, plan)
    other = replace(plan, interval_s=np.maximum(best.interval_s * factor, plan.behind_s))
    # spares and shrinking move the run's length, and with it the rate of a falling one, by less than this
    assert expected(rates, other).effective[0] <= best.effective[0] * (1.0 + 1e-3)


def test_writes_behind_stop_the_job_for_less() -> None:
    slow = replace(PLAN, checkpoint_bytes_per_s=5e10)
    behind = expected(RATES, replace(slow, blocking_s=2.0))
    assert behind.effective[0] > expected(RATES, slow).effective[0]
    assert behind.interval_s[0] >= slow.write_s - 2.0


def test_exchange_of_lemons_helps() -> None:
    rates = replace(RATES, lemons=0.0133, lemon_events=0.73)
    kept, put_aside = expected(rates, PLAN), expected(rates, replace(PLAN, exchange=True))
    assert put_aside.interruptions[0] < 0.6 * kept.interruptions[0]
    assert put_aside.effective[0] > kept.effective[0]


@pytest.mark.parametrize(("on_loss", "domain"), [("drop-domain", 64.0), ("shrink", 64.0), ("drop-domain", 8.0)])
def test_going_on_without_spares_beats_waiting(on_loss: OnLoss, domain: float) -> None:
    bare = replace(PLAN, spares_chips=0.0, domain_chips=domain)
    waiting, going = expected(RATES, bare), expected(RATES, replace(bare, on_loss=on_loss))
    assert going.effective[0] > 2.0 * waiting.effective[0]
    assert going.lost_s["waiting_s"][0] == 0.0 < going.lost_s["shrunk_s"][0]


def test_a_domain_lost_is_its_share_of_the_job() -> None:
    """One domain of 64 in repair on the mean, of 256: the job has 63/64 of its speed ... and shrunk 1/64 less."""
    rates = Rates(node_per_chip_s=1.0 / (16384.0 * DAY))
    plan = replace(PLAN, domain_chips=64.0, spares_chips=0.0, repair_s=DAY, productive_s=4000.0 * DAY)
    dropped = expected(rates, replace(plan, on_loss="drop-domain"))
    shrunk = expected(rates, replace(plan, on_loss="shrink"))
    useful = dropped.productive_s + dropped.lost_s["shrunk_s"][0]
    assert dropped.lost_s["shrunk_s"][0] / useful == pytest.approx(64.0 / 16384.0, rel=1e-3)
    useful = shrunk.productive_s + shrunk.lost_s["shrunk_s"][0]
    assert shrunk.lost_s["shrunk_s"][0] / useful == pytest.approx((1.0 - math.exp(-1.0)) / 64.0, rel=1e-3)


def test_bands_hold_draws_and_chance() -> None:
    rates = draw({"node_per_chip_s": 5e-9, "elsewhere": 0.6}, {"elsewhere": 0.5}, 256, scatter=0.5)
    found = expected(rates, PLAN)
    middle, low, high = found.band("interruptions")
    assert low < middle < high
    assert found.band("effective")[1] > 0.0
    many = Rates(np.full(256, 5e-9))
    middle, low, high = expected(many, PLAN).band("interruptions")
    assert high - low == pytest.approx(2.0 * 1.645 * math.sqrt(middle), rel=0.05)  # Poisson alone


@pytest.mark.parametrize(
    ("change", "error", "what"),
    [
        ({"chips": 0.0}, UsageError, "chips is 0"),
        ({"restart_s": -1.0}, UsageError, "restart_s is -1"),
        ({"chips": math.nan}, UsageError, "chips is nan"),
        ({"domain_chips": 32768.0}, UsageError, "a domain of 32768 chips is more"),
        ({"on_loss": "wait"}, UsageError, "on_loss is 'wait'"),
        ({"interval_s": 0.0}, UsageError, "interval_s is 0"),
        ({"maintenance_every_s": 0.0}, UsageError, "maintenance_every_s is 0"),
        ({"interval_s": 1.0, "blocking_s": 0.5}, DoesNotFit, "a checkpoint is due each 1 s"),
    ],
)
def test_plans_that_make_no_sense(change: dict[str, object], error: type[AccordError], what: str) -> None:
    with pytest.raises(error, match=what) as caught:
        expected(RATES, replace(PLAN, **change))  # type: ignore[arg-type]
    assert caught.value.hint

"""Energy and rent by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.outcomes import FOUR, outcome, pool

from accord.base.errors import UsageError
from accord.serving.bill import cost, energy

# 10 s from first arrival to last end, 7 answer tokens; 4 chips of which 2 are busy for 12 s in all, and 8 idle ones
RUN = outcome(FOUR, pools=(pool("a", chips=2.0, instances=2, busy_s=12.0), pool("b", chips=8.0)))


def test_energy_by_hand() -> None:
    found = energy(RUN, full_w={"a": 500.0, "b": 100.0}, idle_share=0.2)
    joules = 500.0 * (24.0 + 0.2 * 16.0) + 100.0 * 0.2 * 80.0
    assert found == pytest.approx(
        {"energy_j": joules, "power_w": joules / 10, "output_token_per_j": 7 / joules, "j_per_output_token": joules / 7}
    )


def test_cost_by_hand() -> None:
    found = cost(RUN, usd_per_chip_hour=3.6)
    assert found == pytest.approx({"cost_usd": 12 * 0.01, "usd_per_output_token": 0.12 / 7})
    assert cost(RUN, usd_per_chip_hour={"a": 0.0, "b": 3.6})["cost_usd"] == pytest.approx(0.08)


def test_a_run_without_tokens_or_requests() -> None:
    failed = outcome([(0.0, 0.0, 0.0, 10.0, "failed", 0)], pools=(pool(),))
    assert energy(failed, full_w=10.0, idle_share=0.5) == {"energy_j": 50.0, "power_w": 5.0}
    assert set(cost(failed, usd_per_chip_hour=1.0)) == {"cost_usd"}
    assert energy(outcome([], pools=(pool(),)), full_w=10.0, idle_share=0.5) == {"energy_j": 0.0}
    assert cost(outcome([], pools=(pool(),)), usd_per_chip_hour=1.0) == {"cost_usd": 0.0}


@given(st.floats(0.0, 1.0), st.floats(0.0, 20.0), st.floats(1.0, 1e4))
def test_energy_lies_between_idle_and_full(idle_share: float, busy_s: float, full_w: float) -> None:
    run = outcome(FOUR, pools=(pool("a", chips=2.0, instances=2, busy_s=busy_s),))
    joules = energy(run, full_w=full_w, idle_share=idle_share)["energy_j"]
    assert 40.0 * full_w * idle_share * (1 - 1e-12) <= joules <= 40.0 * full_w * (1 + 1e-12)


def test_what_has_no_price() -> None:
    with pytest.raises(UsageError, match="pool 'b' has no power\nhint: given are: a"):
        energy(RUN, full_w={"a": 1.0}, idle_share=0.5)
    with pytest.raises(UsageError, match="price of pool 'a' is -1"):
        cost(RUN, usd_per_chip_hour=-1.0)
    with pytest.raises(UsageError, match="idle share of the power is 30"):
        energy(RUN, full_w=1.0, idle_share=30.0)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.power.energy import at_meter_w, duty, kwh_per_year, usd_per_hour_of_power

shares = st.floats(min_value=0.0, max_value=1.0)


def test_with_a_pen() -> None:
    assert duty(0.5, 0.3) == pytest.approx(0.65)
    assert at_meter_w(1000.0, 1.25) == 1250.0
    assert kwh_per_year(1000.0) == 8760.0
    assert kwh_per_year(1000.0, pue=1.5, load=0.5, idle_share=0.5) == pytest.approx(8760.0 * 1.5 * 0.75)
    assert usd_per_hour_of_power(2000.0, 0.05) == pytest.approx(0.1)


@given(shares, shares, shares)
def test_more_load_never_draws_less(low: float, high: float, idle: float) -> None:
    low, high = sorted((low, high))
    assert duty(high, idle) >= duty(low, idle) * (1.0 - 1e-12)


def test_out_of_range() -> None:
    with pytest.raises(UsageError, match="the load is 1.5"):
        duty(1.5, 0.3)
    with pytest.raises(UsageError, match="power usage effectiveness is 0.9"):
        at_meter_w(1.0, 0.9)
    with pytest.raises(UsageError, match="may not be negative"):
        at_meter_w(-1.0, 1.0)
    with pytest.raises(UsageError, match="power and tariff"):
        usd_per_hour_of_power(1.0, -0.1)

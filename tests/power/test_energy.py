from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.power.carbon import kgco2_per_million_tokens, tco2_per_year
from accord.power.energy import at_meter_w, duty, j_per_token, kwh_per_year, usd_per_hour_of_power

watts = st.floats(min_value=0.0, max_value=1e9)
shares = st.floats(min_value=0.0, max_value=1.0)
pues = st.floats(min_value=1.0, max_value=3.0)


def test_with_a_pen() -> None:
    assert duty(0.5, 0.3) == pytest.approx(0.65)
    assert at_meter_w(1000.0, 1.25) == 1250.0
    assert kwh_per_year(1000.0) == 8760.0
    assert kwh_per_year(1000.0, pue=1.5, load=0.5, idle_share=0.5) == pytest.approx(8760.0 * 1.5 * 0.75)
    assert j_per_token(1000.0, 500.0) == 2.0
    assert j_per_token(1000.0, 500.0, pue=1.5, load=0.5, idle_share=0.2) == pytest.approx(2.0 * 1.5 * 0.6 / 0.5)
    assert usd_per_hour_of_power(2000.0, 0.05) == pytest.approx(0.1)
    assert kgco2_per_million_tokens(3600.0, 1.0, 0.5) == pytest.approx(500.0)  # 3.6 kJ a token are 1 Wh
    assert tco2_per_year(1000.0, 0.5) == pytest.approx(4.38)


@given(watts, pues, shares, shares)
def test_a_year_of_tokens_takes_a_years_energy(power_w: float, pue: float, load: float, idle: float) -> None:
    tokens_per_s = 1e5
    if load < 1e-3:
        return
    each_j = j_per_token(power_w, tokens_per_s, pue=pue, load=load, idle_share=idle)
    year_kwh = kwh_per_year(power_w, pue=pue, load=load, idle_share=idle)
    assert each_j * tokens_per_s * load * 8760.0 * 3600.0 / 3.6e6 == pytest.approx(year_kwh)


@given(shares, shares, shares)
def test_more_load_never_draws_less_and_never_costs_a_token_more(low: float, high: float, idle: float) -> None:
    low, high = sorted((low, high))
    assert duty(high, idle) >= duty(low, idle) * (1.0 - 1e-12)
    if low > 1e-3:
        each = [j_per_token(1e3, 1e2, load=load, idle_share=idle) for load in (low, high)]
        assert each[1] <= each[0] * (1.0 + 1e-9)


def test_out_of_range() -> None:
    with pytest.raises(UsageError, match="the load is 1.5"):
        duty(1.5, 0.3)
    with pytest.raises(UsageError, match="power usage effectiveness is 0.9"):
        at_meter_w(1.0, 0.9)
    with pytest.raises(UsageError, match="may not be negative"):
        at_meter_w(-1.0, 1.0)
    with pytest.raises(UsageError, match="no token is made"):
        j_per_token(1.0, 0.0)
    with pytest.raises(UsageError, match="power and tariff"):
        usd_per_hour_of_power(1.0, -0.1)
    with pytest.raises(UsageError, match="carbon intensity"):
        tco2_per_year(1.0, -0.5)

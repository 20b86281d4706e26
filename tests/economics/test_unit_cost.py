from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.economics.unit_cost import breakeven_tariff_ratio, energy_usd_per_year, usd_per_million_tokens


def test_energy_of_a_year() -> None:
    assert energy_usd_per_year(1000.0, 0.1) == pytest.approx(876.0)
    assert energy_usd_per_year(1000.0, 0.1, pue=1.5, load=0.5) == pytest.approx(657.0)


def test_cost_of_a_million_tokens() -> None:
    found = usd_per_million_tokens(1000.0, capex_usd_per_year=31536.0, energy_usd_per_year=0.0)
    assert found == pytest.approx(1.0)  # 3.1536e10 tokens a year
    half = usd_per_million_tokens(1000.0, capex_usd_per_year=31536.0, energy_usd_per_year=0.0, utilisation=0.5)
    assert half == pytest.approx(2.0)


@given(
    st.floats(min_value=1.0, max_value=1e7),
    st.floats(min_value=0.0, max_value=1e9),
    st.floats(min_value=0.0, max_value=1e9),
)
def test_twice_the_cost_and_twice_the_tokens(rate: float, capex: float, energy: float) -> None:
    once = usd_per_million_tokens(rate, capex_usd_per_year=capex, energy_usd_per_year=energy)
    dear = usd_per_million_tokens(rate, capex_usd_per_year=2 * capex, energy_usd_per_year=2 * energy)
    fast = usd_per_million_tokens(2 * rate, capex_usd_per_year=capex, energy_usd_per_year=energy)
    assert dear == pytest.approx(2 * once)
    assert fast == pytest.approx(once / 2)


def test_break_even_tariff() -> None:
    assert breakeven_tariff_ratio(0.5, 1.25) == pytest.approx(0.4)


def test_numbers_out_of_range() -> None:
    with pytest.raises(UsageError, match="effectiveness"):
        energy_usd_per_year(1.0, 0.1, pue=0.9)
    with pytest.raises(UsageError, match="load"):
        energy_usd_per_year(1.0, 0.1, load=1.1)
    with pytest.raises(UsageError):
        energy_usd_per_year(-1.0, 0.1)
    with pytest.raises(UsageError, match="no token"):
        usd_per_million_tokens(0.0, capex_usd_per_year=1.0, energy_usd_per_year=1.0)
    with pytest.raises(UsageError):
        usd_per_million_tokens(1.0, capex_usd_per_year=-1.0, energy_usd_per_year=1.0)
    with pytest.raises(UsageError):
        breakeven_tariff_ratio(0.0, 1.0)

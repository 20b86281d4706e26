from __future__ import annotations

import pytest

from accord.base.errors import UsageError
from accord.economics.unit_cost import breakeven_tariff_ratio, energy_usd_per_year


def test_energy_of_a_year() -> None:
    assert energy_usd_per_year(1000.0, 0.1) == pytest.approx(876.0)
    assert energy_usd_per_year(1000.0, 0.1, pue=1.5, load=0.5) == pytest.approx(657.0)


def test_break_even_tariff() -> None:
    assert breakeven_tariff_ratio(0.5, 1.25) == pytest.approx(0.4)


def test_numbers_out_of_range() -> None:
    with pytest.raises(UsageError, match="effectiveness"):
        energy_usd_per_year(1.0, 0.1, pue=0.9)
    with pytest.raises(UsageError, match="load"):
        energy_usd_per_year(1.0, 0.1, load=1.1)
    with pytest.raises(UsageError):
        energy_usd_per_year(-1.0, 0.1)
    with pytest.raises(UsageError):
        breakeven_tariff_ratio(0.0, 1.0)

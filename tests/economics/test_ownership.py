from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.economics.breakeven import breakeven_hours, breakeven_use
from accord.economics.ownership import Energy, Hourly, Yearly, building_usd_per_hour, owned
from accord.economics.sensitivity import swings
from accord.economics.sums import stated
from accord.economics.unit_cost import (
    chip_hours,
    energy_usd_per_year,
    training_run_usd,
    usd_per_million_at,
)
from accord.uncertainty.figure import Figure

money = st.floats(min_value=1.0, max_value=1e9)
shares = st.floats(min_value=0.0, max_value=1.0)
tariffs = st.floats(min_value=0.0, max_value=1.0)


def fact(value: float, unit: str, *others: float) -> Figure:
    return Figure(value=value, unit=unit, basis="estimate", points=(value, *others), sources=("prices/p:S",))


def cost(
    capex: float, power: float = 1000.0, tariff: float = 0.05, pue: float = 1.2, building: float | None = None,
    load: float = 1.0, spread: float = 1.5,
) -> Hourly:  # fmt: skip
    yearly = Yearly(
        fact(4.0, "1", 3.0, 5.0), stated(0.08, "1", "interest"), stated(0.1, "1", "residual"), fact(0.05, "1", 0.02)
    )
    energy = Energy(fact(power, "W"), fact(tariff, "USD/kWh", tariff / 2.0), stated(pue, "1", "pue"), load, 0.3)
    return owned(fact(capex, "USD", capex * spread), yearly, energy, building)


@given(money, money, tariffs, st.sampled_from([None, 0.0, 150.0]))
def test_parts_sum(capex: float, power: float, tariff: float, building: float | None) -> None:
    found = cost(capex, power, tariff, building=building)
    assert sum(part.value for part in found.parts.values()) == pytest.approx(found.total.value)
    assert ("building" in found.parts) == (building is not None)
    low, high = min(found.total.points), max(found.total.points)
    assert low <= found.total.value * (1.0 + 1e-9)
    assert high >= found.total.value * (1.0 - 1e-9)


@given(money)
def test_twice_the_price_is_twice_the_capital_and_the_same_energy(capex: float) -> None:
    one, two = cost(capex).parts, cost(2.0 * capex).parts
    for name in ("capital", "maintenance"):
        assert two[name].value == pytest.approx(2.0 * one[name].value)
        assert two[name].band() == pytest.approx([2.0 * end for end in one[name].band()])
    assert two["energy"] == one["energy"]


def test_with_a_pen() -> None:
    parts = cost(8760.0, tariff=0.05, pue=1.2, building=100.0, load=0.5).parts
    growth = 1.08**4
    assert parts["capital"].value == pytest.approx((1 - 0.1 / growth) * 0.08 / (1 - 1 / growth))
    assert parts["maintenance"].value == pytest.approx(0.05)
    assert parts["energy"].value == pytest.approx(1.0 * 0.05 * 1.2 * 0.65)
    assert parts["building"].value == pytest.approx(100.0 * 12 / 8760)
    with pytest.raises(UsageError, match="may not be negative"):
        building_usd_per_hour(-1.0, 1.0)


@given(money, tariffs, shares)
def test_energy_of_a_year_is_that_of_its_hours(power: float, tariff: float, load: float) -> None:
    found = cost(1.0, power, tariff).parts["energy"].value
    assert found * 8760.0 == pytest.approx(energy_usd_per_year(power, tariff, pue=1.2))
    assert energy_usd_per_year(power, tariff, load=load) <= energy_usd_per_year(power, tariff) * (1.0 + 1e-9)


# Tokens and training runs


@given(st.floats(min_value=0.01, max_value=1e4), st.floats(min_value=1.0, max_value=1e7), st.floats(0.01, 1.0))
def test_tokens_cost_what_their_hours_cost(hour: float, rate: float, load: float) -> None:
    millions_a_year = rate * load * 8760.0 * 3600.0 / 1e6
    assert usd_per_million_at(hour, rate, load) == pytest.approx(hour * 8760.0 / millions_a_year)


def test_a_token_that_is_not_made_has_no_cost() -> None:
    with pytest.raises(UsageError, match="no token is made"):
        usd_per_million_at(1.0, 0.0)
    with pytest.raises(UsageError, match="hourly cost"):
        usd_per_million_at(-1.0, 1.0)


def test_the_published_run_of_deepseek_v3() -> None:
    """arXiv 2412.19437, table 1: 2.788 million H800 hours at 2 USD an hour are 5.576 million USD."""
    assert training_run_usd(2.788e6, 2.0) == pytest.approx(5.576e6)


@given(st.floats(min_value=1.0, max_value=1e5))
def test_more_chips_are_faster_and_take_the_same_chip_hours(chips: float) -> None:
    assert chip_hours(1e24, chips, 1e15, 0.4) == pytest.approx(1e24 / 1e15 / 0.4 / 3600.0)
    with pytest.raises(UsageError):
        chip_hours(1e24, 0.0, 1e15, 0.4)
    with pytest.raises(UsageError):
        training_run_usd(-1.0, 2.0)


# Buying against renting


@given(money, st.floats(0.0, 10.0), st.floats(0.0, 20.0))
def test_at_break_even_both_have_paid_the_same(capex: float, running: float, rent: float) -> None:
    hours = breakeven_hours(capex, running, rent)
    if math.isinf(hours):
        assert rent <= running
    else:
        assert capex + running * hours == pytest.approx(rent * hours)


@given(money, st.floats(1.0, 10.0), st.floats(0.0, 1.0), st.floats(0.0, 0.3), st.floats(1.5, 20.0))
def test_above_break_even_use_owning_is_cheaper(
    capex: float, life: float, running: float, interest: float, rent: float
) -> None:
    use = breakeven_use(
        capex, life_years=life, running_usd_per_hour=running, rent_usd_per_hour=rent, interest_per_year=interest
    )
    one = breakeven_use(
        2.0 * capex, life_years=life, running_usd_per_hour=running, rent_usd_per_hour=rent, interest_per_year=interest
    )
    assert one == pytest.approx(2.0 * use)
    assert breakeven_use(capex, life_years=life, running_usd_per_hour=running, rent_usd_per_hour=2 * rent) < use + 1e-12


def test_a_free_machine_pays_at_once_and_a_dear_one_never() -> None:
    assert breakeven_hours(0.0, 1.0, 1.0) == 0.0
    assert breakeven_hours(1.0, 2.0, 1.0) == math.inf
    with pytest.raises(UsageError):
        breakeven_hours(-1.0, 0.0, 1.0)


def test_the_published_break_even_of_an_h100_node() -> None:
    """prices/tco-h100-node: 300 to 350 k USD, 150 to 250 USD/kW/month, rents of 3 to 4.5 USD give 14 to 18 months."""
    power_w, tariff, building = 10.2e3, 0.09, 200.0
    running = (power_w / 1e3 * tariff + building_usd_per_hour(power_w, building)) / 8.0
    months = breakeven_hours(325e3 / 8.0, running, 3.75) / 730.0
    assert 14.0 < months < 18.0


# What an answer depends on


def test_swings_are_sorted_and_pure() -> None:
    base = {"a": 1.0, "b": 2.0, "c": 3.0}
    found = swings(lambda x: x["a"] + 10.0 * x["b"], base, {"a": (0.0, 2.0), "b": (1.0, 3.0), "c": (0.0, 9.0)})
    assert [(one.name, one.at_low, one.at_high, one.base) for one in found] == [
        ("b", 11.0, 31.0, 21.0), ("a", 20.0, 22.0, 21.0), ("c", 21.0, 21.0, 21.0),
    ]  # fmt: skip
    assert [one.size for one in found] == [20.0, 2.0, 0.0]
    assert base == {"a": 1.0, "b": 2.0, "c": 3.0}
    with pytest.raises(UsageError, match="has a range and no base"):
        swings(lambda x: 0.0, base, {"d": (0.0, 1.0)})
    with pytest.raises(UsageError, match="is 2 to 1"):
        swings(lambda x: 0.0, base, {"a": (2.0, 1.0)})

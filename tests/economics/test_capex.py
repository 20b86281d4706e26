from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.catalog.price import Price
from accord.catalog.system import System
from accord.catalog.value import Value
from accord.economics.capex import system_price, usd_per_year

money = st.floats(min_value=0.0, max_value=1e10)
years = st.floats(min_value=0.5, max_value=20.0)


def value(number: float, unit: str = "USD") -> Value:
    return Value(number=number, unit=unit, basis="estimate", source="S1")


def system(price: Value | None = None, **facts: Value) -> System:
    return System(id="s", name="s", vendor="v", kind="node", price=price, facts=facts, sources={})


def entry(system: str, **facts: Value) -> Price:
    return Price(id="p", kind="capex", system=system, facts=facts, sources={})


def test_a_price_comes_before_capital_cost_and_entries() -> None:
    others = [entry("s", price=value(3.0))]
    assert getattr(system_price(system(value(1.0), capex=value(2.0)), others), "value", None) == 1.0
    assert getattr(system_price(system(capex=value(2.0)), others), "value", None) == 2.0
    found = system_price(system(), others)
    assert found is not None
    assert (found.value, found.sources) == (3.0, ("prices/p:S1",))


def test_no_price_is_made_up() -> None:
    assert system_price(system()) is None
    assert system_price(system(), [entry("another", price=value(3.0))]) is None
    assert system_price(system(), [entry("s", price=value(3.0, "CNY"), rent=value(1.0))]) is None


def test_straight_line_and_annuity() -> None:
    assert usd_per_year(400.0, life_years=4.0) == 100.0
    assert usd_per_year(400.0, life_years=4.0, residual_share=0.25) == 75.0
    assert usd_per_year(1000.0, life_years=1.0, interest_per_year=0.1) == pytest.approx(1100.0)
    assert usd_per_year(1000.0, life_years=1.0, residual_share=1.0, interest_per_year=0.1) == pytest.approx(100.0)


@given(money, years, st.floats(min_value=0.0, max_value=1.0))
def test_interest_only_adds(price: float, life: float, residual: float) -> None:
    plain = usd_per_year(price, life_years=life, residual_share=residual)
    dear = usd_per_year(price, life_years=life, residual_share=residual, interest_per_year=0.05)
    assert dear >= plain * (1.0 - 1e-9)


@given(money, years)
def test_twice_the_price_is_twice_the_cost(price: float, life: float) -> None:
    assert usd_per_year(2.0 * price, life_years=life) == pytest.approx(2.0 * usd_per_year(price, life_years=life))


@pytest.mark.parametrize(
    ("price", "life", "residual", "interest"),
    [(1.0, 0.0, 0.0, 0.0), (-1.0, 1.0, 0.0, 0.0), (1.0, 1.0, 1.5, 0.0), (1.0, 1.0, 0.0, -0.1)],
)
def test_numbers_out_of_range(price: float, life: float, residual: float, interest: float) -> None:
    with pytest.raises(UsageError):
        usd_per_year(price, life_years=life, residual_share=residual, interest_per_year=interest)

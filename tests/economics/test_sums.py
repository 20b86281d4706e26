from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.economics.money import in_usd
from accord.economics.sums import MOST, condensed, mapped, plus, product, ratio, stated
from accord.uncertainty.figure import Figure

claims = st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=1, max_size=12)


def made(points: list[float], unit: str = "USD") -> Figure:
    return Figure(value=points[0], unit=unit, basis="estimate", points=tuple(points), sources=("prices/p:S",))


@given(st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=1, max_size=500))
def test_condensed_keeps_the_ends(points: list[float]) -> None:
    few = condensed(points)
    assert len(few) <= MOST
    assert (min(few), max(few)) == (min(points), max(points))
    assert set(few) <= set(points)


@given(claims, claims)
def test_order_does_not_matter(a: list[float], b: list[float]) -> None:
    one, other = made(a), made(b)
    for rule in (plus(one, other), plus(other, one)), (product(one, other, "USD"), product(other, one, "USD")):
        assert rule[0].value == rule[1].value
        assert rule[0].band() == pytest.approx(rule[1].band())


@given(claims, claims)
def test_a_band_is_no_wider_than_its_parts_allow(a: list[float], b: list[float]) -> None:
    one, other = made(a), made(b)
    both = plus(one, other)
    assert min(both.points) == pytest.approx(min(a) + min(b))
    assert max(both.points) == pytest.approx(max(a) + max(b))
    assert mapped((one, other), lambda x, y: x + y, "USD").value == both.value
    share = ratio(one, other, "1")
    assert share is not None
    assert share.value == pytest.approx(a[0] / b[0])


def test_a_ratio_to_nothing_is_none() -> None:
    assert ratio(made([1.0]), stated(0.0, "USD", "zero"), "1") is None


def test_stated_numbers_have_no_source_and_say_so() -> None:
    one = stated(4.0, "1", "life")
    assert (one.points, one.sources, one.remarks) == ((4.0,), (), ("life: stated by the user",))
    assert not plus(one, one).disputed


def test_money_changes_currency_and_keeps_what_it_is_for() -> None:
    rates = {"CNY": made([7.2, 7.3], "1")}
    found = in_usd(made([0.36], "CNY/kWh"), rates)
    assert found is not None
    assert found.unit == "USD/kWh"
    assert found.value == pytest.approx(0.05)
    assert len(found.points) == 2
    assert in_usd(made([1.0], "EUR/kWh"), rates) is None
    dollars = made([1.0], "USD/h")
    assert in_usd(dollars, rates) is dollars

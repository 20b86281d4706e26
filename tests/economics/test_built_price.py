"""Prices that nobody states, and rents."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.catalog.chip import Chip
from accord.catalog.price import Price
from accord.catalog.value import Alternative, Value
from accord.economics.capex import (
    Parts,
    all_in_price,
    built_price,
    chip_price,
    observed_markup,
    server_price,
    with_network,
)
from accord.economics.rent import HOURS_PER_MONTH, commitment, rent_of
from accord.economics.sums import stated
from accord.uncertainty.figure import Figure

RATES = {"CNY": Figure(value=7.2, unit="1", basis="assumed", points=(7.2,), sources=("prices/x:S",))}


def value(
    number: float, unit: str = "USD", basis: Literal["estimate", "derived"] = "estimate", **more: object
) -> Value:
    return Value(number=number, unit=unit, basis=basis, source="S1", **more)  # type: ignore[arg-type]


def chip(**facts: Value) -> Chip:
    return Chip(id="c", name="c", vendor="v", family="other", devices_per_chip=value(1.0, "1"), facts=facts, sources={})


def entry(kind: Literal["rent", "tco", "procurement"], **facts: Value) -> Price:
    return Price(id=f"p-{kind}", kind=kind, chip="c", facts=facts, sources={})


def figure(number: float, *others: float) -> Figure:
    return Figure(value=number, unit="USD", basis="estimate", points=(number, *others), sources=("prices/p:S",))


def test_a_chips_price_in_dollars_comes_first() -> None:
    both = chip_price(chip(price_usd=value(100.0), price_cny=value(1440.0, "CNY")), RATES)
    yuan = chip_price(chip(price_cny=value(1440.0, "CNY")), RATES)
    assert both is not None
    assert yuan is not None
    assert (both.value, yuan.value) == pytest.approx((100.0, 200.0))
    assert chip_price(chip(price_cny=value(1440.0, "CNY")), {}) is None
    assert chip_price(chip(), RATES) is None


def test_a_price_divided_out_of_a_systems_is_passed_over() -> None:
    found = chip_price(chip(price_usd=value(100.0, basis="derived"), price_cny=value(720.0, "CNY")), RATES)
    assert found is not None
    assert found.value == pytest.approx(100.0)
    assert "CNY" in found.remarks[0]


def test_markup_is_the_mean_of_what_is_seen_and_spreads_over_every_claim() -> None:
    found = observed_markup([(figure(120.0, 150.0), figure(100.0)), (figure(300.0), figure(100.0, 200.0))])
    assert found is not None
    assert found.value == pytest.approx((1.2 * 3.0) ** 0.5)
    assert (min(found.points), max(found.points)) == (1.2, 3.0)
    assert observed_markup([]) is None


def test_a_purchase_of_servers_comes_before_chips_times_markup() -> None:
    markup = Figure(value=1.5, unit="1", basis="derived", points=(1.0, 1.5, 2.0), sources=("prices/m:S",))
    both = built_price(Parts(figure(200.0), figure(100.0), markup))
    alone = built_price(Parts(None, figure(100.0), markup))
    assert both is not None
    assert alone is not None
    assert (both.value, alone.value) == (200.0, 150.0)
    assert (min(both.points), max(both.points)) == (100.0, 200.0)
    for one in (both, alone):
        assert (one.basis, one.built) == ("derived", True)
        assert "nobody states a price of the system" in one.remarks[0]
    assert built_price(Parts(None, figure(100.0), None)) is None
    assert built_price(Parts(None, None, markup)) is None


@given(st.floats(1.0, 1e6), st.floats(0.0, 1.0))
def test_network_adds_its_share(price: float, share: float) -> None:
    found = with_network(figure(price), stated(share, "1", "network"))
    assert found.value == pytest.approx(price * (1.0 + share))


def test_an_all_in_claim_gets_no_network_on_top() -> None:
    found = with_network(figure(100.0, 160.0), stated(0.1, "1", "network"), figure(161.0))
    assert (min(found.points), max(found.points)) == pytest.approx((110.0, 161.0))
    assert found.value == pytest.approx(110.0)


def test_claims_by_chip() -> None:
    prices = [
        entry("procurement", price_per_chip=value(720.0, "CNY")), entry("tco", capex_all_in_per_chip=value(150.0)),
    ]  # fmt: skip
    server, all_in = server_price(prices, "c", RATES), all_in_price(prices, "c", RATES)
    assert server is not None
    assert all_in is not None
    assert (server.value, all_in.value) == pytest.approx((100.0, 150.0))
    assert server_price(prices, "other", RATES) is None


def test_rent_by_the_hour_comes_first_and_keeps_its_band() -> None:
    other = Alternative(number=3.0, unit="USD/h", basis="estimate", source="S2")
    hourly = entry("rent", rent_per_chip_hour=value(2.0, "USD/h", alternatives=(other,)))
    monthly = entry("rent", rent_per_chip_month=value(1460.0, "USD/month"))
    found = rent_of([monthly, hourly], "c", RATES)
    assert found is not None
    assert (found.value, found.points, commitment(found)) == (2.0, (2.0, 3.0), "rented by the hour")
    found = rent_of([monthly], "c", RATES)
    assert found is not None
    assert found.value == pytest.approx(1460.0 / HOURS_PER_MONTH)
    assert commitment(found) == "rented by the month"
    long = rent_of([entry("rent", rent_per_chip_hour_3_years=value(14.4, "CNY/h"))], "c", RATES)
    assert long is not None
    assert long.value == pytest.approx(2.0)
    assert commitment(long) == "rented with a commitment of three years"
    assert rent_of([entry("tco", rent_per_chip_hour=value(1.0, "USD/h"))], "c", RATES) is None

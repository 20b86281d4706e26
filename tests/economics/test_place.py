"""Which place answers for a question about electricity, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import CatalogError, UsageError
from accord.base.source import Source
from accord.catalog.place import Place
from accord.catalog.price import Price
from accord.catalog.value import Alternative, Value
from accord.economics.place import (
    USES,
    Use,
    chain_of,
    missing,
    rate_of,
    resolve_carbon,
    resolve_pue,
    resolve_tariff,
)

SOURCES = {"S1": Source(title="Example table", publisher="Example Office", date="2025")}


def fact(number: float, unit: str = "USD/kWh", date: str | None = "2024", others: tuple[float, ...] = ()) -> Value:
    kept = tuple(Alternative(number=other, unit=unit, basis="estimate", source="S1") for other in others)
    return Value(number=number, unit=unit, basis="estimate", source="S1", date=date, why="why", alternatives=kept)


def place(id: str, facts: Mapping[str, Value], within: str | None = None) -> Place:
    kind: Literal["country", "region"] = "country" if within is None else "region"
    return Place(id=id, name=id.title(), kind=kind, country="XX", within=within, facts=dict(facts), sources=SOURCES)


def chain(site: Mapping[str, Value], region: Mapping[str, Value], country: Mapping[str, Value]) -> tuple[Place, ...]:
    return place("site", site, "region"), place("region", region, "land"), place("land", country)


def test_the_nearest_place_that_states_a_price_counts() -> None:
    found = resolve_tariff(chain({}, {"electricity_business": fact(0.2)}, {"electricity_data_centre": fact(0.1)}))
    assert found is not None
    assert (found.place, found.fact, found.use, found.proxy) == ("region", "electricity_business", "business", False)
    assert (found.figure.value, found.figure.unit, found.date) == (0.2, "USD/kWh", "2024")
    assert found.figure.sources == ("places/region:S1",)
    assert found.said == "price for businesses in Region (2024); none for data centres is stated"


def test_within_a_place_data_centre_goes_before_industry_and_business() -> None:
    facts = {f"electricity_{use}": fact(0.1 + at) for at, use in enumerate(USES)}
    for use in USES[:3]:
        found = resolve_tariff([place("land", facts)])
        assert found is not None and (found.use, found.proxy) == (use, False)
        del facts[f"electricity_{use}"]
    assert resolve_tariff([place("land", facts)]) is not None


def test_households_stand_in_only_where_nobody_states_another_price() -> None:
    home = {"electricity_residential": fact(0.3)}
    far = resolve_tariff(chain(home, {}, {"electricity_industrial": fact(0.1)}))
    assert far is not None and (far.place, far.proxy) == ("land", False)
    proxy = resolve_tariff(chain({}, home, {"electricity_residential": fact(0.4)}))
    assert proxy is not None and (proxy.place, proxy.proxy, proxy.use) == ("region", True, "residential")
    assert proxy.said == "price for households in Region (2024), a proxy: no price for data centres is stated"
    asked = resolve_tariff(chain({}, home, {}), "residential")
    assert asked is not None and not asked.proxy
    assert asked.said == "price for households in Region (2024)"
    assert resolve_tariff([place("land", {"electricity_industrial": fact(0.1)})], "residential") is None


@pytest.mark.parametrize(("use", "words"), [("industrial", "industry"), ("business", "businesses")])
def test_a_use_goes_first_when_it_is_asked_for(use: Use, words: str) -> None:
    facts = {f"electricity_{one}": fact(0.1) for one in USES}
    found = resolve_tariff([place("land", facts)], use)
    assert found is not None and (found.use, found.said) == (use, f"price for {words} in Land (2024)")


def test_a_year_prefers_the_fact_of_that_year() -> None:
    facts = {"electricity_industrial": fact(0.2, date=None), "electricity_industrial_2023": fact(0.3, date="2023")}
    for year, name, value in ((2023, "electricity_industrial_2023", 0.3), (2022, "electricity_industrial", 0.2)):
        found = resolve_tariff([place("land", facts)], year=year)
        assert found is not None and (found.fact, found.figure.value) == (name, value)
    assert resolve_tariff([place("land", {"electricity_industrial_2023": fact(0.3)})]) is None


def test_text_is_no_price() -> None:
    words = Value(text="low", basis="estimate", source="S1")
    assert resolve_tariff([place("land", {"electricity_industrial": words})]) is None


def test_where_nobody_states_a_figure_there_is_none_and_words_say_so() -> None:
    empty = chain({}, {}, {"opex_discount_to_coast": fact(0.4, "1")})
    assert (resolve_tariff(empty), resolve_carbon(empty), resolve_pue(empty), resolve_tariff([])) == (None,) * 4
    assert missing(empty, "tariff") == "no source at hand states a price of electricity for Site, Region, Land"
    assert missing(empty[2:], "carbon") == "no source at hand states a carbon intensity for Land"
    assert missing([], "pue") == "no source at hand states a PUE for a place that is not given"


def test_carbon_and_pue_come_from_the_nearest_place_too() -> None:
    land = {"carbon_intensity": fact(0.58, "kgCO2e/kWh"), "pue": fact(1.8, "1")}
    places = chain({"pue": fact(1.15, "1", others=(1.1,))}, {}, land)
    carbon, pue = resolve_carbon(places), resolve_pue(places)
    assert carbon is not None and pue is not None
    assert (carbon.place, carbon.figure.value, carbon.said) == ("land", 0.58, "emissions of the grid of Land (2024)")
    assert (pue.place, pue.figure.value, sorted(pue.figure.points)) == ("site", 1.15, [1.1, 1.15])


def test_a_chain_follows_what_is_around() -> None:
    places = {one.id: one for one in chain({}, {}, {})}
    assert [one.id for one in chain_of("site", places.__getitem__)] == ["site", "region", "land"]
    places["land"] = place("land", {}, "site")
    with pytest.raises(CatalogError, match="circle: site -> region -> land -> site"):
        chain_of("site", places.__getitem__)


def test_an_unknown_use_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'datacentre' is no use of electricity\nhint: did you mean 'data_centre'"):
        resolve_tariff([], "datacentre")  # type: ignore[arg-type]


RATE = Price(
    id="exchange-eur-usd", kind="exchange", sources=SOURCES,
    facts={"eur_per_usd": fact(0.8, "1", others=(1.0,)), "eur_per_usd_2023": fact(0.5, "1", "2023"),
           "eur_per_usd_2018": fact(0.4, "1", "2018")},
)  # fmt: skip


@pytest.mark.parametrize(
    ("year", "value", "remark"),
    [
        (None, 0.8, None),
        (2023, 0.5, None),
        (2024, 0.8, "rate that is the latest, none of 2024 is stated"),
        (2021, 0.5, "rate of 2023, none of 2021 is stated"),
        (2015, 0.4, "rate of 2018, none of 2015 is stated"),
    ],
)
def test_a_rate_is_that_of_the_year_or_says_of_which(year: int | None, value: float, remark: str | None) -> None:
    rate = rate_of(RATE, "EUR", year)
    assert rate is not None and (rate.value, rate.unit) == (value, "EUR/USD")
    assert rate.remarks[1:] == ((remark,) if remark else ())


def test_an_entry_without_a_rate_of_the_currency_has_none() -> None:
    assert rate_of(RATE, "GBP") is None
    assert rate_of(RATE, "GBP", 2023) is None


@given(st.lists(st.sets(st.sampled_from(USES)), min_size=1, max_size=3), st.sampled_from(USES))
def test_a_price_is_found_exactly_where_one_is_stated(stated: list[set[Use]], use: Use) -> None:
    places = [place(f"p{at}", {f"electricity_{one}": fact(0.1) for one in uses}) for at, uses in enumerate(stated)]
    found = resolve_tariff(places, use)
    anybody = set().union(*stated)
    if not anybody or (use == "residential" and "residential" not in anybody):
        assert found is None
        return
    assert found is not None
    assert found.fact in places[int(found.place[1:])].facts
    assert found.proxy == (use != "residential" and anybody == {"residential"})
    wanted = {"residential"} if found.use == "residential" else set(USES[:3])
    assert int(found.place[1:]) == next(at for at, uses in enumerate(stated) if uses & wanted)
    assert msgspec.structs.asdict(found.figure)["unit"] == "USD/kWh"

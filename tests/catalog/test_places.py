"""What must hold for every place and every rate of exchange that is shipped."""

from __future__ import annotations

import re

import pytest

from accord.base import units
from accord.base.errors import CatalogError
from accord.catalog.load import load_catalog
from accord.catalog.place import Place
from accord.catalog.value import Value

CATALOG = load_catalog()
PLACES = {id: CATALOG.place(id) for id in CATALOG.ids("places")}
COUNTRIES = {id: place for id, place in PLACES.items() if place.kind == "country"}
TARIFFS = ("electricity_data_centre", "electricity_industrial", "electricity_business", "electricity_residential")
RATES = {id: CATALOG.price(id) for id in CATALOG.ids("prices") if CATALOG.price(id).kind == "exchange"}
EARLIER = {
    "us": "us",
    "cn": "china",
    "zm": "zambia",
    "qa": "gulf-qatar",
    "sa": "gulf-saudi",
    "ke": "kenya",
    "ae": "gulf-uae",
    "in": "india",
    "cn-gansu-qingyang": "china-west-gansu-qingyang",
    "cn-ningxia-zhongwei": "china-west-ningxia-zhongwei",
    "cn-inner-mongolia": "china-west-inner-mongolia",
    "cn-xinjiang-hami": "china-xinjiang-hami",
}
"""Place by the older price entry whose facts it repeats."""


def tariffs(place: Place) -> dict[str, Value]:
    """Facts of a place that are prices of electricity, the dated ones among them."""
    return {name: value for name, value in place.facts.items() if name.startswith(TARIFFS)}


def test_there_is_a_country_for_every_buyer() -> None:
    assert len(COUNTRIES) >= 45
    asked = "us cn de fr ie nl se no fi gb jp kr sg my id in ae sa qa br ca au tw hk za ke ng zm kz th vn ph cl mx"
    assert set(f"{asked} es it pl dk is ch at be cz pt tr il nz".split()) <= set(COUNTRIES)
    assert sum(bool(tariffs(place)) for place in COUNTRIES.values()) >= 60
    assert all(id == place.country.lower() for id, place in COUNTRIES.items())


@pytest.mark.parametrize("id", COUNTRIES)
def test_every_country_has_a_carbon_intensity_of_one_table(id: str) -> None:
    carbon = COUNTRIES[id].facts["carbon_intensity"]
    source = COUNTRIES[id].sources[carbon.source]
    assert (carbon.unit, carbon.source, carbon.basis) == ("kgCO2e/kWh", "EMBER", "estimate")
    assert 0.02 < carbon.si < 1.3
    assert carbon.date is not None and re.fullmatch(r"20[0-9]{2}", carbon.date)
    assert source == COUNTRIES["us"].sources["EMBER"]
    assert source.licence is not None and source.licence.startswith("CC BY 4.0")


@pytest.mark.parametrize("id", PLACES)
def test_every_tariff_is_dated_and_a_price(id: str) -> None:
    for name, value in tariffs(PLACES[id]).items():
        currency, per = value.unit.split("/")
        assert (per, currency in units.CURRENCIES) == ("kWh", True)
        assert value.date, f"{name} has no date"
        year = re.search(r"_((?:19|20)[0-9]{2})$", name)
        assert year is None or value.date.startswith(year[1])
        assert all(other.unit == value.unit for other in value.alternatives)


@pytest.mark.parametrize("id", PLACES)
def test_a_tariff_is_within_reason(id: str) -> None:
    for value in tariffs(PLACES[id]).values():
        currency = value.unit.split("/")[0]
        rate = 1.0
        if currency != "USD":
            rate = RATES[f"exchange-{currency.lower()}-usd"].facts[f"{currency.lower()}_per_usd"].si
        assert all(0.01 < price / rate < 0.5 for price in value.spread())


@pytest.mark.parametrize("id", PLACES)
def test_a_tariff_has_a_rate_of_its_year(id: str) -> None:
    for value in tariffs(PLACES[id]).values():
        currency, year = value.unit[:3].lower(), (value.date or "")[:4]
        facts = {} if currency == "usd" else RATES[f"exchange-{currency}-usd"].facts
        pegged = currency in ("aed", "sar", "usd")
        assert pegged or f"{currency}_per_usd_{year}" in facts or year == "2026"


@pytest.mark.parametrize("id", [id for id, place in PLACES.items() if place.kind != "country"])
def test_what_is_around_a_place_ends_at_its_country(id: str) -> None:
    place, steps = PLACES[id], 0
    while place.within is not None:
        assert PLACES[place.within].country == place.country
        place, steps = PLACES[place.within], steps + 1
        assert steps <= 3
    assert (place.kind, place.id) == ("country", PLACES[id].country.lower())


@pytest.mark.parametrize("id", PLACES)
def test_a_pue_is_one_or_more(id: str) -> None:
    pue = PLACES[id].facts.get("pue")
    assert pue is None or all(1.0 <= point < 3.0 for point in pue.spread())


@pytest.mark.parametrize(("id", "price"), EARLIER.items())
def test_an_older_price_entry_is_repeated_with_its_date(id: str, price: str) -> None:
    """Except where a place states another source's figure under the same name."""
    here = [(value.number, value.unit) for value in PLACES[id].facts.values()]
    here += [(other.number, other.unit) for value in PLACES[id].facts.values() for other in value.alternatives]
    for name, value in CATALOG.price(price).facts.items():
        if value.number is None or not name.startswith((*TARIFFS, "pue", "carbon")):
            continue
        other = PLACES[id].facts.get(name)
        assert (value.number, value.unit) in here or (other is not None and other.source != value.source)


def test_the_headline_rate_of_the_yuan_is_as_it_was() -> None:
    rate = CATALOG.price("exchange-cny-usd").facts["cny_per_usd"]
    assert (rate.si, rate.basis, [other.number for other in rate.alternatives]) == (7.2, "assumed", [7.317])


def test_every_currency_has_a_rate() -> None:
    assert {id.split("-")[1].upper() for id in RATES} == set(units.CURRENCIES) - {"USD"}


@pytest.mark.parametrize("id", RATES)
def test_rates_agree_within_a_tenth_from_year_to_year(id: str) -> None:
    currency = id.split("-")[1]
    facts = RATES[id].facts
    assert all(re.fullmatch(rf"{currency}_per_usd(_20[0-9]{{2}})?", name) for name in facts)
    dated = {name[-4:]: value for name, value in facts.items() if name != f"{currency}_per_usd"}
    assert all(value.date == year and value.unit == "1" for year, value in dated.items())
    if currency in ("aed", "sar"):
        assert not dated, "a peg has no years"
        return
    last = ["2020", "2021", "2022", "2023", "2024", "2025"]
    assert sorted(dated)[-6:] == last
    rates = [dated[year].si for year in last]
    assert all(0.8 < later / earlier < 1.25 for earlier, later in zip(rates, rates[1:], strict=False))
    for value in facts.values():
        assert max(value.spread()) / min(value.spread()) < 1.1
        assert value.basis == "assumed" or value.source.startswith("FED")


def test_a_figure_from_memory_says_so() -> None:
    for price in RATES.values():
        claims = [(value.source, value.note) for value in price.facts.values()]
        claims += [(other.source, other.note) for value in price.facts.values() for other in value.alternatives]
        told = [note or "" for source, note in claims if source == "ASSUMED"]
        assert all("from memory" in note or note == "round figure used to convert prices" for note in told)


def test_an_unknown_place_names_the_closest() -> None:
    with pytest.raises(CatalogError, match=r"place 'us-tz' is not in the catalog\nhint: did you mean 'us-.*'"):
        CATALOG.place("us-tz")

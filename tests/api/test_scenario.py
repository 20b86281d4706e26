from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from accord.api.scenario import assumption, idle_share, place_chain, rates_of, site_of, taken_for_granted, usd
from accord.catalog.load import Catalog, load_catalog
from accord.economics.scenario import ASSUMPTIONS, DEFAULTS, Amount, Scenario, ScenarioError

CATALOG = load_catalog()

COUNTRY = """\
id: xx
name: Exland
kind: country
country: XX
facts:
  electricity_industrial: {value: 0.1 USD/kWh, basis: estimate, source: S}
  carbon_intensity: {value: 0.4 kgCO2e/kWh, basis: estimate, source: S}
sources:
  S: {title: "T", publisher: "P", date: "2025"}
"""
SITE = """\
id: xx-north
name: North
kind: region
country: XX
within: xx
facts:
  electricity_data_centre: {value: 0.36 CNY/kWh, basis: estimate, source: S}
  pue: {value: 1.1, basis: estimate, source: S}
sources:
  S: {title: "T", publisher: "P", date: "2025"}
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    folder = tmp_path / "places"
    folder.mkdir()
    (folder / "xx.yaml").write_text(COUNTRY)
    (folder / "xx-north.yaml").write_text(SITE)
    return load_catalog((tmp_path,))


def test_every_default_is_cited_and_inside_its_range() -> None:
    for name in DEFAULTS:
        found, default = assumption(CATALOG, Scenario(), name)
        assert default
        assert found.sources
        assert found.sources[0].startswith(f"prices/{ASSUMPTIONS}:")
        stated, default = assumption(CATALOG, msgspec.structs.replace(Scenario(), **{name: found.value}), name)
        assert not default
        assert stated.value == found.value
    assert idle_share(CATALOG, Scenario()) == (0.3, True)
    assert idle_share(CATALOG, Scenario(idle_share=0.1)) == (0.1, False)


def test_a_region_comes_before_its_country(catalog: Catalog) -> None:
    assert [place.id for place in place_chain(catalog, "XX", "north")] == ["xx-north", "xx"]
    assert [place.id for place in place_chain(catalog, "XX", "xx-north")] == ["xx-north", "xx"]
    scenario = Scenario(country="XX", region="north", per_usd={"CNY": 7.2})
    site = site_of(catalog, scenario, rates_of(catalog, scenario))
    assert site.usd_per_kwh is not None
    assert site.pue is not None
    assert site.kgco2_per_kwh is not None
    assert site.usd_per_kwh.value == pytest.approx(0.05)
    assert (site.pue.value, site.kgco2_per_kwh.value) == (1.1, 0.4)


def test_what_no_place_states_is_none_and_said(catalog: Catalog) -> None:
    scenario = Scenario(country="XX")
    site = site_of(catalog, scenario, rates_of(catalog, scenario))
    assert site.usd_per_kwh is not None
    assert site.usd_per_kwh.value == 0.1
    assert site.pue is None
    assert any("Exland" in line and "PUE" in line for line in site.said)
    assert "pue" not in taken_for_granted(catalog, scenario)


def test_what_the_scenario_states_comes_first(catalog: Catalog) -> None:
    scenario = Scenario(country="XX", tariff=Amount(0.2, "USD/kWh"), pue=1.5, kgco2_per_kwh=0.1)
    site = site_of(catalog, scenario, rates_of(catalog, scenario))
    found = [one.value if one is not None else None for one in (site.usd_per_kwh, site.pue, site.kgco2_per_kwh)]
    assert found == [0.2, 1.5, 0.1]


def test_subsidies_on_power(catalog: Catalog) -> None:
    def paid(**more: object) -> float:
        scenario = Scenario(country="XX", per_usd={"CNY": 7.2}, **more)  # type: ignore[arg-type]
        site = site_of(catalog, scenario, rates_of(catalog, scenario))
        assert site.usd_per_kwh is not None
        return site.usd_per_kwh.value

    assert paid(power_subsidy_share=0.25) == pytest.approx(0.075)
    assert paid(power_subsidy=Amount(0.072, "CNY/kWh")) == pytest.approx(0.09)
    assert paid(power_subsidy=Amount(0.1, "USD/kWh")) == 0.0
    with pytest.raises(ScenarioError, match="less than nothing"):
        paid(power_subsidy=Amount(0.11, "USD/kWh"))


def test_unknown_places_are_told_the_closest(catalog: Catalog) -> None:
    with pytest.raises(ScenarioError, match="no country 'XY'") as caught:
        place_chain(catalog, "XY")
    assert caught.value.hint
    with pytest.raises(ScenarioError, match="did you mean 'xx-north'"):
        place_chain(catalog, "XX", "xx-nort")


def test_rates_of_exchange() -> None:
    rates = rates_of(CATALOG, Scenario())
    assert {"CNY", "EUR"} <= set(rates)
    assert len(rates) == len(list(rates))
    assert rates["CNY"].sources
    assert rates_of(CATALOG, Scenario(per_usd={"CNY": 7.0}))["CNY"].value == 7.0
    with pytest.raises(KeyError):
        rates["XXX"]
    assert usd(Amount(7.0, "CNY/h"), "rent", rates_of(CATALOG, Scenario(per_usd={"CNY": 7.0}))).value == 1.0
    with pytest.raises(ScenarioError, match="nobody states its rate"):
        usd(Amount(7.0, "CNY/h"), "tariff", {})


def test_every_country_of_the_catalog_resolves() -> None:
    countries = [id for id in CATALOG.ids("places") if CATALOG.place(id).kind == "country"]
    for id in countries:
        scenario = Scenario(country=CATALOG.place(id).country)
        site = site_of(CATALOG, scenario, rates_of(CATALOG, scenario))
        assert site.kgco2_per_kwh is None or 0.0 <= site.kgco2_per_kwh.value < 2.0
        assert site.usd_per_kwh is None or 0.0 < site.usd_per_kwh.value < 1.0

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.api.cost_causes import cost_causes
from accord.api.terms import terms_of
from accord.base.errors import MissingFact, UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.economics.scenario import Amount, Scenario, ScenarioError, SystemTerms
from accord.economics.unit_cost import breakeven_tariff_ratio
from accord.planner.terms import Terms

CM384, NVL72, H100, H200 = "huawei-cloudmatrix-384", "nvidia-gb200-nvl72", "nvidia-hgx-h100-8", "nvidia-hgx-h200-8"
UNPRICED = "amd-mi325x-8"  # its chip has a rent
CATALOG = load_catalog()
ZHONGWEI = Scenario(tariff=Amount(0.36, "CNY/kWh"), pue=1.15, per_usd={"CNY": 7.2})
PRICED = (CM384, NVL72, H100, "huawei-atlas-800-a3-node", "amd-mi300x-8")


def hourly(terms: Terms) -> float:
    assert terms.usd_per_hour is not None, terms.said
    return terms.usd_per_hour.value


def capital(terms: Terms) -> float:
    assert terms.capex_usd is not None, terms.said
    return terms.capex_usd.value


# Published figures


def test_a_years_energy_of_cloudmatrix_in_zhongwei() -> None:
    """559 kW (SemiAnalysis) at 0.36 CNY/kWh and PUE 1.15: 282 k USD a year, 939 USD for each of 300 PFLOPS."""
    found = terms_of(CATALOG, CM384, ZHONGWEI).parts["energy"].value * 384 * 8760
    assert found == pytest.approx(282e3, rel=0.002)
    assert found / 300.0 == pytest.approx(939.0, rel=0.002)


def test_a_years_energy_of_cloudmatrix_at_qingyangs_lowest_price() -> None:
    low = Scenario(tariff=Amount(0.10, "CNY/kWh"), pue=1.15, per_usd={"CNY": 7.2})
    found = terms_of(CATALOG, CM384, low).parts["energy"].value * 384 * 8760
    assert found / 300.0 == pytest.approx(261.0, rel=0.002)


def test_a_years_energy_of_an_nvl72_rack() -> None:
    """145 kW at 0.08 USD/kWh and PUE 1.25: 127 k USD a year, 706 USD for each of 180 PFLOPS."""
    found = terms_of(CATALOG, NVL72, Scenario(tariff=Amount(0.08, "USD/kWh"), pue=1.25)).parts["energy"].value
    assert found * 72 * 8760 == pytest.approx(127e3, rel=0.002)
    assert found * 72 * 8760 / 180.0 == pytest.approx(706.0, rel=0.002)


def test_the_break_even_tariff_is_43_percent() -> None:
    powers = [terms_of(CATALOG, id, ZHONGWEI).power_w for id in (CM384, NVL72)]
    assert powers[0] is not None
    assert powers[1] is not None
    ratio = breakeven_tariff_ratio(300e15 / (powers[0].value * 384), 180e15 / (powers[1].value * 72))
    assert ratio == pytest.approx(0.43, abs=0.005)
    dear = Scenario(tariff=Amount(0.1, "USD/kWh"), pue=1.0)
    cheap = Scenario(tariff=Amount(0.1 * ratio, "USD/kWh"), pue=1.0)
    a = terms_of(CATALOG, CM384, cheap).parts["energy"].value * 384 / 300e15
    b = terms_of(CATALOG, NVL72, dear).parts["energy"].value * 72 / 180e15
    assert a == pytest.approx(b)


def test_three_years_of_an_h100_node() -> None:
    """prices/tco-h100-node: 450 to 650 k USD over three years with colocation at 150 to 250 USD/kW/month."""
    scenario = Scenario(
        tariff=Amount(0.09, "USD/kWh"), pue=1.0, life_years=3.0, maintenance_share=0.05, usd_per_kw_month=200.0,
    )  # fmt: skip
    assert 450e3 < hourly(terms_of(CATALOG, H100, scenario)) * 8 * 3 * 8760 < 650e3


def test_an_all_in_h100_costs_what_its_cost_based_rent_says() -> None:
    """prices/rent-h100, rent_cost_based: 50 k USD a chip over three years and 20 % are 2.3 USD an hour."""
    scenario = Scenario(
        tariff=Amount(0.0, "USD/kWh"), pue=1.0, life_years=3.0, maintenance_share=0.2 / 3.0, network_share=0.0,
        systems={H100: SystemTerms(price=Amount(400e3, "USD"))},
    )  # fmt: skip
    assert hourly(terms_of(CATALOG, H100, scenario)) == pytest.approx(2.3, rel=0.02)


# What must hold whatever the numbers


@pytest.mark.parametrize("id", PRICED)
@pytest.mark.parametrize("mode", ["own", "rent", "auto"])
def test_parts_sum(id: str, mode: str) -> None:
    terms = terms_of(CATALOG, id, Scenario(mode=mode, tariff=Amount(0.05, "USD/kWh"), pue=1.2))  # type: ignore[arg-type]
    if terms.usd_per_hour is None:
        assert not terms.parts
        assert terms.said
        return
    assert sum(part.value for part in terms.parts.values()) == pytest.approx(terms.usd_per_hour.value)


@given(price=st.floats(1e4, 1e8), share=st.floats(0.0, 1.0), off=st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_a_subsidy_never_raises_a_cost(price: float, share: float, off: float) -> None:
    systems = {NVL72: SystemTerms(price=Amount(price, "USD"))}
    plain = Scenario(tariff=Amount(0.08, "USD/kWh"), pue=1.2, systems=systems)
    helped = Scenario(
        tariff=Amount(0.08, "USD/kWh"), pue=1.2, systems=systems, capex_subsidy_share=share, power_subsidy_share=off
    )
    a, b = terms_of(CATALOG, NVL72, plain), terms_of(CATALOG, NVL72, helped)
    assert hourly(b) <= hourly(a) * (1.0 + 1e-9)
    assert capital(b) == pytest.approx(capital(a) * (1.0 - share))
    assert b.parts["capital"].value == pytest.approx(a.parts["capital"].value * (1.0 - share))
    assert b.parts["maintenance"].value == pytest.approx(a.parts["maintenance"].value)  # of the whole price
    assert b.parts["energy"].value == pytest.approx(a.parts["energy"].value * (1.0 - off))


@given(price=st.floats(1e4, 1e8))
@settings(max_examples=20, deadline=None)
def test_twice_the_price_is_twice_the_capital_part(price: float) -> None:
    one, two = (
        terms_of(CATALOG, CM384, Scenario(
            tariff=Amount(0.05, "USD/kWh"), pue=1.1, systems={CM384: SystemTerms(price=Amount(times * price, "USD"))}
        ))
        for times in (1.0, 2.0)
    )  # fmt: skip
    assert two.parts["capital"].value == pytest.approx(2.0 * one.parts["capital"].value)
    assert two.parts["energy"] == one.parts["energy"]


def test_a_system_does_not_depend_on_what_was_asked_before() -> None:
    one, other = load_catalog(), load_catalog()
    forth = [terms_of(one, id, ZHONGWEI) for id in PRICED]
    back = [terms_of(other, id, ZHONGWEI) for id in reversed(PRICED)]
    assert forth == back[::-1]


# Modes, missing facts, overrides


def test_without_a_place_energy_is_unknown_and_rent_is_not() -> None:
    bare = terms_of(CATALOG, CM384, Scenario())
    assert bare.usd_per_hour is None
    assert bare.pue is None
    assert bare.kgco2_per_kwh is None
    assert any("no place and no tariff" in line for line in bare.said)
    assert any("owning has no hourly cost without a tariff and a PUE" in line for line in bare.said)
    assert capital(bare) > 0.0
    rented = terms_of(CATALOG, H100, Scenario())
    assert rented.parts.keys() == {"rent"}
    assert any("rented, because energy has no price" in line for line in rented.said)


def test_auto_owns_where_a_price_is_stated_and_rents_where_none_is() -> None:
    assert "capital" in terms_of(CATALOG, H100, ZHONGWEI).parts
    found = terms_of(CATALOG, H200, ZHONGWEI)
    assert found.parts.keys() == {"rent"}
    assert not found.whole
    assert any("rented, because no price is stated" in line for line in found.said)


def test_a_rent_contains_power_and_building() -> None:
    cheap = terms_of(CATALOG, H100, Scenario(mode="rent", tariff=Amount(0.01, "USD/kWh"), pue=1.1))
    dear = terms_of(CATALOG, H100, Scenario(mode="rent", tariff=Amount(0.5, "USD/kWh"), pue=2.0))
    assert cheap.usd_per_hour == dear.usd_per_hour
    assert any("are in the rent" in line for line in cheap.said)


def test_owning_what_has_no_price_says_what_is_missing() -> None:
    found = terms_of(CATALOG, UNPRICED, Scenario(mode="own", tariff=Amount(0.05, "USD/kWh"), pue=1.1))
    assert found.usd_per_hour is None
    assert any("without its price; a rent of the chip is known" in line for line in found.said)
    none = terms_of(CATALOG, "nvidia-hgx-h800-8", Scenario(mode="rent"))
    assert none.usd_per_hour is None
    assert any("states a rent" in line for line in none.said)


def test_a_price_nobody_states_is_built_with_a_wide_band_and_said() -> None:
    found = terms_of(CATALOG, "amd-mi300x-8", Scenario(mode="own", tariff=Amount(0.05, "USD/kWh"), pue=1.1))
    assert found.capex_usd is not None
    assert found.capex_usd.built
    low, high = found.capex_usd.band()
    assert high / low > 1.5
    assert any("nobody states a price of the system" in line for line in found.said)


@pytest.mark.parametrize(
    ("id", "low", "high"),
    [
        (H200, 25e3, 90e3), ("nvidia-hgx-b200-8", 30e3, 130e3), ("nvidia-hgx-b300-8", 45e3, 150e3),
        ("amd-mi355x-8", 12e3, 65e3), ("intel-gaudi3-8", 12e3, 45e3),
    ],
)  # fmt: skip
def test_what_chips_and_servers_sold_for_makes_a_capital(id: str, low: float, high: float) -> None:
    found = terms_of(CATALOG, id, Scenario(mode="own", tariff=Amount(0.05, "USD/kWh"), pue=1.1)).capex_usd
    assert found is not None and found.built and found.basis == "derived"
    ends = found.band()
    assert low < ends[0] < found.value < ends[1] < high
    assert ends[1] / ends[0] > 1.3


def test_a_rent_that_is_a_cost_is_one_claim_of_several() -> None:
    found = terms_of(CATALOG, NVL72, Scenario(mode="rent")).usd_per_hour
    assert found is not None
    low, high = found.band()
    assert low < found.value < high and high / low > 2.0


def test_what_the_scenario_says_of_a_system_comes_first() -> None:
    over = SystemTerms(price=Amount(7.2e6, "CNY"), power_w=100e3, racks=2.0, rent=Amount(14.4, "CNY/h"), whole=False)
    scenario = Scenario(
        tariff=Amount(0.05, "USD/kWh"), pue=1.1, network_share=0.0, per_usd={"CNY": 7.2}, systems={NVL72: over}
    )
    found = terms_of(CATALOG, NVL72, scenario)
    assert capital(found) == pytest.approx(1e6 / 72)
    assert found.power_w is not None
    assert found.racks is not None
    assert (found.power_w.value * 72, found.racks.value * 72) == pytest.approx((100e3, 2.0))
    assert not found.whole
    assert "network_share" not in found.assumed
    rented = terms_of(CATALOG, NVL72, Scenario(mode="rent", per_usd={"CNY": 7.2}, systems={NVL72: over}))
    assert hourly(rented) == pytest.approx(2.0)


def test_defaults_are_named() -> None:
    found = terms_of(CATALOG, CM384, ZHONGWEI)
    assert {"life_years", "utilisation", "network_share", "maintenance_share"} <= set(found.assumed)
    every = Scenario(
        tariff=Amount(0.05, "USD/kWh"), pue=1.1, life_years=4, interest_per_year=0.1, residual_share=0.1,
        utilisation=0.5, maintenance_share=0.05, network_share=0.1, idle_share=0.2,
    )  # fmt: skip
    found = terms_of(CATALOG, CM384, every)
    assert found.assumed == ()
    assert found.load == 0.5


def test_idle_hours_draw_less() -> None:
    busy, half = (
        terms_of(CATALOG, CM384, Scenario(tariff=Amount(0.05, "USD/kWh"), pue=1.1, utilisation=use, idle_share=0.2))
        for use in (1.0, 0.5)
    )
    assert half.parts["energy"].value == pytest.approx(0.6 * busy.parts["energy"].value)
    assert half.parts["capital"] == busy.parts["capital"]


def test_what_cannot_be_asked() -> None:
    with pytest.raises(MissingFact, match="states no chip"):
        terms_of(CATALOG, "stargate-abilene", ZHONGWEI)
    with pytest.raises(ScenarioError, match="power would cost less than nothing"):
        terms_of(CATALOG, CM384, Scenario(
            tariff=Amount(0.36, "CNY/kWh"), pue=1.1, power_subsidy=Amount(0.06, "USD/kWh")
        ))  # fmt: skip


def test_one_system_is_quick_from_a_cold_catalog() -> None:
    best = 1.0
    for _ in range(3):
        catalog: Catalog = load_catalog()
        start = time.process_time()
        terms_of(catalog, H200, ZHONGWEI)
        best = min(best, time.process_time() - start)
    assert best < 0.1  # about 0.04 on an idle machine, with a price that is built from parts


# What a cost depends on


def test_causes_start_from_the_same_cost() -> None:
    scenario = Scenario(tariff=Amount(0.05, "USD/kWh"), pue=1.1, utilisation=0.6)
    chips = {CM384: 384.0, NVL72: 72.0}
    found = cost_causes(CATALOG, scenario, chips, (4e5, 5e5, 6e5), {"utilisation": (0.4, 0.9), "PUE": (1.0, 1.5)})
    hour = sum(held * hourly(terms_of(CATALOG, id, scenario)) for id, held in chips.items())
    assert found.swings[0].base == pytest.approx(hour / (5e5 * 0.6 * 3600.0) * 1e6)
    names = {one.name for one in found.swings}
    assert {"throughput", "life", "utilisation", "PUE", f"capital a chip of {CM384}"} <= names
    assert names <= set(found.units)
    sizes = [one.size for one in found.swings]
    assert sizes == sorted(sizes, reverse=True)


def test_causes_count_maintenance_of_the_whole_price() -> None:
    scenario = Scenario(tariff=Amount(0.05, "USD/kWh"), pue=1.1, capex_subsidy_share=0.4)
    found = cost_causes(CATALOG, scenario, {NVL72: 72.0}, (4e5, 5e5, 6e5))
    terms = terms_of(CATALOG, NVL72, scenario)
    assert found.swings[0].base == pytest.approx(72.0 * hourly(terms) / (5e5 * terms.load * 3600.0) * 1e6)


def test_causes_of_a_rented_plan_and_of_none() -> None:
    found = cost_causes(CATALOG, Scenario(mode="rent"), {H100: 8.0}, (1e4, 2e4, 3e4))
    assert {one.name for one in found.swings} == {"rent", "throughput"}
    with pytest.raises(MissingFact, match="no hourly cost"):
        cost_causes(CATALOG, Scenario(), {CM384: 384.0}, (1.0, 2.0, 3.0))
    with pytest.raises(UsageError, match="has a range and no base"):
        cost_causes(CATALOG, Scenario(mode="rent"), {H100: 8.0}, (1.0, 2.0, 3.0), {"tariff": (0.0, 1.0)})


# Buying against renting


def said_of_buying(scenario: Scenario, id: str = H100) -> list[str]:
    return [line for line in terms_of(CATALOG, id, scenario).said if "buying" in line]


def least_use(tariff: float, **fields: float) -> float:
    (line,) = said_of_buying(Scenario(tariff=Amount(tariff, "USD/kWh"), pue=1.2, **fields))  # type: ignore[arg-type]
    return float(line.split()[-5]) / 100.0


def test_a_machine_pays_sooner_where_power_is_cheap() -> None:
    assert 0.0 < least_use(0.05) < least_use(0.4) < 1.0
    assert least_use(0.05, capex_subsidy_share=0.5) < least_use(0.05)
    dear = Scenario(tariff=Amount(5.0, "USD/kWh"), pue=1.2)
    assert said_of_buying(dear) == ["renting costs less than buying, however much it is used"]


def test_at_that_use_both_cost_the_same() -> None:
    use = least_use(0.1, interest_per_year=0.08)
    at = Scenario(
        tariff=Amount(0.1, "USD/kWh"), pue=1.2, interest_per_year=0.08, utilisation=use, idle_share=0.0, mode="own"
    )
    parts = terms_of(CATALOG, H100, at).parts
    rent = hourly(terms_of(CATALOG, H100, Scenario(mode="rent")))
    paid = parts["capital"].value + parts["energy"].value + use * parts["maintenance"].value
    assert paid == pytest.approx(use * rent, rel=0.02)  # the use is told in whole percent


def test_buying_needs_a_price_and_renting_a_rent() -> None:
    scenario = Scenario(tariff=Amount(0.05, "USD/kWh"), pue=1.2)
    assert said_of_buying(scenario, UNPRICED) == said_of_buying(scenario, CM384) == []
    assert said_of_buying(Scenario(mode="own", tariff=Amount(0.05, "USD/kWh"), pue=1.2)) == []

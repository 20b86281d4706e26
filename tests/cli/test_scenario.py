"""Scenario files: what is read, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.api.scenario import rates_of, site_of, taken_for_granted
from accord.api.terms import terms_of
from accord.base import units
from accord.base.errors import AccordError
from accord.catalog.load import load_catalog
from accord.cli.scenario import parse_scenario, read_scenario
from accord.economics.scenario import Amount, Scenario, ScenarioError, SystemTerms
from accord.economics.scenario_keys import KEYS, SECTIONS, SYSTEM_KEYS
from accord.economics.scenario_text import scenario_toml

PLAN = ("model", "system", "isl", "osl", "ttft", "tpot", "chips", "power_kw", "exclude_origin", "tariff")
SYSTEMS = ("huawei-cloudmatrix-384", "nvidia-gb200-nvl72")

FULL = """\
# a supernode in the west
[place]
country = "CN"
region = "gansu-qingyang"
year = 2026
tariff = "360 CNY/MWh"
pue = 1.15
carbon = "500 gCO2e/kWh"

[money]
mode = "own"
life_years = "4 years"
interest = "8 %"
residual = 0.1
utilisation = 0.7
usd_per_kw_month = 150
exchange = {CNY = 7.2}

[subsidy]
power = "0.01 USD/kWh"
capex = 0.1

[system.huawei-cloudmatrix-384]
price = "8.2 MUSD"
power = "559 kW"
usd_per_chip_hour = "2 USD/h"
racks = 16
whole = true

[plan]
model = "deepseek-r1"
isl = 4000
ttft = "p99:2s"
exclude_origin = ["CN", "US"]
"""


def read(text: str) -> Scenario:
    return parse_scenario(text, "plan.toml", PLAN, SYSTEMS)


def test_everything_is_read_into_plain_units() -> None:
    found = read(FULL)
    assert found == Scenario(
        country="CN", region="gansu-qingyang", year=2026, tariff=Amount(0.36, "CNY/kWh"), pue=1.15, kgco2_per_kwh=0.5,
        mode="own", life_years=4.0, interest_per_year=0.08, residual_share=0.1, utilisation=0.7,
        usd_per_kw_month=150.0, per_usd={"CNY": 7.2}, power_subsidy=Amount(0.01, "USD/kWh"), capex_subsidy_share=0.1,
        systems={
            "huawei-cloudmatrix-384": SystemTerms(
                price=Amount(8.2e6, "USD"), power_w=559e3, racks=16.0, rent=Amount(2.0, "USD/h"), whole=True
            )
        },
        plan={"model": "deepseek-r1", "isl": 4000, "ttft": "p99:2s", "exclude_origin": ("CN", "US")},
    )  # fmt: skip
    assert read(scenario_toml(found)) == found


def test_an_empty_file_says_nothing() -> None:
    assert read("") == Scenario()
    assert read("[place]\n[money]\n") == Scenario()


def test_a_subsidy_on_power_is_an_amount_or_a_share() -> None:
    assert read('[subsidy]\npower = "20 %"').power_subsidy_share == 0.2
    assert read("[subsidy]\npower = 0.2").power_subsidy_share == 0.2
    assert read('[subsidy]\npower = "0.1 CNY/kWh"').power_subsidy == Amount(0.1, "CNY/kWh")


# file, line, what it says, hint
MISTAKES: tuple[tuple[str, int, str, str], ...] = (
    ("[plase]\n", 1, "'plase' is no section", "did you mean 'place'?"),
    ("pue = 1.2\n", 1, "'pue' is no section", "known: place"),
    ("place = 3\n", 1, "place is 3; a table is wanted", "write '[place]'"),
    ("[place]\n\ntarif = 1\n", 3, "'tarif' is no key of [place]", "did you mean 'tariff'?"),
    ('[money]\ntariff = "1 USD/kWh"\n', 2, "'tariff' is no key of [money]", "it belongs to [place]"),
    ("[place]\ntariff = 0.36\n", 2, "place.tariff is 0.36; a number with its currency", "'tariff = \"0.36 CNY/kWh\"'"),
    ('[place]\ntariff = "0.36"\n', 2, "a price of a kWh is wanted", "0.36 CNY/kWh"),
    ('[place]\ntariff = "0.36 CNY"\n', 2, "a price of a kWh is wanted", "0.36 CNY/kWh"),
    ('[place]\ntariff = "0.36 CNJ/kWh"\n', 2, "is no unit Accord knows", "did you mean"),
    ('[place]\ntariff = "-0.1 CNY/kWh"\n', 2, "it may not be negative", "0.36 CNY/kWh"),
    ('[place]\ncarbon = "0.5 kg"\n', 2, "place.carbon is '0.5 kg', a mass", "kgCO2e/kWh"),
    ("[place]\ncarbon = 0.5\n", 2, "a number with its unit is wanted", "0.5 kgCO2e/kWh"),
    ('[place]\ncountry = "China"\n', 2, "two capital letters are wanted", '"CN"'),
    ('[place]\nregion = "x"\n', 2, "a region without its country", "add 'country'"),
    ("[place]\nyear = 2026.5\n", 2, "a whole number is wanted", "2026"),
    ("[place]\nyear = 26\n", 2, "place.year is 26; it is at least 1990", "2026"),
    ("[place]\npue = 0.9\n", 2, "place.pue is 0.9; it is at least 1", "1.2"),
    ("[place]\npue = nan\n", 2, "a number is wanted", "1.15"),
    ("[place]\npue = true\n", 2, "place.pue is true; a number is wanted", "1.15"),
    ('[money]\nmode = "lease"\n', 2, "it is one of auto, own, rent", '"own"'),
    ("[money]\n\nlife_years = 0\n", 3, "money.life_years is 0; it is above 0", "4"),
    ('[money]\nlife_years = "4 days"\n', 2, "a duration; this takes year", "2.5 year"),
    ("[money]\nutilisation = 70\n", 2, "money.utilisation is 70; it is above 0, at most 1", "0.7"),
    ("[money]\nexchange = 7.2\n", 2, "money.exchange is 7.2; a table is wanted", "CNY = 7.2"),
    ("[money.exchange]\nRMB = 7.2\n", 2, "'RMB' is no currency", "known"),
    ("[money.exchange]\nCNY = 0\n", 2, "units of CNY for one USD are wanted", "CNY = 7.2"),
    ("[subsidy]\npower = 1.5\n", 2, "subsidy.power is 1.5; it is at least 0, at most 1", "0.2"),
    ('[money]\nmode = "rent"\n[subsidy]\ncapex = 0.1\n', 4, "a rent contains machines", "drop the subsidy"),
    ('[money]\nmode = "rent"\nlife_years = 4\n', 3, "money.life_years is a cost of an owner", "drop it"),
    (
        '[place]\ntariff = "0.05 USD/kWh"\n[subsidy]\npower = "0.06 USD/kWh"\n', 4,
        "so power would cost less than nothing", "at most the tariff",
    ),
    (
        '[place]\ntariff = "0.36 CNY/kWh"\n[money]\nexchange.CNY = 7.2\n[subsidy]\npower = "0.06 USD/kWh"\n', 6,
        "so power would cost less than nothing", "at most the tariff",
    ),
    ('[place]\ntariff = "1 USD/kWh"\ntariff = "2 USD/kWh"\n', 3, "place.tariff is given twice", "given on line 2"),
    ("[place]\n[money]\n[place]\n", 3, "place is given twice", "first given on line 1"),
    (
        '[place]\ntariff = "1 USD/kWh"\n[plan]\ntariff = "2 USD/kWh"\n', 4,
        "plan.tariff says again what place.tariff says", "it is given on line 2",
    ),
    ("[system]\nhuawei-cloudmatrix-384 = 1\n", 2, "a table is wanted", "[system.ID]"),
    ("[system.huawei-cloudmatrix-385]\n", 1, "is not in the catalog", "did you mean 'huawei-cloudmatrix-384'?"),
    (
        "[system.huawei-cloudmatrix-384]\nprize = 3\n", 2, "'prize' is no key of [system.huawei-cloudmatrix-384]",
        "did you mean 'price'?",
    ),
    ('[system.huawei-cloudmatrix-384]\npower = "559"\n', 2, "number without a unit", "W"),
    ('[system.huawei-cloudmatrix-384]\nprice = "8.2 MUSD/h"\n', 2, "a sum of money is wanted", "8.2 MUSD"),
    ('[system.huawei-cloudmatrix-384]\nwhole = "yes"\n', 2, "true or false is wanted", "true"),
    ('[plan]\nmodle = "x"\n', 2, "'modle' is no key of [plan]", "did you mean 'model'?"),
    ("[plan]\npower-kw = 3\n", 2, "'power-kw' is no key of [plan]", "write 'power_kw'"),
    ("[plan]\nisl = {a = 1}\n", 2, "plan.isl is a table", ""),
    ("[plan]\nisl = inf\n", 2, "plan.isl is inf", ""),
    ("[place\npue = 1.2\n", 1, "is not valid TOML", "quotes"),
    ("[place]\ncountry = CN\n", 2, "is not valid TOML: invalid value", "quotes"),
    ('[place]\ncountry = "CN\n', 2, "is not valid TOML", "quotes"),
    ("[place]\npue =\n", 2, "is not valid TOML", "quotes"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "line", "what", "hint"), MISTAKES, ids=range(len(MISTAKES)))
def test_every_mistake_is_told_with_file_line_and_hint(text: str, line: int, what: str, hint: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(text)
    error = caught.value
    assert error.where == f"plan.toml:{line}"
    assert what in error.what
    assert hint in (error.hint or "")
    assert error.exit_code == 3


def test_what_a_check_finds_gets_its_line() -> None:
    catalog = load_catalog()

    def check(scenario: Scenario) -> None:
        site_of(catalog, scenario, rates_of(catalog, scenario))
        for id in scenario.systems:
            terms_of(catalog, id, scenario)

    for text, line, what in (
        ('[place]\n\ncountry = "QQ"\n', 3, "no country 'QQ'"),
        ('[place]\ncountry = "CN"\nregion = "gansu-qingyan"\n', 3, "no place 'gansu-qingyan'"),
        (
            '[place]\ntariff = "0.36 CNY/kWh"\n[subsidy]\npower = "0.09 USD/kWh"\n', 4,
            "power would cost less than nothing",
        ),
    ):  # fmt: skip
        with pytest.raises(ScenarioError) as caught:
            parse_scenario(text, "plan.toml", PLAN, None, check)
        assert caught.value.where == f"plan.toml:{line}"
        assert what in caught.value.what
        assert caught.value.hint

    def unpriced(scenario: Scenario) -> None:
        raise ScenarioError("no rate", field="system/nvidia-gb200-nvl72/price")

    with pytest.raises(ScenarioError) as caught:
        parse_scenario('[system.nvidia-gb200-nvl72]\nracks = 1\nprice = "1 AED"\n', "p", PLAN, None, unpriced)
    assert caught.value.where == "p:3"


def test_lines_are_counted_past_text_of_several_lines() -> None:
    text = '[plan]\nmodel = """\npue = 1\n[place]\n"""\n[place]\nurl = 1\n'
    with pytest.raises(ScenarioError, match="'url' is no key") as caught:
        read(text)
    assert caught.value.where == "plan.toml:7"


def test_lines_of_dotted_and_inline_keys() -> None:
    for text, line in (
        ("place.pue = 0.5\n", 1), ("\nplace = {pue = 0.5}\n", 2), ('["place"]\r\n"pue" = 0.5\r\n', 2),
    ):  # fmt: skip
        with pytest.raises(ScenarioError, match=r"place.pue is 0\.5") as caught:
            read(text)
        assert caught.value.where == f"plan.toml:{line}"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_scenario(tmp_path / "none.toml", PLAN)
    (tmp_path / "latin.toml").write_bytes(b'[place]\nregion = "\xe9"\n')
    with pytest.raises(ScenarioError, match="not UTF-8") as caught:
        read_scenario(tmp_path / "latin.toml", PLAN)
    assert str(caught.value.where).endswith("latin.toml:2")
    (tmp_path / "big.toml").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(ScenarioError, match="above 1 MiB"):
        read_scenario(tmp_path / "big.toml", PLAN)
    (tmp_path / "good.toml").write_text(FULL, encoding="utf-8")
    assert read_scenario(tmp_path / "good.toml", PLAN, SYSTEMS) == read(FULL)


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        read(text)
    except AccordError as error:
        assert error.where
        assert error.where.startswith("plan.toml:")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*SECTIONS, "system.huawei-cloudmatrix-384", "money.exchange"]),
            st.sampled_from([*dict.fromkeys(key.name for key in (*KEYS, *SYSTEM_KEYS)), "CNY", "model"]),
            st.sampled_from(['"0.36 CNY/kWh"', "0.5", "4", '"CN"', "true", '"8 %"', "[1]", '"rent"', '"3 MUSD"', "-1"]),
        ),
        max_size=6,
    )
)
@settings(max_examples=150, deadline=None)
def test_keys_and_values_in_any_order_give_a_scenario_or_an_error(lines: list[tuple[str, str, str]]) -> None:
    text = "\n".join(f"[{section}]\n{name} = {value}" for section, name, value in lines)
    try:
        found = read(text)
    except AccordError as error:
        assert error.where
        assert error.exit_code == 3
    else:
        assert read(scenario_toml(found)) == found


# Writing

shares = st.none() | st.floats(0.0, 1.0)
positive = st.floats(1e-9, 1e12)
moneys = st.none() | st.builds(Amount, positive, st.sampled_from([f"{name}/kWh" for name in units.CURRENCIES]))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
settings_ = st.one_of(
    words, st.integers(-(10**9), 10**9), st.booleans(), st.floats(allow_nan=False, allow_infinity=False),
    st.lists(words | st.integers(0, 9), max_size=3).map(tuple),
)  # fmt: skip
systems = st.builds(
    SystemTerms, price=st.none() | st.builds(Amount, positive, st.sampled_from(units.CURRENCIES)),
    power_w=st.none() | positive, racks=st.none() | positive,
    rent=st.none() | st.builds(Amount, positive, st.sampled_from(["USD/h", "CNY/h"])),
    whole=st.none() | st.booleans(),
)  # fmt: skip
scenarios = st.builds(
    Scenario, country=st.none() | st.just("CN"), year=st.none() | st.integers(1990, 2100), tariff=moneys,
    pue=st.none() | st.floats(1.0, 5.0), kgco2_per_kwh=st.none() | st.floats(0.0, 5.0),
    mode=st.sampled_from(["own", "auto"]), life_years=st.none() | st.floats(0.01, 50.0), interest_per_year=shares,
    residual_share=shares, utilisation=st.none() | st.floats(0.01, 1.0), maintenance_share=shares,
    network_share=st.none() | st.floats(0.0, 5.0), idle_share=shares, usd_per_kw_month=st.none() | positive,
    per_usd=st.dictionaries(st.sampled_from(units.CURRENCIES[1:]), positive, max_size=3),
    power_subsidy_share=st.floats(0.0, 1.0), capex_subsidy_share=st.floats(0.0, 1.0),
    systems=st.dictionaries(st.sampled_from(SYSTEMS), systems, max_size=2),
    plan=st.dictionaries(st.sampled_from([name for name in PLAN if name != "tariff"]), settings_, max_size=4),
)  # fmt: skip


@given(scenarios)
@settings(max_examples=200, deadline=None)
def test_what_is_written_reads_back_the_same(scenario: Scenario) -> None:
    assert read(scenario_toml(scenario)) == scenario


def test_defaults_are_written_as_comments_and_change_nothing() -> None:
    catalog = load_catalog()
    scenario = Scenario(country="CN", tariff=Amount(0.36, "CNY/kWh"))
    text = scenario_toml(scenario, taken_for_granted(catalog, scenario))
    assert "# life_years: 5 (3 to 6), estimate, prices/assumptions-ownership:" in text
    assert "# carbon: " in text
    assert "# tariff" not in text
    assert read(text) == scenario

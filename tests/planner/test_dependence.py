"""What a plan depends on: properties of shares and embargoes, and the catalog's best-known cases."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.source import Source
from accord.catalog.load import load_catalog
from accord.catalog.origin import Component, Origin, Supplier, Supply
from accord.catalog.value import Value
from accord.planner.dependence import Dependence, Held, Verdict, Weights, dependence, excludes, held, worst
from accord.planner.origin_shares import UNKNOWN, Share, by_country, mixed, parts_of, supplier_ranges

RANK = {"keeps": 0, "partly": 1, "stops": 2}
COUNTRIES = ("CN", "KR", "TW", "US")
EVERY: tuple[Component, ...] = (
    "design", "fab", "packaging", "hbm", "tools", "software", "switch", "host_cpu", "assembly",
)  # fmt: skip
CATALOG = load_catalog()
ORIGINS = tuple(CATALOG.origin(id) for id in CATALOG.ids("origins"))


def supplier(
    *countries: str,
    component: Component = "fab",
    supply: Supply = "current",
    share: float | None = None,
    price: float | None = None,
) -> Supplier:
    """A supplier in these countries."""
    return Supplier(
        component=component,
        company=f"Example {'+'.join(countries)} {supply}",
        countries=countries,
        source="S",
        basis="assumed",
        supply=supply,
        share=_fact(share),
        capex_share=_fact(price),
    )


def origin(*suppliers: Supplier, id: str = "example", chips: Sequence[str] = ("chip",)) -> Origin:
    """An entry that speaks of chips."""
    sources = {"S": Source(title="Made up", publisher="Accord", date="2026-11-25")}
    return Origin(id=id, name=id, chips=tuple(chips), suppliers=suppliers, sources=sources)


def holding(chip: str = "chip", flop_per_s: float | None = 1.0, capex_usd: float | None = 1.0) -> Held:
    """Chips that no family or vendor entry speaks of."""
    return Held(chip=chip, family="none", vendor="none", flop_per_s=flop_per_s, capex_usd=capex_usd)


def found(*suppliers: Supplier) -> Dependence:
    """One holding; every part that is not given comes from Switzerland."""
    told = {one.component for one in suppliers}
    rest = [supplier("CH", component=component) for component in EVERY if component not in told]
    return dependence([holding()], [origin(*suppliers, *rest)])


def verdict(part: Sequence[Supplier], country: str) -> Verdict:
    """Of the fab alone."""
    effects = found(*part).embargo(country).effects
    return next(effect.verdict for effect in effects if effect.part.component == "fab")


def _fact(number: float | None) -> Value | None:
    return None if number is None else Value(number=number, unit="1", basis="assumed", source="S")


suppliers = st.builds(
    lambda countries, supply: supplier(*countries, supply=supply),
    st.lists(st.sampled_from(COUNTRIES), min_size=1, max_size=2, unique=True),
    st.sampled_from(["current", "installed", "stock", "copies", "ended"]),
)
parts = st.lists(suppliers, min_size=1, max_size=4)
currents = st.lists(
    st.lists(st.sampled_from(COUNTRIES), min_size=1, max_size=2, unique=True).map(lambda names: supplier(*names)),
    min_size=1,
    max_size=4,
)


@st.composite
def shared(draw: st.DrawFn) -> list[Supplier]:
    """Suppliers with stated shares of at most one in all, some without."""
    raw = draw(
        st.lists(st.tuples(st.sampled_from(COUNTRIES), st.integers(0, 4), st.booleans()), min_size=1, max_size=5)
    )
    whole = max(1, sum(size for _, size, _ in raw)) * draw(st.sampled_from([1.0, 1.5]))
    return [supplier(name, share=size / whole if known else None) for name, size, known in raw]


# shares


@given(shared())
def test_shares_of_a_component_contain_one(lines: list[Supplier]) -> None:
    for shares in (by_country(lines), mixed([by_country(lines)], [(1.0, 1.0)]), mixed([by_country(lines)], [None])):
        assert sum(one.low for one in shares) <= 1.0 + 1e-9
        assert sum(one.high for one in shares) >= 1.0 - 1e-9
        assert all(0.0 <= one.low <= one.high <= 1.0 for one in shares)


@given(st.lists(shared(), min_size=1, max_size=4), st.data())
def test_shares_of_a_whole_contain_one(lists: list[list[Supplier]], data: st.DataObject) -> None:
    raw = data.draw(st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=len(lists), max_size=len(lists)))
    whole = max(1, sum(size or 0 for size in raw))
    weights = [None if size is None else (0.8 * size / whole, size / whole) for size in raw]
    shares = mixed([by_country(lines) for lines in lists], weights)
    assert sum(one.low for one in shares) <= 1.0 + 1e-9
    assert sum(one.high for one in shares) >= 1.0 - 1e-9


def test_one_unstated_share_is_what_is_left() -> None:
    assert by_country([supplier("KR", share=0.6), supplier("US")]) == (
        Share(country="KR", low=0.6, high=0.6),
        Share(country="US", low=0.4, high=0.4),
    )


def test_two_unstated_shares_are_a_range() -> None:
    ranges, rest = supplier_ranges([supplier("KR", share=0.6), supplier("US"), supplier("TW")])
    assert ranges == ((0.6, 0.6), (0.0, 0.4), (0.0, 0.4))
    assert rest == (0.0, 0.0)


def test_stated_shares_below_one_leave_an_unknown() -> None:
    assert by_country([supplier("KR", share=0.7)])[-1].country == UNKNOWN
    assert by_country([]) == (Share(country=UNKNOWN, low=1.0, high=1.0),)


def test_amounts_weigh_only_where_all_are_known() -> None:
    assert parts_of([3.0, 1.0]) == ((0.75, 0.75), (0.25, 0.25))
    assert parts_of([3.0, None]) == (None, None)
    assert parts_of([None]) == ((1.0, 1.0),)


# embargoes


@given(parts)
def test_an_embargo_of_an_unlisted_country_removes_nothing(lines: list[Supplier]) -> None:
    one = found(*lines).embargo("KE")
    assert one.removes == ()
    assert one.named("partly") == ()
    assert one.verdict == ("keeps" if any(line.supply != "ended" for line in lines) else "unknown")
    assert one.verdict != "keeps" or (one.flop_low, one.flop_high) == (0.0, 0.0)


@given(parts, st.sampled_from(COUNTRIES), st.sampled_from(["current", "copies"]))
def test_an_alternative_never_makes_it_worse(lines: list[Supplier], country: str, supply: Supply) -> None:
    before = verdict(lines, country)
    after = verdict([*lines, supplier("CH", supply=supply)], country)
    assert after != "stops"
    assert before == "unknown" or RANK[after] <= RANK[before]


@given(currents, currents, st.sampled_from(COUNTRIES))
def test_what_does_not_stop_does_not_stop_with_more_suppliers(
    lines: list[Supplier], more: list[Supplier], country: str
) -> None:
    assert verdict(lines, country) == "stops" or verdict([*lines, *more], country) != "stops"


@given(currents, st.sampled_from(COUNTRIES))
def test_it_stops_where_every_supplier_needs_the_country(lines: list[Supplier], country: str) -> None:
    needs = [country in line.countries for line in lines]
    assert (verdict(lines, country) == "stops") == all(needs)
    assert (verdict(lines, country) == "keeps") == (not any(needs))


def test_stock_lasts_a_while_and_tools_work_on() -> None:
    assert verdict([supplier("CN"), supplier("TW", supply="stock")], "CN") == "partly"
    assert verdict([supplier("CN"), supplier("TW", supply="stock")], "TW") == "keeps"
    assert verdict([supplier("NL", "US", supply="installed")], "NL") == "partly"
    assert verdict([supplier("CN", supply="copies")], "CN") == "keeps"
    assert verdict([supplier("TW", supply="ended")], "TW") == "unknown"


def test_a_stated_share_is_what_is_lost() -> None:
    one = found(supplier("KR", share=0.6), supplier("US", share=0.4)).embargo("KR")
    assert one.verdict == "partly"
    assert [one.flop_low, one.flop_high] == pytest.approx([0.6, 0.6])


def test_an_unknown_part_is_never_free() -> None:
    got = dependence([holding()], [origin(supplier("CN", component="design"))])
    assert got.embargo("KE").verdict == "unknown"
    assert got.embargo("KE").flop_high == 1.0
    assert got.embargo("CN").verdict == "stops"
    assert excludes(got, "KE").answer == "no"
    assert excludes(got, "KE", "any").answer == "unknown"
    assert excludes(got, "CN", "any").answer == "yes"
    assert excludes(dependence([holding()], []), "CN").answer == "unknown"


@given(parts, st.sampled_from(COUNTRIES))
def test_excluding_says_yes_only_where_everyone_needs_the_country(lines: list[Supplier], country: str) -> None:
    live = [line for line in lines if line.supply != "ended"] or lines
    answer = excludes(found(*lines), country, "any").answer
    assert (answer == "yes") == all(country in line.countries for line in live)


def test_worst_puts_a_loss_before_a_doubt() -> None:
    assert worst(["keeps", "partly"]) == "partly"
    assert worst(["partly", "unknown"]) == "unknown"
    assert worst(["unknown", "stops"]) == "stops"


# several holdings


def test_holdings_weigh_by_flop_and_price() -> None:
    made = origin(*(supplier("CN", component=part) for part in EVERY), id="cn", chips=["one"])
    other = origin(*(supplier("US", component=part) for part in EVERY), id="us", chips=["two"])
    two = [holding("one", 3.0, 100.0), holding("two", 1.0, 300.0)]
    got = dependence(two, [made, other])
    assert got.flop_design[0] == Share(country="CN", low=0.75, high=0.75)
    assert got.capex[0] == Share(country="US", low=0.75, high=0.75)
    lost = got.embargo("CN")
    assert (lost.flop_low, lost.flop_high) == (0.75, 0.75)
    dark = dependence([holding("one", None, None), holding("two", 1.0, 300.0)], [made, other])
    assert {(one.low, one.high) for one in (*dark.capex, *dark.flop_fab)} == {(0.0, 1.0)}
    assert (dark.embargo("CN").flop_low, dark.embargo("CN").flop_high) == (0.0, 1.0)


def test_the_price_of_memory_counts_only_where_it_is_stated() -> None:
    plain = [supplier("US", component=part) for part in EVERY if part != "hbm"]
    assert dependence([holding()], [origin(*plain, supplier("KR", component="hbm"))]).capex == (
        Share(country="US", low=1.0, high=1.0),
    )
    told = dependence([holding()], [origin(*plain, supplier("KR", component="hbm", price=0.2))])
    assert told.capex == (Share(country="US", low=0.8, high=0.8), Share(country="KR", low=0.2, high=0.2))


def test_the_more_special_entry_counts() -> None:
    general = Origin(
        id="general", name="general", vendors=("none",), suppliers=(supplier("US"), supplier("US", component="design")),
        sources=origin(supplier("US")).sources,
    )  # fmt: skip
    got = dependence([holding()], [general, origin(supplier("CN"))])
    entries = {part.component: part.entry for part in got.parts}
    assert (entries["fab"], entries["design"], entries["hbm"]) == ("example", "general", None)


# the catalog


def catalogued(system: str, model: str = "deepseek-v3", engine: str = "sglang") -> Dependence:
    """A whole system of the catalog with a model and an engine."""
    machine, weights = CATALOG.system(system), CATALOG.model(model)
    chip = CATALOG.chip(machine.chip or "")
    whole = held(chip, machine, int(machine.chips.si) if machine.chips else 1)
    return dependence([whole], ORIGINS, Weights(id=weights.id, vendor=weights.vendor), [engine])


@pytest.mark.parametrize(
    "system, design, stops, keeps",
    [
        ("huawei-cloudmatrix-384", "CN", {"CN"}, {"KE", "TW"}),
        ("nvidia-gb200-nvl72", "US", {"US", "TW"}, {"KE", "CN"}),
        ("nvidia-hgx-h100-8", "US", {"US", "TW", "KR"}, {"CN"}),
        ("amd-mi300x-8", "US", {"US", "TW", "KR"}, {"KE"}),
        ("aws-trn2-ultraserver", "US", {"US", "IL", "TW", "KR"}, set()),
        ("google-ironwood-pod", "US", {"US", "TW", "KR"}, {"CN"}),
    ],
)
def test_well_known_systems(system: str, design: str, stops: set[str], keeps: set[str]) -> None:
    got = catalogued(system, "deepseek-r1")
    assert [one.country for one in got.flop_design] == [design]
    assert {country for country in got.countries() if got.embargo(country).verdict == "stops"} == stops
    for country in keeps:
        assert got.embargo(country).verdict == "keeps"
    assert excludes(got, design).answer == "yes"
    assert excludes(got, "FR", "any").answer in ("no", "unknown")


def test_memory_of_the_910c_is_from_stock_alone() -> None:
    assert catalogued("huawei-cloudmatrix-384").stock_only() == ("hbm of huawei-ascend-910c",)


def test_every_system_with_a_chip_gets_an_answer() -> None:
    for id in CATALOG.ids("systems"):
        if CATALOG.system(id).chip is None:
            continue
        got = catalogued(id, "qwen3-8b", "vllm")
        for shares in (got.capex, got.flop_design, got.flop_fab):
            assert sum(one.low for one in shares) <= 1.0 + 1e-9, id
            assert sum(one.high for one in shares) >= 1.0 - 1e-9, id
        assert got.embargo("KE").removes == (), id

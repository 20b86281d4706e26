"""Model licences: territory on a day, user caps, conditions, and what is never let through."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.catalog.group import Group
from accord.catalog.licence import Licence, Term
from accord.catalog.load import load_catalog
from accord.policy.licences import (
    COMMERCIAL,
    Buyer,
    LicenceAnswer,
    licence_answer,
    licence_everywhere,
    licence_of,
)
from accord.policy.places import Places

DAY = datetime.date(2025, 10, 10)
UNTOLD = ("glm-4-plus", "pangu-ultra-135b", "sensenova")  # models whose licence nobody has entered


@pytest.fixture(scope="module")
def licences() -> tuple[Licence, ...]:
    catalog = load_catalog()
    return tuple(catalog.licence(id) for id in catalog.ids("licences"))


def groups() -> tuple[Group, ...]:
    catalog = load_catalog()
    return tuple(catalog.group(id) for id in catalog.ids("groups"))


PLACES = Places(groups(), DAY)


def ask(licences: tuple[Licence, ...], model: str, buyer: Buyer, places: Places = PLACES) -> LicenceAnswer:
    return licence_answer(licence_of(licences, model), model, buyer, places)


def told(country: str, users: float = 1e6, revenue: float = 1e6, *uses: str) -> Buyer:
    return Buyer(country, users, revenue, frozenset(uses or (COMMERCIAL,)))


# The catalog


def test_which_models_have_a_licence(licences: tuple[Licence, ...]) -> None:
    catalog = load_catalog()
    assert tuple(id for id in catalog.ids("models") if licence_of(licences, id) is None) == UNTOLD


def test_terms_are_cited(licences: tuple[Licence, ...]) -> None:
    for one in licences:
        assert one.sources
        assert all(term.locator and term.text and term.source in one.sources for term in one.terms)
        assert not one.free or (one.commercial and not one.terms)


def test_the_union_has_27_members_and_had_28() -> None:
    members, outside = Places(groups(), DAY).sets(("EU",))
    assert (len(members), outside) == (27, None)
    assert "GB" not in members
    before, _ = Places(groups(), datetime.date(2020, 1, 31)).sets(("EU",))
    assert before - members == {"GB"}
    assert len(before) == 28


@pytest.mark.parametrize(
    ("model", "buyer", "verdict"),
    [
        ("deepseek-r1", Buyer(), "ok"),
        ("qwen3-235b-a22b", Buyer(), "ok"),
        ("deepseek-v3", Buyer(), "ok_if"),
        ("llama-3.1-70b", Buyer(), "depends:users"),
        ("llama-3.1-70b", told("DE"), "ok_if"),
        ("llama-3.1-70b", told("DE", 7.01e8), "not_licensed"),
        ("llama-4-scout", told("US"), "ok_if"),
        ("llama-4-scout", told("DE"), "not_licensed"),
        ("llama-4-scout", told("GB"), "ok_if"),
        ("llama-4-scout", Buyer(users=1e6), "depends:country"),
        ("hunyuan-large", told("CN"), "ok_if"),
        ("hunyuan-large", told("FR"), "not_licensed"),
        ("hunyuan-large", told("GB"), "not_licensed"),
        ("hunyuan-large", told("KR"), "not_licensed"),
        ("hunyuan-large", told("SG", 1.01e8), "not_licensed"),
        ("pangu-pro-moe", told("IT"), "not_licensed"),
        ("pangu-pro-moe", told("MY"), "ok_if"),
        ("mistral-large-2407", Buyer(), "depends:uses"),
        ("mistral-large-2407", told("FR"), "not_licensed"),
        ("mistral-large-2407", told("FR", 1.0, 1.0, "research"), "ok_if"),
        ("kimi-k2-instruct", told("CN"), "ok"),
        ("kimi-k2-instruct", told("CN", 1.01e8), "ok_if"),
        ("kimi-k2-instruct", told("CN", 1e6, 2.5e8), "ok_if"),  # above 20 million a month
        ("kimi-k2-instruct", told("CN", 1e6, 2.3e8), "ok"),
        ("kimi-k2-instruct", Buyer(), "ok_if"),
        ("minimax-m2", told("CN", 1e6, 3.1e7), "ok_if"),
        ("minimax-m2", told("CN", 1e6, 2.9e7), "ok"),
        ("minimax-m2.5", told("CN"), "ok_if"),
        ("claude", told("CN"), "not_licensed"),
        ("claude", told("JP"), "ok_if"),
        ("gpt-4o", told("CN"), "not_licensed"),
        ("gemini", told("CN"), "not_licensed"),
        ("sensenova", told("CN"), "check"),
        ("no-such-model", told("CN"), "check"),
    ],
)
def test_what_a_licence_says(licences: tuple[Licence, ...], model: str, buyer: Buyer, verdict: str) -> None:
    found = ask(licences, model, buyer)
    assert found.verdict == verdict
    assert found.passes is (verdict in ("ok", "ok_if"))
    assert bool(found.reasons) is (verdict in ("not_licensed", "check"))


def test_caps_are_of_more_not_of_as_many(licences: tuple[Licence, ...]) -> None:
    assert ask(licences, "llama-3.1-8b", told("US", 7e8)).verdict == "ok_if"
    assert ask(licences, "llama-3.1-8b", told("US", 7e8 + 1)).verdict == "not_licensed"


def test_a_bar_counts_for_more_than_a_missing_fact(licences: tuple[Licence, ...]) -> None:
    found = ask(licences, "llama-4-maverick", Buyer(country="ES"))
    assert (found.verdict, found.missing) == ("not_licensed", ())
    assert ask(licences, "llama-4-maverick", Buyer()).missing == ("country", "users")


def test_the_union_of_the_day_counts(licences: tuple[Licence, ...]) -> None:
    early = Places(groups(), datetime.date(2019, 6, 1))
    assert ask(licences, "llama-4-scout", told("GB"), early).verdict == "not_licensed"


def test_terms_are_shown_whole_whatever_the_answer(licences: tuple[Licence, ...]) -> None:
    licence = licence_of(licences, "hunyuan-large")
    assert licence is not None
    assert ask(licences, "hunyuan-large", told("FR")).terms == licence.terms
    assert ask(licences, "deepseek-r1", Buyer()).licence == "mit"


# Rules, on a licence made for it


def test_a_group_that_is_not_complete_asks_to_check() -> None:
    group = next(one for one in groups() if one.code == "EU")
    open_end = Group(
        id="x",
        code="X:1",
        name="x",
        complete=False,
        missing="the rest",
        members=group.members[:1],
        sources=group.sources,
    )
    term = Term(kind="territory", text="none", countries=("X:1",), source="S", tier="recalled", locator="1")
    licence = Licence(id="l", name="L", free=False, commercial=True, terms=(term,), sources=group.sources)
    found = licence_answer(licence, "m", told("ZA"), Places((open_end,), DAY))
    assert (found.verdict, found.conditions) == ("ok_if", ("check whether ZA is one of X:1",))


def test_a_cap_without_a_figure_bars_everybody() -> None:
    term = Term(kind="users", text="by agreement alone", source="S", tier="recalled", locator="1")
    licence = Licence(id="l", name="L", free=False, commercial=True, terms=(term,), sources={})
    assert licence_answer(licence, "m", Buyer(), PLACES).verdict == "not_licensed"


BUYERS = st.builds(
    Buyer,
    st.sampled_from([None, "CN", "DE", "GB", "US", "KR"]),
    st.sampled_from([None, 1e6, 2e8, 1e9]),
    st.sampled_from([None, 1e6, 1e9]),
    st.sampled_from([None, frozenset({COMMERCIAL}), frozenset({"research"})]),
)


@given(buyer=BUYERS, at=st.integers(0, 100))
def test_telling_more_never_undoes_a_bar(buyer: Buyer, at: int) -> None:
    catalog = load_catalog()
    every = tuple(catalog.licence(id) for id in catalog.ids("licences"))
    licence = every[at % len(every)]
    found = licence_answer(licence, licence.models[0], buyer, PLACES)
    full = Buyer(
        buyer.country or "FR",
        1e12 if buyer.users is None else buyer.users,
        1e12 if buyer.revenue is None else buyer.revenue,
        frozenset({COMMERCIAL}) if buyer.uses is None else buyer.uses,
    )
    after = licence_answer(licence, licence.models[0], full, PLACES)
    assert after.missing == ()
    if found.verdict == "not_licensed":
        assert after.verdict == "not_licensed"
    if found.verdict == "ok":
        assert after.verdict == "ok"


@pytest.mark.parametrize(
    ("countries", "verdict"),
    [
        (("SG", "DE"), "not_licensed"), (("DE", "SG"), "not_licensed"), (("SG", "SG"), "ok_if"),
        ((), "depends:country"),
    ],
)  # fmt: skip
def test_a_buyer_is_barred_where_either_of_its_countries_is(
    licences: tuple[Licence, ...], countries: tuple[str, ...], verdict: str
) -> None:
    licence, buyer = licence_of(licences, "llama-4-scout"), Buyer(None, 1e6, 1e6, frozenset((COMMERCIAL,)))
    found = licence_everywhere(licence, "llama-4-scout", buyer, countries, PLACES)
    assert found.verdict == verdict
    assert licence_everywhere(None, "m", buyer, countries, PLACES).verdict == "check"
    free = licence_of(licences, "deepseek-r1")
    assert licence_everywhere(free, "deepseek-r1", buyer, countries, PLACES).verdict == "ok"

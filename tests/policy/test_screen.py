"""Screening of parties: who a name is, which lists hold on a day, what listed owners add up to."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.source import Source
from accord.catalog.instrument import Citation
from accord.catalog.load import load_catalog
from accord.catalog.party import Holding, Listing, Party
from accord.catalog.value import Value
from accord.policy.screen import (
    HALF,
    RESTRICTING,
    changes,
    closest,
    exporter_facts,
    holders,
    listed_share,
    party_facts,
    resolve,
    screen,
)

DAY = datetime.date(2025, 10, 10)
CITE = Citation(source="S", tier="recalled", locator="all of it")
SOURCES = {"S": Source(title="t", publisher="p", date="2025")}


def listing(list: str = "entity-list", start: str = "2020-01-01", until: str | None = None) -> Listing:
    return Listing(list=list, start=start, until=until, cites=(CITE,))  # type: ignore[arg-type]


def holding(owner: str, share: float | None, low: float | None = None, high: float | None = None) -> Holding:
    value = None if share is None else Value(number=share, unit="1", basis="assumed", source="S", low=low, high=high)
    return Holding(owner=owner, share=value, source="S", basis="assumed")


def party(id: str, **more: object) -> Party:
    given = {"name": id.title(), "country": "CN", "roles": ("other",), "sources": SOURCES, **more}
    return Party(id=id, **given)  # type: ignore[arg-type]


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


@pytest.fixture(scope="module")
def known() -> dict[str, Party]:
    catalog = load_catalog()
    return {id: catalog.party(id) for id in catalog.ids("parties")}


# The catalog


def test_every_vendor_of_chips_is_a_party(known: dict[str, Party]) -> None:
    catalog = load_catalog()
    vendors = {catalog.chip(id).vendor for id in catalog.ids("chips")}
    assert vendors <= {one.chip_vendor for one in known.values()}


def test_parties_that_people_ask_for_are_there(known: dict[str, Party]) -> None:
    names = (
        "Huawei", "SenseTime", "Biren", "Moore Threads", "Zhipu", "Z.ai", "Moonshot", "Inspur", "Enflame", "MetaX",
        "Iluvatar", "Cambricon", "Hygon", "Tencent", "Alibaba", "ByteDance", "Baidu", "DeepSeek", "StepFun", "MiniMax",
        "SMIC", "CXMT", "YMTC", "iFlytek", "Megvii", "Yitu", "Phytium", "Sophgo", "G42", "Humain", "TSMC", "Samsung",
        "华为", "智谱", "寒武纪", "字节跳动",
    )  # fmt: skip
    assert [name for name in names if resolve(known, name) is None] == []


def test_no_name_means_two_parties(known: dict[str, Party]) -> None:
    names: dict[str, str] = {}
    for one in known.values():
        for name in {word.casefold() for word in (one.id, one.name, *one.aliases)}:
            assert names.setdefault(name, one.id) == one.id, name


def test_a_listing_without_public_text_says_so(known: dict[str, Party]) -> None:
    for one in known.values():
        for held in one.listings:
            if all(cite.tier == "recalled" for cite in held.cites):
                assert held.note is not None and "recalled" in held.note.lower(), one.id
        for share in one.owners:
            assert share.source in one.sources


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("HUAWEI", "2019-05-15", "not listed as of 2019-05-15 (first listed 2019-05-16)"),
        ("华为", "2019-05-16", "listed: entity-list since 2019-05-16"),
        ("z.ai", "2025-01-15", "not listed as of 2025-01-15 (first listed 2025-01-16)"),
        ("Z.AI", "2025-01-16", "listed: entity-list since 2025-01-16"),
        ("biren", "2023-10-17", "listed: entity-list since 2023-10-17"),
        ("Sense Time", "2020-01-01", "listed: entity-list since 2019-10-09"),
        ("tencent", "2024-12-31", "list status not looked up"),
        ("Tencent", "2025-02-01", "listed, no licence follows: 1260h since 2025-01-07; list status not looked up"),
        ("deepseek", "2026-06-17", "not listed as of 2026-06-17"),
        ("deepseek", "2026-06-18", "list status not looked up after 2026-06-17"),
        (
            "CXMT", "2026-06-01",
            "listed, no licence follows: 1260h since 2025-01-07; "
            "on no list from which a licence follows as of 2026-06-01",
        ),
        (
            "zte", "2024-01-01",
            "listed earlier: entity-list until 2017-03-29, dpl until 2018-07-13; list status not looked up",
        ),
    ],
)  # fmt: skip
def test_status_on_a_day(known: dict[str, Party], name: str, text: str, words: str) -> None:
    assert screen(known, name, day(text)).words == words


def test_an_unknown_name_is_never_clear(known: dict[str, Party]) -> None:
    found = screen(known, "Huawai", DAY)
    assert (found.party, found.status, found.restricted) == (None, "not screened", None)
    assert found.closest == ("huawei",)
    assert found.words.startswith("not screened")
    assert found.cites == ()
    assert closest(known, "qqqqqq") == ()


def test_citations_are_of_what_holds_or_else_of_what_held(known: dict[str, Party]) -> None:
    assert {cite.tier for cite in screen(known, "huawei", DAY).cites} >= {"primary", "law-firm"}
    assert screen(known, "huawei", day("2018-01-01")).cites
    assert screen(known, "zte", DAY).cites


def test_a_subsidiary_of_a_listed_party(known: dict[str, Party]) -> None:
    nexperia = known["nexperia"]
    assert listed_share(known, nexperia, DAY) == (1.0, 1.0)
    assert party_facts(known, nexperia, DAY) == {
        "hq": "CN", "consignee_listed": "no", "consignee_review": "other", "consignee_listed_share": 1.0,
    }  # fmt: skip
    assert listed_share(known, nexperia, day("2024-12-01"))[0] == 0.0  # the owner was listed a day later
    assert listed_share(known, known["honor"], day("2020-11-16")) == (1.0, 1.0)
    assert listed_share(known, known["honor"], day("2020-11-17"))[0] == 0.0


# Rules of screening, on parties made for it


def test_any_spelling_of_a_name() -> None:
    one = party("moore-threads", aliases=("摩尔线程", "Moore Threads"))
    other = party("moore", aliases=("moore-threads",))  # an id goes before another's alias
    for name in ("MOORE_THREADS", " moore-threads ", "Moore  threads", "摩尔线程"):
        assert resolve((one, other), name) is one
    assert resolve({"x": one}, "nobody") is None


@pytest.mark.parametrize("list", ["entity-list", "meu-list", "uvl", "1260h", "sdn", "ns-cmic", "dpl"])
def test_a_licence_follows_from_some_lists(list: str) -> None:
    one = party("a", listings=(listing(list),))
    found = screen((one,), "a", DAY)
    restricting = list in RESTRICTING
    assert found.status == ("listed" if restricting else "listed, no licence follows")
    assert found.restricted is (True if restricting else None)
    assert party_facts((one,), one, DAY).get("consignee_listed") == ("yes" if restricting else None)


def test_what_was_looked_up_and_what_was_not() -> None:
    one = party("a", unlisted_as_of="2025-10-10", large_platform=False)
    assert party_facts((one,), one, DAY) == {
        "hq": "CN", "consignee_listed": "no", "consignee_review": "other", "large_platform": "no",
    }  # fmt: skip
    assert screen((one,), "a", DAY).status == "not listed"
    later = DAY + datetime.timedelta(days=1)
    assert "consignee_listed" not in party_facts((one,), one, later)
    assert screen((one,), "a", later).status == "list status not looked up"


def test_removed_from_a_list_and_looked_up_since() -> None:
    one = party("a", listings=(listing(until="2021-01-01"),), unlisted_as_of="2026-01-01")
    found = screen((one,), "a", DAY)
    assert (found.status, found.restricted) == ("listed earlier", False)
    assert found.words == "listed earlier: entity-list until 2021-01-01; not listed as of 2025-10-10"


def test_shares_of_listed_owners_are_added() -> None:
    owners = (party("x", listings=(listing(),)), party("y", listings=(listing("meu-list"),)))
    one = party("a", owners=(holding("x", 0.3), holding("Y", 0.25), holding("somebody", 0.45)))
    assert listed_share((one, *owners), one, DAY) == pytest.approx((0.55, 1.0))
    assert party_facts((one, *owners), one, DAY)["consignee_listed_share"] == pytest.approx(0.55)


def test_an_owner_that_listed_parties_half_own_counts_whole() -> None:
    top = party("top", listings=(listing(),))
    middle = party("middle", owners=(holding("top", 0.5),))
    below = party("below", owners=(holding("top", 0.49),))
    one = party("a", owners=(holding("middle", 0.6), holding("below", 0.4)))
    assert listed_share((one, middle, below, top), one, DAY) == pytest.approx((0.6, 1.0))


def test_a_list_from_which_no_licence_follows_adds_nothing() -> None:
    top = party("top", listings=(listing("1260h"),), unlisted_as_of="2026-01-01", owners=(holding("state", 1.0),))
    state = party("state", unlisted_as_of="2026-01-01", owners=(holding("top", 0.6),))
    one = party("a", owners=(holding("top", 0.8),))
    low, high = listed_share((one, top, state), one, DAY)
    assert low == 0.0
    assert high == pytest.approx(0.2)  # of the rest nobody knows; the circle of the two is listed for nobody's sake
    assert party_facts((one, top, state), one, DAY)["consignee_listed_share"] == pytest.approx(0.2)


def test_bands_and_unknown_shares_widen_the_bounds() -> None:
    top = party("top", listings=(listing(),))
    one = party("a", owners=(holding("top", 0.5, 0.4, 0.6), holding("top", None)))
    assert listed_share((one, top), one, DAY) == pytest.approx((0.4, 1.0))
    assert "consignee_listed_share" not in party_facts((one, top), one, DAY)


def test_contradicting_shares_keep_the_bounds_in_order() -> None:
    top = party("top", listings=(listing(),))
    clear = party("clear", unlisted_as_of="2026-01-01", owners=(holding("clear", 1.0),))
    one = party("a", owners=(holding("top", 0.7), holding("clear", 0.7)))
    assert listed_share((one, top, clear), one, DAY) == pytest.approx((0.7, 0.7))


def test_holdings_of_a_day_with_their_owners() -> None:
    top = party("top")
    past = Holding(owner="top", until="2020-01-01", source="S", basis="assumed")
    one = party("a", owners=(past, holding("top", 0.1), holding("nobody", 0.2)))
    assert [(share.owner, owner) for share, owner in holders((one, top), one, DAY)] == [("top", top), ("nobody", None)]


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (("designer",), "designer"), (("foundry", "other"), "foundry"), (("osat",), "osat"),
        (("cloud", "lab"), "other"), (("designer", "foundry"), None),
    ],
)  # fmt: skip
def test_the_role_of_a_sender(roles: tuple[str, ...], role: str | None) -> None:
    facts = exporter_facts(party("a", roles=roles))
    assert facts["exporter"] == "a"
    assert facts.get("exporter_role") == role


# Circles and bounds, on drawn webs of owners

SHARES = st.dictionaries(
    st.sampled_from(list(itertools.permutations(range(5), 2))), st.floats(0.0, 1.0, allow_nan=False), max_size=12
)


@given(shares=SHARES, listed=st.sets(st.integers(0, 4)), looked_up=st.booleans())
def test_circles_end_and_bounds_hold(shares: dict[tuple[int, int], float], listed: set[int], looked_up: bool) -> None:
    owned: dict[int, list[Holding]] = {}
    for (owner, of), share in shares.items():
        left = 1.0 - sum(one.share.si for one in owned.get(of, ()) if one.share is not None)
        owned.setdefault(of, []).append(holding(f"p{owner}", max(0.0, min(share, left))))
    web = tuple(
        party(
            f"p{at}", owners=tuple(owned.get(at, ())), listings=(listing(),) if at in listed else (),
            unlisted_as_of="2026-01-01" if looked_up and at not in listed else None,
        )
        for at in range(5)
    )  # fmt: skip
    more = tuple(party(one.id, owners=one.owners, listings=(listing(),)) if one.id == "p0" else one for one in web)
    for one in web:
        low, high = listed_share(web, one, DAY)
        assert 0.0 <= low <= high <= 1.0
        with_more = listed_share(more, one, DAY)
        assert with_more[0] >= low  # one more listed party never lowers what is held at least
        assert with_more[1] >= high - 1e-12
        if not listed:
            assert low == 0.0


def test_half_is_the_share_of_the_affiliates_rule() -> None:
    (rule,) = load_catalog().instrument("us-affiliates-2025").rules
    assert rule.params["share"].si == HALF


def test_days_on_which_lists_and_owners_change() -> None:
    catalog = load_catalog()
    parties = [catalog.party(id) for id in catalog.ids("parties")]
    days = changes(parties, catalog.party("inspur"))
    assert datetime.date(2023, 3, 2) in days
    assert list(days) == sorted(set(days))


def test_owners_in_a_circle_end() -> None:
    one, two = party("one", owners=(holding("two", 0.5),)), party("two", owners=(holding("one", 0.5),))
    assert changes([one, two], one) == ()

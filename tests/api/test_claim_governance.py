"""Claims on governance: who only took part is not known, words are checked, days before it existed are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from accord.api.claim_governance import ask_adoption
from accord.api.claim_terms import Desk
from accord.api.law import Law
from accord.base.errors import AccordError, CatalogError, MissingFact
from accord.catalog.load import Catalog, load_catalog
from accord.claims.quantity import Quantity

CLOUD = "huawei-cloudmatrix-384"
SITE = """
id: made-up-%s
system: %s
owner: A firm
country: %s
state: operating
start: %s
%s
source: S
tier: news
locator: page 1
basis: published
sources:
  S: {title: A page, publisher: A paper, date: 2025}
  N: {title: A count, publisher: A paper, date: 2025}
"""
SITES = (
    (
        "a",
        "sugon-scalex640",
        "CN",
        "2025-04-01",
        "chips: {value: 640, low: 600, high: 700, basis: estimate, source: N}",
    ),
    ("b", "sugon-scalex640", "MY", "2025-05", "chips: {value: 100, basis: published, source: N}"),
    ("c", "sugon-scalex640", "AE", "2025-06-01", ""),
    ("d", "huawei-atlas-960-superpod", "CN", "2025-06-01", "nowhere_else: true"),
)


@pytest.fixture(scope="module")
def desk() -> Desk:
    catalog = load_catalog()
    return Desk(catalog, (), Law(catalog))


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder: Path = tmp_path_factory.mktemp("sites")
    (folder / "deployments").mkdir()
    for name, *rest in SITES:
        (folder / "deployments" / f"made-up-{name}.yaml").write_text(SITE % (name, *rest), encoding="utf-8")
    catalog: Catalog = load_catalog((folder,))
    return Desk(catalog, (), Law(catalog))


def ask(desk: Desk, take: str, **inputs: Any) -> Quantity:
    return ask_adoption(inputs, desk).take(take)


@pytest.mark.parametrize(
    ("instrument", "who", "because"),
    [
        ("pax-silica", "TW", "no word on joining; took part and endorsed the principles"),
        ("unga-79-325", "TN", "abstained on the slate"),
        ("gof-aicb", "US", "membership not verified"),
    ],
)
def test_who_only_took_part_is_not_known(desk: Desk, instrument: str, who: str, because: str) -> None:
    with pytest.raises(MissingFact, match=because):
        ask(desk, f"joined.{who}", instrument=instrument, date="2026-11-01")


def test_a_vote_on_a_slate_is_neither_joining_nor_refusing(desk: Desk) -> None:
    with pytest.raises(MissingFact, match="voted against the slate"):
        ask(desk, "joined.US", instrument="unga-79-325", date="2026-11-01")
    assert ask(desk, "joined.US", instrument="paris-2025", date="2026-11-01").value == 0.0


def test_an_observer_is_counted_only_where_the_role_is_asked_for(desk: Desk) -> None:
    with pytest.raises(MissingFact, match="an observer, no word on joining"):
        ask(desk, "joined.CA", instrument="pax-silica", date="2026-11-01")
    assert ask(desk, "members", instrument="pax-silica", date="2026-11-01", role="observer").value == 2.0


def test_who_took_part_is_counted_where_the_role_is_asked_for(desk: Desk) -> None:
    asked = {"instrument": "gof-aicb", "date": "2026-11-01", "kind": "state"}
    part = ask(desk, "members", **asked, role="participant")
    assert part.value >= 9.0 and part.sources
    assert ask(desk, "not_joined", **asked).value == 0.0


@pytest.mark.parametrize(
    ("take", "inputs", "message"),
    [
        ("members", {"instrument": "waico", "kind": "companies"}, "with.kind: invalid enum value 'companies'"),
        ("members", {"instrument": "waico", "role": "membr"}, "with.role: invalid enum value 'membr'"),
        ("chips", {"system": CLOUD, "state": "running"}, "with.state: invalid enum value 'running'"),
        ("joined.Atlantis", {"instrument": "waico"}, "take is 'joined.Atlantis': 'Atlantis' is no country"),
        ("joined.XX", {"instrument": "waico"}, "take is 'joined.XX'"),
        ("deployments_outside.China", {"system": CLOUD}, "whose 'China' is no country"),
        ("chips_outside.XX", {"system": CLOUD}, "whose 'XX' is no country"),
        ("chips", {"system": "huawei-cloudmatrix-38"}, "huawei-cloudmatrix-38"),
        ("joined.BR", {"instrument": "seoul-decl-2024", "date": "2024-05-20"}, "before seoul-decl-2024 was made"),
        ("overlap", {"instruments": ["waico", "mceia"], "date": "2000-01-01"}, "before waico was made"),
    ],
)
def test_wrong_words_and_days_are_refused(desk: Desk, take: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        ask(desk, take, **inputs)
    assert message in str(caught.value)


def test_the_closest_day_is_named(desk: Desk) -> None:
    with pytest.raises(AccordError) as caught:
        ask(desk, "not_joined", instrument="seoul-decl-2024", date="2000-01-01")
    assert caught.value.hint == "the closest day is 2024-05-21"


def test_countries_are_found_in_any_case_and_are_one_answer(desk: Desk) -> None:
    for name in ("joined.kz", "joined.KZ"):
        assert ask(desk, name, instrument="waico", date="2026-11-01").value == 1.0
    first, second = (ask(desk, f"joined.{who}", instrument="waico").identity for who in ("kz", "KZ"))
    assert first == second
    assert ask(desk, "joined.huawei", instrument="mceia").value == 1.0  # a company, though no kind is given


def test_a_whole_list_says_no_of_the_days_it_is_known_of(desk: Desk) -> None:
    asked = {"instrument": "seoul-decl-2024"}
    assert ask(desk, "joined.BR", **asked, date="2024-05-22").value == 0.0
    assert ask(desk, "joined.BR", **asked).value == 0.0  # of no day: the last it is known of
    with pytest.raises(MissingFact, match="whether BR joined"):
        ask(desk, "joined.BR", **asked, date="2099-01-01")


def test_a_denial_speaks_of_its_own_country_alone(sites: Desk) -> None:
    asked = {"date": "2025-05-01", "system": "huawei-atlas-960-superpod"}
    assert ask(sites, "deployments_outside.CN", **asked).value == 0.0
    with pytest.raises(MissingFact, match="tells of huawei-atlas-960-superpod outside US"):
        ask(sites, "chips_outside.US", **asked)


def test_what_stands_nobody_knows_where_is_not_outside_and_a_total_counts_once(desk: Desk) -> None:
    asked = {"system": CLOUD, "date": "2026-11-25"}
    for take in ("deployments_outside.CN", "chips_outside.CN"):
        with pytest.raises(MissingFact, match="outside CN, nor that there is none"):
            ask(desk, take, **asked)
    assert ask(desk, "systems", **asked).value == 1000.0  # the last total holds the earlier one and the customers


def test_a_denial_of_what_is_at_work_says_nothing_of_plans(sites: Desk) -> None:
    asked = {"system": "huawei-atlas-960-superpod", "date": "2025-05-01"}
    assert ask(sites, "chips_outside.CN", **asked).value == 0.0
    assert ask(sites, "chips_outside.CN", **asked).basis == "published"
    with pytest.raises(MissingFact):
        ask(sites, "deployments_outside.CN", **asked, state="planned")


def test_a_sum_keeps_bands_sources_and_says_what_is_left_out(sites: Desk) -> None:
    found = ask(sites, "chips", system="sugon-scalex640")
    assert (found.value, found.low, found.high, found.basis) == (740.0, 700.0, 800.0, "estimate")
    assert found.how.endswith("(1 of 3 deployments state none and are left out: no fewer than this)")
    assert {str(one["id"]) for one in found.sources} == {
        f"deployments/made-up-{site}:{key}" for site in "ab" for key in "SN"
    }
    abroad = ask(sites, "chips_outside.CN", system="sugon-scalex640", date="2025-05-31")
    assert (abroad.value, abroad.exact, abroad.basis) == (100.0, True, "published")
    assert "left out" not in abroad.how
    with pytest.raises(MissingFact, match="outside CN"):  # the month of the only one abroad is not over
        ask(sites, "deployments_outside.CN", system="sugon-scalex640", date="2025-05-30")
    with pytest.raises(MissingFact, match="tells of systems of sugon"):
        ask(sites, "systems", system="sugon-scalex640")


def test_a_count_of_all_is_not_added_to_what_it_counts(tmp_path: Path) -> None:
    (tmp_path / "deployments").mkdir()
    entries = (("early", "2025-04-01", "", 10), ("all", "2025-06-01", "of_all: true", 300), ("late", "2025-07", "", 5))
    for name, start, more, number in entries:
        text = SITE % (name, "sugon-scalex640", "CN", start, more)
        text = text.replace(
            "owner: A firm", f"owner: {name}\nsystems: {{value: {number}, basis: published, source: N}}"
        )
        (tmp_path / "deployments" / f"made-up-{name}.yaml").write_text(text, encoding="utf-8")
    catalog = load_catalog((tmp_path,))
    small = Desk(catalog, (), Law(catalog))
    for day, value in (("2025-05-01", 10.0), ("2025-06-01", 300.0), ("2025-08-01", 305.0)):
        assert ask(small, "systems", system="sugon-scalex640", date=day).value == value
    found = ask(small, "systems", system="sugon-scalex640")
    assert found.how.endswith("(1 of 3 deployments are among those that another counts)")


def test_the_shipped_count_of_all_holds_the_customers(desk: Desk) -> None:
    assert ask(desk, "systems", system=CLOUD, date="2026-11-01").value == 1000.0


def test_a_chip_stands_where_systems_of_it_do(desk: Desk) -> None:
    asked = {"date": "2026-11-01"}
    chip = desk.catalog.system("nvidia-gb200-nvl72").chip
    of_chip = ask(desk, "deployments_outside.US", system=chip, **asked).value
    of_system = ask(desk, "deployments_outside.US", system="nvidia-gb200-nvl72", **asked).value
    assert of_chip >= of_system >= 1.0

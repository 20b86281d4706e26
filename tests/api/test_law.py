"""The law over the catalog: what is told of deals whose sender is not, and of parties on unverified rules."""

from __future__ import annotations

import datetime

import pytest

from accord.api.law import Law, classify_system
from accord.base.errors import CatalogError, MissingFact
from accord.catalog.load import load_catalog
from accord.policy.deal import Deal
from accord.policy.facts import FactValue

LAW = Law(load_catalog())


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("item", "deal", "on", "outcome"),
    [
        ("nvidia-h100-sxm", Deal(buyer="CN", hq="CN"), "2024-06-01", "licence:presumption_of_denial"),
        ("huawei-ascend-910c", Deal(buyer="MY", hq="MY"), "2025-06-01", "prohibited:GP10_presumption"),
        ("nvidia-h200-sxm", Deal(seller="TW", buyer="US", hq="CN"), "2026-02-01", "no_licence"),
        ("nvidia-hgx-h100-8", Deal(seller="US", buyer="DE", hq="DE"), "2024-06-01", "no_licence"),
    ],
)
def test_ways_that_lead_to_one_answer_need_not_be_told(item: str, deal: Deal, on: str, outcome: str) -> None:
    nobody: dict[str, FactValue] = {"consignee_listed": "no", "consignee_listed_share": 0.0}
    told = Deal(seller=deal.seller, buyer=deal.buyer, hq=deal.hq, more=nobody)
    assert classify_system(LAW, item, told, day(on)).verdict.outcome == outcome


def test_ways_that_differ_are_named() -> None:
    nobody: dict[str, FactValue] = {"consignee_listed": "no", "consignee_listed_share": 0.0}
    found = classify_system(LAW, "nvidia-h100-sxm", Deal(more=nobody), day("2024-06-01")).verdict
    assert "depends:from" in found.outcome
    assert "transaction" not in found.deciding


def test_a_rule_nobody_checked_never_hides_one_that_stands() -> None:
    listed: dict[str, FactValue] = {"consignee_listed": "yes", "consignee_listed_share": 0.6}
    deal = Deal(seller="US", buyer="NL", hq="NL", exporter="other", more=listed)
    assert not classify_system(LAW, "nvidia-t4", deal, day("2026-11-20")).verdict.outcome.startswith("check:")
    owned = Deal(seller="US", buyer="NL", hq="NL", exporter="other", more={**listed, "consignee_listed": "no"})
    assert classify_system(LAW, "nvidia-t4", owned, day("2026-11-20")).verdict.outcome == "check:2026-11-10"


def test_what_is_neither_chip_nor_system_and_a_system_without_a_chip() -> None:
    with pytest.raises(CatalogError, match="neither a chip nor a system"):
        LAW.item("deepseek-v3")
    with pytest.raises(CatalogError, match="not in the catalog"):
        LAW.item("nvidia-h1000")
    nameless = next(id for id in LAW.catalog.ids("systems") if LAW.catalog.system(id).chip is None)
    with pytest.raises(MissingFact, match="names no chip"):
        LAW.item(nameless)


def test_books_are_compiled_once_a_day() -> None:
    assert LAW.book(day("2024-06-01")) is LAW.book(day("2024-06-01"))
    assert LAW.book(day("2024-06-01"), {"3A090.a.tpp": 6000.0}) is not LAW.book(day("2024-06-01"))
    assert LAW.maker("nobody") is None

"""What the countries of a deal, and whose law follows the item, make of the transaction."""

from __future__ import annotations

import pytest

from accord.policy.deal import Deal, deal_facts, moves
from accord.policy.facts import FactValue


@pytest.mark.parametrize(
    "seller, buyer, origin, transaction",
    [
        ("US", "CN", "US", "export_from_us"), ("US", "CN", "CN", "export_from_us"),
        ("US", "CN", None, "export_from_us"), ("US", "US", "US", "domestic"), ("US", "US", None, "domestic"),
        ("CN", "CN", "US", "in_country_transfer"), ("CN", "CN", "CN", "domestic"), ("CN", "CN", None, None),
        ("SG", "CN", "US", "reexport"), ("CN", "MY", "CN", "export_from_cn"), ("CN", "MY", None, None),
        (None, "CN", "US", None), ("US", None, "US", None), (None, None, None, None),
        ("TW", "US", "US", "export_from_tw"), ("TW", "US", None, "export_from_tw"),
        ("MY", "CN", "CN", "export_from_my"),
    ],
)  # fmt: skip
def test_transactions(seller: str | None, buyer: str | None, origin: str | None, transaction: str | None) -> None:
    item: dict[str, FactValue] = {"tpp": 4000.0} if origin is None else {"tpp": 4000.0, "origin": origin}
    facts = deal_facts(Deal(seller=seller, buyer=buyer), item)
    assert facts.get("transaction") == transaction
    assert facts.get("destination") == buyer
    assert facts["tpp"] == 4000.0


def test_the_law_of_the_designer_follows_the_item_unless_the_item_says_otherwise() -> None:
    deal = Deal(seller="SG", buyer="CN")
    assert deal_facts(deal, {"designer_hq": "US"})["origin"] == "US"
    assert deal_facts(deal, {"designer_hq": "US"})["transaction"] == "reexport"
    assert deal_facts(deal, {"designer_hq": "US", "origin": "CN"})["transaction"] == "export_from_sg"


def test_what_is_told_of_the_deal() -> None:
    deal = Deal(seller="US", buyer="SG", hq="CN", exporter="nvidia", more={"consignee_listed": "no"})
    assert deal_facts(deal, {}) == {
        "destination": "SG", "hq": "CN", "exporter": "nvidia", "transaction": "export_from_us",
        "consignee_listed": "no",
    }  # fmt: skip
    assert deal_facts(Deal(), {}) == {}


def test_a_transaction_that_is_told_counts_for_more_than_the_countries() -> None:
    deal = Deal(seller="US", buyer="CN", transaction="use_or_service")
    assert deal_facts(deal, {})["transaction"] == "use_or_service"
    assert deal_facts(Deal(more={"transaction": "domestic"}, transaction="reexport"), {})["transaction"] == "domestic"


def test_ways_a_deal_could_go_where_the_sender_or_the_origin_is_not_told() -> None:
    assert moves(Deal(seller="US", buyer="CN"), {}) == ()
    assert moves(Deal(buyer="CN", transaction="reexport"), {}) == ()
    assert moves(Deal(seller="US"), {}) == ()
    american = moves(Deal(buyer="CN"), {"designer_hq": "US"})
    assert american == ("export_from_us", "in_country_transfer", "reexport")
    chinese = moves(Deal(buyer="MY"), {"designer_hq": "CN"})
    assert chinese == ("export_from_us", "domestic", "export_from_--")
    assert moves(Deal(seller="SG", buyer="MY"), {}) == ("reexport", "export_from_sg")

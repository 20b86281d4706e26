"""The answer of ``accord policy party``: result, sources, tables, and how the affiliates rule stands on a day."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest

from accord.api.law import Law
from accord.api.policy_party import AFFILIATES, PartyAnswer, party_answer
from accord.catalog.load import load_catalog
from accord.catalog.party import Holding
from accord.catalog.value import Value
from accord.report.party_view import percent
from accord.report.tables import to_text
from accord.report.to_json import to_bytes


@pytest.fixture(scope="module")
def law() -> Law:
    return Law(load_catalog())


def ask(law: Law, name: str, day: str) -> tuple[dict[str, Any], PartyAnswer]:
    answer = party_answer(name, datetime.date.fromisoformat(day), law)
    return dict(answer.result), answer


def text_of(answer: PartyAnswer) -> str:
    return "\n".join(to_text(table) for table in answer.tables)


def test_a_listed_party(law: Law) -> None:
    result, answer = ask(law, "华为", "2025-05-01")
    assert answer.known
    assert result["party"]["id"] == "huawei"
    assert (result["status"], result["restricted"]) == ("listed", True)
    entity = result["listings"][0]
    assert (entity["list"], entity["start"], entity["phase"]) == ("entity-list", "2019-05-16", "holds")
    assert entity["licence_follows"] is True
    assert {cite["tier"] for cite in entity["cites"]} >= {"primary", "law-firm"}
    assert result["facts"]["consignee_listed"] == "yes"
    assert result["not_checked"]
    assert "2025-05-01" in result["disclaimer"]
    keys = {source["id"] for source in answer.sources}
    cited = {cite["source"] for one in result["listings"] for cite in one["cites"]}
    assert {f"parties/huawei:{key}" for key in cited} <= keys
    assert "entity-list since 2019-05-16" in text_of(answer)
    to_bytes(result)


def test_listings_before_and_after_the_day(law: Law) -> None:
    early, _ = ask(law, "huawei", "2019-01-01")
    assert {one["phase"] for one in early["listings"]} == {"not_yet"}
    assert early["says"].startswith("not listed as of 2019-01-01")
    ended, answer = ask(law, "ZTE", "2025-05-01")
    assert {one["phase"] for one in ended["listings"]} == {"ended"}
    assert "no list of the catalog has it" in text_of(answer)


def test_owners_and_their_sum(law: Law) -> None:
    result, answer = ask(law, "nexperia", "2025-10-10")
    assert [(one["id"], one["share"]) for one in result["owners"]] == [("wingtech", 1.0)]
    assert result["owners"][0]["status"].startswith("listed: entity-list")
    assert result["listed_share"] == {"low": 1.0, "high": 1.0}
    assert "by its owners it reaches this party" in text_of(answer)
    assert f"instruments/{AFFILIATES}:" in " ".join(str(source["id"]) for source in answer.sources)


def test_an_owner_that_the_catalog_has_not(law: Law) -> None:
    result, _ = ask(law, "minimax", "2026-02-01")
    owners = {one["owner"]: one for one in result["owners"]}
    assert owners["miHoYo"]["status"] == "not screened"
    assert owners["miHoYo"]["id"] is None


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2025-09-28", "not in force on this day"),
        ("2025-10-10", "in force since 2025-09-29, until 2025-11-10"),
        ("2026-01-01", "suspended since 2025-11-10, until 2026-11-10"),
        ("2026-11-25", "check:2026-11-10, nobody has checked whether it holds"),
    ],
)
def test_the_affiliates_rule_on_a_day(law: Law, day: str, words: str) -> None:
    result, _ = ask(law, "tsmc", day)
    rule = next(one["text"] for one in result["rules"] if one["rule"] == "affiliates rule")
    assert rule.startswith(words)
    assert "whether it reaches this party is not known" in rule


def test_owners_that_are_known_keep_a_party_clear(law: Law) -> None:
    whole = Value(number=1.0, unit="1", basis="assumed", source="S")
    itself = Holding(owner="p", share=whole, source="S", basis="assumed")
    self_owned = msgspec.structs.replace(
        law.parties[0], id="p", name="P", aliases=(), listings=(), owners=(itself,), unlisted_as_of="2027-01-01"
    )
    small = Law(law.catalog)
    small.__dict__["parties"] = (self_owned,)
    result, _ = ask(small, "p", "2025-10-10")
    assert result["listed_share"]["high"] < 0.5
    assert any("it does not reach this party" in one["text"] for one in result["rules"])


def test_a_catalog_without_the_rule_of_shares(law: Law) -> None:
    small = Law(law.catalog)
    small.__dict__["instruments"] = tuple(one for one in law.instruments if one.id != AFFILIATES)
    result, answer = ask(small, "huawei", "2025-10-10")
    assert any(one["text"].startswith("not in the catalog") for one in result["rules"])
    assert all(str(source["id"]).startswith("parties/") for source in answer.sources)


def test_a_name_nobody_has_is_not_screened(law: Law) -> None:
    result, answer = ask(law, "Huawai", "2025-10-10")
    assert not answer.known
    assert (result["party"], result["status"], result["restricted"]) == (None, "not screened", None)
    assert result["closest"] == ["huawei"]
    assert (result["listed_share"], result["owners"], result["listings"], answer.sources) == (None, [], [], ())
    shown = text_of(answer)
    assert "not screened" in shown
    assert "accord policy party huawei" in shown
    assert "clear" not in shown.lower()


def test_every_party_answers_on_many_days(law: Law) -> None:
    for party in law.parties:
        for day in ("2018-01-01", "2022-11-01", "2025-10-10", "2026-11-25"):
            result, answer = ask(law, party.id, day)
            assert answer.known
            assert result["party"]["id"] == party.id
            to_bytes(result)


def test_shares_are_written_in_per_cent() -> None:
    assert [percent(share) for share in (0.0, 0.2796, 0.5, 1.0)] == ["0 %", "27.96 %", "50 %", "100 %"]

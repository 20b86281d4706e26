"""Class and outcome through time: the days on which rules change, and one answer for each stretch between them."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Mapping

import pytest

from accord.api.law import Law
from accord.catalog.load import load_catalog
from accord.policy.classify import Verdict, classify
from accord.policy.deal import Deal, deal_facts
from accord.policy.facts import FactValue
from accord.policy.history import Period, breakpoints, deciding_hits, first_rule, history, last_read

DAY = datetime.timedelta(days=1)
ITEMS = ("nvidia-h20", "nvidia-a100-sxm-80", "huawei-ascend-910c", "nvidia-hgx-h200-8")


@functools.cache
def law() -> Law:
    return Law(load_catalog())


def facts(id: str) -> dict[str, FactValue]:
    deal = Deal(seller="US", buyer="CN", hq="CN", exporter="nvidia", more={"consignee_listed": "no"})
    return deal_facts(deal, law().item(id).facts)


def asked(known: Mapping[str, FactValue]) -> Callable[[datetime.date], Verdict]:
    return lambda day: classify(law().book(day), known)


@functools.cache
def periods(id: str) -> tuple[Period, ...]:
    days = breakpoints(law().instruments, law().groups)
    return history(asked(facts(id)), days, last_read(law().instruments))


@pytest.mark.parametrize("id", ITEMS)
def test_periods_follow_one_another_and_differ(id: str) -> None:
    found = periods(id)
    assert found[0].start is None
    assert found[-1].until is None
    for one, other in zip(found, found[1:], strict=False):
        assert one.until == other.start
        assert (one.eccn, one.outcome, one.importer, one.deciding) != (
            other.eccn, other.outcome, other.importer, other.deciding,
        )  # fmt: skip


@pytest.mark.parametrize("id", ITEMS)
def test_each_period_answers_as_its_first_and_its_last_day(id: str) -> None:
    for one in periods(id):
        days = [one.start, one.until - DAY if one.until else None]
        for day in (day for day in days if day is not None):
            verdict = classify(law().book(day), facts(id))
            assert (verdict.eccn, verdict.outcome, verdict.importer) == (one.eccn, one.outcome, one.importer)


def test_days_between_changes_answer_as_their_period() -> None:
    found = periods("nvidia-h20")
    for at in range(0, 1800, 97):
        day = datetime.date(2022, 1, 1) + at * DAY
        one = next(
            one for one in found if (one.start is None or one.start <= day) and (not one.until or day < one.until)
        )
        assert classify(law().book(day), facts("nvidia-h20")).outcome == one.outcome


def test_breakpoints_are_those_of_export_and_import_rules_and_groups() -> None:
    days = breakpoints(law().instruments, law().groups)
    assert list(days) == sorted(set(days))
    texts = {day.isoformat() for day in days}
    # starts, ends, compliance, publication, a country that left a group
    assert {"2023-11-17", "2025-11-10", "2026-11-10", "2026-11-27", "2024-12-31", "2023-10-17", "2025-11-07"} <= texts
    assert "2025-08-02" not in texts  # of AI law alone
    assert set(breakpoints(law().instruments)) < set(days)


def test_a_restated_text_is_one_period_with_both_rules() -> None:
    one = next(one for one in periods("nvidia-a100-sxm-80") if one.start == datetime.date(2023, 11, 17))
    assert {"us-ear-3a090-2023/3A090.a", "us-ear-3a090-2024/3A090.a"} <= set(one.rules)


def test_what_begins_after_the_last_reading_is_marked() -> None:
    last = last_read(law().instruments)
    assert last is not None
    read = datetime.date(2026, 11, 1)
    known = {**facts("nvidia-a100-sxm-80"), "consignee_listed_share": 0.6}
    found = history(asked(known), breakpoints(law().instruments), read)
    assert [one.beyond for one in found] == [one.start is not None and one.start > read for one in found]
    assert any(one.beyond for one in found)
    assert last_read(()) is None


def test_nobody_has_checked_is_said_where_it_decides() -> None:
    known = deal_facts(
        Deal(seller="CN", buyer="US", hq="US"),
        {"item_type": "material", "material": frozenset({"gallium"}), "origin": "CN"},
    )
    found = history(asked(known), breakpoints(law().instruments))
    last = found[-1]
    assert (last.start, last.outcome) == (datetime.date(2026, 11, 27), "check:2026-11-27")


def test_without_changes_there_is_one_period() -> None:
    assert len(history(asked(facts("nvidia-h20")), ())) == 1


def test_deciding_rules_are_the_class_then_what_counts() -> None:
    verdict = classify(law().book(datetime.date(2024, 6, 1)), facts("nvidia-a100-sxm-80"))
    assert [hit.rule.id for hit in deciding_hits(verdict)] == [
        "us-ear-3a090-2024/3A090.a", "us-ear-3a090-2024/denial",
    ]  # fmt: skip


def test_the_first_rule_is_told_by_what_it_is_about() -> None:
    first = first_rule(law().instruments)
    assert first is not None
    assert first <= datetime.date(2022, 8, 26)
    assert first_rule(()) is None

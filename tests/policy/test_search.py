"""What missing facts could be is tried up to a limit; beyond it nothing is called settled."""

from __future__ import annotations

import pytest
from tests.policy import small

from accord.policy import classify as module
from accord.policy.classify import UNKNOWN_CLASS, classify
from accord.policy.facts import FactValue, Uncertain
from accord.policy.logic import UNKNOWN
from accord.policy.unknowns import cases

BOOK = small.book(small.instrument(small.CLASS_A, small.DENIED), groups=(small.D5,))
DEAL: dict[str, FactValue] = {"item_type": "ic", "transaction": "export_from_us", "hq": "CN", "destination": "CN"}


@pytest.mark.parametrize("most", [0, 1, 2])
def test_a_search_that_is_cut_short_settles_nothing(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    facts: dict[str, FactValue] = {**DEAL, "performance_density": 7.0}
    whole = classify(BOOK, facts)
    monkeypatch.setattr(module, "MOST_PASSES", most)
    short = classify(BOOK, facts)
    assert short.eccn == UNKNOWN_CLASS
    assert short.outcome == whole.outcome == "depends:tpp"
    assert short.deciding == whole.deciding == ("tpp",)


def test_what_would_be_settled_is_not_when_the_search_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    facts: dict[str, FactValue] = {**DEAL, "tpp": 5000.0}
    settled: dict[str, FactValue] = {"tpp": 1000.0, "item_type": "ic"}
    assert classify(BOOK, settled).outcome == "no_licence"
    assert classify(BOOK, {**facts, "performance_density": 1.0}).outcome == "licence:presumption_of_denial"
    monkeypatch.setattr(module, "MOST_PASSES", 0)
    assert classify(BOOK, {key: value for key, value in facts.items() if key != "hq"}).outcome == (
        "licence:presumption_of_denial"  # no rule is unknown, nothing is tried
    )
    assert classify(BOOK, {"tpp": 5000.0}).outcome == "depends:destination|depends:hq"


def test_comparisons_of_an_unknown_class_are_unknown() -> None:
    found = classify(BOOK, DEAL)
    assert found.eccn == UNKNOWN_CLASS
    asked = [leaf for rule in found.explained() for leaf in rule.leaves if leaf.fact == "class"]
    assert asked
    assert all(leaf.value is None and leaf.result == UNKNOWN for leaf in asked)


def test_two_uncertain_parts_of_a_ratio_leave_it_open() -> None:
    facts: dict[str, FactValue] = {"tpp": Uncertain(2050.0, 1700.0, 2390.0), "die_area": Uncertain(710.0, 700.0, 720.0)}
    dense = small.rule(
        "dense", "class", "class", "3A090.b", when={"fact": "performance_density", "op": ">=", "param": "pd"},
        params={"pd": 3.2},
    )  # fmt: skip
    verdict = classify(small.book(small.instrument(dense)), facts)
    assert (verdict.eccn, verdict.deciding) == ("unknown", ("performance_density",))
    sure = classify(small.book(small.instrument(dense)), {**facts, "tpp": Uncertain(2050.0, 2000.0, 2100.0)})
    assert sure.eccn == "none"


def test_what_crosses_no_border_is_not_imported() -> None:
    duty = small.rule("duty", "duty", "duty", "25pct", scope={"transactions": ["import_into_us"]})
    some = small.book(small.instrument(duty))
    asked = {"export_from_tw": "duty:25pct", "domestic": "no_rule", "use_or_service": "no_rule"}
    for transaction, importer in asked.items():
        assert classify(some, {"destination": "US", "transaction": transaction}).importer == importer


def test_a_number_that_no_comparison_asks_has_one_case() -> None:
    rules = BOOK.stage("class")
    assert [case.value for case in cases("process_nm", {"tpp": 10.0}, rules)] == [1.0]

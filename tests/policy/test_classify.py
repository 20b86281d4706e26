"""From facts to class and outcome: stages, strictness, overrides, and what missing facts leave open."""

from __future__ import annotations

import datetime

import pytest
from tests.policy.small import AT_LEAST, CLASS_A, D5, DENIED, LETTER, book, group, instrument, rule

from accord.policy.branches import branches
from accord.policy.classify import INSUFFICIENT, classify
from accord.policy.facts import FactValue, Uncertain, completed

BOOK = book(instrument(CLASS_A, DENIED, LETTER), groups=(D5,))
TO_CHINA: dict[str, FactValue] = {"destination": "CN", "hq": "CN", "exporter": "nvidia", "item_names": frozenset({"x"})}


def ask(**facts: FactValue) -> tuple[str, str]:
    verdict = classify(BOOK, {**TO_CHINA, **facts})
    return verdict.eccn, verdict.outcome


def test_class_and_licence() -> None:
    assert ask(tpp=4800.0) == ("3A090.a", "licence:presumption_of_denial")
    assert ask(tpp=4799.0, die_area=4000.0) == ("none", "no_licence")
    assert ask(tpp=1600.0, die_area=1600.0 / 5.92) == ("3A090.a", "licence:presumption_of_denial")
    assert ask(tpp=4800.0, destination="DE", hq="DE") == ("3A090.a", "no_licence")
    assert ask(tpp=4800.0, destination="DE") == ("3A090.a", "licence:presumption_of_denial")


def test_a_letter_binds_its_addressee_alone() -> None:
    h20 = frozenset({"nvidia", "h20"})
    assert ask(tpp=2368.0, die_area=814.0, item_names=h20) == ("none", "licence:is_informed")
    assert ask(tpp=2368.0, die_area=814.0, item_names=h20, exporter="amd") == ("none", "no_licence")


def test_an_unstated_addressee_decides() -> None:
    facts: dict[str, FactValue] = {
        "destination": "CN", "hq": "CN", "tpp": 2368.0, "die_area": 814.0, "item_names": frozenset({"h20"})
    }  # fmt: skip
    verdict = classify(BOOK, facts)
    assert (verdict.eccn, verdict.outcome, verdict.deciding) == ("none", "depends:exporter", ("exporter",))
    found = [(branch.words, branch.outcome) for branch in branches(BOOK, facts, "exporter")]
    assert found == [(("nvidia",), "licence:is_informed"), ((), "no_licence")]


def test_one_missing_figure_decides_and_says_where() -> None:
    facts = {**TO_CHINA, "tpp": 2400.0}
    verdict = classify(BOOK, facts)
    assert (verdict.eccn, verdict.outcome) == ("unknown", "depends:die_area")
    small, large = branches(BOOK, facts, "die_area")
    assert (small.low, small.eccn) == (None, "3A090.a")
    assert small.high == pytest.approx(2400.0 / 5.92)
    assert small.with_high
    assert (large.high, large.eccn, large.with_low) == (None, "none", False)


def test_a_missing_figure_that_changes_nothing_is_no_matter() -> None:
    assert ask(tpp=15832.0) == ("3A090.a", "licence:presumption_of_denial")
    assert classify(BOOK, {**TO_CHINA, "tpp": 15832.0}).deciding == ()
    verdict = classify(BOOK, {"destination": "DE", "hq": "DE", "exporter": "nvidia", "item_names": frozenset()})
    assert (verdict.eccn, verdict.outcome) == ("unknown", "no_licence")


def test_two_missing_figures_are_insufficient() -> None:
    assert ask() == ("unknown", INSUFFICIENT)


def test_missing_countries_are_named() -> None:
    verdict = classify(BOOK, {"tpp": 5000.0, "exporter": "nvidia", "item_names": frozenset({"x"})})
    assert verdict.eccn == "3A090.a"
    assert set(verdict.deciding) == {"destination", "hq"}
    assert verdict.outcome == "depends:destination|depends:hq"


def test_an_uncertain_figure_decides_only_where_its_interval_holds_the_threshold() -> None:
    assert ask(tpp=Uncertain(6000.0, 5000.0, 7000.0))[0] == "3A090.a"
    assert ask(tpp=Uncertain(4900.0, 4700.0, 5100.0), die_area=4000.0) == ("unknown", "depends:tpp")


def test_a_country_nobody_knows_of_decides() -> None:
    some = book(instrument(CLASS_A, DENIED), groups=(group("D:5", "CN", complete=False, outside=("DE",)),))
    facts: dict[str, FactValue] = {"tpp": 5000.0, "hq": "DE"}
    assert classify(some, {**facts, "destination": "DE"}).outcome == "no_licence"
    assert classify(some, {**facts, "destination": "CN"}).outcome == "licence:presumption_of_denial"
    assert classify(some, {**facts, "destination": "FR"}).outcome == "depends:destination"


def test_the_strictest_counts_and_overrides_take_its_place() -> None:
    case = rule(
        "case", "licence", "licence", "case_by_case", when={"fact": "tpp", "op": "<", "param": "cap"},
        params={"cap": 6000}, overrides=["law/denial"], then={"conditions": ["a test in the US"]},
    )  # fmt: skip
    some = book(instrument(CLASS_A, DENIED, case), groups=(D5,))
    verdict = classify(some, {**TO_CHINA, "tpp": 5000.0})
    assert (verdict.outcome, verdict.conditions) == ("licence:case_by_case", ("a test in the US",))
    assert classify(some, {**TO_CHINA, "tpp": 7000.0}).outcome == "licence:presumption_of_denial"
    plain = rule("plain", "licence", "licence", "required")
    assert classify(book(instrument(CLASS_A, DENIED, plain), groups=(D5,)), {**TO_CHINA, "tpp": 7000.0}).outcome == (
        "licence:presumption_of_denial"
    )


def test_permission_ends_the_matter_and_an_exception_joins_a_licence() -> None:
    barred = rule("barred", "licence", "prohibited", "GP10_presumption")
    test = rule(
        "test", "licence", "permitted", "technical_analysis",
        when={"fact": "transaction", "op": "is", "value": "destructive_test_or_evaluation"},
    )  # fmt: skip
    some = book(instrument(barred, test))
    assert classify(some, {"transaction": "use_or_service"}).outcome == "prohibited:GP10_presumption"
    assert classify(some, {"transaction": "destructive_test_or_evaluation"}).outcome == "permitted:technical_analysis"
    licence, nac = (
        rule("licence", "licence", "licence", "required"),
        rule("nac", "exception", "exception", "NAC_notify"),
    )
    assert classify(book(instrument(licence, nac)), {}).outcome == "licence:required|exception:NAC_notify"
    assert classify(book(instrument(nac)), {}).outcome == "no_licence"
    assert classify(book(instrument(barred, nac)), {}).outcome == "prohibited:GP10_presumption"


def test_an_unverified_rule_answers_check_where_it_would_decide() -> None:
    unsure = rule("unsure", "licence", "licence", "required", spans=[{"start": "2024-11-10", "standing": "unverified"}])
    assert classify(book(instrument(unsure)), {}).outcome == "check:2024-11-10"
    denied = rule("denied", "licence", "licence", "presumption_of_denial")
    assert classify(book(instrument(unsure, denied)), {}).outcome == "licence:presumption_of_denial"


def test_a_licence_waits_for_its_compliance_day_and_a_class_does_not() -> None:
    late = [{"start": "2024-01-01", "compliance": "2025-05-15"}]
    some = instrument({**CLASS_A, "spans": late}, {**DENIED, "spans": late})
    early, after = (book(some, groups=(D5,), day=datetime.date(2025, month, 20)) for month in (1, 6))
    facts: dict[str, FactValue] = {**TO_CHINA, "tpp": 5000.0}
    assert classify(early, facts).eccn == classify(after, facts).eccn == "3A090.a"
    assert classify(early, facts).outcome == "no_licence"
    assert classify(after, facts).outcome == "licence:presumption_of_denial"


def test_before_the_first_rule_and_beside_a_published_text() -> None:
    old = rule("3A090", "class", "class", "3A090", when=AT_LEAST, params={"tpp": 9000})
    old["spans"] = [{"start": "2024-01-01", "until": "2025-02-01"}]
    new = {**CLASS_A, "spans": [{"start": "2025-02-01"}]}
    texts = instrument(old, id="old", text="3A090(2022)"), instrument(new, id="new", published="2024-12-01")
    days = [datetime.date(2023, 6, 1), datetime.date(2024, 6, 1), datetime.date(2025, 1, 1), datetime.date(2025, 2, 1)]
    found = [classify(book(*texts, day=day), {"tpp": 5000.0}).eccn for day in days]
    assert found == ["not_3A090_yet", "none", "3A090(2022):none", "3A090.a"]
    assert classify(book(*texts, day=days[2]), {"tpp": 100.0}).eccn == "none"
    assert classify(book(*texts, day=days[2]), {"tpp": 9000.0}).eccn == "3A090"


def test_a_system_follows_its_chips_under_another_number() -> None:
    follows = rule("4A090", "follows", "follows", "4A090", scope={"items": ["system"]})
    some = book(instrument(CLASS_A, DENIED, follows), groups=(D5,))
    verdict = classify(some, {**TO_CHINA, "tpp": 5000.0, "item_type": "system"})
    assert (verdict.eccn, verdict.chip_eccn, verdict.outcome) == ("4A090.a", "3A090.a", "licence:presumption_of_denial")
    assert classify(some, {**TO_CHINA, "tpp": 5000.0, "item_type": "ic"}).eccn == "3A090.a"


def test_a_presumption_decides_the_class() -> None:
    named = rule(
        "named", "presumption", "presumed", "3A090(presumed)",
        when={"fact": "item_names", "op": "meets", "among": ["910d"]},
    )  # fmt: skip
    some = book(instrument(CLASS_A, named))
    assert classify(some, {"item_names": frozenset({"ascend", "910d"})}).eccn == "3A090(presumed)"
    assert classify(some, {"tpp": 5000.0, "item_names": frozenset()}).eccn == "3A090.a"
    assert classify(some, {"tpp": 5000.0}).eccn == "unknown"


def test_the_importers_side_is_its_own() -> None:
    discouraged = rule(
        "h20", "import", "restricted", "large platforms are told to stop",
        scope={"transactions": ["import_into_cn"]}, when={"fact": "large_platform", "op": "is", "value": "yes"},
        then={"leaves_a_way": True},
    )  # fmt: skip
    some = book(instrument(CLASS_A, DENIED, discouraged), groups=(D5,))
    facts: dict[str, FactValue] = {**TO_CHINA, "tpp": 100.0, "transaction": "export_from_us"}
    assert classify(some, {**facts, "large_platform": "yes"}).importer.startswith("restricted:")
    assert classify(some, {**facts, "large_platform": "no"}).importer == "no_rule"
    open_ = classify(some, facts)
    assert (open_.outcome, open_.importer, open_.importer_deciding) == (
        "no_licence", "depends:large_platform", ("large_platform",),
    )  # fmt: skip
    assert classify(some, {**facts, "destination": "DE"}).importer == "no_rule"
    nowhere = {name: value for name, value in facts.items() if name != "destination"}
    assert classify(some, nowhere).importer == "depends:destination"


def test_the_trace_names_what_was_compared() -> None:
    verdict = classify(BOOK, {**TO_CHINA, "tpp": 5000.0})
    traces = {trace.rule.id: trace for trace in verdict.explained()}
    first = traces["law/3A090.a"].leaves[0]
    assert (first.fact, first.threshold, first.value, first.result) == ("tpp", 4800.0, 5000.0, 2)
    assert first.margin == pytest.approx(5000.0 / 4800.0 - 1.0)
    assert traces["law/denial"].leaves[-1].value == "3A090.a"


def test_a_what_if_moves_one_threshold() -> None:
    some = book(instrument(CLASS_A, DENIED), groups=(D5,), what_if={"3A090.a.tpp": 6000.0})
    assert classify(some, {**TO_CHINA, "tpp": 5000.0, "die_area": 4000.0}).eccn == "none"


def test_many_missing_facts_end_in_time() -> None:
    verdict = classify(BOOK, {})
    assert set(verdict.deciding) >= {"tpp", "destination"}
    assert completed({}) == {}


def test_a_letter_that_holds_bars_a_deal_whatever_the_class_turns_out_to_be() -> None:
    named = frozenset({"nvidia", "h20"})
    verdict = classify(BOOK, {**TO_CHINA, "item_names": named})
    assert (verdict.eccn, verdict.outcome) == ("unknown", "licence:is_informed")
    assert set(verdict.deciding) == {"tpp", "die_area"}


def test_no_exception_stands_beside_a_letter() -> None:
    nac = rule("nac", "exception", "exception", "NAC_notify")
    some = book(instrument(CLASS_A, DENIED, LETTER, nac), groups=(D5,))
    assert classify(some, {**TO_CHINA, "tpp": 5000.0}).outcome == "licence:presumption_of_denial|exception:NAC_notify"
    named: dict[str, FactValue] = {**TO_CHINA, "tpp": 10.0, "die_area": 9.0, "item_names": frozenset({"h20"})}
    assert classify(some, named).outcome == "licence:is_informed"


def test_an_exception_that_may_be_there_is_named_and_not_granted() -> None:
    hbm = rule(
        "hbm", "exception", "exception", "HBM", when={"fact": "memory_density", "op": "<", "param": "most"},
        params={"most": 3.3},
    )  # fmt: skip
    some = book(instrument(CLASS_A, DENIED, hbm), groups=(D5,))
    verdict = classify(some, {**TO_CHINA, "tpp": 5000.0})
    assert (verdict.outcome, verdict.deciding) == ("licence:presumption_of_denial", ("package_area",))
    both = "licence:presumption_of_denial|exception:HBM"
    assert classify(some, {**TO_CHINA, "tpp": 5000.0, "memory_density": 2.0}).outcome == both


def test_none_is_none_whichever_text_it_is_none_under() -> None:
    marketed = {"fact": "datacenter_marketed", "op": "is", "value": "yes"}
    old = rule("3A090", "class", "class", "3A090", when=AT_LEAST, params={"tpp": 9000})
    new = rule("3A090.a", "class", "class", "3A090.a", when=marketed, spans=[{"start": "2025-02-01"}])
    letter = rule("letter", "licence", "licence", "is_informed", when=marketed)
    some = book(
        instrument(old, letter, id="old", text="3A090(2022)"), instrument(new, id="new", published="2024-12-01")
    )
    verdict = classify(some, {"tpp": 10.0})
    assert (verdict.eccn, verdict.outcome) == ("none", "depends:datacenter_marketed")

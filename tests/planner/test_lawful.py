"""Verdicts on systems: who is left, how those that go are counted, and what a plan says of the law."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from accord.planner.lawful import NOT_CHECKED, UNCHECKED, Lawful, LawTerms, ModelLaw, SystemLaw, outcome_of
from accord.policy.gate import Mode, gate

TERMS = LawTerms(mode="licensable", seller="US", buyer="CN", hq="CN", day="2026-02-01")
OUTCOMES = ("no_licence", "licence:case_by_case", "licence:presumption_of_denial", "depends:exporter",
            "licence:required|exception:NAC_notify", "check:2026-11-10", "insufficient_data")  # fmt: skip


def system(name: str, outcome: str, mode: Mode = "licensable", **more: Any) -> SystemLaw:
    kept = gate(outcome, "no_rule", mode, country="CN")
    return SystemLaw(
        system=name, outcome=outcome, importer="no_rule", passes=kept.passes, reason=kept.reason,
        conditions=kept.conditions, deciding=kept.deciding, **more,
    )  # fmt: skip


def test_nothing_is_stopped_where_nobody_asked() -> None:
    assert UNCHECKED.left(("a", "b")) == ("a", "b") and not UNCHECKED.stopped(("a",)) and not UNCHECKED.rejected()
    assert UNCHECKED.words(("a",)) == NOT_CHECKED == outcome_of(UNCHECKED.words(("a",)))
    assert not LawTerms(seller="US", buyer="CN").complete and TERMS.complete
    assert not LawTerms(mode="off", seller="US", buyer="CN", day="2026-02-01").complete


def test_who_is_left_and_why_others_go() -> None:
    found = Lawful(terms=TERMS, systems=(
        system("a", "no_licence"), system("b", "depends:exporter", branches=("exporter nvidia: licence:is_informed",)),
        system("c", "licence:presumption_of_denial"), system("d", "licence:presumption_of_denial"),
    ))  # fmt: skip
    assert found.left(("d", "a", "x")) == ("a", "x")
    assert found.rejected() == {"law: licence:presumption_of_denial": 2, "law: depends:exporter": 1}
    assert found.stopped(("a", "b", "c")) == (
        ("b", "law: depends:exporter; what would decide: exporter (exporter nvidia: licence:is_informed)"),
        ("c", "law: licence:presumption_of_denial"),
    )  # fmt: skip


def test_the_words_of_a_plan() -> None:
    model = ModelLaw(model="m", answer="check", passes=True, reason="check", conditions=("licence: check it",))
    found = Lawful(terms=TERMS, systems=(system("a", "no_licence"), system("b", "licence:case_by_case")), model=model)
    assert found.words(("a",)) == "no_licence (as of 2026-02-01): no rule of CN in the catalog; licence: check it"
    both = found.words(("a", "b"))
    assert both.startswith("a no_licence, b licence:case_by_case (as of 2026-02-01): no rule of CN in the catalog; ")
    assert "licence:case_by_case: a licence is to be applied for" in both and both.endswith("; licence: check it")
    assert outcome_of(both) == "no_licence + licence:case_by_case"
    plain = Lawful(terms=TERMS, systems=(SystemLaw(system="a", outcome="no_licence", importer="no_licence",
                                                   passes=True, reason="no_licence"),))  # fmt: skip
    assert plain.words(("a",)) == "no_licence (as of 2026-02-01)" and plain.words(("z",)) == NOT_CHECKED


def test_a_model_without_rights_stops_every_system() -> None:
    model = ModelLaw(model="m", answer="not_licensed", passes=False, reason="licence of m: not in the EU")
    found = Lawful(terms=TERMS, systems=(system("a", "no_licence"),), model=model)
    assert found.left(("a", "b")) == ()
    assert found.stopped(("a", "b")) == tuple((name, "law: licence of m: not in the EU") for name in "ab")
    assert found.rejected() == {"law: licence of m: not in the EU": 1}


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=6))
def test_strict_leaves_no_more_than_licensable(outcomes: list[str]) -> None:
    names = [f"s{at}" for at in range(len(outcomes))]
    modes: tuple[Mode, ...] = ("strict", "licensable")
    strict, licensable = (
        Lawful(terms=TERMS, systems=tuple(map(system, names, outcomes, [mode] * len(names)))) for mode in modes
    )
    assert set(strict.left(names)) <= set(licensable.left(names))
    for found in (strict, licensable):
        assert len(found.left(names)) + sum(found.rejected().values()) == len(names)
    for one in licensable.systems:
        assert (one.mode is not None) is one.passes
        assert (one.mode == "strict") is (one.system in strict.left(names))

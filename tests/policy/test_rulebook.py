"""The rules of one day: which hold, in which order, from which day they must be kept, and under which digest."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import pytest
from tests.policy import small
from tests.policy.made_up import GROUPS

from accord.base.errors import UsageError
from accord.catalog.instrument import Clause, Instrument, Span
from accord.policy.classify import classify
from accord.policy.facts import FactValue
from accord.policy.logic import CompiledRule
from accord.policy.rulebook import Rulebook, parameters, rulebook

ALWAYS = (Span(start="2023-11-17"),)
LATER = (Span(start="2024-02-01"),)


def rule(name: str, stage: str = "class", kind: str = "class", value: str = "", **more: object) -> dict[str, object]:
    return small.rule(name, stage, kind, value, **{"spans": ALWAYS, **more})


def law(id: str, *rules: dict[str, object], **more: object) -> Instrument:
    return small.instrument(*rules, id=id, **more)


def over(param: str = "tpp") -> Clause:
    return Clause(fact="tpp", op=">=", param=param)


def book(*instruments: Instrument, day: str = "2024-01-01", what_if: Mapping[str, float] | None = None) -> Rulebook:
    return small.book(*instruments, groups=GROUPS, day=datetime.date.fromisoformat(day), what_if=what_if)


def names(rules: tuple[CompiledRule, ...]) -> list[str]:
    return [one.id for one in rules]


def test_class_rules_stand_in_the_order_of_their_limbs() -> None:
    found = book(
        law("a", rule("c", value="3A090.c"), rule("b", value="3A090.b"), rule("licence", "licence", "none")),
        law("b", rule("a", value="3A090.a")),
    )
    assert names(found.stage("class")) == ["b/a", "a/b", "a/c"]
    assert names(found.stage("class", "licence")) == ["b/a", "a/b", "a/c", "a/licence"]
    assert found.stage("class") is found.stage("class")
    assert found.stage("duty") == ()
    assert found.day == datetime.date(2024, 1, 1)


@pytest.mark.parametrize(
    "day, rules, listed",
    [
        ("2024-01-31", [], []), ("2024-02-01", ["a/one"], []), ("2024-02-29", ["a/one"], []),
        ("2024-03-01", [], ["a/one"]), ("2024-04-01", ["a/one"], []), ("2024-05-01", [], []),
    ],
)  # fmt: skip
def test_spans_hold_from_their_first_day_to_the_last(day: str, rules: list[str], listed: list[str]) -> None:
    spans = (
        Span(start="2024-04-01", until="2024-05-01", standing="unverified"),
        Span(start="2024-02-01", until="2024-03-01"),
        Span(start="2024-03-01", until="2024-04-01", standing="suspended"),
    )
    found = book(law("a", rule("one", spans=spans)), day=day)
    assert names(found.rules) == rules
    assert names(found.listed) == listed


def test_whether_any_class_rule_had_begun() -> None:
    one = law("a", rule("one", spans=(Span(start="2024-02-01", until="2024-03-01"),)))
    assert [book(one, day=day).started for day in ("2024-01-31", "2024-02-01", "2024-06-01")] == [False, True, True]
    assert not book(law("a", rule("one", "licence", "none"))).started


def test_texts_that_are_published_and_not_in_force_wait() -> None:
    one = law(
        "a", rule("one", spans=LATER), rule("two", "licence", "none", spans=LATER), published="2024-01-15",
    )  # fmt: skip
    assert [names(book(one, day=day).pending) for day in ("2024-01-14", "2024-01-15", "2024-02-01")] == [
        [],
        ["a/one"],
        [],
    ]
    unknown = law("a", rule("one", spans=LATER))
    assert book(unknown, day="2024-01-20").pending == ()


def test_a_class_below_a_newer_text_is_named_after_the_text_in_force() -> None:
    old = law("a", rule("old", value="3A090", when=over(), params={"tpp": 9000.0}), text="3A090(2022)")
    new = law(
        "b", rule("new", value="3A090.a", spans=LATER, when=over(), params={"tpp": 4800.0}),
        published="2024-01-15", text="3A090(2023)",
    )  # fmt: skip
    for day, tpp, eccn in (
        ("2024-01-14", 5000.0, "none"), ("2024-01-20", 5000.0, "3A090(2022):none"), ("2024-01-20", 9000.0, "3A090"),
        ("2024-01-20", 4000.0, "none"), ("2024-02-01", 5000.0, "3A090.a"),
    ):  # fmt: skip
        facts: dict[str, FactValue] = {"tpp": tpp}
        assert classify(book(old, new, day=day), facts).eccn == eccn


def test_a_duty_must_be_kept_from_its_compliance_day() -> None:
    one = law("a", rule("one", spans=(Span(start="2024-02-01", compliance="2024-06-01"),)), rule("two"))
    for day, kept in (("2024-05-31", [False, True]), ("2024-06-01", [True, True])):
        found = book(one, day=day)
        assert [found.must_be_kept(each) for each in found.rules] == kept


def test_numbers_may_be_changed_by_short_and_by_full_name() -> None:
    one = law("a", rule("one", when=over(), params={"tpp": 4800.0}))
    two = law("b", rule("one", when=over(), params={"tpp": 4800.0}))
    for what_if, expected in (
        ({}, [4800.0, 4800.0]), ({"one.tpp": 6000.0}, [6000.0, 6000.0]), ({"b/one.tpp": 7000.0}, [4800.0, 7000.0]),
        ({"one.tpp": 6000.0, "b/one.tpp": 7000.0}, [6000.0, 7000.0]),
    ):  # fmt: skip
        found = book(one, two, what_if=what_if)
        assert [each.leaves[0].threshold for each in found.rules] == expected


def test_a_parameter_no_rule_has_is_refused() -> None:
    one = law("a", rule("one", when=over(), params={"tpp": 4800.0}))
    with pytest.raises(UsageError, match=r"no rule has the parameter 'one\.tp'") as refused:
        book(one, what_if={"one.tp": 1.0})
    assert "one.tpp" in (refused.value.hint or "")


def test_every_parameter_by_its_full_name() -> None:
    two = rule("two", when=over(), params={"tpp": 2400.0})
    found = parameters([law("a", rule("one", when=over(), params={"tpp": 4800.0}), two)])
    assert {name: value.number for name, value in found.items()} == {"a/one.tpp": 4800.0, "a/two.tpp": 2400.0}


def test_the_digest_is_of_rules_groups_and_changes() -> None:
    one, two = law("a", rule("one", when=over(), params={"tpp": 4800.0})), law("b", rule("two"))
    plain = book(one, two).digest
    assert len(plain) == 64
    assert plain == book(two, one).digest == book(one, two, day="2025-01-01").digest
    assert plain == rulebook([one, two], GROUPS[::-1], datetime.date(2024, 1, 1)).digest
    others = {
        book(one).digest, book(one, two, what_if={"one.tpp": 6000.0}).digest,
        rulebook([one, two], GROUPS[:1], datetime.date(2024, 1, 1)).digest,
        book(law("a", rule("one", when=over(), params={"tpp": 4801.0})), two).digest,
    }  # fmt: skip
    assert len(others) == 4
    assert plain not in others

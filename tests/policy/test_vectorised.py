"""Verdicts and classes over arrays are those of the scalar evaluator, for every rule, gaps among the facts."""

from __future__ import annotations

import datetime
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.columns import columns
from tests.policy.made_up import made_up
from tests.policy.thresholds import Standing, cases, catalog_law, standings, values

from accord.policy.columns import Words, coded, completed_columns
from accord.policy.decide import NOT_YET, export_side
from accord.policy.facts import FactValue, completed
from accord.policy.logic import CompiledRule
from accord.policy.rulebook import rulebook
from accord.policy.vector import classes

LAW = catalog_law()
STAGES = ("class", "presumption", "fallback")


def same(standing: Standing, count: int, random: Random) -> set[int]:
    rule = standing.compiled()
    many = [completed(facts) for facts in cases(standing, count, random)]
    arrays = columns(many)
    found = rule.vectorised(arrays, len(many))
    assert found.dtype == np.int8
    assert found.shape == (len(many),)
    assert found.tolist() == [rule.evaluate(facts)[0] for facts in many], standing.name
    assert found.tolist() == rule.vectorised(coded(arrays), len(many)).tolist()
    return set(found.tolist())


def test_every_rule_of_the_catalog() -> None:
    random = Random(20231117)
    seen = [same(standing, 60, random) for standing in standings(LAW)]
    assert set().union(*seen) == {0, 1, 2}


@given(st.integers(0, 10**9))
def test_random_conditions(seed: int) -> None:
    random = Random(seed)
    same(made_up(random), 10, random)


def test_facts_that_are_nowhere_are_unknown_throughout() -> None:
    for standing in standings(LAW):
        rule = standing.compiled()
        assert rule.vectorised({}, 3).tolist() == [rule.evaluate({})[0]] * 3


def test_no_sets_of_facts() -> None:
    rule: CompiledRule = next(standings(LAW)).compiled()
    assert rule.vectorised(columns([]), 0).shape == (0,)


def test_words_come_back_as_they_were() -> None:
    texts = np.array(["ic", "", "system", "ic"])
    column = Words.of(texts)
    assert sorted(column.words) == ["", "ic", "system"]
    assert column.texts().tolist() == texts.tolist()
    again = coded({"item_type": column, "tpp": np.array([1.0])})
    assert again["item_type"] is column
    assert isinstance(again["tpp"], np.ndarray)


@given(st.integers(0, 10**9))
def test_ratios_follow_from_their_parts(seed: int) -> None:
    random = Random(seed)
    options: dict[str, list[FactValue]] = {
        "tpp": [4800.0, 0.0], "die_area": [814.0, 0.0], "performance_density": [5.0], "dram_bandwidth": [1e12],
        "package_area": [110.0], "modification_flop": [1e24], "original_flop": [1e25, 3e24],
    }  # fmt: skip
    many = [{name: random.choice(known) for name, known in options.items() if random.random() < 0.6} for _ in range(30)]
    found = completed_columns(columns(many))
    for name in ("performance_density", "memory_density", "modification_share"):
        expected = [completed(facts).get(name, np.nan) for facts in many]
        got = found.get(name, np.full(len(many), np.nan))
        assert isinstance(got, np.ndarray)
        np.testing.assert_array_equal(got, np.array(expected, np.float64))


def test_words_are_no_part_of_a_ratio() -> None:
    assert "performance_density" not in completed_columns({"tpp": Words.of(np.array(["a"])), "die_area": np.ones(1)})


def test_classes_of_many_items_on_every_day_of_change() -> None:
    random, seen = Random(20240404), set[str]()
    rules = [rule for one in LAW.instruments for rule in one.rules if rule.stage in STAGES]
    spans = {span.start for rule in rules for span in rule.spans}
    for day in (datetime.date(2022, 1, 1), *map(datetime.date.fromisoformat, sorted(spans))):
        book = rulebook(LAW.instruments, LAW.groups, day)
        many = items(random, [*standings(LAW)], 300)
        found = classes(book, columns(many), len(many)).texts().tolist()
        assert found == [export_side(book, completed(facts)).chip_eccn or "unknown" for facts in many]
        seen |= set(found)
    assert seen >= {NOT_YET, "unknown", "none", "3A090", "3A090.a", "3A090.b", "3A090(presumed)"}


def items(random: Random, rules: list[Standing], count: int) -> list[dict[str, FactValue]]:
    """Facts of items at the thresholds of class rules and presumptions."""
    options: dict[str, list[FactValue]] = {}
    for standing in rules:
        if standing.rule.stage in STAGES:
            for name, known in values(standing).items():
                options.setdefault(name, []).extend(known)
    return [
        {name: random.choice(known) for name, known in options.items() if random.random() < 0.85} for _ in range(count)
    ]

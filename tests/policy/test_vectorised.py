"""Verdicts over arrays are those of the scalar evaluator, for every rule of the catalog, gaps among the facts."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.policy.columns import columns
from tests.policy.made_up import made_up
from tests.policy.thresholds import Standing, cases, catalog_law, standings

from accord.policy.facts import completed
from accord.policy.logic import CompiledRule

LAW = catalog_law()


def same(standing: Standing, count: int, random: Random) -> set[int]:
    rule = standing.compiled()
    many = [completed(facts) for facts in cases(standing, count, random)]
    found = rule.vectorised(columns(many), len(many))
    assert found.dtype == np.int8
    assert found.shape == (len(many),)
    assert found.tolist() == [rule.evaluate(facts)[0] for facts in many], standing.name
    return set(found.tolist())


def test_every_rule_of_the_catalog() -> None:
    random = Random(20231117)
    seen = [same(standing, 100, random) for standing in standings(LAW)]
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

"""Another evaluator, of CEL, gives the same verdict on every rule of the catalog and on random conditions.

Facts lie at the thresholds, on the next numbers beside them, in and out of lists and groups, and are missing at random.
Uncertain numbers are left out: CEL has none.
"""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from accord.policy.facts import completed

pytest.importorskip("cel_expr_python", reason="an evaluator of CEL for this platform is not installed")

from tests.policy import cel
from tests.policy.made_up import made_up
from tests.policy.thresholds import Law, Standing, cases, catalog_law, standings

CASES = 10_000
# Comparisons that cannot come out in a way: (rule, fact, result), with the reason.
IMPOSSIBLE: dict[tuple[str, str, int], str] = {}


@cache
def law() -> Law:
    return catalog_law()


def compare(standing: Standing, count: int, random: Random) -> tuple[int, set[int], list[set[int]]]:
    """Ask both; return how many cases there were, verdicts and results of each leaf that were seen."""
    compiled = standing.compiled()
    whole = cel.Expression(cel.whole(standing.rule))
    parts = [cel.Expression(text) for text in cel.pieces(standing.rule)]
    assert len(parts) == len(compiled.leaves)
    verdicts: set[int] = set()
    seen: list[set[int]] = [set() for _ in parts]
    asked = 0
    for facts in cases(standing, count, random):
        read = cel.activation(facts, standing.groups, standing.day)
        verdict, results = compiled.evaluate(completed(facts))
        assert verdict == whole(read), f"{standing.name}: {facts}\n{whole.text}"
        for part, result, outcomes in zip(parts, results, seen, strict=True):
            assert result == part(read), f"{standing.name}: {facts}\n{part.text}"
            outcomes.add(result)
        verdicts.add(verdict)
        asked += 1
    return asked, verdicts, seen


def test_every_rule_of_the_catalog_says_the_same_as_cel() -> None:
    random, everything = Random(20220826), list(standings(law()))
    count = -(-CASES // len(everything))
    asked = 0
    verdicts: dict[str, set[int]] = {}
    leaves: dict[tuple[str, int, str], set[int]] = {}
    for standing in everything:
        more, found, seen = compare(standing, count, random)
        asked += more
        name = f"{standing.instrument.id}/{standing.rule.name}"
        verdicts.setdefault(name, set()).update(found)
        for at, (leaf, results) in enumerate(zip(standing.compiled().leaves, seen, strict=True)):
            leaves.setdefault((name, at, leaf.fact), set()).update(results)
    assert asked >= CASES
    missed = [
        f"{name}: {fact} (no. {at}) is never {result}"
        for (name, at, fact), results in leaves.items()
        for result in (0, 1, 2)
        if result not in results and (name, fact, result) not in IMPOSSIBLE
    ]
    conditional = {name for name, _, _ in leaves}
    missed += [
        f"{name} as a whole is only {sorted(found)}"
        for name, found in verdicts.items()
        if name in conditional and len(found) < 3
    ]
    assert not missed, "\n".join(missed)


def test_random_conditions_say_the_same_as_cel() -> None:
    random = Random(20221007)
    asked, verdicts = 0, set[int]()
    for _ in range(150):
        more, found, _ = compare(made_up(random), 20, random)
        asked, verdicts = asked + more, verdicts | found
    assert asked >= 5000
    assert verdicts == {0, 1, 2}


def test_cel_itself_is_three_valued() -> None:
    known = {"a": 1.0}
    for text, expected in (
        ('f["a"] > 0.0 || f["b"] > 0.0', 2), ('f["b"] > 0.0 || f["a"] > 0.0', 2),
        ('f["a"] > 1.0 && f["b"] > 0.0', 0), ('f["b"] > 0.0 && f["a"] > 1.0', 0),
        ('f["b"] > 0.0 && f["a"] > 0.0', 1), ('!(f["b"] > 0.0)', 1), ('f["b"] > 0.0 || f["a"] > 1.0', 1),
    ):  # fmt: skip
        assert cel.Expression(text)(known) == expected

"""Another evaluator, of CEL, gives the same verdict on every rule of the catalog and on random conditions.

Facts lie at the thresholds, on the next numbers beside them, in and out of lists and groups, and are missing at random.
Uncertain numbers are left out: CEL has none.
"""

from __future__ import annotations

import datetime
from functools import cache
from random import Random

import pytest

from accord.base.source import Source
from accord.catalog.group import Group, Membership
from accord.catalog.instrument import Citation, Clause, Consequence, Instrument, Rule, Scope, Span
from accord.catalog.legal_fact import FACTS
from accord.catalog.value import Value
from accord.policy.facts import completed

pytest.importorskip("cel_expr_python", reason="an evaluator of CEL for this platform is not installed")

from tests.policy import cel
from tests.policy.thresholds import Law, Standing, cases, catalog_law, standings

CASES = 10_000
DAY = datetime.date(2025, 6, 1)
SOURCE = Source(title="none", publisher="nobody", date="2025-01-01")
ASKED = (
    "tpp", "die_area", "performance_density", "training_flop", "modification_share", "memory_density",
    "datacenter_marketed", "item_type", "memory_kind", "exporter", "destination", "hq", "designer_hq", "item_names",
    "output_modality", "placed_on_market",
)  # fmt: skip
GROUPS = (
    Group(
        id="g1", code="G:1", name="complete", complete=True, sources={"s": SOURCE},
        members=(
            Membership(country="CN", source="s", basis="published"),
            Membership(country="VN", start="2025-06-02", source="s", basis="published"),
            Membership(country="AE", start="2024-01-01", until="2025-06-01", source="s", basis="published"),
            Membership(country="SA", start="2025-06-01", source="s", basis="published"),
        ),
    ),
    Group(
        id="g2", code="G:2", name="incomplete", complete=False, missing="most of it", sources={"s": SOURCE},
        members=(
            Membership(country="IL", source="s", basis="published"),
            Membership(country="CY", start="2024-01-01", until="2025-06-01", source="s", basis="published"),
        ),
        outside=(
            Membership(country="CN", source="s", basis="published"),
            Membership(country="SA", start="2025-06-02", source="s", basis="published"),
        ),
    ),
)  # fmt: skip
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


def made_up(random: Random) -> Standing:
    """A rule that nobody wrote, of every kind of comparison and any scope."""
    params = {
        f"p{at}": Value(number=random.choice((0.5, 5.92, 1600.0, 4800.0, 1e25)), basis="assumed", source="s")
        for at in range(4)
    }
    asked: set[str] = set()
    when = tree(random, 3, asked)
    scope = Scope(
        transactions=random.choice(((), ("export_from_us", "reexport"))),
        destinations=random.choice(((), ("CN",), ("G:1", "MO"), ("G:1", "G:2"))),
        except_destinations=random.choice(((), ("G:2",), ("IL",))),
        headquarters=random.choice(((), ("G:2",), ("CN", "G:1"))),
        addressees=random.choice(((), ("nvidia", "amd"))),
        items=random.choice(((), ("ic", "system"))),
    )
    cite = Citation(source="s", tier="primary", locator="nowhere")
    used = {name: value for name, value in params.items() if name in asked}
    rule = Rule(
        name="made-up", stage="licence", spans=(Span(start="2025-01-01"),), scope=scope, when=when, params=used,
        consequence=Consequence(kind="none"), cites=(cite,),
    )  # fmt: skip
    instrument = Instrument(
        id="made-up", title="made up", jurisdiction="us", authority="nobody", topic="export", binding="none",
        last_checked="2025-01-01", rules=(rule,), sources={"s": SOURCE},
    )  # fmt: skip
    return Standing(instrument, rule, rule.spans[0], DAY, GROUPS)


def tree(random: Random, depth: int, asked: set[str]) -> Clause:
    kind = random.choice(("all", "any", "not", "leaf")) if depth else "leaf"
    if kind == "leaf":
        return leaf(random, asked)
    if kind == "not":
        return Clause(not_=tree(random, depth - 1, asked))
    parts = tuple(tree(random, depth - 1, asked) for _ in range(random.randint(1, 4)))
    return Clause(all=parts) if kind == "all" else Clause(any=parts)


def leaf(random: Random, asked: set[str]) -> Clause:
    name = random.choice(ASKED)
    fact = FACTS[name]
    if fact.kind == "number":
        param = f"p{random.randrange(4)}"
        asked.add(param)
        return Clause(fact=name, op=random.choice((">=", ">", "<=", "<")), param=param)
    if fact.kind == "day":
        return Clause(fact=name, op=random.choice(("before", "from")), value="2025-08-02")
    if fact.kind == "country":
        return Clause(fact=name, op="in", among=random.choice((("CN",), ("G:1",), ("G:2", "US"), ("G:1", "G:2"))))
    if fact.kind == "set":
        return Clause(fact=name, op="meets", among=random.choice((("text",), ("h20", "mi308"))))
    words = fact.words or ("nvidia", "amd", "tsmc")
    if random.random() < 0.5:
        return Clause(fact=name, op="in", among=tuple(random.sample(words, random.randint(1, len(words)))))
    return (
        Clause(fact=name, op="in", among=(words[0],))
        if fact.kind == "party"
        else Clause(fact=name, op="is", value=words[0])
    )


def test_cel_itself_is_three_valued() -> None:
    known = {"a": 1.0}
    for text, expected in (
        ('f["a"] > 0.0 || f["b"] > 0.0', 2), ('f["b"] > 0.0 || f["a"] > 0.0', 2),
        ('f["a"] > 1.0 && f["b"] > 0.0', 0), ('f["b"] > 0.0 && f["a"] > 1.0', 0),
        ('f["b"] > 0.0 && f["a"] > 0.0', 1), ('!(f["b"] > 0.0)', 1), ('f["b"] > 0.0 || f["a"] > 1.0', 1),
    ):  # fmt: skip
        assert cel.Expression(text)(known) == expected

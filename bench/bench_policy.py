"""Rules of law: how many items, rules and sets of facts are judged in a CPU second.

Run ``python bench/bench_policy.py [--json]``; ``python3 do.py bench`` runs it under pytest-benchmark.
A classification is one item, destination, headquarters, transaction and day asked of every rule in force that day,
results of every comparison kept; no result is remembered, the rules of each day are compiled beforehand.
"""

from __future__ import annotations

import datetime
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accord import __version__
from accord.api.law import Law
from accord.catalog.legal_fact import FACTS
from accord.catalog.load import load_catalog
from accord.policy.columns import Columns, coded
from accord.policy.deal import Deal
from accord.policy.facts import Facts, completed
from accord.policy.item import Item
from accord.policy.logic import UNKNOWN, CompiledRule, Leaf
from accord.policy.rulebook import rulebook
from accord.policy.vector import classes

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

# Days between which the rules differ.
DAYS = tuple(
    datetime.date.fromisoformat(day)
    for day in ("2022-12-01", "2023-12-01", "2024-06-01", "2025-04-20", "2026-02-01", "2026-11-22")
)
CONSIGNEE: Facts = {
    "consignee_listed": "no", "consignee_listed_share": 0.0, "state_funded": "no", "large_platform": "no",
    "built_share": 1.0, "designer_approved": "yes",
}  # fmt: skip
DEALS = tuple(
    Deal(seller=seller, buyer=buyer, hq=hq, exporter=exporter, more={**CONSIGNEE, "exporter_role": role})
    for seller, buyer, hq, exporter, role in (
        ("US", "CN", "CN", "nvidia", "designer"), ("US", "CN", "CN", "dell", "other"),
        ("US", "MY", "CN", "amd", "designer"), ("US", "SA", "SA", "nvidia", "designer"),
        ("US", "JP", "JP", "dell", "other"), ("CN", "MY", "MY", "huawei", "designer"),
        ("CN", "CN", "CN", "huawei", "designer"), ("JP", "CN", "CN", "dell", "other"),
    )
)  # fmt: skip
# What is aimed at, a CPU second of one core.
CLASSIFICATIONS, EVALUATIONS, VECTORISED = 5_000.0, 50_000.0, 1_000_000.0
SIZE = 100_000
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement: what was done how often in the best of a few rounds.

    aim: rate aimed at, None where nothing is
    """

    name: str
    count: int
    cpu_s: float
    aim: float | None = None

    @property
    def per_s(self) -> float:
        """Rate [1/s]."""
        return self.count / self.cpu_s


Question = tuple[Item, Deal, datetime.date]


def questions(law: Law) -> list[Question]:
    """Every chip of the catalog in every deal on every day; the rules of these days are compiled on the way."""
    for day in DAYS:
        law.book(day)
    items = [law.item(id) for id in law.catalog.ids("chips")]
    return list(product(items, DEALS, DAYS))


def ask(law: Law, asked: Sequence[Question]) -> None:
    """Classify each, with its trace."""
    for item, deal, day in asked:
        law.classified(item, deal, day)


def sorted_by_gaps(law: Law, asked: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Questions of which every rule is true or false, and those for which values of missing facts are tried."""
    plain: list[Question] = []
    gaps: list[Question] = []
    for one in asked:
        told = law.classified(*one).verdict.trace
        (gaps if any(verdict == UNKNOWN for _, verdict, _ in told) else plain).append(one)
    return plain, gaps


def rules_of(law: Law) -> list[CompiledRule]:
    """Every rule that counts on one of the days, once a day."""
    return [rule for day in DAYS for rule in law.book(day).rules]


def full_facts(law: Law) -> list[Facts]:
    """Facts of a chip, a deal and a run, so that every rule finds what it asks for."""
    run: Facts = {
        "training_flop": 3e24, "modification_flop": 1e23, "original_flop": 3e24, "cluster_op_per_s": 1e19,
        "cluster_network_b_per_s": 4e11, "cluster_sites": 1.0, "revenue_usd": 1e8, "compute_cost_usd": 6e6,
        "output_modality": frozenset(("text",)), "input_modality": frozenset(("text",)), "open_weights": "yes",
        "open_licence": "yes", "role": "provider", "public_service": "yes", "opinion_capability": "yes",
        "high_risk": "no",
        "placed_on_market": float(datetime.date(2025, 1, 1).toordinal()), "original_systemic": "no",
    }  # fmt: skip
    items = [law.item(id) for id in law.catalog.ids("chips")][:12]
    deals = [law.classified(item, deal, DAYS[0]).verdict.facts for item, deal in product(items, DEALS)]
    return [completed({**run, **facts}) for facts in deals]


def evaluate(rules: Sequence[CompiledRule], many: Sequence[Facts]) -> None:
    """Ask every rule of every set of facts; results of all comparisons are kept."""
    for facts in many:
        for rule in rules:
            rule.evaluate(facts)


def explain(rules: Sequence[CompiledRule], many: Sequence[Facts]) -> None:
    """The same, with thresholds and margins written out."""
    for facts in many:
        for rule in rules:
            rule.explain(facts, rule.evaluate(facts)[1])


def arrays(law: Law, size: int = SIZE) -> Columns:
    """Random facts of ``size`` items and deals, a tenth of each missing."""
    random = np.random.default_rng(7)
    leaves: dict[str, list[Leaf]] = {}
    for leaf in (leaf for rule in rules_of(law) for leaf in rule.leaves):
        leaves.setdefault(leaf.fact, []).append(leaf)
    found: dict[str, NDArray[np.generic]] = {}
    for name, asked in leaves.items():
        gone = random.random(size) < 0.1
        if FACTS[name].kind in ("number", "day"):
            ends = [leaf.threshold for leaf in asked if leaf.threshold is not None]
            found[name] = np.where(gone, np.nan, random.uniform(0.5 * min(ends), 2.0 * max(ends) + 1.0, size))
        else:
            words = ["other", *sorted({word for leaf in asked for word in leaf.inside})]
            found[name] = np.where(gone, "", random.choice(np.array(words), size))
    return found


def many(rules: Sequence[CompiledRule], columns: Columns, size: int = SIZE) -> None:
    """Ask every rule of all sets of facts at once."""
    for rule in rules:
        rule.vectorised(columns, size)


def timed(name: str, count: int, work: Callable[[], object], aim: float | None = None) -> Line:
    """Least CPU time of a few rounds, all threads of the process counted."""
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return Line(name, count, min(taken), aim)


def measured() -> list[Line]:
    law = Law(load_catalog())
    asked = questions(law)
    plain, gaps = sorted_by_gaps(law, asked)
    rules, facts, columns = rules_of(law), full_facts(law), arrays(law)
    words = coded(columns)
    slowest = max(rules, key=lambda rule: timed("", SIZE, lambda: rule.vectorised(words, SIZE)).cpu_s)
    book = law.book(DAYS[-1])
    return [
        timed("classifications, no rule unknown", len(plain), lambda: ask(law, plain), CLASSIFICATIONS),
        timed("classifications, gaps tried", len(gaps), lambda: ask(law, gaps)),
        timed("rules, result of each comparison", len(facts) * len(rules), lambda: evaluate(rules, facts), EVALUATIONS),
        timed("rules, margins written out", len(facts) * len(rules), lambda: explain(rules, facts), EVALUATIONS),
        timed("rules over arrays, words coded", SIZE * len(rules), lambda: many(rules, words), VECTORISED),
        timed(f"the slowest of them, {slowest.id}", SIZE, lambda: slowest.vectorised(words, SIZE), VECTORISED),
        timed("rules over arrays, words as text", SIZE * len(rules[:20]), lambda: many(rules[:20], columns)),
        timed("classes over arrays, words as text", SIZE, lambda: classes(book, columns, SIZE)),
        timed("classes over arrays, words coded", SIZE, lambda: classes(book, words, SIZE), VECTORISED),
        timed("rules of a day compiled", 1, lambda: rulebook(law.instruments, law.groups, DAYS[-1])),
    ]


def test_classifications(benchmark: BenchmarkFixture) -> None:
    law = Law(load_catalog())
    plain, _ = sorted_by_gaps(law, questions(law))
    benchmark(ask, law, plain[:1000])


def test_rules(benchmark: BenchmarkFixture) -> None:
    law = Law(load_catalog())
    benchmark(explain, rules_of(law), full_facts(law)[:10])


def test_rules_over_arrays(benchmark: BenchmarkFixture) -> None:
    law = Law(load_catalog())
    benchmark(many, rules_of(law), coded(arrays(law)))


def main() -> None:
    lines = measured()
    if "--json" in sys.argv[1:]:
        told = [{**asdict(line), "per_s": line.per_s} for line in lines]
        print(json.dumps({"accord": __version__, "python": platform.python_version(), "lines": told}, indent=2))  # noqa: T201
        return
    width = max(len(line.name) for line in lines)
    print(f"{'':<{width}}  {'count':>12}  {'CPU s':>8}  {'a CPU s':>14}  {'aimed at':>10}")  # noqa: T201
    for line in lines:
        aim = f"{line.aim:,.0f}" if line.aim is not None else ""
        print(f"{line.name:<{width}}  {line.count:>12,}  {line.cpu_s:>8.4f}  {line.per_s:>14,.0f}  {aim:>10}")  # noqa: T201
    print(f"accord {__version__}, Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}")  # noqa: T201


if __name__ == "__main__":
    main()

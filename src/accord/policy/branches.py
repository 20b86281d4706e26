"""What one fact would decide: spans of a number, or words, each with the class and outcome that follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from accord.catalog.instrument import Stage
from accord.catalog.legal_fact import FACTS
from accord.policy.classify import classify
from accord.policy.facts import RATIO_PARTS, Facts, FactValue
from accord.policy.logic import CompiledRule
from accord.policy.rulebook import Rulebook
from accord.policy.unknowns import Case, cases

_EXPORT: tuple[Stage, ...] = ("presumption", "class", "fallback", "follows", "licence", "exception", "import", "duty")


@dataclass(frozen=True, slots=True)
class Branch:
    """Values of a fact for which class and outcomes are the same.

    low, high: of a number, None = without end; with_low, with_high: whether the end itself belongs to it
    words: those of a word, none = any other
    """

    field: str
    low: float | None
    high: float | None
    with_low: bool
    with_high: bool
    words: tuple[str, ...]
    value: FactValue
    eccn: str
    outcome: str
    importer: str

    @property
    def number(self) -> bool:
        """Whether the fact is a number."""
        return FACTS[self.field].kind in ("number", "day")


def branches(book: Rulebook, facts: Facts, field: str) -> tuple[Branch, ...]:
    """Return what follows from each value ``field`` could have, numbers in rising order.

    Everything else stays as it is in ``facts``.
    """
    rules = _asking(book, field)
    left = {name: value for name, value in facts.items() if name not in _derived(field)}
    found: list[Branch] = []
    for case in cases(field, {name: value for name, value in left.items() if name != field}, rules):
        verdict = classify(book, {**left, field: case.value})
        found.append(_branch(field, case, verdict.eccn, verdict.outcome, verdict.importer))
    return tuple(_merged(found))


def _asking(book: Rulebook, field: str) -> list[CompiledRule]:
    """Rules that ask for the fact, or for a ratio it is part of."""
    names = {field, *_derived(field)}
    return [rule for rule in book.stage(*_EXPORT) if any(leaf.fact in names for leaf in rule.leaves)]


def _derived(field: str) -> tuple[str, ...]:
    return tuple(name for name, (above, below, _) in RATIO_PARTS.items() if field in (above, below))


def _branch(field: str, case: Case, eccn: str, outcome: str, importer: str) -> Branch:
    point = case.low is not None and case.low == case.high
    return Branch(field, case.low, case.high, point, point, case.words, case.value, eccn, outcome, importer)


def _merged(found: Iterable[Branch]) -> list[Branch]:
    """Join neighbours, and words, that lead to the same answer."""
    joined: list[Branch] = []
    for one in found:
        same = [
            at
            for at, other in enumerate(joined)
            if (other.eccn, other.outcome, other.importer) == (one.eccn, one.outcome, one.importer)
        ]
        if one.number:
            same = [at for at in same if at == len(joined) - 1]
        if not same:
            joined.append(one)
            continue
        other = joined[same[0]]
        words = (*other.words, *one.words) if other.words and one.words else ()
        joined[same[0]] = replace(other, high=one.high, with_high=one.with_high, words=words)
    return joined

"""What a missing fact could be: values that make a difference to some rule, so that a few stand for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accord.catalog.legal_fact import FACTS
from accord.policy.facts import RATIO_PARTS, FactValue, Uncertain
from accord.policy.logic import NOWHERE, UNKNOWN, CompiledRule, Leaf

ELSE = "other"  # a word or party that no rule names


@dataclass(frozen=True, slots=True)
class Case:
    """One value of a missing fact that stands for others.

    value: put in its place; low, high: of the span of numbers it stands for, None = without end
    words: those it stands for, none where it is any other
    """

    value: FactValue
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()


def missing(facts: Mapping[str, FactValue], rules: Iterable[CompiledRule]) -> tuple[str, ...]:
    """Facts whose absence keeps rules unknown, in the order rules ask for them; parts of a ratio in its place."""
    found: dict[str, None] = {}
    for rule in rules:
        _, results = rule.evaluate(facts)
        for leaf, result in zip(rule.leaves, results, strict=True):
            if result == UNKNOWN and leaf.fact != "class":
                found |= dict.fromkeys(_parts(leaf.fact, facts))
    return tuple(found)


def _parts(name: str, facts: Mapping[str, FactValue]) -> tuple[str, ...]:
    """The fact, or those of a ratio's parts that are missing."""
    if name not in RATIO_PARTS:
        return (name,)
    parts = tuple(part for part in RATIO_PARTS[name][:2] if not isinstance(facts.get(part), float))
    return parts or (name,)


def cases(name: str, facts: Mapping[str, FactValue], rules: Sequence[CompiledRule]) -> tuple[Case, ...]:
    """Return values of a fact that tell apart everything ``rules`` ask of it."""
    if FACTS[name].kind in ("number", "day"):
        return _numbers(name, facts, rules)
    leaves = [leaf for rule in rules for leaf in rule.leaves if leaf.fact == name]
    if FACTS[name].words:
        return tuple(Case(word, words=(word,)) for word in FACTS[name].words)
    by_sign: dict[tuple[bool, ...], list[str]] = {}
    for word in dict.fromkeys(word for leaf in leaves for word in sorted(leaf.inside)):
        by_sign.setdefault(tuple(word in leaf.inside for leaf in leaves), []).append(word)
    other: FactValue = NOWHERE if FACTS[name].kind == "country" else ELSE
    some: list[Case] = []
    for words in by_sign.values():
        value: FactValue = frozenset(words[:1]) if FACTS[name].kind == "set" else words[0]
        some.append(Case(value, words=tuple(words)))
    return (*some, Case(frozenset() if FACTS[name].kind == "set" else other))


def _numbers(name: str, facts: Mapping[str, FactValue], rules: Sequence[CompiledRule]) -> tuple[Case, ...]:
    """A number inside each span between thresholds, and each threshold itself."""
    cuts = sorted({cut for rule in rules for leaf in rule.leaves for cut in _cuts(name, leaf, facts)})
    within = facts.get(name)
    if isinstance(within, Uncertain):
        cuts = [cut for cut in cuts if within.low <= cut <= within.high]
    if not cuts:
        return (Case(1.0),)
    ends: list[float | None] = [None, *cuts, None]
    inner = [within.low, *cuts, within.high] if isinstance(within, Uncertain) else ends
    found: list[Case] = []
    for at, (low, high) in enumerate(zip(ends, ends[1:], strict=False)):
        found.append(Case(_between(*inner[at : at + 2]), low, high))
        if high is not None:
            found.append(Case(high, high, high))
    return tuple(found)


def _between(low: float | None, high: float | None) -> float:
    if low is None:
        return float(high or 1.0) / 2.0
    return low * 2.0 if high is None else (low + high) / 2.0


def _cuts(name: str, leaf: Leaf, facts: Mapping[str, FactValue]) -> tuple[float, ...]:
    """Values of ``name`` at which a comparison turns, itself or a ratio it is part of."""
    if leaf.threshold is None:
        return ()
    if leaf.fact == name:
        return (leaf.threshold,)
    if leaf.fact not in RATIO_PARTS or leaf.threshold <= 0.0:
        return ()
    above, below, per = RATIO_PARTS[leaf.fact]
    if name == below and isinstance(top := facts.get(above), float):
        return (top / per / leaf.threshold,)
    if name == above and isinstance(bottom := facts.get(below), float):
        return (bottom * per * leaf.threshold,)
    return ()

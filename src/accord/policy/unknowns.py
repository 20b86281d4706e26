"""What a missing fact could be: values that make a difference to some rule, so that a few stand for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accord.catalog.legal_fact import FACTS
from accord.policy.facts import RATIO_PARTS, FactValue, Uncertain, completed
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
    """The fact; of a ratio the parts that are missing, or itself where they are known, though not exactly."""
    if name not in RATIO_PARTS:
        return (name,)
    return tuple(part for part in RATIO_PARTS[name][:2] if part not in facts) or (name,)


def with_value(facts: Mapping[str, FactValue], name: str, value: FactValue) -> dict[str, FactValue]:
    """Return the facts with one more, ratios that follow included; a ratio takes the place of what it is over."""
    known = {**facts, name: value}
    if name in RATIO_PARTS:
        known.pop(RATIO_PARTS[name][1], None)
    return completed(known)


def cases(name: str, facts: Mapping[str, FactValue], rules: Sequence[CompiledRule]) -> tuple[Case, ...]:
    """Return values of a fact that tell apart everything ``rules`` ask of it."""
    if FACTS[name].kind in ("number", "day"):
        return _numbers(name, facts, rules)
    leaves = [leaf for rule in rules for leaf in rule.leaves if leaf.fact == name]
    if FACTS[name].words:
        return tuple(Case(word, words=(word,)) for word in FACTS[name].words)
    if FACTS[name].kind == "set":
        return _sets(leaves)
    by_sign: dict[tuple[bool, ...], list[str]] = {}
    for word in dict.fromkeys(word for leaf in leaves for word in sorted(leaf.inside)):
        by_sign.setdefault(tuple(word in leaf.inside for leaf in leaves), []).append(word)
    other: FactValue = NOWHERE if FACTS[name].kind == "country" else ELSE
    some: list[Case] = []
    some += [Case(words[0], words=tuple(words)) for words in by_sign.values()]
    return (*some, Case(other))


def _sets(leaves: Sequence[Leaf]) -> tuple[Case, ...]:
    """Sets of words: what each comparison looks for, one at a time, and nothing of it; never several at once."""
    asked = tuple(dict.fromkeys(leaf.inside for leaf in leaves))
    return (*(Case(frozenset({min(inside)}), words=tuple(sorted(inside))) for inside in asked), Case(frozenset()))


def _numbers(name: str, facts: Mapping[str, FactValue], rules: Sequence[CompiledRule]) -> tuple[Case, ...]:
    """A number inside each span between thresholds, and each threshold itself."""
    cuts = sorted({cut for rule in rules for leaf in rule.leaves for cut in _cuts(name, leaf, facts)})
    within = facts.get(name)
    if isinstance(within, Uncertain):
        cuts = [cut for cut in cuts if within.low <= cut <= within.high]
    if not cuts:
        return (Case(within.value if isinstance(within, Uncertain) else 1.0),)
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
    if name == below:
        return tuple(top / per / leaf.threshold for top in _ends(facts.get(above)))
    if name == above:
        return tuple(bottom * per * leaf.threshold for bottom in _ends(facts.get(below)))
    return ()


def _ends(value: FactValue | None) -> tuple[float, ...]:
    """A number, or both ends of an uncertain one; none where it is not known."""
    if isinstance(value, Uncertain):
        return (value.low, value.high)
    return (value,) if isinstance(value, float) else ()

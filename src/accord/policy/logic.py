"""Conditions of rules, compiled: three-valued, traced leaf by leaf, for one set of facts or for arrays of them.

False, unknown and true are 0, 1 and 2, so that ``all`` is the least of its parts, ``any`` the greatest and ``not`` the
mirror image (Kleene's strong logic).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from accord.catalog.instrument import Clause, Instrument, Rule, Scope, Span
from accord.catalog.legal_fact import FACTS
from accord.policy.columns import Column, Columns, Words
from accord.policy.facts import Facts, FactValue, Uncertain
from accord.policy.places import Places

FALSE, UNKNOWN, TRUE = 0, 1, 2
VERDICTS = ("false", "unknown", "true")
NOWHERE = "--"  # stands for a country that is in no group and named by no rule

Truths = NDArray[np.int8]
_Ask = Callable[[FactValue], int]
_AskMany = Callable[[Column], Truths]
_Join = Callable[[Sequence[int]], int]
_JoinMany = Callable[[Sequence[Truths]], Truths]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison.

    threshold: what a number or day is compared with, in the unit of the fact; words: what words are compared with, as
        the rule writes them; inside: words for which it is true; outside: for which it is false, None = all others
    ask: verdict on a known value; many: on an array of values, unknown ones among them (nan, "")
    """

    fact: str
    op: str
    threshold: float | None
    param: str | None
    words: tuple[str, ...]
    inside: frozenset[str]
    outside: frozenset[str] | None
    ask: _Ask
    many: _AskMany


@dataclass(frozen=True, slots=True)
class LeafTrace:
    """What one comparison said.

    threshold: number, or words joined by ", "; value: None where the fact is not known
    margin: value / threshold - 1 of numbers; probability: that it is true, of an uncertain number
    """

    fact: str
    op: str
    threshold: float | str
    unit: str
    value: FactValue | None
    result: int
    margin: float | None
    probability: float | None


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule as it stands on a day.

    id: INSTRUMENT/RULE; leaves: comparisons in order, those of the scope first
    """

    id: str
    instrument: Instrument
    rule: Rule
    span: Span
    leaves: tuple[Leaf, ...]
    asks: tuple[tuple[str, _Ask], ...]
    join: _Join
    join_many: _JoinMany

    def evaluate(self, facts: Facts) -> tuple[int, list[int]]:
        """Return the verdict and one result for each leaf."""
        results = [UNKNOWN if (value := facts.get(name)) is None else ask(value) for name, ask in self.asks]
        return self.join(results), results

    def vectorised(self, arrays: Columns, size: int) -> Truths:
        """Return the verdicts for ``size`` sets of facts.

        arrays: by fact, shape (size,): numbers and days as floats with nan for unknown, words as text or, much faster,
            as :class:`accord.policy.columns.Words`, "" for unknown; sets as words joined by "|", which alone is a set
            of none; a fact that is not there is unknown throughout
        """
        if not self.leaves:
            return np.full(size, TRUE, np.int8)
        blank = np.full(size, UNKNOWN, np.int8)
        return self.join_many([leaf.many(arrays[leaf.fact]) if leaf.fact in arrays else blank for leaf in self.leaves])

    def explain(self, facts: Facts, results: Sequence[int]) -> tuple[LeafTrace, ...]:
        """Say what each leaf compared, from facts and the results of :meth:`evaluate`."""
        return tuple(
            _traced(leaf, facts.get(leaf.fact), result) for leaf, result in zip(self.leaves, results, strict=True)
        )


def compile_rule(
    instrument: Instrument, rule: Rule, span: Span, places: Places, what_if: Mapping[str, float] | None = None
) -> CompiledRule:
    """Compile a rule for the span that holds.

    places: country groups of the day; what_if: numbers in place of the rule's parameters, by name
    """
    params = {name: value.si for name, value in rule.params.items() if value.number is not None}
    params |= what_if or {}
    leaves: list[Leaf] = []
    parts = [scope_clause(rule.scope), *([rule.when] if rule.when is not None else [])]
    tree = Clause(all=tuple(part for part in parts if part is not None)) if any(parts) else None
    join, join_many = _compiled(tree, leaves, params, places) if tree is not None else (_always, itemgetter(0))
    asks = tuple((leaf.fact, leaf.ask) for leaf in leaves)
    return CompiledRule(f"{instrument.id}/{rule.name}", instrument, rule, span, tuple(leaves), asks, join, join_many)


def scope_clause(scope: Scope) -> Clause | None:
    """Return the scope as a condition, None where it leaves everything open."""
    parts: list[Clause] = []
    simple = (("transaction", scope.transactions), ("item_type", scope.items), ("exporter", scope.addressees))
    parts += [Clause(fact=name, op="in", among=among) for name, among in simple if among]
    ways: list[Clause] = []
    if scope.destinations:
        there = Clause(fact="destination", op="in", among=scope.destinations)
        but = (
            Clause(fact="destination", op="in", among=scope.except_destinations) if scope.except_destinations else None
        )
        ways.append(there if but is None else Clause(all=(there, Clause(not_=but))))
    if scope.headquarters:
        ways.append(Clause(fact="hq", op="in", among=scope.headquarters))
    if ways:
        parts.append(ways[0] if len(ways) == 1 else Clause(any=tuple(ways)))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Clause(all=tuple(parts))


def _always(_: Sequence[int]) -> int:
    return TRUE


def _compiled(
    clause: Clause, leaves: list[Leaf], params: Mapping[str, float], places: Places
) -> tuple[_Join, _JoinMany]:
    """Number the leaves and return how their results join, of one set of facts and of many."""
    if clause.fact is not None:
        at = len(leaves)
        leaves.append(_leaf(clause, params, places))
        return itemgetter(at), itemgetter(at)
    if clause.not_ is not None:
        one, many = _compiled(clause.not_, leaves, params, places)
        return (lambda results: 2 - one(results)), (lambda results: (2 - many(results)).astype(np.int8))
    parts = [_compiled(part, leaves, params, places) for part in (clause.all or clause.any)]
    if len(parts) == 1:
        return parts[0]
    least, ones, manys = bool(clause.all), tuple(one for one, _ in parts), tuple(many for _, many in parts)
    return _joined(ones, least=least), _joined_many(manys, least=least)


def _joined(parts: tuple[_Join, ...], *, least: bool) -> _Join:
    stop = FALSE if least else TRUE

    def join(results: Sequence[int]) -> int:
        found = 2 - stop
        for part in parts:
            one = part(results)
            if one == stop:
                return one
            if one == UNKNOWN:
                found = UNKNOWN
        return found

    return join


def _joined_many(parts: tuple[_JoinMany, ...], *, least: bool) -> _JoinMany:
    pick = np.minimum if least else np.maximum

    def join(results: Sequence[Truths]) -> Truths:
        found = parts[0](results)
        for part in parts[1:]:
            found = pick(found, part(results))
        return found

    return join


def _leaf(clause: Clause, params: Mapping[str, float], places: Places) -> Leaf:
    name, op = str(clause.fact), str(clause.op)
    kind = FACTS[name].kind
    if kind == "number":
        threshold = params[str(clause.param)]
        return Leaf(name, op, threshold, clause.param, (), frozenset(), None, *_of_number(op, threshold))
    if kind == "day":
        threshold = float(datetime.date.fromisoformat(str(clause.value)).toordinal())
        ask, many = _of_number("<" if op == "before" else ">=", threshold)
        return Leaf(name, op, threshold, None, (str(clause.value),), frozenset(), None, ask, many)
    words = clause.among or (str(clause.value),)
    inside, outside = places.sets(words) if kind == "country" else (frozenset(words), None)
    ask, many = _of_set(inside) if kind == "set" else _of_word(inside, outside)
    return Leaf(name, op, None, None, words, inside, outside, ask, many)


_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": float.__ge__, ">": float.__gt__, "<=": float.__le__, "<": float.__lt__
}  # fmt: skip
_ARRAYS = {">=": np.greater_equal, ">": np.greater, "<=": np.less_equal, "<": np.less}


def _of_number(op: str, threshold: float) -> tuple[_Ask, _AskMany]:
    test, test_many = _NUMBERS[op], _ARRAYS[op]

    def ask(value: FactValue) -> int:
        if type(value) is float:
            return TRUE if test(value, threshold) else FALSE
        if isinstance(value, Uncertain):
            both = test(value.low, threshold), test(value.high, threshold)
            return UNKNOWN if both[0] != both[1] else TRUE if both[0] else FALSE
        return UNKNOWN

    def many(values: Column) -> Truths:
        numbers = np.asarray(values, np.float64)
        found = test_many(numbers, threshold).view(np.int8) * np.int8(TRUE)
        found[np.isnan(numbers)] = UNKNOWN
        return found

    return ask, many


def _of_word(inside: frozenset[str], outside: frozenset[str] | None) -> tuple[_Ask, _AskMany]:
    """A word among ``inside``; one that is in neither set is not known to be among them."""

    def ask(value: FactValue) -> int:
        if value in inside:
            return TRUE
        return FALSE if outside is None or value in outside or value == NOWHERE else UNKNOWN

    def many(values: Column) -> Truths:
        column = values if isinstance(values, Words) else Words.of(values)
        each = [UNKNOWN if word == "" else ask(word) for word in column.words]
        return np.array(each, np.int8)[column.codes]

    return ask, many


def _of_set(inside: frozenset[str]) -> tuple[_Ask, _AskMany]:
    def ask(value: FactValue) -> int:
        return TRUE if isinstance(value, frozenset) and not inside.isdisjoint(value) else FALSE

    def many(values: Column) -> Truths:
        column = values if isinstance(values, Words) else Words.of(values)
        each = [UNKNOWN if word == "" else ask(frozenset(word.split("|"))) for word in column.words]
        return np.array(each, np.int8)[column.codes]

    return ask, many


def _traced(leaf: Leaf, value: FactValue | None, result: int) -> LeafTrace:
    threshold: float | str = ", ".join(leaf.words) if leaf.threshold is None or leaf.words else leaf.threshold
    margin = probability = None
    if leaf.threshold is not None and not leaf.words:
        number = value.value if isinstance(value, Uncertain) else value
        if isinstance(number, float) and leaf.threshold != 0.0:
            margin = number / leaf.threshold - 1.0
        if isinstance(value, Uncertain):
            above = value.chance_above(leaf.threshold)
            probability = above if leaf.op in (">", ">=") else 1.0 - above
            if value.low == value.high:
                probability = float(result == TRUE)
    return LeafTrace(leaf.fact, leaf.op, threshold, FACTS[leaf.fact].unit, value, result, margin, probability)

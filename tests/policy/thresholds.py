"""Sets of facts at, just below and just above what a rule compares with, in and out of its lists, with gaps."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from accord.catalog.group import Group
from accord.catalog.instrument import Clause, Instrument, Rule, Span, leaves
from accord.catalog.legal_fact import FACTS
from accord.catalog.load import load_catalog
from accord.policy.facts import RATIO_PARTS, FactValue
from accord.policy.logic import CompiledRule, compile_rule, scope_clause
from accord.policy.places import Places

NOWHERE = "QQ"  # a country of no list
OTHER = "something-else"


@dataclass(frozen=True)
class Law:
    """Instruments and groups of the catalog."""

    instruments: tuple[Instrument, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Standing:
    """A rule as it stands on a day."""

    instrument: Instrument
    rule: Rule
    span: Span
    day: datetime.date
    groups: tuple[Group, ...]

    @property
    def name(self) -> str:
        return f"{self.instrument.id}/{self.rule.name} on {self.day}"

    def compiled(self) -> CompiledRule:
        return compile_rule(self.instrument, self.rule, self.span, Places(self.groups, self.day))

    def tree(self) -> Clause | None:
        parts = [part for part in (scope_clause(self.rule.scope), self.rule.when) if part is not None]
        return Clause(all=tuple(parts)) if parts else None


def catalog_law() -> Law:
    catalog = load_catalog()
    return Law(
        tuple(catalog.instrument(id) for id in catalog.ids("instruments")),
        tuple(catalog.group(id) for id in catalog.ids("groups")),
    )


def standings(law: Law) -> Iterator[Standing]:
    """Every rule on the first and the last day of each of its spans."""
    for instrument in law.instruments:
        for rule in instrument.rules:
            for span in rule.spans:
                first = datetime.date.fromisoformat(span.start)
                last = datetime.date.fromisoformat(span.until or "2027-12-31") - datetime.timedelta(days=1)
                for day in sorted({first, max(first, last)}):
                    yield Standing(instrument, rule, span, day, law.groups)


def values(standing: Standing) -> dict[str, list[FactValue]]:
    """By fact every known value worth trying; the order is always the same."""
    found: dict[str, dict[FactValue, None]] = {}
    for leaf in leaves(standing.tree()):
        name = str(leaf.fact)
        found.setdefault(name, {}).update(dict.fromkeys(_values(leaf, standing)))
    return {name: list(options) for name, options in found.items()}


def _values(leaf: Clause, standing: Standing) -> Sequence[FactValue]:
    fact = FACTS[str(leaf.fact)]
    words = leaf.among or ((str(leaf.value),) if leaf.value else ())
    if fact.kind == "number":
        return around(standing.rule.params[str(leaf.param)].si)
    if fact.kind == "day":
        day = datetime.date.fromisoformat(str(leaf.value)).toordinal()
        return [float(day), day - 1.0, day + 1.0, day - 400.0, day + 400.0]
    if fact.kind == "set":
        each = [frozenset((word,)) for word in words]
        return [*each, frozenset(), frozenset((OTHER,)), frozenset((OTHER, *words))]
    if fact.kind == "country":
        return list(dict.fromkeys(_countries(words, standing.groups)))
    return list(fact.words or (*words, OTHER))


def around(threshold: float) -> list[FactValue]:
    """A threshold, the next number on either side, and numbers further away."""
    if threshold == 0.0:
        return [0.0, 1e-6, 0.5, 1.0]
    near = [threshold, math.nextafter(threshold, -math.inf), math.nextafter(threshold, math.inf)]
    return [*near, threshold * (1.0 - 1e-6), threshold * (1.0 + 1e-6), threshold * 0.5, threshold * 2.0]


def _countries(words: Sequence[str], groups: Sequence[Group]) -> Iterator[str]:
    yield NOWHERE
    for word in words:
        group = next((one for one in groups if one.code == word), None)
        if group is None:
            yield word
            continue
        yield from [one.country for one in group.members][:4]
        yield from [one.country for one in group.members if one.start or one.until][:4]
        yield from [one.country for one in group.outside][:4]
        yield from [one.country for one in group.unsure]
    yield from ("CN", "US", "SA", "IL")


def cases(standing: Standing, count: int, random: Random) -> Iterator[dict[str, FactValue]]:
    """Facts for a rule: every value of every fact, with and without its neighbours, then drawn ones."""
    options, compiled, tree = values(standing), standing.compiled(), standing.tree()
    yield {}
    for name, known in options.items():
        for value in known:
            yield {**_drawn(options, random), name: value}
        yield {other: value for other, value in _drawn(options, random).items() if other != name}
    for _ in range(count):
        facts = _drawn(options, random)
        if tree is not None and random.random() < 0.7:
            facts |= dict(_aimed(tree, random.random() < 0.7, compiled, options, random))
            for _ in range(random.randrange(3)):
                name = random.choice(list(options))
                facts[name] = random.choice(options[name])
                if random.random() < 0.4:
                    del facts[name]
        yield _in_parts(facts, random) if random.random() < 0.5 else facts


def _drawn(options: dict[str, list[FactValue]], random: Random) -> dict[str, FactValue]:
    return {name: random.choice(known) for name, known in options.items() if random.random() < 0.75}


def _aimed(
    clause: Clause, want: bool, compiled: CompiledRule, options: dict[str, list[FactValue]], random: Random
) -> Iterator[tuple[str, FactValue]]:
    """Values that would make a condition true, or false; those of two comparisons may contradict each other."""
    if clause.fact is not None:
        words = clause.among or ((clause.value,) if clause.value else ())
        leaf = next(
            one for one in compiled.leaves
            if (one.fact, one.op, one.param, one.words) == (clause.fact, clause.op, clause.param, words)
        )  # fmt: skip
        fitting = [value for value in options[clause.fact] if leaf.ask(value) == (2 if want else 0)]
        if fitting:
            yield clause.fact, random.choice(fitting)
    elif clause.not_ is not None:
        yield from _aimed(clause.not_, not want, compiled, options, random)
    else:
        parts = clause.all or clause.any
        for part in parts if want == bool(clause.all) else (random.choice(parts),):
            yield from _aimed(part, want, compiled, options, random)


def _in_parts(facts: dict[str, FactValue], random: Random) -> dict[str, FactValue]:
    """The same facts with some ratios given as their parts."""
    found = dict(facts)
    for name, (above, below, per) in RATIO_PARTS.items():
        ratio = facts.get(name)
        if not isinstance(ratio, float) or ratio <= 0.0:
            continue
        top = found.setdefault(above, 4000.0)
        assert isinstance(top, float)
        found[below] = random.choice((top / ratio / per, top / ratio / per * 1.01, 0.0))
        if random.random() < 0.7:
            del found[name]
    return found

"""The rules of one day: of every instrument the spans that hold, compiled, by stage."""

from __future__ import annotations

import copy
import datetime
import functools
import hashlib
from collections.abc import Container, Iterator, Mapping, Sequence

import msgspec

from accord.base.errors import UsageError
from accord.base.registry import did_you_mean
from accord.catalog.group import Group
from accord.catalog.instrument import APPLIES, Instrument, Rule, Span, Stage
from accord.catalog.value import Value
from accord.policy.logic import CompiledRule, compile_rule
from accord.policy.places import Places

_CLASS_ORDER = ("3A090.a", "3A090.b", "3A090.c")
_STRICTEST = ("3A090", "3A090.a", "3A090(presumed)")  # classes that leave nothing to presume


class Rulebook:
    """Rules as they stand on a day.

    rules: those whose consequence counts (in force, reported, unverified, voluntary); listed: those that stand in
        another way that day (proposed, suspended, vetoed); started: whether any class rule had begun by then
    strictest, milder: presumptions and class rules of the strictest limbs, and the other class rules, in order
    pending: class rules of texts that are published, but not yet in force
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        groups: Sequence[Group],
        day: datetime.date,
        what_if: Mapping[str, float] | None = None,
    ) -> None:
        """Compile every rule that holds on ``day``.

        what_if: numbers in place of parameters, by RULE.PARAM or INSTRUMENT/RULE.PARAM
        Raises UsageError for a parameter that no rule has.
        """
        self.day = day
        self.places = Places(groups, day)
        self.instruments = tuple(sorted(instruments, key=lambda one: one.id))
        self._groups, self._what_if = tuple(groups), dict(what_if or {})
        _known(self.instruments, self._what_if)
        compiled: list[CompiledRule] = []
        listed: list[CompiledRule] = []
        pending: list[CompiledRule] = []
        for instrument, rule, span in _spans(self.instruments):
            changed = _changed(instrument, rule, what_if or {})
            if span.holds(day):
                into = compiled if span.standing in APPLIES else listed
                into.append(compile_rule(instrument, rule, span, self.places, changed))
            elif rule.stage == "class" and _is_pending(instrument, span, day):
                pending.append(compile_rule(instrument, rule, span, self.places, changed))
        self.rules = tuple(sorted(compiled, key=_order))
        self.listed = tuple(sorted(listed, key=_order))
        self.pending = tuple(sorted(pending, key=_order))
        classing = self._of(("presumption",)) + self._of(("class",))
        self.strictest = tuple(rule for rule in classing if rule.rule.consequence.value in _STRICTEST)
        self.milder = tuple(rule for rule in classing if rule.rule.consequence.value not in _STRICTEST)
        self._by_stage: dict[str, tuple[CompiledRule, ...]] = {}
        self.started = any(
            span.start <= day.isoformat() for _, rule, span in _spans(self.instruments) if rule.stage == "class"
        )

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 [hex] over instruments, groups and what was changed, whatever their order."""
        return _digest(self.instruments, self._groups, self._what_if)

    def stage(self, *names: Stage) -> tuple[CompiledRule, ...]:
        """Return the rules of one or more stages, class rules in the order of their limbs."""
        key = " ".join(names)
        if key not in self._by_stage:
            self._by_stage[key] = self._of(names)
        return self._by_stage[key]

    def _of(self, stages: tuple[Stage, ...]) -> tuple[CompiledRule, ...]:
        return tuple(rule for rule in self.rules if rule.rule.stage in stages)

    def without(self, gone: Container[str]) -> Rulebook:
        """Return the rules less some, by id, that are false whatever is told beside what is known."""
        left = copy.copy(self)
        left.strictest = tuple(rule for rule in self.strictest if rule.id not in gone)
        left.milder = tuple(rule for rule in self.milder if rule.id not in gone)
        left._by_stage = {
            key: rules if key == "class" else tuple(rule for rule in rules if rule.id not in gone)
            for key, rules in self._by_stage.items()
        }
        return left

    def must_be_kept(self, rule: CompiledRule) -> bool:
        """Whether the compliance day of a rule, if it has one, has come."""
        return rule.span.compliance is None or rule.span.compliance <= self.day.isoformat()


def rulebook(
    instruments: Sequence[Instrument],
    groups: Sequence[Group],
    day: datetime.date,
    what_if: Mapping[str, float] | None = None,
) -> Rulebook:
    """Return the rules of a day; see :class:`Rulebook`."""
    return Rulebook(instruments, groups, day, what_if)


def parameters(instruments: Sequence[Instrument]) -> dict[str, Value]:
    """Return every number that ``what_if`` may change, by INSTRUMENT/RULE.PARAM."""
    return {
        f"{one.id}/{rule.name}.{name}": value
        for one in instruments
        for rule in one.rules
        for name, value in rule.params.items()
        if value.number is not None
    }


def unit_of_parameter(instruments: Sequence[Instrument], key: str) -> str:
    """Return the unit of a parameter by RULE.PARAM or INSTRUMENT/RULE.PARAM. Raises UsageError for one no rule has."""
    found = parameters(instruments)
    short = {name.partition("/")[2]: value for name, value in found.items()}
    if key not in found and key not in short:
        near = did_you_mean(key, sorted({*found, *short}))
        raise UsageError(f"no rule has the parameter '{key}'", where="--what-if", hint=near)
    return (found.get(key) or short[key]).unit


def _spans(instruments: Sequence[Instrument]) -> Iterator[tuple[Instrument, Rule, Span]]:
    for instrument in instruments:
        for rule in instrument.rules:
            for span in rule.spans:
                yield instrument, rule, span


def _order(one: CompiledRule) -> tuple[int, str]:
    name = one.rule.consequence.value
    return (_CLASS_ORDER.index(name) if name in _CLASS_ORDER else len(_CLASS_ORDER), one.id)


def _is_pending(instrument: Instrument, span: Span, day: datetime.date) -> bool:
    return instrument.published is not None and instrument.published <= day.isoformat() < span.start


def _changed(instrument: Instrument, rule: Rule, what_if: Mapping[str, float]) -> dict[str, float]:
    full = f"{instrument.id}/{rule.name}"
    return {
        name: what_if[key]
        for name in rule.params
        for key in (f"{rule.name}.{name}", f"{full}.{name}")
        if key in what_if
    }


def _known(instruments: Sequence[Instrument], what_if: Mapping[str, float]) -> None:
    for key in what_if:
        unit_of_parameter(instruments, key)


def _digest(instruments: Sequence[Instrument], groups: Sequence[Group], what_if: Mapping[str, float]) -> str:
    """SHA-256 [hex] over rules, groups and what was changed, whatever their order."""
    records = [msgspec.json.encode(one, order="sorted") for one in sorted(groups, key=lambda group: group.id)]
    records = [*(msgspec.json.encode(one, order="sorted") for one in instruments), *records]
    return hashlib.sha256(b"\0".join((*records, msgspec.json.encode(dict(what_if), order="sorted")))).hexdigest()

"""Rules of law as expressions of CEL, so that another evaluator can be asked the same.

CEL knows no "unknown", but what reads a key that a map lacks is an error, and its ``&&`` and ``||`` drop an error where
the other side decides, on either side: false, error and true behave as Kleene's false, unknown and true. Membership of
a country in a group is a key of its own, which is missing where nobody knows. Days are compared as texts.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping

from cel_expr_python import cel

from accord.catalog.group import Group
from accord.catalog.instrument import Clause, Rule, leaves
from accord.catalog.legal_fact import FACTS
from accord.policy.facts import Facts

COUNTRIES = tuple(name for name, fact in FACTS.items() if fact.kind == "country")
DAYS = tuple(name for name, fact in FACTS.items() if fact.kind == "day")
# Ratios as CEL computes them itself, where their parts are given.
QUOTIENTS: Mapping[str, tuple[str, str, str]] = {
    "performance_density": ("tpp", "die_area", ""),
    "memory_density": ("dram_bandwidth", "package_area", " / 1e9"),
    "modification_share": ("modification_flop", "original_flop", ""),
}
_ENVIRONMENT = cel.NewEnv(variables={"f": cel.Type.Map(cel.Type.STRING, cel.Type.DYN)})
_VERDICTS = {False: 0, True: 2}


class Expression:
    """A compiled expression that answers 0 for false, 1 for an error, 2 for true."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._compiled = _ENVIRONMENT.compile(text)

    def __call__(self, activation: Mapping[str, object]) -> int:
        found = self._compiled.eval(data={"f": activation})
        if found.type() == cel.Type.ERROR:
            assert "Key not found" in str(found.value()), f"{self.text}: {found.value()}"
            return 1
        return _VERDICTS[found.value()]


def whole(rule: Rule) -> str:
    """Scope and condition of a rule."""
    scope, params = rule.scope, numbers(rule)
    parts = [
        among(name, words)
        for name, words in (
            ("transaction", scope.transactions), ("item_type", scope.items), ("exporter", scope.addressees)
        )
        if words
    ]  # fmt: skip
    ways = []
    if scope.destinations:
        there = among("destination", scope.destinations)
        out = scope.except_destinations
        ways.append(f"({there} && !{among('destination', out)})" if out else there)
    if scope.headquarters:
        ways.append(among("hq", scope.headquarters))
    parts += [f"({' || '.join(ways)})"] if ways else []
    parts += [condition(rule.when, params)] if rule.when is not None else []
    return " && ".join(parts) or "true"


def numbers(rule: Rule) -> dict[str, float]:
    """Parameters of a rule in the unit of their facts."""
    return {name: value.si for name, value in rule.params.items() if value.number is not None}


def condition(clause: Clause, params: Mapping[str, float]) -> str:
    """A condition."""
    if clause.fact is not None:
        return comparison(clause, params)
    if clause.not_ is not None:
        return f"!{condition(clause.not_, params)}"
    parts = [condition(part, params) for part in (*clause.all, *clause.any)]
    return f"({(' && ' if clause.all else ' || ').join(parts)})"


def comparison(clause: Clause, params: Mapping[str, float]) -> str:
    """A comparison of one fact."""
    name = str(clause.fact)
    if clause.op in ("is", "in"):
        return among(name, clause.among or (str(clause.value),))
    if clause.op == "meets":
        return f'{json.dumps(clause.among)}.exists(word, word in f["{name}"])'
    if clause.op in ("before", "from"):
        return f'(f["{name}"] {"<" if clause.op == "before" else ">="} "{clause.value}")'
    number = f'f["{name}"]'
    if name in QUOTIENTS:
        above, below, per = QUOTIENTS[name]
        given = f'"{above}" in f && "{below}" in f && f["{below}"] > 0.0'
        number = f'({given} ? f["{above}"] / f["{below}"]{per} : {number})'
    return f"({number} {clause.op} {float(params[str(clause.param)])!r})"


def among(name: str, words: tuple[str, ...]) -> str:
    """A word, or a country, that is in a list; groups are keys of their own."""
    groups = [word for word in words if name in COUNTRIES and len(word) != 2]
    plain = [word for word in words if word not in groups]
    parts = [f'f["{name}"] in {json.dumps(plain)}'] if plain else []
    return f"({' || '.join((*parts, *(f'f[{json.dumps(member_key(name, group))}]' for group in groups)))})"


def member_key(name: str, group: str) -> str:
    """Key that says whether the country of fact ``name`` is in a group."""
    return f"{name} in {group}"


def activation(facts: Facts, groups: Iterable[Group], day: datetime.date) -> dict[str, object]:
    """Facts as CEL reads them on a day."""
    found: dict[str, object] = {}
    for name, value in facts.items():
        found[name] = sorted(value) if isinstance(value, frozenset) else value
        if name in DAYS and isinstance(value, float):
            found[name] = datetime.date.fromordinal(int(value)).isoformat()
    if "original_flop" in facts or "modification_share" in facts:
        found["original_flop_known"] = "yes"  # given is known, whatever else is said
    for name in COUNTRIES:
        for group in groups if name in facts else ():
            inside = member(group, str(facts[name]), day)
            if inside is not None:
                found[member_key(name, group.code)] = inside
    return found


def member(group: Group, country: str, day: datetime.date) -> bool | None:
    """Whether a country is in a group on a day; None where nobody knows."""
    listed = [one for one in group.members if one.country == country]
    if any((one.start or "") <= day.isoformat() < (one.until or "9999") for one in listed):
        return True
    if any(one.country == country and one.holds(day) for one in group.unsure):
        return None
    named = any(one.country == country and one.holds(day) for one in group.outside)
    return False if group.complete or listed or named else None


def pieces(rule: Rule) -> list[str]:
    """Every comparison alone, those of the scope first, in the order of :func:`whole`."""
    scope, params = rule.scope, numbers(rule)
    fields = (
        ("transaction", scope.transactions), ("item_type", scope.items), ("exporter", scope.addressees),
        ("destination", scope.destinations), ("destination", scope.except_destinations if scope.destinations else ()),
        ("hq", scope.headquarters),
    )  # fmt: skip
    return [among(name, words) for name, words in fields if words] + [
        comparison(leaf, params) for leaf in leaves(rule.when)
    ]

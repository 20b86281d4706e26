"""A scenario as the text of its file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

import msgspec

from accord.economics.scenario import Amount, Scenario, Setting, SystemTerms
from accord.economics.scenario_keys import EXCHANGE, KEYS, SYSTEM_KEYS, Key

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def scenario_toml(scenario: Scenario, taken: Mapping[str, str] | None = None) -> str:
    """The text of a file that says the same.

    taken: what is taken for granted where the scenario says nothing, in words by field, written as comments so that
        a reader of the file takes the same for granted, bands included
    """
    taken = taken or {}
    blocks: list[tuple[str, list[str]]] = []
    for section in ("place", "money", "subsidy"):
        keys = [key for key in KEYS if key.section == section]
        blocks.append((f"[{section}]", [line for key in keys for line in _key_lines(key, scenario, taken)]))
        if section == "money" and scenario.per_usd:
            rates = [f"{name} = {_written(rate)}" for name, rate in scenario.per_usd.items()]
            blocks.append((f"[money.{EXCHANGE}]", rates))
    for id, terms in scenario.systems.items():
        blocks.append((f"[system.{_name(id)}]", list(_system_lines(terms)) or ["# nothing"]))
    if scenario.plan:
        blocks.append(("[plan]", [f"{_name(name)} = {_written(value)}" for name, value in scenario.plan.items()]))
    return "\n\n".join("\n".join((head, *lines)) for head, lines in blocks if lines) + "\n"


def _key_lines(key: Key, scenario: Scenario, taken: Mapping[str, str]) -> Iterable[str]:
    value = getattr(scenario, key.field)
    default = next(field.default for field in msgspec.structs.fields(Scenario) if field.name == key.field)
    if value is not None and (value != default or key.field == "mode"):
        yield f"{key.name} = {_valued(key, value)}"
    elif key.field in taken:
        yield f"# {key.name}: {taken[key.field]}"


def _system_lines(terms: SystemTerms) -> Iterable[str]:
    for key in SYSTEM_KEYS:
        value = getattr(terms, key.field)
        if value is not None:
            yield f"{key.name} = {_valued(key, value)}"


def _valued(key: Key, value: object) -> str:
    if isinstance(value, Amount):
        return _written(f"{value.value!r} {value.unit}")
    if key.kind == "quantity":
        return _written(f"{value!r} {key.unit}")
    assert isinstance(value, str | int | float)
    return _written(value)


def _written(value: Setting) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) else _written(name)

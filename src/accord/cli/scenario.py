"""``--scenario plan.toml``: reads a scenario, with file, line and hint for everything that is wrong in it."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from accord.base import units
from accord.base.errors import UnitError
from accord.base.registry import did_you_mean
from accord.economics.scenario import MODES, Amount, Scenario, ScenarioError, Setting, SystemTerms
from accord.economics.scenario_keys import EXCHANGE, KEYS, SECTIONS, SYSTEM_KEYS, Key, names

MAX_BYTES = 1 << 20
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\s*({_DOTTED})\s*\]\s*(?:#.*)?")
_LINE = re.compile(rf"\s*({_DOTTED})\s*=")
_AT = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")
_TWICE_HINT = "keep one"
_TWO_MEANINGS = ("mode",)  # one pool or two in [plan], to own or to rent in [money]
At = tuple[str, ...]
Check = Callable[[Scenario], object]


def read_scenario(
    path: Path, plan_keys: Sequence[str], systems: Iterable[str] | None = None, check: Check | None = None
) -> Scenario:
    """Read a scenario's file.

    plan_keys: what the section ``plan`` may name, flags with ``_`` for ``-``
    systems: ids that ``[system.ID]`` may name, None where they are not checked
    check: looks at what was read; a ScenarioError of its own gets file and line
    Raises ScenarioError with file, line and hint.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as err:
        raise ScenarioError(f"the scenario cannot be read: {err.strerror or err}", where=str(path)) from None
    if len(data) > MAX_BYTES:
        raise ScenarioError("the scenario is above 1 MiB", where=str(path), hint="a scenario is a page of settings")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = 1 + data.count(b"\n", 0, err.start)
        raise ScenarioError("the scenario is not UTF-8", where=f"{path}:{line}", hint="save it as UTF-8") from None
    return parse_scenario(text, str(path), plan_keys, systems, check)


def parse_scenario(
    text: str,
    file: str,
    plan_keys: Sequence[str],
    systems: Iterable[str] | None = None,
    check: Check | None = None,
) -> Scenario:
    """Read a scenario's text; see :func:`read_scenario`. file: its name for messages."""
    return _Reader(text, file, tuple(plan_keys), None if systems is None else tuple(systems)).scenario(check)


class _Reader:
    """One file being read; knows where each key stands."""

    def __init__(self, text: str, file: str, plan_keys: tuple[str, ...], systems: tuple[str, ...] | None) -> None:
        self._file = file
        self._plan_keys = plan_keys
        self._systems = systems
        self._lines, twice = _lines_of(text)
        if twice is not None:
            where, first = twice
            self._fail(where, f"{_dotted(where)} is given twice", f"it is first given on line {first}; {_TWICE_HINT}")
        try:
            self._root: dict[str, Any] = tomllib.loads(text.replace("\r\n", "\n"))
        except (tomllib.TOMLDecodeError, RecursionError) as err:
            raise _syntax(err, file, text) from None

    def scenario(self, check: Check | None) -> Scenario:
        """The record. Raises ScenarioError."""
        for section, table in self._root.items():
            if section not in SECTIONS:
                self._fail((section,), f"'{section}' is no section of a scenario", did_you_mean(section, SECTIONS))
            if not isinstance(table, dict):
                self._fail((section,), f"{section} is {_shown(table)}; a table is wanted", f"write '[{section}]'")
        fields: dict[str, Any] = {}
        for section in ("place", "money", "subsidy"):
            fields |= self._section(section)
        fields["systems"] = self._all_systems()
        fields["plan"] = self._plan()
        self._clashes()
        try:
            found = Scenario(**fields)
            if check is not None:
                check(found)
        except ScenarioError as err:
            raise self._placed(err) from None
        return found

    def _section(self, section: str) -> dict[str, Any]:
        table = self._root.get(section, {})
        fields: dict[str, Any] = {}
        for name, value in table.items():
            if section == "money" and name == EXCHANGE:
                fields["per_usd"] = self._exchange(value)
                continue
            key = self._key(KEYS, section, (section, name), value)
            fields[key.field] = self._value(key, (section, name), value)
        return fields

    def _key(self, keys: tuple[Key, ...], section: str, at: At, value: object) -> Key:
        """The key's line of the table; of two that take money or a share, the one that fits what is written."""
        found = [key for key in keys if key.section == section and key.name == at[-1]]
        if not found:
            elsewhere = [key.section for key in KEYS if key.name == at[-1] and key.section != section]
            hint = f"it belongs to [{elsewhere[0]}]" if elsewhere else did_you_mean(at[-1], names(section))
            self._fail(at, f"'{at[-1]}' is no key of [{_dotted(at[:-1])}]", hint)
        shares = [key for key in found if key.kind == "share"]
        if len(found) > 1 and shares and (not isinstance(value, str) or value.strip().endswith("%")):
            return shares[0]
        return found[0]

    def _value(self, key: Key, at: At, value: object) -> object:
        """One value as its key takes it."""
        name, hint = _dotted(at), f"write it as '{at[-1]} = {key.example}'"
        try:
            return _converted(key, name, value)
        except UnitError as err:
            self._fail(at, err.what, err.hint or hint)
        except ValueError as err:
            self._fail(at, f"{name} is {_shown(value)}; {err}", hint)

    def _exchange(self, table: object) -> dict[str, float]:
        at: At = ("money", EXCHANGE)
        if not isinstance(table, dict):
            self._fail(at, f"money.exchange is {_shown(table)}; a table is wanted", "write 'CNY = 7.2' below it")
        rates: dict[str, float] = {}
        for name, value in table.items():
            if name not in units.CURRENCIES:
                self._fail((*at, name), f"'{name}' is no currency Accord knows", did_you_mean(name, units.CURRENCIES))
            if not _number(value) or not value > 0.0 or name == "USD":
                what = f"{_dotted((*at, name))} is {_shown(value)}; units of {name} for one USD are wanted"
                self._fail((*at, name), what, "write it as 'CNY = 7.2'")
            rates[name] = float(value)
        return rates

    def _all_systems(self) -> dict[str, SystemTerms]:
        found: dict[str, SystemTerms] = {}
        for id, table in self._root.get("system", {}).items():
            at: At = ("system", id)
            if not isinstance(table, dict):
                self._fail(at, f"system.{id} is {_shown(table)}; a table is wanted", "write '[system.ID]', then keys")
            if self._systems is not None and id not in self._systems:
                self._fail(at, f"system '{id}' is not in the catalog", did_you_mean(id, self._systems))
            fields: dict[str, Any] = {}
            for name, value in table.items():
                key = self._key(SYSTEM_KEYS, "system", (*at, name), value)
                fields[key.field] = self._value(key, (*at, name), value)
            found[id] = SystemTerms(**fields)
        return found

    def _plan(self) -> dict[str, Setting]:
        found: dict[str, Setting] = {}
        for name, value in self._root.get("plan", {}).items():
            at: At = ("plan", name)
            if name not in self._plan_keys:
                dashed = name.replace("-", "_")
                known = dashed in self._plan_keys
                self._fail(
                    at, f"'{name}' is no key of [plan]",
                    f"write '{dashed}'" if known else did_you_mean(name, self._plan_keys),
                )  # fmt: skip
            items = value if isinstance(value, list) else [value]
            if not all(isinstance(item, str | bool) or _number(item) for item in items):
                self._fail(
                    at,
                    f"plan.{name} is {_shown(value)}; text or a number is wanted",
                    "a list goes in brackets, text and days in quotes",
                )
            found[name] = tuple(items) if isinstance(value, list) else value
        return found

    def _clashes(self) -> None:
        """Refuse what the section plan says again."""
        for name in self._root.get("plan", {}):
            for key in KEYS:
                if name in _TWO_MEANINGS:
                    continue
                if name in (key.name, key.field) and key.name in self._root.get(key.section, {}):
                    other = (key.section, key.name)
                    self._fail(
                        ("plan", name), f"plan.{name} says again what {_dotted(other)} says",
                        f"it is given on line {self._line(other)}; {_TWICE_HINT}",
                    )  # fmt: skip

    def _placed(self, err: ScenarioError) -> ScenarioError:
        """The record's complaint, with the key's name and line."""
        at: At = tuple(err.field.split("/"))  # a system's is system/ID/key
        if err.field == "per_usd":
            at = ("money", EXCHANGE)
        for key in KEYS:
            if key.field == err.field:
                at = (key.section, key.name)
        what = re.sub(rf"^{re.escape(err.field)}\b", _dotted(at), err.what, count=1) if err.field else err.what
        return ScenarioError(what, field=err.field, where=f"{self._file}:{self._line(at)}", hint=err.hint)

    def _line(self, at: At) -> int:
        for end in range(len(at), 0, -1):
            if at[:end] in self._lines:
                return self._lines[at[:end]]
        return 1

    def _fail(self, at: At, what: str, hint: str) -> NoReturn:
        raise ScenarioError(what, where=f"{self._file}:{self._line(at)}", hint=hint)


def _converted(key: Key, name: str, value: object) -> object:
    """A value as its key takes it. Raises UnitError, or ValueError with what is wanted."""
    if key.kind in ("text", "code", "mode"):
        if not isinstance(value, str) or not value.strip():
            raise ValueError("text is wanted")
        if key.kind == "mode" and value not in MODES:
            raise ValueError(f"it is one of {', '.join(MODES)}")
        if key.kind == "code" and not re.fullmatch(r"[A-Z]{2}", value):
            raise ValueError("two capital letters are wanted, as in ISO 3166")
        return value
    if key.kind == "flag":
        if not isinstance(value, bool):
            raise ValueError("true or false is wanted")
        return value
    if key.kind == "whole":
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError("a whole number is wanted")
        return value
    if key.kind == "money":
        return _amount(key, name, value)
    if key.kind == "quantity":
        if not isinstance(value, str):
            raise ValueError("a number with its unit is wanted")
        return _not_negative(units.parse(value, key.unit, name=name))
    if isinstance(value, str) and key.kind in ("share", "years"):
        return units.parse(value, "1" if key.kind == "share" else "year", name=name)
    if not isinstance(value, int | float) or not _number(value):
        raise ValueError("a number is wanted")
    return float(value) if key.kind in {"share", "years"} else _not_negative(float(value))


def _amount(key: Key, name: str, value: object) -> Amount:
    """Money, per what the key says."""
    if not isinstance(value, str):
        raise ValueError("a number with its currency is wanted")
    number, unit = units.parse_any(value, name=name)
    money, slash, per = unit.partition("/")
    if money not in units.CURRENCIES or slash + per != key.unit:
        wanted = {"": "a sum of money", "/kWh": "a price of a kWh", "/h": "a price of an hour"}[key.unit]
        raise ValueError(f"{wanted} is wanted")
    return Amount(_not_negative(number), unit)


def _not_negative(value: float) -> float:
    if value < 0.0:
        raise ValueError("it may not be negative")
    return value


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:40] + "..."


def _dotted(at: At) -> str:
    return ".".join(at)


# Lines


def _lines_of(text: str) -> tuple[Mapping[At, int], tuple[At, int] | None]:
    """The line of each key by its path, and the first key that is given twice with the line of the first.

    A reader of lines, not of TOML: it knows headers, keys and dotted keys at the start of a line, and skips text
    that runs over several lines.
    """
    lines: dict[At, int] = {}
    headers: set[At] = set()
    table: At = ()
    twice: tuple[At, int] | None = None
    inside = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if inside:
            inside = "" if inside in line else inside
            continue
        header, key = _HEADER.fullmatch(line.rstrip("\r")), _LINE.match(line)
        if header is not None:
            table = _parts(header[1])
            if table in headers and twice is None:
                twice = (table, lines[table])
                lines[table] = number
            headers.add(table)
            lines.setdefault(table, number)
        elif key is not None:
            path = (*table, *_parts(key[1]))
            if path in lines and twice is None:
                twice = (path, lines[path])
                lines[path] = number
            lines.setdefault(path, number)
            rest = line[key.end() :]
            inside = next((mark for mark in ('"""', "'''") if rest.count(mark) == 1), "")
    return lines, twice


def _parts(dotted: str) -> At:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _syntax(err: Exception, file: str, text: str) -> ScenarioError:
    found = _AT.search(str(err))
    line = int(found[1]) if found and found[1] else 1 + text.rstrip("\n").count("\n")
    problem = _AT.sub("", str(err)).strip() or "nested too deep"
    return ScenarioError(
        f"the scenario is not valid TOML: {problem[:1].lower()}{problem[1:]}", where=f"{file}:{line}",
        hint="write '[section]' lines and 'key = value' lines; text goes in quotes",
    )  # fmt: skip

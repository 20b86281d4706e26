"""Flags of ``accord plan`` that a scenario's ``[plan]`` gives, what was given at all, and both written out again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec
from click.core import ParameterSource

from accord.base.errors import AccordError
from accord.catalog.load import Catalog
from accord.cli.plan_flags import PLAN_KEYS
from accord.cli.plan_law import has_place
from accord.cli.scenario import read_scenario
from accord.economics.scenario import Scenario, ScenarioError, Setting


def with_scenario(flags: dict[str, Any], catalog: Catalog) -> Scenario:
    """The scenario of ``--scenario``; its ``[plan]`` fills the flags that were not given, in place.

    Raises ScenarioError with file and line.
    """
    scenario, file = Scenario(), flags["scenario"]
    if file is not None:
        scenario = read_scenario(file, PLAN_KEYS, catalog.ids("systems"), lambda found: _fill(flags, found.plan))
    for name in ("seller", "buyer", "hq"):
        flags[name] = flags[name].upper() if flags[name] else None
    if flags["no_law"]:
        flags["law"] = "off"
    if scenario.country is None and flags["buyer"] and has_place(catalog, flags["buyer"]):
        scenario = msgspec.structs.replace(scenario, country=flags["buyer"])
    if not flags["buyer"] and flags["seller"] and flags["date"]:
        flags["buyer"] = scenario.country
    return scenario


def given(scenario: Scenario) -> frozenset[str]:
    """Parameters that the command line or the scenario sets."""
    found = typed() | {one.name for key, one in _options().items() if key in scenario.plan and one.name}
    return found | {"law"} if "no_law" in found else found


def typed() -> frozenset[str]:
    """Parameters that the command line sets."""
    context = click.get_current_context()
    return frozenset(one.name for one in context.command.params if one.name and _is_typed(context, one.name))


def placed(error: AccordError, file: Path | None, scenario: Scenario) -> AccordError:
    """The error with file and line where the flag that it names is a key of the scenario, else as it is."""
    key = (error.where or "").removeprefix("--").replace("-", "_")
    option = _options().get(key)
    if file is None or option is None or key not in scenario.plan or _is_typed(click.get_current_context(), option):
        return error

    def say(_: Scenario) -> NoReturn:
        raise ScenarioError(f"plan.{key}: {error.what}", field=f"plan/{key}", hint=error.hint)

    try:
        read_scenario(file, PLAN_KEYS, None, say)
    except ScenarioError as found:
        return found
    return error


def settings(flags: Mapping[str, Any], scenario: Scenario) -> dict[str, Setting]:
    """The section ``[plan]`` of a scenario that says what the flags and the scenario say."""
    known, set_ones = _options(), given(scenario)
    return {key: _setting(flags[known[key].name]) for key in PLAN_KEYS if known[key].name in set_ones}


def _setting(value: object) -> Setting:
    """A flag's value as its key is written."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        items = tuple(_limit(*one) if isinstance(one, tuple) else one for one in value)
        return items[0] if len(items) == 1 else items
    assert isinstance(value, str | int | float | bool)
    return value


def _limit(share: float | None, seconds: float) -> str:
    return f"{seconds!r} s" if share is None else f"p{round(100 * share)}:{seconds!r} s"


def _options() -> dict[str, click.Option]:
    """Options of the verb by key: the flag with ``_`` for ``-``."""
    return {
        flag.removeprefix("--").replace("-", "_"): one
        for one in click.get_current_context().command.params
        if isinstance(one, click.Option)
        for flag in one.opts
        if flag.startswith("--")
    }


def _is_typed(context: click.Context, option: click.Option | str) -> bool:
    name = option if isinstance(option, str) else option.name or ""
    return context.get_parameter_source(name) not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP, None)


def _fill(flags: dict[str, Any], plan: Mapping[str, Setting]) -> None:
    """Set flags from ``[plan]`` unless they were typed. Raises ScenarioError naming the key."""
    context, options = click.get_current_context(), _options()
    for key, value in plan.items():
        option = options[key]  # PLAN_KEYS are flags of both verbs
        assert option.name is not None
        if _is_typed(context, option):
            continue
        try:
            flags[option.name] = option.type_cast_value(context, _text(option, value))
        except click.BadParameter as error:
            hint = f"'{context.command_path} --help' says what {option.opts[0]} takes"
            raise ScenarioError(f"plan.{key}: {error.message.rstrip('.')}", field=f"plan/{key}", hint=hint) from None


def _text(option: click.Option, value: Setting) -> object:
    """A key's value as it would be typed."""
    items = value if isinstance(value, tuple) else (value,)
    if option.multiple:
        return tuple(str(part) for part in items)
    if option.is_flag:
        return value if isinstance(value, bool) else str(value)
    return ",".join(str(part) for part in items)

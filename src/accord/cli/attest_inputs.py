"""The command behind an answer that lies in a file, where its recorded inputs say all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
import msgspec

from accord.base.errors import UsageError
from accord.cli.attest_command import recorded
from accord.economics.scenario import Scenario
from accord.report.attestation import Command

# Verbs whose inputs are their flags: which input is an argument, and which flag is called otherwise.
_ARGUMENTS: Mapping[str, str] = {
    "compare": "systems", "catalog.show": "id", "policy.party": "name", "policy.classify": "id", "policy.migrate": "id",
    "policy.adoption": "", "audit": "claim",
}  # fmt: skip
_CALLED = {"instruments": "instrument"}
_REPEATED = ("ttft", "tpot", "e2el", "set")  # of a plan's keys; other lists are written with commas


def command_of(verb: str, inputs: Mapping[str, Any]) -> Command | None:
    """The command that answers with these inputs; None where they do not say all of it, or name a file.

    verb: of the schema, sub-verbs joined by a dot
    """
    found = _words(verb, inputs)
    if found is None or inputs.get("catalog"):
        return None
    try:
        asked = recorded([*verb.split("."), *found])
    except (UsageError, click.ClickException):
        return None  # written by another version, or by hand
    return None if asked.files else asked.command


def _words(verb: str, inputs: Mapping[str, Any]) -> list[str] | None:
    """Words after the verb, None for a verb whose inputs are not its flags."""
    if verb in ("plan", "size"):
        return _plan_words(inputs.get("scenario"))
    if verb == "simulate":
        said = inputs.get("command")
        known = isinstance(said, list) and said[:2] == ["accord", "simulate"] and all(isinstance(w, str) for w in said)
        return said[2:] if known and isinstance(said, list) else None
    if verb == "demo":
        return [f"--{flag}={inputs[name]}" for flag, name in (("to", "buyer"), ("date", "day"), ("level", "level"))
                if name in inputs]  # fmt: skip
    if verb not in _ARGUMENTS:
        return None
    own = {name: value for name, value in inputs.items() if name not in ("catalog", _ARGUMENTS[verb])}
    last = inputs.get(_ARGUMENTS[verb])
    arguments = last if isinstance(last, list) else [last] if last is not None else []
    return [*(word for name, value in own.items() for word in _flag(name, value)), "--", *map(str, arguments)]


def _plan_words(scenario: object) -> list[str] | None:
    """The flags of a plan; None where its scenario says more than flags can."""
    if not isinstance(scenario, dict) or not isinstance(scenario.get("plan"), dict):
        return None
    plan: dict[str, Any] = scenario["plan"]
    usual = msgspec.to_builtins(Scenario(country=scenario.get("country"), plan=plan))
    if scenario != usual or scenario.get("country") not in (None, plan.get("to")):
        return None
    return [word for name, value in plan.items() for word in _flag(name, value)]


def _flag(name: str, value: object) -> Iterator[str]:
    """A flag as it is typed; nothing for what was not given."""
    flag = f"--{_CALLED.get(name, name).replace('_', '-')}"
    if isinstance(value, dict):
        yield from (f"{flag}={key}={one}" for key, one in value.items())
    elif isinstance(value, list) and name in _REPEATED:
        yield from (f"{flag}={one}" for one in value)
    elif isinstance(value, list):
        yield from [f"{flag}={','.join(map(str, value))}"] if value else []
    elif value is True:
        yield flag
    elif value is False:
        yield from [f"--no-{flag[2:]}"] if name == "intervals" else []
    elif value is not None:
        yield f"{flag}={value}"

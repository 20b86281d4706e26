"""Limits, failures and scaling written as text on the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from accord.base import units
from accord.base.errors import UnitError, UsageError
from accord.base.registry import did_you_mean
from accord.cli.deployment import pool_text
from accord.inference.request import PoolRequest
from accord.serving.slo import Slo
from accord.serving.spec import Autoscale, Outage


def parts_of(text: str, flag: str, known: Mapping[str, str]) -> dict[str, str | float]:
    """``name=value,...`` by name: values in the unit that ``known`` states (``1`` for a number, "" for a word).

    Raises UsageError naming the flag and the closest part.
    """
    found: dict[str, str | float] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or name not in known:
            hint = did_you_mean(name, list(known)) or f"parts are {', '.join(known)}"
            raise UsageError(f"'{part.strip()}' is no part of it", where=flag, hint=hint)
        if name in found:
            raise UsageError(f"'{name}' stands there twice", where=flag)
        found[name] = _value(name, value, known[name], flag)
    return found


def _value(name: str, text: str, unit: str, flag: str) -> str | float:
    """A word, or a number in a unit. Raises UsageError."""
    if not unit:
        return text
    if unit == "1":
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise UsageError(f"{name} is '{text}', not a number", where=flag, hint=f"write it as '{name}=1'")
        return number
    try:
        return units.parse(text, unit, name=name)
    except UnitError as error:
        raise UsageError(error.what, where=flag, hint=error.hint) from None


def pool_place(text: str | None, name: str) -> tuple[PoolRequest | None, dict[str, str]]:
    """A pool, and the system it stands on where that is named (``system=ID``).

    None for the pool where nothing but its system is named: it is one device, or as a file of the deployment says.
    """
    if text is None:
        return None, {}
    parts = text.split(",")
    own = [part for part in parts if part.partition("=")[0].strip() == "system"]
    rest = ",".join(part for part in parts if part not in own)
    pool = pool_text(rest, f"--{name}") if rest else None
    if not own:
        return pool, {}
    system = own[0].partition("=")[2].strip()
    if len(own) > 1 or not system:
        raise UsageError("'system' wants one id", where=f"--{name}", hint="write system=ID once")
    return pool, {name: system}


def outage_text(text: str) -> Outage:
    """A failure written as ``instance=0,at=60s,down=30s``. Raises UsageError."""
    found = parts_of(text, "--fail", {"instance": "1", "at": "s", "down": "s"})
    if not {"instance", "at", "down"} <= found.keys():
        raise UsageError("a part is missing", where="--fail", hint="write 'instance=0,at=60s,down=30s'")
    at_s, down_s = float(found["at"]), float(found["down"])
    if at_s < 0.0 or down_s < 0.0:
        raise UsageError("a time below 0 s", where="--fail", hint="at and down are 0 s or more")
    return Outage(_whole(found["instance"], "instance", "--fail"), at_s, down_s)


def autoscale_text(text: str | None) -> Autoscale | None:
    """Scaling written as ``min=1,max=8,up=4,down=0.5,every=10s``. Raises UsageError."""
    if text is None:
        return None
    found = parts_of(text, "--autoscale", {"min": "1", "max": "1", "up": "1", "down": "1", "every": "s"})
    if "max" not in found:
        raise UsageError("'max' is missing", where="--autoscale", hint="write 'min=1,max=8,up=4,down=0.5,every=10s'")
    least, most = (_whole(found.get(name, 1.0), name, "--autoscale") for name in ("min", "max"))
    rule = Autoscale(
        least, most, float(found.get("up", 4.0)), float(found.get("down", 0.5)), float(found.get("every", 10.0))
    )
    if not 1 <= rule.least <= rule.most or rule.interval_s <= 0.0 or not 0.0 <= rule.down <= rule.up:
        raise UsageError(
            "limits that contradict one another", where="--autoscale",
            hint="1 <= min <= max, 0 <= down <= up, and every is above 0 s",
        )  # fmt: skip
    return rule


def slos_of(flags: Mapping[str, Any]) -> tuple[Slo, ...]:
    """The limits of ``--ttft``, ``--tpot`` and ``--e2e`` together, and those of every ``--slo``."""
    found: list[Slo] = []
    stated = {name: flags[name.removesuffix("_s")] for name in ("ttft_s", "tpot_s", "e2e_s")}
    limits = {name: value for name, value in stated.items() if value is not None}
    if limits:
        found.append(Slo(**limits, needed=flags["attain"]))
    for number, text in enumerate(flags["slo_texts"], 1):
        parts = parts_of(
            text, "--slo", {"ttft": "s", "tpot": "s", "e2e": "s", "itl": "s", "share": "1", "tenant": "", "name": ""}
        )
        tenant = str(parts["tenant"]) if "tenant" in parts else None
        limits = {f"{name}_s": float(parts[name]) for name in ("ttft", "tpot", "e2e", "itl") if name in parts}
        if not limits:
            raise UsageError("no limit", where="--slo", hint="give one of ttft, tpot, e2e and itl, such as 'ttft=1s'")
        share, name = float(parts.get("share", flags["attain"])), str(parts.get("name", tenant or f"slo {number}"))
        try:
            found.append(Slo(**limits, tenant=tenant, needed=share, name=name))
        except UsageError as error:
            raise error.at("--slo") from None
    return tuple(found)


def _whole(value: str | float, name: str, flag: str) -> int:
    if float(value) % 1.0 or float(value) < 0.0:
        raise UsageError(f"{name} is {value:g}, not a whole number", where=flag)
    return int(float(value))

"""What flags of ``accord plan`` cannot mean, alone or together, said before anything is searched."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from accord.base.errors import UsageError
from accord.catalog.origin import COUNTRY
from accord.planner.lawful import WANTED

PICTURES = ("svg", "png")
_VERSION = re.compile(r"v?\d+([._-]?[0-9a-z]+)*(\+[0-9a-z.]+)?", re.IGNORECASE)  # 0.15.1, v0.9.0rc1, 2025-10
_FINITE = {
    "isl": "--isl", "osl": "--osl", "rate": "--rate", "goodput": "--goodput", "budget_usd": "--budget-usd",
    "usd_per_hour": "--usd-per-hour", "power_kw": "--power-kw", "racks": "--racks",
}  # fmt: skip
_FROM_ONE = {
    "tp": "--tp", "pp": "--pp", "dp": "--dp", "cp": "--cp", "ep": "--ep", "batch": "--batch",
    "budgets": "--max-num-batched-tokens",
}  # fmt: skip
_OF_A_LOAD = {
    "rate": "--rate", "simulated": "--simulate", "requests": "--requests", "pace": "--pace", "seed": "--seed"
}  # fmt: skip
_OF_A_FLEET = (
    "mfu", "matrix", "fleet", "model", "systems", "isl", "osl", "tpot", "engines", "level", "scenario", "buyer",
    "catalog_paths", "as_json", "print_config",
)  # fmt: skip
_OF_THE_LAW = {"exporter": "--exporter", "consignee": "--consignee", "hq": "--hq", "facts": "--set"}
_OF_A_MATRIX = (*_OF_A_FLEET[1:], "seller", "date", "law", "no_law", *_OF_THE_LAW)


def check(flags: Mapping[str, Any], given: Collection[str], typed: Collection[str]) -> tuple[str, ...]:
    """Refuse flags that say nothing, contradict each other or cannot be read; what of a scenario is not looked at.

    given: parameters that were set at all; typed: those of them on the command line
    Raises UsageError naming the flag.
    """
    _numbers(flags)
    _places(flags, given)
    _law(flags, given, typed)
    _load(flags, given)
    _search(flags, given)
    _picture(flags)
    if flags.get("matrix") or flags.get("fleet") is not None:
        return _matrix(flags, given, typed)
    if flags.get("mfu") is not None:
        raise UsageError("a utilisation in training without a fleet", where="--mfu", hint="add --fleet N")
    return ()


def _numbers(flags: Mapping[str, Any]) -> None:
    for name, flag in _FINITE.items():
        if flags[name] is not None and not math.isfinite(flags[name]):
            raise UsageError(f"{flags[name]} is no number to plan with", where=flag, hint="give a finite one")
    for name in ("isl", "osl"):
        if flags[name] is not None and flags[name] < 1.0:
            raise UsageError(f"{flags[name]:g} tokens", where=_FINITE[name], hint="give 1 or more")
    for name, flag in _FROM_ONE.items():
        if any(value < 1 for value in flags[name] or ()):
            raise UsageError(f"{min(flags[name])} is none", where=flag, hint="give 1 or more")
    if any(value > 2 for value in flags["microbatches"] or ()):
        what = f"{max(flags['microbatches'])} microbatches"
        raise UsageError(what, where="--microbatches", hint="1, 2, or 0 for the faster of both")
    if any(value >= 1.0 for value in flags["reuse"] or ()):
        hint = "write 0.7 for 70 %; a token of each prompt is always computed, so it is less than 1"
        raise UsageError(f"a share of {max(flags['reuse']):g}", where="--reuse", hint=hint)


def _places(flags: Mapping[str, Any], given: Collection[str]) -> None:
    if flags["date"]:
        try:
            datetime.date.fromisoformat(flags["date"])
        except ValueError:
            raise UsageError(f"'{flags['date']}' is no day", where="--date", hint="write 2026-03-01") from None
    for name, flag in (("seller", "--from"), ("buyer", "--to"), ("hq", "--hq")):
        if flags[name] and not COUNTRY.fullmatch(flags[name]):
            raise UsageError(f"'{flags[name]}' is no country", where=flag, hint="two letters of ISO 3166, such as DE")
    for country in flags["exclude_origin"] or ():
        if not COUNTRY.fullmatch(country):
            raise UsageError(f"'{country}' is no country", where="--exclude-origin", hint="two capitals, such as CN,US")
    if "exclude_scope" in given and not flags["exclude_origin"]:
        raise UsageError("nothing is excluded", where="--exclude-scope", hint="name countries with --exclude-origin")


def _law(flags: Mapping[str, Any], given: Collection[str], typed: Collection[str]) -> None:
    """Refuse what is asked for the law alone where it is not checked."""
    if "no_law" in typed and "law" in typed:
        raise UsageError("--law and --no-law at once: two answers", where="--no-law", hint="give one of them")
    if flags["law"] == "off":
        return  # what is said of the deal is passed over, so that both answers can be had by one flag
    lacking = [flag for name, flag in (("seller", "--from"), ("buyer", "--to"), ("date", "--date")) if not flags[name]]
    for name, flag in _OF_THE_LAW.items():
        if flags[name] and lacking:
            raise UsageError(f"{_listed(lacking)} missing: the law is not checked", where=flag, hint=WANTED)
    if "law" in given and lacking:
        raise UsageError(f"{_listed(lacking)} missing: the law cannot be checked", where="--law", hint=WANTED)


def _listed(flags: Sequence[str]) -> str:
    return f"{' and '.join(flags)} {'are' if len(flags) > 1 else 'is'}"


def _load(flags: Mapping[str, Any], given: Collection[str]) -> None:
    if flags["trace"] and flags["workload"]:
        raise UsageError("--trace and --workload at once: two loads", where="--workload", hint="give one of them")
    if flags["trace_format"] and not flags["trace"]:
        raise UsageError("the format of no trace", where="--format", hint="give --trace FILE")
    for name, flag in _OF_A_LOAD.items():
        if name in given and flags[name] != 0 and not (flags["trace"] or flags["workload"]):
            what = "a simulation without a load" if name == "simulated" else "nothing is simulated without a load"
            if name == "rate":
                what = "the rate of no load"
            hint = "give --trace or --workload" + ("; what must be served is --goodput" if name == "rate" else "")
            raise UsageError(what, where=flag, hint=hint)


def _search(flags: Mapping[str, Any], given: Collection[str]) -> None:
    version = flags["engine_version"]
    if version is not None and not _VERSION.fullmatch(version):
        hint = "write a release such as 0.15.1, or a day such as 2025-10-01"
        raise UsageError(f"'{version}' is no version", where="--engine-version", hint=hint)
    if flags["checkpoint"] is not None and not flags["checkpoint"].parent.is_dir():
        what = f"there is no folder '{flags['checkpoint'].parent}'"
        raise UsageError(what, where="--checkpoint", hint="make it first")
    if flags["ray_address"] and flags["executor"] != "ray":
        raise UsageError("a cluster that is not asked", where="--ray-address", hint="add --executor ray")
    if flags["workers"] is not None and flags["executor"] == "local":
        raise UsageError("one process works alone", where="--workers", hint="add --executor processes")
    if "confidence" in given and flags["confidence"] > 0.5 and not flags["intervals"]:
        raise UsageError(
            "a confidence without intervals", where="--confidence",
            hint="without intervals limits hold at the estimate: leave one out",
        )  # fmt: skip
    if flags["mixed"] and flags["modes"] == ("aggregated",):
        raise UsageError("one pool is not mixed", where="--mixed", hint="leave out --mode aggregated")
    if flags["mixed"] and flags["systems"] and flags["systems"].strip() != "all" and "," not in flags["systems"]:
        raise UsageError("one system is not mixed", where="--mixed", hint="name two with --system")


def _picture(flags: Mapping[str, Any]) -> None:
    """Refuse a picture that could not be written, before the search."""
    file: Path | None = flags.get("tornado")
    if file is None:
        return
    if file.suffix.lower().removeprefix(".") not in PICTURES:
        raise UsageError(f"'{file.name}' is no picture", where="--tornado", hint="name it .svg or .png")
    if not file.parent.is_dir():
        raise UsageError(f"there is no folder '{file.parent}'", where="--tornado", hint="make it first")


def _matrix(flags: Mapping[str, Any], given: Collection[str], typed: Collection[str]) -> tuple[str, ...]:
    """Refuse typed flags that a matrix or a fleet would not look at; name such keys of a scenario's ``[plan]``."""
    verb = "--matrix" if flags["matrix"] else "--fleet"
    allowed = _OF_A_MATRIX if flags["matrix"] else _OF_A_FLEET
    passed: list[str] = []
    for one in click.get_current_context().command.params:
        if one.name in typed and one.name not in allowed:
            raise UsageError(f"{verb} does not look at it", where=one.opts[0], hint="leave it out")
        if one.name in given and one.name not in allowed:
            passed.append(one.opts[0].removeprefix("--").replace("-", "_"))
    if any(share is not None for share, _ in flags["tpot"]) or len(flags["tpot"]) > 1:
        raise UsageError(f"{verb} takes one limit on the mean", where="--tpot", hint="such as --tpot 50ms")
    return (f"{verb} does not look at these keys of [plan]: {', '.join(passed)}",) if passed else ()

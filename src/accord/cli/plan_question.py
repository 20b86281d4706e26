"""The flags of ``accord plan`` as a problem, a scenario and a load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
from click.core import ParameterSource

from accord.api.records import engine_id
from accord.base.errors import AccordError, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.load import Catalog
from accord.catalog.system import System
from accord.cli.plan_flags import PLAN_KEYS
from accord.cli.scenario import read_scenario
from accord.cli.simulate_load import Load, load_of
from accord.economics.scenario import Scenario
from accord.planner.problem import LATENCIES, Limit, Limits, Problem, Space

W_PER_KW = 1000.0
USUAL_REQUESTS = 2000  # of a profile
_SEARCHED = ("node", "supernode", "pod")  # kinds of systems that ``all`` stands for
_LOAD_FLAGS = (
    "trace", "trace_format", "skip_bad", "workload", "isl", "osl", "rate", "arrivals", "concurrency", "requests",
    "timeout", "duration", "find_rate",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. load: of the simulation, None without a trace or a profile; said: warnings."""

    problem: Problem
    scenario: Scenario
    load: Load | None
    said: tuple[str, ...]


def with_scenario(flags: dict[str, Any], catalog: Catalog) -> Scenario:
    """The scenario of ``--scenario``; its ``[plan]`` fills the flags that were not given, in place."""
    scenario = Scenario()
    file = flags["scenario"]
    if file is not None:
        scenario = read_scenario(file, PLAN_KEYS, catalog.ids("systems"))
        _fill(flags, scenario.plan, file)
    if scenario.country is None and flags["buyer"]:
        scenario = msgspec.structs.replace(scenario, country=flags["buyer"].upper())
    return scenario


def _fill(flags: dict[str, Any], settings: Mapping[str, object], file: Path) -> None:
    context = click.get_current_context()
    options = {
        flag.removeprefix("--").replace("-", "_"): one
        for one in context.command.params
        for flag in one.opts
        if flag.startswith("--")
    }
    for key, value in settings.items():
        option = options.get(key)
        if option is None or option.name is None:
            raise UsageError(f"'plan.{key}' means nothing here", where=str(file), hint=did_you_mean(key, options))
        if context.get_parameter_source(option.name) not in (ParameterSource.DEFAULT, None):
            continue
        text: Any = ",".join(str(part) for part in value) if isinstance(value, list | tuple) else value
        if option.multiple:
            text = (str(part) for part in value) if isinstance(value, list | tuple) else (str(text),)
        elif not isinstance(text, bool):
            text = str(text)
        try:
            flags[option.name] = option.type_cast_value(context, text)
        except click.BadParameter as error:
            raise UsageError(f"plan.{key}: {error.message}", where=str(file)) from None


def question(catalog: Catalog, flags: Mapping[str, Any], scenario: Scenario, objective: Sequence[str]) -> Question:
    """The flags as a problem.

    objective: where none is named; a load without a limit on what is held asks for the fewest chips instead
    Raises UsageError naming the flag.
    """
    if not flags["model"]:
        raise UsageError("--model is missing", hint="name one: accord catalog list models")
    load = _load(catalog, flags)
    isl, osl, rate = _work(flags, load)
    said: list[str] = []
    if load is not None:
        said += load.warnings
        said.append(f"planned for {isl:,.0f} prompt and {osl:,.0f} answer tokens, the means of the load")
    limits = _limits(flags, rate)
    held = (limits.power_w, limits.capex_usd, limits.usd_per_hour, limits.chips, limits.racks)
    if rate is not None and all(one is None for one in held):
        objective = ("chips",)
    problem = Problem(
        model=flags["model"], systems=_systems(catalog, flags["systems"]), isl=isl, osl=osl,
        limits=limits, space=_space(catalog, flags),
        objectives=flags["objective"] or tuple(objective), confidence=flags["confidence"], level=flags["level"],
        max_load=flags["max_load"], intervals=flags["intervals"],
    )  # fmt: skip
    return Question(problem, scenario, load, tuple(said))


def _load(catalog: Catalog, flags: Mapping[str, Any]) -> Load | None:
    if not flags["trace"] and not flags["workload"]:
        return None
    asked = dict.fromkeys(_LOAD_FLAGS) | {"find_rate": False, "skip_bad": False}
    given = {name: flags[name] for name in ("trace", "trace_format", "workload", "rate")}
    asked |= given | {"trace": str(flags["trace"]) if flags["trace"] else None}
    if flags["workload"]:
        asked["requests"] = flags["requests"] or USUAL_REQUESTS
        if flags["rate"] is None and "=" not in flags["workload"]:
            asked["rate"] = flags["goodput"] or 1.0
    return load_of(catalog, asked)


def _work(flags: Mapping[str, Any], load: Load | None) -> tuple[float, float, float | None]:
    """Prompt and answer tokens, and the rate that the load asks for."""
    isl, osl, rate = flags["isl"], flags["osl"], flags["goodput"]
    if load is not None:
        work = load.make(flags["seed"])
        isl = isl or float(np.mean(work.prompt))
        osl = osl or float(np.mean(work.answer))
        span = float(np.ptp(work.arrival_s)) if len(work) > 1 else 0.0
        asked = flags["trace"] is not None or flags["rate"] is not None
        if rate is None and asked and span > 0.0:
            rate = (len(work) - 1) / span
    return isl or 4096.0, osl or 1024.0, rate


def _systems(catalog: Catalog, text: str | None) -> tuple[str, ...]:
    """Ids of the systems. ``all``: every node, supernode and pod whose chip is known."""
    if not text:
        raise UsageError("--system is missing", hint="name one or more, or all: accord catalog list systems")
    if text.strip() == "all":
        return tuple(id for id in catalog.ids("systems") if _is_searched(catalog.system(id)))
    ids = tuple(part.strip() for part in text.split(",") if part.strip())
    for id in ids:
        if id not in catalog.ids("systems"):
            raise UsageError(
                f"no system is called '{id}'", where="--system", hint=did_you_mean(id, catalog.ids("systems"))
            )
    return ids


def _is_searched(system: System) -> bool:
    return system.kind in _SEARCHED and system.chip is not None and system.chips is not None


def _limits(flags: Mapping[str, Any], rate: float | None) -> Limits:
    latencies = tuple(
        Limit(latency=name, limit_s=seconds, quantile=share) for name in LATENCIES for share, seconds in flags[name]
    )
    power = flags["power_kw"]
    return Limits(
        latencies=latencies, request_per_s=rate, power_w=None if power is None else power * W_PER_KW,
        capex_usd=flags["budget_usd"], usd_per_hour=flags["usd_per_hour"], chips=flags["chips"], racks=flags["racks"],
    )  # fmt: skip


def _space(catalog: Catalog, flags: Mapping[str, Any]) -> Space:
    for name in flags["engines"] or ():
        try:
            engine_id(catalog, name)
        except AccordError as error:
            raise UsageError(error.what, where="--engine", hint=error.hint) from None
    return Space(
        modes=flags["modes"] or ("aggregated", "disaggregated"), mixed=flags["mixed"], engines=flags["engines"] or (),
        engine_version=flags["engine_version"], weights=flags["weights"] or (), kv=flags["kv"] or (),
        batches=flags["batch"] or (), budgets=flags["budgets"] or (), microbatches=flags["microbatches"] or (),
        mtp_tokens=flags["mtp_tokens"] or (), mtp_accept=flags["mtp_accept"], reuse=flags["reuse"] or (0.0,),
        **{name: flags[name] or () for name in ("tp", "pp", "dp", "cp", "ep")},
    )  # fmt: skip

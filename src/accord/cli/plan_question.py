"""The flags of ``accord plan`` as a problem, a scenario and a load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accord.api.records import engine_id
from accord.api.workloads import parse_mix
from accord.base.errors import CatalogError, MissingFact, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.load import Catalog
from accord.catalog.system import System
from accord.cli.simulate_load import Load, load_of
from accord.economics.scenario import Scenario
from accord.planner.problem import LATENCIES, Limit, Limits, Problem, Space
from accord.workloads.request import Workload

W_PER_KW = 1000.0
_RANKS = ("tp", "pp", "dp", "cp", "ep")
_LISTS = (
    ("batches", "batch"), ("budgets", "budgets"), ("microbatches", "microbatches"), ("mtp_tokens", "mtp_tokens"),
)  # fmt: skip
USUAL_REQUESTS = 5000  # of a profile
_A_TOKEN = ("cost", "energy", "carbon")  # objectives that do not grow with the machine
_WHOLE = (
    "nothing that is held is limited: systems of different size are compared as whole machines; see --power-kw, "
    "--budget-usd, --chips, or --objective cost"
)
_SEARCHED = ("node", "supernode", "pod")  # kinds of systems that ``all`` stands for
_LOAD_FLAGS = (
    "trace", "trace_format", "skip_bad", "workload", "isl", "osl", "rate", "arrivals", "concurrency", "requests",
    "timeout", "duration", "find_rate",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked.

    load: of the simulation, None without a trace or a profile; said: warnings
    named: systems that were named; without: those of them that cannot be searched, and why
    """

    problem: Problem
    scenario: Scenario
    load: Load | None
    said: tuple[str, ...]
    named: tuple[str, ...]
    without: tuple[tuple[str, str], ...] = ()


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
    limits, named = _limits(flags, rate), _systems(catalog, flags["systems"])
    systems, without = _counted(catalog, named)
    said += [f"{system}: {why}" for system, why in without]
    said += _strangers(catalog, systems, flags["engines"] or ())
    if not limits.latencies:
        said.append("no limit on a latency is given: batches are as large as memory holds; see --ttft, --tpot, --e2el")
    held = (limits.power_w, limits.capex_usd, limits.usd_per_hour, limits.chips, limits.racks)
    if rate is not None and all(one is None for one in held):
        objective = ("chips",)
    objectives = flags["objective"] or tuple(objective)
    if rate is None and all(one is None for one in held) and len(named) > 1 and objectives[0] not in _A_TOKEN:
        said.append(_WHOLE)
    problem = Problem(
        model=flags["model"], systems=systems, isl=isl, osl=osl,
        limits=limits, space=_space(flags),
        objectives=objectives, confidence=flags["confidence"], level=flags["level"],
        max_load=flags["max_load"], intervals=flags["intervals"],
    )  # fmt: skip
    return Question(problem, scenario, load, tuple(said), named, without)


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
        rate = rate if rate is not None else _asked_rate(flags, work)
    return isl or 4096.0, osl or 1024.0, rate


def _asked_rate(flags: Mapping[str, Any], work: Workload) -> float | None:
    """Requests a second that the load asks for: as stated, else as a trace's arrivals have it; None for neither."""
    if flags["rate"] is not None:
        return float(flags["rate"])
    if flags["workload"]:
        return sum(parse_mix(flags["workload"]).values()) if "=" in flags["workload"] else None
    span = float(np.ptp(work.arrival_s)) if len(work) > 1 else 0.0
    return (len(work) - 1) / span if span > 0.0 else None


def _systems(catalog: Catalog, text: str | None) -> tuple[str, ...]:
    """Ids of the systems. ``all``: every node, supernode and pod whose chip is known."""
    if not text:
        raise UsageError("--system is missing", hint="name one or more, or all: accord catalog list systems")
    if text.strip() == "all":
        return tuple(id for id in catalog.ids("systems") if _is_searched(catalog.system(id)))
    ids = tuple(part.strip() for part in text.split(",") if part.strip())
    if not ids:
        raise UsageError(f"'{text}' names no system", where="--system", hint="name one or more, or all")
    for id in ids:
        if id in catalog.ids("chips"):
            raise UsageError(f"'{id}' is a chip, not a system", where="--system", hint=_systems_of(catalog, id))
        if id not in catalog.ids("systems"):
            raise UsageError(
                f"no system is called '{id}'", where="--system", hint=did_you_mean(id, catalog.ids("systems"))
            )
    return ids


def _systems_of(catalog: Catalog, chip: str) -> str:
    """Where a chip can be had."""
    of = [id for id in catalog.ids("systems") if catalog.system(id).chip == chip]
    have = f"systems of it: {', '.join(of)}" if of else "the catalog has no system of it"
    return f"{have}; 'accord plan --matrix' takes chips"


def _counted(catalog: Catalog, ids: Sequence[str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Systems whose chip and number of chips are known, and what is lacking of the others.

    Raises MissingFact where none is left.
    """
    lacking = {
        id: "the entry names no chip" if catalog.system(id).chip is None else "its number of chips is not published"
        for id in ids
        if catalog.system(id).chip is None or catalog.system(id).chips is None
    }
    left = tuple(id for id in ids if id not in lacking)
    if not left:
        words = "; ".join(f"{id}: {why}" for id, why in lacking.items())
        raise MissingFact(words, hint="use a system whose entry has both: accord catalog list systems")
    return left, tuple(lacking.items())


def known_countries(catalog: Catalog) -> frozenset[str]:
    """Countries that a place or an origin of the catalog is in."""
    places = {catalog.place(id).country for id in catalog.ids("places")}
    parts = (part for id in catalog.ids("origins") for part in catalog.origin(id).suppliers)
    return frozenset(places | {country for part in parts for country in part.countries})


def _strangers(catalog: Catalog, systems: Sequence[str], engines: Sequence[str]) -> list[str]:
    """Systems on whose chips none of the named engines runs. Raises UsageError where no system is left."""
    bound = [_vendors(catalog, name) for name in engines]
    if not bound or not all(bound):
        return []
    made = {system: _vendor(catalog, system) for system in systems}
    left = [system for system, vendor in made.items() if any(vendor in vendors for vendors in bound)]
    if not left:
        known = ", ".join(sorted({vendor for vendors in bound for vendor in vendors}))
        what = f"{', '.join(engines)} does not run on chips of {', '.join(sorted(set(made.values())))}"
        raise UsageError(what, where="--engine", hint=f"it is for {known}; name another, or leave it out")
    return [f"{system}: no named engine runs on it" for system in systems if system not in left]


def _vendors(catalog: Catalog, engine: str) -> tuple[str, ...]:
    """Vendors that an engine is bound to, none where it runs on chips of any. Raises UsageError for an unknown one."""
    try:
        return tuple(catalog.engine(engine_id(catalog, engine)).vendors)
    except CatalogError as error:
        raise UsageError(error.what, where="--engine", hint=error.hint) from None


def _vendor(catalog: Catalog, system: str) -> str:
    """The vendor of a system's chips, "" where it names none."""
    kind, record = catalog.find(system)
    chip = system if kind == "chips" else getattr(record, "chip", None)
    return catalog.chip(chip).vendor if chip else ""


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


def _space(flags: Mapping[str, Any]) -> Space:
    named = {name: tuple(dict.fromkeys(flags[name] or ())) for name in ("engines", "weights", "kv", *_RANKS)}
    lists = {name: tuple(dict.fromkeys(flags[flag] or ())) for name, flag in _LISTS}
    return Space(
        modes=tuple(dict.fromkeys(flags["modes"] or ("aggregated", "disaggregated"))), mixed=flags["mixed"],
        engine_version=flags["engine_version"], mtp_accept=flags["mtp_accept"],
        reuse=tuple(dict.fromkeys(flags["reuse"] or (0.0,))), **named, **lists,
    )  # fmt: skip

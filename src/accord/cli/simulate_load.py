"""The load of a simulation: a trace, profiles of the catalog, or laws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from accord.api.workloads import mixed_workload, parse_mix, profile_workload
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.cli.deployment_flags import Option
from accord.cli.flags import Quantity
from accord.serving.slo import Slo
from accord.workloads.arrivals import parse_arrivals
from accord.workloads.columns import Options
from accord.workloads.formats import FORMATS
from accord.workloads.lengths import parse_law
from accord.workloads.request import Workload
from accord.workloads.reshape import head, repeat, with_arrivals, with_rate
from accord.workloads.sessions import Sessions, Talk
from accord.workloads.synthetic import Traffic, generate
from accord.workloads.trace import Trace, read_trace

SECONDS = Quantity("s", example="30 s")
_COUNT = click.IntRange(min=1)
_FILE = click.Path(dir_okay=False, path_type=Path)
USUAL_REQUESTS = 1000

LOAD: tuple[Option, ...] = (
    click.option("--trace", type=_FILE, metavar="FILE", help="Replay a trace; its format is told by what is in it."),
    click.option("--format", "trace_format", type=click.Choice(list(FORMATS)), help="Its format, if not told by it."),
    click.option("--skip-bad", is_flag=True, help="Count bad lines of the trace instead of stopping at the first."),
    click.option("--workload", metavar="ID", help="A profile of the catalog, or several: 'chat=3,coding-agent=1'."),
    click.option("--isl", metavar="LAW", help="Prompt tokens: 1024, or 'lognormal:mean=1200,cv=1.1'."),
    click.option("--osl", metavar="LAW", help="Answer tokens, likewise."),
    click.option("--rate", type=float, help="Requests a second; a trace keeps its pattern."),
    click.option("--arrivals", metavar="LAW", help="poisson (usual), constant, together, gamma:burstiness=0.5, ..."),
    click.option("--concurrency", type=_COUNT, help="Closed loop: at most so many requests in flight."),
    click.option("--requests", type=_COUNT, help="So many; a shorter trace is repeated."),
    click.option("--timeout", type=SECONDS, help="Users give up so long after they asked."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Load:
    """A load that can be made again.

    make: the workload of a seed; at_rate: the same at another rate; slos: of profiles; title: for tables
    inputs: for the envelope; burstiness, rate: for files of other tools
    """

    make: Callable[[int], Workload]
    at_rate: Callable[[float, int], Workload]
    slos: tuple[Slo, ...]
    title: str
    inputs: Mapping[str, object]
    warnings: tuple[str, ...] = ()
    rate_per_s: float | None = None
    burstiness: float = 1.0


def load_of(catalog: Catalog, flags: Mapping[str, Any]) -> Load:
    """The load that the flags describe. Raises UsageError for none, or for two at once."""
    kinds = [name for name in ("trace", "workload") if flags[name]]
    lengths = flags["isl"] is not None or flags["osl"] is not None
    if len(kinds) + lengths != 1:
        said = [f"--{name}" for name in kinds] + (["--isl/--osl"] if lengths else [])
        raise UsageError(
            f"{' and '.join(said)} at once" if said else "no load",
            hint="give one of --trace FILE, --workload ID, or --isl and --osl",
        )
    if flags["rate"] is not None and not 0.0 < flags["rate"] < 1e9:
        raise UsageError(f"a rate of {flags['rate']:g}", where="--rate", hint="requests a second, above 0")
    if flags["trace"]:
        return _of_trace(flags)
    return _of_profiles(catalog, flags) if flags["workload"] else _of_laws(flags)


def _finished(workload: Workload, flags: Mapping[str, Any]) -> Workload:
    """With the closed loop and the patience that the flags ask for."""
    changes: dict[str, object] = {}
    if flags["concurrency"] is not None:
        changes["concurrency"] = flags["concurrency"]
    if flags["timeout"] is not None:
        changes["patience_s"] = np.full(len(workload), flags["timeout"])
    return workload.with_(**changes) if changes else workload


def _of_trace(flags: Mapping[str, Any]) -> Load:
    trace = read_trace(flags["trace"], format=flags["trace_format"], skip_bad=flags["skip_bad"], options=Options())
    whole = trace.workload
    count = flags["requests"]
    if count is not None:
        whole = head(whole, count) if count <= len(whole) else repeat(whole, count)

    def arriving(seed: int, rate: float | None) -> Workload:
        found = whole
        if flags["arrivals"]:
            law = parse_arrivals(flags["arrivals"], rate)
            found = with_arrivals(found, law.times(seed, "trace/arrivals", len(found)))
        elif rate is not None:
            found = with_rate(found, rate)
        return _finished(found, flags)

    return Load(
        make=lambda seed: arriving(seed, flags["rate"]), at_rate=lambda rate, seed: arriving(seed, rate), slos=(),
        title=f"{len(whole):,} requests of {Path(flags['trace']).name}",
        inputs=_inputs(flags) | {"format": trace.format, "requests": len(whole), "skipped": trace.skipped},
        warnings=_said(trace), rate_per_s=flags["rate"],
    )  # fmt: skip


def _said(trace: Trace) -> tuple[str, ...]:
    """What a reader of the trace must know."""
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in trace.reasons.items())
    skipped = (f"{trace.skipped:,} bad lines of the trace are left out: {reasons}",) if trace.skipped else ()
    return (*trace.notes, *skipped)


def _of_profiles(catalog: Catalog, flags: Mapping[str, Any]) -> Load:
    """One profile at a rate or in a closed loop, or a mix with a rate for each."""
    text: str = flags["workload"]
    count, duration = _extent(flags)
    loop = flags["concurrency"]
    if "=" in text:
        if loop is not None:
            raise UsageError("a closed loop of several profiles", where="--concurrency", hint="give their rates alone")
        shares = parse_mix(text)
        total = sum(shares.values())
    else:
        if flags["rate"] is None and loop is None and not flags["find_rate"]:
            raise UsageError("a profile without a load", hint="give --rate (requests a second) or --concurrency")
        shares, total = {text: 1.0}, 1.0

    def make(seed: int, rate: float | None) -> Workload:
        if loop is not None and rate is None:
            made = profile_workload(catalog, text, count=count, duration=duration, seed=seed, concurrency=loop)
        else:
            scaled = {id: share * (rate if rate is not None else total) / total for id, share in shares.items()}
            made = mixed_workload(catalog, scaled, count=count, duration=duration, seed=seed)[0]
        return _finished(made, flags)

    slos = mixed_workload(catalog, shares, count=len(shares), seed=0)[1]
    return Load(
        make=lambda seed: make(seed, flags["rate"]), at_rate=lambda rate, seed: make(seed, rate), slos=slos,
        title=_title(text, flags), inputs=_inputs(flags) | {"requests": count}, rate_per_s=flags["rate"],
    )  # fmt: skip


def _of_laws(flags: Mapping[str, Any]) -> Load:
    for name in ("isl", "osl"):
        if flags[name] is None:
            raise UsageError(f"--{name} is missing", hint="lengths of prompts and answers come together")
    talk = Talk(parse_law(flags["isl"]), parse_law(flags["osl"]), Sessions())
    count, duration = _extent(flags)
    closed = flags["concurrency"] is not None
    if flags["rate"] is None and not closed and not flags["find_rate"] and not flags["arrivals"]:
        raise UsageError("lengths without arrivals", hint="give --rate (requests a second) or --concurrency")

    def make(seed: int, rate: float | None) -> Workload:
        text = flags["arrivals"] or ("poisson" if rate is not None else "together")
        law = parse_arrivals(text, rate)
        return _finished(generate(Traffic("synthetic", talk, law), seed, count=count, duration_s=duration), flags)

    return Load(
        make=lambda seed: make(seed, flags["rate"]), at_rate=lambda rate, seed: make(seed, rate), slos=(),
        title=_title(f"{flags['isl']} in, {flags['osl']} out", flags),
        inputs=_inputs(flags) | {"requests": count}, rate_per_s=flags["rate"],
        burstiness=_burstiness(flags),
    )  # fmt: skip


def _burstiness(flags: Mapping[str, Any]) -> float:
    if not flags["arrivals"]:
        return 1.0
    return float(getattr(parse_arrivals(flags["arrivals"], flags["rate"] or 1.0), "burstiness", 1.0))


def _extent(flags: Mapping[str, Any]) -> tuple[int | None, float | None]:
    """Requests and duration of a load without an end of its own."""
    count, duration = flags["requests"], flags["duration"]
    return (USUAL_REQUESTS, None) if count is None and duration is None else (count, duration)


def _title(what: str, flags: Mapping[str, Any]) -> str:
    load = [f"{flags['rate']:g} requests/s"] if flags["rate"] is not None else []
    load += [f"{flags['concurrency']:,} in flight"] if flags["concurrency"] is not None else []
    return ", ".join((what, *load))


def _inputs(flags: Mapping[str, Any]) -> dict[str, object]:
    names = ("trace", "workload", "isl", "osl", "rate", "arrivals", "concurrency", "timeout")
    return {name: str(flags[name]) if name == "trace" else flags[name] for name in names if flags[name] is not None}

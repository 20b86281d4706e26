"""The load of a simulation: a trace, profiles of the catalog, or laws."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accord.api.workloads import mixed_workload, parse_mix, profile_workload
from accord.base.errors import AccordError, UsageError
from accord.base.units import show
from accord.catalog.load import Catalog
from accord.serving.slo import Slo
from accord.workloads.arrivals import Arrivals, parse_arrivals
from accord.workloads.columns import Options
from accord.workloads.lengths import Law, parse_law
from accord.workloads.request import Workload
from accord.workloads.reshape import head, repeat, with_arrivals, with_rate
from accord.workloads.reshape import window as first_part
from accord.workloads.sessions import Sessions, Talk
from accord.workloads.synthetic import Traffic, generate
from accord.workloads.trace import Trace, read_trace

USUAL_REQUESTS = 1000
SEARCH_S, SEARCH_MOST = 120.0, 50_000  # a search for a rate needs arrivals over some time, within reason


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
    if flags["find_rate"]:
        _check_search(flags)
    loop = flags["concurrency"] is not None and flags["rate"] is None and not flags["trace"]
    if loop and flags["duration"] is not None and flags["requests"] is None:
        raise UsageError(
            "a closed loop of no known length", where="--duration", hint="give --requests as well, enough for that time"
        )
    if flags["trace"]:
        return _of_trace(flags)
    return _of_profiles(catalog, flags) if flags["workload"] else _of_laws(flags)


def _check_search(flags: Mapping[str, Any]) -> None:
    """Refuse flags that a search for a rate leaves without a meaning."""
    for name, why in (("rate", "the rate is what is searched"), ("concurrency", "a closed loop has no rate")):
        if flags[name] is not None:
            raise UsageError(f"--find-rate and --{name} at once: {why}", hint="leave one of them out")
    if flags["arrivals"] and not _arrivals(flags["arrivals"], 1.0).rated:
        raise UsageError("--find-rate with arrivals that have no rate", where="--arrivals", hint="such as poisson")


def _arrivals(text: str, rate: float | None) -> Arrivals:
    """A law of arrival, at a rate [1/s] where it has one. Raises UsageError naming the flag."""
    try:
        law = parse_arrivals(text, 1.0 if rate is None else rate)
    except UsageError as error:
        raise error.at("--arrivals") from None
    if law.rated and rate is None and "rate" not in text:
        raise UsageError(f"'{text}' without a rate", where="--arrivals", hint="give --rate (requests a second)")
    return law


def _law(text: str, flag: str) -> Law:
    """A law of lengths. Raises UsageError naming the flag."""
    try:
        return parse_law(text)
    except UsageError as error:
        raise error.at(flag) from None


def _finished(workload: Workload, flags: Mapping[str, Any]) -> Workload:
    """With the closed loop and the patience that the flags ask for."""
    changes: dict[str, object] = {}
    if flags["concurrency"] is not None:
        changes["concurrency"] = flags["concurrency"]
    if flags["timeout"] is not None:
        changes["patience_s"] = np.full(len(workload), flags["timeout"])
    return workload.with_(**changes) if changes else workload


def _of_trace(flags: Mapping[str, Any]) -> Load:
    trace = _read(flags)
    whole = trace.workload
    count = flags["requests"]
    if count is not None:
        whole = head(whole, count) if count <= len(whole) else repeat(whole, count)
    again = () if count is None or count <= len(trace.workload) else (_again(len(trace.workload), count),)

    def arriving(seed: int, rate: float | None) -> Workload:
        found = whole
        if flags["arrivals"]:
            own = int(np.count_nonzero(found.follows < 0))
            found = with_arrivals(found, _arrivals(flags["arrivals"], rate).times(seed, "trace/arrivals", own))
        elif rate is not None:
            found = _at_rate(found, rate)
        if flags["duration"] is not None:
            found = first_part(found, 0.0, flags["duration"])
        return _finished(found, flags)

    count = len(arriving(0, flags["rate"])) if flags["duration"] is not None and not flags["find_rate"] else len(whole)
    if not count:
        raise UsageError(
            f"no request of the trace arrives within {show(flags['duration'], 's')}", where="--duration",
            hint="give a longer one, or --rate",
        )  # fmt: skip
    requests = "1 request" if count == 1 else f"{count:,} requests"
    file = Path(flags["trace"])
    return Load(
        make=lambda seed: arriving(seed, flags["rate"]), at_rate=lambda rate, seed: arriving(seed, rate), slos=(),
        title=_title(f"{requests} of {file.name}", flags),
        inputs=_inputs(flags) | {
            "format": trace.format, "requests": len(whole), "skipped": trace.skipped,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        },
        warnings=(*_said(trace, flags), *again), rate_per_s=flags["rate"],
        burstiness=_burstiness(flags),
    )  # fmt: skip


def _read(flags: Mapping[str, Any]) -> Trace:
    """The trace; hints name the flags that help."""
    try:
        return read_trace(flags["trace"], format=flags["trace_format"], skip_bad=flags["skip_bad"], options=Options())
    except AccordError as error:
        hint = (error.hint or "").replace("have bad lines skipped and counted", "leave bad ones out with --skip-bad")
        hint = hint.replace("say which by its name", "say which with --format")
        raise type(error)(error.what, where=error.where, hint=hint or None) from None


def _at_rate(workload: Workload, rate: float) -> Workload:
    try:
        return with_rate(workload, rate)
    except UsageError as error:
        raise UsageError(error.what, where="--rate", hint="give them a law of arrival: --arrivals poisson") from None


def _again(own: int, count: int) -> str:
    """That a trace is shorter than what was asked."""
    held = "1 request" if own == 1 else f"{own:,} requests"
    return f"the trace has {held}: it is repeated to make the {count:,} that --requests asks for"


def _said(trace: Trace, flags: Mapping[str, Any]) -> tuple[str, ...]:
    """What a reader of the trace must know."""
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in trace.reasons.items())
    lines = "1 bad line of the trace is" if trace.skipped == 1 else f"{trace.skipped:,} bad lines of the trace are"
    skipped = (f"{lines} left out: {reasons}",) if trace.skipped else ()
    notes = trace.notes if not flags["arrivals"] else tuple(note for note in trace.notes if "no times" not in note)
    return (*notes, *skipped)


def _of_profiles(catalog: Catalog, flags: Mapping[str, Any]) -> Load:
    """One profile at a rate or in a closed loop, or a mix with a rate for each."""
    text: str = flags["workload"]
    loop = flags["concurrency"]
    if flags["arrivals"]:
        raise UsageError("a profile has arrivals of its own", where="--arrivals", hint="leave it out")
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
        count, duration = _extent(flags, rate)
        if loop is not None and rate is None:
            duration = None
        if loop is not None and rate is None:
            made = profile_workload(catalog, text, count=count, duration=duration, seed=seed, concurrency=loop)
        else:
            scaled = {id: share * (rate if rate is not None else total) / total for id, share in shares.items()}
            made = mixed_workload(catalog, scaled, count=count, duration=duration, seed=seed)[0]
        return _finished(made, flags)

    slos = mixed_workload(catalog, shares, count=len(shares), seed=0)[1]
    return Load(
        make=lambda seed: make(seed, flags["rate"]), at_rate=lambda rate, seed: make(seed, rate), slos=slos,
        title=_title(text, flags), inputs=_inputs(flags) | _told(flags), rate_per_s=flags["rate"],
    )  # fmt: skip


def _of_laws(flags: Mapping[str, Any]) -> Load:
    for name in ("isl", "osl"):
        if flags[name] is None:
            raise UsageError(f"--{name} is missing", hint="lengths of prompts and answers come together")
    talk = Talk(_law(flags["isl"], "--isl"), _law(flags["osl"], "--osl"), Sessions())
    closed = flags["concurrency"] is not None
    if flags["rate"] is None and not closed and not flags["find_rate"] and not flags["arrivals"]:
        raise UsageError("lengths without arrivals", hint="give --rate (requests a second) or --concurrency")

    def make(seed: int, rate: float | None) -> Workload:
        law = _arrivals(flags["arrivals"] or ("poisson" if rate is not None else "at-once"), rate)
        count, duration = _extent(flags, rate)
        if not law.rated:
            count, duration = count or USUAL_REQUESTS, None
        return _finished(generate(Traffic("synthetic", talk, law), seed, count=count, duration_s=duration), flags)

    return Load(
        make=lambda seed: make(seed, flags["rate"]), at_rate=lambda rate, seed: make(seed, rate), slos=(),
        title=_title(f"{flags['isl']} in, {flags['osl']} out", flags),
        inputs=_inputs(flags) | _told(flags), rate_per_s=flags["rate"], burstiness=_burstiness(flags),
    )  # fmt: skip


def _burstiness(flags: Mapping[str, Any]) -> float:
    if not flags["arrivals"]:
        return 1.0
    return _arrivals(flags["arrivals"], flags["rate"] or 1.0).burstiness


def _extent(flags: Mapping[str, Any], rate: float | None) -> tuple[int | None, float | None]:
    """Requests and duration [s] of a load without an end of its own, at a rate [1/s]."""
    count, duration = flags["requests"], flags["duration"]
    if count is not None or duration is not None:
        return count, duration
    if not flags["find_rate"] or rate is None:
        return USUAL_REQUESTS, None
    return min(max(USUAL_REQUESTS, math.ceil(rate * SEARCH_S)), SEARCH_MOST), None


def _told(flags: Mapping[str, Any]) -> dict[str, object]:
    """How many requests are made, where their number does not go with the rate or the time."""
    count, duration = flags["requests"], flags["duration"]
    if count is None and duration is None and not flags["find_rate"]:
        count = USUAL_REQUESTS
    return {} if count is None else {"requests": count}


def _title(what: str, flags: Mapping[str, Any]) -> str:
    load = [f"{flags['rate']:g} requests/s"] if flags["rate"] is not None else []
    load += [f"{flags['concurrency']:,} in flight"] if flags["concurrency"] is not None else []
    load += [f"{show(flags['duration'], 's')} of it"] if flags["duration"] is not None else []
    return ", ".join((what, *load))


def _inputs(flags: Mapping[str, Any]) -> dict[str, object]:
    names = ("trace", "workload", "isl", "osl", "rate", "arrivals", "concurrency", "timeout", "skip_bad")
    return {
        name: str(flags[name]) if name == "trace" else flags[name]
        for name in names
        if flags[name] is not None and flags[name] is not False
    }

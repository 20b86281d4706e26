"""What a reader must know before trusting the numbers of a simulated run."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from accord.api.pools import Built
from accord.base.array import Array
from accord.base.units import show
from accord.catalog.load import Catalog
from accord.serving.metrics import Summary
from accord.serving.result import FAILED, Outcome
from accord.serving.window import arrived
from accord.workloads.request import Workload

RAMP_SHARE = 0.95  # of a session's requests that came once the load is called reached
LONG = 5.0  # times as long as one request takes, for arrivals to say something of a lasting rate
GREW, FEW = 1.5, 200  # how much more is in the system at the end, and the fewest requests that can tell


def of_machine(catalog: Catalog, built: Sequence[Built], weights: str | None) -> list[str]:
    """Formats, engines and counts of chips that are not what they seem.

    weights: format that was asked for, None for the default
    """
    said: list[str] = []
    for one in built:
        formats, machine = one.setting.formats, one.setting.machine
        if not machine.device.compute(formats.experts).native:
            said.append(f"{machine.chip} has no {formats.experts} unit: weights are widened on load")
        if weights is None and formats.experts != one.setting.spec.weights:
            said.append(
                f"{machine.chip} has no {one.setting.spec.weights} unit: weights converted to {formats.experts}"
            )
        engine = catalog.engine(one.engine)
        if engine.vendors and machine.device.vendor not in engine.vendors:
            said.append(f"{engine.name} is not known to run on chips of {machine.device.vendor}")
        if one.idle:
            stay, they = ("stays", "it makes") if one.idle == 1 else ("stay", "they make")
            said.append(f"{one.idle} of the devices given {stay} idle: {they} no whole instance")
        chips = one.pool.chips * one.pool.instances
        if chips > machine.chips:
            said.append(f"{chips:,.0f} chips are {chips / machine.chips:,.1f} times {one.system}")
    return said


def of_run(built: Sequence[Built], outcome: Outcome, summary: Summary, *, pooled: bool, rated: bool) -> list[str]:
    """What the run itself shows: requests that cannot fit, a load that is not reached, a queue that grows.

    pooled: a pooled cache was asked for; rated: the load states a rate of requests, which sessions reach late
    """
    workload = outcome.workload
    said: list[str] = []
    if len(workload.hashes) == 0 and pooled:
        said.append("the workload has no block ids, so the pooled cache finds nothing")
    said += _failed(built, outcome)
    if summary.warm_s > 0.0 and "e2e_mean_s" not in summary.metrics and summary.metrics["completed"]:
        said.append(
            f"no request that came after the warm-up of {show(summary.warm_s, 's')} was completed, so there are no "
            f"latencies: the run ended at {show(outcome.end_s, 's')}; lower --warm-up"
        )
    if rated and workload.concurrency is None:
        said += _ramp(outcome, summary)
    if summary.complete:
        said += _grows(outcome)
    return said


def _failed(built: Sequence[Built], outcome: Outcome) -> list[str]:
    failed = outcome.requests.status == FAILED
    if not failed.any():
        return []
    room = min(one.pool.kv_tokens // one.pool.block_tokens * one.pool.block_tokens for one in built)
    longest = int((outcome.workload.prompt + outcome.workload.answer)[failed].max())
    count = int(failed.sum())
    verb = "request fails" if count == 1 else "requests fail"
    return [
        f"{count:,} {verb}: prompt and answer (up to {longest:,} tokens) exceed the cache of an attention group "
        f"({room:,} tokens); use more ranks or chips, a narrower --kv, or a higher --gpu-memory-utilization"
    ]


def ramp_s(workload: Workload, answer_s: float) -> float:
    """How long after the beginning of its session 95 % of all requests come [s]; 0 without sessions.

    answer_s: a request in the system [s]. Sessions begin at a steady rate from the first second on, so the load of
    requests is that much below the stated one until then.
    """
    if not np.any(workload.follows >= 0):
        return 0.0
    before = np.array(workload.follows)
    since_s: Array = np.where(before >= 0, workload.wait_s + answer_s, 0.0)
    while np.any(before >= 0):  # each pass looks back twice as far
        since_s = since_s + np.where(before >= 0, since_s[before], 0.0)
        before = np.where(before >= 0, before[before], -1)
    return float(np.quantile(since_s, RAMP_SHARE))


def _ramp(outcome: Outcome, summary: Summary) -> list[str]:
    ramp = ramp_s(outcome.workload, summary.metrics.get("e2e_mean_s", 0.0))
    if ramp <= summary.warm_s:
        return []
    wanted = f"--warm-up {_round_up(ramp)} --duration {_round_up(3.0 * ramp)}"
    return [
        f"people come back for {show(ramp, 's', 2)} after a session begins: the stated rate of requests is reached "
        f"only then, and what comes before is of a lighter load; give {wanted} or longer"
    ]


def _round_up(seconds: float) -> str:
    """A duration as a flag takes it, in whole minutes where it is long."""
    return f"{math.ceil(seconds / 60.0)}min" if seconds > 120.0 else f"{math.ceil(seconds)}s"


def _grows(outcome: Outcome) -> list[str]:
    """Whether more and more requests were in the system while new ones came."""
    came = arrived(outcome)
    if outcome.workload.concurrency is not None or np.any(outcome.workload.follows >= 0) or int(came.sum()) < FEW:
        return []
    starts_s = np.sort(outcome.requests.arrival_s[came])
    ends_s = np.sort(np.nan_to_num(outcome.requests.finish_s[came], nan=np.inf))
    span_s = float(starts_s[-1] - starts_s[0])
    if span_s <= 0.0:
        return []

    def inside(begin: float, end: float) -> float:
        times = starts_s[0] + np.linspace(begin, end, 64) * span_s
        held = np.searchsorted(starts_s, times, "right") - np.searchsorted(ends_s, times, "right")
        return float(held.mean())

    early, late = inside(0.25, 0.5), inside(0.75, 1.0)
    if late < GREW * early or late - early < 4.0 * math.sqrt(early + 1.0):
        return []
    return [
        f"more and more requests were in the system while new ones came ({early:,.0f} in the second quarter, "
        f"{late:,.0f} in the last): latencies grow with the length of the run"
    ]


def short_search(outcome: Outcome, summary: Summary, rate: float) -> list[str]:
    """A highest rate that was found with arrivals over hardly more time than a request takes."""
    times = outcome.requests.arrival_s[arrived(outcome)]
    one_s = summary.metrics.get("e2e_mean_s", 0.0)
    span_s = float(times.max() - times.min()) if len(times) else 0.0
    if span_s >= LONG * one_s:
        return []
    return [
        f"at {rate:.4g} requests/s all arrive within {show(span_s, 's')}, and one takes {show(one_s, 's')}: such a "
        f"rate need not last; give more --requests, or --duration {_round_up(max(20.0 * one_s, 1.0))}"
    ]

"""A run in numbers: latencies, rates, goodput, queues, cache, use of the machine.

Latency metrics (``ttft``, ``tpot``, ``e2e``, ``queue``) are of completed requests that arrived after the warm-up.
Gaps (``itl``) are those of the whole run. Rates are counted over a window (:mod:`accord.serving.window`): from the
first arrival, or the end of the warm-up, to the last end. Counts (``completed``, ``failed``, ...) are of the whole
run, the warm-up included. What a run has nothing to tell of is absent.

========================  ==============================================================================
``tpot_s``                mean over requests; ``ttft_mean_s``, ``itl_mean_s``, ... are the other means
``goodput_request_per_s`` completed requests that keep every limit that concerns them, in the window
``in_flight_mean``        requests in the system, from their arrivals and ends: by Little's law the rate of
                          arrivals times the mean time in the system
``running_mean``, ...     from the series, each point standing until the next
``utilization``           instance seconds in iterations over those in service, weighted by chips
``link_utilization``      of the busiest transfer link of any pool, from the first arrival to the last end
``cache_hit_ratio``       prompt tokens found in a cache over those looked up; ``pooled_hit_ratio`` the part of
                          them found in the pooled cache alone
========================  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.serving.latency import Latencies, latencies
from accord.serving.percentiles import of_gaps, of_values
from accord.serving.result import CANCELLED, COMPLETED, FAILED, UNFINISHED, Outcome, PoolUse, Series
from accord.serving.slo import Attainment, Slo, attainment, verdict
from accord.serving.spec import Role
from accord.serving.window import Mask, Share, Window, chips, share, window

Metrics = dict[str, float]
Index = npt.NDArray[np.intp] | slice
ALL = "all"
_STATUS = {"completed": COMPLETED, "failed": FAILED, "cancelled": CANCELLED, "unfinished": UNFINISHED}


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in numbers, SI units, under the names of the module's docstring.

    by_tenant: counts, latencies and rates of each tenant, empty where there is one; pools: of each pool
    warm_s: requests that arrived before it are left out of latencies, and rates begin there
    seed, complete: of the run
    """

    metrics: Mapping[str, float]
    slos: tuple[Attainment, ...]
    by_tenant: Mapping[str, Mapping[str, float]]
    pools: Mapping[str, Mapping[str, float]]
    warm_s: float
    seed: int
    complete: bool

    def plus(self, metrics: Mapping[str, float]) -> Summary:
        """The same run with further metrics, such as energy and cost."""
        return replace(self, metrics={**self.metrics, **metrics})


@dataclass(frozen=True, slots=True)
class _Run:
    """What the numbers are taken from; ``good`` is None where no limit was stated."""

    outcome: Outcome
    seconds: Latencies
    over: Window
    share: Share
    counted: Mask
    good: Mask | None


def summarise(
    outcome: Outcome, *, slos: Sequence[Slo] = (), warm_s: float = 0.0, roles: Mapping[str, Role] | None = None
) -> Summary:
    """The numbers of a run.

    slos: limits to judge, each by itself and all together (goodput)
    warm_s: of the beginning that is left out; roles: of the pools by name, for rates of prefill and decode chips
    Raises UsageError for a limit of a tenant that sends no requests.
    """
    seconds, over = latencies(outcome), window(outcome, warm_s)
    given = share(outcome, over)
    counted = given.arrived & (outcome.requests.arrival_s >= warm_s)
    judged = [(slo, verdict(slo, outcome, seconds)) for slo in slos]
    good = np.all([~one.concerned | one.kept for _, one in judged], axis=0) & given.done if judged else None
    run = _Run(outcome, seconds, over, given, counted, good)
    return Summary(
        metrics={**_of_requests(run, slice(None)), **_of_run(run), **_of_roles(run, roles or {})},
        slos=tuple(attainment(slo, outcome, one, counted, given.done, over.seconds) for slo, one in judged),
        by_tenant=_by_tenant(run),
        pools={pool.name: _of_pool(run, pool) for pool in outcome.pools},
        warm_s=warm_s,
        seed=outcome.seed,
        complete=outcome.complete,
    )


def _of_requests(run: _Run, those: Index) -> Metrics:
    """Counts, latencies and rates of some requests."""
    found, came = run.outcome.requests, run.share.arrived[those]
    status = found.status[those]
    metrics: Metrics = {"requests": float(came.sum()), "not_arrived": float(np.sum(~came))}
    for name, value in _STATUS.items():
        metrics[name] = float(np.sum(came & (status == value)))
    metrics["preemptions"] = float(found.preempted[those].sum())
    metrics["restarts"] = float(found.restarted[those].sum())
    told = run.counted[those] & (status == COMPLETED)
    for stem in ("ttft", "tpot", "e2e", "queue"):
        values: Array = getattr(run.seconds, f"{stem}_s")[those][told]
        metrics |= _named(stem, of_values(values))
    if "tpot_mean_s" in metrics:
        metrics["tpot_s"] = metrics.pop("tpot_mean_s")
    return {**metrics, **_rates(run, those)}


def _rates(run: _Run, those: Index) -> Metrics:
    """What some requests received a second of the window."""
    arrivals = run.outcome.requests.arrival_s[those][run.counted[those]]
    rates: Metrics = {}
    if len(arrivals) > 1 and arrivals.max() > arrivals.min():
        rates["offered_request_per_s"] = float((len(arrivals) - 1) / (arrivals.max() - arrivals.min()))
    length = run.over.seconds
    if length <= 0.0:
        return rates
    rates["request_per_s"] = float(run.share.done[those].sum() / length)
    rates["output_token_per_s_total"] = float(run.share.output[those].sum() / length)
    rates["input_token_per_s_total"] = float(run.share.prompt[those].sum() / length)
    if run.good is not None:
        rates["goodput_request_per_s"] = float(run.good[those].sum() / length)
    rates["in_flight_mean"] = float(run.share.present_s[those].sum() / length)
    return rates


def _named(stem: str, figures: Mapping[str, float]) -> Metrics:
    return {f"{stem}_{name}_s": value for name, value in figures.items()}


def _of_run(run: _Run) -> Metrics:
    """What belongs to no single request."""
    outcome, whole = run.outcome, window(run.outcome)
    metrics = _named("itl", of_gaps(outcome.gaps))
    metrics["makespan_s"] = whole.seconds
    metrics["window_s"] = run.over.seconds
    metrics |= _of_series(outcome.series.get(ALL), run.over)
    up = sum(pool.chips * pool.up_s for pool in outcome.pools)
    if up > 0.0:
        metrics["utilization"] = sum(pool.chips * pool.busy_s for pool in outcome.pools) / up
    asked = sum(pool.asked_tokens for pool in outcome.pools)
    if asked:
        metrics["cache_hit_ratio"] = sum(pool.hit_tokens for pool in outcome.pools) / asked
        if pooled := int(outcome.requests.pooled.sum()):
            metrics["pooled_hit_ratio"] = pooled / asked
    link_busy_s = max((pool.link_busy_s for pool in outcome.pools), default=0.0)
    if link_busy_s > 0.0 and whole.seconds > 0.0:
        metrics["link_utilization"] = link_busy_s / whole.seconds
    return metrics


def _of_roles(run: _Run, roles: Mapping[str, Role]) -> Metrics:
    """Rates over all chips, and over those of the pools that do one phase only."""
    length, whole = run.over.seconds, window(run.outcome)
    held = {pool.name: chips(run.outcome, pool, whole) for pool in run.outcome.pools}
    total = sum(held.values())
    if length <= 0.0 or total <= 0.0:
        return {}
    output, prompt = float(run.share.output.sum()) / length, float(run.share.prompt.sum()) / length
    metrics = {
        "output_token_per_s_per_chip": output / total,
        "total_token_per_s_per_chip": (output + prompt) / total,
    }
    phases = {
        role: sum(count for name, count in held.items() if roles.get(name) == role) for role in ("prefill", "decode")
    }
    if phases["prefill"] > 0.0:
        metrics["prefill_token_per_s_per_chip"] = float(run.share.computed.sum()) / length / phases["prefill"]
        metrics["input_token_per_s_per_chip"] = prompt / phases["prefill"]
    if phases["decode"] > 0.0:
        metrics["decode_token_per_s_per_chip"] = output / phases["decode"]
    return metrics


def _of_series(series: Series | None, over: Window) -> Metrics:
    """Means over time, and the fullest the cache was."""
    if series is None or not len(series.time_s):
        return {}
    until_s = np.append(series.time_s[1:], np.inf)
    weights = np.maximum(np.minimum(until_s, over.end_s) - np.maximum(series.time_s, over.start_s), 0.0)
    if not weights.sum() > 0.0:
        return {}
    inside = weights > 0.0
    return {
        "running_mean": float(np.average(series.running, weights=weights)),
        "waiting_mean": float(np.average(series.waiting, weights=weights)),
        "waiting_max": float(series.waiting[inside].max()),
        "kv_occupancy_mean": float(np.average(series.kv_share, weights=weights)),
        "kv_occupancy_max": float(series.kv_share[inside].max()),
        "instances_mean": float(np.average(series.instances, weights=weights)),
    }


def _of_pool(run: _Run, pool: PoolUse) -> Metrics:
    """One pool over the whole run, except for its series."""
    whole = window(run.outcome)
    held = chips(run.outcome, pool, whole)
    metrics: Metrics = {"chips": held, "instances": float(pool.instances), "iterations": float(pool.iterations)}
    if pool.iterations:
        metrics["iteration_s"] = pool.busy_s / pool.iterations
    if pool.up_s > 0.0:
        metrics["utilization"] = pool.busy_s / pool.up_s
    if whole.seconds > 0.0 and held > 0.0:
        metrics["prefill_token_per_s_per_chip"] = pool.prompt_tokens / whole.seconds / held
        metrics["output_token_per_s_per_chip"] = pool.answer_tokens / whole.seconds / held
    if pool.asked_tokens:
        metrics["cache_hit_ratio"] = pool.hit_tokens / pool.asked_tokens
    if pool.link_busy_s > 0.0 and whole.seconds > 0.0:
        metrics["link_utilization"] = pool.link_busy_s / whole.seconds
    metrics["preemptions"] = float(pool.preemptions)
    return {**metrics, **_of_series(run.outcome.series.get(pool.name), run.over)}


def _by_tenant(run: _Run) -> dict[str, Metrics]:
    """The same numbers for each tenant."""
    work = run.outcome.workload
    if len(work.tenants) < 2:
        return {}
    order = np.argsort(work.tenant, kind="stable")
    edges = np.searchsorted(work.tenant[order], np.arange(len(work.tenants) + 1))
    return {name: _of_requests(run, order[edges[at] : edges[at + 1]]) for at, name in enumerate(work.tenants)}

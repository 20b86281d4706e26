"""A workload on a deployment: pools built, runs made, numbers and their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import msgspec
import numpy as np

from accord.api import cautions
from accord.api.answers import model_sources
from accord.api.bill import bill
from accord.api.instances import CatalogFailures, failure_sources, seldom, with_failures
from accord.api.lookup import residual_log_sd
from accord.api.matching import matched
from accord.api.pools import Built, EngineRules, pooled_cache, pools_of
from accord.base.array import Array
from accord.base.errors import NotSupported, UsageError
from accord.catalog.load import Catalog, load_catalog
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.inference.complete import Assumed
from accord.inference.request import EstimateRequest
from accord.inference.spread import spread_of
from accord.report.instances import Taken
from accord.serving.metrics import Summary, summarise
from accord.serving.replications import Combined, Spread, combine
from accord.serving.result import Outcome
from accord.serving.run import Progress, simulate
from accord.serving.saturation import Point, Saturation, bracket, find_rate
from accord.serving.slo import Slo
from accord.serving.spec import INFINITE, Autoscale, Outage, Pool, Rules
from accord.serving.timer import Scaled
from accord.step.decode import decode_step
from accord.step.prefill import prefill_step
from accord.uncertainty.residual import half_width
from accord.workloads.request import NONE, Workload

MOST_INSTANCES = 10_000
FEW = 20_000  # requests up to which a run is repeated at both ends of the interval unless told otherwise


class SimulateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is simulated beside the workload.

    deployment: as of an estimate; its loads and lengths are of no account
    places: system of a pool that is not the deployment's; scheduler: None for the engine's own
    cache_plane: the way to the pooled cache; pool_bytes: of pooled memory that keeps context, None for none
    replications: runs with seeds of their own; warm_s: of the beginning that is left out of latencies
    bounds: repeat with step times at both ends of their interval; None: for few requests
    spans: iterations kept for a time line, 0 for none; see :class:`accord.serving.spec.Rules` for the rest
    usd_per_chip_hour: rent, None for what the catalog knows
    match_rates: as many instances of two pools as serve most on the deployment's chips
    rated: the workload states a rate of requests, which sessions reach late; says so where they do
    failures: instances fail as the catalog says of their chips, in place of ``mtbf_s`` and ``repair_s``
    """

    deployment: EstimateRequest
    engine_rules: EngineRules = EngineRules()
    places: dict[str, str] = {}
    scheduler: str | None = None
    router: str = "least-loaded"
    seed: int = 0
    duration_s: float = INFINITE
    warm_s: float = 0.0
    replications: int = 1
    level: float = 0.9
    bounds: bool | None = None
    cache_plane: str | None = None
    pool_bytes: float | None = None
    outages: tuple[Outage, ...] = ()
    mtbf_s: float = INFINITE
    repair_s: float = 600.0
    failures: CatalogFailures | None = None
    autoscale: Autoscale | None = None
    tick_s: float = 1.0
    spans: int = 0
    usd_per_chip_hour: float | None = None
    match_rates: bool = False
    rated: bool = False


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated deployment.

    outcome: of the first run; summary: of it; combined: of all runs, with intervals; it is incomplete where any of
        them was interrupted
    scale_log_sd: standard deviation of the logarithm of step times; assumed: fields filled by default
    taken: times of failures from the catalog, by pool
    """

    outcome: Outcome
    summary: Summary
    combined: Combined
    built: tuple[Built, ...]
    rules: Rules
    scale_log_sd: float
    assumed: tuple[str, ...]
    warnings: tuple[str, ...]
    sources: Sequence[Mapping[str, object]]
    saturation: Saturation | None = None
    bounded: bool = False
    taken: tuple[Taken, ...] = ()


Workloads = Callable[[int], Workload]


def simulate_deployment(
    request: SimulateRequest, workloads: Workload | Workloads, *, slos: Sequence[Slo] = (),
    catalog: Catalog | None = None, progress: Progress | None = None,
) -> Simulation:  # fmt: skip
    """Simulate a workload (or one for each seed) on a deployment.

    slos: limits to judge; progress: see :func:`accord.serving.run.simulate`
    Raises the errors of :mod:`accord.base.errors`.
    """
    catalog = catalog or load_catalog()
    made = workloads if callable(workloads) else lambda seed: workloads
    first = made(request.seed)
    _check_tenants(slos, first)
    assumed = Assumed()
    lengths = (float(first.prompt.mean()), float(first.answer.mean())) if len(first) else (1.0, 1.0)
    deployment = _one_of_each(request.deployment) if request.match_rates else request.deployment
    built = pools_of(catalog, deployment, request.engine_rules, lengths, request.places, assumed)
    if request.match_rates:
        built = matched(built, lengths, request.deployment.chips)
    _check_size(built)
    taken: tuple[Taken, ...] = ()
    failing: list[str] = []
    if request.failures is not None:
        built, taken, failing = with_failures(catalog, built, request.failures, request.level)
    rules = rules_of(request, built)
    pools = tuple(one.pool for one in built)
    roles = {pool.name: pool.role for pool in pools}
    costs = cache(lambda: bill(catalog, built, request.usd_per_chip_hour))  # looked up once the first run is done

    def run(workload: Workload, seed: int, scale: float) -> tuple[Outcome, Summary]:
        timed = pools if scale == 1.0 else tuple(_scaled(pool, scale) for pool in pools)
        if request.engine_rules.frontend_s:
            workload = workload.with_(radio_s=workload.radio_s + request.engine_rules.frontend_s)
        outcome = simulate(timed, workload, replace(rules, seed=seed), progress=progress)
        summary = summarise(outcome, slos=slos, warm_s=request.warm_s, roles=roles)
        return outcome, summary.plus(costs().metrics(outcome))

    outcome, summary = run(first, request.seed, 1.0)
    said = [*costs().said, *cautions.of_machine(catalog, built, request.deployment.weights)]
    said += [*failing, *seldom(taken, outcome)]
    said += cautions.of_run(
        built, outcome, summary, pooled=request.pool_bytes is not None, rated=request.rated
    )  # fmt: skip
    combined = _replicated(request, summary, lambda seed: run(made(seed), seed, 1.0)[1], said)
    bounded = request.bounds if request.bounds is not None else request.replications == 1 and len(first) <= FEW
    bounded = bounded and combined.complete
    log_sd = max(_scale_log_sd(one) for one in built)
    if bounded:
        half = math.exp(half_width(log_sd, 0.0, request.level))
        combined, bounded = _bounded(combined, lambda scale: run(first, request.seed, scale)[1], half, said)
    return Simulation(
        outcome, summary, combined, built, rules, log_sd, tuple(assumed.names), tuple(said),
        _sources(catalog, request, built), bounded=bounded, taken=taken,
    )  # fmt: skip


def _check_size(built: Sequence[Built]) -> None:
    """Refuse more instances than anybody runs."""
    count = sum(one.pool.instances for one in built)
    if count > MOST_INSTANCES:
        raise UsageError(
            f"{count:,} instances", where="--chips", hint=f"up to {MOST_INSTANCES:,} can be simulated; use fewer chips"
        )


def _one_of_each(deployment: EstimateRequest) -> EstimateRequest:
    """The same pools with one instance each, for their numbers to be chosen."""
    found = {
        name: msgspec.structs.replace(pool, instances=1)
        for name in ("prefill", "decode")
        if (pool := getattr(deployment, name)) is not None
    }
    return msgspec.structs.replace(deployment, chips=None, **found)


def _check_tenants(slos: Sequence[Slo], workload: Workload) -> None:
    """Refuse a limit of a tenant who sends nothing, before the run."""
    for slo in slos:
        if slo.tenant is not None and slo.tenant not in workload.tenants:
            raise UsageError(
                f"'{slo.name}' is for tenant '{slo.tenant}', who sends no requests",
                hint=f"tenants: {', '.join(workload.tenants)}",
            )


def _replicated(request: SimulateRequest, first: Summary, run: Callable[[int], Summary], said: list[str]) -> Combined:
    """The first run and those of further seeds; one that is interrupted is left out."""
    summaries, complete = [first], first.complete
    for seed in range(request.seed + 1, request.seed + request.replications):
        if not complete:
            said.append(f"interrupted: {len(summaries)} of {request.replications} runs are counted")
            break
        summary = run(seed)
        complete = summary.complete
        if complete:
            summaries.append(summary)
    return replace(combine(summaries, request.level), complete=complete)


def _bounded(
    combined: Combined, run: Callable[[float], Summary], half: float, said: list[str]
) -> tuple[Combined, bool]:
    """With the numbers of runs at both ends of the interval of step times, and whether both came to their end."""
    ends: list[Summary] = []
    for scale in (1.0 / half, half):
        ends.append(run(scale))
        if not ends[-1].complete:
            said.append("interrupted: there are no runs at both ends of the step times' interval")
            return replace(combined, complete=False), False
    return replace(combined, metrics=_between(combined.metrics, ends)), True


class _Stopped(Exception):
    """The user ended the search; done: the run that was cut."""

    def __init__(self, done: Simulation) -> None:
        super().__init__()
        self.done = done


def find_saturation(
    request: SimulateRequest, at_rate: Callable[[float, int], Workload], slos: Sequence[Slo], *,
    highest: float | None = None, catalog: Catalog | None = None, progress: Progress | None = None,
) -> Simulation:  # fmt: skip
    """The highest rate of arrivals at which enough requests keep every limit, and the run at that rate.

    at_rate: the workload at a rate [request/s] and a seed
    A search that ``progress`` ends gives the rates judged so far and the run that was cut.
    Raises UsageError without a limit.
    """
    if not slos:
        raise UsageError("a search for the highest rate without a limit", hint="give --ttft, --tpot or --e2e")
    catalog = catalog or load_catalog()
    plain = msgspec.structs.replace(request, bounds=False, replications=1, spans=0)
    points: list[Point] = []

    def run(request: SimulateRequest, workloads: Workload | Workloads, slos: Sequence[Slo] = slos) -> Simulation:
        done = simulate_deployment(request, workloads, slos=slos, catalog=catalog, progress=progress)
        if not done.combined.complete and request is plain:
            raise _Stopped(done)
        return done

    def kept(rate: float) -> float:
        done = run(plain, at_rate(rate, request.seed))
        value = min(one.figures.get("share", 0.0) / one.slo.needed for one in done.summary.slos)
        points.append(Point(rate, value, value >= 1.0))
        return value

    try:
        begun = at_rate(1.0, request.seed)
        start = _served_rate(run(plain, _at_once(begun), ()), begun)
        found = find_rate(kept, start / 64.0, highest or start * 64.0, target=1.0, start=start)
    except _Stopped as stop:
        return replace(stop.done, saturation=Saturation(*bracket(points, 1.0), "cut", tuple(points)))
    rate = found.request_per_s or found.points[-1].request_per_s
    last = run(request, lambda seed: at_rate(rate, seed))
    said = cautions.short_search(last.outcome, last.summary, rate) if found.request_per_s else []
    return replace(last, saturation=found, warnings=(*last.warnings, *said))


def _at_once(workload: Workload) -> Workload:
    """The same requests, none of which waits for another."""
    count = len(workload)
    return workload.with_(
        arrival_s=np.zeros(count), follows=np.full(count, NONE, dtype=np.int64), wait_s=np.zeros(count),
        patience_s=np.full(count, np.inf),
    )  # fmt: skip


def _served_rate(done: Simulation, workload: Workload) -> float:
    """A rate near what the deployment can serve [1/s]: of requests that all came at once."""
    return max(len(workload) / max(done.outcome.end_s, 1e-9), 1e-6)


def rules_of(request: SimulateRequest, built: Sequence[Built]) -> Rules:
    """The rules of a run; the scheduler is the engine's where none is named."""
    first = built[0]
    scheduler = request.scheduler
    if scheduler is None:
        scheduler = "prefill-first" if first.setting.efficiency.has("prompts_first") else "fcfs"
    pooled = None
    if request.pool_bytes is not None:
        if first.pool.bytes_per_token <= 0.0:
            raise NotSupported(f"{first.setting.spec.id} keeps no cache that could be pooled")
        pooled = pooled_cache(first, request.cache_plane, request.pool_bytes)
    return Rules(
        scheduler=scheduler, router=request.router, seed=request.seed, duration_s=request.duration_s, pooled=pooled,
        outages=request.outages, mtbf_s=request.mtbf_s, repair_s=request.repair_s, autoscale=request.autoscale,
        tick_s=request.tick_s, spans=request.spans,
    )  # fmt: skip


def _scaled(pool: Pool, scale: float) -> Pool:
    return replace(pool, timer=Scaled(pool.timer, scale))


def _between(metrics: Mapping[str, Spread], ends: Sequence[Summary]) -> dict[str, Spread]:
    """Each number with the least and the most of it over runs at both ends of the interval."""
    found: dict[str, Spread] = {}
    for name, one in metrics.items():
        values = [one.mean, *(end.metrics[name] for end in ends if name in end.metrics)]
        found[name] = replace(one, low=min(values), high=max(values))
    return found


def _scale_log_sd(built: Built) -> float:
    """How unsure step times are: parameters and disputed facts, and what the model leaves out."""
    setting, plan = built.setting, built.plan

    def evaluate(machine: Machine, efficiency: Efficiency) -> Mapping[str, Array]:
        drawn = replace(setting, machine=machine, efficiency=efficiency)
        if built.pool.role == "prefill":
            return {"step_s": prefill_step(drawn, plan.with_(tokens=plan.isl / plan.tp))[0].total_s}
        return {"step_s": decode_step(drawn, plan.with_(batch=16.0 / plan.tp))[0].total_s}

    own = spread_of(evaluate, setting.machine, setting.efficiency)["step_s"]
    return math.hypot(own, residual_log_sd(setting.efficiency, "tpot_s", "serve"))


def _sources(catalog: Catalog, request: SimulateRequest, built: Sequence[Built]) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    for one in built:
        found += model_sources(catalog, msgspec.structs.replace(request.deployment, system=one.system))
    return found if request.failures is None else [*found, *failure_sources(catalog)]

"""The best plans under the requests of a trace or a profile, and their order as simulated.

A plan is found in steady state; here its pools serve requests one by one (:mod:`accord.serving`). What is simulated
is kept beside what was planned, and both ranks are kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import msgspec

from accord.api import cautions
from accord.api.plan_load import comes_back, settled
from accord.api.plan_measured import OF_ALL, OF_OUTPUT, SPAN, beginning_s, told, within
from accord.api.plan_pools import deployed
from accord.api.pools import Built
from accord.base.errors import AccordError, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.load import Catalog
from accord.planner.plan import Metric, Plan
from accord.planner.why import METRIC_OF
from accord.report.simulate_view import unit_of
from accord.serving.metrics import summarise
from accord.serving.run import Progress, simulate
from accord.serving.slo import Slo
from accord.serving.spec import Pool, Rules
from accord.serving.timer import Scaled
from accord.workloads.request import Workload
from accord.workloads.reshape import head, with_rate

USUAL_REQUESTS, MOST_REQUESTS = 5_000, 20_000
SAME = 0.01  # figures within this share of the best are one: chance decides no rank
Pace = Literal["own", "plan"]

SIMULATED = (
    "requests", "completed", "failed", "cancelled", "unfinished", "preemptions", "offered_request_per_s",
    "request_per_s", "goodput_request_per_s", "ttft_mean_s", "ttft_p50_s", "ttft_p90_s", "ttft_p99_s", "tpot_s",
    "tpot_p50_s", "tpot_p90_s", "tpot_p99_s", "itl_p99_s", "e2e_mean_s", "e2e_p90_s", "e2e_p99_s", "queue_mean_s",
    "output_token_per_s_total", "output_token_per_s_per_chip", "input_token_per_s_total", "running_mean",
    "waiting_mean", "kv_occupancy_max", "utilization", "cache_hit_ratio", "pooled_hit_ratio", "link_utilization",
    "makespan_s", "window_s",
)  # fmt: skip
_WITHIN = ("share_within_limits", "goodput_output_token_per_s_total", *OF_OUTPUT, *OF_ALL)
_LATENCY = {
    "ttft_s": "ttft_mean_s", "ttft_p50_s": "ttft_p50_s", "ttft_p90_s": "ttft_p90_s", "ttft_p99_s": "ttft_p99_s",
    "tpot_s": "tpot_s", "tpot_p90_s": "tpot_p90_s", "tpot_p99_s": "tpot_p99_s", "e2el_s": "e2e_mean_s",
    "e2el_p90_s": "e2e_p90_s", "e2el_p99_s": "e2e_p99_s",
}  # fmt: skip
_NO_CONTEXT = "prompts of the load share beginnings; plans that count on no reuse keep no context for them"
_HELD = ("chips", "capex_usd", "power_w", "usd_per_hour", "racks")
_RATES = ("request_per_s", "goodput_request_per_s", "output_token_per_s_total", "output_token_per_s_per_chip")
_ORDERS = (*METRIC_OF, *_RATES, *OF_OUTPUT, *OF_ALL, *_LATENCY, *_HELD)


class Demand(Protocol):
    """A load that can be made again; what ``accord simulate`` makes of its flags is one."""

    @property
    def make(self) -> Callable[[int], Workload]:
        """The workload of a seed, at its own arrivals."""
        ...

    @property
    def at_rate(self) -> Callable[[float, int], Workload]:
        """The workload at a rate [request/s] and of a seed."""
        ...


@dataclass(frozen=True, slots=True)
class Replay:
    """How plans are put to a load.

    limits: on a request's latencies; a plan whose share of requests within one is less than it needs ranks last
    objective: of a problem, or the metric of a plan, by which plans are ordered
    pace: ``own`` arrivals of the load, or arrivals at the rate that the ``plan`` was found to serve
    requests_cap: most requests of the load, the first ones; None for ``USUAL_REQUESTS``, or up to ``MOST_REQUESTS``
        where plans take so long for one that fewer would not fill them
    router: see :mod:`accord.serving.routers`
    pooled_bytes, cache_plane: pooled memory of the prefill pool's system that keeps context, None for none
    bounds: repeat with step times at both ends of the plan's interval of its time per output token
    """

    limits: tuple[Slo, ...] = ()
    objective: str = "goodput"
    pace: Pace = "own"
    requests_cap: int | None = None
    seed: int = 0
    router: str = "least-loaded"
    pooled_bytes: float | None = None
    cache_plane: str | None = None
    bounds: bool = False

    def __post_init__(self) -> None:
        """Refuse an unknown objective and no requests. Raises UsageError."""
        if self.objective not in _ORDERS:
            raise UsageError(f"plans are not ordered by '{self.objective}'", hint=did_you_mean(self.objective, _ORDERS))
        if self.requests_cap is not None and self.requests_cap < 1:
            raise UsageError(f"{self.requests_cap} requests of the load", hint="simulate 1 or more")


@dataclass(frozen=True, slots=True)
class Replayed:
    """Plans in their order as simulated, and what a reader must know of it, in words.

    refused: of the plans, the last ones: those that the simulator does not run, with why among what is unknown
    """

    plans: tuple[Plan, ...]
    said: tuple[str, ...]
    refused: int = 0

    def with_rest(self, others: Sequence[Plan]) -> tuple[Plan, ...]:
        """All plans with others that were not simulated: those go before the ones that cannot be."""
        last = len(self.plans) - self.refused
        return (*self.plans[:last], *others, *self.plans[last:])


@dataclass(frozen=True, slots=True)
class _Run:
    """A simulated plan: its metrics, those at both ends of step times, whether limits were kept, and warnings.

    refusal: why there is none
    """

    metrics: Mapping[str, float]
    ends: tuple[Mapping[str, float], ...]
    attained: bool
    said: tuple[str, ...]
    refusal: str | None = None


def simulate_plans(
    catalog: Catalog, plans: Sequence[Plan], load: Demand, replay: Replay | None = None, *,
    progress: Progress | None = None,
) -> Replayed:  # fmt: skip
    """Simulate plans, best first in steady state, and order them by the objective as simulated.

    load: such as :func:`accord.cli.simulate_load.load_of` gives; a caller without flags wraps a workload in
        :class:`Fixed`
    progress: see :func:`accord.serving.run.simulate`; a plan it cuts short, and those after it, are not simulated

    ``Plan.simulated`` holds metrics under the names of ``accord simulate`` (rates over ``window_s``: without the time
    in which the last requests end), ``share_within_limits``, figures a token of what came within the limits, and
    ``rank`` beside ``steady_rank``. An objective that is a rate counts requests
    within every limit; figures a token are the plan's own, times planned over simulated tokens within the limits: a
    plan pays for what it holds, busy or not. Plans that keep the limits go first, then those that do not, by goodput,
    then those that were not simulated, and last those that could not be, with the reason among what is unknown of
    them. Of equals, within a hundredth of the best, the order in steady state stays. ``chance`` and ``checks`` remain
    those of the steady state.

    A load whose requests follow one another begins with nobody in a later turn. Where no plan keeps context from
    prompt to prompt it is taken as it is once it has lasted (:func:`accord.api.plan_load.settled`); else it stays as
    it is, what comes before its rate is reached is left out where anything remains, and that is said.
    Raises UsageError for an empty load, and what making the load raises; a plan that cannot be simulated is said.
    """
    asked = replay or Replay()
    said: list[str] = []
    runs: list[_Run | None] = []
    cap = asked.requests_cap or max([USUAL_REQUESTS, *(_filling(plan) for plan in plans)])
    own = _cut(load.make(asked.seed), asked, cap, said) if asked.pace == "own" else None
    if own is None:
        said.append("each plan is simulated at the rate that it was found to serve, not at that of the load")
    for plan in plans:
        whole = own or _cut(load.at_rate(plan.metrics["request_per_s"].value, asked.seed), asked, cap, said)
        work = _lasting(plan, plans, whole, said)
        run, complete = _simulated(catalog, plan, work, asked, said, progress)
        runs.append(run)
        if not complete:
            done = sum(one is not None and one.refusal is None for one in runs)
            said.append(f"interrupted: {done} of {len(plans)} plans are simulated")
            break
    runs += [None] * (len(plans) - len(runs))
    found = [_told(plans[at], runs[at], at + 1, rank) for rank, at in enumerate(_order(plans, runs, asked), 1)]
    refused = sum(run is not None and run.refusal is not None for run in runs)
    return Replayed(tuple(found), tuple(dict.fromkeys(said)), refused)


def _lasting(plan: Plan, plans: Sequence[Plan], whole: Workload, said: list[str]) -> Workload:
    """A load of sessions as it is once it has lasted, where contents that are kept do not matter."""
    if not comes_back(whole) or any(pool.reuse > 0.0 for one in plans for pool in one.pools):
        return whole
    said.append("people come back after their first question: sessions that began before the start are in the load")
    if whole.block_tokens:
        said.append(_NO_CONTEXT)
    times = [one.value if (one := plan.metrics.get(name)) is not None else 0.0 for name in ("ttft_s", "tpot_s")]
    return settled(whole, *times)


def _filling(plan: Plan) -> int:
    """Requests that arrive while a plan's batches fill and stay full for some time, at the rate it was found for."""
    answer = plan.metrics.get("e2el_s")
    many = SPAN * plan.metrics["request_per_s"].value * answer.value if answer is not None else 0.0
    return min(math.ceil(many), MOST_REQUESTS)


def _cut(whole: Workload, asked: Replay, cap: int, said: list[str]) -> Workload:
    """The first requests of a load, at most ``cap``. Raises UsageError for none, or none of a limit's tenant."""
    if not len(whole):
        raise UsageError("the load has no request", hint="give a trace or a profile with some")
    for limit in asked.limits:
        if limit.tenant not in (None, *whole.tenants):
            raise UsageError(
                f"'{limit.name}' is for tenant '{limit.tenant}', who sends no requests",
                hint=f"tenants: {', '.join(whole.tenants)}",
            )
    if len(whole) > cap:
        said.append(f"the first {cap:,} of {len(whole):,} requests of the load are simulated")
    return head(whole, cap)


def _simulated(
    catalog: Catalog, plan: Plan, work: Workload, asked: Replay, said: list[str], progress: Progress | None
) -> tuple[_Run | None, bool]:
    """One plan under its requests, None where the user ended it, and whether the run came to its end."""
    try:
        built, rules = deployed(
            catalog, plan, work, router=asked.router, seed=asked.seed, pooled_bytes=asked.pooled_bytes,
            cache_plane=asked.cache_plane,
        )  # fmt: skip
        if work.block_tokens and not built[0].pool.prefix_cache:
            said.append(_NO_CONTEXT)
        if built[0].pool.prefix_cache and built[0].setting.machine.pools and rules.pooled is None:
            said.append(
                f"context is kept in the memory of instances alone: no size of the pooled memory of {built[0].system} "
                "is given"
            )
        run = _run(plan, built, rules, work, asked, progress)
    except AccordError as error:
        said.append(f"plan {plan.id} is not simulated and goes last: {error.what}")
        return _Run({}, (), False, (), refusal=error.what), True
    if run is not None:
        said += [f"plan {plan.id}: {text}" for text in run.said]
    return run, run is not None


def _run(
    plan: Plan, built: Sequence[Built], rules: Rules, work: Workload, asked: Replay, progress: Progress | None
) -> _Run | None:
    """A run and its numbers, None where the user ended it."""
    pools = tuple(one.pool for one in built)
    roles = {pool.name: pool.role for pool in pools}
    steps = plan.metrics.get("tpot_s")
    scales = [1.0]
    if asked.bounds and steps is not None and steps.low and steps.high:
        half = math.sqrt(steps.high / steps.low)
        scales += [1.0 / half, half]
    found: list[Mapping[str, float]] = []
    attained = False
    warnings: list[str] = []
    for scale in scales:
        outcome = simulate([_scaled(pool, scale) for pool in pools], work, rules, progress=progress)
        if not outcome.complete:
            return None
        warm_s = beginning_s(outcome)
        summary = summarise(outcome, slos=asked.limits, roles=roles, warm_s=warm_s)
        found.append({**summary.metrics, **within(plan, outcome, asked.limits, summary.metrics, warm_s)})
        if scale == 1.0:
            attained = all(one.attained is not False for one in summary.slos) and found[0]["completed"] > 0.0
            warnings = cautions.of_run(built, outcome, summary, pooled=rules.pooled is not None, rated=False)
            warnings += told(plan, outcome, summary.metrics, warm_s)
    return _Run(found[0], tuple(found[1:]), attained, tuple(warnings))


def _scaled(pool: Pool, scale: float) -> Pool:
    return pool if scale == 1.0 else replace(pool, timer=Scaled(pool.timer, scale))


def _order(plans: Sequence[Plan], runs: Sequence[_Run | None], asked: Replay) -> list[int]:
    """Places of the plans, best first."""
    objective = METRIC_OF.get(asked.objective, asked.objective)
    values = [
        None
        if run is None or run.refusal is not None
        else _value(plan, run, objective if run.attained else "request_per_s")
        for plan, run in zip(plans, runs, strict=True)
    ]
    keys: list[tuple[int, float]] = [(2 if run is None else 3, 0.0) for run in runs]
    for tier, attained in ((0, True), (1, False)):
        those = [at for at, run in enumerate(runs) if run and run.refusal is None and run.attained is attained]
        best = max((values[at] or 0.0 for at in those), default=0.0)
        for at in those:
            loss = math.log(best / value) if (value := values[at]) else math.inf
            keys[at] = (tier, loss if math.isinf(loss) else float(int(loss / math.log1p(SAME))))
    return sorted(range(len(plans)), key=keys.__getitem__)


def _value(plan: Plan, run: _Run, objective: str) -> float | None:
    """How good a simulated plan is, the more the better; None where that is not known."""
    good = run.metrics.get("goodput_request_per_s")
    if objective in ("request_per_s", "goodput_request_per_s"):
        return good
    if objective in _RATES:
        tokens = run.metrics.get("goodput_output_token_per_s_total")
        return tokens / plan.chips if tokens and objective.endswith("_per_chip") else tokens
    if objective in _HELD:
        held = plan.metrics.get(objective)
        cost = float(plan.chips) if objective == "chips" else held.value if held is not None else None
    else:
        cost = run.metrics.get(_LATENCY.get(objective, objective))
    return 1.0 / cost if cost else None


def _told(plan: Plan, run: _Run | None, steady_rank: int, rank: int) -> Plan:
    """The plan with what was simulated of it, or why nothing could be."""
    if run is None:
        return plan
    if run.refusal is not None:
        return msgspec.structs.replace(plan, unknown=(*plan.unknown, f"simulation: refused, {run.refusal}"))
    found: dict[str, Metric] = {}
    for name in (*SIMULATED, *_WITHIN):
        value = run.metrics.get(name)
        if value is not None and math.isfinite(value):
            sides = [value, *(end[name] for end in run.ends if name in end)]
            low, high = (min(sides), max(sides)) if run.ends else (None, None)
            planned = plan.metrics.get(name)
            found[name] = Metric(value=value, unit=planned.unit if planned else unit_of(name), low=low, high=high)
    found["steady_rank"] = Metric(value=float(steady_rank), unit="1")
    found["rank"] = Metric(value=float(rank), unit="1")
    return msgspec.structs.replace(plan, simulated=found)


@dataclass(frozen=True, slots=True)
class Fixed:
    """One workload as a load; its arrivals are pressed or stretched to a rate."""

    workload: Workload

    @property
    def make(self) -> Callable[[int], Workload]:
        """The workload, whatever the seed."""
        return lambda seed: self.workload

    @property
    def at_rate(self) -> Callable[[float, int], Workload]:
        """The workload at a rate, whatever the seed. Raises UsageError where all requests come at once."""
        return lambda rate, seed: with_rate(self.workload, rate)

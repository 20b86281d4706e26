"""What a simulated plan shows: rates, figures a token of what came within the limits, and what to know of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from accord.api import cautions
from accord.api.plan_load import comes_back
from accord.base.units import show
from accord.planner.plan import Plan
from accord.planner.why_terms import asked_per_s
from accord.serving.latency import latencies
from accord.serving.result import COMPLETED, Outcome
from accord.serving.slo import Slo, verdict

SPAN = 4.0  # times as long as one request takes, for arrivals to fill a plan's batches
LIGHT = 0.5  # share of a plan's rate below which a load says little of what it can serve
_LEFT_OUT = 1.0 / 3.0  # most of a load that is left out as its beginning
OF_OUTPUT = ("usd_per_million_output_tokens", "energy_j_per_output_token", "kgco2_per_million_output_tokens")
OF_ALL = ("usd_per_million_tokens",)
_COUNTED = ("request_per_s", "output_token_per_s_total", "input_token_per_s_total")


def within(
    plan: Plan, outcome: Outcome, limits: Sequence[Slo], metrics: Mapping[str, float], warm_s: float
) -> dict[str, float]:
    """Rates, what came within every limit, and figures a token of it: those of the plan, over tokens as simulated.

    metrics: of the run; warm_s: of its beginning that is left out
    """
    seconds = latencies(outcome)
    came = ~(outcome.requests.arrival_s < warm_s)
    done = came & (outcome.requests.status == COMPLETED)
    for limit in limits:
        judged = verdict(limit, outcome, seconds)
        done = done & (~judged.concerned | judged.kept)
    window_s = _window_s(outcome, metrics, warm_s)
    found = {"share_within_limits": float(np.mean(done[came])), "window_s": window_s}
    if not window_s > 0.0:
        return found
    longer = metrics["window_s"] / window_s
    found |= {name: metrics[name] * longer for name in _COUNTED if name in metrics}
    work = outcome.workload
    answers, prompts = (float(tokens[done].sum()) / window_s for tokens in (work.answer, work.prompt))
    found["goodput_request_per_s"] = float(done.sum()) / window_s
    found["goodput_output_token_per_s_total"] = answers
    found["output_token_per_s_per_chip"] = found["output_token_per_s_total"] / plan.chips
    rate = asked_per_s(plan)
    for names, planned, real in (
        (OF_OUTPUT, rate * plan.osl, answers),
        (OF_ALL, rate * (plan.isl + plan.osl), answers + prompts),
    ):
        found |= {name: plan.metrics[name].value * planned / real for name in names if name in plan.metrics and real}
    return found


def _window_s(outcome: Outcome, metrics: Mapping[str, float], warm_s: float) -> float:
    """Time over which rates are counted [s]: first arrival or warm-up to last end, less one request in service.

    While the last requests end nothing new comes; a short load would count that against slow answers.
    """
    whole_s = metrics.get("window_s", 0.0)
    arrivals_s = outcome.requests.arrival_s[outcome.requests.arrival_s >= warm_s]
    span_s = float(np.ptp(arrivals_s)) if len(arrivals_s) else 0.0
    service_s = metrics.get("e2e_mean_s", 0.0) - metrics.get("queue_mean_s", 0.0)
    return min(max(whole_s - service_s, span_s), whole_s) if span_s > 0.0 else whole_s


def told(plan: Plan, outcome: Outcome, metrics: Mapping[str, float], warm_s: float) -> list[str]:
    """What a reader must know of a run; see :func:`within`."""
    return [*_short(outcome, metrics), *_light(plan, metrics), *_rising(outcome, warm_s)]


def _short(outcome: Outcome, metrics: Mapping[str, float]) -> list[str]:
    """Whether all requests came in little more time than one takes: then batches never stay full."""
    arrivals_s, one_s = outcome.requests.arrival_s, metrics.get("e2e_mean_s", 0.0)
    span_s = float(np.nanmax(arrivals_s) - np.nanmin(arrivals_s))
    if span_s <= 0.0 or span_s >= SPAN * one_s:
        return []
    return [
        f"all requests arrive within {show(span_s, 's')} and one takes {show(one_s, 's')}: its batches do not fill, "
        "so times are shorter, and rates may be lower, than they stay; simulate more requests"
    ]


def _light(plan: Plan, metrics: Mapping[str, float]) -> list[str]:
    """Whether far less was asked than the plan serves and was asked to serve."""
    offered, served = metrics.get("offered_request_per_s"), asked_per_s(plan)
    if offered is None or offered >= LIGHT * served:
        return []
    return [
        f"the load asks {offered:.3g} requests/s of what was found to serve {served:.3g}: it does not show its limit; "
        "simulate it at its own rate, or plan for the load"
    ]


def _ramp_s(outcome: Outcome) -> float:
    """When most people come back as often as they will [s]; 0 where sessions began before the start, or none are."""
    work = outcome.workload
    if not comes_back(work) or not work.block_tokens:
        return 0.0
    taken_s = latencies(outcome).e2e_s
    taken_s = taken_s[np.isfinite(taken_s)]
    return cautions.ramp_s(work, float(taken_s.mean()) if len(taken_s) else 0.0)


def beginning_s(outcome: Outcome) -> float:
    """How much of the beginning is left out [s]: until the rate is reached, where sessions still begin after that."""
    ramp_s, work = _ramp_s(outcome), outcome.workload
    begun = work.arrival_s[work.follows < 0]
    return ramp_s if ramp_s < _LEFT_OUT * float(np.ptp(begun)) else 0.0


def _rising(outcome: Outcome, warm_s: float) -> list[str]:
    """Whether the load is lighter than it says for all of the run."""
    ramp_s = _ramp_s(outcome)
    if ramp_s <= warm_s:
        return [f"the first {show(warm_s, 's')} are left out, until people come back as often as they will"] * (
            warm_s > 0.0
        )
    return [
        f"people come back for {show(ramp_s, 's', 2)} after a session begins: the stated rate of requests is not "
        "reached in this load, and what is simulated is of a lighter one; simulate more requests"
    ]

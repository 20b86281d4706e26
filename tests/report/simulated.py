"""A simulated run made by hand: two pools, a burst, a failure; numbers that a queue could have given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accord.serving.result import (
    CANCELLED,
    COMPLETED,
    FAILED,
    UNFINISHED,
    Event,
    Gaps,
    Outcome,
    PoolUse,
    Requests,
    Series,
    Span,
)
from accord.workloads.request import Workload

METRICS = {"goodput_request_per_s": 1.25}


def outcome(
    count: int = 400,
    *,
    seed: int = 0,
    tenants: tuple[str, ...] = ("chat", "=SUM(A1)"),
    complete: bool = True,
    trouble: bool = True,
) -> Outcome:
    """A run of ``count`` requests at about 2 a second.

    trouble: the last four are not completed, each for its own reason
    """
    rng = np.random.default_rng(seed)
    arrival_s = np.sort(rng.uniform(0.0, count / 2.0, count))
    arrival_s[0] = 0.0
    prompt = np.maximum(rng.lognormal(6.5, 1.0, count).astype(np.int64), 1)
    answer = np.maximum(rng.lognormal(4.5, 0.8, count).astype(np.int64), 1)
    burst = np.exp(-0.5 * ((arrival_s - count / 4.0) / (count / 30.0)) ** 2)
    scheduled_s = arrival_s + rng.exponential(0.02, count) + 4.0 * burst * rng.uniform(0.5, 1.0, count)
    first_s = scheduled_s + prompt / 9000.0 + 0.03
    finish_s = first_s + (answer - 1) * rng.uniform(0.018, 0.03, count)
    status = np.full(count, COMPLETED, dtype=np.int8)
    produced = answer.copy()
    if trouble:
        status[-4:] = (CANCELLED, FAILED, UNFINISHED, CANCELLED)
        scheduled_s[-3:], first_s[-3:], produced[-3:] = np.nan, np.nan, 0
        produced[-4] = max(1, int(answer[-4]) // 2)
        finish_s[-3:] = (arrival_s[-3], np.nan, arrival_s[-1] + 5.0)
    end_s = float(np.nanmax(finish_s))
    whole = np.zeros(count, dtype=np.int64)
    work = Workload(
        name="made by hand",
        arrival_s=arrival_s,
        prompt=prompt,
        answer=answer,
        tenant=np.arange(count) % len(tenants),
        tenants=tenants,
        follows=np.where(np.arange(count) % 7 == 3, np.arange(count) - 2, -1),
    )
    requests = Requests(
        arrival_s, scheduled_s, first_s, finish_s, status, produced, np.minimum(prompt // 3, 512), whole, whole, whole,
        np.where(np.isnan(first_s), -1, np.arange(count) % 2), np.where(np.isnan(first_s), -1, 2),
    )  # fmt: skip
    bins = np.arange(-800, -700)
    gaps = Gaps(0.005, bins, np.full(len(bins), 50), float((np.exp((bins + 0.5) * 0.005) * 50).sum()))
    time_s = np.arange(0.0, end_s + 1.0)
    return Outcome(
        workload=work,
        requests=requests,
        gaps=gaps,
        series=_series(time_s, arrival_s, scheduled_s, first_s, finish_s, end_s),
        pools=(
            PoolUse("prefill", 8.0, 2, 60.0, 2 * end_s, 900, int(prompt.sum()), 0, 1000, 9000, 3, 4.0),
            PoolUse("decode", 160.0, 1, 150.0, end_s, 4000, 0, int(answer.sum()), 0, 0, 0, 5.0),
        ),
        events=(
            Event(0.0, 0, "loading"),
            Event(0.4 * end_s, 1, "down"),
            Event(0.5 * end_s, 1, "up"),
            Event(0.6 * end_s, -1, "scale-up"),
        ),
        spans=(Span(0.0, 0.25, 0, "prompt", 0, 2048, 1), Span(0.25, 0.75, 2, "decode", 3, 0, 20)),
        end_s=end_s,
        seed=seed,
        complete=complete,
    )


def _series(
    time_s: np.ndarray, arrival: np.ndarray, scheduled: np.ndarray, first: np.ndarray, finish: np.ndarray, end_s: float
) -> dict[str, Series]:
    def inside(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        starts, ends = np.nan_to_num(starts, nan=end_s), np.nan_to_num(ends, nan=end_s)
        begun = np.searchsorted(np.sort(starts), time_s, side="right")
        return (begun - np.searchsorted(np.sort(ends), time_s, side="right")).astype(np.float64)

    waiting, prompts, answers = inside(arrival, scheduled), inside(scheduled, first), inside(first, finish)
    one, two = np.ones(len(time_s)), np.full(len(time_s), 2.0)
    link = np.clip(answers / 40.0, 0.0, 1.0)
    return {
        "all": Series(time_s, prompts + answers, waiting, np.clip(answers / 60.0, 0, 1), one + two, link),
        "prefill": Series(time_s, prompts, waiting, np.clip(prompts / 8.0, 0, 1), two, link),
        "decode": Series(time_s, answers, 0.2 * waiting, np.clip(answers / 50.0, 0, 1), one, link),
    }


def nobody() -> Outcome:
    """A run without requests, pools and points."""
    made = outcome(8)
    nothing = np.zeros(0)
    none = np.zeros(0, dtype=np.int64)
    work = Workload(name="nobody", arrival_s=nothing, prompt=none, answer=none)
    requests = Requests(nothing, nothing, nothing, nothing, none.astype(np.int8), *[none] * 7)
    gaps = Gaps(0.005, none, none, 0.0)
    return replace(
        made, workload=work, requests=requests, gaps=gaps, series={}, pools=(), events=(), spans=(), end_s=0.0
    )

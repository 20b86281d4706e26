"""What a simulation leaves behind: columns by request, series over time, counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.workloads.request import Ints, Workload

UNFINISHED, COMPLETED, CANCELLED, FAILED = 0, 1, 2, 3
STATUS = ("unfinished", "completed", "cancelled", "failed")


@dataclass(frozen=True, slots=True)
class Requests:
    """What became of each request, shape ``(N,)``; times in seconds from the start, NaN for what never came.

    arrival_s: when it arrived (after the one it follows, or when the closed loop let it in)
    scheduled_s: first scheduled; first_s: first token; finish_s: last token, cancellation or failure
    produced: answer tokens; cached: prompt tokens found in a cache; pooled: those of them from the pool
    preempted, restarted: times it lost its cache to others, or its instance to a failure
    prefill, instance: instances that computed the prompt and the answer, -1 for none (numbered over all pools)
    """

    arrival_s: Array
    scheduled_s: Array
    first_s: Array
    finish_s: Array
    status: npt.NDArray[np.int8]
    produced: Ints
    cached: Ints
    pooled: Ints
    preempted: Ints
    restarted: Ints
    prefill: Ints
    instance: Ints


@dataclass(frozen=True, slots=True)
class Gaps:
    """Inter-token gaps as counts in bins of equal width of the logarithm.

    A bin ``k`` holds gaps from ``exp(k width)`` to ``exp((k + 1) width)`` seconds.
    bins: sorted, shape ``(B,)``; counts: gaps in each; total_s: sum of all gaps
    """

    width: float
    bins: Ints
    counts: Ints
    total_s: float


@dataclass(frozen=True, slots=True)
class Series:
    """State at evenly spaced times, shape ``(T,)``, of one pool (or of all of it under the name "all").

    running, waiting: requests; kv_share: cache in use over all of it; instances: serving;
    link_share: part of the time since the last point that the busiest transfer link was busy
    """

    time_s: Array
    running: Array
    waiting: Array
    kv_share: Array
    instances: Array
    link_share: Array


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Totals of one pool over the run.

    busy_s, up_s: instance seconds in iterations, and in service; iterations: of all instances
    prompt_tokens: computed, cached ones not; answer_tokens: produced; hit_tokens, asked_tokens: prompt tokens found
        in a cache over those looked up; preemptions: caches lost; link_busy_s: of the busiest link
    """

    name: str
    chips: float
    instances: int
    busy_s: float
    up_s: float
    iterations: int
    prompt_tokens: int
    answer_tokens: int
    hit_tokens: int
    asked_tokens: int
    preemptions: int
    link_busy_s: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something a reader wants to see on a time line: ``what`` is loading, up, down, scale-up, scale-down."""

    time_s: float
    instance: int
    what: str


@dataclass(frozen=True, slots=True)
class Span:
    """Iterations of one instance without a change of the batch, for a time line; kept only when asked for."""

    start_s: float
    end_s: float
    instance: int
    kind: str
    batch: int
    prompt_tokens: int
    iterations: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole run. complete: False where it was interrupted; end_s: last event; seed: of all its streams."""

    workload: Workload
    requests: Requests
    gaps: Gaps
    series: Mapping[str, Series]
    pools: tuple[PoolUse, ...]
    events: tuple[Event, ...]
    spans: tuple[Span, ...]
    end_s: float
    seed: int
    complete: bool

"""A simulated run as one small JSON file for a page: what its charts draw, and no more.

``latency``: quantiles of each latency; ``pools``: the state of each pool over time, the mean and the most of each
stretch; ``load``: requests waiting and running, at closer times; ``tokens``: answer and prompt tokens a second, and the
share of prompt tokens that caches gave; ``events``: what happened to instances; ``gantt``: iterations from the start
on, as many as fit; ``busy``: of the whole run, the share of each stretch that an instance was in iterations of each
kind. Columns have one length within an object; null is what there is not. The whole is at most :data:`MOST_BYTES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.report.outputs import SIMULATOR, About
from accord.report.token_flow import answer_tokens_by, prompt_tokens_by
from accord.serving.latency import latencies
from accord.serving.result import STATUS, Outcome, Series, Span
from accord.serving.window import arrived

FORM = 1
MOST_BYTES = 150_000
SHARES = np.concatenate((np.linspace(0.0, 0.9, 91), np.linspace(0.901, 0.999, 99), [1.0]))  # of requests
POINTS = 400  # of a series over time, at most
STRETCHES = 200  # of tokens
SPANS = 4000  # iterations shown one by one, at most
INSTANCES = 16  # whose whole run is shown, at most
BUSY = 200  # stretches of it
EVENTS = 200
POOLS = 8
DIGITS = 5  # that count, of what is no time
Json = dict[str, object]
Column = list[float | int | None]
Rows = npt.NDArray[np.intp]


def series_json(outcome: Outcome, metrics: Mapping[str, float], about: About) -> Iterator[bytes]:
    """Yield the file."""
    sent = arrived(outcome)
    statuses = outcome.requests.status[sent]
    found: Json = {
        "form": FORM,
        "simulated": True,
        "simulator": SIMULATOR,
        "created": about.created,
        "model": about.model,
        "label": about.label,
        "seed": outcome.seed,
        "complete": outcome.complete,
        "end_s": outcome.end_s,
        "requests": {name: int((statuses == code).sum()) for code, name in enumerate(STATUS)},
        "latency": _latency(outcome),
        "pools": [_pool(name, series) for name, series in list(outcome.series.items())[:POOLS]],
        "load": _load(outcome),
        "tokens": _tokens(outcome),
        "events": [
            {"time_s": _time(one.time_s), "instance": one.instance, "what": one.what} for one in outcome.events[:EVENTS]
        ],
        "busy": _busy(outcome),
    }
    shown = min(len(outcome.spans), SPANS)
    while True:
        whole = msgspec.json.encode({**found, "gantt": _gantt(outcome, shown)})
        if len(whole) <= MOST_BYTES or not shown:
            break
        shown = shown * 3 // 4
    yield whole + b"\n"


def _latency(outcome: Outcome) -> Json:
    """Quantiles of those that have one, with how many do."""
    waits = latencies(outcome)
    columns = {"ttft_s": waits.ttft_s, "tpot_s": waits.tpot_s, "e2e_s": waits.e2e_s, "queue_s": waits.queue_s}
    found: Json = {"share": _column(SHARES)}
    counts: dict[str, int] = {}
    for name, values in columns.items():
        known = values[np.isfinite(values)]
        counts[name] = len(known)
        found[name] = _column(np.quantile(known, SHARES)) if len(known) else [None] * len(SHARES)
    return {**found, "count": counts}


def _pool(name: str, series: Series) -> Json:
    """The mean and the most of each stretch of as many points as make :data:`POINTS` or fewer."""
    step = max(1, -(-len(series.time_s) // POINTS))
    starts = np.arange(0, len(series.time_s), step)
    columns = {
        "running": series.running,
        "waiting": series.waiting,
        "kv_share": series.kv_share,
        "link_share": series.link_share,
        "instances": series.instances,
    }
    found: Json = {"name": name, "time_s": _times(series.time_s[starts])}
    for key, values in columns.items():
        if key == "link_share" and not np.any(values > 0.0):
            continue
        means, most = _stretched(values, starts)
        found[key] = {"mean": _column(means)}
        if step > 1:
            found[key] = {"mean": _column(means), "max": _column(most)}
    return found


def _stretched(values: Array, starts: Rows) -> tuple[Array, Array]:
    """Mean and maximum from each start to the next."""
    if not len(starts):
        return np.zeros(0), np.zeros(0)
    lengths = np.diff(np.append(starts, len(values)))
    return np.add.reduceat(values, starts) / lengths, np.maximum.reduceat(values, starts)


def _load(outcome: Outcome) -> Json:
    """Requests of the whole deployment that wait to be scheduled first, and that were and have not ended yet."""
    if outcome.end_s <= 0.0:
        return {"time_s": [], "waiting": [], "running": []}
    found, at_s = outcome.requests, np.linspace(0.0, outcome.end_s, POINTS)
    gone_s = np.where(np.isnan(found.scheduled_s), found.finish_s, np.nan)  # ended without being scheduled
    done_s = np.where(np.isnan(found.scheduled_s), np.nan, found.finish_s)
    came, begun, gone, done = (_by(one, at_s) for one in (found.arrival_s, found.scheduled_s, gone_s, done_s))
    return {"time_s": _times(at_s), "waiting": _column(came - begun - gone), "running": _column(begun - done)}


def _by(moments_s: Array, at_s: Array) -> Rows:
    """How many moments are not after each time; NaN is none."""
    return np.searchsorted(np.sort(moments_s[np.isfinite(moments_s)]), at_s, side="right")


def _tokens(outcome: Outcome) -> Json:
    """Tokens a second in stretches of equal length; of the prompts first scheduled in each, the share cached."""
    if outcome.end_s <= 0.0:
        return {"time_s": [], "answer_per_s": [], "prompt_per_s": [], "cached_share": []}
    edges = np.linspace(0.0, outcome.end_s, STRETCHES + 1)
    width_s = outcome.end_s / STRETCHES
    rates: dict[str, Callable[[Outcome, Array], Array]] = {
        "answer_per_s": answer_tokens_by, "prompt_per_s": prompt_tokens_by
    }  # fmt: skip
    at_s, known = outcome.requests.scheduled_s, np.isfinite(outcome.requests.scheduled_s)
    prompts, _ = np.histogram(at_s[known], edges, weights=outcome.workload.prompt[known])
    cached, _ = np.histogram(at_s[known], edges, weights=outcome.requests.cached[known])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = cached / prompts
    found: Json = {"time_s": _times(edges[:-1] + 0.5 * width_s)}
    found |= {name: _column(np.diff(by(outcome, edges)) / width_s) for name, by in rates.items()}
    return {**found, "cached_share": _column(share)}


def _owners(outcome: Outcome) -> list[str]:
    """Pool of each instance that was there from the start."""
    return [pool.name for pool in outcome.pools for _ in range(pool.instances)]


def _gantt(outcome: Outcome, shown: int) -> Json:
    """The first iterations in the order of their start; those of one batch are one line."""
    spans = sorted(outcome.spans, key=lambda one: (one.start_s, one.instance))[:shown]
    kinds = sorted({one.kind for one in spans})
    return {
        "of": len(outcome.spans),
        "until_s": _time(max((one.end_s for one in spans), default=0.0)),
        "kinds": kinds,
        "pools": _owners(outcome),
        "start_s": [_time(one.start_s) for one in spans],
        "duration_s": [_time(one.end_s - one.start_s) for one in spans],
        "instance": [one.instance for one in spans],
        "kind": [kinds.index(one.kind) for one in spans],
        "batch": [one.batch for one in spans],
        "prompt_tokens": [one.prompt_tokens for one in spans],
        "iterations": [one.iterations for one in spans],
    }


def _busy(outcome: Outcome) -> Json:
    """Share of each stretch of the whole run that each instance was at work, by kind of iteration."""
    if not outcome.spans or outcome.end_s <= 0.0:
        return {"width_s": 0.0, "instances": []}
    edges = np.linspace(0.0, outcome.end_s, BUSY + 1)
    width_s = outcome.end_s / BUSY
    owners = _owners(outcome)
    rows: list[Json] = []
    for instance in sorted({one.instance for one in outcome.spans})[:INSTANCES]:
        own = [one for one in outcome.spans if one.instance == instance]
        kinds = {
            kind: _column(_covered([one for one in own if one.kind == kind], edges) / width_s, digits=2)
            for kind in sorted({one.kind for one in own})
        }
        rows.append({"instance": instance, "pool": owners[instance] if instance < len(owners) else "", "share": kinds})
    return {"width_s": width_s, "until_s": _time(max(one.end_s for one in outcome.spans)), "instances": rows}


def _covered(spans: Sequence[Span], edges: Array) -> Array:
    """Seconds that spans, of which no two overlap, cover between each edge and the next."""
    starts = np.array([one.start_s for one in spans])
    ends = np.array([one.end_s for one in spans])
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    sums = np.concatenate(([0.0], np.cumsum(ends - starts)))
    count = np.searchsorted(starts, edges, side="right")
    last = np.maximum(count - 1, 0)
    over_s = np.where(count > 0, np.maximum(ends[last] - edges, 0.0), 0.0)
    return np.diff(sums[count] - over_s)


def _time(seconds: float) -> float:
    """A time to the microsecond."""
    return round(float(seconds), 6)


def _times(seconds: Array) -> list[float]:
    return [_time(one) for one in seconds.tolist()]


def _column(values: Array | Rows, digits: int = DIGITS) -> Column:
    """Numbers with the digits that count; null for what is none, whole numbers without a point."""
    return [_short(value, digits) for value in values.tolist()]


def _short(value: float, digits: int) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() else short


__all__ = ["FORM", "MOST_BYTES", "series_json"]

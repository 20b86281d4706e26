"""A simulated run in the Trace Event Format, for Perfetto (ui.perfetto.dev) and ``chrome://tracing``.

Event types and fields are those of Chromium's "Trace Event Format": complete events (X) are stretches of iterations,
one track an instance; counters (C) are the series of each pool; instants (i) are what happened to an instance; nestable
async events (b, e) are the waiting, prompt and answer of the first :data:`REQUESTS` requests by number. Times are in
microseconds from the start of the run. ``otherData`` marks the file as simulated and says what was left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np

from accord.report.outputs import SIMULATOR, About
from accord.serving.result import STATUS, Event, Outcome, Series, Span

REQUESTS = 1000
POINTS = 20_000  # of one counter; a longer series is thinned evenly
PIECE = 8192  # events
INSTANCES, LOAD, USERS = 1, 2, 3
US = 1e6
Json = dict[str, object]


def trace_json(outcome: Outcome, metrics: Mapping[str, float], about: About) -> Iterator[bytes]:
    """Yield the trace."""
    head = {
        "displayTimeUnit": "ms",
        "otherData": {
            "simulated": True,
            "simulator": SIMULATOR,
            "created": about.created,
            "model": about.model,
            "label": about.label,
            "workload": outcome.workload.name,
            "seed": outcome.seed,
            "complete": outcome.complete,
            "requests": len(outcome.workload),
            "requests_shown": min(len(outcome.workload), REQUESTS),
            "iterations": sum(pool.iterations for pool in outcome.pools),
            "iterations_shown": sum(span.iterations for span in outcome.spans),
        },
    }
    yield msgspec.json.encode(head)[:-1] + b',"traceEvents":[\n'
    before = b""
    for piece in _pieces(_events(outcome)):
        yield before + b",\n".join(msgspec.json.encode(event) for event in piece)
        before = b",\n"
    yield b"\n]}\n"


def _pieces(events: Iterable[Json]) -> Iterator[list[Json]]:
    piece: list[Json] = []
    for event in events:
        piece.append(event)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _events(outcome: Outcome) -> Iterator[Json]:
    yield from _names(outcome)
    for span in outcome.spans:
        yield _span(span)
    for event in outcome.events:
        yield _instant(event)
    for pool, series in outcome.series.items():
        yield from _counters(pool, series)
    yield from _requests(outcome)


def _names(outcome: Outcome) -> Iterator[Json]:
    """Names of processes and tracks; instances are numbered over all pools, in their order."""
    for number, name in ((INSTANCES, "instances"), (LOAD, "load"), (USERS, "requests")):
        yield {"ph": "M", "name": "process_name", "pid": number, "args": {"name": name}}
        yield {"ph": "M", "name": "process_sort_index", "pid": number, "args": {"sort_index": number}}
    seen = {span.instance for span in outcome.spans} | {event.instance for event in outcome.events}
    owners = [pool.name for pool in outcome.pools for _ in range(pool.instances)]
    for instance in sorted({*range(len(owners)), *(number for number in seen if number >= 0)}):
        owner = owners[instance] if instance < len(owners) else "instance"
        yield {
            "ph": "M", "name": "thread_name", "pid": INSTANCES, "tid": instance, "args": {"name": f"{owner} {instance}"}
        }  # fmt: skip
        yield {
            "ph": "M", "name": "thread_sort_index", "pid": INSTANCES, "tid": instance, "args": {"sort_index": instance}
        }  # fmt: skip


def _span(span: Span) -> Json:
    return {
        "ph": "X",
        "name": span.kind,
        "cat": "iterations",
        "pid": INSTANCES,
        "tid": span.instance,
        "ts": span.start_s * US,
        "dur": (span.end_s - span.start_s) * US,
        "args": {"batch": span.batch, "prompt_tokens": span.prompt_tokens, "iterations": span.iterations},
    }


def _instant(event: Event) -> Json:
    """What happened to an instance; to none in particular: a line across all tracks."""
    whole = event.instance < 0
    return {
        "ph": "i",
        "name": event.what,
        "cat": "event",
        "pid": INSTANCES,
        "tid": 0 if whole else event.instance,
        "ts": event.time_s * US,
        "s": "g" if whole else "t",
    }


def _counters(pool: str, series: Series) -> Iterator[Json]:
    """The points at which something changes."""
    counters: Mapping[str, Mapping[str, Sequence[float]]] = {
        "requests": {"running": series.running.tolist(), "waiting": series.waiting.tolist()},
        "cache in use": {"share": series.kv_share.tolist()},
        "instances": {"serving": series.instances.tolist()},
        "link busy": {"share": series.link_share.tolist()},
    }
    step = max(1, -(-len(series.time_s) // POINTS))
    times_us = (series.time_s * US).tolist()
    for name, columns in counters.items():
        last: dict[str, float] | None = None
        for at in range(0, len(times_us), step):
            now = {key: values[at] for key, values in columns.items()}
            if now != last:
                yield {"ph": "C", "name": f"{pool}: {name}", "pid": LOAD, "ts": times_us[at], "args": now}
            last = now


def _requests(outcome: Outcome) -> Iterator[Json]:
    """Each request as a bar from arrival to end, with its phases inside."""
    requests, work = outcome.requests, outcome.workload
    for number in range(min(len(work), REQUESTS)):
        moments = [requests.arrival_s[number], requests.scheduled_s[number], requests.first_s[number]]
        end_s = float(np.nan_to_num(requests.finish_s[number], nan=outcome.end_s))
        if not moments[0] <= end_s:
            continue
        common: Json = {"cat": "request", "id": str(number), "pid": USERS, "tid": 0}
        what = {
            "prompt_tokens": int(work.prompt[number]),
            "answer_tokens": int(work.answer[number]),
            "produced_tokens": int(requests.produced[number]),
            "cached_tokens": int(requests.cached[number]),
            "tenant": work.tenants[int(work.tenant[number])],
            "status": STATUS[int(requests.status[number])],
            "preempted": int(requests.preempted[number]),
            "instance": int(requests.instance[number]),
        }
        yield {"ph": "b", "name": f"request {number}", "ts": float(moments[0]) * US, "args": what, **common}
        edges = [float(moment) for moment in moments if moment <= end_s]  # NaN is not
        for name, start_s, stop_s in zip(("waiting", "prompt", "answer"), edges, [*edges[1:], end_s], strict=False):
            yield {"ph": "b", "name": name, "ts": start_s * US, **common}
            yield {"ph": "e", "name": name, "ts": stop_s * US, **common}
        yield {"ph": "e", "name": f"request {number}", "ts": end_s * US, **common}

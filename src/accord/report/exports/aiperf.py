"""The two files of an AIPerf run, from a simulated one: ``profile_export.jsonl`` and ``profile_export_aiperf.json``.

Fields, units and definitions are those of AIPerf's documents "Working with Profile Export Files", "JSON Export Schema"
(version 1.1 of the schema) and "Metrics Reference" (github.com/ai-dynamo/aiperf). Simulated times count from the time
of the run. Every record and the aggregate carry ``simulated`` and ``simulator``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.report.outputs import SIMULATOR, About
from accord.serving.latency import Latencies, latencies
from accord.serving.result import CANCELLED, COMPLETED, FAILED, UNFINISHED, Outcome
from accord.serving.window import arrived, window

SCHEMA_VERSION = "1.1"
MARK = {"simulated": True, "simulator": SIMULATOR}
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
Rows = npt.NDArray[np.intp]
RECORDS = 4096  # of a piece
MS = 1000.0
NS = 1e9
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ERRORS: Mapping[int, dict[str, object]] = {
    CANCELLED: {"code": 499, "type": "RequestCancellationError", "message": "simulated: the user's patience ended"},
    FAILED: {"code": 400, "type": "SimulatedFailure", "message": "simulated: the request can never fit the cache"},
    UNFINISHED: {"code": None, "type": "SimulationEnded", "message": "simulated: the run ended before the request"},
}


def records_jsonl(outcome: Outcome, metrics: Mapping[str, float], about: About) -> Iterator[bytes]:
    """Yield the records, one line for each request that was sent."""
    waits = latencies(outcome)
    sent = np.flatnonzero(arrived(outcome))
    sessions = _sessions(outcome.workload.follows.tolist())
    zero_ns = (datetime.fromisoformat(about.created) - EPOCH) // timedelta(microseconds=1) * 1000
    encoder = msgspec.json.Encoder()
    for start in range(0, len(sent), RECORDS):
        rows = sent[start : start + RECORDS]
        pieces = zip(
            _metadata(outcome, rows, sessions, zero_ns),
            _measures(outcome, waits, rows),
            (ERRORS.get(status) for status in outcome.requests.status[rows].tolist()),
            strict=True,
        )
        yield encoder.encode_lines(
            [{"metadata": metadata, "metrics": found, "error": error, **MARK} for metadata, found, error in pieces]
        )


def _sessions(follows: list[int]) -> list[tuple[int, int]]:
    """Session of each request, numbered by their first requests, and its turn in it."""
    found: list[tuple[int, int]] = []
    sessions = 0
    for before in follows:
        if before < 0:
            found.append((sessions, 0))
            sessions += 1
        else:
            found.append((found[before][0], found[before][1] + 1))
    return found


def _metadata(
    outcome: Outcome, rows: Rows, sessions: list[tuple[int, int]], zero_ns: int
) -> Iterator[dict[str, object]]:
    requests = outcome.requests
    ends_s = np.nan_to_num(requests.finish_s[rows] + outcome.workload.radio_s, nan=outcome.end_s)
    starts, ends = (np.rint(seconds * NS).astype(np.int64).tolist() for seconds in (requests.arrival_s[rows], ends_s))
    statuses = requests.status[rows].tolist()
    for number, start, end, status in zip(rows.tolist(), starts, ends, statuses, strict=True):
        session, turn = sessions[number]
        name = f"simulated-session-{session:08d}"
        yield {
            "session_num": session,
            "x_request_id": f"simulated-request-{number:08d}",
            "x_correlation_id": name,
            "conversation_id": name,
            "turn_index": turn,
            "request_start_ns": zero_ns + start,
            "request_ack_ns": None,
            "request_end_ns": zero_ns + end,
            "worker_id": "simulated",
            "record_processor_id": "simulated",
            "benchmark_phase": "profiling",
            "was_cancelled": status == CANCELLED,
            "cancellation_time_ns": zero_ns + end if status == CANCELLED else None,
        }


def _measures(outcome: Outcome, waits: Latencies, rows: Rows) -> Iterator[dict[str, object]]:
    """Metrics of each request: of complete answers all, of others the length of the prompt."""
    columns = (
        outcome.requests.status[rows],
        outcome.workload.prompt[rows],
        outcome.requests.produced[rows],
        waits.ttft_s[rows] * MS,
        waits.e2e_s[rows] * MS,
        waits.tpot_s[rows] * MS,
    )
    for status, prompt, answer, first_ms, end_ms, token_ms in zip(*(c.tolist() for c in columns), strict=True):
        if status != COMPLETED:
            yield {"error_isl": _measure(prompt, "tokens")}
            continue
        found: dict[str, object] = {
            "input_sequence_length": _measure(prompt, "tokens"),
            "time_to_first_token": _measure(first_ms, "ms"),
            "request_latency": _measure(end_ms, "ms"),
            "output_token_count": _measure(answer, "tokens"),
            "output_sequence_length": _measure(answer, "tokens"),
        }
        if answer > 1:
            found["inter_token_latency"] = _measure(token_ms, "ms")
            if token_ms > 0.0:
                found["output_token_throughput_per_user"] = _measure(MS / token_ms, "tokens/sec/user")
        yield found


def _measure(value: float, unit: str) -> dict[str, object]:
    return {"value": value, "unit": unit}


def aggregate_json(outcome: Outcome, metrics: Mapping[str, float], about: About) -> Iterator[bytes]:
    """Yield the statistics over all requests; ``goodput_request_per_s`` is taken from the metrics."""
    begin = datetime.fromisoformat(about.created)
    statuses = outcome.requests.status[arrived(outcome)]
    wrong = [(ERRORS[status], int((statuses == status).sum())) for status in ERRORS]
    document = {
        "schema_version": SCHEMA_VERSION,
        **_distributions(outcome),
        **_scalars(outcome, metrics),
        "was_cancelled": not outcome.complete,
        "start_time": begin.isoformat(),
        "end_time": (begin + timedelta(seconds=outcome.end_s)).isoformat(),
        "error_summary": [{"error_details": error, "count": count} for error, count in wrong if count],
        **MARK,
    }
    yield msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _distributions(outcome: Outcome) -> dict[str, object]:
    """Metrics of complete answers."""
    waits = latencies(outcome)
    done = outcome.requests.status == COMPLETED
    prompts, answers = outcome.workload.prompt[done] * 1.0, outcome.requests.produced[done] * 1.0
    token_s = waits.tpot_s[done & (waits.tpot_s > 0.0)]
    columns = {
        "request_latency": ("ms", waits.e2e_s[done] * MS),
        "time_to_first_token": ("ms", waits.ttft_s[done] * MS),
        "inter_token_latency": ("ms", waits.tpot_s[np.isfinite(waits.tpot_s)] * MS),
        "output_token_throughput_per_user": ("tokens/sec/user", 1.0 / token_s),
        "output_sequence_length": ("tokens", answers),
        "output_token_count": ("tokens", answers),
        "input_sequence_length": ("tokens", prompts),
        "error_isl": ("tokens", outcome.workload.prompt[arrived(outcome) & ~done] * 1.0),
    }
    return {name: _spread(unit, values) for name, (unit, values) in columns.items() if len(values)}


def _spread(unit: str, values: Array) -> dict[str, object]:
    marks = np.percentile(values, PERCENTILES)
    return {
        "unit": unit,
        "avg": float(values.mean()),
        **{f"p{share}": float(mark) for share, mark in zip(PERCENTILES, marks, strict=True)},
        "min": float(values.min()),
        "max": float(values.max()),
        "std": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        "count": len(values),
        "sum": float(values.sum()),
    }


def _scalars(outcome: Outcome, metrics: Mapping[str, float]) -> dict[str, object]:
    """Totals, and rates over the time from the first arrival to the last end."""
    sent, duration_s = arrived(outcome), window(outcome).seconds
    done = sent & (outcome.requests.status == COMPLETED)
    prompts, answers = float(outcome.workload.prompt[done].sum()), float(outcome.requests.produced[done].sum())
    count, per_s = float(done.sum()), 1.0 / duration_s if duration_s > 0.0 else 0.0
    found = {
        "request_throughput": ("requests/sec", count * per_s),
        "request_count": ("requests", count),
        "output_token_throughput": ("tokens/sec", answers * per_s),
        "total_token_throughput": ("tokens/sec", (prompts + answers) * per_s),
        "benchmark_duration": ("sec", duration_s),
        "total_isl": ("tokens", prompts),
        "total_osl": ("tokens", answers),
        "total_output_tokens": ("tokens", answers),
        "error_request_count": ("requests", float((sent & ~done).sum())),
    }
    if "goodput_request_per_s" in metrics:
        found["goodput"] = ("requests/sec", metrics["goodput_request_per_s"])
    return {name: {"unit": unit, "avg": value} for name, (unit, value) in found.items()}

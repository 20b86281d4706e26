"""Files in the form of AIPerf."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.simulated import METRICS, nobody, outcome

from accord.report.exports.aiperf import aggregate_json, records_jsonl
from accord.report.outputs import SIMULATOR, About
from accord.serving.result import Outcome
from accord.store.files import write
from accord.workloads.columns import Options
from accord.workloads.trace import read_trace

ABOUT = About(created="2026-01-02T03:04:05+00:00", model="some-model", backend="vllm")
ZERO_NS = 1767323045 * 10**9
RUN = outcome(50)


def records(run: Outcome = RUN) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(records_jsonl(run, METRICS, ABOUT)).splitlines()]


def aggregate(run: Outcome = RUN) -> dict[str, Any]:
    found = json.loads(b"".join(aggregate_json(run, METRICS, ABOUT)))
    assert isinstance(found, dict)
    return found


def values(found: Iterable[dict[str, Any]], name: str) -> list[float]:
    return [record["metrics"][name]["value"] for record in found if name in record["metrics"]]


def test_a_record_of_a_complete_answer() -> None:
    record = records()[5]
    assert set(record) == {"metadata", "metrics", "error", "simulated", "simulator"}
    assert record["error"] is None
    assert (record["simulated"], record["simulator"]) == (True, SIMULATOR)
    metadata, metrics = record["metadata"], record["metrics"]
    assert metadata["request_start_ns"] == ZERO_NS + round(RUN.requests.arrival_s[5] * 1e9)
    assert metadata["request_end_ns"] == ZERO_NS + round(RUN.requests.finish_s[5] * 1e9)
    assert metadata["benchmark_phase"] == "profiling"
    assert (metadata["was_cancelled"], metadata["cancellation_time_ns"]) == (False, None)
    first, last = metrics["time_to_first_token"], metrics["request_latency"]
    tokens = metrics["output_sequence_length"]
    assert (first["unit"], last["unit"], tokens["unit"]) == ("ms", "ms", "tokens")
    token_ms = (last["value"] - first["value"]) / (tokens["value"] - 1)
    assert metrics["inter_token_latency"]["value"] == pytest.approx(token_ms)
    assert metrics["output_token_throughput_per_user"]["value"] == pytest.approx(1e3 / token_ms)
    took_ms = (metadata["request_end_ns"] - metadata["request_start_ns"]) / 1e6
    assert last["value"] == pytest.approx(took_ms, abs=1e-3)


def test_records_of_what_went_wrong() -> None:
    *_, cancelled, failed, unfinished, last = records()
    assert cancelled["error"]["type"] == last["error"]["type"] == "RequestCancellationError"
    assert cancelled["metadata"]["was_cancelled"]
    assert cancelled["metadata"]["cancellation_time_ns"] == cancelled["metadata"]["request_end_ns"]
    assert failed["error"]["code"] == 400
    assert unfinished["error"]["type"] == "SimulationEnded"
    assert set(unfinished["metrics"]) == {"error_isl"}


def test_sessions_are_chains_of_requests() -> None:
    found = [record["metadata"] for record in records()]
    before = RUN.workload.follows
    for number, one in enumerate(found):
        if before[number] >= 0:
            assert one["conversation_id"] == found[before[number]]["conversation_id"]
            assert one["turn_index"] == found[before[number]]["turn_index"] + 1
        else:
            assert one["turn_index"] == 0
    assert len({one["x_request_id"] for one in found}) == len(found)
    sessions = [one["session_num"] for one in found if one["turn_index"] == 0]
    assert sessions == list(range(len(sessions)))


def test_the_aggregate_is_that_of_the_records() -> None:
    found, lines = aggregate(), records()
    for name in ("request_latency", "time_to_first_token", "inter_token_latency", "input_sequence_length"):
        numbers = np.array(values(lines, name))
        block = found[name]
        assert block["unit"] == next(one["metrics"][name]["unit"] for one in lines if name in one["metrics"])
        assert block["count"] == len(numbers)
        assert block["avg"] == pytest.approx(numbers.mean())
        assert block["std"] == pytest.approx(numbers.std(ddof=1))
        assert block["sum"] == pytest.approx(numbers.sum())
        assert (block["min"], block["max"]) == (pytest.approx(numbers.min()), pytest.approx(numbers.max()))
        for share in (1, 5, 10, 25, 50, 75, 90, 95, 99):
            assert block[f"p{share}"] == pytest.approx(np.percentile(numbers, share))
    assert found["request_count"] == {"unit": "requests", "avg": 46.0}
    assert found["error_request_count"] == {"unit": "requests", "avg": 4.0}
    assert found["goodput"] == {"unit": "requests/sec", "avg": 1.25}
    assert found["request_throughput"]["avg"] == pytest.approx(46.0 / found["benchmark_duration"]["avg"])
    assert sum(one["count"] for one in found["error_summary"]) == 4


def test_the_aggregate_is_marked_and_dated() -> None:
    found = aggregate()
    assert (found["simulated"], found["simulator"], found["schema_version"]) == (True, SIMULATOR, "1.1")
    assert found["start_time"] == "2026-01-02T03:04:05+00:00"
    assert found["was_cancelled"] is False
    assert aggregate(outcome(50, complete=False))["was_cancelled"] is True


def test_records_can_be_replayed(tmp_path: Path) -> None:
    run = outcome(50, trouble=False)
    write(tmp_path / "profile_export.jsonl", records_jsonl(run, METRICS, ABOUT))
    trace = read_trace(tmp_path / "profile_export.jsonl", options=Options(chain=True))
    assert trace.format == "aiperf"
    assert trace.workload.prompt.tolist() == run.workload.prompt.tolist()
    assert trace.workload.answer.tolist() == run.workload.answer.tolist()
    assert trace.workload.follows.tolist() == run.workload.follows.tolist()
    own = run.workload.follows < 0
    assert trace.workload.arrival_s[own] == pytest.approx(run.requests.arrival_s[own], abs=1e-6)


def test_nobody() -> None:
    assert records(nobody()) == []
    assert aggregate(nobody())["request_count"]["avg"] == 0.0
    assert "request_latency" not in aggregate(nobody())

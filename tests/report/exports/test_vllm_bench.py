"""Results in the form of vLLM's serving benchmark."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.simulated import METRICS, nobody, outcome

from accord.report.exports import vllm_bench
from accord.report.exports.vllm_bench import result_json
from accord.report.outputs import SIMULATOR, About
from accord.serving.result import COMPLETED, Outcome
from accord.store.files import write
from accord.workloads.trace import read_trace

ABOUT = About(created="2026-01-02T03:04:05+00:00", model="some-model", backend="vllm", label="night")
RUN = outcome(50)


def document(run: Outcome = RUN, about: About = ABOUT) -> dict[str, Any]:
    found = json.loads(b"".join(result_json(run, METRICS, about)))
    assert isinstance(found, dict)
    return found


def test_every_field_of_vllm_is_there() -> None:
    setup = "date endpoint_type backend label model_id tokenizer_id num_prompts request_rate burstiness max_concurrency"
    totals = "duration completed failed total_input_tokens total_output_tokens request_throughput request_goodput"
    rates = "output_throughput total_token_throughput max_output_tokens_per_s max_concurrent_requests"
    lists = "input_lens output_lens ttfts itls latencies start_times generated_texts errors"
    words = ("mean", "median", "std", "p90", "p95", "p99")
    marks = [f"{word}_{name}_ms" for name in ("ttft", "tpot", "itl", "e2el") for word in words]
    ours = "simulated simulator complete simulated_without"
    assert set(document()) == {*f"{setup} {totals} {rates} {lists} {ours}".split(), *marks}


def test_it_is_marked_as_simulated() -> None:
    found = document()
    assert (found["simulated"], found["simulator"]) == (True, SIMULATOR)
    assert found["itls"] == found["generated_texts"] == []
    assert set(found["simulated_without"]) == {"itls", "generated_texts"}


def test_the_numbers_follow_from_the_lists() -> None:
    found = document()
    done = [not error for error in found["errors"]]
    assert found["completed"] == sum(done) == 46
    assert found["failed"] == 4
    assert found["num_prompts"] == len(found["input_lens"]) == len(found["start_times"]) == 50
    ttfts = np.array(found["ttfts"])[done]
    assert found["mean_ttft_ms"] == pytest.approx(1e3 * ttfts.mean())
    assert found["std_ttft_ms"] == pytest.approx(1e3 * ttfts.std())
    assert found["p99_ttft_ms"] == pytest.approx(1e3 * np.percentile(ttfts, 99))
    lengths, ends = np.array(found["output_lens"])[done], np.array(found["latencies"])[done]
    tpots = (ends - ttfts)[lengths > 1] / (lengths[lengths > 1] - 1)
    assert found["median_tpot_ms"] == pytest.approx(1e3 * np.median(tpots))
    assert found["median_e2el_ms"] == pytest.approx(1e3 * np.median(ends))
    assert found["total_output_tokens"] == lengths.sum()
    assert found["output_throughput"] == pytest.approx(lengths.sum() / found["duration"])
    assert found["request_throughput"] == pytest.approx(46 / found["duration"])
    assert found["request_goodput"] == METRICS["goodput_request_per_s"]


def test_who_failed_has_no_answer_and_a_reason() -> None:
    found = document()
    assert found["output_lens"][-4:] == [0, 0, 0, 0]
    reasons = [f"simulated: {word}" for word in ("cancelled", "failed", "unfinished", "cancelled")]
    assert found["errors"][-4:] == reasons


def test_gaps_are_those_of_the_run() -> None:
    gaps = RUN.gaps
    seconds = np.repeat(np.exp((gaps.bins + 0.5) * gaps.width), gaps.counts)
    found = document()
    assert found["mean_itl_ms"] == pytest.approx(1e3 * gaps.total_s / gaps.counts.sum())
    assert found["median_itl_ms"] == pytest.approx(1e3 * np.median(seconds), rel=0.005)
    assert found["std_itl_ms"] == pytest.approx(1e3 * seconds.std(), rel=1e-6)


def test_the_load_is_named() -> None:
    assert document()["request_rate"] == "inf"
    assert document()["date"] == "20260102-030405"
    asked = document(about=replace(ABOUT, request_rate_per_s=2.5, burstiness=0.5))
    assert (asked["request_rate"], asked["burstiness"]) == (2.5, 0.5)
    assert (asked["label"], asked["model_id"], asked["backend"]) == ("night", "some-model", "vllm")


def test_most_requests_at_once_against_counting() -> None:
    done = RUN.requests.status == COMPLETED
    starts, ends = RUN.requests.arrival_s[done], RUN.requests.finish_s[done]
    most = max(int(np.sum((starts <= time) & (ends > time))) for time in starts)
    assert document()["max_concurrent_requests"] == most


def test_it_can_be_replayed(tmp_path: Path) -> None:
    run = outcome(50, trouble=False)
    write(tmp_path / "result.json", result_json(run, METRICS, ABOUT))
    trace = read_trace(tmp_path / "result.json")
    assert trace.format == "vllm-bench"
    assert trace.workload.prompt.tolist() == run.workload.prompt.tolist()
    assert trace.workload.answer.tolist() == run.workload.answer.tolist()
    assert trace.workload.arrival_s == pytest.approx(run.requests.arrival_s)


def test_failed_requests_are_bad_lines_when_it_is_replayed(tmp_path: Path) -> None:
    write(tmp_path / "result.json", result_json(RUN, METRICS, ABOUT))
    trace = read_trace(tmp_path / "result.json", skip_bad=True)
    assert (len(trace.workload), trace.skipped) == (46, 4)


def test_long_lists_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b"".join(result_json(RUN, METRICS, ABOUT))
    monkeypatch.setattr(vllm_bench, "ITEMS", 7)
    pieces = list(result_json(RUN, METRICS, ABOUT))
    assert json.loads(b"".join(pieces)) == json.loads(whole)
    assert max(map(len, pieces)) < 300


def test_nobody() -> None:
    found = document(nobody())
    assert found["completed"] == found["failed"] == found["num_prompts"] == 0
    assert found["mean_ttft_ms"] == found["p99_itl_ms"] == found["request_throughput"] == 0.0


def test_requests_that_never_came_are_left_out() -> None:
    arrival_s = RUN.requests.arrival_s.copy()
    arrival_s[10] = np.nan
    found = document(replace(RUN, requests=replace(RUN.requests, arrival_s=arrival_s)))
    assert found["num_prompts"] == len(found["input_lens"]) == 49

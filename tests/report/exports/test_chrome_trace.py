"""Time lines in the Trace Event Format."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.report.simulated import nobody, outcome

from accord.report.exports import chrome_trace
from accord.report.exports.chrome_trace import trace_json
from accord.report.outputs import SIMULATOR, About
from accord.serving.result import Outcome, Span

ABOUT = About(created="2026-01-02T03:04:05+00:00", model="some-model", backend="vllm")
RUN = outcome(50)


def trace(run: Outcome = RUN) -> dict[str, Any]:
    found = json.loads(b"".join(trace_json(run, {}, ABOUT)))
    assert isinstance(found, dict)
    return found


def events(kind: str, run: Outcome = RUN) -> list[dict[str, Any]]:
    return [event for event in trace(run)["traceEvents"] if event["ph"] == kind]


def test_it_is_marked_as_simulated_and_says_what_it_shows() -> None:
    about = trace()["otherData"]
    assert (about["simulated"], about["simulator"], about["complete"]) == (True, SIMULATOR, True)
    assert (about["requests"], about["requests_shown"]) == (50, 50)
    assert (about["iterations"], about["iterations_shown"]) == (4900, 21)


def test_every_instance_has_a_named_track() -> None:
    names = {event["tid"]: event["args"]["name"] for event in events("M") if event["name"] == "thread_name"}
    assert names == {0: "prefill 0", 1: "prefill 1", 2: "decode 2"}


def test_an_instance_that_was_added_has_one_too() -> None:
    run = replace(RUN, spans=(*RUN.spans, Span(5.0, 6.0, 7, "decode", 1, 0, 1)))
    names = {event["tid"]: event["args"]["name"] for event in events("M", run) if event["name"] == "thread_name"}
    assert names[7] == "instance 7"


def test_iterations_are_spans_in_microseconds() -> None:
    first, second = events("X")
    assert (first["ts"], first["dur"], first["tid"], first["name"]) == (0.0, 250_000.0, 0, "prompt")
    assert second["args"] == {"batch": 3, "prompt_tokens": 0, "iterations": 20}


def test_what_happened_is_an_instant() -> None:
    found = {event["name"]: event for event in events("i")}
    assert set(found) == {"loading", "down", "up", "scale-up"}
    assert (found["down"]["tid"], found["down"]["s"]) == (1, "t")
    assert found["scale-up"]["s"] == "g"


def test_counters_hold_every_change_and_no_more() -> None:
    found = [event for event in events("C") if event["name"] == "decode: requests"]
    series = RUN.series["decode"]
    times, running = [event["ts"] / 1e6 for event in found], [event["args"]["running"] for event in found]
    for time, value in zip(series.time_s, series.running, strict=True):
        assert running[int(np.searchsorted(times, time, side="right")) - 1] == value
    assert all(a["args"] != b["args"] for a, b in zip(found, found[1:], strict=False))


def test_a_request_is_a_nest_of_phases() -> None:
    opened: dict[str, list[str]] = defaultdict(list)
    last: dict[str, float] = defaultdict(float)
    for event in trace()["traceEvents"]:
        if event["ph"] not in "be":
            continue
        assert event["ts"] >= last[event["id"]]
        last[event["id"]] = event["ts"]
        if event["ph"] == "b":
            opened[event["id"]].append(event["name"])
        else:
            assert opened[event["id"]].pop() == event["name"]
    assert len(opened) == 50
    assert not any(opened.values())


def test_requests_are_shown_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chrome_trace, "REQUESTS", 10)
    monkeypatch.setattr(chrome_trace, "PIECE", 7)
    assert {event["id"] for event in events("b")} == {str(number) for number in range(10)}
    assert trace()["otherData"]["requests_shown"] == 10


def test_nobody() -> None:
    assert {event["ph"] for event in trace(nobody())["traceEvents"]} == {"M"}

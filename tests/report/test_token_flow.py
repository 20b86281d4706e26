"""Tokens over time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.report.simulated import nobody, outcome

from accord.report.token_flow import answer_tokens_by, prompt_tokens_by

RUN = outcome(60)


def test_all_tokens_come_by_the_end() -> None:
    end = np.array([RUN.end_s])
    got = np.isfinite(RUN.requests.first_s)
    assert answer_tokens_by(RUN, end)[0] == pytest.approx(RUN.requests.produced.sum())
    computed = (RUN.workload.prompt - RUN.requests.cached)[got].sum()
    assert prompt_tokens_by(RUN, end)[0] == pytest.approx(computed)


def test_none_came_before_the_start_and_none_is_taken_back() -> None:
    times = np.linspace(-1.0, RUN.end_s, 500)
    for tokens_by in (answer_tokens_by, prompt_tokens_by):
        tokens = tokens_by(RUN, times)
        assert tokens[0] == 0.0
        assert np.all(np.diff(tokens) >= -1e-6)


def test_against_each_request_by_itself() -> None:
    times = np.linspace(0.0, RUN.end_s, 37)
    found = RUN.requests
    wanted = np.zeros(len(times))
    for first, last, produced in zip(found.first_s, found.finish_s, found.produced, strict=True):
        if np.isnan(first):
            continue
        passed = (times >= first).astype(float) if last == first else np.clip((times - first) / (last - first), 0, 1)
        wanted += (times >= first) + (produced - 1) * passed
    assert answer_tokens_by(RUN, times) == pytest.approx(wanted, abs=1e-6)


def test_an_answer_that_takes_no_time_comes_at_once() -> None:
    quick = replace(RUN, requests=replace(RUN.requests, finish_s=RUN.requests.first_s.copy()))
    assert answer_tokens_by(quick, np.array([RUN.end_s]))[0] == pytest.approx(RUN.requests.produced.sum())


def test_nobody_has_no_tokens() -> None:
    assert answer_tokens_by(nobody(), np.array([0.0, 1.0])).tolist() == [0.0, 0.0]

"""Measured runs of vLLM, played again from their request files."""

from __future__ import annotations

import numpy as np
import pytest
from tests.published.vllm_runs.runs import TOLERATED, replayed, runs

from accord.api.replay import curves_of, misses
from accord.serving.result import COMPLETED

NAMES = tuple(runs())


@pytest.mark.parametrize("metric", TOLERATED)
@pytest.mark.parametrize("run", NAMES)
def test_a_replay_is_as_near_as_it_was(run: str, metric: str) -> None:
    found = replayed(run).of(metric)
    assert abs(found.error) <= float(runs()[run][metric]), f"{found.predicted:.3f} s, measured {found.measured:.3f} s"


@pytest.mark.parametrize("run", NAMES)
def test_every_request_is_answered(run: str) -> None:
    done = replayed(run).outcome
    assert np.all(done.requests.status == COMPLETED)
    assert np.array_equal(done.requests.produced, done.workload.answer)


@pytest.mark.parametrize("run", NAMES)
def test_curves_keep_near_the_measured_ones(run: str) -> None:
    found = replayed(run)
    assert set(curves_of(found.outcome)) >= set(misses(found.outcome, found.measured)) >= {"running", "waiting"}
    assert all(miss < 0.3 for miss in misses(found.outcome, found.measured).values())


def test_only_a_cache_that_was_reported_has_a_curve() -> None:
    assert "kv_share" in replayed("RTX4090_Llama-3.1-8B").measured
    assert "kv_share" not in replayed("RTXPRO6000_Qwen3-32B").measured


def test_the_stated_blocks_are_the_cache() -> None:
    assert replayed("RTX4090_Llama-3.1-8B").built[0].pool.kv_tokens == 2588 * 16

"""One engine that mixes prompts into decode iterations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import rig
from tests.rig import value

from accord.base.array import array
from accord.inference.aggregated import batch_run_s, batch_run_tpot_s, request_limit, serve_point
from accord.parallel.memory import most_requests
from accord.parallel.plan import Deployments, deployments

H100 = rig.setting_of("llama-3.1-70b", "nvidia-hgx-h100-8")
PLAN = deployments(tp=8, isl=1024, osl=512)
LOADS = np.array([1.0, 4.0, 16.0, 64.0, 200.0])


def many(count: int) -> Deployments:
    return PLAN.pick(np.zeros(count, dtype=np.intp))


def test_the_limit_is_memory_or_the_engine() -> None:
    by_memory = value(most_requests(H100, PLAN, array(H100.efficiency.get("engine.max_num_batched_tokens"))))
    assert value(request_limit(H100, PLAN)) == min(by_memory, H100.efficiency.get("engine.max_num_seqs"))
    long = deployments(tp=8, isl=100_000, osl=1000)
    assert value(request_limit(H100, long)) < H100.efficiency.get("engine.max_num_seqs")


def test_load_slows_everybody_down_and_serves_more() -> None:
    point = serve_point(H100, many(len(LOADS)), LOADS)
    assert np.all(np.diff(point.tpot_s) > 0.0)
    assert np.all(np.diff(point.request_per_s) > 0.0)
    assert np.all(point.running <= LOADS)


def test_beyond_the_limit_requests_queue() -> None:
    point = serve_point(H100, many(2), np.array([np.inf, 5000.0]))
    assert point.request_per_s[1] == pytest.approx(point.request_per_s[0], rel=1e-6)
    assert point.ttft.mean_s[1] > 10 * point.ttft.mean_s[0]
    assert np.all(point.running <= point.limit)


def test_mixed_iterations_are_never_shorter_than_plain_ones() -> None:
    point = serve_point(H100, many(len(LOADS)), LOADS)
    assert np.all(point.mixed_s >= point.plain_s)
    assert np.all(point.chunk <= H100.efficiency.get("engine.max_num_batched_tokens"))
    assert np.all((point.tpot_s >= point.plain_s * 0.999) & (point.tpot_s <= point.mixed_s * 1.001))


def test_a_run_of_all_at_once_takes_longer_than_its_steady_part() -> None:
    point = serve_point(H100, PLAN, array(200.0))
    for spread in (1.0, 4.0):
        taken = value(batch_run_s(PLAN, point, array(1000.0), array(1.0), array(spread)))
        steady = 1000 / value(point.request_per_s)
        assert taken == pytest.approx(steady + spread * 512 * value(point.plain_s) / 2)


@pytest.mark.parametrize("first", [False, True])
def test_answers_admitted_in_the_flood_of_prompts_are_slower(first: bool) -> None:
    features = {**H100.efficiency.features, "prompts_first": first}
    one = replace(H100, efficiency=replace(H100.efficiency, features=features))
    point = serve_point(one, PLAN, array(200.0))
    means = [value(batch_run_tpot_s(one, PLAN, point, array(count), 16.0)) for count in (1.0, 50.0, 200.0)]
    assert np.all(np.diff(means) > 0.0)
    assert value(point.tpot_s) * 0.999 < means[0] < means[-1] < 10 * value(point.tpot_s)


def test_quantiles_of_a_loop_that_fits_are_those_of_one_iteration() -> None:
    """Where all run, the wait lies anywhere in the iteration under way."""
    point = serve_point(H100, PLAN, array(np.inf))
    p50, p90, p99 = (value(getattr(point.ttft, name)) for name in ("p50_s", "p90_s", "p99_s"))
    assert p50 == pytest.approx(value(point.ttft.mean_s))
    assert p99 - p50 == pytest.approx(0.49 * value(point.tpot_s))
    assert p90 - p50 == pytest.approx(0.40 * value(point.tpot_s))


def test_a_long_line_of_a_closed_loop_waits_evenly() -> None:
    """Behind thousands in order of arrival the wait is nearly the same for all: Little's law."""
    point = serve_point(H100, PLAN, array(8000.0))
    outside = 8000.0 - value(point.running)
    assert value(point.ttft.mean_s) == pytest.approx(outside / value(point.request_per_s))
    assert value(point.ttft.p50_s) == pytest.approx(value(point.ttft.mean_s), rel=0.01)
    assert 1.0 < value(point.ttft.p99_s) / value(point.ttft.mean_s) < 1.1

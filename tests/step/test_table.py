"""The table of step times against the estimate it is made of."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import rig
from tests.step.test_mixed import CASES

from accord.parallel.plan import deployments
from accord.step.exact import ExactTimer
from accord.step.mixed import Load, micro_step, mixed_step, plain_step
from accord.step.table import StepTable

WITHIN = 0.01
MORE = {
    "experts of two": (
        rig.setting_of("qwen3-30b-a3b", "nvidia-rtx-pro-6000-4", engine="vllm"),
        deployments(tp=1, dp=2, ep=2, isl=1, microbatches=1),
    ),
    "wide windows": (rig.setting_of("gemma-3-27b-it", "nvidia-hgx-h100-8"), deployments(tp=2, isl=1)),
}
ALL = {**CASES, **MORE}
Loads = list[tuple[int, float, int, int, float]]


@cache
def table_of(name: str) -> StepTable:
    return StepTable(*ALL[name], token_budget=8192.0)


def random_loads(count: int, seed: int) -> Loads:
    """Loads of every size, a fifth without requests that decode, half with cached prefixes."""
    rng = np.random.default_rng(seed)
    loads: Loads = []
    for _ in range(count):
        batch = int(2 ** rng.uniform(0, 9)) if rng.random() < 0.8 else 0
        prompts = int(2 ** rng.uniform(0, 5)) if rng.random() < 0.5 else 1
        tokens = max(int(2 ** rng.uniform(0, 14.5)), prompts)
        cached = 0.0 if rng.random() < 0.5 else 2 ** rng.uniform(5, 16)
        pairs = tokens * (cached + tokens / prompts / 2)
        loads.append((tokens, pairs, prompts, batch, float(int(batch * 2 ** rng.uniform(3, 17)))))
    return loads


@pytest.mark.parametrize("name", ALL)
def test_the_table_is_within_one_percent(name: str) -> None:
    one, plan = ALL[name]
    loads = random_loads(600, 7)
    columns = Load(*(np.array(column, dtype=float) for column in zip(*loads, strict=True)))
    own = micro_step(plan, columns, 8192.0)
    plain = plain_step(one, plan, own.batch, own.context).total_s
    mixed = np.maximum(mixed_step(one, plan, own).total_s, plain)
    table = table_of(name)
    found = np.array([table.mixed(*load) for load in loads])
    assert np.max(np.abs(found / mixed - 1.0)) < WITHIN
    busy = [at for at, load in enumerate(loads) if load[3]]
    found = np.array([table.line(*loads[at][3:])[0] for at in busy])
    assert np.max(np.abs(found / plain[busy] - 1.0)) < WITHIN


@pytest.mark.parametrize("name", ALL)
def test_groups_with_loads_of_their_own(name: str) -> None:
    exact, table = ExactTimer(*ALL[name], token_budget=8192.0), table_of(name)
    for seed in range(6):
        loads = np.array(random_loads(16, seed))
        loads[: (0, 8, 15)[seed % 3], :3] = 0.0
        if seed % 2:
            loads[:, :3] = 0.0
        columns = [np.ascontiguousarray(column) for column in loads.T]
        assert table.joint(*columns) == pytest.approx(exact.joint(*columns), rel=WITHIN)


@pytest.mark.parametrize("name", ALL)
def test_equal_groups_are_as_one(name: str) -> None:
    table, same = table_of(name), np.ones(12)
    for tokens, pairs, prompts, batch, context in random_loads(20, 3):
        if not batch:
            continue
        joint = table.joint(tokens * same, pairs * same, prompts * same, batch * same, context * same)
        assert joint == pytest.approx(table.mixed(tokens, pairs, prompts, batch, context), rel=1e-9)
        plain = table.joint(0 * same, 0 * same, 0 * same, batch * same, context * same)
        assert plain == pytest.approx(table.line(batch, context)[0], rel=1e-9)


@given(st.sampled_from(sorted(ALL)), st.integers(1, 300), st.floats(1.0, 2e6), st.floats(0.0, 1.0))
def test_a_line_holds_up_to_its_end(name: str, batch: int, mean: float, part: float) -> None:
    table = table_of(name)
    seconds, slope, until = table.line(batch, batch * mean)
    assert until > batch * mean
    far = batch * mean + part * (min(until, 4e6 * batch) - batch * mean)
    if far < until:
        assert table.line(batch, far)[0] == pytest.approx(seconds + slope * (far - batch * mean), rel=1e-9)


def test_more_context_and_more_requests_take_longer() -> None:
    table = table_of("dense")
    by_context = [table.line(32, 32 * 2.0**half)[0] for half in range(4, 23)]
    assert np.all(np.diff(by_context) > 0.0)
    by_batch = [table.line(batch, batch * 1000.0)[0] for batch in (8, 16, 64, 256, 512, 700)]
    assert np.all(np.diff(by_batch) > 0.0)


def test_what_lies_beyond_the_grid_goes_on() -> None:
    exact, small = ExactTimer(*ALL["dense"]), StepTable(*ALL["dense"], max_seqs=4)
    for batch, mean in ((5, 100.0), (37, 3e6), (900, 50.0), (3000, 10.0)):
        assert small.line(batch, batch * mean)[0] == pytest.approx(exact.line(batch, batch * mean)[0], rel=WITHIN)
    long = (600_000, 600_000 * 300_000.0, 1, 3, 9e6)
    assert small.mixed(*long) == pytest.approx(exact.mixed(*long), rel=0.02)
    many = (70_000, 70_000 * 20.0, 2000, 2, 100.0)
    assert small.mixed(*many) == pytest.approx(exact.mixed(*many), rel=WITHIN)
    none, held = np.zeros(2), np.array([3.0, 5000.0])
    taken, wanted = (timer.joint(none, none, none, held, held * 99.0) for timer in (small, exact))
    assert taken == pytest.approx(wanted, rel=WITHIN)


def test_one_prompt_through_the_table_takes_its_prefill_step_and_decode_steps() -> None:
    """A lone request of 3000 and 200 tokens: the sum of its iterations."""
    exact, table = ExactTimer(*ALL["dense"]), table_of("dense")
    wanted, found = (
        timer.mixed(3000, 3000 * 1500.0, 1, 0, 0.0) + sum(timer.line(1, 3000.0 + m)[0] for m in range(1, 200))
        for timer in (exact, table)
    )
    assert found == pytest.approx(wanted, rel=0.002)


def test_a_stated_overhead_is_in_the_table() -> None:
    one, plan = ALL["dense"]
    table, slower = (StepTable(one, plan, max_seqs=8, step_overhead_s=seconds) for seconds in (0.0, 5e-3))
    assert slower.line(4, 400.0)[0] - table.line(4, 400.0)[0] == pytest.approx(5e-3)
    assert slower.mixed(900, 4e5, 1, 4, 400.0) - table.mixed(900, 4e5, 1, 4, 400.0) == pytest.approx(5e-3)


def test_an_idle_instance_takes_no_group_time() -> None:
    table, none = table_of("decode pool"), np.zeros(4)
    assert table.joint(none, none, none, none, none) == 0.0

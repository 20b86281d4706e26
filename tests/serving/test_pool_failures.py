"""Pools whose instances fail at a rate of their own."""

from __future__ import annotations

import pytest
from tests.serving.cases import pool, workload

from accord.base.errors import UsageError
from accord.serving.result import Outcome
from accord.serving.run import simulate
from accord.serving.spec import Pool, Rules

LONG_S = 40_000.0


def run(*pools: Pool, **rules: float) -> Outcome:
    return simulate(pools, workload([0.0, LONG_S], 1, 1), Rules(duration_s=LONG_S, tick_s=1000.0, **rules))  # type: ignore[arg-type]


def downs(found: Outcome, *instances: int) -> int:
    return sum(one.what == "down" and one.instance in instances for one in found.events)


def test_each_pool_fails_at_its_own_rate() -> None:
    found = run(
        pool(role="prefill", instances=2, mtbf_s=100.0, repair_s=1.0), pool(role="decode", mtbf_s=400.0, repair_s=5.0)
    )
    for instances, each in (((0, 1), 101.0), ((2,), 405.0)):
        expected = len(instances) * LONG_S / each
        assert abs(downs(found, *instances) - expected) < 4.0 * expected**0.5


def test_a_pool_without_a_rate_takes_that_of_the_rules() -> None:
    stated, ruled = run(pool(mtbf_s=200.0, repair_s=2.0)), run(pool(), mtbf_s=200.0, repair_s=2.0)
    assert stated.events == ruled.events
    assert downs(stated, 0) > 100
    mixed = run(pool(role="prefill", mtbf_s=float("inf")), pool(role="decode"), mtbf_s=200.0, repair_s=2.0)
    assert downs(mixed, 0) == 0
    assert downs(mixed, 1) > 100


def test_a_repair_takes_its_pools_time() -> None:
    found = run(pool(mtbf_s=1000.0, repair_s=7.0), mtbf_s=1000.0, repair_s=2.0)
    times = [(one.what, one.time_s) for one in found.events]
    gaps = [after - before for (what, before), (_, after) in zip(times, times[1:], strict=False) if what == "down"]
    assert gaps and gaps == pytest.approx([7.0] * len(gaps))


@pytest.mark.parametrize(("mtbf_s", "repair_s"), [(0.0, 1.0), (float("nan"), 1.0), (5.0, -1.0)])
def test_times_behind_are_refused(mtbf_s: float, repair_s: float) -> None:
    with pytest.raises(UsageError, match="a time of"):
        run(pool(mtbf_s=mtbf_s, repair_s=repair_s))

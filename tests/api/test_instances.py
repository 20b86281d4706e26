"""Failures of serving instances: what is taken from the catalog, and how many are up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import rig
from tests.serving.cases import workload

from accord import api
from accord.api.instances import TARGET, CatalogFailures, instances_up, seldom, whole, with_failures
from accord.api.pools import Built, EngineRules, pools_of
from accord.api.reliability import failure_constants, failure_rates, replica_times
from accord.api.simulate import SimulateRequest, simulate_deployment
from accord.base.errors import DoesNotFit
from accord.inference.request import EstimateRequest, PoolRequest
from accord.reliability.constants import recovery_of
from accord.reliability.serving import availability
from accord.report.instances import STATED, Up, up_tables

H100 = "nvidia-hgx-h100-8"
TWO = EstimateRequest(
    model="llama-3.1-8b", system=H100, prefill=PoolRequest(instances=2, devices=1),
    decode=PoolRequest(instances=1, devices=8, tp=8),
)  # fmt: skip


def built() -> tuple[Built, ...]:
    return pools_of(rig.catalog(), TWO, EngineRules(), (100.0, 10.0))


def up_of(level: float = 0.9, chips: int = 8, tp: int | None = None) -> Up:
    request = EstimateRequest(
        model="llama-3.1-8b", system=H100, chips=chips, tp=tp, concurrency=16.0, isl=100.0, osl=10.0
    )
    found, _ = instances_up(rig.catalog(), {"serve": api.estimate(request, catalog=rig.catalog())}, level)
    (one,) = found
    return one


def test_each_pool_fails_as_its_own_size_does() -> None:
    pools, taken, said = with_failures(rig.catalog(), built(), CatalogFailures(), 0.9)
    for one, told, chips in zip(pools, taken, (1.0, 8.0), strict=True):
        expected = replica_times(rig.catalog(), "nvidia-h100-sxm", chips)
        assert (one.pool.mtbf_s, one.pool.repair_s) == expected
        assert (told.mtbf_s.value, told.repair_s.value) == expected
        assert told.mtbf_s.low is not None and told.mtbf_s.high is not None
        assert told.mtbf_s.low < told.mtbf_s.value < told.mtbf_s.high
    assert taken[0].mtbf_s.value > taken[1].mtbf_s.value
    assert not said  # this chip's interruptions were counted


def test_without_a_spare_repairs_are_waited_for_and_a_stated_repair_goes_first() -> None:
    spared, waiting, stated = (
        with_failures(rig.catalog(), built(), asked, 0.9)[1]
        for asked in (CatalogFailures(), CatalogFailures(spare=False), CatalogFailures(spare=False, repair_s=60.0))
    )
    assert waiting[1].repair_s.value > 10.0 * spared[1].repair_s.value
    assert waiting[1].repair_s.basis == "assumed"
    assert (stated[1].repair_s.value, stated[1].repair_source) == (60.0, STATED)
    assert stated[1].mtbf_s == waiting[1].mtbf_s


def test_a_chip_that_nobody_counted_is_said() -> None:
    pools = tuple(
        replace(one, setting=rig.setting_of("llama-3.1-70b", "huawei-cloudmatrix-384"), system="x") for one in built()
    )
    _, taken, said = with_failures(rig.catalog(), pools, CatalogFailures(), 0.9)
    known = with_failures(rig.catalog(), built(), CatalogFailures(), 0.9)[1]
    assert len(said) == 1 and "another chip of huawei" in said[0]
    wide, narrow = (float(one[0].mtbf_s.high or 0.0) / float(one[0].mtbf_s.low or 1.0) for one in (taken, known))
    assert wide > 1.5 * narrow


def test_failures_of_the_catalog_happen_at_its_rate() -> None:
    """Over many times the mean time between failures, the small pool fails as often as it should, the other too."""
    request = SimulateRequest(
        deployment=TWO, failures=CatalogFailures(repair_s=10.0), engine_rules=EngineRules(load_s=0.0), bounds=False,
        tick_s=1e6,
    )  # fmt: skip
    mtbf = [replica_times(rig.catalog(), "nvidia-h100-sxm", chips)[0] for chips in (1.0, 8.0)]
    span = 400.0 * mtbf[1]
    work = workload([0.0, span], 100, 2)
    done = simulate_deployment(request, work, catalog=rig.catalog())
    downs = [one.instance for one in done.outcome.events if one.what == "down"]
    for instances, each in (((0, 1), mtbf[0]), ((2,), mtbf[1])):
        expected = len(instances) * span / (each + 10.0)
        assert abs(sum(one in instances for one in downs) - expected) < 4.0 * expected**0.5
    assert not seldom(done.taken, done.outcome)
    assert not any("without failures" in one for one in done.warnings)
    assert sum(str(one["id"]).startswith("reliability/") for one in done.sources) > 5


def test_a_run_too_short_to_see_any_says_so() -> None:
    work = workload([0.0], 100, 2)
    request = SimulateRequest(deployment=TWO, failures=CatalogFailures(), bounds=False)
    done = simulate_deployment(request, work, catalog=rig.catalog())
    assert any("fails once in 127 d" in one for one in done.warnings), done.warnings
    plain = simulate_deployment(SimulateRequest(deployment=TWO, bounds=False), work, catalog=rig.catalog())
    assert not plain.taken and plain.summary.metrics == done.summary.metrics


def test_instances_up_are_those_of_the_closed_form() -> None:
    one = up_of()
    rates, _ = failure_rates(rig.catalog(), "nvidia-h100-sxm")
    times = recovery_of(failure_constants(rig.catalog()))
    restart, repair = float((times.detection_s + times.restart_s)[0]), float(times.repair_s[0])
    plain = availability(rates, 1.0, 8, 0, repair, restart)
    assert one.instances == 8
    assert one.instance.value == pytest.approx(float(plain.instance[0]))
    assert one.all_up.value == pytest.approx(one.instance.value**8)  # no spare nodes: each for itself
    assert one.up.value == pytest.approx(8.0 * one.instance.value)
    assert one.all_up.value < one.instance.value < one.with_nodes.value < 1.0
    enough, fewer = (
        float(availability(rates, 1.0, 8 + count, 0, repair, restart).at_least_up(8)[0])
        for count in (int(one.spares.value), int(one.spares.value) - 1)
    )
    assert fewer < TARGET <= enough


def test_intervals_hold_the_middle_and_grow_with_the_level() -> None:
    wide, narrow = up_of(0.95), up_of(0.5)
    for name in ("mtbf_s", "instance", "with_nodes", "up", "all_up", "all_but_one_up", "spares"):
        outer, inner = getattr(wide, name), getattr(narrow, name)
        assert outer.low <= inner.low <= inner.value <= inner.high <= outer.high, name


def test_larger_instances_are_down_more() -> None:
    small, large = up_of(), up_of(tp=8)
    assert large.instances == 1
    assert large.instance.value < small.instance.value
    assert large.all_but_one_up.value == pytest.approx(1.0)
    text = [cell for row in up_tables([large], 0.9)[0].rows for cell in row]
    assert "time all but one are up" not in text


def test_part_of_a_chip_fails_with_all_of_it() -> None:
    assert whole(0.5) == 1.0
    assert whole(12.0) == 12.0


def test_more_instances_than_are_counted_are_refused() -> None:
    with pytest.raises(DoesNotFit, match="10,001 instances"):
        up_of(chips=10_001)

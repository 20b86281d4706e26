"""Context from pooled memory: what fetching costs."""

from __future__ import annotations

import pytest
from tests import rig
from tests.rig import value

from accord.base.array import array
from accord.base.errors import UsageError
from accord.inference.cache import Reuse, reuse_load_s
from accord.parallel.memory import cache_bytes_per_request
from accord.parallel.plan import deployments

CM384 = rig.setting_of("deepseek-r1", "huawei-cloudmatrix-384", "int8", "bf16")
PLAN = deployments(tp=1, dp=32, ep=32, tokens=8192, isl=4096, reuse=0.5)


def test_latency_wire_and_gathering() -> None:
    fetched = 2 * value(cache_bytes_per_request(CM384, PLAN, array(2048)))
    expected = 1.7e-6 + fetched / 147e9 + fetched / CM384.efficiency.get("pool.software_rate")
    assert value(reuse_load_s(CM384, PLAN, Reuse("UB"))) == pytest.approx(expected)
    assert value(reuse_load_s(CM384, PLAN, Reuse("ub"))) == value(reuse_load_s(CM384, PLAN, Reuse()))


def test_the_slower_plane_takes_longer() -> None:
    assert value(reuse_load_s(CM384, PLAN, Reuse("VPC"))) > value(reuse_load_s(CM384, PLAN, Reuse("UB")))


def test_without_reuse_nothing_is_fetched_wherever() -> None:
    plan = deployments(tp=1, tokens=8192, isl=4096)
    assert value(reuse_load_s(CM384, plan, Reuse("nowhere"))) == 0.0
    assert value(reuse_load_s(rig.setting(), plan, Reuse())) == 0.0
    mixed = deployments(tp=1, tokens=8192, isl=4096, reuse=(0.0, 0.5))
    assert reuse_load_s(CM384, mixed, Reuse())[0] == 0.0


def test_no_pool_and_no_such_plane() -> None:
    with pytest.raises(UsageError, match="no pooled memory to reuse context from") as error:
        reuse_load_s(rig.setting(), PLAN, Reuse())
    assert "--reuse" in str(error.value.hint)
    with pytest.raises(UsageError, match="plane 'RDMA' does not reach the memory pool") as error:
        reuse_load_s(CM384, PLAN, Reuse("RDMA"))
    assert "UB, VPC" in str(error.value.hint)

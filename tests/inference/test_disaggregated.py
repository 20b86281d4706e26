"""Two pools joined by a transfer of the cache."""

from __future__ import annotations

import numpy as np
import pytest
from tests import rig
from tests.rig import value

from accord.base.array import array
from accord.inference.disaggregated import SplitPoint, split_point
from accord.inference.estimate import transfer_tier
from accord.parallel.collectives import send_s
from accord.parallel.memory import cache_bytes_per_request
from accord.parallel.plan import deployments

CM384 = rig.setting_of("deepseek-r1", "huawei-cloudmatrix-384", "int8", "bf16", "cloudmatrix-infer")
PREFILL = deployments(tp=1, dp=32, ep=32, isl=4096, osl=1024, redundant=32)
DECODE = deployments(tp=1, dp=320, ep=320, isl=4096, osl=1024, redundant=32)
PLANE = transfer_tier(CM384.machine)


def split(concurrency: float, prefills: float = 6.0, decodes: float = 1.0) -> SplitPoint:
    pools = ((CM384, PREFILL, array(prefills)), (CM384, DECODE, array(decodes)))
    return split_point(*pools, array(concurrency), PLANE)


def test_the_cache_travels_over_the_network_between_pools() -> None:
    assert PLANE is not None and PLANE.plane == "RDMA"
    payload = cache_bytes_per_request(CM384, PREFILL, array(4096))
    assert value(split(100.0).transfer_s) == pytest.approx(value(send_s(payload, PLANE, CM384.efficiency)))
    assert transfer_tier(rig.machine_of("amd-mi300x-8")) is not None
    assert transfer_tier(rig.machine_of("nvidia-rtx-4090-1")) is None


def test_the_slower_pool_sets_the_rate() -> None:
    few = split(20_000.0, prefills=1.0)
    assert value(few.request_per_s) <= value(few.prefill_limit_per_s) * (1 + 1e-9)
    assert value(split(20_000.0, prefills=6.0).request_per_s) > value(few.request_per_s)
    assert value(split(20_000.0, prefills=60.0, decodes=1.0).request_per_s) < value(
        split(20_000.0, 60.0).prefill_limit_per_s
    )


def test_load_slows_everybody_down_and_serves_more() -> None:
    points = [split(load) for load in (32.0, 320.0, 3200.0)]
    assert np.all(np.diff([value(point.tpot_s) for point in points]) > 0.0)
    assert np.all(np.diff([value(point.request_per_s) for point in points]) > 0.0)
    assert all(value(point.ttft_s) > value(point.transfer_s) for point in points)


def test_running_requests_are_what_littles_law_says() -> None:
    point = split(1000.0, prefills=20.0)
    rate, decoding = value(point.request_per_s), 1024 * value(point.tpot_s)
    assert rate * decoding == pytest.approx(value(point.running) * 320, rel=0.02)
    assert rate * (decoding + value(point.ttft_s)) == pytest.approx(1000.0, rel=0.05)

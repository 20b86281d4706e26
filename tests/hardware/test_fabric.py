"""Tiers, ports, and where traffic travels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests import rig

from accord.base.array import array
from accord.hardware.fabric import FabricTier, pool_paths, tiers_of, traffic_shares

INNER = FabricTier("A", "scale-up", 8.0, 100e9)
MIDDLE = FabricTier("A", "scale-up", 64.0, 100e9)
OUTER = FabricTier("B", "scale-out", math.inf, 10e9)


def test_tiers_of_the_supernode() -> None:
    inner, outer, network = tiers_of(rig.catalog().system("huawei-cloudmatrix-384"), 2.0)
    assert [tier.devices for tier in (inner, outer, network)] == [16.0, 768.0, math.inf]
    assert inner.plane == outer.plane == "UB"
    assert inner.bytes_per_s == outer.bytes_per_s == 196e9
    assert (inner.read_bytes_per_s, inner.write_bytes_per_s) == (167e9, 137e9)
    assert (outer.read_bytes_per_s, outer.write_bytes_per_s) == (164e9, 135e9)
    assert (inner.latency_s, outer.latency_s) == (1.2e-6, 1.9e-6)
    assert network.kind == "scale-out"
    assert network.bytes_per_s == 400e9 / 8 / 2
    assert network.read_bytes_per_s is None


def test_pool_paths_of_the_supernode() -> None:
    paths = {path.plane: path for path in pool_paths(rig.catalog().system("huawei-cloudmatrix-384"), 2.0)}
    assert paths["UB"].bytes_per_s == 147e9
    assert paths["UB"].latency_s == 1.7e-6
    assert paths["VPC"].bytes_per_s == pytest.approx(400e9 / 8 / 8 / 2)  # one card a node of eight chips


def test_a_system_without_a_pool_has_no_path() -> None:
    assert pool_paths(rig.catalog().system("nvidia-hgx-h100-8"), 1.0) == ()


@pytest.mark.parametrize(("ranks", "shares"), [
    (1, (0.0, 0.0, 0.0)),
    (4, (3 / 4, 0.0, 0.0)),
    (8, (7 / 8, 0.0, 0.0)),
    (16, (7 / 16, 8 / 16, 0.0)),
    (64, (7 / 64, 56 / 64, 0.0)),
    (256, (7 / 256, 56 / 256, 192 / 256)),
])  # fmt: skip
def test_shares_of_an_even_all_to_all(ranks: int, shares: tuple[float, ...]) -> None:
    found = traffic_shares((INNER, MIDDLE, OUTER), array(ranks))
    assert [float(share[0]) for share in found] == pytest.approx(shares)


def test_shares_beyond_the_last_tier_fall_on_it() -> None:
    inner, last = traffic_shares((INNER, MIDDLE), array(128))
    assert float(inner[0]) == 7 / 128
    assert float(last[0]) == 120 / 128


def test_what_does_not_travel_stays() -> None:
    ranks = np.arange(1.0, 2000.0)
    total = sum(traffic_shares((INNER, MIDDLE, OUTER), ranks))
    assert total + 1.0 / ranks == pytest.approx(np.ones_like(ranks))


@pytest.mark.parametrize("id", rig.catalog().ids("systems"))
def test_tiers_of_every_packaged_system_grow_outwards(id: str) -> None:
    tiers = tiers_of(rig.catalog().system(id), 1.0)
    for plane in {tier.plane for tier in tiers}:
        reach = [tier.devices for tier in tiers if tier.plane == plane]
        assert reach == sorted(reach)
    assert all(tier.bytes_per_s > 0.0 for tier in tiers)
    kinds = [tier.kind for tier in tiers]
    assert kinds == sorted(kinds, key=("scale-up", "scale-out").index)

"""Graphs of machines: what is joined, at which rate, and what is assumed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.fabric.machines import machine

from accord.api.records import machine_of
from accord.base.errors import CatalogError, MissingFact
from accord.catalog.load import load_catalog
from accord.fabric.shapes import RADIX, Shape, shapes_of
from accord.fabric.topology import Pairs, Topology, Torus, Tree, bisection_bytes_per_s, build
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine

CATALOG = load_catalog()


def graph(system: str, devices: int | None = None) -> tuple[Machine, tuple[Shape, ...], Topology]:
    found = machine_of(CATALOG, system)
    shapes = shapes_of(found, CATALOG.system(system))
    return found, shapes, build(found, shapes, devices)


def test_cloudmatrix_has_the_two_levels_of_ub() -> None:
    found, shapes, topology = graph("huawei-cloudmatrix-384")
    ub = topology.planes[0]
    assert isinstance(ub, Tree)
    assert [(layer.switches, layer.chips) for layer in ub.layers] == [(48, 7), (1, 112)]
    assert topology.devices == 768
    # every chip may send 392 GB/s out of its node, half of them across the middle
    assert bisection_bytes_per_s(topology, 1) == pytest.approx(192 * 392e9)
    uplinks = topology.capacity[ub.layers[1].first : ub.layers[1].first + 48]
    np.testing.assert_allclose(uplinks, 7 * 448e9)
    assert not any(line.startswith("UB") for shape in shapes for line in shape.assumed)
    assert found.tiers[shapes[2].tier].kind == "scale-out"


def test_torus_has_two_links_a_dimension_and_its_bisection() -> None:
    _, _, topology = graph("google-tpu-v5e-pod")
    ici = topology.planes[0]
    assert isinstance(ici, Torus)
    assert ici.dims == (16, 16)
    np.testing.assert_allclose(topology.capacity, 45e9)
    # 16 rings are cut in two places each
    assert bisection_bytes_per_s(topology, 0) == pytest.approx(2 * 16 * 45e9)


@pytest.mark.parametrize(
    ("system", "dims"),
    [("google-tpu-v4-pod", (16, 16, 16)), ("google-tpu-v5p-pod", (16, 20, 28)), ("google-ironwood-pod", (16, 24, 24))],
)
def test_sides_of_a_torus_are_read_from_the_catalog(system: str, dims: tuple[int, ...]) -> None:
    _, shapes, _ = graph(system)
    assert shapes[0].dims == dims
    assert not shapes[0].assumed


def test_mesh_shares_the_rate_of_a_device_over_its_pairs() -> None:
    _, _, topology = graph("amd-mi300x-8")
    xgmi = topology.planes[0]
    assert isinstance(xgmi, Pairs)
    between = topology.source != topology.target
    np.testing.assert_allclose(topology.capacity[between], 64e9)
    assert np.all(topology.capacity[~between] == 0.0)
    assert bisection_bytes_per_s(topology, 0) == pytest.approx(16 * 64e9)


def test_rails_join_the_same_device_of_every_node() -> None:
    _, shapes, topology = graph("nvidia-hgx-h100-8", 64)
    rails = topology.planes[1]
    assert isinstance(rails, Tree)
    assert rails.relay == 8
    np.testing.assert_array_equal(rails.layers[0].parent, np.arange(64) % 8)
    assert any(str(RADIX) in line for line in shapes[1].assumed)


def test_more_than_one_leaf_of_a_rail() -> None:
    _, _, topology = graph("nvidia-hgx-h100-8", 512)
    rails = topology.planes[1]
    assert isinstance(rails, Tree)
    assert rails.layers[0].switches == 16
    np.testing.assert_array_equal(np.bincount(rails.layers[0].parent), np.full(16, 32))


def test_systems_are_joined_by_their_scale_out() -> None:
    _, _, topology = graph("nvidia-gb200-nvl72", 500)
    nvlink = topology.planes[0]
    assert isinstance(nvlink, Tree)
    assert topology.devices == 504
    assert nvlink.layers[0].switches == 7


@pytest.mark.parametrize("system", ["amd-mi300x-8", "google-tpu-v5e-pod"])
def test_without_scale_out_no_more_than_the_system(system: str) -> None:
    with pytest.raises(MissingFact, match="links of"):
        graph(system, 100_000)


def test_a_chip_alone_has_no_wires() -> None:
    with pytest.raises(MissingFact, match="no link between devices"):
        graph("amd-mi300x-1")


def test_a_torus_holds_the_chips_of_its_tier() -> None:
    tier = FabricTier("ICI", "scale-up", 64.0, 180e9, wiring="torus", torus=(4, 8))
    with pytest.raises(CatalogError, match="4 x 8 does not hold"):
        shapes_of(machine(64, (tier,)), None)


def test_oversubscription_narrows_what_goes_up() -> None:
    tiers = (FabricTier("net", "scale-out", float("inf"), 25e9),)
    found = machine(64, tiers)
    shape = Shape(0, "net", "fat-tree", float("inf"), leaf=16, oversubscription=2.0)
    topology = build(found, (shape,))
    net = topology.planes[0]
    assert isinstance(net, Tree)
    core = net.layers[1]
    np.testing.assert_allclose(topology.capacity[core.up(np.arange(4))], 16 * 25e9 / 2)


def test_rates_take_the_place_of_the_nominal_ones() -> None:
    found = machine_of(CATALOG, "huawei-cloudmatrix-384")
    shapes = shapes_of(found, CATALOG.system("huawei-cloudmatrix-384"))
    nominal = build(found, shapes)
    halved = build(found, shapes, rates=[float(np.mean(tier.bytes_per_s)) / 2 for tier in found.tiers])
    np.testing.assert_allclose(halved.capacity, nominal.capacity / 2)


def test_every_link_has_its_way_back() -> None:
    for system in ("huawei-cloudmatrix-384", "nvidia-gb200-nvl72", "google-tpu-v5e-pod", "amd-mi300x-8"):
        _, _, topology = graph(system)
        real = topology.capacity > 0.0
        there = set(zip(topology.source[real].tolist(), topology.target[real].tolist(), strict=True))
        assert there == {(b, a) for a, b in there}
        assert max(itertools.chain(*there)) == topology.nodes - 1

"""All-to-alls transfer by transfer: closed forms of switches, pairs, rails and tori, and the priced collective."""

from __future__ import annotations

import pytest
from tests.fabric.machines import machine

from accord.api.records import machine_of
from accord.catalog.load import load_catalog
from accord.fabric.exchange import exchange, transfers_of
from accord.fabric.shapes import Shape, box, shapes_of, sliced
from accord.fabric.topology import Topology, build
from accord.fabric.words import link_words, node_words
from accord.hardware.fabric import FabricTier

CATALOG = load_catalog()


def graph(system: str, devices: int | None = None) -> Topology:
    found = machine_of(CATALOG, system)
    return build(found, shapes_of(found, CATALOG.system(system)), devices)


@pytest.mark.parametrize(
    ("system", "ranks", "stride", "seconds"),
    [
        ("nvidia-hgx-h100-8", 8, 1, 7 / 8 / 450e9),
        ("nvidia-hgx-h100-8", 64, 1, 56 / 64 / 50e9),  # what leaves the node passes the card
        ("nvidia-hgx-h100-8", 8, 8, 7 / 8 / 50e9),  # a rail
        ("huawei-cloudmatrix-384", 256, 1, 255 / 256 / 196e9),
        ("amd-mi300x-8", 8, 1, 1 / 8 / 64e9),
        ("amd-mi300x-8", 2, 1, 1 / 2 / 64e9),
        # 16 x 16: in each dimension a byte makes 4 hops of the 2 links' 90 GB/s
        ("google-tpu-v5e-pod", 256, 1, 4 / 90e9),
    ],
)
def test_closed_forms(system: str, ranks: int, stride: int, seconds: float) -> None:
    found = exchange(graph(system, ranks * stride), ranks, stride, 1e9)
    assert found.fair_s == pytest.approx(1e9 * seconds)
    assert found.least_s == pytest.approx(found.fair_s)
    assert found.transfers == transfers_of(ranks, stride)


def test_oversubscription_lengthens_an_exchange_between_leaves() -> None:
    tiers = (FabricTier("net", "scale-out", float("inf"), 25e9),)
    times = []
    for over in (1.0, 2.0):
        shape = Shape(0, "net", "fat-tree", float("inf"), leaf=16, oversubscription=over)
        times.append(exchange(build(machine(64, tiers), (shape,)), 64, 1, 1e9).least_s)
    assert times[0] == pytest.approx(1e9 * 63 / 64 / 25e9)
    assert times[1] == pytest.approx(2 * 1e9 * 48 / 64 / 25e9)


@pytest.mark.parametrize(
    ("dims", "devices", "sides"),
    [
        ((16, 16), 64, (8, 8)), ((16, 16, 16), 64, (4, 4, 4)), ((16, 20, 28), 512, (8, 8, 8)), ((16, 16), 24, (6, 4)),
        ((16, 16), 17, ()), ((4, 8), 32, (4, 8)),
    ],
)  # fmt: skip
def test_slices_are_as_near_to_a_cube_as_the_torus_allows(
    dims: tuple[int, ...], devices: int, sides: tuple[int, ...]
) -> None:
    assert box(dims, devices) == sides


def test_rings_of_a_slice_close_where_optical_switches_close_them() -> None:
    found = machine_of(CATALOG, "google-tpu-v4-pod")
    shapes = shapes_of(found, CATALOG.system("google-tpu-v4-pod"))
    assert sliced(shapes, found, 64)[0].dims == (4, 4, 4)
    assert sliced(shapes, found, 32)[0].dims == (16, 16, 16)
    closed = exchange(build(found, sliced(shapes, found, 64)), 64, 1, 1e9)
    open_ = exchange(build(found, shapes), 64, 1, 1e9)
    # a closed ring of 4: 1 hop on the average over 2 links; an open line: a quarter of all crosses its one middle link
    assert closed.least_s == pytest.approx(1e9 / 90e9)
    assert open_.least_s == pytest.approx(1e9 / 45e9)


def test_links_and_nodes_have_names() -> None:
    topology = graph("huawei-cloudmatrix-384")
    names = ("L1", "L2", "RoCE")
    assert link_words(topology, 17, names) == "device 17 to UB L1, in the node 1 (L1)"
    assert node_words(topology, 768 + 48) == "UB L2, supernode"

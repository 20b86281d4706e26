"""Fair rates: known answers, both solvers against each other, and transfers to their end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fabric.machines import machine

from accord.api.records import machine_of
from accord.base.errors import UsageError
from accord.catalog.load import load_catalog
from accord.fabric.flows import fair_rates, fair_rates_lp, loads
from accord.fabric.routes import Routes, routes
from accord.fabric.shapes import Shape, shapes_of
from accord.fabric.topology import Topology, build
from accord.fabric.transfers import Transfers, complete
from accord.hardware.fabric import FabricTier

CATALOG = load_catalog()


def ways(*paths: list[int]) -> Routes:
    """Transfers that pass whole links, listed one transfer after the other."""
    transfer = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
    link = np.asarray([at for path in paths for at in path], dtype=np.int64)
    return Routes(len(paths), transfer, link, np.ones(len(link)), np.zeros(len(paths), dtype=np.int64))


def graph(system: str, devices: int | None = None) -> Topology:
    found = machine_of(CATALOG, system)
    return build(found, shapes_of(found, CATALOG.system(system)), devices)


def rates_of(topology: Topology, *pairs: tuple[int, int]) -> np.ndarray:
    source, target = (np.asarray(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    return fair_rates(routes(topology, source, target), topology.capacity).rates


@pytest.mark.parametrize("count", [1, 3, 64])
def test_one_link_is_shared_evenly(count: int) -> None:
    fair = fair_rates(ways(*[[0]] * count), np.asarray([12.0]))
    np.testing.assert_allclose(fair.rates, 12.0 / count)
    np.testing.assert_allclose(fair.load, [12.0])


def test_the_classic_line_of_links() -> None:
    # one long transfer over three links of 10, 4 and 8; one short one on each
    fair = fair_rates(ways([0, 1, 2], [0], [1], [2]), np.asarray([10.0, 4.0, 8.0]))
    np.testing.assert_allclose(fair.rates, [2.0, 8.0, 2.0, 6.0])
    np.testing.assert_array_equal(fair.bottleneck, [1, 0, 1, 2])


def test_a_split_transfer_loads_each_way_by_its_share() -> None:
    routes_ = Routes(
        2, np.asarray([0, 0, 1]), np.asarray([0, 1, 1]), np.asarray([0.5, 0.5, 1.0]), np.zeros(2, dtype=np.int64)
    )
    fair = fair_rates(routes_, np.asarray([10.0, 3.0]))
    np.testing.assert_allclose(fair.rates, [2.0, 2.0])
    np.testing.assert_allclose(fair.load, [1.0, 3.0])


def random_problem(seed: int) -> tuple[Routes, np.ndarray]:
    draw = np.random.default_rng(seed)
    links, count = int(draw.integers(1, 8)), int(draw.integers(1, 13))
    entries = [(flow, at) for flow in range(count) for at in draw.permutation(links)[: draw.integers(1, links + 1)]]
    transfer, link = (np.asarray(side, dtype=np.int64) for side in zip(*entries, strict=True))
    share = np.where(draw.random(len(link)) < 0.3, 0.5, 1.0)
    capacity = np.exp(draw.normal(size=links)) * 1e10
    if draw.random() < 0.5:
        capacity = np.round(capacity / 1e10 + 0.5) * 1e10  # many ties
    return Routes(count, transfer, link, share, np.zeros(count, dtype=np.int64)), capacity


def test_both_solvers_agree() -> None:
    pytest.importorskip("scipy")
    for seed in range(240):
        problem, capacity = random_problem(seed)
        filled, solved = fair_rates(problem, capacity).rates, fair_rates_lp(problem, capacity)
        np.testing.assert_allclose(filled, solved, rtol=1e-6, err_msg=f"problem {seed}")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_fair_rates_fill_links_and_are_fair(seed: int) -> None:
    problem, capacity = random_problem(seed)
    fair = fair_rates(problem, capacity)
    assert np.all(fair.load <= capacity * (1.0 + 1e-9))
    for flow in range(problem.transfers):
        link = fair.bottleneck[flow]
        assert fair.load[link] >= capacity[link] * (1.0 - 1e-6)
        sharing = problem.transfer[problem.link == link]
        assert fair.rates[flow] >= fair.rates[sharing].max() * (1.0 - 1e-9)


def test_two_to_one_oversubscription_halves_what_crosses() -> None:
    tiers = (FabricTier("net", "scale-out", float("inf"), 25e9),)
    crossing = [(at, (at + 16) % 64) for at in range(64)]
    near = [(at, at // 16 * 16 + (at + 1) % 16) for at in range(64)]
    for over in (1.0, 2.0, 4.0):
        shape = Shape(0, "net", "fat-tree", float("inf"), leaf=16, oversubscription=over)
        topology = build(machine(64, tiers), (shape,))
        np.testing.assert_allclose(rates_of(topology, *crossing), 25e9 / over)
        np.testing.assert_allclose(rates_of(topology, *near), 25e9)


def test_opposite_halves_of_a_torus_get_its_bisection() -> None:
    topology = graph("google-tpu-v5e-pod")
    # everyone sends to the device half a ring away in both dimensions: 256 transfers of 16 hops, spread both ways
    opposite = [(row * 16 + col, (row + 8) % 16 * 16 + (col + 8) % 16) for row in range(16) for col in range(16)]
    rates = rates_of(topology, *opposite)
    # in one dimension 8 transfers of half a byte pass each link: 45 GB/s / (8 / 2)
    np.testing.assert_allclose(rates, 45e9 / 4)
    # across the middle of one dimension: half of all, in one direction, over 2 x 16 links
    assert rates.sum() / 2 == pytest.approx(2 * 16 * 45e9)


def test_neighbours_on_a_torus_have_their_link_and_far_ones_as_many_hops_as_apart() -> None:
    topology = graph("google-tpu-v5e-pod")
    found = routes(topology, np.asarray([0, 0, 0]), np.asarray([1, 15, 3 * 16 + 2]))
    np.testing.assert_array_equal(np.bincount(found.transfer), [1, 1, 5])
    np.testing.assert_allclose(fair_rates(found, topology.capacity).rates[:1], 45e9)


def test_a_pair_has_its_own_link_and_a_switch_serves_every_pattern() -> None:
    np.testing.assert_allclose(rates_of(graph("amd-mi300x-8"), (0, 1), (2, 1), (3, 4)), 64e9)
    np.testing.assert_allclose(rates_of(graph("nvidia-hgx-h100-8"), (0, 1), (2, 1), (3, 4)), [225e9, 225e9, 450e9])


def test_two_levels_of_ub_do_not_block() -> None:
    topology = graph("huawei-cloudmatrix-384")
    permuted = [(at, (at * 5 + 77) % 768) for at in range(768) if at != (at * 5 + 77) % 768]
    np.testing.assert_allclose(rates_of(topology, *permuted), 196e9)


def test_another_rail_is_reached_through_the_peer_on_it() -> None:
    topology = graph("nvidia-hgx-h100-8", 16)
    found = routes(topology, np.asarray([0, 0, 0]), np.asarray([8, 9, 1]))
    np.testing.assert_array_equal(np.bincount(found.transfer), [2, 4, 2])
    ends = {(int(topology.source[at]), int(topology.target[at])) for at in found.link[found.transfer == 1]}
    assert {node for pair in ends for node in pair if node < 16} == {0, 1, 9}


def test_routes_run_from_end_to_end() -> None:
    draw = np.random.default_rng(3)
    for system, devices in (
        ("huawei-cloudmatrix-384", 1536), ("nvidia-hgx-h100-8", 1024), ("google-tpu-v4-pod", None),
        ("nvidia-gb200-superpod-8", None), ("amd-mi300x-8", None), ("huawei-atlas-800-a2-node", 64),
    ):  # fmt: skip
        topology = graph(system, devices)
        source = draw.integers(topology.devices, size=200)
        target = (source + draw.integers(1, topology.devices, size=200)) % topology.devices
        found = routes(topology, source, target)
        balance = np.zeros((200, topology.nodes))
        np.add.at(balance, (found.transfer, topology.source[found.link]), found.share)
        np.add.at(balance, (found.transfer, topology.target[found.link]), -found.share)
        wanted = np.zeros_like(balance)
        wanted[np.arange(200), source] = 1.0
        wanted[np.arange(200), target] = -1.0
        np.testing.assert_allclose(balance, wanted, atol=1e-12)


def test_a_transfer_speeds_up_when_another_ends() -> None:
    topology = graph("nvidia-hgx-h100-8")
    sent = Transfers(
        np.asarray([0, 1]), np.asarray([2, 2]), np.asarray([450e9, 900e9]), np.zeros(2)
    )  # both into device 2: 225 GB/s each, then the whole port
    done = complete(topology, sent, [0.0, 0.0])
    np.testing.assert_allclose(done.end_s, [2.0, 3.0])
    np.testing.assert_allclose(done.rate, [225e9, 300e9])
    assert done.events == 2
    assert done.total_s == pytest.approx(3.0)


def test_starts_and_latency_count() -> None:
    topology = graph("nvidia-hgx-h100-8")
    sent = Transfers(np.asarray([0, 1]), np.asarray([2, 2]), np.asarray([450e9, 450e9]), np.asarray([0.0, 0.5]))
    done = complete(topology, sent, [0.25, 0.0])
    # alone from 0.25 to 0.75, then both at half until the first has its 450 GB, then alone
    np.testing.assert_allclose(done.end_s, [1.75, 2.25])
    np.testing.assert_allclose(loads(done.routes, sent.size_bytes, len(topology.capacity)), done.sent_bytes)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_no_link_carries_more_than_its_time_allows(seed: int) -> None:
    topology = graph("huawei-atlas-800-a2-node", 32)
    draw = np.random.default_rng(seed)
    source = draw.integers(32, size=20)
    target = (source + draw.integers(1, 32, size=20)) % 32
    sent = Transfers(source, target, draw.uniform(1e6, 1e10, 20), draw.uniform(0.0, 0.2, 20))
    done = complete(topology, sent, [0.0, 0.0])
    assert np.all(done.sent_bytes <= topology.capacity * done.total_s * (1.0 + 1e-9))
    assert np.all(done.end_s > sent.start_s)


@pytest.mark.parametrize(
    ("source", "target", "message"), [(0, 8, "no device 8"), (-1, 2, "no device -1"), (3, 3, "sends to itself")]
)
def test_bad_ends_are_refused(source: int, target: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        routes(graph("amd-mi300x-8"), np.asarray([source]), np.asarray([target]))


def test_transfers_without_bytes_are_refused() -> None:
    topology = graph("amd-mi300x-8")
    one, two = np.asarray([0]), np.asarray([1])
    for size, start in ((0.0, 0.0), (-1.0, 0.0), (1.0, -1.0)):
        with pytest.raises(UsageError, match="no bytes or starts before 0"):
            complete(topology, Transfers(one, two, np.asarray([size]), np.asarray([start])), [0.0])


@pytest.mark.parametrize(
    ("system", "devices"),
    [("huawei-cloudmatrix-384", None), ("nvidia-hgx-h100-8", 64), ("google-tpu-v5e-pod", None), ("amd-mi300x-8", None)],
)
def test_both_solvers_agree_on_real_fabrics(system: str, devices: int | None) -> None:
    pytest.importorskip("scipy")
    topology = graph(system, devices)
    few = min(topology.devices, 24)  # close together, so that they meet
    for seed in range(6):
        draw = np.random.default_rng(seed)
        source = draw.integers(few, size=20)
        target = (source + draw.integers(1, few, size=20)) % few
        found = routes(topology, source, target)
        filled = fair_rates(found, topology.capacity).rates
        np.testing.assert_allclose(filled, fair_rates_lp(found, topology.capacity), rtol=1e-6)

"""Collectives: known answers, and the directions in which a time must move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.api.records import machine_of, training_efficiency
from accord.base.array import array
from accord.base.errors import MissingFact, UsageError
from accord.catalog.load import load_catalog
from accord.fabric.algorithms import COLLECTIVES, candidates
from accord.fabric.collective import CollectiveTime, bus_factor, collective, collective_s
from accord.fabric.group import Group
from accord.fabric.spans import spans_of
from accord.hardware.derate import Efficiency
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine

SYSTEMS = ("nvidia-hgx-h100-8", "nvidia-hgx-a100-8", "nvidia-gb200-nvl72", "huawei-cloudmatrix-384", "amd-mi300x-8")
TIMES = ("base_s", "step_s.scale-up", "step_s.scale-out", "peer_s", "chunk_s", "sum_s")
SHARES = ("scale-up", "scale-out", "switch", "tree", "exchange", "measured")
GB = 1e9


@cache
def packaged(system: str) -> tuple[Machine, Efficiency]:
    """A system of the catalog with its parameters."""
    catalog = load_catalog()
    machine = machine_of(catalog, system)
    return machine, training_efficiency(catalog, machine.chip)


def ideal() -> Efficiency:
    """Parameters of a fabric without latency that reaches its nominal rate."""
    numbers = {f"collective.{name}": 0.0 for name in TIMES} | {f"collective.share.{name}": 1.0 for name in SHARES}
    numbers |= {"collective.local_bytes_per_s": np.inf, "collective.sum_ranks": 4.0}
    numbers |= {f"residual.collective.{name}": 0.1 for name in ("latency", "rate", "scale-out")}
    return Efficiency(("ideal",), "none", numbers, {})


def wires(*tiers: FabricTier) -> Machine:
    """A machine of these tiers."""
    return replace(packaged("nvidia-hgx-h100-8")[0], id="wires", tiers=tiers, devices_per_chip=1)


def up(devices: float = 8.0, rate: float = 400 * GB, plane: str = "up", **more: object) -> FabricTier:
    """A scale-up tier."""
    return replace(FabricTier(plane, "scale-up", devices, rate), **more)  # type: ignore[arg-type]


def out(rate: float = 50 * GB, **more: object) -> FabricTier:
    """A network without an end."""
    return replace(FabricTier("out", "scale-out", np.inf, rate), **more)  # type: ignore[arg-type]


def ask(
    name: str, size: float, ranks: float, machine: Machine, efficiency: Efficiency, stride: float = 1.0,
    algorithm: str = "auto",
) -> CollectiveTime:  # fmt: skip
    """One question."""
    return collective(name, array(size), Group(array(ranks), array(stride)), machine, efficiency, algorithm)


@pytest.mark.parametrize("ranks", [2, 3, 8])
@pytest.mark.parametrize(("name", "passes"), [("all_reduce", 2.0), ("all_gather", 1.0), ("reduce_scatter", 1.0)])
def test_a_ring_without_latency_takes_the_bytes_over_the_rate(name: str, passes: float, ranks: int) -> None:
    found = ask(name, GB, ranks, wires(up()), ideal(), algorithm="ring")
    assert found.total_s[0] == pytest.approx(passes * (ranks - 1) / ranks * GB / (400 * GB), rel=1e-12)
    assert found.busbw_bytes_per_s[0] == pytest.approx(400 * GB, rel=1e-12)


@pytest.mark.parametrize("algorithm", ["ring", "hierarchical"])
@pytest.mark.parametrize("ranks", [8.0, 64.0, 2048.0])
def test_an_all_reduce_is_a_reduce_scatter_and_an_all_gather(algorithm: str, ranks: float) -> None:
    machine = wires(up(), out())
    both, one, other = (
        ask(name, GB, ranks, machine, ideal(), algorithm=algorithm).total_s[0]
        for name in ("all_reduce", "reduce_scatter", "all_gather")
    )
    assert both == pytest.approx(one + other, rel=1e-12)


def test_a_ring_over_nodes_loads_every_network_card_alike() -> None:
    """Of a ring over 4 nodes of 8, one edge of 8 crosses nodes, and 8 rings use the 8 cards of a node."""
    found = ask("all_reduce", GB, 32, wires(up(), out()), ideal(), algorithm="ring")
    around = 2.0 * 31 / 32 * GB
    assert found.tiers[0].bytes[0] == pytest.approx(around * 7 / 8)
    assert found.tiers[1].bytes[0] == pytest.approx(around / 8)
    assert found.bottleneck == (1,)
    assert found.total_s[0] == pytest.approx(around / 8 / (50 * GB))


def test_what_leaves_a_domain_hierarchically_is_a_share_of_each_member() -> None:
    found = ask("all_gather", GB, 64, wires(up(), out()), ideal(), algorithm="hierarchical")
    assert found.tiers[0].bytes[0] == pytest.approx(7 / 8 * GB)
    assert found.tiers[1].bytes[0] == pytest.approx(7 / 8 * GB / 8)


def test_a_switch_that_sums_passes_one_and_an_nth() -> None:
    machine = wires(up(sums=True))
    found = ask("all_reduce", GB, 8, machine, ideal())
    assert found.algorithm == ("nvls",)
    assert found.total_s[0] == pytest.approx((1 + 1 / 8) * GB / (400 * GB))
    assert found.busbw_bytes_per_s[0] > 400 * GB
    assert ask("all_reduce", GB, 4, machine, ideal()).algorithm == ("ring",)
    assert ask("all_gather", GB, 8, machine, ideal()).algorithm == ("ring",)


def test_sums_in_the_switch_start_above_a_size() -> None:
    machine, efficiency = packaged("nvidia-hgx-h200-8")
    sizes = array(2.0 ** np.arange(12, 35))
    found = collective("all_reduce", sizes, Group(array(8.0), array(1.0)), machine, efficiency)
    first = found.algorithm.index("nvls")
    assert 2**20 <= sizes[first] <= 2**25
    assert set(found.algorithm[first:]) == {"nvls"}
    assert found.busbw_bytes_per_s[-1] > 450 * GB


def test_two_of_eight_meshed_devices_have_one_link() -> None:
    mesh = wires(up(8.0, 448 * GB, wiring="pairs"))
    assert ask("all_reduce", GB, 2, mesh, ideal()).busbw_bytes_per_s[0] == pytest.approx(64 * GB)
    assert ask("all_reduce", GB, 8, mesh, ideal()).busbw_bytes_per_s[0] == pytest.approx(448 * GB)
    assert ask("all_to_all", GB, 4, mesh, ideal()).total_s[0] == pytest.approx(GB / 4 / (64 * GB))
    assert ask("p2p", GB, 2, mesh, ideal()).total_s[0] == pytest.approx(GB / (64 * GB))


def test_a_torus_passes_bytes_on() -> None:
    """All-to-all on 16 x 16 chips: 4 links each way on average along each of two rings, over four links."""
    torus = wires(up(256.0, 180 * GB, wiring="torus", torus=(16, 16)))
    found = ask("all_to_all", GB, 256, torus, ideal())
    assert found.total_s[0] == pytest.approx(255 / 256 * GB * 8 / (180 * GB))
    ring = ask("all_gather", GB, 256, torus, ideal())
    assert ring.total_s[0] == pytest.approx(255 / 256 * GB / (180 * GB))


def test_a_group_along_one_dimension_of_a_torus_uses_its_links_alone() -> None:
    torus = wires(up(256.0, 180 * GB, wiring="torus", torus=(16, 16)))
    found = ask("all_gather", GB, 16, torus, ideal(), stride=16.0)
    assert found.busbw_bytes_per_s[0] == pytest.approx(90 * GB)


def test_tiers_of_one_plane_share_the_port() -> None:
    shared = ask("all_to_all", GB, 64, wires(up(8.0), up(64.0)), ideal())
    apart = ask("all_to_all", GB, 64, wires(up(8.0), up(64.0, plane="other")), ideal())
    assert shared.total_s[0] == pytest.approx(63 / 64 * GB / (400 * GB))
    assert apart.total_s[0] == pytest.approx(56 / 64 * GB / (400 * GB))


def test_oversubscription_divides_the_rate() -> None:
    plain = ask("all_gather", GB, 64, wires(up(), out()), ideal())
    half = ask("all_gather", GB, 64, wires(up(), out(oversubscription=2.0)), ideal())
    assert half.total_s[0] == pytest.approx(2.0 * plain.total_s[0])


def test_members_one_to_a_node_have_one_card_each() -> None:
    found = ask("all_gather", GB, 32, wires(up(), out()), ideal(), stride=8.0)
    assert found.tiers[0].bytes[0] == 0.0
    assert found.total_s[0] == pytest.approx(31 / 32 * GB / (50 * GB))


def test_parts_sum_and_the_quick_way_agrees() -> None:
    for system in SYSTEMS:
        machine, efficiency = packaged(system)
        for name in COLLECTIVES:
            sizes, group = array(2.0 ** np.arange(4, 34, 5)), Group(array(8.0), array(1.0))
            found = collective(name, sizes, group, machine, efficiency)
            parts = found.base_s + found.latency_s + found.moved_s + found.ramp_s + found.local_s
            np.testing.assert_allclose(found.total_s, parts, rtol=1e-12)
            np.testing.assert_array_equal(found.total_s, collective_s(name, sizes, group, machine, efficiency))
            counted = bus_factor(name, array(8.0)) * sizes / found.total_s
            np.testing.assert_allclose(found.busbw_bytes_per_s, counted)
            assert found.total_s.shape == sizes.shape == (len(found.algorithm),)


def test_auto_is_the_quickest_that_may_be_chosen() -> None:
    machine, efficiency = packaged("nvidia-hgx-h100-8")
    sizes, group = array(2.0 ** np.arange(8, 34)), Group(array(256.0), array(1.0))
    auto = collective_s("all_reduce", sizes, group, machine, efficiency)
    for algorithm in ("ring", "tree", "nvls"):
        assert np.all(auto <= collective_s("all_reduce", sizes, group, machine, efficiency, algorithm))
    small = collective("all_reduce", array(1024.0), group, machine, efficiency)
    assert small.algorithm == ("tree",)


def test_only_libraries_that_go_tier_by_tier_are_taken_to() -> None:
    for system, known in (("nvidia-hgx-a100-8", False), ("huawei-cloudmatrix-384", True), ("intel-gaudi2-8", True)):
        machine, _ = packaged(system)
        offered = candidates("all_gather", spans_of(Group(array(32.0), array(1.0)), machine))
        assert ("hierarchical" in offered) == known


def test_drawn_parameters_give_a_time_each() -> None:
    machine, efficiency = packaged("nvidia-hgx-h100-8")
    many = {**efficiency.numbers, "collective.share.scale-up": np.linspace(0.5, 0.9, 7)}
    group = Group(array(4.0), array(1.0))
    found = collective("all_gather", array(GB), group, machine, replace(efficiency, numbers=many))
    assert found.total_s.shape == (7,)
    assert np.all(np.diff(found.total_s) < 0.0)


def test_one_rank_and_no_bytes_take_no_time() -> None:
    machine, efficiency = packaged("nvidia-hgx-h100-8")
    for name in COLLECTIVES:
        assert ask(name, 0.0, 8, machine, efficiency).total_s[0] == 0.0
        assert ask(name, GB, 1, machine, efficiency).total_s[0] == 0.0
    assert ask("all_reduce", GB, 1, machine, efficiency).bottleneck == (-1,)


ANY = st.sampled_from(SYSTEMS)
NAME = st.sampled_from(COLLECTIVES)


@given(ANY, NAME, st.integers(2, 8), st.floats(2.0, 36.0), st.floats(0.0, 4.0))
def test_more_bytes_never_take_less_time(system: str, name: str, ranks: int, log: float, more: float) -> None:
    machine, efficiency = packaged(system)
    small, large = (ask(name, 2.0**size, ranks, machine, efficiency).total_s[0] for size in (log, log + more))
    assert small <= large * (1.0 + 1e-12)


SHARDED: dict[str, Callable[[float, float], float]] = {
    "all_gather": lambda each, ranks: each * ranks,
    "reduce_scatter": lambda each, ranks: each * ranks,
    "all_to_all": lambda each, ranks: each * ranks,
    "broadcast": lambda each, ranks: each,
}


@given(
    st.sampled_from(("nvidia-hgx-h100-8", "nvidia-hgx-a100-8", "huawei-cloudmatrix-384")),
    st.sampled_from(tuple(SHARDED)),
    st.integers(2, 2000),
    st.integers(1, 2000),
    st.floats(4.0, 30.0),
)
def test_more_ranks_with_a_shard_each_never_take_less_time(
    system: str, name: str, ranks: int, more: int, log: float
) -> None:
    machine, efficiency = packaged(system)
    few, many = (
        ask(name, SHARDED[name](2.0**log, count), count, machine, efficiency).total_s[0]
        for count in (ranks, ranks + more)
    )
    assert few <= many * (1.0 + 1e-9)


@given(ANY, NAME, st.integers(2, 8), st.floats(4.0, 36.0), st.floats(1.0, 4.0), st.integers(0, 1))
def test_faster_links_are_never_slower(
    system: str, name: str, ranks: int, log: float, factor: float, which: int
) -> None:
    machine, efficiency = packaged(system)
    at = min(which, len(machine.tiers) - 1)
    faster = replace(
        machine,
        tiers=tuple(
            replace(
                tier,
                bytes_per_s=tier.bytes_per_s * factor,
                read_bytes_per_s=tier.read_bytes_per_s * factor if tier.read_bytes_per_s else None,
            )
            if index == at
            else tier
            for index, tier in enumerate(machine.tiers)
        ),
    )
    slow, quick = (ask(name, 2.0**log, ranks, one, efficiency).total_s[0] for one in (machine, faster))
    assert quick <= slow * (1.0 + 1e-12)


@pytest.mark.parametrize("system", ["nvidia-hgx-h100-8", "nvidia-hgx-h800-8", "nvidia-gb200-nvl72"])
def test_every_collective_scales_out_to_2048_ranks(system: str) -> None:
    machine, efficiency = packaged(system)
    ranks = array(2.0 ** np.arange(4, 12))
    for name in COLLECTIVES:
        found = collective(name, array(64e6), Group(ranks, array(1.0)), machine, efficiency)
        assert np.all(np.isfinite(found.total_s) & (found.total_s > 0.0))
        outside = found.tiers[-1].bytes > 0.0
        inside = collective(name, array(64e6), Group(array(4.0), array(1.0)), machine, efficiency)
        assert np.all(found.log_sd[outside] > inside.log_sd)


def test_impossible_questions_are_refused() -> None:
    machine, efficiency = packaged("amd-mi300x-8")
    with pytest.raises(MissingFact, match="16 devices exchange data, but the links of amd-mi300x-8 join 8"):
        ask("all_reduce", GB, 16, machine, efficiency)
    with pytest.raises(MissingFact, match="16 devices"):
        ask("all_reduce", GB, 2, machine, efficiency, stride=8.0)
    with pytest.raises(UsageError, match="'all_reduc'"):
        ask("all_reduc", GB, 8, machine, efficiency)
    with pytest.raises(UsageError, match="'rings'"):
        ask("all_reduce", GB, 8, machine, efficiency, algorithm="rings")
    with pytest.raises(UsageError, match="nvls was asked for all-reduce on amd-mi300x-8"):
        ask("all_reduce", GB, 8, machine, efficiency, algorithm="nvls")
    with pytest.raises(UsageError, match="broadcast"):
        ask("broadcast", GB, 8, machine, efficiency, algorithm="direct")

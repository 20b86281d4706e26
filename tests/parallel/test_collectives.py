"""Exchanges against closed forms, at one, two and many ranks."""

from __future__ import annotations

import math

import pytest
from tests.rig import efficiency, value

from accord.base.array import array
from accord.base.errors import MissingFact
from accord.hardware.fabric import FabricTier
from accord.ops.op import Op, Phase, exchange_op
from accord.parallel.collectives import exchange_s, rate_of, reduce_s, send_s

INNER = FabricTier("A", "scale-up", 8.0, 100e9, 1e-6)
MEASURED = FabricTier("A", "scale-up", 16.0, 100e9, 1e-6, read_bytes_per_s=70e9, write_bytes_per_s=60e9)
SECOND = FabricTier("A", "scale-up", 64.0, 100e9, 2e-6, read_bytes_per_s=50e9, write_bytes_per_s=40e9)
NETWORK = FabricTier("B", "scale-out", math.inf, 10e9)
MB = 1e6


def dispatch(ranks: float, payload: float = MB, copies: float = 8.0) -> Op:
    return exchange_op("dispatch", "dispatch", "exchange", array(payload), array(ranks), experts_per_token=copies)


def reduction(ranks: float, payload: float = MB) -> Op:
    return exchange_op("sum", "reduce", "reduce", array(payload), array(ranks))


def exchanged(
    ranks: float, *tiers: FabricTier, phase: Phase = "decode", payload: float = MB, copies: float = 8
) -> float:
    return value(exchange_s(dispatch(ranks, payload, copies), tiers, efficiency(), phase))


def reduced(ranks: float, *tiers: FabricTier, payload: float = MB) -> float:
    return value(reduce_s(reduction(ranks, payload), tiers, efficiency()))


def test_measured_rates_are_taken_as_they_are() -> None:
    assert rate_of(INNER, efficiency(), "read") == pytest.approx(80e9)
    assert (rate_of(MEASURED, efficiency(), "read"), rate_of(MEASURED, efficiency(), "write")) == (70e9, 60e9)
    assert rate_of(NETWORK, efficiency(), "write") == 5e9


# All-to-all


def test_alone_nothing_is_exchanged() -> None:
    assert exchanged(1, INNER, NETWORK) == 0.0
    assert exchanged(8, INNER, payload=0.0) == 0.0
    assert exchanged(1) == 0.0


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_inside_one_domain(ranks: int) -> None:
    expected = 1e-5 + 1e-6 * math.log2(ranks) + MB * (ranks - 1) / ranks / 80e9
    assert exchanged(ranks, INNER, NETWORK) == pytest.approx(expected)


def test_two_tiers_of_one_plane_share_the_port() -> None:
    expected = 1e-5 + 6e-6 + MB * (15 / 64 / 60e9 + 48 / 64 / 40e9)
    assert exchanged(64, MEASURED, SECOND) == pytest.approx(expected)


def test_planes_have_ports_of_their_own() -> None:
    outside = 1e-5 + 5e-6 + MB * 24 / 32 / 5e9
    assert exchanged(32, INNER, NETWORK) == pytest.approx(outside)
    fast = FabricTier("B", "scale-out", math.inf, 1e13)
    inside = 1e-5 + 5e-6 + MB * 7 / 32 / 80e9
    assert exchanged(32, INNER, fast) == pytest.approx(inside)


def test_prefill_sends_one_copy_to_each_remote_domain() -> None:
    domains = 32 / 8
    distinct = domains * (1 - (1 - 1 / domains) ** 8) / 8
    expected = 1e-5 + 5e-6 + MB * 24 / 32 * distinct / 5e9
    assert exchanged(32, INNER, NETWORK, phase="prefill") == pytest.approx(expected)
    assert exchanged(32, INNER, NETWORK, phase="prefill", copies=1) == pytest.approx(
        exchanged(32, INNER, NETWORK, copies=1)
    )
    assert exchanged(8, INNER, NETWORK, phase="prefill") == pytest.approx(exchanged(8, INNER, NETWORK))


def test_an_all_to_all_reaches_a_share_of_the_rate() -> None:
    half = efficiency(**{"exchange.share": 0.5})
    found = value(exchange_s(dispatch(8), (INNER,), half, "decode"))
    assert found == pytest.approx(1e-5 + 3e-6 + MB * 7 / 8 / 40e9)


# All-reduce


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_a_ring_or_switch(ranks: int) -> None:
    assert reduced(ranks, INNER, NETWORK) == pytest.approx(5e-6 + 2 * (ranks - 1) / ranks * MB / 80e9)


def test_no_sum_of_one() -> None:
    assert reduced(1, INNER, NETWORK) == 0.0
    assert reduced(1) == 0.0
    assert reduced(8, INNER, payload=0.0) == 0.0


def test_outer_tiers_carry_what_inner_ones_have_summed() -> None:
    inner = 5e-6 + 2 * 7 / 8 * MB / 80e9
    outer = 2e-5 + 2 * 3 / 4 * (MB / 8) / 5e9
    assert reduced(32, INNER, NETWORK) == pytest.approx(inner + outer)


def test_reads_are_what_a_sum_is_bound_by() -> None:
    assert reduced(16, MEASURED) == pytest.approx(5e-6 + 2 * 15 / 16 * MB / 70e9)


# One to one


def test_a_transfer() -> None:
    assert value(send_s(array(MB), INNER, efficiency())) == pytest.approx(1e-6 + MB / 80e9)
    assert value(send_s(array(MB), MEASURED, efficiency())) == pytest.approx(1e-6 + MB / 70e9)
    assert value(send_s(array(MB), NETWORK, efficiency())) == pytest.approx(7e-6 + MB / 5e9)


# Without wires


@pytest.mark.parametrize("tiers", [(), (INNER,)])
def test_ranks_that_no_wire_joins(tiers: tuple[FabricTier, ...]) -> None:
    with pytest.raises(MissingFact, match="9 ranks exchange data"):
        exchanged(9, *tiers)
    with pytest.raises(MissingFact, match=rf"links join {8 if tiers else 1}\n"):
        reduced(9, *tiers)

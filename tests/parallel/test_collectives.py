"""Exchanges against closed forms, at one, two and many ranks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.rig import efficiency, value

from accord.base.array import Array, array
from accord.base.errors import MissingFact
from accord.hardware.derate import Efficiency, Number
from accord.hardware.fabric import FabricTier
from accord.ops.op import Op, Phase, exchange_op
from accord.parallel.collectives import exchange_s, message_rate_of, rate_of, reduce_s, send_s

INNER = FabricTier("A", "scale-up", 8.0, 100e9, 1e-6)
MEASURED = FabricTier("A", "scale-up", 16.0, 100e9, 1e-6, read_bytes_per_s=70e9, write_bytes_per_s=60e9)
SECOND = FabricTier("A", "scale-up", 64.0, 100e9, 2e-6, read_bytes_per_s=50e9, write_bytes_per_s=40e9)
NETWORK = FabricTier("B", "scale-out", math.inf, 10e9)
MB = 1e6
FAR = 7e-6  # latency of the network, where the catalog has none
REAL = {
    "reduce.local": 0.5, "reduce.chunk_s": 2e-6, "reduce.per_doubling_s": 1e-6, "exchange.local": 0.5,
    "exchange.layout_s": 2e-5, "exchange.share": 0.6,
}  # fmt: skip


def dispatch(ranks: float, payload: float = MB, copies: float = 8.0) -> Op:
    return exchange_op("dispatch", "dispatch", "exchange", array(payload), array(ranks), experts_per_token=copies)


def reduction(ranks: float, payload: float = MB) -> Op:
    return exchange_op("sum", "reduce", "reduce", array(payload), array(ranks))


def exchanged(
    ranks: float, *tiers: FabricTier, phase: Phase = "decode", payload: float = MB, copies: float = 8
) -> float:
    return value(exchange_s(dispatch(ranks, payload, copies), tiers, efficiency(), phase))


def reduced(ranks: float, *tiers: FabricTier, payload: float = MB, **changes: float) -> float:
    return value(reduce_s(reduction(ranks, payload), tiers, efficiency(**changes)))


def arriving(places: float, copies: int) -> float:
    return float(places * (1 - (1 - 1 / places) ** copies) / copies)


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
    assert exchanged(ranks, INNER, NETWORK, copies=2) == pytest.approx(expected)


@pytest.mark.parametrize("ranks", [2, 4])
def test_over_fewer_ranks_than_copies_tokens_are_gathered(ranks: int) -> None:
    """Each token leaves once for each other rank, in one piece, without passes over messages."""
    kernels = efficiency(**{"exchange.share": 0.5, "exchange.local": 0.5})
    found = value(exchange_s(dispatch(ranks, copies=8), (INNER,), kernels, "decode"))
    expected = 1e-5 + 1e-6 * math.log2(ranks) + MB / 8 * (ranks - 1) / 80e9
    assert found == pytest.approx(expected)


def test_two_tiers_of_one_plane_share_the_port() -> None:
    expected = 1e-5 + 6e-6 + (2e-6 - 1e-6) + MB * (15 / 64 / 60e9 + 48 / 64 / 40e9)
    assert exchanged(64, MEASURED, SECOND) == pytest.approx(expected)


def test_planes_have_ports_of_their_own() -> None:
    outside = 1e-5 + 5e-6 + FAR + MB * 24 / 32 / 5e9
    assert exchanged(32, INNER, NETWORK) == pytest.approx(outside)
    fast = FabricTier("B", "scale-out", math.inf, 1e13)
    inside = 1e-5 + 5e-6 + FAR + MB * 7 / 32 / 80e9
    assert exchanged(32, INNER, fast) == pytest.approx(inside)


def test_prefill_sends_one_copy_to_each_remote_domain() -> None:
    expected = 1e-5 + 5e-6 + FAR + MB * 24 / 32 * arriving(32 / 8, 8) / 5e9
    assert exchanged(32, INNER, NETWORK, phase="prefill") == pytest.approx(expected)
    assert exchanged(32, INNER, NETWORK, phase="prefill", copies=1) == pytest.approx(
        exchanged(32, INNER, NETWORK, copies=1)
    )


def test_prefill_sends_one_copy_to_each_rank_of_a_domain() -> None:
    expected = 1e-5 + 3e-6 + MB * 7 / 8 * arriving(8, 8) / 80e9
    assert exchanged(8, INNER, NETWORK, phase="prefill") == pytest.approx(expected)
    fast = FabricTier("B", "scale-out", math.inf, 1e13)
    fanned_out = 1e-5 + 5e-6 + FAR + MB * 7 / 8 * arriving(32, 8) / 80e9
    assert exchanged(32, INNER, fast, phase="prefill") == pytest.approx(fanned_out)


def test_prefill_ranks_agree_on_sizes_first() -> None:
    later = efficiency(**{"exchange.layout_s": 3e-5})
    found = value(exchange_s(dispatch(8), (INNER,), later, "prefill"))
    assert found == pytest.approx(exchanged(8, INNER, phase="prefill") + 3e-5)
    assert value(exchange_s(dispatch(8), (INNER,), later, "decode")) == pytest.approx(exchanged(8, INNER))


def test_each_token_is_passed_over_once_on_its_own_device() -> None:
    found = value(exchange_s(dispatch(8, copies=4), (INNER,), efficiency(**{"exchange.local": 0.5}), "decode"))
    assert found == pytest.approx(1e-5 + 3e-6 + MB * (7 / 8 + 0.5 / 4) / 80e9)


def test_kernels_reach_shares_of_their_own() -> None:
    shares = efficiency(**{"exchange.share.dispatch": 0.5, "exchange.share.prefill": 0.25})
    assert [message_rate_of(INNER, shares, kernel) for kernel in ("dispatch", "combine", "prefill")] == pytest.approx(
        [40e9, 80e9, 20e9]
    )
    assert message_rate_of(NETWORK, shares, "dispatch") == 5e9


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
    assert reduced(1, INNER, NETWORK, **REAL) == 0.0
    assert reduced(8, INNER, NETWORK, payload=0.0, **REAL) == 0.0


def test_outer_tiers_carry_what_inner_ones_have_summed_while_those_sum_on() -> None:
    inner, outer = 2 * 7 / 8 * MB / 80e9, 2 * 3 / 4 * (MB / 8) / 5e9
    assert reduced(32, INNER, NETWORK) == pytest.approx(5e-6 + 2e-5 + max(inner, outer))


def test_two_tiers_of_one_plane_sum_in_turn() -> None:
    expected = 2 * 5e-6 + 2 * 15 / 16 * MB / 70e9 + 2 * 3 / 4 * (MB / 16) / 50e9
    assert reduced(64, MEASURED, SECOND) == pytest.approx(expected)


@pytest.mark.parametrize("payload", [1e3, 1e6, 1e9])
def test_a_sum_is_cut_in_as_many_chunks_as_make_it_quickest(payload: float) -> None:
    each = 2e-6
    moved = (2 * 3 / 4 + 0.5) * payload / 80e9
    chunks = np.linspace(0.01, 10.0, 20_000) * math.sqrt(moved / each)
    quickest = float(np.min((1 + 1 / chunks) * (moved + chunks * each))) - each
    found = reduced(4, INNER, payload=payload, **{"reduce.chunk_s": each, "reduce.local": 0.5})
    assert found == pytest.approx(5e-6 + quickest, rel=1e-6)


def test_a_switch_that_sums_is_taken_where_it_is_quicker() -> None:
    sums = {"reduce.share.switch": 0.6}
    assert reduced(8, INNER, **sums) == pytest.approx(5e-6 + 9 / 8 * MB / 60e9)
    assert reduced(2, INNER, **sums) == pytest.approx(5e-6 + MB / 80e9)


def test_more_ranks_take_longer_to_hear_of_each_other() -> None:
    assert reduced(8, INNER, **{"reduce.per_doubling_s": 1e-6}) == pytest.approx(reduced(8, INNER) + 3e-6)


@pytest.mark.parametrize("tiers", [(INNER, NETWORK), (MEASURED, SECOND, NETWORK)])
def test_more_bytes_or_ranks_are_never_quicker(tiers: tuple[FabricTier, ...]) -> None:
    real = efficiency(**REAL)
    ranks, payload = array(2.0 ** np.arange(8)), array(np.geomspace(1.0, 1e10, 40))

    def times(of_ranks: Array, of_bytes: Array) -> list[Array]:
        many = np.broadcast_to(of_ranks, of_bytes.shape) if of_ranks.size == 1 else of_ranks
        sent = np.broadcast_to(of_bytes, many.shape)
        tokens = exchange_op("dispatch", "dispatch", "exchange", sent, many, experts_per_token=8.0)
        rows = exchange_op("sum", "reduce", "reduce", sent, many)
        phases: tuple[Phase, ...] = ("decode", "prefill")
        return [reduce_s(rows, tiers, real), *(exchange_s(tokens, tiers, real, phase) for phase in phases)]

    for many in ranks[1:]:
        assert all(np.all(np.diff(found) > 0.0) for found in times(array(many), payload))
    for some in payload:
        assert all(np.all(np.diff(found) >= 0.0) for found in times(ranks, array(some)))


def test_drawn_parameters_give_drawn_times() -> None:
    drawn: dict[str, Number] = {"reduce.chunk_s": array([1e-6, 4e-6]), "link.scale-up": array([0.5, 1.0])}
    several = Efficiency(("round",), "round", {**efficiency(**REAL).numbers, **drawn}, {})
    for at in range(2):
        numbers = {**REAL, "reduce.chunk_s": (1e-6, 4e-6)[at], "link.scale-up": (0.5, 1.0)[at]}
        one = efficiency(**numbers)
        assert reduce_s(reduction(8), (INNER, NETWORK), several)[at] == value(
            reduce_s(reduction(8), (INNER, NETWORK), one)
        )
        assert exchange_s(dispatch(8), (INNER, NETWORK), several, "prefill")[at] == value(
            exchange_s(dispatch(8), (INNER, NETWORK), one, "prefill")
        )


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

"""Feed-forward blocks: dense, routed, shared, and what travels for them."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from tests.rig import BF16, shape, value

from accord.base.array import Array
from accord.models.spec import Ffn
from accord.ops.moe import SCALE_BYTES, Routing, lower_ffn, route
from accord.ops.op import Formats, Op, Phase, Shape

HIDDEN = 512
ROUTED = Ffn(experts=64, top_k=4, expert_hidden=256)
SHARED = Ffn(experts=64, top_k=4, expert_hidden=256, shared_hidden=128)
INT8 = replace(BF16, experts="int8")


def ops_of(ffn: Ffn, *, separate: bool, formats: Formats = BF16, skew: float = 0.0, **changes: float) -> dict[str, Op]:
    found = lower_ffn(ffn, HIDDEN, shape("decode", **changes), formats, 3.0, skew, separate=separate)
    assert all(op.layers == 3.0 for op in found)
    assert len({op.name for op in found}) == len(found)
    return {op.name: op for op in found}


def routing(ffn: Ffn = ROUTED, skew: float = 0.0, **changes: float) -> Routing:
    return route(ffn, shape("decode", **changes), skew)


# Dense


@pytest.mark.parametrize("tp", [1, 4])
def test_a_dense_block(tp: int) -> None:
    ops = ops_of(Ffn(hidden=2048), separate=False, tp=tp, group=tp)
    assert value(ops["dense up projection"].flop) == 2 * 32 * HIDDEN * 2 * 2048 / tp
    assert value(ops["dense activation"].bytes) == 32 * 2048 / tp * 6
    assert value(ops["dense down projection"].flop) == 2 * 32 * 2048 / tp * HIDDEN
    assert len(ops) == 4


def test_a_block_without_a_gate_has_one_matrix_less() -> None:
    ops = ops_of(Ffn(hidden=2048, gated=False), separate=False)
    assert value(ops["dense up projection"].flop) == 2 * 32 * HIDDEN * 2048
    assert value(ops["dense activation"].bytes) == 32 * 2048 * 4


# Where tokens fall


def test_one_rank_computes_every_copy() -> None:
    found = routing()
    assert value(found.slots) == 32 * 4
    assert value(found.held) == 64
    assert value(found.copies) == 4
    assert value(found.touched) == pytest.approx(64 * (1 - (1 - 4 / 64) ** 32))


def test_the_busiest_of_many_ranks() -> None:
    found = routing(skew=0.5, ep=8.0, group=8.0, groups=8.0)
    mean, held = 32 * 8 * 4 / 8, 8
    spread = math.sqrt(2 * math.log(8)) * math.sqrt((0.5 * mean) ** 2 / held + mean)
    assert value(found.slots) == pytest.approx(mean + spread)
    assert value(found.held) == held


def test_no_rank_computes_more_than_there_is() -> None:
    found = routing(skew=50.0, tokens=1.0, ep=64.0, group=64.0, groups=64.0)
    assert value(found.slots) == 64 * 4


def test_redundant_copies_are_held() -> None:
    assert value(routing(ep=16.0, group=16.0, groups=16.0, redundant=32.0).held) == 6
    assert value(routing(ep=128.0, group=128.0, groups=128.0).held) == 1  # never less than one


def test_with_few_tokens_few_experts_are_read() -> None:
    assert value(routing(tokens=1.0).touched) == pytest.approx(4)
    every = Ffn(experts=4, top_k=4, expert_hidden=256)
    assert value(routing(every, tokens=1.0).touched) == pytest.approx(4)


@pytest.mark.parametrize(("ffn", "ep", "apart", "copies"), [
    (SHARED, 64, False, 4), (SHARED, 80, True, 5), (ROUTED, 80, False, 4), (SHARED, 1, False, 4),
])  # fmt: skip
def test_shared_experts_get_ranks_of_their_own_where_ranks_outnumber_experts(
    ffn: Ffn, ep: float, apart: bool, copies: float
) -> None:
    found = routing(ffn, ep=ep, group=ep, groups=ep)
    assert (bool(found.apart[0]), value(found.copies)) == (apart, copies)


def test_deepseek_on_320_dies_is_even() -> None:
    """One expert a die: 256 routed and 32 redundant beside 32 shared, each with as many copies."""
    ffn = Ffn(experts=256, top_k=8, expert_hidden=2048, shared_hidden=2048)
    found = routing(ffn, tokens=96.0, ep=320.0, group=320.0, groups=320.0, redundant=32.0)
    mean = 96 * 320 * 9 / 320
    assert value(found.held) == 1
    assert mean == 864  # a shared die: 96 x 320 tokens over 32 dies is 960; routed: 96 x 320 x 8 / 288 is 853
    assert value(found.slots) >= mean


# Operators


def test_routed_experts() -> None:
    ops = ops_of(ROUTED, separate=False)
    assert value(ops["router"].flop) == 2 * 32 * HIDDEN * 64
    assert ops["router"].fmt == "bf16"
    assert value(ops["expert up projection"].flop) == 2 * 128 * HIDDEN * 2 * 256
    assert value(ops["expert down projection"].flop) == 2 * 128 * 256 * HIDDEN
    assert value(ops["token permutation"].bytes) == 128 * HIDDEN * 4
    touched = 64 * (1 - (1 - 4 / 64) ** 32)
    moved = 2 * (touched * HIDDEN * 512 + 128 * (HIDDEN + 512))
    assert value(ops["expert up projection"].bytes) == pytest.approx(moved)
    assert "dispatch" not in ops


@pytest.mark.parametrize(("phase", "ep", "separate", "arranged", "family"), [
    ("decode", 8.0, True, 0.0, "grouped"), ("prefill", 8.0, True, 2.0, "grouped"),
    ("decode", 1.0, True, 2.0, "fused"), ("decode", 1.0, False, 2.0, "fused"), ("prefill", 8.0, False, 2.0, "fused"),
])  # fmt: skip
def test_who_puts_rows_into_order(phase: Phase, ep: float, separate: bool, arranged: float, family: str) -> None:
    """Low-latency exchanges hand rows over in order and sum them up; else kernels and two passes do."""
    groups = 8.0 if separate else 1.0
    one = shape(phase, ep=ep, tp=8.0 / groups, group=8.0, groups=groups)
    ops = lower_ffn(ROUTED, HIDDEN, one, BF16, 3.0, 0.0, separate=separate)
    passes = [op for op in ops if op.name in ("token permutation", "weighted sum")]
    slots = value(route(ROUTED, one, 0.0).slots)
    assert sum(value(op.bytes) for op in passes) == pytest.approx(arranged * slots * HIDDEN * 4)
    assert sum(op.launches for op in passes if value(op.bytes) == 0.0) == 0.0
    assert {op.family for op in ops if op.name in ("expert up projection", "expert down projection")} == {family}


def test_a_batch_of_layouts_is_each_of_them() -> None:
    """How experts are spread in one deployment says nothing about its neighbour."""
    both = {name: np.array([8.0, 1.0]) if name == "ep" else np.full(2, number[0]) for name, number in vars_of().items()}
    ops = lower_ffn(ROUTED, HIDDEN, Shape("decode", **both), BF16, 3.0, 0.0, separate=True)
    permuted = [op for op in ops if op.name == "token permutation"]
    assert sum(float(op.bytes[0]) for op in permuted) == 0.0
    fused, grouped = (sum((op.flop for op in ops if op.family == name), np.zeros(2)) for name in ("fused", "grouped"))
    assert (fused[0], grouped[1]) == (0.0, 0.0)


def vars_of() -> dict[str, Array]:
    one = shape("decode", group=8.0, groups=8.0)
    return {field.name: getattr(one, field.name) for field in fields(one) if field.name != "phase"}


def test_a_latent_width_narrows_the_experts() -> None:
    ops = ops_of(replace_ffn(ROUTED, latent=128), separate=True, ep=8.0, group=8.0, groups=8.0)
    assert value(ops["expert down projection"].flop) == pytest.approx(
        value(ops_of(ROUTED, separate=True, ep=8.0, group=8.0, groups=8.0)["expert down projection"].flop) / 4
    )
    assert value(ops["combine"].wire_bytes) == 32 * 4 * 2 * 128


def replace_ffn(ffn: Ffn, **changes: int) -> Ffn:
    return Ffn(**{**{name: getattr(ffn, name) for name in ffn.__struct_fields__}, **changes})


@pytest.mark.parametrize("ep", [1, 2, 4])
def test_tensor_ranks_inside_an_expert_split_its_width(ep: int) -> None:
    ops = ops_of(ROUTED, separate=False, tp=4.0, ep=ep, group=4.0)
    mean = 128 / ep
    slots = min(mean + math.sqrt(2 * math.log(ep)) * math.sqrt(mean), 128)
    assert value(ops["expert up projection"].flop) == pytest.approx(2 * slots * HIDDEN * 2 * 256 / (4 / ep))


def test_a_shared_expert_beside_the_routed_ones() -> None:
    ops = ops_of(SHARED, separate=False, tp=2.0, group=2.0)
    assert value(ops["shared expert up projection"].flop) == 2 * 32 * HIDDEN * 2 * 128 / 2


def test_a_shared_expert_apart_leaves_only_its_launches() -> None:
    ops = ops_of(SHARED, separate=True, ep=80.0, group=80.0, groups=80.0)
    for name in ("up projection", "activation", "down projection"):
        op = ops[f"shared expert {name}"]
        assert (value(op.flop), value(op.bytes), op.launches) == (0.0, 0.0, 1.0)


# Exchanges


def test_dispatch_quantised_and_combine_in_16_bits() -> None:
    ops = ops_of(ROUTED, separate=True, formats=INT8, ep=8.0, group=8.0, groups=8.0)
    assert value(ops["dispatch"].wire_bytes) == 32 * 4 * (HIDDEN + SCALE_BYTES)
    assert value(ops["combine"].wire_bytes) == 32 * 4 * 2 * HIDDEN
    assert value(ops["dispatch"].ranks) == 8
    assert ops["dispatch"].experts_per_token == 4
    assert value(ops["gather and scatter"].wire_bytes) == 0.0


def test_dispatch_of_16_bit_experts_is_not_quantised() -> None:
    ops = ops_of(ROUTED, separate=True, ep=8.0, group=8.0, groups=8.0)
    assert value(ops["dispatch"].wire_bytes) == value(ops["combine"].wire_bytes) == 32 * 4 * 2 * HIDDEN


def test_message_of_the_measured_kernels() -> None:
    """7.5 KB a token to dispatch 7168 numbers in 8 bits, 14 KB to combine them in 16 (KB of 1024 B)."""
    assert 7168 + SCALE_BYTES == 7.5 * 1024
    assert 2 * 7168 == 14 * 1024


def test_tensor_ranks_share_the_sending() -> None:
    ops = ops_of(ROUTED, separate=True, tp=2.0, ep=8.0, group=8.0, groups=4.0)
    assert value(ops["combine"].wire_bytes) == 32 / 2 * 4 * 2 * HIDDEN


def test_a_slice_of_every_expert_gathers_instead() -> None:
    ops = ops_of(ROUTED, separate=True, tp=2.0, ep=1.0, group=8.0, groups=4.0)
    assert value(ops["gather and scatter"].wire_bytes) == 32 * 4 * 2 * HIDDEN
    assert value(ops["gather and scatter"].ranks) == 8
    assert value(ops["dispatch"].wire_bytes) == value(ops["combine"].wire_bytes) == 0.0


def test_a_shared_copy_travels_too() -> None:
    few = ops_of(SHARED, separate=True, ep=64.0, group=64.0, groups=64.0)
    many = ops_of(SHARED, separate=True, ep=80.0, group=80.0, groups=80.0)
    assert value(many["combine"].wire_bytes) / value(few["combine"].wire_bytes) == pytest.approx(5 / 4)


def test_routed_work_is_conserved_over_ranks() -> None:
    """Without skew the mean load times ranks is every copy of every token."""
    for ep in (1.0, 2.0, 8.0, 64.0):
        found = routing(ep=ep, group=ep, groups=ep, tokens=1e6)
        assert value(found.slots) * ep == pytest.approx(1e6 * ep * 4, rel=0.01)
        assert value(found.touched) * ep == pytest.approx(64)
    assert np.all(routing(tokens=1e6).touched <= 64)

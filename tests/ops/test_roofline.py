"""Seconds of one operator: launch plus the root of the squares of computing and moving."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.rig import device, efficiency, value

from accord.base.array import array
from accord.base.errors import MissingFact
from accord.catalog.calibration import Curve
from accord.ops.op import compute_op
from accord.ops.roofline import WALKING, shape_factor, time_op
from accord.ops.vector import vector

TILTED = Curve(rows=(0.0, 4.0), width=(10.0, 20.0), log=((0.0, 0.4), (-0.2, 0.2)), n=300)


def test_bound_by_computing() -> None:
    op = compute_op("x", "gemm", "ffn", "bf16", array(1e12), array(1e9), depth=4096, launches=2.0)
    taken = time_op(op, device(), efficiency())
    walk = 2 * 4096 * 16384  # one output tile walks the inner dimension alone
    assert value(taken.compute_s) == pytest.approx((1e12 + walk) / (100e12 * 0.5))
    assert value(taken.memory_s) == pytest.approx(1e9 / (1e12 * 0.8))
    assert value(taken.launch_s) == pytest.approx(2e-6)
    work = math.hypot(value(taken.compute_s), value(taken.memory_s))
    assert value(taken.total_s) == pytest.approx(2e-6 + work)


@pytest.mark.parametrize(("compute", "memory"), [(1e-3, 1e-3), (3e-3, 4e-3), (1e-3, 1e-9), (0.0, 2e-3)])
def test_work_lies_between_the_longer_of_both_and_their_sum(compute: float, memory: float) -> None:
    op = compute_op("x", "linear", "ffn", "bf16", array(compute * 50e12), array(memory * 0.8e12))
    work = value(time_op(op, device(), efficiency()).total_s) - 1e-6
    assert max(compute, memory) <= work * (1 + 1e-12)
    assert work <= compute + memory
    assert work == pytest.approx(math.hypot(compute, memory))


@pytest.mark.parametrize("family", ["gemm", "grouped", "fused", "attention_decode", "mla_decode", "linear"])
def test_only_kernels_that_cut_tiles_walk(family: str) -> None:
    op = compute_op("x", family, "ffn", "bf16", array(1e9), array(1e6), depth=1000)
    near, far = (value(time_op(one, device(), efficiency()).compute_s) for one in (op, replace(op, depth=array(2000))))
    walk = 2.0 * 1000 * efficiency().scalar(f"{family}.walk") / 50e12 if family in WALKING else 0.0
    assert far - near == pytest.approx(walk)
    assert near == pytest.approx(1e9 / 50e12 + walk)


def test_bound_by_memory() -> None:
    op = compute_op("x", "attention_decode", "attention", "bf16", array(1e7), array(1e9))
    taken = time_op(op, device(), efficiency())
    assert value(taken.compute_s) == pytest.approx(1e7 / 50e12)
    assert value(taken.total_s) == pytest.approx(1e-6 + 1e9 / 0.8e12)


def test_moving_alone() -> None:
    taken = time_op(vector("v", "ffn", array(8e8), 1.0), device(), efficiency())
    assert value(taken.total_s) == pytest.approx(1e-6 + 1e-3)
    assert value(taken.compute_s) == 0.0


def test_a_widened_format_keeps_a_share_of_both_rates() -> None:
    op = compute_op("x", "linear", "ffn", "fp8", array(1e12), array(1e9))
    native = time_op(op, device(), efficiency())
    widened = time_op(op, device(peak_flop_per_s={"bf16": 100e12}), efficiency())
    assert value(native.compute_s) == pytest.approx(1e12 / (200e12 * 0.5))
    assert value(widened.compute_s) == pytest.approx(1e12 / (100e12 * 0.5 * 0.5))
    assert value(native.memory_s) == pytest.approx(1e9 / 0.8e12)
    assert value(widened.memory_s) == pytest.approx(1e9 / (0.8e12 * 0.75))


def test_the_efficiency_of_the_unit_counts() -> None:
    op = compute_op("x", "linear", "ffn", "mxfp8", array(1e12), array(8e8))
    own = {"linear.compute.fp8": 0.25, "linear.memory.fp8": 0.4, "linear.compute.mxfp8": 1.0}
    taken = time_op(op, device(), efficiency(**own))
    assert value(taken.compute_s) == pytest.approx(1e12 / (200e12 * 0.25))
    assert value(taken.memory_s) == pytest.approx(8e8 / (1e12 * 0.4))


def test_a_family_may_have_a_fixed_time_of_its_own() -> None:
    op = compute_op("x", "gemm", "ffn", "fp8", array(0.0), array(0.0), launches=3.0)
    for own, fixed in (({}, 1e-6), ({"gemm.launch_s": 4e-6}, 4e-6)):
        assert value(time_op(op, device(), efficiency(**own)).total_s) == pytest.approx(3 * fixed)
    special = {"gemm.launch_s": 4e-6, "gemm.launch_s.fp8": 7e-6}
    assert value(time_op(op, device(), efficiency(**special)).total_s) == pytest.approx(21e-6)


@pytest.mark.parametrize("family", ["grouped", "gemm", "fused"])
def test_nothing_to_do_is_only_launched(family: str) -> None:
    op = compute_op("x", family, "ffn", "bf16", array(0.0), array(0.0), depth=4096)
    assert value(time_op(op, device(), efficiency()).total_s) == pytest.approx(1e-6)


def test_without_a_graph_the_host_launches() -> None:
    op = vector("v", "ffn", array(0.0), 1.0, launches=3.0)
    assert value(time_op(op, device(), efficiency(), eager=True).total_s) == pytest.approx(15e-6)


def test_an_unknown_rate_is_refused() -> None:
    op = compute_op("x", "gemm", "ffn", "fp32", array(1.0), array(1.0))
    with pytest.raises(MissingFact):
        time_op(op, device(), efficiency())


# Curves over shape classes


@pytest.mark.parametrize(("rows", "width", "log"), [
    (1.0, 2.0**10, 0.0), (16.0, 2.0**10, -0.2), (1.0, 2.0**20, 0.4), (4.0, 2.0**15, 0.1),
    (2.0, 2.0**12.5, 0.05), (0.0, 1.0, 0.0), (1e9, 1e30, 0.2),
])  # fmt: skip
def test_between_knots_and_held_at_the_ends(rows: float, width: float, log: float) -> None:
    assert value(shape_factor(TILTED, array(rows), array(width))) == pytest.approx(math.exp(log))


def test_a_curve_slows_work_and_leaves_the_launch() -> None:
    op = compute_op("x", "gemm", "ffn", "bf16", array(1e12), array(1e9), depth=64, rows=4.0, width=2.0**15)
    plain = time_op(op, device(), efficiency())
    curved = time_op(op, device(), replace(efficiency(), curves={"gemm.bf16": TILTED}))
    assert value(curved.launch_s) == value(plain.launch_s)
    assert value(curved.compute_s) == pytest.approx(math.exp(0.1) * value(plain.compute_s))
    assert value(curved.total_s) - 1e-6 == pytest.approx(math.exp(0.1) * (value(plain.total_s) - 1e-6))


def test_the_curve_of_the_format_goes_before_that_of_the_family() -> None:
    flat = replace_log(0.5)
    curves = {"gemm": TILTED, "gemm.fp8": flat}
    both = replace(efficiency(), curves=curves)
    assert both.curve("gemm", "fp8") is flat
    assert both.curve("gemm", "bf16") is TILTED
    assert both.curve("linear", "bf16") is None


def replace_log(log: float) -> Curve:
    return Curve(rows=(0.0, 1.0), width=(0.0, 1.0), log=((log, log), (log, log)), n=1)


def test_every_deployment_has_its_own_shape() -> None:
    rows, width = np.array([1.0, 4.0, 16.0]), np.array([2.0**10, 2.0**15, 2.0**20])
    together = shape_factor(TILTED, rows, width)
    alone = [value(shape_factor(TILTED, rows[at : at + 1], width[at : at + 1])) for at in range(3)]
    assert together.tolist() == alone

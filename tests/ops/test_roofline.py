"""Seconds of one operator: launch plus the longer of computing and moving."""

from __future__ import annotations

import pytest
from tests.rig import device, efficiency, value

from accord.base.array import array
from accord.base.errors import MissingFact
from accord.ops.op import compute_op
from accord.ops.roofline import time_op, wasted_flop
from accord.ops.vector import vector


def test_bound_by_computing() -> None:
    op = compute_op("x", "gemm", "ffn", "bf16", array(1e12), array(1e9), half_flop=1e9, launches=2.0)
    taken = time_op(op, device(), efficiency())
    wasted = 1e9 * 1000 * 16 / (1000 + 16)  # a thousand rows of 1e9 FLOP
    assert value(taken.compute_s) == pytest.approx((1e12 + wasted) / (100e12 * 0.5))
    assert value(taken.memory_s) == pytest.approx(1e9 / (1e12 * 0.8))
    assert value(taken.launch_s) == pytest.approx(2e-6)
    assert value(taken.total_s) == pytest.approx(2e-6 + value(taken.compute_s))


@pytest.mark.parametrize(("rows", "wasted"), [(0, 0.0), (1, 16 / 17), (16, 8.0), (1e9, 16.0)])
def test_rows_that_no_token_fills(rows: float, wasted: float) -> None:
    found = wasted_flop(array(rows * 3.0), array(3.0), 16.0)
    assert value(found) == pytest.approx(3.0 * wasted)


def test_no_operator_wastes_nothing() -> None:
    assert value(wasted_flop(array(0.0), array(0.0), 0.0)) == 0.0


def test_bound_by_memory() -> None:
    op = compute_op("x", "attention_decode", "attention", "bf16", array(1e9), array(1e9), half_flop=1e12)
    taken = time_op(op, device(), efficiency())
    assert value(taken.compute_s) == pytest.approx(1e9 / 50e12)  # only matrix products are padded
    assert value(taken.total_s) == pytest.approx(1e-6 + 1e9 / 0.8e12)


def test_moving_alone() -> None:
    taken = time_op(vector("v", "ffn", array(8e8), 1.0), device(), efficiency())
    assert value(taken.total_s) == pytest.approx(1e-6 + 1e-3)
    assert value(taken.compute_s) == 0.0


def test_a_widened_format_keeps_a_share() -> None:
    op = compute_op("x", "linear", "ffn", "fp8", array(1e12), array(0.0))
    native = time_op(op, device(), efficiency())
    widened = time_op(op, device(peak_flop_per_s={"bf16": 100e12}), efficiency())
    assert value(native.compute_s) == pytest.approx(1e12 / (200e12 * 0.5))
    assert value(widened.compute_s) == pytest.approx(1e12 / (100e12 * 0.5 * 0.5))


def test_the_efficiency_of_the_unit_counts() -> None:
    op = compute_op("x", "linear", "ffn", "mxfp8", array(1e12), array(0.0))
    taken = time_op(op, device(), efficiency(**{"linear.compute.fp8": 0.25}))
    assert value(taken.compute_s) == pytest.approx(1e12 / (200e12 * 0.25))


def test_nothing_to_do_is_only_launched() -> None:
    op = compute_op("x", "grouped", "ffn", "bf16", array(0.0), array(0.0), half_flop=1e12)
    assert value(time_op(op, device(), efficiency()).total_s) == pytest.approx(1e-6)


def test_without_a_graph_the_host_launches() -> None:
    op = vector("v", "ffn", array(0.0), 1.0, launches=3.0)
    assert value(time_op(op, device(), efficiency(), eager=True).total_s) == pytest.approx(15e-6)


def test_an_unknown_rate_is_refused() -> None:
    op = compute_op("x", "gemm", "ffn", "fp32", array(1.0), array(1.0))
    with pytest.raises(MissingFact):
        time_op(op, device(), efficiency())

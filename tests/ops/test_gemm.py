"""Matrix products: FLOP and bytes by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.rig import value

from accord.base.array import array
from accord.ops.gemm import gemm, grouped_gemm


def test_a_product_in_16_bits() -> None:
    op = gemm("g", "ffn", "bf16", array(32), 512, array(1024), 3.0)
    assert value(op.flop) == 2 * 32 * 512 * 1024
    assert value(op.bytes) == 2 * (512 * 1024 + 32 * 512 + 32 * 1024)
    assert (value(op.depth), value(op.rows), value(op.width)) == (512, 32, 512 * 1024)
    assert (op.family, op.launches, op.layers, op.fmt) == ("gemm", 1.0, 3.0, "bf16")


@pytest.mark.parametrize("fmt", ["fp8", "int8"])
def test_a_product_in_8_bits_reads_8_and_writes_16(fmt: str) -> None:
    op = gemm("g", "ffn", fmt, array(32), 512, array(1024), 1.0)
    assert value(op.bytes) == 512 * 1024 + 32 * 512 + 2 * 32 * 1024


def test_a_product_in_4_bits_reads_wide_activations() -> None:
    op = gemm("g", "ffn", "mxfp4", array(32), 512, array(1024), 1.0)
    assert value(op.bytes) == pytest.approx((0.5 + 1 / 32) * 512 * 1024 + 2 * 32 * 512 + 2 * 32 * 1024)


def test_a_grouped_product_reads_the_matrices_that_are_used() -> None:
    op = grouped_gemm("g", "fp8", array(100), array(5.5), 512, array(256), 1.0)
    assert value(op.flop) == 2 * 100 * 512 * 256
    assert value(op.bytes) == 5.5 * 512 * 256 + 100 * (512 + 2 * 256)
    assert (value(op.depth), value(op.rows), value(op.width)) == (512, 100 / 5.5, 5.5 * 512 * 256)
    assert op.family == "grouped"


def test_a_kernel_that_sorts_its_rows_is_a_family_of_its_own() -> None:
    plain, fused = (
        grouped_gemm("g", "fp8", array(100), array(5.5), 512, array(256), 1.0, family=family)
        for family in ("grouped", "fused")
    )
    assert fused == replace(plain, family="fused")


def test_one_group_is_a_plain_product() -> None:
    one = grouped_gemm("g", "bf16", array(64), array(1), 512, array(256), 1.0)
    plain = gemm("g", "ffn", "bf16", array(64), 512, array(256), 1.0)
    assert value(one.flop) == value(plain.flop)
    assert value(one.bytes) == value(plain.bytes)

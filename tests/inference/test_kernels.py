"""One operator on its own."""

from __future__ import annotations

import math

import pytest
from tests import rig
from tests.rig import efficiency, machine, value

from accord.base.errors import MissingFact, UsageError
from accord.inference.kernels import ATTENTION, attention_kernel, exchange_kernel, exchange_link, gemm_kernel


def test_a_large_product_reaches_its_share_of_the_peak() -> None:
    kernel = gemm_kernel(machine(), efficiency(), 65536, 8192, 8192, "bf16", 1)
    assert kernel.flop_per_s == pytest.approx(0.5 * 100e12, rel=0.01)
    assert kernel.peak_flop_per_s == 100e12
    assert kernel.seconds * kernel.flop_per_s == pytest.approx(2 * 65536 * 8192 * 8192)


def test_a_thin_product_reaches_its_share_of_the_memory() -> None:
    kernel = gemm_kernel(machine(), efficiency(), 1, 8192, 8192, "int8", 1)
    assert kernel.bytes_per_s == pytest.approx(0.8 * 1e12, rel=0.02)


def test_groups_share_one_launch() -> None:
    one = gemm_kernel(machine(), efficiency(), 64, 1024, 1024, "bf16", 1)
    four = gemm_kernel(machine(), efficiency(), 64, 1024, 1024, "bf16", 4)
    assert one.seconds < four.seconds < 4 * one.seconds
    assert four.seconds * four.flop_per_s == pytest.approx(4 * 2 * 64 * 1024 * 1024)


def test_latent_attention_at_its_best() -> None:
    kernel = attention_kernel(machine(), efficiency(), "mla-decode")
    assert (value(kernel.flop_per_s), value(kernel.bytes_per_s)) == (50e12, 0.8e12)


@pytest.mark.parametrize("op", ATTENTION)
def test_attention_is_never_above_its_peaks(op: str) -> None:
    wide, narrow = (attention_kernel(machine(), efficiency(), op, kv) for kv in (None, "fp8"))
    assert wide.flop_per_s == 50e12
    assert narrow.flop_per_s == 25e12
    assert wide.bytes_per_s == narrow.bytes_per_s < 1e12


def test_another_attention_is_refused() -> None:
    with pytest.raises(UsageError, match="no attention kernel"):
        attention_kernel(machine(), efficiency(), "mla-sideways")


def test_an_exchange() -> None:
    kernel = exchange_kernel(machine(), efficiency(), "dispatch", 128, 8, 7680, 8)
    payload = 128 * 8 * 7680
    assert kernel.seconds == pytest.approx(1e-5 + 3e-6 + payload * 7 / 8 / 80e9)
    assert kernel.bytes_per_s == pytest.approx(payload / kernel.seconds)
    with pytest.raises(UsageError, match="exchanges nothing"):
        exchange_kernel(machine(), efficiency(), "combine", 128, 8, 7680, 1)


def test_the_link_that_limits() -> None:
    assert exchange_link(machine(), efficiency(), 8).bytes_per_s == pytest.approx(80e9)
    assert exchange_link(machine(), efficiency(), 16).bytes_per_s == pytest.approx(5e9)
    assert exchange_link(rig.machine_of("huawei-cloudmatrix-384"), efficiency(), 320).bytes_per_s == 135e9
    with pytest.raises(MissingFact, match="fewer than 9 ranks"):
        exchange_link(rig.machine_of("amd-mi300x-8"), efficiency(), 9)
    assert math.isinf(machine().tiers[-1].devices)

"""The machine as published, arXiv 2506.12708v2 (18 Jun 2025): sections 3.2, 3.3, 5.1; tables 1, 8 to 10."""

from __future__ import annotations

import pytest
from tests import rig

from accord import api
from accord.inference.kernels import attention_kernel, gemm_kernel

MACHINE = rig.machine_of("huawei-cloudmatrix-384")
CATALOG = rig.catalog()
ASCEND = api.efficiency_of(CATALOG, MACHINE.chip, "cloudmatrix-infer")


def test_section_3_2_counts_and_rates() -> None:
    assert (MACHINE.chips, MACHINE.devices) == (384, 768)
    assert {tier.bytes_per_s for tier in MACHINE.tiers if tier.plane == "UB"} == {196e9}
    assert MACHINE.device.memory_bytes == 64e9
    assert MACHINE.device.memory_bytes_per_s == 1.6e12
    assert "fp8" not in MACHINE.device.peak_flop_per_s


def test_table_1_reads_and_writes() -> None:
    inner, outer = (tier for tier in MACHINE.tiers if tier.plane == "UB")
    assert (inner.read_bytes_per_s, outer.read_bytes_per_s) == (167e9, 164e9)
    assert (inner.write_bytes_per_s, outer.write_bytes_per_s) == (137e9, 135e9)
    assert (inner.latency_s, outer.latency_s) == (1.2e-6, 1.9e-6)


def test_latent_attention_kernel() -> None:
    """65.4 % of the matrix peak where compute-bound, 1,346 GB/s (84.1 %) where memory-bound."""
    kernel = attention_kernel(MACHINE, ASCEND, "mla-decode")
    assert kernel.flop_per_s / kernel.peak_flop_per_s == pytest.approx(0.654, rel=0.1)
    assert kernel.bytes_per_s == pytest.approx(1346e9, rel=0.1)


@pytest.mark.parametrize(("m", "n", "k", "groups", "share"), [
    (7168, 4096, 4096, 4, 0.794), (2048, 7168, 4096, 4, 0.774), (7168, 4096, 8192, 4, 0.827),
    (2048, 7168, 8192, 4, 0.811), (7168, 4096, 4096, 8, 0.796), (2048, 7168, 4096, 8, 0.779),
])  # fmt: skip
def test_int8_products(m: int, n: int, k: int, groups: int, share: float) -> None:
    """Share of 752 TOP/s that grouped products reach, rows a group; printed 77.4 to 82.7 %."""
    kernel = gemm_kernel(MACHINE, ASCEND, m, n, k, "int8", groups)
    assert kernel.peak_flop_per_s == pytest.approx(752e12)
    assert kernel.flop_per_s / kernel.peak_flop_per_s == pytest.approx(share, rel=0.05)

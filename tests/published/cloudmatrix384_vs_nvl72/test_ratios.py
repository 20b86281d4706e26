"""CloudMatrix 384 against GB200 NVL72, as worked out by hand from the published figures.

The figures: 384 chips of 752 (paper), 780 (analyst), 800 (keynote) or 707.8 TFLOP/s (simulator) and 559 kW against
72 of 2.5 PFLOP/s and 145 kW (136 in a later edition); 8.2 M USD against 3.1 (rack) or 5 (with network).
"""

from __future__ import annotations

from typing import Any

import pytest

from accord.catalog.load import load_catalog
from accord.economics.unit_cost import energy_usd_per_year
from accord.report.comparison import comparison_result

HOURS = 8760.0


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    found = comparison_result(load_catalog(), ["huawei-cloudmatrix-384", "nvidia-gb200-nvl72"])
    dimensions = found.result["dimensions"]
    assert isinstance(dimensions, list)
    return {row["name"]: row for row in dimensions}


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("bf16_dense", 1.5, 1.72),
        ("int8", 1.60, 1.61),
        ("lowest_precision", 0.75, 0.85),
        ("hbm_capacity", 3.5, 3.7),
        ("hbm_bandwidth", 2.1, 2.2),
        ("scaleup_total", 2.30, 2.34),
        ("scaleup_per_chip", 0.43, 0.44),
        ("scaleout_total", 2.66, 2.67),
        ("power", 3.85, 3.86),
        ("bf16_per_watt", 0.40, 0.48),
        ("bf16_per_chip", 0.28, 0.34),
        ("bf16_per_usd", 0.58, 0.66),
        ("bf16_per_rack", 0.09, 0.11),
        ("hbm_per_watt", 0.90, 0.96),
        ("hbm_bandwidth_per_watt", 0.54, 0.56),
        ("hbm_capacity_per_usd", 1.3, 1.4),
        ("chips", 5.33, 5.34),
        ("racks", 16.0, 16.0),
    ],
)
def test_ratio(rows: dict[str, dict[str, Any]], name: str, low: float, high: float) -> None:
    assert low <= rows[name]["ratio"] <= high


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("bf16_dense", 1.51, 1.706),
        ("scaleup_total", 2.075, 2.32),
        ("scaleout_total", 2.667, 5.33),
        ("power", 3.86, 4.10),
        ("bf16_per_usd", 0.607, 1.02),
        ("hbm_capacity", 3.56, 3.67),
    ],
)
def test_the_band_holds_what_every_kept_source_gives(
    rows: dict[str, dict[str, Any]], name: str, low: float, high: float
) -> None:
    assert rows[name]["low"] <= low <= high <= rows[name]["high"]


def test_the_band_of_dense_bf16_is_that_of_the_chip(rows: dict[str, dict[str, Any]]) -> None:
    assert (rows["bf16_dense"]["low"], rows["bf16_dense"]["high"]) == pytest.approx((1.51, 1.707), abs=0.002)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("bf16_dense", "A has 1.60 times"),
        ("hbm_capacity", "A has 3.67 times"),
        ("hbm_bandwidth", "A has 2.13 times"),
        ("lowest_precision", "A has less"),
        ("bf16_per_chip", "A has less"),
        ("bf16_per_watt", "A has less"),
        ("bf16_per_usd", "open: sources disagree"),
        ("fp8", "A has no FP8 unit"),
    ],
)
def test_verdict(rows: dict[str, dict[str, Any]], name: str, verdict: str) -> None:
    assert rows[name]["verdict"].startswith(verdict)


def test_the_formats_of_the_lowest_precision_are_named(rows: dict[str, dict[str, Any]]) -> None:
    assert rows["lowest_precision"]["formats"] == {"a": "int8", "b": "fp4"}
    assert rows["fp8"]["a"] is None


def test_energy_per_petaflops_year() -> None:
    """559 kW at 0.05 USD and PUE 1.15: 282 thousand USD, 939 per PFLOPS; 145 kW at 0.08 and 1.25: 127 and 706."""
    first = energy_usd_per_year(559e3, 0.05, pue=1.15)
    second = energy_usd_per_year(145e3, 0.08, pue=1.25)
    assert (first, second) == pytest.approx((282e3, 127e3), rel=0.005)
    assert (first / 300.0, second / 180.0) == pytest.approx((939.0, 706.0), rel=0.005)

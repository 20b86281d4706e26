from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.base.source import Source
from accord.catalog.load import load_catalog
from accord.catalog.support import Statement, Support
from accord.hardware.device import BYTES_PER_NUMBER, bytes_per_number, from_chip
from accord.planner.conversion import Conversion, Unknown, conversions, conversions_of
from accord.planner.support import index

HOPPER = {"bf16": 989e12, "fp16": 989e12, "fp8": 1979e12, "int8": 1979e12}
ASCEND = {"fp16": 376e12, "bf16": 376e12, "int8": 752e12}
WIDE_ONLY = {"fp16": 280e12}
ROOM = 64e9
SOURCE = Source(title="A page", publisher="A maker", date="2026-01-01", locator="table 1")


def found(stored: str, peaks: dict[str, float], **told: Any) -> list[tuple[str, str, float, str]]:
    ways = conversions(stored, peaks, memory_bytes=ROOM, **told)
    assert isinstance(ways, tuple)
    return [(way.kind, way.weights, way.bytes_per_weight, way.compute_format) for way in ways]


def test_native_format_needs_no_conversion() -> None:
    assert found("fp8", HOPPER) == [("native", "fp8", 1.0, "fp8")]
    assert found("mxfp8", HOPPER) == [("native", "mxfp8", 1.03125, "fp8")]
    assert found("bf16", WIDE_ONLY) == [("native", "bf16", 2.0, "fp16")]
    assert found("mxfp4", {**HOPPER, "fp4": 1e16}) == [("native", "mxfp4", 0.53125, "fp4")]


def test_fp8_on_a_chip_with_int8_alone() -> None:
    assert found("fp8", ASCEND) == [
        ("requantise", "int8", 1.0, "int8"),
        ("weight-only", "fp8", 1.0, "bf16"),
        ("widen", "bf16", 2.0, "bf16"),
    ]


def test_fp8_on_a_chip_with_16_bits_alone() -> None:
    assert found("fp8", WIDE_ONLY) == [("weight-only", "fp8", 1.0, "fp16"), ("widen", "fp16", 2.0, "fp16")]


def test_four_bits_without_such_a_unit() -> None:
    assert found("fp4", HOPPER) == [
        ("weight-only", "fp4", 0.5625, "bf16"),
        ("requantise", "fp8", 1.0, "fp8"),
        ("requantise", "int8", 1.0, "int8"),
        ("widen", "bf16", 2.0, "bf16"),
    ]
    assert [way[0] for way in found("int4", HOPPER)] == ["weight-only", "widen"]


def test_fp32_is_rounded_to_16_bits() -> None:
    assert found("fp32", ASCEND) == [("requantise", "bf16", 2.0, "bf16")]
    assert found("fp32", WIDE_ONLY) == [("requantise", "fp16", 2.0, "fp16")]
    assert found("fp32", {**ASCEND, "fp32": 94e12}) == [("native", "fp32", 4.0, "fp32")]


@pytest.mark.parametrize(
    ("peaks", "memory", "missing"),
    [
        (HOPPER, None, ("memory",)),
        ({"int8": 1e15}, ROOM, ("BF16 or FP16 rate",)),
        ({}, None, ("memory", "BF16 or FP16 rate")),
        ({"bf16": 0.0}, 0.0, ("memory", "BF16 or FP16 rate")),
    ],
)
def test_missing_facts_are_unknown(peaks: dict[str, float], memory: float | None, missing: tuple[str, ...]) -> None:
    ways = conversions("fp8", peaks, memory_bytes=memory)
    assert ways == Unknown("fp8", missing)
    assert Unknown("fp8", missing).why == f"not published: {', '.join(missing)}"


def test_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="fp7"):
        conversions("fp7", HOPPER, memory_bytes=ROOM)


def test_what_an_engine_says_goes_with_its_kind() -> None:
    told = Statement(
        answer="partial", date="2026-01-01", source="S", chips=("huawei-ascend-910b*",), weights=("fp8",),
        conversion="requantise", into="int8", quality="one point lost",
    )  # fmt: skip
    catalog = load_catalog()
    records = [Support(id="e", name="e", engine="e", statements=(told,), sources={"S": SOURCE})]
    ways = conversions_of(catalog.chip("huawei-ascend-910b3"), "fp8", index(records), "e", model="qwen3-8b")
    assert isinstance(ways, tuple)
    assert {way.kind: (way.stated, way.quality, way.source) for way in ways} == {
        "requantise": (True, "one point lost", SOURCE),
        "weight-only": (False, None, None),
        "widen": (False, None, None),
    }
    silent = conversions_of(catalog.chip("huawei-ascend-910b3"), "fp8")
    assert isinstance(silent, tuple) and not any(way.stated for way in silent)


def test_statement_on_one_target_is_not_of_another() -> None:
    told = Statement(
        answer="yes", date="2026", source="S", families=("nvidia-hopper",), weights=("fp4",),
        conversion="requantise", into="fp8",
    )  # fmt: skip
    ways = conversions("fp4", HOPPER, memory_bytes=ROOM, stated={"requantise": (told, SOURCE)})
    assert isinstance(ways, tuple)
    assert [way.weights for way in ways if way.stated] == ["fp8"]


PEAKS = st.dictionaries(st.sampled_from(["bf16", "fp16", "fp8", "int8", "fp4"]), st.floats(1e12, 1e16))


@given(st.sampled_from(sorted(BYTES_PER_NUMBER)), PEAKS)
def test_every_way_is_one_the_cost_model_prices(stored: str, peaks: dict[str, float]) -> None:
    ways = conversions(stored, peaks, memory_bytes=ROOM)
    if isinstance(ways, Unknown):
        assert not {"bf16", "fp16"} & set(peaks)
        return
    assert ways
    for way in ways:
        assert way.bytes_per_weight == bytes_per_number(way.weights)
        assert way.memory_ratio == pytest.approx(way.bytes_per_weight / bytes_per_number(stored))
        assert way.compute_flop_per_s == peaks[way.compute_format]
        assert way.kind == "widen" or stored in ("fp4", "mxfp4", "fp32") or way.memory_ratio <= 1.0
    assert [way.bytes_per_weight for way in ways] == sorted(way.bytes_per_weight for way in ways)
    assert (ways[0].kind == "native" or stored == "fp32") == (len(ways) == 1)


def test_chips_of_the_catalog_agree_with_their_devices() -> None:
    catalog = load_catalog()
    unknown = set()
    for id in catalog.ids("chips"):
        chip = catalog.chip(id)
        ways = conversions_of(chip, "fp8")
        if isinstance(ways, Unknown):
            unknown.add(id)
            continue
        assert all(isinstance(way, Conversion) for way in ways)
        if chip.memory.bandwidth is not None:
            unit = from_chip(chip).compute("fp8")
            assert (ways[0].kind == "native") == unit.native
    assert unknown and len(unknown) < len(catalog.ids("chips")) / 2

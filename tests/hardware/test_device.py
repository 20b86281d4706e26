"""A chip's facts become one rank's."""

from __future__ import annotations

import msgspec
import pytest
from tests import rig

from accord.base.errors import MissingFact, UsageError
from accord.catalog.chip import Memory
from accord.hardware.device import BYTES_PER_NUMBER, bytes_per_number, from_chip


def test_two_dies_share_a_package() -> None:
    chip = rig.catalog().chip("huawei-ascend-910c")
    die = from_chip(chip)
    assert chip.devices_per_chip.si == 2
    assert die.memory_bytes == chip.memory.capacity.si / 2 == 64e9  # type: ignore[union-attr]
    assert die.memory_bytes_per_s == 1.6e12
    assert die.peak_flop_per_s["int8"] == chip.peak["int8"].si / 2 == 752e12
    assert (die.family, die.vendor) == ("ascend-910", "huawei")


def test_most_chips_are_one_device() -> None:
    chip = rig.catalog().chip("nvidia-h100-sxm")
    device = from_chip(chip)
    assert device.peak_flop_per_s["bf16"] == chip.peak["bf16"].si
    assert device.memory_bytes == 80e9


@pytest.mark.parametrize(("stored", "unit", "native"), [
    ("bf16", "bf16", True), ("fp16", "fp16", True), ("int8", "int8", True),
    ("fp8", "bf16", False), ("mxfp8", "bf16", False), ("mxfp4", "bf16", False), ("int4", "bf16", False),
])  # fmt: skip
def test_a_chip_without_fp8_widens_on_load(stored: str, unit: str, native: bool) -> None:
    compute = from_chip(rig.catalog().chip("huawei-ascend-910c")).compute(stored)
    assert (compute.format, compute.native) == (unit, native)


@pytest.mark.parametrize(("stored", "unit", "native"), [
    ("fp8", "fp8", True), ("mxfp8", "fp8", True), ("mxfp4", "fp4", True), ("fp4", "fp4", True), ("int4", "bf16", False),
])  # fmt: skip
def test_the_best_unit_a_chip_has(stored: str, unit: str, native: bool) -> None:
    compute = from_chip(rig.catalog().chip("nvidia-gb200")).compute(stored)
    assert (compute.format, compute.native) == (unit, native)


def test_sixteen_bit_formats_stand_for_each_other() -> None:
    only_bf16 = rig.device(peak_flop_per_s={"bf16": 1e14})
    assert only_bf16.compute("fp16").native
    assert only_bf16.compute("fp16").flop_per_s == 1e14


def test_a_rate_of_nought_is_no_unit() -> None:
    assert rig.device(peak_flop_per_s={"bf16": 1e14, "fp8": 0.0}).compute("fp8").format == "bf16"


def test_refusals() -> None:
    with pytest.raises(UsageError, match="'fp7' is not known") as error:
        rig.device().compute("fp7")
    assert "bf16" in str(error.value.hint)
    with pytest.raises(UsageError, match="'fp7' is not known"):
        bytes_per_number("fp7")
    with pytest.raises(MissingFact, match="no published rate to compute fp32"):
        rig.device().compute("fp32")


@pytest.mark.parametrize("gap", ["capacity", "bandwidth"])
def test_unpublished_memory_is_named(gap: str) -> None:
    chip = rig.catalog().chip("nvidia-h100-sxm")
    memory = msgspec.structs.replace(chip.memory, **{gap: None})
    with pytest.raises(MissingFact, match=f"nvidia-h100-sxm: memory {gap} is not published"):
        from_chip(msgspec.structs.replace(chip, memory=memory))
    with pytest.raises(MissingFact):
        from_chip(msgspec.structs.replace(chip, memory=Memory()))


def test_scales_are_counted() -> None:
    assert bytes_per_number("bf16") == 2.0
    assert bytes_per_number("mxfp4") == pytest.approx((32 * 4 + 8) / 8 / 32)
    assert bytes_per_number("fp4") == pytest.approx((16 * 4 + 8) / 8 / 16)
    assert bytes_per_number("mxfp8") == pytest.approx((32 * 8 + 8) / 8 / 32)
    assert bytes_per_number("int4") == pytest.approx((128 * 4 + 32) / 8 / 128)
    widths = {"fp32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "mxfp8": 8, "fp4": 4, "mxfp4": 4, "int4": 4}
    assert BYTES_PER_NUMBER.keys() == widths.keys()
    for name, bits in widths.items():
        assert bits / 8 <= bytes_per_number(name) < bits / 8 * 1.13


@pytest.mark.parametrize("id", rig.catalog().ids("chips"))
def test_every_packaged_chip_is_a_device_or_says_why_not(id: str) -> None:
    try:
        device = from_chip(rig.catalog().chip(id))
    except MissingFact as error:
        assert id in error.what
        return
    assert device.memory_bytes > 0.0
    assert device.memory_bytes_per_s > 0.0
    assert all(rate > 0.0 for rate in device.peak_flop_per_s.values())

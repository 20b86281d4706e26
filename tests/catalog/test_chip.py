"""A chip from its file."""

from __future__ import annotations

from pathlib import Path

from accord.catalog.chip import Chip
from accord.catalog.load import load_file

SAMPLE = Path(__file__).parent / "sample" / "chips" / "example-chip-1.yaml"


def test_every_field() -> None:
    chip = load_file(SAMPLE, "chips")
    assert isinstance(chip, Chip)
    assert (chip.id, chip.family, chip.announced, chip.status) == ("example-chip-1", "other", "2025-07-26", "shipping")
    assert chip.devices_per_chip.si == 2
    assert {name: (value.si, value.unit) for name, value in chip.peak.items()} == {
        "bf16": (800e12, "FLOP/s"),
        "int8": (1600e12, "OP/s"),
    }
    assert chip.memory.capacity is not None and chip.memory.capacity.si == 128e9
    assert chip.memory.bandwidth is not None and chip.memory.bandwidth.si == 3.2e12
    assert chip.memory.kind is not None and chip.memory.kind.text == "HBM2e"
    assert chip.board_power is not None and chip.board_power.spread() == (600.0, 550.0, 700.0, 650.0)
    assert chip.interconnect.scale_out is not None and chip.interconnect.scale_out.unit == "b/s"
    assert chip.facts["die_area"].si == 665.0
    assert chip.facts["price"].unit == "CNY"
    assert chip.facts["cooling"].alternatives[0].text == "air"
    assert chip.sources["S2"].licence == "CC BY 4.0"

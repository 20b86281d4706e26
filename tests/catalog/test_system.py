"""A system from its file."""

from __future__ import annotations

from pathlib import Path

from accord.catalog.load import load_file
from accord.catalog.system import System

SAMPLE = Path(__file__).parent / "sample" / "systems" / "example-node-8.yaml"


def test_every_field() -> None:
    system = load_file(SAMPLE, "systems")
    assert isinstance(system, System)
    assert system.kind == "supernode"
    assert system.chips is not None and system.chips.si == 384
    scale_up, scale_out = system.fabric.planes
    assert [tier.chips for tier in scale_up.tiers] == [8, 384]
    assert scale_up.tiers[0].latency is not None and scale_up.tiers[0].latency.si == 1.2e-6
    assert scale_up.paths["npu-npu-read-inter-node"].bandwidth.si == 167e9
    assert scale_out.tiers[0].link_rate is not None and scale_out.tiers[0].link_rate.si == 400e9
    assert system.memory_pool is not None and system.memory_pool.planes == ("UB",)
    assert system.memory_pool.hop_latency["npu-dram"].si == 1.7e-6
    assert system.totals["bf16"].si == 300e15
    assert system.power is not None and system.power.si == 559e3
    assert system.price is not None and system.price.si == 8.2e6

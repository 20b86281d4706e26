"""A chip: what is sold and counted, one package."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from accord.catalog.value import (
    BitsPerS,
    Bytes,
    BytesPerS,
    Count,
    Date,
    OpsPerS,
    Sources,
    Text,
    Value,
    Watts,
    fact_units,
)

Family = Literal[
    "nvidia-volta", "nvidia-turing", "nvidia-ampere", "nvidia-ada", "nvidia-hopper", "nvidia-blackwell", "nvidia-rubin",
    "amd-cdna1", "amd-cdna2", "amd-cdna3", "amd-cdna4", "amd-cdna5", "google-tpu", "aws-trainium", "aws-inferentia",
    "intel-gaudi", "intel-xe", "ascend-910", "ascend-950", "ascend-310", "cambricon", "biren", "metax", "iluvatar",
    "moorethreads", "enflame", "hygon", "kunlun", "alibaba-ppu", "microsoft-maia", "meta-mtia", "other",
]  # fmt: skip
Format = Literal[
    "fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4", "int4", "mxfp4", "mxfp8"
]  # fmt: skip


class Memory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The memory beside the chip, all of it.

    capacity [B]; bandwidth [B/s]; kind: such as HBM3
    """

    capacity: Bytes | None = None
    bandwidth: BytesPerS | None = None
    kind: Text | None = None


class Interconnect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chip's own links.

    scale_up: per chip and direction [B/s]; scale_out: network rate per chip [b/s]
    """

    scale_up: BytesPerS | None = None
    scale_out: BitsPerS | None = None


class Chip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chip.

    family: whose efficiency curves it shares; announced: day of announcement; status: such as shipping
    devices_per_chip: how many devices software sees [1]
    peak: dense rate by format [FLOP/s or OP/s]; board_power [W]
    facts: everything else by name, among them process [nm], foundry, transistors [1], price [USD, CNY], and what law
        asks for: die_area [mm2] (logic dies with their caches on a non-planar node; no HBM), datacenter_marketed (yes
        or no), scale_up_both_directions [B/s] (all links), tpp [1] where the formats' rates do not give it
    """

    id: str
    name: str
    vendor: str
    family: Family
    announced: Date | None = None
    status: str | None = None
    devices_per_chip: Count
    peak: dict[Format, OpsPerS] = {}
    memory: Memory = Memory()
    board_power: Watts | None = None
    interconnect: Interconnect = Interconnect()
    facts: Annotated[
        dict[str, Value],
        fact_units(
            {
                "die_area": "mm2",
                "process": "nm",
                "foundry": "text",
                "transistors": "1",
                "dies": "1",
                "tpp": "1",
                "datacenter_marketed": "text",
                "scale_up_both_directions": "B/s",
            }
        ),
    ] = {}
    sources: Sources

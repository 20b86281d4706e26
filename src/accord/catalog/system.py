"""A system: chips joined by fabric, from one node to a site."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.value import (
    BitsPerS,
    Bytes,
    BytesPerS,
    Count,
    Fact,
    Seconds,
    Sources,
    Usd,
    Value,
    Watts,
    fact_units,
)

_TOTALS = {
    "bf16": "FLOP/s", "fp16": "FLOP/s", "fp8": "FLOP/s or OP/s", "int8": "OP/s or FLOP/s", "fp4": "FLOP/s or OP/s",
    "hbm_capacity": "B", "hbm_bandwidth": "B/s", "scaleup": "B/s",
}  # fmt: skip


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One level of a plane.

    chips: size of the domain it joins [chips], 0 = unlimited
    bandwidth: per chip and direction [B/s]; link_rate: of a network plane, per chip [b/s]; latency: one way [s]
    switch_chips, radix: count and ports of the switch chips [1]; oversubscription: down over up [1]
    uplink: towards the next tier, per switch chip or as the note says [B/s]
    """

    name: str
    chips: int
    bandwidth: BytesPerS | None = None
    link_rate: BitsPerS | None = None
    latency: Seconds | None = None
    switch_chips: Count | None = None
    radix: Count | None = None
    oversubscription: Count | None = None
    uplink: BytesPerS | None = None


class Path(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was measured from one device to another (or to a host).

    bandwidth: per device [B/s]; latency: of a small access [s]
    """

    bandwidth: BytesPerS
    latency: Seconds | None = None


class Plane(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the networks that join the chips.

    kind: load-store (scale-up), between domains (scale-out), or to storage and users (vpc)
    wiring: what joins two chips of a tier: a switch, a link of their own (pairs) or rings along dimensions (torus)
    sums: whether the switches add up what passes through them; torus: chips along each dimension, first first;
    closes: chips that a ring of the torus closes over, and multiples of them; 0 where only whole dimensions close
    tiers: inner to outer; paths: measured, by name such as npu-npu-read-intra-node
    """

    name: str
    kind: Literal["scale-up", "scale-out", "vpc"]
    topology: str | None = None
    wiring: Literal["switch", "pairs", "torus"] = "switch"
    sums: bool = False
    torus: tuple[int, ...] = ()
    closes: int = 0
    tiers: tuple[Tier, ...] = ()
    paths: dict[str, Path] = {}

    def __post_init__(self) -> None:
        """Refuse tiers that shrink outwards and a torus without dimensions. Raises CatalogError."""
        if (self.wiring == "torus") != bool(self.torus) or any(chips < 1 for chips in self.torus):
            raise CatalogError(
                f"wiring is {self.wiring!r} and torus is {list(self.torus)}",
                hint="a torus states the chips along each of its dimensions, such as [16, 16]; nothing else does",
            )
        sizes = [tier.chips or float("inf") for tier in self.tiers]
        for at, (inner, outer) in enumerate(zip(sizes, sizes[1:], strict=False)):
            if outer < inner:
                hint = "list tiers from the inner to the outer; 0 means unlimited"
                raise CatalogError(
                    f"tiers[{at + 1}].chips is {outer:g}, fewer than the {inner:g} of the tier inside it", hint=hint
                )


class Fabric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All the networks of a system."""

    planes: tuple[Plane, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two planes of one name. Raises CatalogError."""
        for at, plane in enumerate(self.planes):
            if plane.name in [other.name for other in self.planes[:at]]:
                raise CatalogError(
                    f"planes[{at}].name is {plane.name!r}, the name of an earlier plane",
                    hint="give each plane a name of its own",
                )


class MemoryPool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Host memory that every device can reach.

    capacity [B]; planes: names of the planes that reach it; hop_latency: by hop [s]
    """

    capacity: Bytes | None = None
    planes: tuple[str, ...] = ()
    hop_latency: dict[str, Seconds] = {}
    note: str | None = None


class System(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system.

    chip: id of its accelerator; chips, nodes, racks, host_cpus: counts [1]; host_memory [B]
    compute_racks: those of the racks that hold chips, where others hold switches alone [1]
    totals: as published for the whole, by name: bf16, fp8, int8, fp4 [FLOP/s or OP/s], hbm_capacity [B],
        hbm_bandwidth [B/s], scaleup (both directions) [B/s], ...
    power: of the whole [W]; price: of the whole [USD]; facts: everything else by name
    """

    id: str
    name: str
    vendor: str
    kind: Literal["supernode", "node", "pod", "site", "cluster", "chip"]
    chip: str | None = None
    chips: Count | None = None
    nodes: Count | None = None
    racks: Count | None = None
    compute_racks: Count | None = None
    host_cpus: Count | None = None
    host_memory: Bytes | None = None
    fabric: Fabric = Fabric()
    memory_pool: MemoryPool | None = None
    totals: Annotated[dict[str, Value], fact_units(_TOTALS)] = {}
    power: Watts | None = None
    price: Usd | None = None
    facts: dict[str, Fact] = {}
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse a memory pool reached over planes the fabric has not. Raises CatalogError."""
        names = [plane.name for plane in self.fabric.planes]
        for at, plane in enumerate(self.memory_pool.planes if self.memory_pool else ()):
            if plane not in names:
                known = f"its planes are {', '.join(names)}" if names else "it has none"
                raise CatalogError(
                    f"memory_pool.planes[{at}] is {plane!r}, no plane of this system's fabric", hint=known
                )

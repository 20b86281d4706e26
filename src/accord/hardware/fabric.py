"""The wires between devices, as tiers from the innermost outwards.

A tier joins ``devices`` ranks at a rate per device and direction. Tiers of one plane share the
same port (the two levels of UB); tiers of different planes have ports of their own (NVLink and
the network card), so their transfers run side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import MissingFact
from accord.catalog.system import Plane, System
from accord.hardware.derate import Number
from accord.hardware.device import claims_of

BITS_PER_BYTE = 8.0


@dataclass(frozen=True, slots=True)
class FabricTier:
    """One tier.

    devices: ranks in the domain it joins (``inf`` for a network without a stated end)
    bytes_per_s: nominal rate per device and direction [B/s], an array of shape ``(S,)`` when drawn
    read_bytes_per_s, write_bytes_per_s: measured rates where the catalog has them, else None
    latency_s: measured or stated one-way latency, None where unknown
    claims: what sources say about the nominal rate over what is taken [1]; empty where they agree
    wiring: ``switch``, ``pairs`` (a link for every two) or ``torus``; sums: the switch adds up what passes
    torus: chips along each dimension; closes: chips that a ring closes over, 0 where only whole dimensions close
    oversubscription: of the tier, down over up [1]
    """

    plane: str
    kind: str
    devices: float
    bytes_per_s: Number
    latency_s: float | None = None
    read_bytes_per_s: float | None = None
    write_bytes_per_s: float | None = None
    claims: tuple[float, ...] = ()
    wiring: str = "switch"
    sums: bool = False
    torus: tuple[int, ...] = ()
    closes: int = 0
    oversubscription: float = 1.0


@dataclass(frozen=True, slots=True)
class PoolPath:
    """The way from a device to the pooled host memory over one plane [B/s per device, s]."""

    plane: str
    bytes_per_s: Number
    latency_s: float


def traffic_shares(tiers: tuple[FabricTier, ...], ranks: Array) -> list[Array]:
    """Share of evenly spread all-to-all traffic that travels each tier, shape ``(D,)`` per tier.

    The rest, ``1 / ranks``, stays on the device. Shares beyond the last tier are charged to it.
    """
    shares: list[Array] = []
    reached = np.ones_like(ranks)
    for index, tier in enumerate(tiers):
        last = index == len(tiers) - 1
        inside = ranks if last else np.minimum(ranks, tier.devices)
        shares.append(np.maximum(inside - reached, 0.0) / ranks)
        reached = np.maximum(inside, reached)
    return shares


def _tiers_of(plane: Plane, devices_per_chip: float) -> list[FabricTier]:
    found: list[FabricTier] = []
    for place, tier in enumerate(plane.tiers):
        if tier.bandwidth is not None:
            fact, rate = tier.bandwidth, tier.bandwidth.si / devices_per_chip
        elif tier.link_rate is not None:
            fact, rate = tier.link_rate, tier.link_rate.si / BITS_PER_BYTE / devices_per_chip
        else:
            continue
        where = "intra-node" if place == 0 and len(plane.tiers) > 1 else "inter-node"
        read = plane.paths.get(f"npu-npu-read-{where}")
        write = plane.paths.get(f"npu-npu-write-{where}")
        found.append(
            FabricTier(
                plane=plane.name,
                kind=plane.kind,
                devices=tier.chips * devices_per_chip if tier.chips else np.inf,
                bytes_per_s=rate,
                latency_s=tier.latency.si if tier.latency is not None else None,
                read_bytes_per_s=read.bandwidth.si if read is not None else None,
                write_bytes_per_s=write.bandwidth.si if write is not None else None,
                claims=claims_of(fact),
                wiring=plane.wiring,
                sums=plane.sums,
                torus=plane.torus,
                closes=plane.closes,
                oversubscription=tier.oversubscription.si if tier.oversubscription is not None else 1.0,
            )
        )
    return found


def tiers_of(system: System, devices_per_chip: float) -> tuple[FabricTier, ...]:
    """The compute tiers of a system, scale-up planes first, inner before outer."""
    tiers: list[FabricTier] = []
    for kind in ("scale-up", "scale-out"):
        for plane in system.fabric.planes:
            if plane.kind == kind:
                tiers.extend(_tiers_of(plane, devices_per_chip))
    return tuple(tiers)


def pool_paths(system: System, devices_per_chip: float) -> tuple[PoolPath, ...]:
    """Ways to the pooled memory. A plane without a measured CPU path gives its link rate."""
    if system.memory_pool is None:
        return ()
    paths: list[PoolPath] = []
    for name in system.memory_pool.planes:
        plane = next((plane for plane in system.fabric.planes if plane.name == name), None)
        if plane is None:
            raise MissingFact(f"{system.id}: the memory pool names plane '{name}', which the fabric lacks")
        measured = plane.paths.get("npu-cpu-read-inter-node")
        if measured is not None:
            latency = measured.latency.si if measured.latency is not None else 0.0
            paths.append(PoolPath(name, measured.bandwidth.si, latency))
            continue
        for tier in _tiers_of(plane, devices_per_chip):
            paths.append(PoolPath(name, tier.bytes_per_s, tier.latency_s or 0.0))
    return tuple(paths)

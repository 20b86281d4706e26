"""A system as the cost model sees it: many equal devices and the tiers that join them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from accord.base.array import Array
from accord.base.errors import MissingFact
from accord.catalog.chip import Chip
from accord.catalog.system import System
from accord.hardware.device import Device, claims_of, drawn_device, from_chip
from accord.hardware.fabric import BITS_PER_BYTE, FabricTier, PoolPath, pool_paths, tiers_of


@dataclass(frozen=True, slots=True)
class Machine:
    """Devices, their number and their wires.

    chips, devices_per_chip: packages in the system and ranks in each
    tiers: inner to outer; empty for a single chip
    pools: ways to pooled host memory
    power_w: whole system under load, None where nobody says
    """

    id: str
    chip: str
    device: Device
    chips: int
    devices_per_chip: int
    tiers: tuple[FabricTier, ...]
    pools: tuple[PoolPath, ...]
    power_w: float | None

    @property
    def devices(self) -> int:
        """Ranks in the whole system."""
        return self.chips * self.devices_per_chip

    @property
    def scale_up_devices(self) -> int:
        """Ranks that load-store fabric joins."""
        reach = [tier.devices for tier in self.tiers if tier.kind == "scale-up"]
        return int(min(max(reach), 1e9)) if reach else 1

    @property
    def claims(self) -> Mapping[str, tuple[float, ...]]:
        """What sources say over what is taken [1], by fact they disagree about: the device's, and ``link TIER``.

        Rates that were measured are no claims.
        """
        found = dict(self.device.claims)
        for index, tier in enumerate(self.tiers):
            if tier.claims and None in (tier.read_bytes_per_s, tier.write_bytes_per_s):
                found[_link(index, tier)] = tier.claims
        return found


def drawn(machine: Machine, ratios: Mapping[str, Array]) -> Machine:
    """The same machine with disputed facts as draws.

    ratios: over what is taken, shape ``(S,)``, by the names of :attr:`Machine.claims`
    """
    tiers = (
        replace(tier, bytes_per_s=tier.bytes_per_s * ratios.get(_link(index, tier), 1.0))
        for index, tier in enumerate(machine.tiers)
    )
    return replace(machine, device=drawn_device(machine.device, ratios), tiers=tuple(tiers))


def _link(index: int, tier: FabricTier) -> str:
    return f"link {tier.plane} {index + 1}"


def build(system: System, chip: Chip) -> Machine:
    """A system entry and its chip as a Machine.

    A system that states no fabric takes the chip's own links. Raises MissingFact without a count.
    """
    if system.chips is None:
        raise MissingFact(f"{system.id}: the number of chips is not published")
    per_chip = chip.devices_per_chip.si
    tiers = tiers_of(system, per_chip)
    if not tiers:
        tiers = _chip_links(chip, int(system.chips.si))
    return Machine(
        id=system.id,
        chip=chip.id,
        device=from_chip(chip),
        chips=int(system.chips.si),
        devices_per_chip=int(per_chip),
        tiers=tiers,
        pools=pool_paths(system, per_chip),
        power_w=system.power.si if system.power is not None else None,
    )


def _chip_links(chip: Chip, chips: int) -> tuple[FabricTier, ...]:
    """Tiers from a chip's own interconnect facts: scale-up inside the system, scale-out beyond."""
    per_chip = chip.devices_per_chip.si
    links = chip.interconnect
    tiers: list[FabricTier] = []
    if links.scale_up is not None:
        told = claims_of(links.scale_up)
        tiers.append(FabricTier("chip links", "scale-up", chips * per_chip, links.scale_up.si / per_chip, claims=told))
    if links.scale_out is not None:
        rate = links.scale_out.si / BITS_PER_BYTE / per_chip
        told = claims_of(links.scale_out)
        tiers.append(FabricTier("chip network", "scale-out", float("inf"), rate, claims=told))
    return tuple(tiers)

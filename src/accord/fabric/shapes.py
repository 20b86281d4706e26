"""How the tiers of a machine are wired: through switches, pair by pair, around a torus, or rail by rail.

The catalog states planes, tiers and, where somebody published them, switch chips, uplinks and oversubscription. What
it leaves out is filled in here and nowhere else, and every filling is named in :attr:`Shape.assumed`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from accord.base.errors import CatalogError
from accord.catalog.system import Plane, System, Tier
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine

Kind = Literal["switch", "pairs", "torus", "fat-tree", "rails"]
KINDS: tuple[Kind, ...] = ("switch", "pairs", "torus", "fat-tree", "rails")

RADIX = 64  # ports of a leaf switch of a scale-out network where nobody says: half down, half up


@dataclass(frozen=True, slots=True)
class Shape:
    """How one tier is wired.

    tier: place in ``Machine.tiers``; devices: ranks of one domain, ``inf`` for a network without a stated end
    dims: of a torus, the last one counts fastest; rates are per device and spread evenly over its links
    chips: switch chips of all domains of the machine together, 0 where nobody says
    oversubscription: what comes from below over what goes on upwards [1]
    uplink_bytes_per_s: of all switch chips of one domain together towards the next tier, each way; None: what its
        devices may send over the next tier, over the oversubscription
    leaf: devices below one leaf switch of a scale-out network
    assumed: what the catalog does not say
    """

    tier: int
    name: str
    kind: Kind
    devices: float
    dims: tuple[int, ...] = ()
    chips: int = 0
    oversubscription: float = 1.0
    uplink_bytes_per_s: float | None = None
    leaf: int = 0
    assumed: tuple[str, ...] = ()


def shapes_of(machine: Machine, system: System | None) -> tuple[Shape, ...]:
    """The shape of each tier that joins two or more devices, in the order of ``machine.tiers``.

    system: the entry the machine was built from; None, or an entry without planes, for a chip's own links
    """
    stated = _stated(system)
    found: list[Shape] = []
    for at, tier in enumerate(machine.tiers):
        if tier.devices <= 1.0:
            continue
        plane, fact = stated[at] if at < len(stated) else (None, None)
        shape = _scale_out(at, tier, plane, fact, machine) if tier.kind == "scale-out" else None
        found.append(shape or _scale_up(at, tier, plane, fact, machine))
    return tuple(found)


def _stated(system: System | None) -> list[tuple[Plane, Tier]]:
    """Planes and tiers of the catalog in the order of ``Machine.tiers``, which leaves out tiers without a rate."""
    planes = system.fabric.planes if system is not None else ()
    return [
        (plane, tier)
        for kind in ("scale-up", "scale-out")
        for plane in planes
        if plane.kind == kind
        for tier in plane.tiers
        if tier.bandwidth is not None or tier.link_rate is not None
    ]


def _scale_up(at: int, tier: FabricTier, plane: Plane | None, fact: Tier | None, machine: Machine) -> Shape:
    told = (plane.topology or "").lower() if plane is not None else ""
    name = fact.name if fact is not None else tier.plane
    if tier.wiring == "torus":
        return Shape(at, name, "torus", tier.devices, dims=_sides(tier, name, machine))
    if tier.wiring == "pairs":
        return Shape(at, name, "pairs", tier.devices)
    known = any(word in told for word in ("switch", "level"))
    assumed = () if known else (f"{name}: one level of switches, nothing of its wiring is stated",)
    return _switched(Shape(at, name, "switch", tier.devices, assumed=assumed), fact, machine)


def _sides(tier: FabricTier, name: str, machine: Machine) -> tuple[int, ...]:
    """Devices along each dimension; those of one chip are neighbours along one of their own."""
    own = (machine.devices_per_chip,) if machine.devices_per_chip > 1 else ()
    if math.prod((*tier.torus, *own)) != tier.devices:
        sides = " x ".join(str(side) for side in tier.torus)
        raise CatalogError(f"{machine.id}: a torus of {sides} does not hold the chips of its tier '{name}'")
    return (*tier.torus, *own)


def box(dims: tuple[int, ...], devices: int) -> tuple[int, ...]:
    """Sides of the slice of a torus that holds so many devices and is nearest to a cube; () where none does."""
    sides = [1] * len(dims)
    left, factor = devices, 2
    factors: list[int] = []
    while left > 1:
        while left % factor == 0:
            factors.append(factor)
            left //= factor
        factor += 1 if factor * factor <= left else max(left - factor, 1)
    for one in reversed(factors):
        fits = [axis for axis, side in enumerate(sides) if side * one <= dims[axis]]
        if not fits:
            return ()
        least = min(fits, key=lambda axis: sides[axis])
        sides[least] *= one
    return tuple(sides)


def sliced(shapes: Sequence[Shape], machine: Machine, devices: int) -> tuple[Shape, ...]:
    """The same shapes, a torus cut into slices of ``devices`` where optical switches close the rings of a slice."""
    found: list[Shape] = []
    for shape in shapes:
        closes = machine.tiers[shape.tier].closes
        sides = box(shape.dims, devices) if closes and devices < shape.devices else ()
        closed = bool(sides) and all(side % closes == 0 for side in sides)
        found.append(replace(shape, dims=sides, devices=float(devices)) if closed else shape)
    return tuple(found)


def _switched(shape: Shape, fact: Tier | None, machine: Machine) -> Shape:
    if fact is None:
        return shape
    domains = max(machine.devices / shape.devices, 1.0)
    chips = int(fact.switch_chips.si) if fact.switch_chips is not None else 0
    uplink = fact.uplink.si * chips / domains if fact.uplink is not None and chips else None
    over = fact.oversubscription.si if fact.oversubscription is not None else 1.0
    return replace(shape, chips=chips, uplink_bytes_per_s=uplink, oversubscription=over)


def _scale_out(at: int, tier: FabricTier, plane: Plane | None, fact: Tier | None, machine: Machine) -> Shape:
    told = (plane.topology or "").lower() if plane is not None else ""
    name = fact.name if fact is not None else tier.plane
    rails = "rail" in told
    domain = max(machine.scale_up_devices, 1)
    assumed: list[str] = []
    radix = int(fact.radix.si) if fact is not None and fact.radix is not None else RADIX
    if fact is None or fact.radix is None:
        assumed.append(f"{name}: leaf switches of {RADIX} ports, half of them down")
    if not rails and "tree" not in told:
        assumed.append(f"{name}: a fat tree")
    over = 1.0
    if fact is not None and fact.oversubscription is not None:
        over = fact.oversubscription.si
    else:
        assumed.append(f"{name}: as much upwards as downwards at every switch")
    return Shape(
        at, name, "rails" if rails else "fat-tree", tier.devices, oversubscription=over,
        leaf=_leaf(radix, domain, rails), assumed=tuple(assumed),
    )  # fmt: skip


def _leaf(radix: int, domain: int, rails: bool) -> int:
    """Devices below one leaf: of a rail one a domain, else whole domains or an even part of one."""
    down = max(radix // 2, 1)
    if rails:
        return down
    if domain <= down:
        return down // domain * domain
    return next(size for size in range(down, 0, -1) if domain % size == 0)

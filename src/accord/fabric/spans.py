"""Where the members of a group sit on the tiers of a machine, and which share of a tier's links they can use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import MissingFact
from accord.fabric.group import Group
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine


@dataclass(frozen=True, slots=True)
class Span:
    """One tier under a group, arrays of shape ``(D,)``.

    before, reached: members that one domain of the tier inside this one holds, and one of this tier
    links: share of the device's rate on this tier that its partners in the group can use [1]
    hops: links from one member of a ring to the next [1]
    """

    tier: FabricTier
    before: Array
    reached: Array
    links: Array
    hops: Array

    @property
    def members(self) -> Array:
        """Domains of the tier inside that this one joins, at least 1."""
        return self.reached / self.before

    def edges(self, ranks: Array) -> Array:
        """Share of the edges of a ring over all ranks that cross this tier and no farther one [1]."""
        share: Array = 1.0 / self.before - np.where(self.reached < ranks, 1.0 / self.reached, 0.0)
        return np.where(self.members > 1.0, share, 0.0)


def spans_of(group: Group, machine: Machine) -> tuple[Span, ...]:
    """The tiers of a machine under a group, inner first. Raises MissingFact for ranks that no link joins."""
    reach = machine.tiers[-1].devices if machine.tiers else 1.0
    wanted = np.where(group.ranks > 1.0, group.ranks * group.stride, 1.0)
    if np.any(wanted > reach):
        raise MissingFact(
            f"{int(np.max(wanted))} devices exchange data, but the links of {machine.id} join {reach:g}",
            hint="use fewer ranks, or a system whose catalog entry states its scale-out network",
        )
    found: list[Span] = []
    before: Array = np.ones_like(group.ranks * group.stride)
    for index, tier in enumerate(machine.tiers):
        last = index == len(machine.tiers) - 1
        inside = group.ranks if last else group.inside(tier)
        reached: Array = np.maximum(inside, before)
        links, hops = _links(tier, reached / before, group.stride, machine.devices_per_chip)
        found.append(Span(tier, before, reached, links, hops))
        before = reached
    return tuple(found)


def _links(tier: FabricTier, members: Array, stride: Array, per_chip: int) -> tuple[Array, Array]:
    """Share of the rate that ``members`` can use, and links per step of a ring."""
    one = np.ones_like(members)
    if tier.wiring == "pairs" and np.isfinite(tier.devices) and tier.devices > 1.0:
        return np.where(members > 1.0, (members - 1.0) / (tier.devices - 1.0), one), one
    if tier.wiring == "torus":
        return _torus(tier, np.maximum(members / per_chip, 1.0), np.maximum(stride / per_chip, 1.0)), one
    return one, one


def _torus(tier: FabricTier, chips: Array, stride: Array) -> Array:
    """Share of a torus's links that a group can use, at most 1.

    Neighbours (stride 1) are a slice of their own, as near to a cube as the dimensions allow: its sides are rings
    where they close, else open lines, on which a ring runs at half the rate. A group with a stride shares the
    dimensions with the groups inside it, as the logarithms of their sizes.
    """
    count = len(tier.torus)
    spanned = np.log(np.maximum(chips * stride, 2.0))
    axes = np.where(chips > 1.0, np.clip(count * np.log(np.maximum(chips, 1.0)) / spanned, 1.0, count), count)
    axes = np.minimum(axes, np.maximum(np.floor(np.log2(np.maximum(chips, 2.0))), 1.0))
    side = np.minimum(np.maximum(chips, 1.0) ** (1.0 / np.maximum(axes, 1.0)), max(tier.torus))
    closed = side >= (tier.closes or min(tier.torus)) * (1.0 - 1e-9)
    return np.where(chips > 1.0, axes / count * np.where(closed, 1.0, 0.5), 1.0)

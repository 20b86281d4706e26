"""Where the members of a group sit on the tiers of a machine, and which share of a tier's links they can use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import MissingFact
from accord.fabric.group import Group
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine

UNLAYERED = ("nvidia", "amd")
"""Vendors whose libraries (NCCL, RCCL) have rings and trees over all ranks, and no algorithm tier by tier.

Source: NVIDIA, NCCL, src/graph/tuning.cc at 01afd20, ``ncclTopoTuneModel``. Intel states the contrary of its own: "Most
of the collectives are implemented in a hierarchical manner", Intel Gaudi Network Configuration, docs.habana.ai.
"""


@dataclass(frozen=True, slots=True)
class Span:
    """One tier under a group, arrays of shape ``(D,)``.

    before, reached: members that one domain of the tier inside this one holds, and one of this tier
    links: share of the device's rate on this tier that its partners in the group can use [1]
    hops: steps of a ring through the members, over one less than the members [1]: a torus runs its dimensions at
        once and both ways round; distance: links that a byte between two members passes, on average [1]
    layered: whether the vendor's library runs a collective tier by tier
    """

    tier: FabricTier
    before: Array
    reached: Array
    links: Array
    hops: Array
    distance: Array
    layered: bool

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
        used = _used(tier, reached / before, group.stride, machine.devices_per_chip)
        found.append(Span(tier, before, reached, *used, machine.device.vendor not in UNLAYERED))
        before = reached
    return tuple(found)


def _used(tier: FabricTier, members: Array, stride: Array, per_chip: int) -> tuple[Array, Array, Array]:
    """Share of the rate that ``members`` can use, steps of a ring over one less than them, and mean distance."""
    one = np.ones_like(members * stride)
    if tier.wiring == "pairs" and np.isfinite(tier.devices) and tier.devices > 1.0:
        return np.where(members > 1.0, (members - 1.0) / (tier.devices - 1.0), one), one, one
    if tier.wiring == "torus":
        return _torus(tier, np.maximum(members / per_chip, 1.0) * one, np.maximum(stride / per_chip, 1.0))
    return one, one, one


def _torus(tier: FabricTier, chips: Array, stride: Array) -> tuple[Array, Array, Array]:
    """What a group can use of a torus.

    Neighbours (stride 1) are a slice of their own, as near to a cube as the dimensions allow: its sides are rings
    where they close, else open lines, on which a ring runs at half the rate. A group with a stride shares the
    dimensions with the groups inside it, as the logarithms of their sizes.
    """
    count = len(tier.torus)
    several = chips > 1.0
    spanned = np.log(np.maximum(chips * stride, 2.0))
    axes = np.where(several, np.clip(count * np.log(chips) / spanned, 1.0, count), count)
    axes = np.minimum(axes, np.maximum(np.floor(np.log2(np.maximum(chips, 2.0))), 1.0))
    side = chips ** (1.0 / axes)
    closed = side >= (tier.closes or min(tier.torus)) * (1.0 - 1e-9)
    links = np.where(several, axes / count * np.where(closed, 1.0, 0.5), 1.0)
    steps = axes * (side - 1.0) * np.where(closed, 0.5, 1.0)
    hops = np.where(several, np.minimum(steps / np.maximum(chips - 1.0, 1.0), 1.0), 1.0)
    distance = np.where(several, np.maximum(axes * side / np.where(closed, 4.0, 3.0), 1.0), 1.0)
    return links, hops, distance

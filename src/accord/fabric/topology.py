"""A machine as a graph: devices, switches, and links with capacities.

Parallel switches of one level that share traffic evenly (the seven sub-planes of UB, the spines of a fat tree) are one
switch here, whose links carry what all of them carry together. With equal splitting over equal paths this changes no
rate. Links are directed; a cable is two of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.base.errors import MissingFact, NotSupported
from accord.fabric.shapes import Shape
from accord.hardware.system import Machine

Index = npt.NDArray[np.int64]
MOST_DEVICES = 1 << 20


@dataclass(frozen=True, slots=True)
class Layer:
    """Switches of one level of a tree.

    parent: which of them each lower device or switch hangs on, shape ``(lower,)``
    first: id of the link up from the first of the lower ones; the links down follow those up
    node: id of the first switch; switches: how many; chips: switch chips that one of them stands for, 0 unknown
    """

    tier: int
    name: str
    parent: Index
    first: int
    node: int
    switches: int
    chips: int

    @property
    def lower(self) -> int:
        """Devices or switches below."""
        return len(self.parent)

    def up(self, lower: Index) -> Index:
        """Links from the lower ones into this level."""
        return self.first + lower

    def down(self, lower: Index) -> Index:
        """Links from this level to the lower ones."""
        return self.first + self.lower + lower


@dataclass(frozen=True, slots=True)
class Tree:
    """Switches in levels.

    reach: devices it joins; relay: rails, that is devices of one scale-up domain; a transfer to another rail first
        goes to the device of its own domain on that rail (0: no rails)
    """

    plane: str
    reach: int
    layers: tuple[Layer, ...]
    relay: int = 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """A link from each device of a domain to each other one; first: id of the first link."""

    plane: str
    reach: int
    tier: int
    first: int


@dataclass(frozen=True, slots=True)
class Torus:
    """Rings along each dimension; device numbers count fastest along the last.

    first: id of the first link; a device has two in each dimension, forwards and backwards
    """

    plane: str
    reach: int
    tier: int
    dims: tuple[int, ...]
    first: int


Wires = Tree | Pairs | Torus


@dataclass(frozen=True, slots=True)
class Topology:
    """Devices, switches and links.

    devices: their number; nodes of the graph are numbered devices first; nodes: how many there are
    planes: scale-up first; source, target: node ids, shape ``(L,)``; tier: place in ``Machine.tiers``, ``(L,)``
    capacity: [B/s], shape ``(L,)``
    """

    machine: str
    devices: int
    nodes: int
    planes: tuple[Wires, ...]
    source: Index
    target: Index
    tier: Index
    capacity: Array


def extent(machine: Machine, devices: int | None) -> int:
    """Devices of the graph: whole scale-up domains that hold ``devices``, at least the machine.

    Raises MissingFact where no network of the machine reaches so far, NotSupported beyond :data:`MOST_DEVICES`.
    """
    if not machine.tiers or max(tier.devices for tier in machine.tiers) <= 1.0:
        raise MissingFact(f"{machine.id}: no link between devices is stated", hint="use a system with a fabric")
    wanted = max(devices or 0, machine.devices)
    reach = max(tier.devices for tier in machine.tiers)
    if wanted > reach:
        raise MissingFact(
            f"{wanted:,} devices are asked for, but the links of {machine.id} join {reach:,.0f}",
            hint="use fewer ranks, or a system whose catalog entry states its scale-out network",
        )
    if wanted > MOST_DEVICES:
        raise NotSupported(
            f"{wanted:,} devices are more than the {MOST_DEVICES:,} of a graph",
            hint="ask for fewer ranks, or no picture",
        )
    domain = max(machine.scale_up_devices, 1)
    return math.ceil(wanted / domain) * domain


def build(
    machine: Machine, shapes: Sequence[Shape], devices: int | None = None, rates: Sequence[float] | None = None
) -> Topology:
    """The graph of a machine, or of as many of it as hold ``devices``.

    rates: of each of ``machine.tiers`` [B/s per device and direction] in place of the nominal ones
    Raises MissingFact where no network reaches so far.
    """
    count = extent(machine, devices)
    making = _Graph(machine, shapes, count, [_rate(machine, at, rates) for at in range(len(machine.tiers))])
    planes: list[Wires] = []
    for name in dict.fromkeys(machine.tiers[shape.tier].plane for shape in shapes):
        planes.append(making.plane([shape for shape in shapes if machine.tiers[shape.tier].plane == name]))
    return Topology(
        machine.id, count, making.nodes, tuple(planes),
        np.concatenate(making.source), np.concatenate(making.target), np.concatenate(making.tier),
        np.concatenate(making.capacity),
    )  # fmt: skip


def _rate(machine: Machine, at: int, rates: Sequence[float] | None) -> float:
    return float(rates[at] if rates is not None else np.mean(machine.tiers[at].bytes_per_s))


class _Graph:
    """Links as they are added, plane by plane."""

    def __init__(self, machine: Machine, shapes: Sequence[Shape], count: int, rates: Sequence[float]) -> None:
        self._machine, self._shapes, self._count, self._rates = machine, shapes, count, rates
        self.nodes, self._links = count, 0
        self.source: list[Index] = []
        self.target: list[Index] = []
        self.tier: list[Index] = []
        self.capacity: list[Array] = []

    def plane(self, shapes: Sequence[Shape]) -> Wires:
        """Add one plane; its tiers share ports."""
        first = shapes[0]
        if first.kind == "torus":
            return self._torus(first)
        if first.kind == "pairs":
            return self._pairs(first)
        return self._network(first) if first.kind in ("fat-tree", "rails") else self._switches(shapes)

    def _name(self, shape: Shape) -> str:
        return self._machine.tiers[shape.tier].plane

    def _reach(self, shape: Shape) -> int:
        return int(min(shape.devices, self._count))

    def _add(self, source: Index, target: Index, tier: int, capacity: Array) -> int:
        """Add links; returns the id of the first."""
        first = self._links
        self.source.append(source)
        self.target.append(target)
        self.tier.append(np.full(len(source), tier, dtype=np.int64))
        self.capacity.append(np.broadcast_to(capacity, source.shape).astype(np.float64))
        self._links += len(source)
        return first

    def _layer(self, shape: Shape, name: str, parent: Index, below: int, capacity: Array, chips: int) -> Layer:
        """Switches above ``parent``; below: node id of the first lower one; capacity: of a link each way [B/s]."""
        switches = int(parent.max()) + 1
        node = self.nodes
        self.nodes += switches
        lower = below + np.arange(len(parent))
        first = self._add(lower, node + parent, shape.tier, capacity)
        self._add(node + parent, lower, shape.tier, capacity)
        return Layer(shape.tier, name, parent, first, node, switches, chips)

    def _switches(self, shapes: Sequence[Shape]) -> Tree:
        """One level of switches a tier."""
        layers: list[Layer] = []
        width, below = 1, 0
        capacity = np.asarray([self._rates[shapes[0].tier]])
        for at, shape in enumerate(shapes):
            size = self._reach(shape)
            lower = self._count // width
            parent = np.arange(lower, dtype=np.int64) * width // size
            domains = int(parent.max()) + 1
            chips = math.ceil(shape.chips * size / self._machine.devices) if shape.chips else 0
            layers.append(self._layer(shape, shape.name, parent, below, capacity, chips))
            below, width = self.nodes - domains, size
            if at + 1 < len(shapes):
                capacity = np.asarray([self._uplink(shape, shapes[at + 1], size)])
        return Tree(self._name(shapes[0]), self._reach(shapes[-1]), tuple(layers))

    def _uplink(self, shape: Shape, outer: Shape, size: int) -> float:
        """Rate between a domain and the tier above it, each way [B/s]."""
        nominal = float(np.mean(self._machine.tiers[outer.tier].bytes_per_s))
        ports = size * self._rates[outer.tier] / outer.oversubscription
        if shape.uplink_bytes_per_s is None:
            return ports
        return shape.uplink_bytes_per_s * self._rates[outer.tier] / nominal

    def _network(self, shape: Shape) -> Tree:
        """Leaves and one core that stands for all levels above them."""
        domain = max(self._machine.scale_up_devices, 1)
        device = np.arange(self._count, dtype=np.int64)
        rails = domain if shape.kind == "rails" else 0
        leaf = device // domain // shape.leaf * domain + device % domain if rails else device // shape.leaf
        rate = np.asarray([self._rates[shape.tier]])
        layers = [self._layer(shape, f"{shape.name}, leaf", leaf, 0, rate, 1)]
        leaves = layers[0].switches
        if leaves > 1:
            under = np.bincount(leaf, minlength=leaves) * rate / shape.oversubscription
            core = np.zeros(leaves, dtype=np.int64)
            layers.append(self._layer(shape, f"{shape.name}, core", core, layers[0].node, under, 0))
        return Tree(self._name(shape), self._count, tuple(layers), rails)

    def _pairs(self, shape: Shape) -> Pairs:
        size = self._reach(shape)
        rate = self._rates[shape.tier] / max(size - 1, 1)
        domain, start, end = np.meshgrid(
            np.arange(self._count // size), np.arange(size), np.arange(size), indexing="ij"
        )  # fmt: skip
        capacity = np.where(start == end, 0.0, rate).ravel()
        source, target = (domain * size + start).ravel(), (domain * size + end).ravel()
        return Pairs(self._name(shape), size, shape.tier, self._add(source, target, shape.tier, capacity))

    def _torus(self, shape: Shape) -> Torus:
        size, dims = self._reach(shape), shape.dims
        device = np.arange(self._count, dtype=np.int64)
        place = np.stack(np.unravel_index(device % size, dims))
        rate = self._rates[shape.tier] / (2 * len([side for side in dims if side > 1]))
        target = np.empty((self._count, len(dims), 2), dtype=np.int64)
        capacity = np.empty((self._count, len(dims), 2))
        for axis, side in enumerate(dims):
            for way, step in enumerate((1, -1)):
                moved = place.copy()
                moved[axis] = (moved[axis] + step) % side
                target[:, axis, way] = device - device % size + np.ravel_multi_index(tuple(moved), dims)
                capacity[:, axis, way] = rate if side > 1 else 0.0
        source = np.broadcast_to(device[:, None, None], target.shape).ravel()
        first = self._add(source, target.ravel(), shape.tier, capacity.ravel())
        return Torus(self._name(shape), size, shape.tier, dims, first)


def bisection_bytes_per_s(topology: Topology, tier: int) -> float:
    """What may cross from one half of a domain of a tier to the other, each way [B/s].

    tier: place in ``Machine.tiers``; halves are of equal size and cut where least crosses
    Raises MissingFact where the tier joins nothing.
    """
    for wires in topology.planes:
        if isinstance(wires, Tree):
            layers = [layer for layer in wires.layers if layer.tier == tier]
            if layers:
                top = layers[-1]
                inside = topology.capacity[top.first : top.first + top.lower][top.parent == 0]
                return float(inside.sum()) / 2.0
        elif wires.tier == tier:
            return _across(wires, topology)
    raise MissingFact(f"{topology.machine}: tier {tier} joins no devices")


def _across(wires: Pairs | Torus, topology: Topology) -> float:
    if isinstance(wires, Pairs):
        half = wires.reach // 2
        return half * (wires.reach - half) * float(topology.capacity[wires.first + 1])
    longest = max(range(len(wires.dims)), key=lambda axis: wires.dims[axis])
    link = float(topology.capacity[wires.first + 2 * longest])
    return 2.0 * wires.reach / wires.dims[longest] * link

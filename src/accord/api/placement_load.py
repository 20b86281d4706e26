"""What a deployment that runs puts on the wires: bytes per second on every link, flow by flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array
from accord.base.errors import NotSupported
from accord.fabric.flows import loads
from accord.fabric.routes import routes
from accord.fabric.topology import Index, Layer, Topology, Tree, Wires
from accord.ops.op import Op, Phase
from accord.parallel.collectives import sent_bytes
from accord.parallel.plan import Setting
from accord.report.placement import Instance

PAIRS_AT_ONCE = 200_000
MOST_PAIRS = 2_000_000


@dataclass(frozen=True, slots=True)
class Sends:
    """What a device sends in one step to others of its group, by reach of the plane.

    near, far: over scale-up and scale-out planes [B]; ring: as a ring of neighbours, of ``ranks`` each
    """

    name: str
    ranks: int
    near: float
    far: float
    ring: bool


def sends_of(ops: Sequence[Op], setting: Setting, phase: Phase, pp: int) -> list[Sends]:
    """Traffic of one device in a step from the operators of the cost model, those of one name and size together."""
    found: dict[tuple[str, int, bool], list[float]] = {}
    for op in ops:
        ranks, sent = int(op.ranks[0]), float(op.wire_bytes[0]) * op.layers / pp
        if ranks < 2 or sent <= 0.0:
            continue
        if op.stage == "exchange":
            parts = sent_bytes(op, setting.machine.tiers, phase)
            near = sum(float(part[0]) for tier, part in parts if tier.kind == "scale-up") * op.layers / pp
            far = sum(float(part[0]) for tier, part in parts if tier.kind != "scale-up") * op.layers / pp
            key = (op.name, ranks, False)
        else:
            near, far = 2.0 * (ranks - 1.0) / ranks * sent, 0.0
            key = ("sums over ranks", ranks, True)
        one = found.setdefault(key, [0.0, 0.0])
        one[0], one[1] = one[0] + near, one[1] + far
    return [Sends(name, ranks, near, far, ring) for (name, ranks, ring), (near, far) in found.items()]


def group_load(topology: Topology, sends: Sends, instance: Instance, pp: int, domain: int) -> Array:
    """Bytes on each link in one step of an instance, shape ``(L,)``.

    pp: pipeline stages, each with a part of the devices; domain: devices that scale-up planes join
    """
    total = np.zeros(len(topology.capacity))
    size = max(min(sends.ranks, instance.devices // pp), 1)
    for first in range(instance.first, instance.first + instance.devices - size + 1, size):
        members = np.arange(first, first + size, dtype=np.int64)
        if sends.ring:
            total += _routed(topology, members, np.roll(members, -1), sends.near)
            continue
        homes = [members[members // domain == home] for home in np.unique(members // domain)]
        for home in homes:
            if len(home) > 1:
                total += pair_load(topology, home, home, sends.near / (len(home) - 1))
        if len(homes) > 1 and sends.far > 0.0:
            total += _beyond(topology, members, homes, sends.far)
    return total


def _beyond(topology: Topology, members: Index, homes: Sequence[Index], far: float) -> Array:
    """Traffic between domains."""
    total = np.zeros(len(topology.capacity))
    for home in homes:
        others = np.setdiff1d(members, home)
        total += pair_load(topology, home, others, far / len(others))
    return total


def pair_load(
    topology: Topology, sources: Index, targets: Index, pair_bytes: float, plane: Wires | None = None
) -> Array:
    """``pair_bytes`` from each source to each target that is another device, on each link, shape ``(L,)``.

    plane: the one that carries it, None for the innermost that joins two devices. Raises NotSupported for too many.
    """
    used = topology if plane is None else replace(topology, planes=(plane,))
    everyone = np.concatenate([sources, targets])
    for wires in used.planes:
        if len(np.unique(everyone // wires.reach)) == 1:
            if isinstance(wires, Tree) and not wires.relay:
                return _tree_load(used, wires, sources, targets, pair_bytes)
            break
    if len(sources) * len(targets) > MOST_PAIRS:
        raise NotSupported(
            f"{len(sources):,} devices send to {len(targets):,}: too many to follow one by one",
            hint="use smaller instances",
        )
    total = np.zeros(len(topology.capacity))
    step = max(PAIRS_AT_ONCE // len(targets), 1)
    for at in range(0, len(sources), step):
        part = sources[at : at + step]
        total += _routed(used, np.repeat(part, len(targets)), np.tile(targets, len(part)), pair_bytes)
    return total


def _routed(topology: Topology, source: Index, target: Index, size_bytes: float) -> Array:
    apart = source != target
    if not apart.any():
        return np.zeros(len(topology.capacity))
    ways = routes(topology, source[apart], target[apart])
    return loads(ways, np.full(ways.transfers, size_bytes), len(topology.capacity))


def _tree_load(topology: Topology, tree: Tree, sources: Index, targets: Index, pair_bytes: float) -> Array:
    """On a tree what leaves a switch is what those below it send to those that are not."""
    total = np.zeros(len(topology.capacity))
    start, end = (_counted(side, topology.devices) for side in (sources, targets))
    for layer in tree.layers:
        lower = np.arange(layer.lower)
        total[layer.up(lower)] += start * (len(targets) - end) * pair_bytes
        total[layer.down(lower)] += end * (len(sources) - start) * pair_bytes
        start, end = _under(layer, start), _under(layer, end)
    return total


def _counted(devices: Index, count: int) -> Array:
    return np.bincount(devices, minlength=count).astype(np.float64)


def _under(layer: Layer, values: Array) -> Array:
    """Values of the lower ones added up by switch."""
    return np.bincount(layer.parent, weights=values, minlength=layer.switches).astype(np.float64)


def pool_load(topology: Topology, tree: Tree, targets: Index, total_bytes: float) -> Array:
    """Reads from memory that lies evenly over all nodes, on each link, shape ``(L,)``.

    The memory hangs on the innermost switches beside the devices; its own links are none of the graph's.
    """
    total = np.zeros(len(topology.capacity))
    start = np.full(topology.devices, total_bytes / topology.devices)
    end = _counted(targets, topology.devices) / len(targets)
    for depth, layer in enumerate(tree.layers):
        lower = np.arange(layer.lower)
        if depth:
            total[layer.up(lower)] += start * (1.0 - end)
            total[layer.down(lower)] += end * (total_bytes - start)
        else:
            total[layer.down(lower)] += end * total_bytes
        start, end = _under(layer, start), _under(layer, end)
    return total

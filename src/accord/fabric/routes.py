"""The way a transfer takes: the innermost plane that joins both ends, by a shortest path, split evenly over equal ones.

Trees are climbed to the lowest switch above both ends. On rails a transfer to another rail first goes, inside its own
domain, to the device on that rail, as collective libraries do. A torus is walked one dimension after the other, the
first one first; where both ways round a ring are equally long, half goes either way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import MissingFact, UsageError
from accord.fabric.topology import Index, Pairs, Topology, Torus, Tree, Wires


@dataclass(frozen=True, slots=True)
class Routes:
    """Which links transfers load.

    transfers: their number; transfer, link, share: entry by entry, shape ``(E,)``: ``share`` of the bytes of
        ``transfer`` passes ``link`` [1]
    tier: outermost tier each transfer uses, place in ``Machine.tiers``, shape ``(F,)``
    """

    transfers: int
    transfer: Index
    link: Index
    share: Array
    tier: Index


def routes(topology: Topology, source: Index, target: Index) -> Routes:
    """Ways of transfers from ``source`` to ``target``, device numbers of shape ``(F,)``.

    Raises UsageError for a device that is not there or sends to itself, MissingFact where nothing joins two.
    """
    _check(topology, source, target)
    found = _Found(len(source))
    left = np.ones(len(source), dtype=np.bool_)
    for wires in topology.planes:
        both = left & (source // wires.reach == target // wires.reach)
        _over(topology, wires, np.flatnonzero(both), source, target, found)
        left &= ~both
    if left.any():
        at = int(np.flatnonzero(left)[0])
        raise MissingFact(f"{topology.machine}: no link joins devices {source[at]} and {target[at]}")
    return found.joined()


def _check(topology: Topology, source: Index, target: Index) -> None:
    for place in (source, target):
        bad = np.flatnonzero((place < 0) | (place >= topology.devices))
        if len(bad):
            raise UsageError(
                f"there is no device {place[bad[0]]}", hint=f"devices are numbered 0 to {topology.devices - 1}"
            )
    same = np.flatnonzero(source == target)
    if len(same):
        raise UsageError(f"device {source[same[0]]} sends to itself", hint="name two devices")


class _Found:
    """Entries as they are found."""

    def __init__(self, transfers: int) -> None:
        self._transfers = transfers
        self._parts: list[tuple[Index, Index, Array]] = []
        self._tier: Index = np.zeros(transfers, dtype=np.int64)

    def add(self, transfer: Index, link: Index, share: Array | float, tier: int) -> None:
        """Transfers that pass one link each."""
        self._parts.append((transfer, link, np.broadcast_to(share, link.shape).astype(np.float64)))
        self._tier[transfer] = np.maximum(self._tier[transfer], tier)

    def joined(self) -> Routes:
        """All entries."""
        none: Index = np.zeros(0, dtype=np.int64)
        transfer = np.concatenate([none, *(part[0] for part in self._parts)])
        link = np.concatenate([none, *(part[1] for part in self._parts)])
        share = np.concatenate([np.zeros(0), *(part[2] for part in self._parts)])
        return Routes(self._transfers, transfer, link, share, self._tier)


def _over(topology: Topology, wires: Wires, which: Index, source: Index, target: Index, found: _Found) -> None:
    """Routes of the transfers ``which`` over one plane."""
    if not len(which):
        return
    start, end = source[which], target[which]
    if isinstance(wires, Tree):
        if wires.relay:
            start = _relayed(topology, wires, which, start, end, found)
        _climb(wires, which, start, end, found)
    elif isinstance(wires, Pairs):
        size = wires.reach
        found.add(which, wires.first + start * size + end % size, 1.0, wires.tier)
    else:
        _walk(wires, which, start, end, found)


def _relayed(topology: Topology, tree: Tree, which: Index, start: Index, end: Index, found: _Found) -> Index:
    """Bring transfers to the rail of their target inside their own domain; returns where they leave it."""
    relay = start // tree.relay * tree.relay + end % tree.relay
    off = np.flatnonzero(relay != start)
    inner = next((wires for wires in topology.planes if wires is not tree and wires.reach >= tree.relay), None)
    if inner is None:
        return start
    here = np.zeros(int(which.max()) + 1, dtype=np.int64)
    there = here.copy()
    here[which], there[which] = start, relay
    _over(topology, inner, which[off], here, there, found)
    return relay


def _climb(tree: Tree, which: Index, start: Index, end: Index, found: _Found) -> None:
    """Up to the lowest common switch, and down again."""
    low, high, going = start, end, which
    for layer in tree.layers:
        found.add(going, layer.up(low), 1.0, layer.tier)
        found.add(going, layer.down(high), 1.0, layer.tier)
        low, high = layer.parent[low], layer.parent[high]
        apart = low != high
        low, high, going = low[apart], high[apart], going[apart]
        if not len(going):
            return


def _walk(torus: Torus, which: Index, start: Index, end: Index, found: _Found) -> None:
    """Along each dimension in turn, the shorter way round."""
    origin = start // torus.reach * torus.reach
    here = np.stack(np.unravel_index(start % torus.reach, torus.dims))
    there = np.stack(np.unravel_index(end % torus.reach, torus.dims))
    ways = 2 * len(torus.dims)
    for axis, side in enumerate(torus.dims):
        forward = (there[axis] - here[axis]) % side
        tie = 2 * forward == side
        for way, (step, steps) in enumerate(((1, forward), (-1, (side - forward) % side))):
            share = np.where(tie, 0.5, 1.0)
            steps = np.where(2 * steps <= side, steps, 0)
            for done in range(int(steps.max(initial=0))):
                going = np.flatnonzero(steps > done)
                place = here[:, going].copy()
                place[axis] = (place[axis] + step * done) % side
                device = origin[going] + np.ravel_multi_index(tuple(place), torus.dims)
                link = torus.first + device * ways + 2 * axis + way
                found.add(which[going], link, share[going], torus.tier)
        here[axis] = there[axis]

"""An all-to-all as what it is: a transfer from each rank to each other, all at once, at max-min fair rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.fabric.flows import fair_rates, loads
from accord.fabric.routes import routes
from accord.fabric.shapes import box
from accord.fabric.topology import Index, Topology, Torus

MOST_TRANSFERS = 300_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """How long the wires need.

    transfers: their number; fair_s: the longest transfer at fair rates, which stay as they are until it ends
    least_s: bytes of the busiest link over its capacity, below which no schedule can get
    link: the busiest one; rate_bytes_per_s: fair rate of the slowest transfer
    """

    transfers: int
    fair_s: float
    least_s: float
    link: int
    rate_bytes_per_s: float


def transfers_of(ranks: int, stride: int) -> int:
    """Transfers of an all-to-all over groups of ``ranks``, ``stride`` of them side by side."""
    return stride * ranks * (ranks - 1)


def exchange(topology: Topology, ranks: int, stride: int, size_bytes: float) -> Exchange:
    """Send ``size_bytes / ranks`` from each rank to each other, in all groups of that stride at once.

    size_bytes: the whole send buffer of a rank; ranks: 2 or more. Neighbours on a torus are a slice of their own.
    """
    one, two = np.divmod(np.arange(ranks * ranks, dtype=np.int64), ranks)
    apart = one != two
    device = _members(topology, ranks, stride)
    source, target = (device[:, side[apart]].ravel() for side in (one, two))
    ways = routes(topology, source, target)
    fair = fair_rates(ways, topology.capacity)
    part = size_bytes / ranks
    carried = loads(ways, np.full(ways.transfers, part), len(topology.capacity))
    busy = np.divide(carried, topology.capacity, out=np.zeros_like(carried), where=topology.capacity > 0.0)
    link = int(np.argmax(busy))
    slowest = float(fair.rates.min())
    return Exchange(ways.transfers, part / slowest, float(busy[link]), link, slowest)


def _members(topology: Topology, ranks: int, stride: int) -> Index:
    """Devices of each group, shape ``(stride, ranks)``."""
    inner = topology.planes[0]
    if isinstance(inner, Torus) and stride == 1 and ranks < inner.reach:
        sides = box(inner.dims, ranks)
        if sides:
            places = np.unravel_index(np.arange(ranks), sides)
            return np.asarray(np.ravel_multi_index(places, inner.dims), dtype=np.int64)[None, :]
    return np.arange(ranks, dtype=np.int64)[None, :] * stride + np.arange(stride, dtype=np.int64)[:, None]

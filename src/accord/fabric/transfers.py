"""Concurrent transfers to their end: fair rates, renewed whenever one starts or ends.

A transfer takes its latency and then the time its bytes need at the rates it gets; rates are max-min fair among those
under way. Protocol overhead is in the capacities, not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.fabric.flows import fair_rates, loads
from accord.fabric.routes import Routes, routes
from accord.fabric.topology import Index, Topology

ENDED = 1e-12  # share of its bytes that may be left of a transfer that has ended


@dataclass(frozen=True, slots=True)
class Transfers:
    """What is sent: device numbers, bytes and seconds at which each starts, shape ``(F,)`` each."""

    source: Index
    target: Index
    size_bytes: Array
    start_s: Array


@dataclass(frozen=True, slots=True)
class Completed:
    """How it went.

    end_s: when the last byte arrives, shape ``(F,)``; rate: mean while its bytes moved [B/s], ``(F,)``
    bottleneck: link that held each one last, ``(F,)``; sent_bytes: over each link, ``(L,)``
    total_s: from the first start to the last end; events: how often rates were renewed
    """

    routes: Routes
    end_s: Array
    rate: Array
    bottleneck: Index
    sent_bytes: Array
    total_s: float
    events: int


def complete(topology: Topology, sent: Transfers, latency_s: Sequence[float]) -> Completed:
    """Run transfers to their end.

    latency_s: of each of ``Machine.tiers``; a transfer takes that of the outermost tier it uses
    Raises UsageError for sizes that are not above 0 or starts before 0, and as :func:`accord.fabric.routes.routes`.
    """
    if not len(sent.source):
        raise UsageError("no transfer is given", hint="write one as 'FROM->TO:SIZE', such as '0->8:1GB'")
    if np.any(sent.size_bytes <= 0.0) or np.any(sent.start_s < 0.0):
        raise UsageError("a transfer has no bytes or starts before 0", hint="sizes are above 0, starts 0 or later")
    ways = routes(topology, sent.source, sent.target)
    ready = sent.start_s + np.asarray(latency_s, dtype=np.float64)[ways.tier]
    end, bottleneck, events = _run(ways, topology.capacity, sent.size_bytes, ready)
    return Completed(
        ways, end, sent.size_bytes / (end - ready), bottleneck,
        loads(ways, sent.size_bytes, len(topology.capacity)), float(end.max() - sent.start_s.min()), events,
    )  # fmt: skip


def _run(ways: Routes, capacity: Array, size_bytes: Array, ready_s: Array) -> tuple[Array, Index, int]:
    """End of each transfer, the link that held it last, and the number of events."""
    left = size_bytes.copy()
    end = np.full(len(left), np.nan)
    bottleneck = np.full(len(left), -1, dtype=np.int64)
    now, events = float(ready_s.min()), 0
    while True:
        open_ = np.isnan(end)
        if not open_.any():
            return end, bottleneck, events
        going = np.flatnonzero(open_ & (ready_s <= now))
        waiting = ready_s[open_ & (ready_s > now)]
        until = float(waiting.min()) if len(waiting) else np.inf
        if not len(going):
            now = until
            continue
        fair = fair_rates(ways, capacity, going)
        events += 1
        bottleneck[going] = fair.bottleneck[going]
        need = left[going] / fair.rates[going]
        step = min(float(need.min()), until - now)
        left[going] -= step * fair.rates[going]
        now = until if step == until - now else now + step
        ended = going[left[going] <= ENDED * size_bytes[going]]
        end[ended], left[ended] = now, 0.0

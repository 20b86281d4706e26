"""What an algorithm sends over each tier, and in how many steps, for every collective.

Bytes are per device and direction. ``ring`` runs once through all ranks, domain after domain, as many rings as
devices a domain holds, so that each network card takes its share. ``hierarchical`` reduces inside a domain before it
leaves it and gathers in reverse. ``tree`` is a chain inside a domain and a double binary tree between domains.
``direct`` sends every part to its rank in one step. ``nvls`` lets the switch add up and copy: of ``m`` members each
sends ``1 + 1/m`` of the payload, not ``2 (m - 1) / m``.

References: P. Sanders, J. Speck, J. Traeff, "Two-tree algorithms for full bandwidth broadcast, reduction and scan",
Parallel Computing 35 (2009); R. Thakur, R. Rabenseifner, W. Gropp, "Optimization of collective communication
operations in MPICH", IJHPCA 19 (2005).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from accord.base.array import Array
from accord.fabric.spans import Span

REDUCING = ("all_reduce", "all_gather", "reduce_scatter")
COLLECTIVES = (*REDUCING, "all_to_all", "p2p", "broadcast")
ALGORITHMS = ("ring", "tree", "hierarchical", "direct", "nvls")


@dataclass(frozen=True, slots=True)
class Load:
    """One tier's part of one collective, arrays of shape ``(D,)``.

    size_bytes: a device sends; steps: one after another; messages: to different ranks, one after another
    summed: whether the switch of the tier adds up
    """

    size_bytes: Array
    steps: Array
    messages: Array
    summed: bool = False


Loads = tuple[Load, ...]
Rule = Callable[[str, Array, Array, tuple[Span, ...]], Loads]


def phases(name: str) -> float:
    """How often the payload goes around: an all-reduce is a reduce-scatter and an all-gather."""
    return 2.0 if name == "all_reduce" else 1.0


def ring(name: str, size_bytes: Array, ranks: Array, spans: tuple[Span, ...]) -> Loads:
    """One ring over all ranks; a broadcast passes every rank but the last."""
    around = ranks - 1.0
    carried = size_bytes * (1.0 if name == "broadcast" else phases(name) * around / ranks)
    found = []
    for span in spans:
        edges = span.edges(ranks)
        steps = phases(name) * around * edges * span.hops
        found.append(Load(carried * edges, steps, np.zeros_like(steps)))
    return tuple(found)


def hierarchical(name: str, size_bytes: Array, ranks: Array, spans: tuple[Span, ...]) -> Loads:
    """A ring in each domain of each tier; what leaves a domain is cut among its members."""
    found = []
    for span in spans:
        passes = phases(name) * (span.members - 1.0)
        sent = passes / span.members * size_bytes / span.before
        found.append(Load(sent, passes * span.hops, np.zeros_like(passes)))
    return tuple(found)


def tree(name: str, size_bytes: Array, ranks: Array, spans: tuple[Span, ...]) -> Loads:
    """A chain inside the innermost domain, double binary trees between domains.

    In one of the two trees, of half the payload each, a domain passes on what two others send; so with more than two
    domains each port sends the payload once a phase.
    """
    ways = phases(name)
    found: list[Load] = []
    for index, span in enumerate(spans):
        chain = ways * (span.members - 1.0)
        if index == 0:
            sent = size_bytes * (np.minimum(chain, 1.0) if name == "broadcast" else chain / span.members)
            steps = chain * span.hops
        else:
            sent = ways * np.minimum((span.members - 1.0) / 2.0, 1.0) * size_bytes / span.before
            steps = ways * np.log2(span.members)
        found.append(Load(sent, steps, np.zeros_like(chain)))
    return tuple(found)


def direct(name: str, size_bytes: Array, ranks: Array, spans: tuple[Span, ...]) -> Loads:
    """Every rank sends to every other at once; all-gather and reduce-scatter too, so an all-reduce does it twice.

    On a torus bytes are passed on, so that devices send each of them as often as it has links to pass.
    """
    ways = phases(name)
    found = []
    for span in spans:
        farther = np.maximum(span.reached - span.before, 0.0)
        once = np.where(farther > 0.0, ways, 0.0)
        messages = ways * farther
        found.append(Load(messages * size_bytes / ranks * span.distance, once, messages))
    return tuple(found)


def nvls(name: str, size_bytes: Array, ranks: Array, spans: tuple[Span, ...]) -> Loads:
    """Sums in the switch of the innermost domain, trees between domains."""
    outer = tree(name, size_bytes, ranks, spans)[1:]
    inner = spans[0]
    some = inner.members > 1.0
    sent = np.where(some, (1.0 + 1.0 / inner.members) * size_bytes, 0.0)
    return (Load(sent, np.where(some, 2.0, 0.0), np.zeros_like(sent), summed=True), *outer)


def send(name: str, size_bytes: Array, ranks: Array, spans: tuple[Span, ...]) -> Loads:
    """One rank to another: over the first tier that joins two."""
    found = []
    for span in spans:
        here = (span.before < 2.0) & (span.reached >= 2.0)
        found.append(Load(np.where(here, size_bytes, 0.0), np.where(here, 1.0, 0.0), np.zeros_like(size_bytes)))
    return tuple(found)


RULES: Mapping[str, Rule] = MappingProxyType(
    {"ring": ring, "tree": tree, "hierarchical": hierarchical, "direct": direct, "nvls": nvls, "send": send}
)


def candidates(name: str, spans: tuple[Span, ...]) -> tuple[str, ...]:
    """Algorithms that a library would choose from for a collective on these tiers, and that the tiers allow.

    Sums and gathers go direct only where every two devices have a link, since on a switch one port is all a
    device has; trees only between domains; sums in the switch only for all-reduce; tier by tier only where the
    vendor's library does so.
    """
    if name == "p2p":
        return ("send",)
    if name == "all_to_all":
        return ("direct",)
    several = bool(np.any([np.any(span.members > 1.0) for span in spans[1:]]))
    found = ["ring"]
    if name == "broadcast":
        return ("ring", "tree") if several else ("ring",)
    if several and spans[0].layered:
        found.append("hierarchical")
    if several and name == "all_reduce":
        found.append("tree")
    if spans and spans[0].tier.wiring == "pairs":
        found.append("direct")
    if name == "all_reduce" and spans and spans[0].tier.sums:
        found.append("nvls")
    return tuple(found)

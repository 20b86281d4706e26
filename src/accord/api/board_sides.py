"""A board's rows under one set of offers, with the pools that can be joined, whatever the limits on latency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from accord.base.array import Array
from accord.planner.compose import Option
from accord.planner.offer import Offer
from accord.planner.reach import Ways
from accord.planner.search import Sends
from accord.planner.table import Index
from accord.planner.useful import useful_prefill

Per = Literal["chip", "usd"]
Name = tuple[object, ...]
_KEPT = 8  # sets of limits whose ways are kept of every pair


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pools that can be joined.

    prefill, decode: indices of options; transfer: seconds a cache takes, of each prefill row; useful: rows of those
        that no other beats in everything
    """

    prefill: int
    decode: int
    transfer: Array
    useful: Index


@dataclass(frozen=True, slots=True)
class Sides:
    """Rows under one set of offers, whatever the limits; what follows from them alone is kept.

    options: by role
    """

    options: Mapping[str, Sequence[Option]]
    offers: tuple[Offer, ...]
    sends: Sends
    pairs: tuple[Pair, ...]
    plain: dict[Per, list[Array]] = field(default_factory=dict)
    ways: dict[Name, Ways] = field(default_factory=dict)

    def kept_ways(self, name: Name, make: Callable[[], Ways]) -> Ways:
        """Ways by their name, made where they are not among the latest."""
        found = self.ways.pop(name, None)
        self.ways[name] = made = make() if found is None else found
        while len(self.ways) > _KEPT * len(self.pairs):
            del self.ways[next(iter(self.ways))]
        return made

    def own(self, pair: Pair) -> tuple[Offer, Offer]:
        """Offers of both pools, the same twice on one system."""
        first, second = self.options["prefill"][pair.prefill], self.options["decode"][pair.decode]
        return self.offers[first.offer], self.offers[second.offer]


def sides_of(options: Mapping[str, Sequence[Option]], offers: tuple[Offer, ...], sends: Sends) -> Sides:
    """Options with the pairs that can be joined."""
    pairs: list[Pair] = []
    for p, first in enumerate(options["prefill"]):
        useful = useful_prefill(first.table, frozenset(("goodput",)), waits=True)
        for d, second in enumerate(options["decode"]):
            send = sends(first, second)
            if send is not None:
                pairs.append(Pair(p, d, send(first.table.payload_bytes), useful))
    return Sides(options, offers, sends, tuple(pairs))

"""Attention groups that step together: their loads as arrays, and which of them need a look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

import numpy as np

from accord.serving.replica import Rank


class Groups:
    """Mutable arrays of shape ``(G,)``.

    batch, context, speed: as those of a :class:`Rank` at the instance's iteration; safe: the iteration up to which
    it has all blocks; hot: groups with waiting requests or prompts; prompting: with prompts the iteration completes
    """

    def __init__(self, ranks: Sequence[Rank]) -> None:
        """Begin with empty groups."""
        count = len(ranks)
        self.ranks = ranks
        self.batch, self.context, self.speed = np.zeros(count), np.zeros(count), np.zeros(count)
        self.safe = np.full(count, 1 << 40)
        self.hot: set[int] = set()
        self.prompting: set[int] = set()
        self._ends: list[tuple[int, int, int]] = []

    def to_plan(self, iteration: int) -> list[int]:
        """Groups whose next iteration must be planned, in order."""
        short = np.flatnonzero(self.safe <= iteration)
        return sorted(self.hot.union(short.tolist())) if len(short) else sorted(self.hot)

    def planned(self, at: int) -> None:
        """A group has been planned."""
        rank = self.ranks[at]
        self.update(at)
        if rank.done:
            self.prompting.add(at)
        if rank.entries or rank.partial >= 0:
            self.hot.add(at)
        else:
            self.hot.discard(at)

    def update(self, at: int) -> None:
        """Take over a group's counts, which stand for the instance's iteration."""
        rank = self.ranks[at]
        self.batch[at], self.context[at], self.speed[at] = rank.batch, rank.context, rank.speed
        self.safe[at] = rank.iteration + rank.safe()

    def passed(self) -> None:
        """One iteration of all groups."""
        self.context += self.speed

    def joined(self, request: int, at: int) -> None:
        """A request has begun to decode."""
        one = self.ranks[at].decoding[request]
        heappush(self._ends, (one.end, request, at))
        self.update(at)

    def ended(self, iteration: int) -> Iterator[tuple[int, int]]:
        """Requests that end with an iteration, and their groups."""
        ends = self._ends
        while ends and ends[0][0] <= iteration:
            end, request, at = heappop(ends)
            one = self.ranks[at].decoding.get(request)
            if one is not None and one.end == end:
                yield request, at

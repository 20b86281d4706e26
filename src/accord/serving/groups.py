"""Attention groups that step together: their loads as arrays, and which of them need a look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.base.array import Array
from accord.serving.replica import Rank

NEVER = 1 << 40  # an iteration that does not come


class Groups:
    """Mutable arrays of shape ``(G,)``; iterations are those of the instance, which has had ``iteration`` of them.

    batch, context, speed: as those of :class:`accord.serving.seats.Seats`
    running, waiting: requests; those that are fetched wait
    used: blocks, as they were after the iterations ``opened``
    total: decoding requests of all groups; none: zeros, which stay
    hot: groups with waiting requests or prompts; prompting: with prompts that the iteration under way completes
    pausing: whose decoding requests wait meanwhile; owing: with requests that had their last token before it
    """

    def __init__(self, ranks: Sequence[Rank]) -> None:
        """Begin with empty groups."""
        count = len(ranks)
        self.ranks = ranks
        self.batch, self.context, self.speed = np.zeros(count), np.zeros(count), np.zeros(count)
        self.running, self.waiting = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        self.used, self.opened = np.zeros(count), np.zeros(count)
        self.hot, self.prompting, self.pausing, self.owing = set[int](), set[int](), set[int](), set[int]()
        self.total, self.none = 0, np.zeros(count)
        self._safe = np.full(count, NEVER)
        self._end = np.full(count, NEVER)
        self._next_short = self._next_end = NEVER  # no group runs short, or has an end, before these

    def calmest(self) -> int:
        """The group with the fewest running plus four times the waiting requests, the first of equals."""
        return int(np.argmin(self.running + 4 * self.waiting))

    def to_plan(self, iteration: int) -> list[int]:
        """Groups whose next iteration must be planned, in order: there is something to do, or blocks run short."""
        if iteration < self._next_short:
            return sorted(self.hot)
        self._next_short = int(self._safe.min())
        return sorted(self.hot.union(np.flatnonzero(self._safe <= iteration).tolist()))

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

    def pause(self, at: int, now_s: float) -> None:
        """The decoding requests of a group wait for its prompts."""
        self.ranks[at].pause(now_s)
        self.pausing.add(at)
        self.owing.add(at)

    def touch(self, at: int) -> None:
        """Requests of a group have come or gone: count them, and look at it before the next iteration."""
        rank = self.ranks[at]
        self.running[at] = len(rank.running)
        self.waiting[at] = len(rank.entries) + len(rank.fetching)
        self.hot.add(at)

    def update(self, at: int) -> None:
        """Take over the counts of a group, which stand for the iterations that have ended."""
        rank = self.ranks[at]
        self.total += rank.batch - int(self.batch[at])
        self.batch[at], self.context[at], self.speed[at] = rank.batch, rank.context, rank.speed
        self.running[at] = len(rank.running)
        self.waiting[at] = len(rank.entries) + len(rank.fetching)
        self.used[at], self.opened[at] = rank.blocks.used, rank.opened + rank.behind
        safe, end = NEVER, NEVER
        if rank.batch:
            safe, end = rank.iteration + rank.behind + rank.safe(1), rank.next_end() + rank.behind
        self._safe[at], self._end[at] = safe, end
        self._next_short, self._next_end = min(self._next_short, safe), min(self._next_end, end)

    def decoding(self) -> tuple[Array, Array]:
        """Requests of each group that decode in the next iteration, and the cached tokens that they read."""
        batch, context = self.batch, self.context + self.speed
        if self.pausing:
            batch, at = batch.copy(), list(self.pausing)
            batch[at] = context[at] = 0.0
        return batch, context

    def advance(self, decodes: bool) -> None:
        """An iteration of all groups has ended; decodes: in some of them requests had tokens."""
        if decodes:
            self.context += self.speed
        for at in self.pausing:
            rank = self.ranks[at]
            rank.pauses = False
            if decodes:
                rank.behind += 1
                self.context[at] -= self.speed[at]
                self.opened[at] += 1
                self._safe[at] += 1
                self._end[at] += 1
        self.pausing.clear()

    def ending(self, iteration: int) -> list[int]:
        """Groups with answers or prompts that have come to their end."""
        found, self.prompting = self.prompting, set()
        if iteration >= self._next_end:
            self._next_end = int(self._end.min())
            found.update(np.flatnonzero(self._end <= iteration).tolist())
        return sorted(found)

    def take_owed(self) -> list[tuple[float, int]]:
        """When decoding requests had their last token, and how many, where that was earlier; forgets it."""
        owed: list[tuple[float, int]] = []
        for at in sorted(self.owing - self.pausing):
            owed += self.ranks[at].take_owed()
        self.owing &= self.pausing
        return owed

    def used_blocks(self, iteration: int, block_tokens: int) -> float:
        """Blocks in use after an iteration, on average where a group has not been looked at since."""
        return float(self.used.sum() + ((iteration - self.opened) @ self.speed) / block_tokens)

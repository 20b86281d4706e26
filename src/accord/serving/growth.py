"""When decoding requests open new blocks: counted for many iterations at once.

Iterations are numbered from 1. After ``t`` of the ``n`` iterations of its answer a request of prompt ``P`` and answer
``A`` has ``P + floor(t (A - 1) / n)`` cached tokens, and has given one more than these beyond its prompt.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple, Protocol


class Decoding(NamedTuple):
    """A request that decodes.

    start: iterations of its group when it joined; prompt: its tokens; turn: iterations that its answer has had before
    whole: answer tokens beyond the first; iterations: in which all of these come, evenly
    """

    start: int
    prompt: int
    turn: int
    whole: int
    iterations: int

    @property
    def speed(self) -> float:
        """Tokens an iteration."""
        return self.whole / self.iterations

    @property
    def end(self) -> int:
        """The iteration that gives its last token."""
        return self.start + self.iterations - self.turn

    def cached(self, iteration: int) -> int:
        """Cached tokens after an iteration."""
        return self.prompt + (self.turn + iteration - self.start) * self.whole // self.iterations

    def given(self, iteration: int) -> int:
        """Answer tokens after an iteration."""
        return 1 + (self.turn + iteration - self.start) * self.whole // self.iterations

    def mean(self, iteration: int) -> float:
        """Cached tokens after an iteration on the straight line that the answer follows."""
        return self.prompt + (self.turn + iteration - self.start) * self.whole / self.iterations


class Growth(Protocol):
    """Blocks that the decoding requests of a group open."""

    def add(self, request: int, one: Decoding, blocks: int) -> None:
        """A request joins with so many blocks."""
        ...

    def held(self, request: int, one: Decoding, iteration: int) -> int:
        """Blocks that a request has after an iteration, the last one that was asked about."""
        ...

    def drop(self, request: int, one: Decoding, iteration: int) -> int:
        """A request leaves; returns the blocks that it has."""
        ...

    def due(self, before: int, after: int) -> int:
        """Blocks opened in iterations ``before + 1`` to ``after``; each iteration is asked about once, in order."""
        ...

    def safe(self, before: int, batch: int, room: int, wanted: int) -> int:
        """Iterations after ``before`` for which ``room`` blocks suffice, or fewer, but not 0 where one has room.

        wanted: iterations that the caller would make; more need not be counted
        """
        ...


class Even:
    """One token an iteration: a request opens a block every ``block`` iterations, always in the same phase."""

    __slots__ = ("block", "phase")

    def __init__(self, block: int) -> None:
        """block: tokens of a block."""
        self.block = block
        self.phase = [0] * block

    def add(self, request: int, one: Decoding, blocks: int) -> None:
        """See :class:`Growth`."""
        self.phase[(one.start - one.cached(one.start) + 1) % self.block] += 1

    def held(self, request: int, one: Decoding, iteration: int) -> int:
        """See :class:`Growth`."""
        return -(-one.cached(iteration) // self.block)

    def drop(self, request: int, one: Decoding, iteration: int) -> int:
        """See :class:`Growth`."""
        self.phase[(one.start - one.cached(one.start) + 1) % self.block] -= 1
        return -(-one.cached(iteration) // self.block)

    def due(self, before: int, after: int) -> int:
        """See :class:`Growth`; may be asked again."""
        block, phase = self.block, self.phase
        whole, rest = divmod(after - before, block)
        first = (before + 1) % block
        end = first + rest
        count = sum(phase[first:end]) if end <= block else sum(phase[first:]) + sum(phase[: end - block])
        return count + whole * sum(phase) if whole else count

    def safe(self, before: int, batch: int, room: int, wanted: int) -> int:
        """See :class:`Growth`; exact where it is less than ``wanted``."""
        block = self.block
        count = room // batch * block
        if count >= wanted:
            return count
        phase, room, at = self.phase, room % batch, before + 1
        while count < wanted:
            room -= phase[at % block]
            if room < 0:
                break
            count += 1
            at += 1
        return count


class Uneven:
    """Several tokens an iteration: each request's next new block is planned for itself."""

    __slots__ = ("_heap", "_opened", "_plans", "_short", "block", "most")

    def __init__(self, block: int, tokens: int) -> None:
        """block: tokens of a block; tokens: most that an iteration gives a request."""
        self.block = block
        self.most = -(-tokens // block)
        self._plans = 0
        self._heap: list[tuple[int, int, int]] = []
        self._opened: dict[int, tuple[Decoding, int, int]] = {}
        self._short: set[int] = set()  # who have yet to open blocks for tokens that their prompt has given

    def add(self, request: int, one: Decoding, blocks: int) -> None:
        """See :class:`Growth`."""
        if blocks * self.block < one.cached(one.start):
            self._short.add(request)
        self._plan(request, one, blocks)

    def held(self, request: int, one: Decoding, iteration: int) -> int:
        """See :class:`Growth`."""
        return self._opened[request][1]

    def drop(self, request: int, one: Decoding, iteration: int) -> int:
        """See :class:`Growth`."""
        self._short.discard(request)
        return self._opened.pop(request)[1]

    def due(self, before: int, after: int) -> int:
        """See :class:`Growth`."""
        heap, opened, count = self._heap, self._opened, 0
        while heap and heap[0][0] <= after:
            at, request, plan = heappop(heap)
            found = opened.get(request)
            if found is None or found[2] != plan:
                continue
            one, blocks, _ = found
            now = -(-one.cached(at) // self.block)
            count += now - blocks
            self._short.discard(request)
            self._plan(request, one, now)
        return count

    def safe(self, before: int, batch: int, room: int, wanted: int) -> int:
        """See :class:`Growth`; as many new blocks as may be are reckoned with, or those of the next iteration."""
        each = batch * self.most
        if room >= each and not self._short:
            return room // each
        block, opened, needed = self.block, self._opened, 0
        for at, request, plan in self._heap:
            found = opened.get(request) if at <= before + 1 else None
            if found is not None and found[2] == plan:
                needed += -(-found[0].cached(before + 1) // block) - found[1]
        return 1 if needed <= room else 0

    def _plan(self, request: int, one: Decoding, blocks: int) -> None:
        self._plans += 1
        self._opened[request] = (one, blocks, self._plans)
        missing = blocks * self.block + 1 - one.prompt
        turn = max(-(-missing * one.iterations // one.whole), one.turn + 1)
        if turn <= one.iterations:
            heappush(self._heap, (one.start + turn - one.turn, request, self._plans))

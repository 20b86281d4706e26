"""When decoding requests open new blocks: counted for many iterations at once.

Iterations are numbered from 1. A request that joins after iteration ``start`` with ``base`` cached tokens has
``base + floor((k - start) tokens / iterations)`` after iteration ``k``.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple, Protocol


class Decoding(NamedTuple):
    """A request that decodes.

    start: iterations of its group when it joined; base: its cached tokens then; produced: answer tokens then
    tokens: still to come; iterations: in which they come
    """

    start: int
    base: int
    produced: int
    tokens: int
    iterations: int

    def cached(self, iteration: int) -> int:
        """Cached tokens after an iteration."""
        return self.base + (iteration - self.start) * self.tokens // self.iterations

    def given(self, iteration: int) -> int:
        """Answer tokens after an iteration."""
        return self.produced + (iteration - self.start) * self.tokens // self.iterations


class Growth(Protocol):
    """Blocks that the decoding requests of a group open."""

    def add(self, request: int, one: Decoding) -> None:
        """A request joins."""
        ...

    def drop(self, request: int, one: Decoding) -> None:
        """A request leaves."""
        ...

    def due(self, before: int, after: int) -> int:
        """Blocks opened in iterations ``before + 1`` to ``after``; each iteration is asked about once, in order."""
        ...

    def safe(self, before: int, batch: int, room: int) -> int:
        """Iterations after ``before`` for which ``room`` blocks suffice, or fewer, but not 0 where one has room."""
        ...


class Even:
    """One token an iteration: a request opens a block every ``block`` iterations, always in the same phase."""

    __slots__ = ("block", "phase")

    def __init__(self, block: int) -> None:
        """block: tokens of a block."""
        self.block = block
        self.phase = [0] * block

    def add(self, request: int, one: Decoding) -> None:
        """See :class:`Growth`."""
        self.phase[(one.start - one.base + 1) % self.block] += 1

    def drop(self, request: int, one: Decoding) -> None:
        """See :class:`Growth`."""
        self.phase[(one.start - one.base + 1) % self.block] -= 1

    def due(self, before: int, after: int) -> int:
        """See :class:`Growth`; may be asked again."""
        block, phase = self.block, self.phase
        whole, rest = divmod(after - before, block)
        first = (before + 1) % block
        end = first + rest
        count = sum(phase[first:end]) if end <= block else sum(phase[first:]) + sum(phase[: end - block])
        return count + whole * sum(phase) if whole else count

    def safe(self, before: int, batch: int, room: int) -> int:
        """See :class:`Growth`; exact."""
        if room >= batch << 20:
            return 1 << 20
        whole, room = divmod(room, batch)
        count, block, phase = whole * self.block, self.block, self.phase
        at = before + 1
        while True:
            room -= phase[at % block]
            if room < 0:
                return count
            count += 1
            at += 1


class Uneven:
    """Several tokens an iteration: each request's next new block is planned for itself."""

    __slots__ = ("_heap", "_opened", "block", "most")

    def __init__(self, block: int, tokens: int) -> None:
        """block: tokens of a block; tokens: most that an iteration gives a request."""
        self.block = block
        self.most = -(-tokens // block)
        self._heap: list[tuple[int, int, int]] = []
        self._opened: dict[int, tuple[Decoding, int]] = {}

    def add(self, request: int, one: Decoding) -> None:
        """See :class:`Growth`."""
        self._plan(request, one, -(-one.base // self.block))

    def drop(self, request: int, one: Decoding) -> None:
        """See :class:`Growth`."""
        del self._opened[request]

    def due(self, before: int, after: int) -> int:
        """See :class:`Growth`."""
        heap, opened, count = self._heap, self._opened, 0
        while heap and heap[0][0] <= after:
            at, request, start = heappop(heap)
            found = opened.get(request)
            if found is None or found[0].start != start:
                continue
            one, blocks = found
            now = -(-one.cached(at) // self.block)
            count += now - blocks
            self._plan(request, one, now)
        return count

    def safe(self, before: int, batch: int, room: int) -> int:
        """See :class:`Growth`; as many new blocks as may be are reckoned with, for the next iteration those that are."""
        each = batch * self.most
        if room >= each:
            return room // each
        heap, opened = self._heap, self._opened
        needed = sum(
            -(-opened[request][0].cached(at) // self.block) - opened[request][1]
            for at, request, start in heap
            if at <= before + 1 and request in opened and opened[request][0].start == start
        )
        return 1 if needed <= room else 0

    def _plan(self, request: int, one: Decoding, blocks: int) -> None:
        self._opened[request] = (one, blocks)
        missing = blocks * self.block + 1 - one.base
        after = -(-missing * one.iterations // one.tokens) if one.tokens else 0
        if 0 < after <= one.iterations:
            heappush(self._heap, (one.start + after, request, one.start))

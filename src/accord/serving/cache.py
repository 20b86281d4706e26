"""Blocks of one attention group's cache: how many are free, and which prefixes they still know.

A prefix is known by units: one hashed block of the workload, or several where the engine's block is larger. A unit
takes ``weight`` blocks. Units that nobody holds are idle: they stay known until their room is needed, least
recently released first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence


class Blocks:
    """Mutable count of blocks.

    total: all; free: hold nothing; weight: blocks of a known unit
    known: holders of each unit; idle: units without one, least recently released first
    """

    __slots__ = ("free", "idle", "known", "total", "weight")

    def __init__(self, total: int, weight: int = 1) -> None:
        """Begin empty."""
        self.total = total
        self.free = total
        self.weight = weight
        self.known: dict[int, int] = {}
        self.idle: OrderedDict[int, None] = OrderedDict()

    @property
    def room(self) -> int:
        """Blocks that can be taken: free ones, and those of idle units."""
        return self.free + len(self.idle) * self.weight

    @property
    def used(self) -> int:
        """Blocks that requests hold."""
        return self.total - self.room

    def take(self, count: int) -> None:
        """Take blocks, of which there is room; idle units go where too few are free."""
        if self.free < count:
            self.evict(count)
        self.free -= count

    def evict(self, count: int) -> None:
        """Let go of idle units until so many blocks are free, for which there is room."""
        idle, known = self.idle, self.known
        while self.free < count:
            del known[idle.popitem(last=False)[0]]
            self.free += self.weight

    def give(self, count: int) -> None:
        """Return blocks that hold no known unit."""
        self.free += count

    def match(self, units: Sequence[int], most: int) -> int:
        """Known units from the beginning, at most ``most``."""
        known, count = self.known, 0
        for unit in units:
            if count >= most or unit not in known:
                break
            count += 1
        return count

    def hold(self, units: Sequence[int]) -> None:
        """Hold known units, so that they are not evicted."""
        known, idle = self.known, self.idle
        for unit in units:
            holders = known[unit]
            if not holders:
                del idle[unit]
            known[unit] = holders + 1

    def learn(self, units: Sequence[int]) -> list[int]:
        """Make units known that a request has blocks for; returns those that were not, which it then holds."""
        known = self.known
        fresh = [unit for unit in units if unit not in known]
        for unit in fresh:
            known[unit] = 1
        return fresh

    def release(self, units: Sequence[int]) -> None:
        """Let go of held units, the last one first, so that the beginning of a prompt stays longest."""
        known, idle = self.known, self.idle
        for unit in reversed(units):
            holders = known[unit] - 1
            known[unit] = holders
            if not holders:
                idle[unit] = None


class Pooled:
    """Units of a pooled cache, the least recently used of which go when it is full."""

    __slots__ = ("_units", "most")

    def __init__(self, most: int) -> None:
        """most: units it holds."""
        self.most = most
        self._units: OrderedDict[int, None] = OrderedDict()

    def __contains__(self, unit: int) -> bool:
        """Whether it has a unit."""
        return unit in self._units

    def __len__(self) -> int:
        """Units it holds."""
        return len(self._units)

    def match(self, units: Sequence[int]) -> int:
        """Units from the first on that it has without a break."""
        found, count = self._units, 0
        for unit in units:
            if unit not in found:
                break
            count += 1
        return count

    def use(self, units: Sequence[int]) -> None:
        """Put units in, or use them; the last of them counts as used first, so that beginnings stay longest."""
        found = self._units
        for unit in reversed(units):
            found[unit] = None
            found.move_to_end(unit)
        while len(found) > self.most:
            found.popitem(last=False)

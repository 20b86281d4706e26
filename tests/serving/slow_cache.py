"""The reference's caches: a count of free blocks, and the known blocks by name."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Holding:
    """What one request holds of one cache: known units in order of the prompt, and blocks of its own."""

    shared: list[int] = field(default_factory=list)
    private: int = 0


class Cache:
    """Blocks of one group. A unit is ``per_unit`` blocks, known under a name, held by some or by none."""

    def __init__(self, blocks: int, per_unit: int) -> None:
        self.blocks = blocks
        self.per_unit = per_unit
        self.free = blocks
        self.holders: dict[int, int] = {}
        self.idle: list[int] = []  # known units that nobody holds, least recently released first

    @property
    def room(self) -> int:
        """Blocks that can be had: free ones, and those of units that nobody holds."""
        return self.free + len(self.idle) * self.per_unit

    @property
    def used(self) -> int:
        """Blocks that somebody holds."""
        return self.blocks - self.room

    def run(self, units: list[int]) -> int:
        """How many of ``units`` from the first on are known without a break."""
        count = 0
        while count < len(units) and units[count] in self.holders:
            count += 1
        return count

    def idle_among(self, units: list[int]) -> int:
        """Blocks of those units that nobody holds yet, which are room no more once they are held."""
        return sum(self.per_unit for unit in units if unit in self.idle)

    def hold(self, holding: Holding, units: list[int]) -> None:
        """Hold known units."""
        for unit in units:
            if unit in self.idle:
                self.idle.remove(unit)
            self.holders[unit] += 1
            holding.shared.append(unit)

    def take(self, holding: Holding, blocks: int) -> None:
        """Take blocks of one's own, at the cost of the units released longest ago."""
        while self.free < blocks:
            oldest = self.idle.pop(0)
            del self.holders[oldest]
            self.free += self.per_unit
        self.free -= blocks
        holding.private += blocks

    def enter(self, holding: Holding, unit: int) -> None:
        """Make a unit that is complete known, unless it is: then this copy stays private."""
        if unit not in self.holders:
            self.holders[unit] = 1
            holding.shared.append(unit)
            holding.private -= self.per_unit

    def release(self, holding: Holding) -> None:
        """Give all back: the last unit first."""
        self.free += holding.private
        for unit in reversed(holding.shared):
            self.holders[unit] -= 1
            if self.holders[unit] == 0:
                self.idle.append(unit)

    def check(self, holdings: list[Holding]) -> None:
        """Every block is free, known or private; every known unit has as many holders as hold it."""
        known = len(self.holders) * self.per_unit
        assert self.free >= 0
        assert all(holding.private >= 0 for holding in holdings)
        assert self.blocks == self.free + known + sum(holding.private for holding in holdings)
        names = [unit for holding in holdings for unit in holding.shared]
        assert all(count == names.count(unit) for unit, count in self.holders.items())
        assert sorted(self.idle) == sorted(unit for unit, count in self.holders.items() if count == 0)


class HostCache:
    """The pooled cache: names of units in order of use, the least recent first."""

    def __init__(self, capacity_tokens: float) -> None:
        self.capacity_tokens = capacity_tokens
        self.tokens: dict[int, int] = {}

    def run(self, units: list[int]) -> int:
        """How many of ``units`` from the first on it has without a break."""
        count = 0
        while count < len(units) and units[count] in self.tokens:
            count += 1
        return count

    def use(self, units: list[int], unit_tokens: int) -> None:
        """Put units in, or use them: the last of them counts as used first. The least recently used go."""
        for unit in reversed(units):
            self.tokens.pop(unit, None)
            self.tokens[unit] = unit_tokens
        while sum(self.tokens.values()) > self.capacity_tokens:
            del self.tokens[next(iter(self.tokens))]

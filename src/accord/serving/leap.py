"""Iterations of one batch that does not change, each longer than the one before it by the same time."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt


@dataclass(slots=True)
class Leap:
    """So many iterations from a time on.

    count: iterations; first_s: of the first one; step_s: how much longer each next one takes; batch: that decode
    """

    count: int = 0
    start_s: float = 0.0
    first_s: float = 0.0
    step_s: float = 0.0
    batch: int = 0

    def lasting_s(self, iterations: int) -> float:
        """Time of the first so many iterations."""
        return iterations * self.first_s + 0.5 * self.step_s * iterations * (iterations - 1)

    def begun(self, clock_s: float) -> int:
        """Iterations that have begun: the fewest that end at ``clock_s`` or later. The next one begins last of all."""
        if self.count <= 1:
            return self.count
        count = self._near(clock_s)
        while count > 1 and self._end_s(count - 1) >= clock_s:
            count -= 1
        while count < self.count and self._end_s(count) < clock_s:
            count += 1
        return count

    def ended(self, clock_s: float) -> int:
        """Iterations that have ended, that which ends at ``clock_s`` among them."""
        count = self.begun(clock_s)
        return count if self._end_s(count) <= clock_s else count - 1

    def _end_s(self, iterations: int) -> float:
        return self.start_s + self.lasting_s(iterations)

    def _near(self, clock_s: float) -> int:
        """About how many end by ``clock_s``, 1 to all."""
        passed, first, step = clock_s - self.start_s, self.first_s, self.step_s
        middle = first - 0.5 * step
        if step > 1e-9 * first:
            guess = (sqrt(middle * middle + 2.0 * step * passed) - middle) / step
        else:
            guess = passed / first
        return min(max(ceil(guess), 1), self.count)

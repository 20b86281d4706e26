"""Gaps between tokens, counted in bins of half a percent."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

import numpy as np

from accord.serving.leap import Leap
from accord.serving.result import Gaps

WIDTH = 0.005  # of a bin, of the logarithm: a quantile read from its middle is off by a quarter of a percent
LEAST_S = 1e-9


class Tally:
    """Mutable counts of gaps. bins: by ``floor(log(seconds) / WIDTH)``; total_s: their sum."""

    __slots__ = ("bins", "total_s")

    def __init__(self) -> None:
        """Begin empty."""
        self.bins: dict[int, int] = {}
        self.total_s = 0.0

    def add(self, seconds: float, count: int) -> None:
        """So many gaps of one length."""
        key = int(log(seconds if seconds > LEAST_S else LEAST_S) / WIDTH // 1)
        bins = self.bins
        bins[key] = bins.get(key, 0) + count
        self.total_s += seconds * count

    def add_line(self, first_s: float, step_s: float, iterations: int, batch: int) -> None:
        """``batch`` gaps in each of so many iterations, each longer than the one before it by ``step_s``."""
        last = first_s + step_s * (iterations - 1)
        if first_s <= LEAST_S or last <= first_s * (1.0 + WIDTH):
            self.add(0.5 * (first_s + last), iterations * batch)
            return
        done = 0
        while done < iterations:
            now = first_s + step_s * done
            here = min(int(now * WIDTH / step_s) + 1, iterations - done)
            self.add(now + 0.5 * step_s * (here - 1), here * batch)
            done += here

    def add_leap(self, leap: Leap, iterations: int, owed: Sequence[tuple[float, int]]) -> None:
        """Gaps of the first iterations of a leap.

        owed: when the last token was, and of how many requests, where that was not when the leap began
        """
        batch = leap.batch
        if not owed:
            self.add_line(leap.first_s, leap.step_s, iterations, batch)
            return
        for since_s, count in owed:
            if count:
                self.add(leap.start_s + leap.first_s - since_s, count)
            batch -= count
        if batch:
            self.add(leap.first_s, batch)
        if iterations > 1:
            self.add_line(leap.first_s + leap.step_s, leap.step_s, iterations - 1, leap.batch)

    def result(self) -> Gaps:
        """The counts as arrays."""
        keys = sorted(self.bins)
        counts = [self.bins[key] for key in keys]
        return Gaps(WIDTH, np.asarray(keys, dtype=np.int64), np.asarray(counts, dtype=np.int64), self.total_s)


def middle_s(key: int) -> float:
    """The length in the middle of a bin [s]."""
    return exp((key + 0.5) * WIDTH)

"""Timers of the tests: seconds that are linear in the load, so that every answer can be worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array

INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class LinearTimer:
    """``t = a + b batch + c context + d tokens + e pairs + f prompts``; groups wait for the slowest.

    reach: the line is good up to the next multiple of it
    """

    a: float
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0
    reach: float = INFINITE

    def line(self, batch: int, context: float) -> tuple[float, float, float]:
        """A straight line; without ``reach`` it holds for ever."""
        holds = (context // self.reach + 1.0) * self.reach if self.reach < INFINITE else INFINITE
        return self.mixed(0, 0.0, 0, batch, context), self.c, holds

    def mixed(self, tokens: int, pairs: float, prompts: int, batch: int, context: float) -> float:
        """One group's iteration."""
        decode_s = self.a + self.b * batch + self.c * context
        return decode_s + self.d * tokens + self.e * pairs + self.f * prompts

    def joint(self, tokens: Array, pairs: Array, prompts: Array, batch: Array, context: Array) -> float:
        """The slowest of the groups."""
        decode_s = self.a + self.b * batch + self.c * context
        return float(np.max(decode_s + self.d * tokens + self.e * pairs + self.f * prompts))

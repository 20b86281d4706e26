"""What an answer depends on: each cause is moved alone from its low to its high end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from accord.base.errors import UsageError
from accord.base.registry import did_you_mean


class Swing(NamedTuple):
    """One cause.

    name; low, high: its ends; at_low, at_high: the answer there, the other causes at their base; base: the answer at
    the base of all
    """

    name: str
    low: float
    high: float
    at_low: float
    at_high: float
    base: float

    @property
    def size(self) -> float:
        """How far the answer moves over the range."""
        return max(self.at_low, self.at_high, self.base) - min(self.at_low, self.at_high, self.base)


def swings(
    evaluate: Callable[[Mapping[str, float]], float],
    base: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
) -> tuple[Swing, ...]:
    """How an answer moves with each cause, the widest first.

    evaluate: the answer, from a value for every cause in ``base``; ranges: low and high end by cause
    Raises UsageError for a range of an unknown cause, or one whose low end is above its high end.
    """
    middle = evaluate(base)
    found = []
    for name, (low, high) in ranges.items():
        if name not in base:
            raise UsageError(f"'{name}' has a range and no base", hint=did_you_mean(name, base))
        if low > high:
            raise UsageError(f"the range of '{name}' is {low:g} to {high:g}", hint="give its lower end first")
        at_low, at_high = evaluate({**base, name: low}), evaluate({**base, name: high})
        found.append(Swing(name, low, high, at_low, at_high, middle))
    return tuple(sorted(found, key=lambda one: (-one.size, one.name)))

"""Facts that rules are asked with: numbers, perhaps uncertain, words and sets; a missing one is unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from accord.base.errors import UsageError

_Z90 = NormalDist().inv_cdf(0.95)  # half of a 90 % interval, in deviations


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A number within a 90 % interval, log-normal: ``low <= value <= high``. Raises UsageError for another order."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what is no interval of positive numbers."""
        if not 0.0 < self.low <= self.value <= self.high < math.inf:
            raise UsageError(f"{self.low:g} to {self.high:g} around {self.value:g} is no interval of positive numbers")

    def chance_above(self, threshold: float) -> float:
        """Chance that the number is above ``threshold``; a side of the interval without width counts as certain."""
        if threshold <= 0.0:
            return 1.0
        if self.low == self.high:
            return float(self.value > threshold)
        side = self.high if threshold > self.value else self.low
        spread = abs(math.log(side / self.value)) / _Z90
        if spread == 0.0:
            return float(self.value > threshold)
        return 1.0 - NormalDist().cdf(math.log(threshold / self.value) / spread)


FactValue = float | str | frozenset[str] | Uncertain
Facts = Mapping[str, FactValue]

_RATIOS = (
    ("performance_density", "tpp", "die_area", 1.0),
    ("memory_density", "dram_bandwidth", "package_area", 1e9),
    ("modification_share", "modification_flop", "original_flop", 1.0),
)
RATIO_PARTS: Mapping[str, tuple[str, str, float]] = {name: (above, below, per) for name, above, below, per in _RATIOS}


def completed(facts: Facts) -> dict[str, FactValue]:
    """Add the ratios that follow from other facts: densities, and a modification's share of the original compute.

    A ratio that is given stays where its parts are not both known; parts that are known count for more.
    Where the original compute or the share of it is given, it is known.
    """
    found = dict(facts)
    for name, above, below, per in _RATIOS:
        top, bottom = found.get(above), found.get(below)
        if top is None or bottom is None:
            continue
        ratio = _ratio(top, bottom, per)
        if ratio is not None:
            found[name] = ratio
    if "original_flop" in found or "modification_share" in found:
        found["original_flop_known"] = "yes"  # who can neither know nor estimate it says no
    return found


def _ratio(top: FactValue, bottom: FactValue, per: float) -> float | Uncertain | None:
    if isinstance(top, float) and isinstance(bottom, float):
        return top / bottom / per if bottom > 0.0 else None
    if not isinstance(top, float | Uncertain) or not isinstance(bottom, float | Uncertain) or 0.0 in (top, bottom):
        return None
    above = top if isinstance(top, Uncertain) else Uncertain(top, top, top)
    below = bottom if isinstance(bottom, Uncertain) else Uncertain(bottom, bottom, bottom)
    value = above.value / below.value / per
    spans = [  # upwards and downwards, the two parts independent
        math.hypot(math.log(above.high / above.value), math.log(below.value / below.low)),
        math.hypot(math.log(above.value / above.low), math.log(below.high / below.value)),
    ]
    return Uncertain(value, value * math.exp(-spans[1]), value * math.exp(spans[0]))

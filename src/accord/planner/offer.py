"""How much of a system may be held under the limits, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from accord.planner.problem import Limits
from accord.planner.terms import Terms
from accord.uncertainty.figure import Figure

MOST_UNITS = 4096  # of a system, where nothing else ends the search

_LIMITED = (("power_w", "power_w"), ("capex_usd", "capex_usd"), ("usd_per_hour", "usd_per_hour"), ("racks", "racks"))


@dataclass(frozen=True, slots=True)
class Offer:
    """One system as it can be held.

    unit_chips: chips that are added at a time; most: units that the limits allow
    why: the limit that ends it, or why none may be held
    """

    terms: Terms
    devices_per_chip: int
    unit_chips: int
    most: int
    why: str

    @property
    def unit_devices(self) -> int:
        """Ranks that are added at a time."""
        return self.unit_chips * self.devices_per_chip


def at_confidence(figure: Figure, confidence: float) -> float:
    """What a disputed figure does not exceed with that chance, every claim as likely, and never less than the chosen.

    0.5 takes the chosen claim alone.
    """
    if confidence <= 0.5:
        return figure.value
    points = sorted(figure.points) or [figure.value]
    most = points[min(max(math.ceil(confidence * len(points) - 1e-9), 1), len(points)) - 1]
    return max(most, figure.value)


def chance_at_most(figure: Figure, limit: float) -> float:
    """Share of the claims that lie within a limit."""
    points = figure.points or (figure.value,)
    return sum(point <= limit * (1.0 + 1e-9) for point in points) / len(points)


def offer(
    terms: Terms, devices_per_chip: int, unit_chips: int, limits: Limits, confidence: float, default: int
) -> Offer:
    """How many units of a system the limits allow.

    default: units where neither a limit nor a load says how many; 0 where a load does
    """
    most, why = math.inf, ""
    if limits.chips is not None:
        most, why = limits.chips // unit_chips, "chips"
    for name, field in _LIMITED:
        limit = getattr(limits, name)
        if limit is None:
            continue
        figure: Figure | None = getattr(terms, field)
        if figure is None:
            return Offer(terms, devices_per_chip, unit_chips, 0, f"{name.partition('_')[0]} unknown")
        each = at_confidence(figure, confidence) * unit_chips
        room = math.floor(limit / each + 1e-9) if each > 0.0 else MOST_UNITS
        if room < most:
            most, why = room, name.partition("_")[0]
    if math.isinf(most):
        most, why = default or MOST_UNITS, "one system" if default else ""
    return Offer(terms, devices_per_chip, unit_chips, int(min(most, MOST_UNITS)), why)

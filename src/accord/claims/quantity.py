"""A quantity that a claim is calculated from, and draws of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import CatalogError
from accord.base.source import Basis
from accord.uncertainty.draws import among, standard
from accord.uncertainty.residual import quantile

COUNT = 4000  # draws of a term
LEVEL = 0.9  # of the interval of a term


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its interval.

    value: in ``unit``; low, high: of its 90 % interval, None where it is taken as exact
    points: the different values that kept sources say, equally likely however many sources say each, where the
        interval is due to them alone
    identity: what it is, so that one quantity is one draw wherever it is used
    sources: entries as of the JSON envelope; how: the command, key or citation it comes from
    """

    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    points: tuple[float, ...] = ()
    basis: Basis
    identity: str
    how: str
    sources: tuple[Mapping[str, object], ...] = ()

    def __post_init__(self) -> None:
        """Refuse an interval with one end, which would be drawn as exact. Raises CatalogError."""
        if (self.low is None) != (self.high is None):
            lacking = "low" if self.low is None else "high"
            raise CatalogError(f"{lacking} is missing: an interval has two ends", hint="give both, or none")

    @property
    def exact(self) -> bool:
        """Whether it is taken as known exactly."""
        return len(self.points) < 2 and (self.low is None or self.high is None or self.low == self.high)


def drawn(quantity: Quantity, count: int = COUNT) -> Array:
    """Draws of a quantity in its unit, shape ``(count,)``.

    Different values of sources are equally likely. Else the draws are log-normal on either side of the value, each with
    the width that puts 5 % beyond its end of the interval; normal where an end is not above zero.
    """
    if len(quantity.points) > 1:
        return among(quantity.identity, quantity.points, count)
    if quantity.exact:
        return np.full(count, quantity.value)
    value, low, high = quantity.value, quantity.low, quantity.high
    assert low is not None and high is not None, "not exact"
    low, high = min(low, value), max(high, value)
    deviations = standard(quantity.identity, count) / quantile(LEVEL)
    if low <= 0.0:
        return np.asarray(value + np.where(deviations < 0.0, value - low, high - value) * deviations, dtype=np.float64)
    width = np.where(deviations < 0.0, np.log(value / low), np.log(high / value))
    return np.asarray(value * np.exp(deviations * width), dtype=np.float64)

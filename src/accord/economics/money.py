"""Money of one currency as money of another, at a dated rate."""

from __future__ import annotations

from collections.abc import Mapping

from accord.economics.sums import ratio
from accord.uncertainty.figure import Figure

USD = "USD"


def currency(unit: str) -> str:
    """The currency of a unit such as ``CNY/kWh``."""
    return unit.partition("/")[0]


def in_usd(amount: Figure, per_usd: Mapping[str, Figure]) -> Figure | None:
    """The same amount in USD, per whatever it is per; None where no rate is known.

    per_usd: units of a currency for one USD [1], by currency
    """
    name, slash, per = amount.unit.partition("/")
    if name == USD:
        return amount
    rate = per_usd.get(name)
    return ratio(amount, rate, f"{USD}{slash}{per}") if rate is not None else None

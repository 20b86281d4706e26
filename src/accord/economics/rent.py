"""What it costs to rent a chip for an hour, power, cooling and building included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from accord.catalog.price import Price
from accord.economics.money import in_usd
from accord.economics.ownership import MONTHS_PER_YEAR
from accord.power.energy import HOURS_PER_YEAR
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

# fact, what it is called, whether it is for a month
_FACTS: tuple[tuple[str, str, bool], ...] = (
    ("rent_per_chip_hour", "by the hour", False),
    ("rent_per_chip_month", "by the month", True),
    ("rent_per_chip_hour_3_years", "with a commitment of three years", False),
)
HOURS_PER_MONTH = HOURS_PER_YEAR / MONTHS_PER_YEAR


def rent_of(prices: Iterable[Price], chip: str, per_usd: Mapping[str, Figure]) -> Figure | None:
    """Rent of a chip [USD/h], or None where no entry states one.

    prices: entries that may name the chip; per_usd: see :func:`accord.economics.money.in_usd`
    Entries of the same kind of contract are pooled into a band; by the hour comes before by the month, and that
    before a long commitment. A remark names the contract.
    """
    entries = [price for price in prices if price.kind == "rent" and price.chip == chip]
    for name, words, monthly in _FACTS:
        found = []
        for price in entries:
            one = figure.of(price.facts.get(name), f"prices/{price.id}")
            usd = in_usd(one, per_usd) if one is not None else None
            if usd is not None and usd.value > 0.0:
                found.append(figure.scaled(usd, 1.0 / HOURS_PER_MONTH, "USD/h") if monthly else usd)
        if found:
            pooled = figure.pooled(*found)
            return msgspec.structs.replace(pooled, remarks=(f"rented {words}", *pooled.remarks))
    return None


def commitment(rent: Figure) -> str:
    """The contract that a rent of :func:`rent_of` is for, in words."""
    return rent.remarks[0] if rent.remarks else "rented"

"""What a system costs to buy, and what that is a year."""

from __future__ import annotations

from collections.abc import Iterable

from accord.base.errors import UsageError
from accord.catalog.price import Price
from accord.catalog.system import System
from accord.catalog.value import Value
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

_NAMES = ("price", "capex")
_KINDS = ("capex", "procurement")


def system_price(system: System, prices: Iterable[Price] = ()) -> Figure | None:
    """Price of a whole system [USD]: its own, else its capital cost, else a price entry that names it.

    prices: entries that may name the system; only a fact in USD named price or capex counts
    Returns None where nobody states one; none is made up from parts.
    """
    owner = f"systems/{system.id}"
    candidates: list[tuple[Value | None, str]] = [(system.price, owner), (system.facts.get("capex"), owner)]
    for price in prices:
        if price.system == system.id and price.kind in _KINDS:
            candidates += [(price.facts.get(name), f"prices/{price.id}") for name in _NAMES]
    found = (figure.of(value, where) for value, where in candidates if value is not None and value.unit == "USD")
    return next((one for one in found if one is not None and one.value > 0.0), None)


def usd_per_year(
    price_usd: float, *, life_years: float, residual_share: float = 0.0, interest_per_year: float = 0.0
) -> float:
    """Yearly cost of owning what was bought [USD/year].

    price_usd: paid at the start; life_years: years of use
    residual_share: share of the price it is sold for at the end [1]; interest_per_year: cost of capital [1]
    Without interest the loss of value is spread evenly; with interest it is the annuity that repays it.
    Raises UsageError for a life that is not positive, a negative price or interest, or a share outside 0 to 1.
    """
    if not life_years > 0.0:
        raise UsageError(f"the years of use are {life_years:g}", hint="give a number above 0, such as 4")
    if price_usd < 0.0 or interest_per_year < 0.0:
        raise UsageError("price and interest may not be negative")
    if not 0.0 <= residual_share <= 1.0:
        raise UsageError(f"the residual share is {residual_share:g}", hint="give a share between 0 and 1")
    if interest_per_year == 0.0:
        return price_usd * (1.0 - residual_share) / life_years
    growth: float = (1.0 + interest_per_year) ** life_years
    present_usd = price_usd * (1.0 - residual_share / growth)
    return present_usd * interest_per_year / (1.0 - 1.0 / growth)

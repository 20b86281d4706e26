"""When buying becomes cheaper than renting: plain numbers."""

from __future__ import annotations

import math

from accord.base.errors import UsageError
from accord.economics.capex import usd_per_year
from accord.power.energy import HOURS_PER_YEAR


def breakeven_hours(capex_usd: float, running_usd_per_hour: float, rent_usd_per_hour: float) -> float:
    """Hours of rent after which buying would have been cheaper [h], infinite where it never is.

    capex_usd: paid at the start; running_usd_per_hour: what an owner pays on top, energy and maintenance [USD/h]
    rent_usd_per_hour: of the same chips, power and building included [USD/h]
    What the machines still sell for is left out. Raises UsageError for a negative number.
    """
    if min(capex_usd, running_usd_per_hour, rent_usd_per_hour) < 0.0:
        raise UsageError("a cost may not be negative")
    saved = rent_usd_per_hour - running_usd_per_hour
    return capex_usd / saved if saved > 0.0 else (0.0 if capex_usd == 0.0 else math.inf)


def breakeven_use(
    capex_usd: float, *, life_years: float, running_usd_per_hour: float, rent_usd_per_hour: float,
    residual_share: float = 0.0, interest_per_year: float = 0.0,
) -> float:  # fmt: skip
    """Share of the time above which owning is cheaper than renting by the hour [1]; above 1 where it never is.

    An owner pays capital always and the running cost while it is used; a tenant pays for used hours alone.
    The other arguments are those of :func:`breakeven_hours` and :func:`accord.economics.capex.usd_per_year`.
    """
    yearly = usd_per_year(
        capex_usd, life_years=life_years, residual_share=residual_share, interest_per_year=interest_per_year
    )
    hours = breakeven_hours(yearly, running_usd_per_hour, rent_usd_per_hour)
    return hours / HOURS_PER_YEAR

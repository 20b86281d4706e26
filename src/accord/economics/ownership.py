"""What it costs to own: capital, maintenance, energy and building, an hour of one chip or one system.

Staff, land, taxes and insurance are left out. A rack's power does not contain the building's cooling; PUE adds it.
"""

from __future__ import annotations

from typing import NamedTuple

from accord.base.errors import UsageError
from accord.economics.capex import usd_per_year
from accord.economics.sums import mapped, plus, product
from accord.power.energy import HOURS_PER_YEAR, W_PER_KW, duty, usd_per_hour_of_power
from accord.uncertainty.figure import Figure, scaled

MONTHS_PER_YEAR = 12.0


class Yearly(NamedTuple):
    """What an owner counts with: shares are of the price [1], times in years."""

    life_years: Figure
    interest_per_year: Figure
    residual_share: Figure
    maintenance_share: Figure


class Energy(NamedTuple):
    """What energy costs at a place.

    power_w: at the racks under load [W]; usd_per_kwh: paid, subsidies off; pue: [1]
    utilisation, idle_share: see :func:`accord.power.energy.duty`
    """

    power_w: Figure
    usd_per_kwh: Figure
    pue: Figure
    utilisation: float
    idle_share: float


class Hourly(NamedTuple):
    """total: [USD/h]; parts: by name, they sum to it."""

    total: Figure
    parts: dict[str, Figure]


def capital_rate(yearly: Yearly) -> Figure:
    """Yearly cost of capital over capital [1/year]; see :func:`accord.economics.capex.usd_per_year`."""

    def rule(life: float, interest: float, residual: float) -> float:
        return usd_per_year(1.0, life_years=life, residual_share=residual, interest_per_year=interest)

    return mapped((yearly.life_years, yearly.interest_per_year, yearly.residual_share), rule, "1")


def owned(
    price_usd: Figure, yearly: Yearly, energy: Energy, usd_per_kw_month: float | None, subsidy_share: float = 0.0
) -> Hourly:
    """Cost of an hour of what is priced at ``price_usd`` and draws ``energy.power_w``.

    subsidy_share: of the price that somebody else pays [1]; maintenance remains that of the whole price
    usd_per_kw_month: rent of the building for each kW at the racks, None where it is left out
    """
    rate, kept = capital_rate(yearly), yearly.maintenance_share
    rate = scaled(rate, 1.0 - subsidy_share, "1")
    parts = {
        "capital": scaled(product(price_usd, rate, "USD/h"), 1.0 / HOURS_PER_YEAR, "USD/h"),
        "maintenance": scaled(product(price_usd, kept, "USD/h"), 1.0 / HOURS_PER_YEAR, "USD/h"),
        "energy": energy_usd_per_hour(energy),
    }
    if usd_per_kw_month is not None:
        parts["building"] = scaled(energy.power_w, building_usd_per_hour(1.0, usd_per_kw_month), "USD/h")
    both = scaled(product(price_usd, plus(rate, kept), "USD/h"), 1.0 / HOURS_PER_YEAR, "USD/h")
    total = plus(both, parts["energy"])
    if "building" in parts:
        total = plus(total, parts["building"])
    return Hourly(total, parts)


def energy_usd_per_hour(energy: Energy) -> Figure:
    """Cost of the energy of an hour [USD/h], hours under load and at rest mixed."""
    share = duty(energy.utilisation, energy.idle_share)
    bought = product(product(energy.power_w, energy.pue, "W"), energy.usd_per_kwh, "USD/h")
    return scaled(bought, usd_per_hour_of_power(1.0, 1.0) * share, "USD/h")


def building_usd_per_hour(power_w: float, usd_per_kw_month: float) -> float:
    """Rent of the building for what draws ``power_w`` at the racks [USD/h].

    Raises UsageError for a negative number.
    """
    if power_w < 0.0 or usd_per_kw_month < 0.0:
        raise UsageError("power and the rent of the building may not be negative")
    return power_w / W_PER_KW * usd_per_kw_month * MONTHS_PER_YEAR / HOURS_PER_YEAR

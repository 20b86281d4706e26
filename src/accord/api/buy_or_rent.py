"""Whether to buy a system or to rent its chips: when buying has paid, and from what use on."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from accord.api.scenario import assumption
from accord.api.terms import terms_of
from accord.catalog.load import Catalog
from accord.economics.breakeven import breakeven_hours, breakeven_use
from accord.economics.scenario import Scenario
from accord.planner.terms import Terms

_OF_AN_OWNER = ("energy", "maintenance", "building")
_SUBSIDIES = {"power_subsidy": None, "power_subsidy_share": 0.0, "capex_subsidy_share": 0.0}
_OWNED = ("life_years", "interest_per_year", "residual_share", "maintenance_share", "usd_per_kw_month")


@dataclass(frozen=True, slots=True)
class BuyOrRent:
    """One chip of a system, bought or rented, under one scenario.

    own, rent: see :class:`accord.planner.terms.Terms`
    hours: of rent that cost as much as buying and running it [h], infinite where running costs more than rent
    use: share of the time above which owning is cheaper over the life [1]; both None where a side has no cost
    """

    own: Terms
    rent: Terms
    hours: float | None
    use: float | None


def buy_or_rent(catalog: Catalog, system_id: str, scenario: Scenario) -> BuyOrRent:
    """Compare owning with renting; the mode of the scenario is ignored.

    Running costs are those of an hour under load. What the machine still sells for counts in ``use`` alone.
    Raises what :func:`accord.api.terms.terms_of` raises.
    """
    own = terms_of(catalog, system_id, msgspec.structs.replace(scenario, mode="own", utilisation=1.0))
    bare = {**_SUBSIDIES, **dict.fromkeys(_OWNED)}
    rent = terms_of(catalog, system_id, msgspec.structs.replace(scenario, mode="rent", **bare))
    if own.usd_per_hour is None or own.capex_usd is None or rent.usd_per_hour is None:
        return BuyOrRent(own, rent, None, None)
    running = sum(own.parts[name].value for name in _OF_AN_OWNER if name in own.parts)
    life, interest, residual = (
        assumption(catalog, scenario, name)[0].value for name in ("life_years", "interest_per_year", "residual_share")
    )
    use = breakeven_use(
        own.capex_usd.value, life_years=life, running_usd_per_hour=running, rent_usd_per_hour=rent.usd_per_hour.value,
        residual_share=residual, interest_per_year=interest,
    )  # fmt: skip
    return BuyOrRent(own, rent, breakeven_hours(own.capex_usd.value, running, rent.usd_per_hour.value), use)

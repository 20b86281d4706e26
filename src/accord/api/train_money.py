"""Power, energy, emissions and cost of a run's chips: what the catalog and a scenario say of a system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from accord.api.terms import terms_of
from accord.base.array import Array
from accord.base.errors import MissingFact
from accord.base.source import Basis
from accord.catalog.load import Catalog
from accord.economics.scenario import Scenario
from accord.economics.unit_cost import training_run_usd
from accord.planner.plan import Metric
from accord.planner.terms import Terms
from accord.power.energy import duty
from accord.report.catalog_view import entry_sources
from accord.uncertainty import figure
from accord.uncertainty.draws import among
from accord.uncertainty.figure import Figure, calculated_basis

J_PER_KWH = 3.6e6
NO_END = 20.0  # times the estimate, beyond which an upper end is not told
_SAID_ELSEWHERE = (
    "no place and no ", "owning has no hourly cost without", "rented, because energy", "hours are system."
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Money:
    """What a chip draws and costs.

    power_w: mean over the run; load_w: while it computes
    said: in words; assumed: defaults that the hourly price rests on
    """

    power_w: Figure | None
    load_w: Figure | None
    pue: Figure | None
    kgco2_per_kwh: Figure | None
    usd_per_hour: Figure | None
    parts: dict[str, Figure] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


def money_of(
    catalog: Catalog, system: str, chip: str, scenario: Scenario, busy: float = 1.0, idle: float = 1.0
) -> Money:
    """Terms of a system under a scenario. Raises ScenarioError.

    busy: share of the time under load; idle: power in the rest over power under load
    """
    if scenario.utilisation is None:
        scenario = msgspec.structs.replace(scenario, utilisation=busy)
    share = duty(busy, idle)
    terms = _terms(catalog, system, scenario)
    if terms is None:
        power = figure.of(catalog.chip(chip).board_power, f"chips/{chip}")
        return Money(_part(power, share), power, None, None, None,
                     said=("power is that of the boards alone, and there is no hourly price",))  # fmt: skip
    said = [line for line in terms.said if not line.startswith(_SAID_ELSEWHERE)]
    said = [line for line in said if terms.usd_per_hour is None or not line.startswith("no source at hand states a pr")]
    if terms.usd_per_hour is None:
        said.append(
            "an hour of the chip has no price, so cost is left out: give --price, or --place, --tariff and --pue"
        )
    if terms.pue is None:
        said.append("energy is that of the racks: no PUE is stated (--pue), so none is told at the meter")
    elif terms.kgco2_per_kwh is None:
        said.append("no place and no carbon intensity is given (--place, --carbon): emissions are left out")
    said = [line for line in said if not line.endswith(": energy has no price") or terms.usd_per_hour is None]
    assumed = () if "rent" in terms.parts else terms.assumed
    return Money(
        _part(terms.power_w, share), terms.power_w, terms.pue, terms.kgco2_per_kwh, terms.usd_per_hour,
        dict(terms.parts),
        tuple(dict.fromkeys(said)), assumed,
    )  # fmt: skip


def _part(power: Figure | None, share: float) -> Figure | None:
    return figure.scaled(power, share, power.unit) if power is not None and share < 1.0 else power


def _terms(catalog: Catalog, system: str, scenario: Scenario) -> Terms | None:
    if system not in catalog.ids("systems"):
        return None
    try:
        return terms_of(catalog, system, scenario)
    except MissingFact:
        return None


def money_metrics(money: Money, chips: float, elapsed_s: float, samples: Array, level: float) -> dict[str, Metric]:
    """Power, and energy, emissions and cost of a run, as far as known.

    elapsed_s: of the run, and as drawn, shape ``(S,)``
    """
    found = power_metrics(money, chips, level)
    if money.power_w is not None:
        hours = elapsed_s / J_PER_KWH * chips
        drawn = samples / J_PER_KWH * chips
        factors: Sequence[tuple[str, str, Figure | None]] = (
            ("energy_kwh", "kWh", money.power_w), ("energy_at_meter_kwh", "kWh", money.pue),
            ("co2_kg", "kgCO2e", money.kgco2_per_kwh),
        )  # fmt: skip
        bases: list[Basis] = []
        for name, unit, one in factors:
            if one is None:
                break
            hours, drawn = hours * one.value, drawn * _drawn(name, one, len(samples))
            bases.append(one.basis)
            found[name] = banded(hours, unit, drawn, level, calculated_basis(bases))
    if money.usd_per_hour is not None:
        rate = money.usd_per_hour
        each = chips / 3600.0
        cost = training_run_usd(elapsed_s * each, rate.value)
        drawn = samples * each * _drawn("price", rate, len(samples))
        found["cost_usd"] = banded(cost, "USD", drawn, level, calculated_basis((rate.basis,)))
    return found


def power_metrics(money: Money, chips: float, level: float) -> dict[str, Metric]:
    """Mean power of all chips, at the racks and at the meter [W]."""
    found: dict[str, Metric] = {}
    if money.power_w is None:
        return found
    low, high = money.power_w.band(level)
    found["power_w"] = Metric(
        value=chips * money.power_w.value, unit="W", low=chips * low, high=chips * high, basis=money.power_w.basis
    )
    if money.pue is not None:
        both = figure.times(money.power_w, money.pue, "W")
        low, high = both.band(level)
        found["power_at_meter_w"] = Metric(
            value=chips * both.value, unit="W", low=chips * low, high=chips * high, basis=both.basis
        )
    return found


def _drawn(name: str, one: Figure, count: int) -> Array:
    return among(f"train {name}", one.points, count)


def banded(value: float, unit: str, samples: Array, level: float, basis: Basis = "derived") -> Metric:
    """A metric whose interval are quantiles of samples, without an upper end that lies beyond :data:`NO_END`."""
    low, high = (float(part) for part in np.quantile(samples, ((1.0 - level) / 2.0, (1.0 + level) / 2.0)))
    upper = max(high, value) if high <= NO_END * value else None
    return Metric(value=value, unit=unit, low=min(low, value), high=upper, basis=basis)


def money_sources(catalog: Catalog, money: Money) -> list[dict[str, object]]:
    """Entries of prices and places that the figures rest on."""
    figures = (money.power_w, money.pue, money.kgco2_per_kwh, money.usd_per_hour)
    owners = dict.fromkeys(
        key.partition(":")[0] for one in figures if one is not None for key in one.sources if "/" in key
    )
    found: list[dict[str, object]] = []
    for owner in owners:
        kind, _, id = owner.partition("/")
        if kind == "prices":
            found += entry_sources(catalog.price(id), owner)
        elif kind == "places":
            found += entry_sources(catalog.place(id), owner)
    return found

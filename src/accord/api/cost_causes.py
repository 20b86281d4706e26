"""What the cost of tokens depends on: each uncertain figure of a plan's holdings moved alone over its band."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from accord.api.scenario import assumption, idle_share, rates_of, site_of
from accord.api.terms import terms_of
from accord.base.errors import MissingFact
from accord.catalog.load import Catalog
from accord.economics.capex import usd_per_year
from accord.economics.ownership import building_usd_per_hour
from accord.economics.scenario import Scenario
from accord.economics.sensitivity import Swing, swings
from accord.economics.unit_cost import usd_per_million_at
from accord.planner.terms import Terms
from accord.power.energy import HOURS_PER_YEAR, at_meter_w, duty, usd_per_hour_of_power
from accord.uncertainty.figure import Figure

_SHARED = (
    ("life_years", "life", "year"),
    ("interest_per_year", "cost of capital", "1"),
    ("residual_share", "residual value", "1"),
    ("maintenance_share", "maintenance", "1"),
)
_THROUGHPUT, _TARIFF, _PUE, _LOAD = "throughput", "tariff", "PUE", "utilisation"


class Causes(NamedTuple):
    """swings: the widest first, of the cost of a million tokens [USD]; units: of each cause by name."""

    swings: tuple[Swing, ...]
    units: dict[str, str]


def cost_causes(
    catalog: Catalog,
    scenario: Scenario,
    chips: Mapping[str, float],
    tokens_per_s: tuple[float, float, float],
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Causes:
    """Move each cause of a plan's cost of a million tokens from the low to the high end of its band.

    chips: held, by system; tokens_per_s: of the whole plan while it is under load, low, estimate and high [tok/s]
    ranges: ends for single causes, in place of the band of sources or where there is none (``utilisation``)
    Raises MissingFact where a system has no hourly cost, UsageError for a range of something that is no cause.
    """
    known = {id: terms_of(catalog, id, scenario) for id in chips}
    lacking = next((id for id, terms in known.items() if terms.usd_per_hour is None), None)
    if lacking is not None:
        raise MissingFact(f"systems/{lacking} has no hourly cost in this scenario", hint=known[lacking].said[-1])
    figures, units = _figures(catalog, scenario, known)
    base = {name: one.value for name, one in figures.items()} | {_THROUGHPUT: tokens_per_s[1]}
    base |= {_LOAD: next(iter(known.values())).load}
    bands = {name: one.band() for name, one in figures.items()} | {_THROUGHPUT: (tokens_per_s[0], tokens_per_s[2])}
    asked = {name: (min(ends[0], base[name]), max(ends[1], base[name])) for name, ends in bands.items()}
    asked = {name: ends for name, ends in asked.items() if ends[0] < ends[1]} | dict(ranges or {})
    units |= {_THROUGHPUT: "tok/s", _LOAD: "1"}
    return Causes(swings(_cost(catalog, scenario, chips, known), base, asked), units)


def _figures(
    catalog: Catalog, scenario: Scenario, known: Mapping[str, Terms]
) -> tuple[dict[str, Figure], dict[str, str]]:
    """Every uncertain figure by name, and its unit; capital before a subsidy."""
    site = site_of(catalog, scenario, rates_of(catalog, scenario))
    bare = msgspec.structs.replace(scenario, capex_subsidy_share=0.0)
    named: list[tuple[str, Figure | None, str]] = []
    many = len(known) > 1
    owned = False
    for id, terms in known.items():
        of = f" of {id}" if many else ""
        if "rent" in terms.parts:
            named.append((f"rent{of}", terms.parts["rent"], "USD/h"))
            continue
        owned = True
        named += [
            (f"capital a chip{of}", terms_of(catalog, id, bare).capex_usd, "USD"),
            (f"power a chip{of}", terms.power_w, "W"),
        ]
    if owned:
        named += [(_TARIFF, site.usd_per_kwh, "USD/kWh"), (_PUE, site.pue, "1")]
        named += [(words, assumption(catalog, scenario, name)[0], unit) for name, words, unit in _SHARED]
    found = {name: one for name, one, _ in named if one is not None}
    return found, {name: unit for name, _, unit in named}


def _cost(
    catalog: Catalog, scenario: Scenario, chips: Mapping[str, float], known: Mapping[str, Terms]
) -> Callable[[Mapping[str, float]], float]:
    """The cost of a million tokens from plain numbers by name [USD]."""
    idle, many = idle_share(catalog, scenario)[0], len(known) > 1
    building, paid = scenario.usd_per_kw_month or 0.0, 1.0 - scenario.capex_subsidy_share

    def owned(of: str, x: Mapping[str, float]) -> float:
        yearly = usd_per_year(
            1.0, life_years=x["life"], residual_share=x["residual value"], interest_per_year=x["cost of capital"]
        )
        capital = x[f"capital a chip{of}"] * (yearly * paid + x["maintenance"]) / HOURS_PER_YEAR
        power_w = x[f"power a chip{of}"]
        drawn_w = at_meter_w(power_w, x[_PUE]) * duty(x[_LOAD], idle)
        return capital + usd_per_hour_of_power(drawn_w, x[_TARIFF]) + building_usd_per_hour(power_w, building)

    def evaluate(x: Mapping[str, float]) -> float:
        total = 0.0
        for id, held in chips.items():
            of = f" of {id}" if many else ""
            total += held * (x[f"rent{of}"] if "rent" in known[id].parts else owned(of, x))
        return usd_per_million_at(total, x[_THROUGHPUT], x[_LOAD])

    return evaluate

"""What many chips of one kind could train or serve, at what power, cost and carbon: plain arithmetic with intervals.

Every number is a product of figures that are taken to be independent, so the squares of their half-widths in log
space add. Training counts ``6 N D``: six FLOP for each token and each weight that a token passes through.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from accord.base.errors import UsageError
from accord.planner.plan import Metric
from accord.power.energy import HOURS_PER_YEAR, J_PER_KWH, duty
from accord.uncertainty.figure import Figure

SECONDS_PER_DAY = 86400.0
SECONDS_PER_YEAR = HOURS_PER_YEAR * 3600.0
FLOP_PER_WEIGHT_AND_TOKEN = 6.0
RUN_DAYS = 90.0
READER_TOKEN_PER_S = 20.0


class Band(NamedTuple):
    """A number with its low and high end."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """A fleet, figures a chip; None where nobody knows.

    chips: of the fleet; flop_per_s: dense peak of the format trained in; mfu: model FLOP over it [1]
    active_params: weights that a token passes through, embedding table left out
    output_token_per_s: of a chip that serves prompts and answers, instance_chips: of one instance
    power_w: at the racks; pue, kgco2_per_kwh, usd_per_hour, capex_usd: as in :class:`accord.planner.terms.Terms`
    load: share of the time under load [1]; idle_share: power at rest over power under load [1]
    """

    chips: int
    flop_per_s: Band | None
    mfu: Band
    active_params: float
    output_token_per_s: Band | None = None
    instance_chips: int = 1
    power_w: Band | None = None
    pue: Band | None = None
    capex_usd: Band | None = None
    usd_per_hour: Band | None = None
    kgco2_per_kwh: Band | None = None
    load: float = 1.0
    idle_share: float = 0.0


def band(found: Figure | None, level: float) -> Band | None:
    """A figure with its ends at ``level``."""
    return None if found is None else Band(found.value, *found.band(level))


def product(factor: float, bands: Sequence[Band]) -> Band:
    """A number times independent ones; a low end of 0 stays 0."""
    value = factor * math.prod(one.value for one in bands)
    if value == 0.0:
        return Band(0.0, 0.0, 0.0)
    below = math.sqrt(sum(_log(one.value, one.low) ** 2 for one in bands))
    above = math.sqrt(sum(_log(one.high, one.value) ** 2 for one in bands))
    return Band(value, value * math.exp(-below), value * math.exp(above))


def _log(above: float, below: float) -> float:
    return math.log(above / below) if below > 0.0 and above > below else (math.inf if below <= 0.0 < above else 0.0)


def fleet_metrics(facts: FleetFacts) -> dict[str, Metric]:
    """Everything that is known of a fleet, by name. Raises UsageError for no chips or an MFU that is no share."""
    if facts.chips < 1:
        raise UsageError(f"a fleet of {facts.chips} chips", where="--chips", hint="give 1 or more")
    if not 0.0 < facts.mfu.low <= facts.mfu.value <= facts.mfu.high <= 1.0:
        raise UsageError(
            f"a model FLOP utilisation of {facts.mfu.low:g} to {facts.mfu.high:g}",
            where="--mfu", hint="give a share above 0 and up to 1, low, value, high",
        )  # fmt: skip
    return _training(facts) | _serving(facts) | _power(facts) | _money(facts)


def _training(facts: FleetFacts) -> dict[str, Metric]:
    if facts.flop_per_s is None:
        return {}
    peak = product(float(facts.chips), (facts.flop_per_s,))
    reached = product(float(facts.chips), (facts.flop_per_s, facts.mfu))
    a_token = FLOP_PER_WEIGHT_AND_TOKEN * facts.active_params
    run = product(RUN_DAYS * SECONDS_PER_DAY, (reached,))
    return {
        "peak_flop_per_s": _metric(peak, "FLOP/s"),
        "mfu": Metric(value=facts.mfu.value, unit="1", low=facts.mfu.low, high=facts.mfu.high, basis="assumed"),
        "train_flop_per_s": _metric(reached, "FLOP/s"),
        "train_flop_per_year": _metric(product(SECONDS_PER_YEAR, (reached,)), "FLOP"),
        "train_run_90_days_flop": _metric(run, "FLOP"),
        "train_token_per_day": _metric(product(SECONDS_PER_DAY / a_token, (reached,)), "tok"),
        "train_run_90_days_token": _metric(product(1.0 / a_token, (run,)), "tok"),
    }


def _serving(facts: FleetFacts) -> dict[str, Metric]:
    """Whole instances serve; chips that make none stay idle."""
    instances = facts.chips // facts.instance_chips
    if facts.output_token_per_s is None or instances < 1:
        return {}
    total = product(float(instances * facts.instance_chips), (facts.output_token_per_s,))
    return {
        "instances": Metric(value=float(instances), unit="1"),
        "output_token_per_s_total": _metric(total, "tok/s"),
        "readers_at_20_token_per_s": _metric(product(1.0 / READER_TOKEN_PER_S, (total,)), "1"),
        "output_token_per_year": _metric(product(SECONDS_PER_YEAR * facts.load, (total,)), "tok"),
    }


def _power(facts: FleetFacts) -> dict[str, Metric]:
    if facts.power_w is None:
        return {}
    racks = product(float(facts.chips), (facts.power_w,))
    found = {"power_w": _metric(racks, "W")}
    if facts.pue is None:
        return found
    meter = product(1.0, (racks, facts.pue))
    energy = product(duty(facts.load, facts.idle_share) * SECONDS_PER_YEAR, (meter,))
    found |= {"meter_power_w": _metric(meter, "W"), "energy_j_per_year": _metric(energy, "J")}
    if facts.kgco2_per_kwh is not None:
        found["kgco2_per_year"] = _metric(product(1.0 / J_PER_KWH, (energy, facts.kgco2_per_kwh)), "kgCO2e")
    return found


def _money(facts: FleetFacts) -> dict[str, Metric]:
    found = {}
    if facts.capex_usd is not None:
        found["capex_usd"] = _metric(product(float(facts.chips), (facts.capex_usd,)), "USD")
    if facts.usd_per_hour is not None:
        yearly = product(facts.chips * HOURS_PER_YEAR, (facts.usd_per_hour,))
        found["usd_per_year"] = _metric(yearly, "USD")
    return found


def _metric(found: Band, unit: str) -> Metric:
    return Metric(value=found.value, unit=unit, low=found.low, high=found.high)

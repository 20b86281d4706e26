"""Cost of a unit of work, from plain numbers: owning plus energy."""

from __future__ import annotations

from accord.base.errors import UsageError
from accord.power.energy import HOURS_PER_YEAR, kwh_per_year

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_YEAR = HOURS_PER_YEAR * SECONDS_PER_HOUR
PER_MILLION = 1e6


def energy_usd_per_year(power_w: float, usd_per_kwh: float, *, pue: float = 1.0, load: float = 1.0) -> float:
    """Yearly cost of the energy a system uses [USD/year].

    power_w: drawn by the system under load [W]; usd_per_kwh: tariff [USD/kWh]
    pue: power of the building over power of the system, at least 1 [1]; load: share of the time under load [1]
    Raises UsageError for a number outside its range.
    """
    if power_w < 0.0 or usd_per_kwh < 0.0:
        raise UsageError("power and tariff may not be negative")
    return kwh_per_year(power_w, pue=pue, load=load) * usd_per_kwh


def usd_per_million_at(usd_per_hour: float, tokens_per_s: float, load: float = 1.0) -> float:
    """Cost of a million tokens of what costs so much an hour, used or not [USD].

    tokens_per_s: while it is under load [tok/s]; load: share of the time under load [1]
    Raises UsageError where no token is made or the cost is negative.
    """
    _share(load, "load")
    if not tokens_per_s * load > 0.0:
        raise UsageError("no token is made, so a token has no cost", hint="give a throughput and a load above 0")
    if usd_per_hour < 0.0:
        raise UsageError("an hourly cost may not be negative")
    return usd_per_hour / (tokens_per_s * load * SECONDS_PER_HOUR) * PER_MILLION


def training_run_usd(chip_hours: float, usd_per_chip_hour: float) -> float:
    """Cost of a training run [USD].

    chip_hours: of all chips, restarts and waiting included [h]; usd_per_chip_hour: owned or rented [USD/h]
    Raises UsageError for a negative number.
    """
    if chip_hours < 0.0 or usd_per_chip_hour < 0.0:
        raise UsageError("chip-hours and their price may not be negative")
    return chip_hours * usd_per_chip_hour


def chip_hours(flop: float, chips: float, flop_per_s_per_chip: float, utilisation: float) -> float:
    """Hours of all chips that a training run takes [h].

    flop: of the run; chips: that run it; flop_per_s_per_chip: dense peak at the run's format [FLOP/s]
    utilisation: useful FLOP over peak, over the whole run [1]. How many chips there are does not change chip-hours.
    Raises UsageError for a number outside its range.
    """
    _share(utilisation, "utilisation")
    if flop < 0.0 or not chips > 0.0 or not flop_per_s_per_chip * utilisation > 0.0:
        raise UsageError("work may not be negative; chips, their rate and its use must be above 0")
    seconds = flop / (chips * flop_per_s_per_chip * utilisation)
    return seconds / SECONDS_PER_HOUR * chips


def breakeven_tariff_ratio(work_per_joule_a: float, work_per_joule_b: float) -> float:
    """Tariff of A over tariff of B at which a unit of work costs both the same energy money [1].

    work_per_joule_a, work_per_joule_b: such as FLOP/s per watt, in one unit. Equal PUE is taken for granted.
    Raises UsageError where either does no work.
    """
    if not (work_per_joule_a > 0.0 and work_per_joule_b > 0.0):
        raise UsageError("work per joule must be above 0 on both sides")
    return work_per_joule_a / work_per_joule_b


def _share(value: float, name: str) -> None:
    if not 0.0 <= value <= 1.0:
        raise UsageError(f"the {name} is {value:g}", hint="give a share between 0 and 1")

"""Cost of a unit of work, from plain numbers: owning plus energy."""

from __future__ import annotations

from accord.base.errors import UsageError

HOURS_PER_YEAR = 8760.0
SECONDS_PER_YEAR = HOURS_PER_YEAR * 3600.0
W_PER_KW = 1000.0
PER_MILLION = 1e6


def energy_usd_per_year(power_w: float, usd_per_kwh: float, *, pue: float = 1.0, load: float = 1.0) -> float:
    """Yearly cost of the energy a system uses [USD/year].

    power_w: drawn by the system under load [W]; usd_per_kwh: tariff [USD/kWh]
    pue: power of the building over power of the system, at least 1 [1]; load: share of the time under load [1]
    Raises UsageError for a number outside its range.
    """
    if power_w < 0.0 or usd_per_kwh < 0.0:
        raise UsageError("power and tariff may not be negative")
    if not pue >= 1.0:
        raise UsageError(f"the power usage effectiveness is {pue:g}", hint="it is 1 or more, such as 1.2")
    _share(load, "load")
    return power_w / W_PER_KW * HOURS_PER_YEAR * load * pue * usd_per_kwh


def usd_per_million_tokens(
    tokens_per_s: float, *, capex_usd_per_year: float, energy_usd_per_year: float, utilisation: float = 1.0
) -> float:
    """Cost of a million tokens [USD].

    tokens_per_s: throughput of the whole system while it works [tokens/s]
    capex_usd_per_year, energy_usd_per_year: yearly costs of the same system [USD/year]
    utilisation: share of the year in which that throughput is reached [1]
    Raises UsageError where no token is made or a cost is negative.
    """
    _share(utilisation, "utilisation")
    if not tokens_per_s > 0.0 or utilisation == 0.0:
        raise UsageError("no token is made, so a token has no cost", hint="give a throughput and utilisation above 0")
    if capex_usd_per_year < 0.0 or energy_usd_per_year < 0.0:
        raise UsageError("a yearly cost may not be negative")
    tokens_per_year = tokens_per_s * utilisation * SECONDS_PER_YEAR
    return (capex_usd_per_year + energy_usd_per_year) / tokens_per_year * PER_MILLION


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

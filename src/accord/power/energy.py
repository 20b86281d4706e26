"""Energy from power: a year's, with hours at rest and with what the building adds."""

from __future__ import annotations

from accord.base.errors import UsageError

W_PER_KW = 1000.0
J_PER_KWH = 3.6e6
HOURS_PER_YEAR = 8760.0


def duty(load: float, idle_share: float) -> float:
    """Mean power over full power [1].

    load: share of the time under load [1]; idle_share: power at rest over power under load [1]
    Raises UsageError for a share outside 0 to 1.
    """
    for name, value in (("load", load), ("idle share", idle_share)):
        if not 0.0 <= value <= 1.0:
            raise UsageError(f"the {name} is {value:g}", hint="give a share between 0 and 1")
    return load + idle_share * (1.0 - load)


def at_meter_w(rack_w: float, pue: float) -> float:
    """Power at the building's meter [W].

    rack_w: at the racks [W]; pue: power of the building over power at the racks, at least 1 [1]
    Raises UsageError for a number outside its range.
    """
    if not rack_w >= 0.0:
        raise UsageError(f"the power is {rack_w:g} W", hint="it may not be negative")
    if not pue >= 1.0:
        raise UsageError(f"the power usage effectiveness is {pue:g}", hint="it is 1 or more, such as 1.2")
    return rack_w * pue


def kwh_per_year(rack_w: float, *, pue: float = 1.0, load: float = 1.0, idle_share: float = 0.0) -> float:
    """Energy at the meter in a year [kWh/year]; see :func:`duty` and :func:`at_meter_w`."""
    return at_meter_w(rack_w, pue) * duty(load, idle_share) / W_PER_KW * HOURS_PER_YEAR


def usd_per_hour_of_power(power_w: float, usd_per_kwh: float) -> float:
    """Cost of an hour of a power at the meter [USD/h]. Raises UsageError for a negative number."""
    if power_w < 0.0 or usd_per_kwh < 0.0:
        raise UsageError("power and tariff may not be negative")
    return power_w / W_PER_KW * usd_per_kwh

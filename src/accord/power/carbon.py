"""What the electricity of a computation emits where it is made."""

from __future__ import annotations

from accord.base.errors import UsageError
from accord.power.energy import J_PER_KWH, j_per_token, kwh_per_year

PER_MILLION = 1e6
KG_PER_T = 1000.0


def kgco2_per_million_tokens(
    rack_w: float, tokens_per_s: float, kgco2_per_kwh: float, *, pue: float = 1.0, load: float = 1.0,
    idle_share: float = 0.0,
) -> float:  # fmt: skip
    """Emissions of a million tokens [kgCO2e].

    kgco2_per_kwh: of the place's electricity at the meter; the others as in :func:`accord.power.energy.j_per_token`
    Making the machines is left out. Raises UsageError for a negative intensity, or where no token is made.
    """
    energy_j = j_per_token(rack_w, tokens_per_s, pue=pue, load=load, idle_share=idle_share)
    return PER_MILLION * energy_j / J_PER_KWH * _intensity(kgco2_per_kwh)


def tco2_per_year(
    rack_w: float, kgco2_per_kwh: float, *, pue: float = 1.0, load: float = 1.0, idle_share: float = 0.0
) -> float:
    """Emissions of a year [tCO2e/year]; see :func:`accord.power.energy.kwh_per_year`."""
    energy_kwh = kwh_per_year(rack_w, pue=pue, load=load, idle_share=idle_share)
    return energy_kwh * _intensity(kgco2_per_kwh) / KG_PER_T


def _intensity(kgco2_per_kwh: float) -> float:
    if not kgco2_per_kwh >= 0.0:
        raise UsageError(f"the carbon intensity is {kgco2_per_kwh:g} kgCO2e/kWh", hint="it may not be negative")
    return kgco2_per_kwh

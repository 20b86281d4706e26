"""What a system's chips draw and cost, as the search needs it: plain figures a chip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from accord.uncertainty.figure import Figure


@dataclass(frozen=True, slots=True)
class Terms:
    """One system under one scenario, a figure a chip held, None where nobody knows.

    system, chip: catalog ids; chips: of one system as it is sold
    whole: chips are held in whole systems (else any number of them, as in a cloud)
    power_w: of the system under load at the racks, hosts and network included [W]
    capex_usd: to buy, network included [USD]; racks: [1]
    usd_per_hour: of owning or renting, energy, cooling and what else the scenario names included [USD/h]
    parts: what ``usd_per_hour`` is made of, by name; they sum to it
    kgco2_per_kwh: of the place's electricity, at the meter; pue: building over racks
    load: share of the time under load that the costs assume (utilisation)
    said: warnings in words; assumed: names of defaults the figures rest on
    """

    system: str
    chip: str
    chips: int
    whole: bool
    power_w: Figure | None
    capex_usd: Figure | None
    racks: Figure | None
    usd_per_hour: Figure | None
    parts: Mapping[str, Figure] = field(default_factory=dict)
    kgco2_per_kwh: Figure | None = None
    pue: Figure | None = None
    load: float = 1.0
    said: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

"""What a run draws and costs, where the catalog knows power and rent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.api.pools import Built
from accord.catalog.load import Catalog
from accord.inference.complete import number
from accord.power.draw import observed_overhead, system_power
from accord.report.comparison import with_power
from accord.serving.bill import cost, energy
from accord.serving.result import Outcome
from accord.uncertainty import figure

RENT = "rent_per_chip_hour"
EXCHANGE = ("exchange-cny-usd", "cny_per_usd")


@dataclass(frozen=True, slots=True)
class Bill:
    """Power and rent of a chip by pool; said: what is missing."""

    watts: Mapping[str, float]
    usd_per_hour: Mapping[str, float]
    idle_share: float
    said: tuple[str, ...]

    def metrics(self, outcome: Outcome) -> dict[str, float]:
        """Energy and cost of a run, as far as known."""
        found: dict[str, float] = {}
        if self.watts:
            found |= energy(outcome, full_w=self.watts, idle_share=self.idle_share)
        if self.usd_per_hour:
            found |= cost(outcome, usd_per_chip_hour=self.usd_per_hour)
        return found


def bill(catalog: Catalog, built: Sequence[Built], usd_per_chip_hour: float | None) -> Bill:
    """Power of the systems' parts in use, and rent: stated, or that of the catalog for the same chip."""
    watts: dict[str, float] = {}
    prices: dict[str, float] = {}
    said: list[str] = []
    for one in built:
        drawn = _watts_per_chip(catalog, one)
        if drawn is not None:
            watts[one.pool.name] = drawn
        price = usd_per_chip_hour if usd_per_chip_hour is not None else _rent(catalog, one.setting.machine.chip)
        if price is not None:
            prices[one.pool.name] = price
    names = {one.pool.name for one in built}
    if watts.keys() != names:
        watts = {}
        said.append("no source states the power of the system or its boards: energy is left out")
    if prices.keys() != names:
        prices = {}
        said.append("no source at hand states a rent of the chip: cost is left out (give --usd-per-chip-hour)")
    return Bill(watts, prices, number(catalog.defaults(), "serving", "idle_power"), tuple(said))


def _watts_per_chip(catalog: Catalog, one: Built) -> float | None:
    """Full power of a system over its chips [W]; of a chip alone, its board's."""
    chip = catalog.chip(one.setting.machine.chip)
    if one.system not in catalog.ids("systems"):
        return chip.board_power.si if chip.board_power is not None else None
    power = system_power(catalog.system(one.system), chip, observed_overhead(with_power(catalog)))
    return power.value / one.setting.machine.chips if power is not None else None


def _rent(catalog: Catalog, chip: str) -> float | None:
    """Rent of a chip [USD/h], at the catalog's rate of exchange; None where no price entry states one."""
    for id in catalog.ids("prices"):
        entry = catalog.price(id)
        found = figure.of(entry.facts.get(RENT), f"prices/{id}") if entry.chip == chip else None
        if found is None:
            continue
        if found.unit == "USD/h":
            return found.value
        rate = figure.of(catalog.price(EXCHANGE[0]).facts.get(EXCHANGE[1]), f"prices/{EXCHANGE[0]}")
        if found.unit == "CNY/h" and rate is not None:
            return found.value / rate.value
    return None

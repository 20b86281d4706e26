"""How a scenario is written in a file: sections, keys, and what each takes. Reader and writer share this table."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["text", "code", "mode", "whole", "number", "years", "share", "money", "quantity", "flag"]


class Key(NamedTuple):
    """One key of a section.

    section, name: in the file; field: of the record; kind: what it takes
    unit: of a quantity, or what an amount of money is for (``/kWh``, ``/h``, "" for a sum)
    example: as written in a file
    """

    section: str
    name: str
    field: str
    kind: Kind
    unit: str
    example: str


KEYS: tuple[Key, ...] = (
    Key("place", "country", "country", "code", "", '"CN"'),
    Key("place", "region", "region", "text", "", '"gansu-qingyang"'),
    Key("place", "year", "year", "whole", "", "2026"),
    Key("place", "tariff", "tariff", "money", "/kWh", '"0.36 CNY/kWh"'),
    Key("place", "pue", "pue", "number", "", "1.15"),
    Key("place", "carbon", "kgco2_per_kwh", "quantity", "kgCO2e/kWh", '"0.5 kgCO2e/kWh"'),
    Key("money", "mode", "mode", "mode", "", '"own"'),
    Key("money", "life_years", "life_years", "years", "", "4"),
    Key("money", "interest", "interest_per_year", "share", "", '"8 %"'),
    Key("money", "residual", "residual_share", "share", "", "0.1"),
    Key("money", "utilisation", "utilisation", "share", "", "0.7"),
    Key("money", "maintenance_share", "maintenance_share", "share", "", "0.05"),
    Key("money", "network_share", "network_share", "share", "", "0.125"),
    Key("money", "idle_share", "idle_share", "share", "", "0.3"),
    Key("money", "usd_per_kw_month", "usd_per_kw_month", "number", "", "150"),
    Key("subsidy", "power", "power_subsidy", "money", "/kWh", '"0.05 USD/kWh"'),
    Key("subsidy", "power", "power_subsidy_share", "share", "", "0.2"),
    Key("subsidy", "capex", "capex_subsidy_share", "share", "", "0.2"),
)
SYSTEM_KEYS: tuple[Key, ...] = (
    Key("system", "price", "price", "money", "", '"8.2 MUSD"'),
    Key("system", "power", "power_w", "quantity", "W", '"559 kW"'),
    Key("system", "usd_per_chip_hour", "rent", "money", "/h", '"2 USD/h"'),
    Key("system", "racks", "racks", "number", "", "16"),
    Key("system", "whole", "whole", "flag", "", "true"),
)
SECTIONS: tuple[str, ...] = ("place", "money", "subsidy", "system", "plan")
EXCHANGE = "exchange"  # a table of rates in the section money


def names(section: str) -> tuple[str, ...]:
    """Keys of a section, each once."""
    listed = SYSTEM_KEYS if section == "system" else KEYS
    found = dict.fromkeys(key.name for key in listed if key.section == section)
    return (*found, EXCHANGE) if section == "money" else tuple(found)

"""A scenario: where systems stand, who pays for them and how, and what is said of single systems against the catalog.

A field that is None was not said. What is then taken for granted is an entry of the catalog, :data:`DEFAULTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from accord.base.errors import DataError
from accord.economics.money import currency

Mode = Literal["auto", "own", "rent"]
MODES: tuple[Mode, ...] = ("auto", "own", "rent")
ASSUMPTIONS = "assumptions-ownership"
DEFAULTS: tuple[str, ...] = (
    "life_years", "interest_per_year", "residual_share", "utilisation", "maintenance_share", "network_share",
)  # fmt: skip
Setting = str | int | float | bool | tuple[str | int | float, ...]


class Amount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number of a currency, or of a currency per something; unit: such as ``USD``, ``CNY/kWh``, ``USD/h``."""

    value: float
    unit: str


class SystemTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scenario says of one system.

    price: of the whole [money]; power_w: of the whole, at the racks [W]; racks: [1]
    rent: of a chip [money/h]; whole: whether chips are held in whole systems
    """

    price: Amount | None = None
    power_w: float | None = None
    racks: float | None = None
    rent: Amount | None = None
    whole: bool | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a cost depends on beside the catalog.

    country: two capital letters; region: id of a place within it; year: that tariffs are wanted for
    tariff: of electricity [money/kWh]; pue: building over racks [1]; kgco2_per_kwh: at the meter
    mode: own, rent, or auto (own where a price is stated and energy is known, else rent)
    life_years; interest_per_year: cost of capital [1]; residual_share: of the price, at the end of the life [1]
    utilisation: share of the time under load [1]; maintenance_share: of capital, a year [1]
    network_share: what the network between systems adds to their price [1]
    idle_share: power at rest over power under load [1]; usd_per_kw_month: rent of the building [USD/kW/month]
    per_usd: units of a currency for one USD
    power_subsidy: off the tariff [money/kWh]; power_subsidy_share: of the tariff [1]
    capex_subsidy_share: of price and network [1]
    systems: by catalog id; plan: flags of ``accord plan`` by name
    """

    country: str | None = None
    region: str | None = None
    year: int | None = None
    tariff: Amount | None = None
    pue: float | None = None
    kgco2_per_kwh: float | None = None
    mode: Mode = "auto"
    life_years: float | None = None
    interest_per_year: float | None = None
    residual_share: float | None = None
    utilisation: float | None = None
    maintenance_share: float | None = None
    network_share: float | None = None
    idle_share: float | None = None
    usd_per_kw_month: float | None = None
    per_usd: Mapping[str, float] = {}
    power_subsidy: Amount | None = None
    power_subsidy_share: float = 0.0
    capex_subsidy_share: float = 0.0
    systems: Mapping[str, SystemTerms] = {}
    plan: Mapping[str, Setting] = {}

    def __post_init__(self) -> None:
        """Refuse what contradicts itself. Raises ScenarioError naming the field."""
        _check_ranges(self)
        _check_together(self)


class ScenarioError(DataError):
    """A scenario contradicts itself or leaves a range.

    field: of the record, or ``system/ID/key``, so that a reader can name the line
    """

    def __init__(self, what: str, *, field: str = "", where: str | None = None, hint: str | None = None) -> None:
        """Keep the field beside the three parts."""
        super().__init__(what, where=where, hint=hint)
        self.field = field


# field, lowest, highest (None: none), whether the lowest itself is left out, example
_RANGES: tuple[tuple[str, float, float | None, bool, str], ...] = (
    ("year", 1990, 2100, False, "2026"),
    ("pue", 1.0, 5.0, False, "1.2"),
    ("kgco2_per_kwh", 0.0, 5.0, False, "0.5 kgCO2e/kWh"),
    ("life_years", 0.0, 50.0, True, "4"),
    ("interest_per_year", 0.0, 1.0, False, "0.08"),
    ("residual_share", 0.0, 1.0, False, "0.1"),
    ("utilisation", 0.0, 1.0, True, "0.7"),
    ("maintenance_share", 0.0, 1.0, False, "0.05"),
    ("network_share", 0.0, 5.0, False, "0.125"),
    ("idle_share", 0.0, 1.0, False, "0.3"),
    ("usd_per_kw_month", 0.0, None, False, "150"),
    ("power_subsidy_share", 0.0, 1.0, False, "0.2"),
    ("capex_subsidy_share", 0.0, 1.0, False, "0.2"),
)


def _check_ranges(one: Scenario) -> None:
    for field, least, most, open_below, example in _RANGES:
        value = getattr(one, field)
        if value is None:
            continue
        low = value > least if open_below else value >= least
        if not low or (most is not None and not value <= most):
            allowed = f"{'above' if open_below else 'at least'} {least:g}" + (f", at most {most:g}" if most else "")
            raise ScenarioError(f"{field} is {value:g}; it is {allowed}", field=field, hint=f"write it as '{example}'")
    for field in ("tariff", "power_subsidy"):
        amount = getattr(one, field)
        if amount is not None and not amount.value >= 0.0:
            raise ScenarioError(f"{field} is {amount.value:g} {amount.unit}; it may not be negative", field=field)
    for name, rate in one.per_usd.items():
        if not rate > 0.0 or name == "USD":
            raise ScenarioError(
                f"the rate of {name} is {rate:g} for one USD", field="per_usd", hint="write 'CNY = 7.2'"
            )


def _check_together(one: Scenario) -> None:
    if one.region is not None and one.country is None:
        raise ScenarioError("a region without its country", field="region", hint="add 'country', such as \"CN\"")
    subsidies = ("power_subsidy", "power_subsidy_share", "capex_subsidy_share")
    given = next((name for name in subsidies if getattr(one, name)), None)
    if one.mode == "rent" and given is not None:
        what = "a rent contains machines, power and building already, so a subsidy on one of them cannot be paid"
        raise ScenarioError(what, field=given, hint="drop the subsidy, or write 'mode = \"own\"'")
    owned = ("life_years", "interest_per_year", "residual_share", "maintenance_share", "usd_per_kw_month")
    given = next((name for name in owned if getattr(one, name) is not None), None)
    if one.mode == "rent" and given is not None:
        raise ScenarioError(
            f"{given} is a cost of an owner, and the mode is rent", field=given,
            hint="drop it, or write 'mode = \"own\"' or '\"auto\"'",
        )  # fmt: skip
    if one.power_subsidy is not None and one.power_subsidy_share:
        raise ScenarioError(
            "the subsidy on power is given twice, as an amount and as a share", field="power_subsidy_share",
            hint="keep one",
        )  # fmt: skip
    if one.tariff is not None and one.power_subsidy is not None:
        check_subsidy(one.tariff, one.power_subsidy, one.per_usd)


def check_subsidy(tariff: Amount, subsidy: Amount, per_usd: Mapping[str, float]) -> None:
    """Refuse a subsidy above the tariff, where both can be compared. Raises ScenarioError."""
    values = [_usd(amount, per_usd) for amount in (tariff, subsidy)]
    if currency(tariff.unit) == currency(subsidy.unit):
        values = [tariff.value, subsidy.value]
    paid, off = values
    if paid is not None and off is not None and off > paid * (1.0 + 1e-9):
        raise ScenarioError(
            f"the subsidy of {subsidy.value:g} {subsidy.unit} is above the tariff of {tariff.value:g} {tariff.unit}, "
            "so power would cost less than nothing",
            field="power_subsidy", hint="give what is paid off each kWh, at most the tariff",
        )  # fmt: skip


def _usd(amount: Amount, per_usd: Mapping[str, float]) -> float | None:
    name = currency(amount.unit)
    if name == "USD":
        return amount.value
    return amount.value / per_usd[name] if name in per_usd else None

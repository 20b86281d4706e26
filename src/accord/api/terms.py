"""What a system's chips draw and cost under a scenario: the catalog, the scenario and the economics joined."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakKeyDictionary

from accord.api.scenario import Site, assumption, idle_share, rates_of, site_of, usd
from accord.base.errors import MissingFact
from accord.catalog.chip import Chip
from accord.catalog.load import Catalog
from accord.catalog.price import Price
from accord.catalog.system import System
from accord.economics import capex
from accord.economics.breakeven import breakeven_use
from accord.economics.ownership import Energy, Hourly, Yearly, owned
from accord.economics.rent import commitment, rent_of
from accord.economics.scenario import Scenario, SystemTerms
from accord.economics.sums import stated
from accord.planner.terms import Terms
from accord.power.draw import observed_overhead, system_power
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

_SOLD_WHOLE = ("node", "supernode")
_YEARLY = ("life_years", "interest_per_year", "residual_share", "maintenance_share")
_MACHINES = ("node", "supernode", "pod")
T = TypeVar("T")


@dataclass(slots=True)
class _Observed:
    """What was read of one catalog once."""

    overhead: dict[str, Figure | None] = field(default_factory=dict)
    markup: dict[str, Figure | None] = field(default_factory=dict)


_CACHE: WeakKeyDictionary[Catalog, _Observed] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class _Job:
    """One question: a system with its chip and the entries that price either."""

    catalog: Catalog
    scenario: Scenario
    system: System
    chip: Chip
    chips: int
    over: SystemTerms
    prices: tuple[Price, ...]
    rates: Mapping[str, Figure]


def terms_of(catalog: Catalog, system_id: str, scenario: Scenario) -> Terms:
    """Power, capital and hourly cost of a system for each of its chips, under a scenario.

    Capital is what it costs to buy, whether the scenario buys or rents; a capital subsidy is taken off. A rent
    contains power, cooling and building. What nobody states is None, and ``said`` tells why.
    Raises CatalogError for an unknown id, MissingFact for a system without a chip or a number of chips,
    ScenarioError for an unknown place, a currency without a rate, or a subsidy above the tariff.
    """
    job = _job(catalog, system_id, scenario)
    site = site_of(catalog, scenario, job.rates)
    said, assumed = list(site.said), list[str]()
    power = _power(job)
    if power is None:
        said.append("no source at hand states the power of the system or of its boards")
    priced = _capex(job, said, assumed)
    rent = _rent(job)
    utilisation = _default(job, "utilisation", assumed)
    said += _either(job, site, power, priced, rent)
    hourly, renting = _hourly(job, site, power, priced, rent, utilisation.value, said, assumed)
    racks = stated(job.over.racks, "1", "racks") if job.over.racks is not None else None
    racks = racks or figure.of(job.system.racks, f"systems/{system_id}")
    if power is not None and power.built:
        said.append(f"power of the system is {power.remarks[0]}")
    return Terms(
        system=system_id, chip=job.chip.id, chips=job.chips, whole=_whole(job, renting),
        power_w=_each(power, job), capex_usd=_paid(job, priced), racks=_each(racks, job),
        usd_per_hour=hourly.total if hourly else None, parts=hourly.parts if hourly else {},
        kgco2_per_kwh=site.kgco2_per_kwh, pue=site.pue, load=utilisation.value,
        said=tuple(dict.fromkeys(said)), assumed=tuple(dict.fromkeys(assumed)),
    )  # fmt: skip


def _job(catalog: Catalog, system_id: str, scenario: Scenario) -> _Job:
    system = catalog.system(system_id)
    if system.chip is None or system.chips is None or not system.chips.si >= 1.0:
        lacking = "chip" if system.chip is None else "number of chips"
        raise MissingFact(f"systems/{system_id} states no {lacking}, so nothing can be told for each chip")
    chip = catalog.chip(system.chip)
    entries = _naming(catalog, "prices", f"{re.escape(system.chip)}|{re.escape(system_id)}")
    return _Job(
        catalog, scenario, system, chip, round(system.chips.si), scenario.systems.get(system_id, SystemTerms()),
        tuple(map(catalog.price, entries)), rates_of(catalog, scenario),
    )  # fmt: skip


def _whole(job: _Job, renting: bool) -> bool:
    if job.over.whole is not None:
        return job.over.whole
    return job.system.kind in _SOLD_WHOLE and not renting


def _each(whole: Figure | None, job: _Job) -> Figure | None:
    return figure.scaled(whole, 1.0 / job.chips, whole.unit) if whole is not None else None


def _default(job: _Job, name: str, assumed: list[str]) -> Figure:
    """A number of the scenario, or the catalog's, whose name is then noted."""
    found, default = assumption(job.catalog, job.scenario, name)
    if default:
        assumed.append(name)
    return found


# Power and capital


def _power(job: _Job) -> Figure | None:
    """Power of the whole system at the racks [W]."""
    if job.over.power_w is not None:
        return stated(job.over.power_w, "W", "power")
    overhead = _overhead(job.catalog) if job.system.power is None else None
    return system_power(job.system, job.chip, overhead)


def _capex(job: _Job, said: list[str], assumed: list[str]) -> Figure | None:
    """Price of each chip with the network, before a subsidy [USD]."""
    price = _price(job)
    all_in = None if job.over.price is not None else capex.all_in_price(job.prices, job.chip.id, job.rates)
    if price is None and all_in is None:
        said.append("no source at hand states a price of the system, or prices that one could be built from")
        return None
    if price is None:
        return all_in
    if price.built:
        said.append(f"price is {price.remarks[0]}")
    return capex.with_network(price, _default(job, "network_share", assumed), all_in)


def _paid(job: _Job, priced: Figure | None) -> Figure | None:
    """A price with the subsidy taken off [USD]."""
    return figure.scaled(priced, 1.0 - job.scenario.capex_subsidy_share, "USD") if priced is not None else None


def _price(job: _Job) -> Figure | None:
    """Price of each chip's share of the system, network between systems left out [USD]."""
    if job.over.price is not None:
        return _each(usd(job.over.price, f"system/{job.system.id}/price", job.rates), job)
    whole = capex.system_price(job.system, job.prices)
    if whole is not None:
        return _each(whole, job)
    server = capex.server_price(job.prices, job.chip.id, job.rates)
    alone = capex.chip_price(job.chip, job.rates, job.prices)
    markup = _markup(job.catalog, job.scenario) if alone is not None else None
    return capex.built_price(capex.Parts(server, alone, markup))


def _priced(job: _Job) -> bool:
    """Whether somebody states a price of the system."""
    return job.over.price is not None or capex.system_price(job.system, job.prices) is not None


# An hour


def _rent(job: _Job) -> Figure | None:
    if job.over.rent is not None:
        return usd(job.over.rent, f"system/{job.system.id}/usd_per_chip_hour", job.rates)
    return rent_of(job.prices, job.chip.id, job.rates)


def _hourly(
    job: _Job, site: Site, power: Figure | None, bought: Figure | None, rent: Figure | None, utilisation: float,
    said: list[str], assumed: list[str],
) -> tuple[Hourly | None, bool]:  # fmt: skip
    """Cost of an hour of a chip, and whether it is rented."""
    mode = job.scenario.mode
    known = bought is not None and power is not None and site.usd_per_kwh is not None and site.pue is not None
    first = mode == "rent" or (mode == "auto" and not (known and _priced(job)))
    if first and rent is not None:
        said.append(f"hours are {commitment(rent)}; power, cooling and building are in the rent")
        said.extend(f"rent: {remark}" for remark in rent.remarks[1:])
        if mode == "auto":
            said.append("rented, because " + ("no price is stated" if not _priced(job) else "energy has no price"))
        return Hourly(rent, {"rent": rent}), True
    if mode == "rent":
        said.append("no source at hand states a rent of the chip")
        return None, True
    if not known:
        lacking = [
            word
            for word, one in (
                ("its price", bought), ("its power", power), ("a tariff", site.usd_per_kwh), ("a PUE", site.pue),
            )
            if one is None
        ]  # fmt: skip
        said.append(f"owning has no hourly cost without {' and '.join(lacking)}" + _instead(mode, rent))
        return None, False
    assert bought is not None and power is not None and site.usd_per_kwh is not None and site.pue is not None
    idle, default = idle_share(job.catalog, job.scenario)
    if default and utilisation < 1.0:
        assumed.append("idle_share")
    yearly = Yearly(*(_default(job, name, assumed) for name in _YEARLY))
    each = figure.scaled(power, 1.0 / job.chips, "W")
    energy = Energy(each, site.usd_per_kwh, site.pue, utilisation, idle)
    building = job.scenario.usd_per_kw_month
    said.append("owned: without staff" + (" and without the building" if building is None else ""))
    return owned(bought, yearly, energy, building, job.scenario.capex_subsidy_share), False


def _either(
    job: _Job, site: Site, power: Figure | None, priced: Figure | None, rent: Figure | None
) -> list[str]:  # fmt: skip
    """From what use on buying costs less than renting, where the scenario leaves that open and both have a cost."""
    paid = _paid(job, priced)
    if job.scenario.mode != "auto" or power is None or paid is None or priced is None or rent is None:
        return []
    if site.usd_per_kwh is None or site.pue is None:
        return []
    yearly = Yearly(*(assumption(job.catalog, job.scenario, name)[0] for name in _YEARLY))
    energy = Energy(figure.scaled(power, 1.0 / job.chips, "W"), site.usd_per_kwh, site.pue, 1.0, 1.0)
    parts = owned(priced, yearly, energy, job.scenario.usd_per_kw_month).parts
    running = sum(part.value for name, part in parts.items() if name != "capital")
    use = breakeven_use(
        paid.value, life_years=yearly.life_years.value, running_usd_per_hour=running, rent_usd_per_hour=rent.value,
        residual_share=yearly.residual_share.value, interest_per_year=yearly.interest_per_year.value,
    )  # fmt: skip
    if use > 1.0:
        return ["renting costs less than buying, however much it is used"]
    return [f"buying costs less than renting where it is used more than {100.0 * use:.0f} % of the time"]


def _instead(mode: str, rent: Figure | None) -> str:
    return "; a rent of the chip is known" if mode == "own" and rent is not None else ""


# What other systems show


def _overhead(catalog: Catalog) -> Figure | None:
    """System power over board power; read once for a catalog."""
    return _once(_observed(catalog).overhead, "", lambda: observed_overhead(_with_power(catalog)))


def _markup(catalog: Catalog, scenario: Scenario) -> Figure | None:
    """System price over chip price; read once for a catalog and a set of rates."""
    key = repr((sorted(scenario.per_usd.items()), scenario.year))
    rates = rates_of(catalog, scenario)
    return _once(_observed(catalog).markup, key, lambda: capex.observed_markup(_with_prices(catalog, rates)))


def _observed(catalog: Catalog) -> _Observed:
    return _CACHE.setdefault(catalog, _Observed())


def _once(kept: dict[str, T], key: str, read: Callable[[], T]) -> T:
    if key not in kept:
        kept[key] = read()
    return kept[key]


def _with_power(catalog: Catalog) -> Iterator[tuple[System, Chip]]:
    for id in _machines(catalog, "power"):
        system = catalog.system(id)
        if system.power is not None and system.chip is not None:
            yield system, catalog.chip(system.chip)


def _with_prices(catalog: Catalog, rates: Mapping[str, Figure]) -> Iterator[tuple[Figure, Figure]]:
    """Price of a system's share and of its chip, where both are stated."""
    alones = _stating(catalog, "prices", capex.ALONE)
    for id in _machines(catalog, "price|capex"):
        system = catalog.system(id)
        price = capex.system_price(system)
        if system.kind not in _MACHINES or price is None or system.chip is None or system.chips is None:
            continue
        alone = _alone(catalog, system.chip, rates, alones)
        if alone is not None:
            yield figure.scaled(price, 1.0 / system.chips.si, "USD"), alone
    for id in _stating(catalog, "prices", capex.PER_CHIP):
        entry = catalog.price(id)
        alone = _alone(catalog, entry.chip, rates, alones) if entry.chip is not None else None
        server = capex.server_price((entry,), entry.chip, rates) if entry.chip is not None else None
        if alone is not None and server is not None:
            yield server, alone


def _alone(catalog: Catalog, chip: str, rates: Mapping[str, Figure], among: Sequence[str]) -> Figure | None:
    """Price of a chip alone [USD], by its own entry or one of those prices."""
    entries = map(catalog.price, _naming(catalog, "prices", re.escape(chip), among))
    return capex.chip_price(catalog.chip(chip), rates, entries)


def _naming(catalog: Catalog, kind: str, words: str, among: Sequence[str] | None = None) -> list[str]:
    """Entries whose text has one of the words; looked up in the text, so that few files are parsed."""
    return _matching(catalog, kind, rb"(?<![a-z0-9.-])(?:" + words.encode() + rb")(?![a-z0-9.-])", among)


def _machines(catalog: Catalog, names: str) -> list[str]:
    """Systems of the kinds that stand for one machine and have one of the names as a key."""
    kinds = _matching(catalog, "systems", rb"\bkind[\"']?\s*:\s*[\"']?(?:" + "|".join(_MACHINES).encode() + rb")\b")
    return sorted(set(kinds) & set(_stating(catalog, "systems", names)))


def _stating(catalog: Catalog, kind: str, names: str) -> list[str]:
    """Entries that have one of the names as a key."""
    return _matching(catalog, kind, rb"(?<![a-z0-9._-])(?:" + names.encode() + rb")[\"']?\s*:")


def _matching(catalog: Catalog, kind: str, pattern: bytes, among: Sequence[str] | None = None) -> list[str]:
    wanted = re.compile(pattern)
    return [
        id
        for id in (catalog.ids(kind) if among is None else among)
        if wanted.search(catalog.path(kind, id).read_bytes())
    ]

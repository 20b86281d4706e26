"""A scenario joined with the catalog: rates of exchange, what a place says, what is taken for granted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from accord.base import units
from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.catalog.load import Catalog
from accord.catalog.place import Place
from accord.economics.money import currency, in_usd
from accord.economics.place import (
    Found,
    Wanted,
    chain_of,
    missing,
    rate_of,
    resolve_carbon,
    resolve_pue,
    resolve_tariff,
)  # fmt: skip
from accord.economics.scenario import ASSUMPTIONS, DEFAULTS, Amount, Scenario, ScenarioError, check_subsidy
from accord.economics.sums import stated
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

_RATE_ENTRY = "exchange-{}-usd"


@dataclass(frozen=True, slots=True)
class Site:
    """What holds at the place of a scenario.

    usd_per_kwh: paid, subsidies off; kgco2_per_kwh: at the meter; pue: [1]; None where nobody says
    said: in words, what was resolved from where and what is missing
    """

    usd_per_kwh: Figure | None
    kgco2_per_kwh: Figure | None
    pue: Figure | None
    said: tuple[str, ...] = ()


class Rates(Mapping[str, Figure]):
    """Units of a currency for one USD: the scenario's, else the catalog's, read when asked for."""

    def __init__(self, catalog: Catalog, scenario: Scenario) -> None:
        """Read nothing yet."""
        self._catalog = catalog
        self._stated = scenario.per_usd
        self._year = scenario.year
        self._known = set(catalog.ids("prices"))

    def __getitem__(self, name: str) -> Figure:
        """Return a rate. Raises KeyError where nobody states one."""
        if name in self._stated:
            return stated(self._stated[name], "1", f"{name} for one USD")
        entry = _RATE_ENTRY.format(name.lower())
        if entry not in self._known:
            raise KeyError(name)
        found = rate_of(self._catalog.price(entry), name, self._year)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        """Iterate over the currencies that have a rate."""
        names = {id.split("-")[1].upper() for id in self._known if re.fullmatch(r"exchange-[a-z]{3}-usd", id)}
        return iter(sorted(names | set(self._stated)))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(list(iter(self)))


def rates_of(catalog: Catalog, scenario: Scenario) -> Mapping[str, Figure]:
    """Units of a currency for one USD, by currency."""
    return Rates(catalog, scenario)


def assumption(catalog: Catalog, scenario: Scenario, name: str) -> tuple[Figure, bool]:
    """A number of ``accord.economics.scenario.DEFAULTS``, and whether the scenario leaves it to the catalog."""
    said = getattr(scenario, name)
    if said is not None:
        return stated(said, "1", name), False
    found = figure.of(catalog.price(ASSUMPTIONS).facts.get(name), f"prices/{ASSUMPTIONS}")
    if found is None:
        raise CatalogError(f"prices/{ASSUMPTIONS} states no '{name}'")
    return found, True


def idle_share(catalog: Catalog, scenario: Scenario) -> tuple[float, bool]:
    """Power at rest over power under load [1], and whether the scenario leaves it to the catalog."""
    if scenario.idle_share is not None:
        return scenario.idle_share, False
    return catalog.defaults()["serving"]["idle_power"].si, True


def usd(amount: Amount, field: str, rates: Mapping[str, Figure]) -> Figure:
    """A stated amount in USD.

    field: that states it, as in :class:`accord.economics.scenario.ScenarioError`
    Raises ScenarioError where no rate of its currency is known.
    """
    what = field.replace("_", " ").replace("/", ".")
    found = in_usd(stated(amount.value, amount.unit, what), rates)
    if found is None:
        name = currency(amount.unit)
        raise ScenarioError(
            f"the {what} is in {name}, and nobody states its rate of exchange",
            field=field,
            hint=f"state it in the scenario: [money.exchange] {name} = ...",
        )
    return found


# Places


def place_chain(catalog: Catalog, country: str, region: str | None = None) -> tuple[Place, ...]:
    """The place of a scenario and those around it, the innermost first.

    country: two letters; region: id of a place within it, with or without the country's letters before it
    Raises ScenarioError naming the closest place the catalog has.
    """
    at = _region(catalog, country, region) if region is not None else _country(catalog, country)
    return chain_of(at.id, catalog.place)


def _country(catalog: Catalog, country: str) -> Place:
    code = country.upper()
    for id in (code.lower(), *_ids_with(catalog, "places", "country", code)):
        place = catalog.place(id) if id in catalog.ids("places") else None
        if place is not None and place.kind == "country" and place.country == code:
            return place
    known = sorted({catalog.place(id).country for id in catalog.ids("places")})
    raise ScenarioError(f"the catalog knows no country '{country}'", field="country", hint=did_you_mean(code, known))


def _region(catalog: Catalog, country: str, region: str) -> Place:
    ids = catalog.ids("places")
    for id in (f"{country.lower()}-{region}", region):
        if id in ids and catalog.place(id).country == country.upper():
            return catalog.place(id)
    near = [id for id in ids if catalog.place(id).country == country.upper()]
    raise ScenarioError(
        f"the catalog knows no place '{region}' in {country}", field="region", hint=did_you_mean(region, near)
    )


def _ids_with(catalog: Catalog, kind: str, key: str, value: str) -> list[str]:
    """Entries whose file has a key with a value somewhere; found in the text, so that few files are parsed."""
    wanted = re.compile(rb"\b" + key.encode() + rb"\W*:\W*" + re.escape(value.encode()) + rb"\b")
    return [id for id in catalog.ids(kind) if wanted.search(catalog.path(kind, id).read_bytes())]


def site_of(catalog: Catalog, scenario: Scenario, rates: Mapping[str, Figure]) -> Site:
    """What electricity costs and emits at the place of a scenario, and what a building there adds.

    What the scenario states comes first, then the place, then the places around it. There is no average of the world:
    what nobody states is None, and said. Raises ScenarioError for an unknown place or a subsidy above the tariff.
    """
    chain = place_chain(catalog, scenario.country, scenario.region) if scenario.country is not None else ()
    said: list[str] = []
    tariff = _tariff(scenario, chain, rates, said)
    if scenario.pue is not None:
        pue: Figure | None = stated(scenario.pue, "1", "pue")
    else:
        pue = _of_place(chain, resolve_pue(chain), "pue", said)
    if scenario.kgco2_per_kwh is not None:
        carbon: Figure | None = stated(scenario.kgco2_per_kwh, "kgCO2e/kWh", "carbon")
    else:
        carbon = _of_place(chain, resolve_carbon(chain, year=scenario.year), "carbon", said)
    return Site(_paid(scenario, tariff, rates), carbon, pue, tuple(said))


def _tariff(
    scenario: Scenario, chain: tuple[Place, ...], rates: Mapping[str, Figure], said: list[str]
) -> Figure | None:
    """Price of electricity before a subsidy [USD/kWh]."""
    if scenario.tariff is not None:
        return usd(scenario.tariff, "tariff", rates)
    found = resolve_tariff(chain, year=scenario.year)
    if found is None:
        said.append(_lacking(chain, "tariff"))
        return None
    said.append(f"tariff: {found.said}")
    paid = in_usd(found.figure, rates)
    if paid is None:
        said.append(f"no source at hand states the rate of exchange of {currency(found.figure.unit)}")
    return paid


def _of_place(chain: tuple[Place, ...], found: Found | None, wanted: Wanted, said: list[str]) -> Figure | None:
    said.append(found.said if found is not None else _lacking(chain, wanted))
    return found.figure if found is not None else None


def _lacking(chain: tuple[Place, ...], wanted: Wanted) -> str:
    words = {"tariff": "energy has no price", "pue": "energy has no price", "carbon": "emissions are left out"}[wanted]
    return f"{missing(chain, wanted) if chain else f'no place and no {wanted} is given'}: {words}"


def _paid(scenario: Scenario, tariff: Figure | None, rates: Mapping[str, Figure]) -> Figure | None:
    """A tariff with the subsidy taken off [USD/kWh]."""
    if tariff is None:
        return None
    paid = figure.scaled(tariff, 1.0 - scenario.power_subsidy_share, tariff.unit)
    if scenario.power_subsidy is None:
        return paid
    off = usd(scenario.power_subsidy, "power_subsidy", rates).value
    check_subsidy(Amount(paid.value, "USD/kWh"), Amount(off, "USD/kWh"), {})
    points = tuple(max(point - off, 0.0) for point in paid.points)
    return msgspec.structs.replace(paid, value=max(paid.value - off, 0.0), points=points)


def taken_for_granted(catalog: Catalog, scenario: Scenario) -> dict[str, str]:
    """What a scenario leaves to the catalog, in words by field: the number, its band, and where it is from."""
    rates = rates_of(catalog, scenario)
    site = site_of(catalog, scenario, rates)
    found: dict[str, Figure] = {}
    for name in DEFAULTS:
        one, default = assumption(catalog, scenario, name)
        if default:
            found[name] = one
    places = {"tariff": site.usd_per_kwh, "pue": site.pue, "kgco2_per_kwh": site.kgco2_per_kwh}
    found |= {name: one for name, one in places.items() if one is not None and getattr(scenario, name) is None}
    words = {name: _in_words(one) for name, one in found.items()}
    idle, default = idle_share(catalog, scenario)
    return words | ({"idle_share": f"{idle:g}, assumed"} if default else {})


def _in_words(one: Figure) -> str:
    low, high = one.band()
    spread = f" ({units.show(low, one.unit)} to {units.show(high, one.unit)})" if one.disputed else ""
    return f"{units.show(one.value, one.unit)}{spread}, {one.basis}, {', '.join(one.sources)}"

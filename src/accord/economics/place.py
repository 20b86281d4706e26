"""What a place asks for electricity, what its grid emits and how its buildings are cooled, and where that was found.

A place is given as a chain, the nearest first: site, region, country. Nothing is taken from outside the chain: where
none of its places states a figure there is none, and :func:`missing` says so in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from accord.base.errors import CatalogError, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.place import Place
from accord.catalog.price import Price
from accord.catalog.value import Value
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

Use = Literal["data_centre", "industrial", "business", "residential"]
USES: tuple[Use, ...] = ("data_centre", "industrial", "business", "residential")
Wanted = Literal["tariff", "carbon", "pue"]

_DIRECT: Mapping[Use, tuple[Use, ...]] = {
    "data_centre": ("data_centre", "industrial", "business"),
    "industrial": ("industrial", "data_centre", "business"),
    "business": ("business", "industrial", "data_centre"),
    "residential": ("residential",),
}
_PROXY: Use = "residential"
_WORDS: Mapping[Use, str] = {
    "data_centre": "data centres",
    "industrial": "industry",
    "business": "businesses",
    "residential": "households",
}
_WANTED: Mapping[Wanted, str] = {"tariff": "a price of electricity", "carbon": "a carbon intensity", "pue": "a PUE"}


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price of electricity and where it was found.

    figure: in its own currency per kWh, with the claims that differ; place: id it holds for; fact: its name there
    use: whom it is charged; proxy: charged to households, so no price for a machine room
    date: day, month or year it holds for; said: the same in a sentence
    """

    figure: Figure
    place: str
    fact: str
    use: Use
    proxy: bool
    date: str | None
    said: str


@dataclass(frozen=True, slots=True)
class Found:
    """A figure of a place: carbon intensity [kgCO2e/kWh] or PUE [1].

    place: id it holds for; fact: its name there; date: as in :class:`Tariff`; said: the same in a sentence
    """

    figure: Figure
    place: str
    fact: str
    date: str | None
    said: str


def chain_of(id: str, place: Callable[[str], Place]) -> tuple[Place, ...]:
    """A place and those around it, the nearest first.

    place: entry of an id, such as the catalog's
    Raises CatalogError where the places lead in a circle, and what ``place`` raises.
    """
    chain = [place(id)]
    while (around := chain[-1].within) is not None:
        if any(around == one.id for one in chain):
            ids = " -> ".join((*(one.id for one in chain), around))
            raise CatalogError(f"places lead in a circle: {ids}", hint="a country has no 'within'")
        chain.append(place(around))
    return tuple(chain)


def resolve_tariff(chain: Sequence[Place], use: Use = "data_centre", *, year: int | None = None) -> Tariff | None:
    """The price of electricity that comes nearest to what is asked for.

    chain: places, the nearest first; use: whom it should be charged; year: prefer the fact of that year where a
        place has one
    The nearest place that states a price for a data centre, industry or business counts, in that order within it
    (for another use: that use first). Only where no place states one, households' price stands in, as a proxy.
    Returns None where nothing is stated; see :func:`missing`. Raises UsageError for an unknown use.
    """
    if use not in USES:
        raise UsageError(f"{use!r} is no use of electricity", hint=did_you_mean(use, USES))
    for kinds in (_DIRECT[use], () if use == _PROXY else (_PROXY,)):
        for place in chain:
            for kind in kinds:
                found = _fact(place, f"electricity_{kind}", year)
                if found is not None:
                    return _tariff(place, *found, kind=kind, use=use)
    return None


def resolve_carbon(chain: Sequence[Place], *, year: int | None = None) -> Found | None:
    """What the grid of the nearest place that says so emits [kgCO2e/kWh]; None where none does."""
    return _found(chain, "carbon_intensity", "emissions of the grid", year)


def resolve_pue(chain: Sequence[Place]) -> Found | None:
    """Power of the building over power of the machines [1], of the nearest place that says so; None where none does."""
    return _found(chain, "pue", "PUE", None)


def missing(chain: Sequence[Place], wanted: Wanted) -> str:
    """Say in words that no place of a chain states what is wanted."""
    names = ", ".join(place.name for place in chain)
    return f"no source at hand states {_WANTED[wanted]} for {names or 'a place that is not given'}"


def rate_of(price: Price, currency: str, year: int | None = None) -> Figure | None:
    """Units of a currency that a dollar buys, as a figure in ``CUR/USD``.

    price: entry of kind exchange; currency: three letters; year: the rate of that year; where the entry has none, of
        the nearest year, or its latest rate for a later year, and a remark says so; None: its latest rate
    Returns None where the entry has no rate of the currency.
    """
    name = f"{currency.lower()}_per_usd"
    years = sorted(int(one[-4:]) for one in price.facts if re.fullmatch(rf"{name}_[0-9]{{4}}", one))
    chosen: int | None = None
    if year is not None and years and (year <= years[-1] or name not in price.facts):
        chosen = min(years, key=lambda one: (abs(one - year), -one))
    found = figure.of(price.facts.get(name if chosen is None else f"{name}_{chosen}"), f"prices/{price.id}")
    if found is None:
        return None
    if year is not None and chosen != year:
        of = f"of {chosen}" if chosen is not None else "that is the latest"
        found = msgspec.structs.replace(found, remarks=(*found.remarks, f"rate {of}, none of {year} is stated"))
    return figure.scaled(found, 1.0, f"{currency.upper()}/USD")


def _tariff(place: Place, name: str, value: Value, kept: Figure, *, kind: Use, use: Use) -> Tariff:
    """Put words to a price."""
    proxy = kind == _PROXY and use != _PROXY
    said = f"price for {_WORDS[kind]} in {place.name}{_on(value)}"
    if proxy:
        said += f", a proxy: no price for {_WORDS[use]} is stated"
    elif kind != use:
        said += f"; none for {_WORDS[use]} is stated"
    return Tariff(kept, place.id, name, kind, proxy, value.date, said)


def _found(chain: Sequence[Place], name: str, words: str, year: int | None) -> Found | None:
    """The fact of the nearest place that has it."""
    for place in chain:
        found = _fact(place, name, year)
        if found is not None:
            fact, value, kept = found
            return Found(kept, place.id, fact, value.date, f"{words} of {place.name}{_on(value)}")
    return None


def _fact(place: Place, name: str, year: int | None) -> tuple[str, Value, Figure] | None:
    """Name, fact and figure of a place's fact, of the year where there is one; None where there is no number."""
    for one in (name,) if year is None else (f"{name}_{year}", name):
        value = place.facts.get(one)
        kept = figure.of(value, f"places/{place.id}")
        if value is not None and kept is not None:
            return one, value, kept
    return None


def _on(value: Value) -> str:
    return f" ({value.date})" if value.date else ""

"""``accord policy adoption``: who has joined which governance instrument, and where systems stand, as of a day."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accord.api.law import Law
from accord.base.errors import UsageError
from accord.base.registry import did_you_mean
from accord.catalog.countries import CODES
from accord.catalog.deployment import Deployment
from accord.catalog.governance import Governance
from accord.catalog.load import Catalog
from accord.policy.adoption import adoption
from accord.policy.deployed import SystemPlaces, system_places
from accord.report.adoption_svg import draw
from accord.report.adoption_view import adoption_dict, adoption_tables
from accord.report.catalog_view import entry_sources
from accord.report.deployed_view import systems_dict, systems_tables
from accord.report.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionAsk:
    """The question.

    day: as of which; instruments: ids, none = all; whos: ISO codes or names, none = everybody that is named
    """

    day: datetime.date
    instruments: tuple[str, ...] = ()
    whos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AdoptionAnswer:
    """What ``accord policy adoption`` prints."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    tables: Sequence[Table]
    picture: bytes | None = None


def adoption_answer(ask: AdoptionAsk, catalog: Catalog, *, drawn: bool = False) -> AdoptionAnswer:
    """Ask who has joined what.

    drawn: draw the matrix too
    Raises CatalogError for an unknown instrument, UsageError for a name that is no country and in no instrument.
    """
    ids = dict.fromkeys(ask.instruments) or catalog.ids("governance")
    instruments = [catalog.governance(id) for id in ids]
    whos = tuple(dict.fromkeys(who_of(name, catalog, instruments) for name in ask.whos))
    found = adoption(instruments, ask.day, whos)
    inputs = {"date": ask.day.isoformat(), "instruments": list(ask.instruments), "who": list(whos)}
    sources = [line for one in found.standings for line in _sources(one.instrument)]
    return AdoptionAnswer(
        inputs, adoption_dict(found, whos), sources, adoption_tables(found, whos),
        draw(found, asked=bool(whos)) if drawn else None,
    )  # fmt: skip


def systems_answer(day: datetime.date, system: str | None, catalog: Catalog) -> AdoptionAnswer:
    """Ask where systems stand, and whether outside their makers' countries.

    system: id of a system or chip; all that are deployed somewhere where None
    Raises CatalogError for an unknown id.
    """
    if system is not None and system not in (*catalog.ids("systems"), *catalog.ids("chips")):
        catalog.path("systems", system)  # names the closest id
    deployments = [catalog.deployment(id) for id in catalog.ids("deployments")]
    asked = [system] if system is not None else sorted({one.system for one in deployments})
    found = [places_of(id, deployments, day, catalog) for id in asked]
    found = [one for one in found if one.placed or system is not None]
    used = {two.deployment.id for one in found for two in (*one.placed, *one.kin)}
    used |= {two.id for one in found for two in one.said_no}
    sources = [line for one in deployments if one.id in used for line in entry_sources(one, f"deployments/{one.id}")]
    return AdoptionAnswer(
        {"date": day.isoformat(), "systems": True, "system": system}, systems_dict(day, found), sources,
        systems_tables(day, found, one_only=system is not None),
    )  # fmt: skip


def places_of(
    id: str, deployments: Iterable[Deployment], day: datetime.date, catalog: Catalog, home: str | None = None
) -> SystemPlaces:
    """Where one system or chip stands on a day; a chip stands where systems made of it do.

    home: the country to be outside of; that of the headquarters of its vendor where None
    """
    is_system = id in catalog.ids("systems")
    chip = catalog.system(id).chip if is_system else None
    vendor = catalog.system(id).vendor if is_system else catalog.chip(id).vendor
    maker = Law(catalog).maker(vendor)
    if home is None and maker is not None:
        home = maker.country
    elif home is None and vendor in catalog.ids("parties"):
        home = catalog.party(vendor).country
    parts = () if is_system else tuple(one for one in catalog.ids("systems") if catalog.system(one).chip == id)
    name = vendor if maker is None else maker.name
    return system_places(id, deployments, day, maker=name, home=home, parts=parts, chip=chip)


def who_of(name: str, catalog: Catalog, instruments: Sequence[Governance]) -> str:
    """A name as the instruments spell it; a country's code may stand alone. Raises UsageError for what is neither."""
    word = name.strip()
    known = {member.who for one in instruments for member in one.members}
    for who in (word, word.upper()):
        if who in known or (len(who) == 2 and who in CODES):
            return who
    alike = [who for who in sorted(known) if who.casefold() == word.casefold()]
    if alike:
        return alike[0]
    known |= {member.who for id in catalog.ids("governance") for member in catalog.governance(id).members}
    if word in known:
        return word
    close = did_you_mean(word, sorted(known))
    hint = close if close.startswith("did you") else "write countries as two letters, such as KZ"
    raise UsageError(f"'{word}' is no country, and no instrument names it", where="--who", hint=hint)


def _sources(instrument: Governance) -> list[dict[str, object]]:
    return entry_sources(instrument, f"governance/{instrument.id}")

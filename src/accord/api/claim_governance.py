"""Questions of claims about governance: who joined an instrument, and where machines stand."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from accord.api.claim_terms import Desk, Found, asked_text, cited, day_of, exact, inputs_of
from accord.api.policy_adoption import places_of, who_of
from accord.base.errors import CatalogError, UsageError
from accord.base.source import Basis
from accord.catalog.countries import CODES
from accord.catalog.days import first_day, last_day
from accord.catalog.deployment import Deployment
from accord.catalog.governance import Governance, JoinRole
from accord.claims.quantity import Quantity
from accord.policy.adoption import JOINED, NOT_JOINED, NOT_RECORDED, Cell, cell_of
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure, calculated_basis

_END = datetime.date(9999, 12, 31)


class AdoptionInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Members of an instrument, or of two, or where a system stands, as of a day (else of all that is recorded)."""

    instrument: str | None = None
    instruments: tuple[str, str] | None = None
    system: str | None = None
    date: str | None = None
    kind: Literal["state", "territory", "organisation", "company"] | None = None
    role: JoinRole | None = None
    state: Literal["operating", "announced", "planned", "withdrawn"] = "operating"


def ask_adoption(values: Mapping[str, object], desk: Desk) -> Found:
    """Who joined an instrument, or two, or where a system stands."""
    asked = inputs_of(AdoptionInputs, values)
    given = [name for name in ("instrument", "instruments", "system") if getattr(asked, name) is not None]
    if len(given) != 1:
        raise CatalogError("with: one of instrument, instruments and system", hint="write 'instrument: ID'")
    day = day_of(asked.date) if asked.date is not None else _END
    for id in (asked.instrument, *(asked.instruments or ())):
        if id is not None and day.isoformat() < (made := first_day(desk.catalog.governance(id).date)):
            hint = f"the closest day is {made}"
            raise CatalogError(f"with.date is {asked.date}, before {id} was made", hint=hint)
    if asked.instrument is not None:
        return _instrument(asked, desk.catalog.governance(asked.instrument), day, values, desk)
    if asked.instruments is not None:
        return _overlap(asked, asked.instruments, desk, day, values)
    return _deployed(asked, asked.system or "", desk, day, values)


def _instrument(
    asked: AdoptionInputs, one: Governance, day: datetime.date, values: Mapping[str, object], desk: Desk
) -> Found:
    owner, text = f"governance/{one.id}", asked_text(values)
    how = _how(f"accord policy adoption --instrument {one.id}", asked.date)
    cells = _cells(one, day, asked)
    full = [
        cell for cell in cells
        if cell.answer == JOINED or (asked.role is not None and (cell.took_part or cell.observes))
    ]  # fmt: skip
    out = [cell for cell in cells if cell.answer == NOT_JOINED]

    def figure_of(name: str, value: float, keys: Sequence[str | None]) -> Quantity:
        sources = cited(desk, [f"{owner}:{key}" for key in keys if key is not None])
        return exact(value, "1", f"adoption {text} {name}", f"{how}: {name}", "published", sources)

    figures: dict[str, Quantity | str] = {
        "members": figure_of("members", float(len(full)), [cell.source for cell in full]),
        "not_joined": figure_of("not_joined", float(len(out)), [cell.source for cell in out]),
        "provisions": figure_of("provisions", float(len(one.provisions)), [text.source for text in one.provisions]),
    }
    for tally in sorted(one.tallies, key=lambda tally: tally.date):
        if tally.date <= day.isoformat():
            figures[f"tally.{tally.what}"] = figure_of(f"tally.{tally.what}", float(tally.number), [tally.source])

    def further(name: str) -> Quantity | str | None:
        kind, _, who = name.partition(".")
        if kind == "tally" and who:
            return f"no source at hand counts {who} of {one.id} by {day}"
        if kind != "joined" or not who:
            return None
        who = _who(name, who, one, desk)
        kinds = {member.who: member.kind for member in one.members}
        cell = _place(one, who, kinds.get(who, asked.kind or "state"), day)
        if cell.answer == NOT_RECORDED:
            told = "; ".join(text for text in (cell.why, cell.note) if text)
            return f"no source at hand says whether {who} joined {one.id}{f': {told}' if told else ''}"
        return figure_of(f"joined.{who}", float(cell.answer == JOINED), [cell.source])

    return Found(figures, further)


def _who(name: str, who: str, one: Governance, desk: Desk) -> str:
    """Somebody as the instruments spell them. Raises CatalogError."""
    try:
        return who_of(who, desk.catalog, [one])
    except UsageError as error:
        raise CatalogError(f"take is {name!r}: {error.what}", hint=error.hint) from None


def _place(one: Governance, who: str, kind: str, day: datetime.date) -> Cell:
    """Somebody's place on a day; where no day is asked for, a whole list speaks as of the last day it is known of."""
    cell = cell_of(one, who, kind, day)
    if day == _END and cell.source is None and one.whole is not None:
        return cell_of(one, who, kind, datetime.date.fromisoformat(one.whole[1]))
    return cell


def _cells(one: Governance, day: datetime.date, asked: AdoptionInputs) -> list[Cell]:
    """Everybody the instrument names, of the kind and role that are asked for, as of the day."""
    kinds = {member.who: member.kind for member in one.members}
    cells = [_place(one, who, kind, day) for who, kind in kinds.items() if asked.kind in (None, kind)]
    return [cell for cell in cells if asked.role in (None, cell.role)]


def _overlap(
    asked: AdoptionInputs, ids: tuple[str, str], desk: Desk, day: datetime.date, values: Mapping[str, object]
) -> Found:
    both = [desk.catalog.governance(id) for id in ids]
    sets = [{cell.who: cell.source for cell in _cells(one, day, asked) if cell.answer == JOINED} for one in both]
    shared = sorted(set(sets[0]) & set(sets[1]))
    keys = [f"governance/{one.id}:{who[name]}" for one, who in zip(both, sets, strict=True) for name in shared]
    how = _how(f"accord policy adoption --instrument {','.join(ids)}", asked.date)
    identity = f"adoption {asked_text(values)} overlap"
    found = exact(float(len(shared)), "1", identity, f"{how}: overlap", "published", cited(desk, keys))
    return Found({"overlap": found})


def _deployed(
    asked: AdoptionInputs, system: str, desk: Desk, day: datetime.date, values: Mapping[str, object]
) -> Found:
    catalog = desk.catalog
    if system not in (*catalog.ids("systems"), *catalog.ids("chips")):
        catalog.path("systems", system)  # names the closest where there is none
    known = [catalog.deployment(id) for id in catalog.ids("deployments")]
    placed = [one.deployment for one in places_of(system, known, day, catalog).placed]
    held = [one for one in placed if one.state == asked.state]
    how, text = _how("accord policy adoption --systems", asked.date), asked_text(values)

    def counted(name: str, of: Sequence[Deployment], field: str | None) -> Quantity | str:
        if not of:
            return f"no source at hand tells of {field or 'deployments'} of {system} ({name})"
        if field is not None:
            found = _sum(field, of, f"adoption {text} {name}", f"{how}: {name}", desk)
            return found or f"no source at hand tells of {field} of {system} ({name})"
        keys = [f"deployments/{one.id}:{one.source}" for one in of]
        return exact(float(len(of)), "1", f"adoption {text} {name}", f"{how}: {name}", _basis(of), cited(desk, keys))

    def further(name: str) -> Quantity | str | None:
        kind, _, word = name.partition(".")
        if kind not in ("deployments_outside", "chips_outside") or not word:
            return None
        country = word.upper()
        if country not in CODES:
            raise CatalogError(f"take is {name!r}, whose {word!r} is no country", hint="write two letters, such as CN")
        outside = [one for one in held if one.country not in (None, country)]
        places = places_of(system, known, day, catalog, home=country)
        if not outside and (asked.state != "operating" or places.outside != "no"):
            return f"no source at hand tells of {system} outside {country}, nor that there is none"
        if not outside:
            keys = [f"deployments/{one.id}:{one.source}" for one in places.said_no]
            identity, basis = f"adoption {text} {kind}.{country}", _basis(places.said_no)
            return exact(0.0, "1", identity, f"{how}: {name}", basis, cited(desk, keys))
        return counted(f"{kind}.{country}", outside, "chips" if kind == "chips_outside" else None)

    fields = {"deployments": None, "chips": "chips", "systems": "systems"}
    return Found({name: counted(name, held, field) for name, field in fields.items()}, further)


def _sum(field: str, of: Sequence[Deployment], identity: str, how: str, desk: Desk) -> Quantity | None:
    """The chips or systems of deployments, with the band of each; None where none states a number."""
    apart = [one for one in of if not _counted(one, of, field)]
    found: list[tuple[Deployment, Figure]] = []
    for one in apart:
        stated = figure.of(getattr(one, field), f"deployments/{one.id}")
        if stated is not None:
            found.append((one, stated))
    if not found:
        return None
    if len(apart) < len(of):
        how += f" ({len(of) - len(apart)} of {len(of)} deployments are among those that another counts)"
    left = len(apart) - len(found)
    if left:
        how += f" ({left} of {len(of)} deployments state none and are left out: no fewer than this)"
    bands = [one.band() for _, one in found]
    value = sum(one.value for _, one in found)
    low, high = (sum(band[end] for band in bands) for end in (0, 1))
    stated_by = [key for one, count in found for key in (f"deployments/{one.id}:{one.source}", *count.sources)]
    basis = _basis([one for one, _ in found], [one.basis for _, one in found])
    return Quantity(
        value=value, unit="1", low=min(low, value), high=max(high, value), identity=identity, how=how, basis=basis,
        sources=cited(desk, stated_by),
    )  # fmt: skip


def _counted(one: Deployment, of: Sequence[Deployment], field: str) -> bool:
    """Whether a later count of all that the country had of the system, or any country, holds a deployment."""
    return any(
        other is not one and other.of_all and getattr(other, field) is not None
        and other.system == one.system and other.country in (None, one.country)
        and last_day(one.start) <= first_day(other.start)
        for other in of
    )  # fmt: skip


def _basis(of: Sequence[Deployment], more: Sequence[Basis] = ()) -> Basis:
    """Published where all is, else what is calculated from it."""
    bases = {*(one.basis for one in of), *more}
    return "published" if bases == {"published"} else calculated_basis(bases)


def _how(command: str, date: str | None) -> str:
    return f"{command} --date {date}" if date else command

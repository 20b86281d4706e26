"""Questions of claims about governance: who joined an instrument, and where machines stand."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import msgspec

from accord.api.claim_terms import Desk, Found, asked_text, cited, day_of, exact, inputs_of
from accord.base.errors import CatalogError
from accord.base.source import Basis
from accord.catalog.deployment import Deployment
from accord.catalog.governance import Governance
from accord.claims.quantity import Quantity
from accord.policy.adoption import JOINED, NOT_JOINED, NOT_RECORDED, Cell, cell_of
from accord.policy.deployed import placed_on, system_places

_END = datetime.date(9999, 12, 31)


class AdoptionInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Members of an instrument, or of two, or where a system stands, as of a day (else of all days)."""

    instrument: str | None = None
    instruments: tuple[str, str] | None = None
    system: str | None = None
    date: str | None = None
    kind: str | None = None
    role: str | None = None
    state: str = "operating"


def ask_adoption(values: Mapping[str, object], desk: Desk) -> Found:
    """Who joined an instrument, or two, or where a system stands."""
    asked = inputs_of(AdoptionInputs, values)
    given = [name for name in ("instrument", "instruments", "system") if getattr(asked, name) is not None]
    if len(given) != 1:
        raise CatalogError("with: one of instrument, instruments and system", hint="write 'instrument: ID'")
    day = day_of(asked.date) if asked.date is not None else _END
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
    full = [cell for cell in cells if cell.answer == JOINED and (cell.full or asked.role is not None)]
    out = [cell for cell in cells if cell.answer == NOT_JOINED]

    def figure(name: str, value: float, keys: Sequence[str | None]) -> Quantity:
        sources = cited(desk, [f"{owner}:{key}" for key in keys if key is not None])
        return exact(value, "1", f"adoption {text} {name}", f"{how}: {name}", "published", sources)

    figures: dict[str, Quantity | str] = {
        "members": figure("members", float(len(full)), [cell.source for cell in full]),
        "not_joined": figure("not_joined", float(len(out)), [cell.source for cell in out]),
        "provisions": figure("provisions", float(len(one.provisions)), [text.source for text in one.provisions]),
    }
    for tally in sorted(one.tallies, key=lambda tally: tally.date):
        if tally.date <= day.isoformat():
            figures[f"tally.{tally.what}"] = figure(f"tally.{tally.what}", float(tally.number), [tally.source])

    def further(name: str) -> Quantity | str | None:
        kind, _, who = name.partition(".")
        if kind == "tally" and who:
            return f"no source at hand counts {who} of {one.id} by {day}"
        if kind != "joined" or not who:
            return None
        cell = cell_of(one, who, asked.kind or "state", day)
        if cell.answer == NOT_RECORDED:
            return f"no source at hand says whether {who} joined {one.id}"
        return figure(name, float(cell.full), [cell.source])

    return Found(figures, further)


def _cells(one: Governance, day: datetime.date, asked: AdoptionInputs) -> list[Cell]:
    """Everybody the instrument names, of the kind and role that are asked for, as of the day."""
    kinds = {member.who: member.kind for member in one.members}
    cells = [cell_of(one, who, kind, day) for who, kind in kinds.items() if asked.kind in (None, kind)]
    return [cell for cell in cells if asked.role in (None, cell.role)]


def _overlap(
    asked: AdoptionInputs, ids: tuple[str, str], desk: Desk, day: datetime.date, values: Mapping[str, object]
) -> Found:
    both = [desk.catalog.governance(id) for id in ids]
    sets = [{cell.who: cell.source for cell in _cells(one, day, asked) if cell.full} for one in both]
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
    catalog.find(system)  # names the closest where there is none
    known = [catalog.deployment(id) for id in catalog.ids("deployments")]
    held = [one.deployment for one in placed_on([one for one in known if one.system == system], day)]
    held = [one for one in held if one.state == asked.state]
    how, text = _how("accord policy adoption --systems", asked.date), asked_text(values)

    def counted(name: str, of: Sequence[Deployment], field: str | None) -> Quantity | str:
        stated = [one for one in of if field is None or getattr(one, field) is not None]
        if not stated:
            return f"no source at hand tells of {field or 'deployments'} of {system} ({name})"
        value = sum(1.0 if field is None else float(getattr(one, field).si) for one in stated)
        basis: Basis = "estimate" if any(one.basis != "published" for one in stated) else "published"
        keys = [f"deployments/{one.id}:{one.source}" for one in stated]
        return exact(value, "1", f"adoption {text} {name}", f"{how}: {name}", basis, cited(desk, keys))

    def further(name: str) -> Quantity | str | None:
        kind, _, country = name.partition(".")
        if kind not in ("deployments_outside", "chips_outside") or not country:
            return None
        outside = [one for one in held if one.country != country]
        places = system_places(system, known, day, maker=None, home=country)
        if not outside and places.outside != "no":
            return f"no source at hand tells of {system} outside {country}, nor that there is none"
        if not outside:
            keys = [f"deployments/{one.id}:{one.source}" for one in places.said_no]
            return exact(0.0, "1", f"adoption {text} {name}", f"{how}: {name}", "published", cited(desk, keys))
        return counted(name, outside, "chips" if kind == "chips_outside" else None)

    fields = {"deployments": None, "chips": "chips", "systems": "systems"}
    return Found({name: counted(name, held, field) for name, field in fields.items()}, further)


def _how(command: str, date: str | None) -> str:
    return f"{command} --date {date}" if date else command

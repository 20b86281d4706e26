"""A party on a day, as the result of ``accord policy party`` and as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from accord.catalog.party import Holding, Listing
from accord.policy.facts import FactValue
from accord.policy.screen import HALF, PASSED_ON, RESTRICTING, Screened
from accord.report.policy_words import DISCLAIMER
from accord.report.tables import NOTHING, Column, Table, number, pairs, text_column

NOT_CHECKED = (
    "lists that the catalog does not keep, and entries under other names or addresses",
    "sanctions programmes, lists of other countries, export law beyond lists and shares",
    "control by votes or contracts, and owners that no public source names",
)
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Held:
    """A share in the party on the day.

    owner: name, with its id where the catalog has it; status: of the owner, in words
    """

    holding: Holding
    owner: str
    id: str | None
    status: str


@dataclass(frozen=True, slots=True)
class PartyTold:
    """All that is said of a party.

    share: bounds of what listed parties hold in it [1]; facts: as rules ask about them
    rules: a list or a rule, and what follows from it; not_checked: in words
    """

    screened: Screened
    share: tuple[float, float] | None = None
    owners: tuple[Held, ...] = ()
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    rules: tuple[tuple[str, str], ...] = ()
    not_checked: tuple[str, ...] = NOT_CHECKED


def party_dict(told: PartyTold) -> dict[str, object]:
    """Result of ``policy party``."""
    screened = told.screened
    party = screened.party
    who: dict[str, object] | None = None
    if party is not None:
        who = {
            "id": party.id, "name": party.name, "aliases": list(party.aliases), "country": party.country,
            "roles": list(party.roles), "state_owned": party.state_owned, "note": party.note,
        }  # fmt: skip
    phases = (("holds", screened.listings), ("ended", screened.earlier), ("not_yet", screened.later))
    return {
        "name": screened.name, "date": screened.day.isoformat(), "party": who, "status": screened.status,
        "says": screened.words, "restricted": screened.restricted, "closest": list(screened.closest),
        "listings": [_listing(one, phase) for phase, found in phases for one in found],
        "owners": [_held(one) for one in told.owners],
        "listed_share": None if told.share is None else {"low": told.share[0], "high": told.share[1]},
        "facts": dict(told.facts), "rules": [{"rule": name, "text": text} for name, text in told.rules],
        "not_checked": list(told.not_checked),
        "disclaimer": DISCLAIMER.format(day=screened.day),
    }  # fmt: skip


def party_tables(told: PartyTold) -> tuple[Table, ...]:
    """Who it is, its lists, its owners, and what follows."""
    screened, party = told.screened, told.screened.party
    title = f"{screened.name} on {screened.day}"
    if party is None:
        rows = [("answer", screened.words)]
        rows += [("did you mean", f"accord policy party {id}") for id in screened.closest]
        return (pairs(title, rows, _notes(told)),)
    rows = [
        ("party", f"{party.name} ({party.id})"),
        ("also known as", ", ".join(party.aliases) or NOTHING),
        ("headquarters or ultimate parent", party.country),
        ("what it is", ", ".join(party.roles)),
        ("answer", screened.words),
    ]
    tables = [pairs(title, rows, (party.note,) if party.note else ())]
    if screened.listings or screened.earlier or screened.later:
        tables.append(_lists(screened))
    if told.owners:
        tables.append(_owners(told))
    follows = [*told.rules, ("shares of listed owners", _sum(told))]
    follows += [(f"fact {name}", _fact(value)) for name, value in told.facts.items()]
    tables.append(pairs("What rules make of it", follows, _notes(told)))
    return tuple(tables)


def percent(share: float) -> str:
    """A share in per cent."""
    return f"{share * _PERCENT:.4g} %"


def _fact(value: FactValue) -> str:
    return number(value) if isinstance(value, float) else str(value)


def _listing(one: Listing, phase: str) -> dict[str, object]:
    return {
        "list": one.list, "start": one.start, "until": one.until, "phase": phase, "policy": one.policy,
        "licence_follows": one.list in RESTRICTING, "covers": one.covers, "note": one.note,
        "cites": [{"source": cite.source, "tier": cite.tier, "locator": cite.locator} for cite in one.cites],
    }  # fmt: skip


def _held(one: Held) -> dict[str, object]:
    share = one.holding.share
    return {
        "owner": one.owner, "id": one.id, "share": None if share is None else share.si,
        "share_date": None if share is None else share.date, "start": one.holding.start, "until": one.holding.until,
        "status": one.status, "basis": one.holding.basis, "source": one.holding.source, "note": one.holding.note,
    }  # fmt: skip


def _lists(screened: Screened) -> Table:
    columns = tuple(text_column(name) for name in ("list", "from", "until", "reviewed with"))
    found = (*screened.listings, *screened.earlier, *screened.later)
    rows = tuple((one.list, one.start, one.until or NOTHING, one.policy or NOTHING) for one in found)
    notes = [f"{one.list}: {text}" for one in found for text in (one.covers, one.note) if text]
    cites = [f"{one.list}: {cite.source} ({cite.tier}), {cite.locator}" for one in found for cite in one.cites]
    return Table(title="Lists", columns=columns, rows=rows, notes=(*notes, *cites))


def _owners(told: PartyTold) -> Table:
    columns = (
        text_column("owner"),
        Column(name="share", justify="right"),
        text_column("on lists"),
        text_column("source"),
    )
    rows = tuple(
        (
            one.owner, NOTHING if one.holding.share is None else percent(one.holding.share.si), one.status,
            f"{one.holding.source} ({one.holding.basis})",
        )
        for one in told.owners
    )  # fmt: skip
    return Table(title="Owners", columns=columns, rows=rows)


def _sum(told: PartyTold) -> str:
    low, high = told.share or (0.0, 1.0)
    lists = " and ".join(PASSED_ON)
    if low == high:
        return f"{percent(low)} ({lists}); the rule of shares begins at {percent(HALF)}"
    return f"{percent(low)} to {percent(high)} ({lists}): owners, shares and lists that are not known count both ways"


def _notes(told: PartyTold) -> tuple[str, ...]:
    return (*(f"Not checked: {one}." for one in told.not_checked), DISCLAIMER.format(day=told.screened.day))

"""Parties on a day: who one is, which lists it is on, what share of it listed parties hold."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from accord.catalog.instrument import Citation
from accord.catalog.party import Holding, Listing, ListName, Party, Review
from accord.policy.facts import FactValue

RESTRICTING: tuple[ListName, ...] = ("entity-list", "meu-list", "sdn", "dpl")
"""Lists from which a licence or a bar follows; of 1260h, ns-cmic and uvl none does."""
PASSED_ON: tuple[ListName, ...] = ("entity-list", "meu-list")
"""Lists whose members' shares the affiliates rule adds up."""
HALF = 0.5
"""Share from which on the affiliates rule takes a party for listed: that of us-affiliates-2025/affiliates.share."""

REVIEW = "consignee_review"
UNNAMED: Mapping[str, FactValue] = {"consignee_listed": "no", REVIEW: "other", "consignee_listed_share": 0.0}
"""Of a consignee whom nobody names: answers are for one on no list and say that nobody was screened."""

Status = Literal[
    "listed", "listed, no licence follows", "listed earlier", "not listed", "list status not looked up", "not screened"
]
Parties = Mapping[str, Party] | Iterable[Party]

_ROLES = ("designer", "foundry", "osat")  # those that rules tell apart
_ALIKE = 0.75  # of difflib, from which on a name is offered as the one that was meant
_WHOLE = len("2025-01-31")  # of a day, beside months and years
_MOST = 3  # names that are offered


@dataclass(frozen=True, slots=True)
class Screened:
    """What the lists of the catalog say of a name on a day.

    party: None where the catalog has no such party, which is never the same as clear
    listings: those that hold on ``day``; earlier: those that held before; later: those that begin after
    restricted: whether a list from which a licence follows holds; None: not known
    closest: ids of parties whose name is like the one asked for, where ``party`` is None
    """

    name: str
    day: datetime.date
    party: Party | None
    status: Status
    listings: tuple[Listing, ...] = ()
    earlier: tuple[Listing, ...] = ()
    later: tuple[Listing, ...] = ()
    restricted: bool | None = None
    closest: tuple[str, ...] = ()

    @property
    def cites(self) -> tuple[Citation, ...]:
        """Citations of the listings that hold, or else of those that held or will."""
        return tuple(cite for one in self.listings or (*self.earlier, *self.later) for cite in one.cites)

    @property
    def words(self) -> str:
        """The status in a sentence's words, with lists and days."""
        if self.party is None:
            return "not screened: the catalog does not have this party, which says nothing of its status"
        if self.listings:
            named = ", ".join(f"{one.list} since {one.start}" for one in self.listings)
            return f"{self.status}: {named}" + ("" if self.restricted else f"; {self._known(self.party)}")
        if self.status == "listed earlier":
            named = ", ".join(f"{one.list} until {one.until}" for one in self.earlier)
            return f"listed earlier: {named}; {self._known(self.party)}"
        return self._known(self.party)

    def _known(self, party: Party) -> str:
        """What is known of lists from which a licence follows."""
        if self.restricted is None:
            looked = "" if party.unlisted_as_of is None else f" after {party.unlisted_as_of}"
            return f"list status not looked up{looked}"
        if self.listings:
            return f"on no list from which a licence follows as of {self.day}"
        first = f" (first listed {self.later[0].start})" if self.later else ""
        return f"not listed as of {self.day}{first}"


def resolve(parties: Parties, name: str) -> Party | None:
    """Return the party of that id, name or alias, whatever the case, or None."""
    return _names(parties).get(_folded(name))


def closest(parties: Parties, name: str) -> tuple[str, ...]:
    """Return ids of parties with a name like ``name``, the most alike first."""
    known = _names(parties)
    near = difflib.get_close_matches(_folded(name)[:100], list(known), n=2 * _MOST, cutoff=_ALIKE)
    return tuple(dict.fromkeys(known[one].id for one in near))[:_MOST]


def screen(parties: Parties, name: str, day: datetime.date) -> Screened:
    """Say who a name is and what its list status is on a day. A name that the catalog has not is never clear."""
    party = resolve(parties, name)
    if party is None:
        return Screened(name, day, None, "not screened", closest=closest(parties, name))
    text = day.isoformat()
    held = tuple(one for one in party.listings if one.holds(day))
    earlier = tuple(one for one in party.listings if one.until is not None and one.until <= text)
    later = tuple(sorted((one for one in party.listings if one.start > text), key=lambda one: one.start))
    restricted = _on(party, day, RESTRICTING)
    status: Status = "list status not looked up"
    if held:
        status = "listed" if restricted else "listed, no licence follows"
    elif earlier:
        status = "listed earlier"
    elif restricted is False:
        status = "not listed"
    return Screened(name, day, party, status, held, earlier, later, restricted)


def listed_share(parties: Parties, party: Party, day: datetime.date) -> tuple[float, float]:
    """Return bounds of the share of a party that parties on the Entity or MEU List hold on a day [1].

    The shares of all such owners are added; an owner that is itself half owned by them counts as one. What is not
    known, a share, an owner's list status, or who holds the rest, widens the bounds. Circles of owners count once:
    nobody is listed for being owned by those whom it owns.
    """
    known = _names(parties)
    low = _least(known, party, day, lower=True)
    return low, max(low, _least(known, party, day, lower=False))


def party_facts(parties: Parties, party: Party, day: datetime.date) -> dict[str, FactValue]:
    """Return what rules may ask of a consignee; what is not known is left out.

    ``consignee_listed_share`` is given where both bounds lie on one side of a half: the bound nearer to it.
    ``consignee_review`` is the strictest that its entries on restricting lists state; ``other`` where none states one.
    """
    facts: dict[str, FactValue] = {"hq": party.country, REVIEW: _review(party, day)}
    listed = _on(party, day, RESTRICTING)
    if listed is not None:
        facts["consignee_listed"] = "yes" if listed else "no"
    low, high = listed_share(parties, party, day)
    if low >= HALF or high < HALF:
        facts["consignee_listed_share"] = low if low >= HALF else high
    if party.large_platform is not None:
        facts["large_platform"] = "yes" if party.large_platform else "no"
    return facts


def exporter_facts(party: Party) -> dict[str, FactValue]:
    """Return what rules may ask of a sender; its role is left out where it plays several that rules tell apart."""
    facts: dict[str, FactValue] = {"exporter": party.id}
    roles = [role for role in _ROLES if role in party.roles]
    if len(roles) <= 1:
        facts["exporter_role"] = roles[0] if roles else "other"
    return facts


def sides_facts(
    parties: Parties, day: datetime.date, *, consignee: Party | None, named: bool, exporter: Party | None
) -> dict[str, FactValue]:
    """Return what rules may ask of both sides of a deal, but for countries and the exporter's name.

    named: whether a consignee is named at all; one that the catalog has not (``consignee`` None) stays unknown
    """
    facts = {REVIEW: UNNAMED[REVIEW]} if named else dict(UNNAMED)
    facts |= party_facts(parties, consignee, day) if consignee is not None else {}
    facts |= exporter_facts(exporter) if exporter is not None else {}
    return {name: value for name, value in facts.items() if name not in ("hq", "exporter")}


def changes(parties: Parties, party: Party) -> tuple[datetime.date, ...]:
    """Return the days on which what is known of a party's lists and owners changes, those of its owners included."""
    found: set[str] = set()
    seen: set[str] = set()
    known, todo = _names(parties), [party]
    while todo:
        one = todo.pop()
        if one.id in seen:
            continue
        seen.add(one.id)
        listed, held = (((span.start, span.until) for span in spans) for spans in (one.listings, one.owners))
        found |= {day for span in (*listed, *held) for day in span if day is not None and len(day) == _WHOLE}
        todo += [owner for holding in one.owners if (owner := known.get(_folded(holding.owner))) is not None]
    return tuple(datetime.date.fromisoformat(day) for day in sorted(found))


def holders(parties: Parties, party: Party, day: datetime.date) -> tuple[tuple[Holding, Party | None], ...]:
    """Return the holdings in a party on a day, each with its owner where the catalog has it."""
    known = _names(parties)
    return tuple((one, known.get(_folded(one.owner))) for one in party.owners if one.holds(day))


def _folded(name: str) -> str:
    return " ".join(name.casefold().replace("_", "-").split())


def _names(parties: Parties) -> dict[str, Party]:
    """Every party by id, name and alias; an id is never another's alias."""
    every = tuple(parties.values() if isinstance(parties, Mapping) else parties)
    names = {_folded(alias): party for party in reversed(every) for alias in (party.name, *party.aliases)}
    return names | {_folded(party.id): party for party in every}


def _on(party: Party, day: datetime.date, lists: tuple[ListName, ...]) -> bool | None:
    """Whether a party is on one of some lists on a day; None where nobody looked."""
    named = [one for one in party.listings if one.list in lists]
    if any(one.holds(day) for one in named):
        return True
    text = day.isoformat()
    if party.unlisted_as_of is not None and text <= party.unlisted_as_of:
        return False
    first = min((one.start for one in named), default=None)
    return False if first is not None and text < first else None


def _review(party: Party, day: datetime.date) -> Review:
    """What the entries of a party state of how applications are decided, the strictest of several."""
    stated = {one.review for one in party.listings if one.list in RESTRICTING and one.holds(day)}
    words: tuple[Review, ...] = ("presumption_of_denial", "other", "case_by_case")
    return next((word for word in words if word in stated), "other")


def _least(known: Mapping[str, Party], party: Party, day: datetime.date, *, lower: bool) -> float:
    """One bound of the share: the least solution of the rule of half over everybody who owns the party."""
    everyone = _owners(known, party, day)
    taken: set[str] = set()
    while True:
        more = {one.id for one in everyone.values() if _sum(known, one, day, taken, lower=lower) >= HALF} - taken
        if not more:
            return _sum(known, party, day, taken, lower=lower)
        taken |= more


def _owners(known: Mapping[str, Party], party: Party, day: datetime.date) -> dict[str, Party]:
    """Everybody who owns a part of the party, directly or through others."""
    found: dict[str, Party] = {}
    left = [party]
    while left:
        for holding in left.pop().owners:
            owner = known.get(_folded(holding.owner))
            if owner is not None and owner.id not in found and holding.holds(day):
                found[owner.id] = owner
                left.append(owner)
    return found


def _sum(known: Mapping[str, Party], party: Party, day: datetime.date, taken: set[str], *, lower: bool) -> float:
    """Sum of the shares that listed parties, and those ``taken`` for listed, hold: at least, or at most."""
    listed = clear = 0.0
    for holding in party.owners:
        if holding.share is None or not holding.holds(day):
            continue
        owner = known.get(_folded(holding.owner))
        on = None if owner is None else owner.id in taken or _on(owner, day, PASSED_ON)
        least = holding.share.si if holding.share.low is None else holding.share.low
        listed += least if on else 0.0
        clear += least if on is False else 0.0
    return min(listed, 1.0) if lower else max(0.0, 1.0 - clear)

"""``accord policy party``: who a party is on a day, its lists, its owners, and what rules make of that."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from accord.api.law import Law
from accord.catalog.instrument import Instrument, Span
from accord.catalog.party import Holding, Party
from accord.policy.screen import HALF, Screened, holders, listed_share, party_facts, screen
from accord.report.catalog_view import entry_sources
from accord.report.party_view import Held, PartyTold, party_dict, party_tables
from accord.report.tables import Table

AFFILIATES = "us-affiliates-2025"
_STANDINGS = {
    "in_force": "in force", "reported": "reported, without a public text", "suspended": "suspended",
    "proposed": "proposed, no law", "vetoed": "vetoed, no law", "voluntary": "voluntary",
}  # fmt: skip
_FOLLOWS = {
    "entity-list": "a licence is needed for the items its entry names: for most entries every item subject to the EAR",
    "meu-list": "a licence is needed for the items of supplement no. 2 to part 744",
    "dpl": "nobody may take part in its transactions with items subject to the EAR",
    "sdn": "US persons may not deal with it; items are restricted where its programme says so",
    "uvl": "licence exceptions do not apply, and a statement of the party is needed where no licence is",
    "1260h": "no licence follows; contracts with the Department of Defense are barred",
    "ns-cmic": "no licence follows; US persons may not trade its securities",
}


@dataclass(frozen=True, slots=True)
class PartyAnswer:
    """What ``accord policy party`` prints; known: whether the catalog has the party."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    tables: Sequence[Table]
    known: bool


def party_answer(name: str, day: datetime.date, law: Law) -> PartyAnswer:
    """Screen a name on a day. A name that the catalog has not is answered "not screened", with the closest ones."""
    screened = screen(law.parties, name, day)
    inputs = {"name": name, "date": day.isoformat()}
    if screened.party is None:
        told = PartyTold(screened)
        return PartyAnswer(inputs, party_dict(told), (), party_tables(told), False)
    party = screened.party
    affiliates = next((one for one in law.instruments if one.id == AFFILIATES), None)
    share = listed_share(law.parties, party, day)
    told = PartyTold(
        screened, share, tuple(_held(law, party, day)), party_facts(law.parties, party, day),
        tuple(_rules(screened, share, affiliates)),
    )  # fmt: skip
    sources = entry_sources(party, f"parties/{party.id}")
    sources += entry_sources(affiliates, f"instruments/{AFFILIATES}") if affiliates is not None else []
    return PartyAnswer(inputs, party_dict(told), sources, party_tables(told), True)


def _held(law: Law, party: Party, day: datetime.date) -> Iterator[Held]:
    for holding, owner in holders(law.parties, party, day):
        yield _one(law, holding, owner, day)


def _one(law: Law, holding: Holding, owner: Party | None, day: datetime.date) -> Held:
    if owner is None:
        return Held(holding, holding.owner, None, "not screened")
    return Held(holding, owner.name, owner.id, screen(law.parties, owner.id, day).words)


def _rules(screened: Screened, share: tuple[float, float], affiliates: Instrument | None) -> Iterator[tuple[str, str]]:
    for one in screened.listings:
        policy = f"; reviewed with: {one.policy}" if one.policy else ""
        yield one.list, f"{_FOLLOWS[one.list]}{policy}"
    if not screened.listings:
        yield "lists", "no list of the catalog has it on this day, which says nothing of other rules"
    if affiliates is None:
        yield "affiliates rule", "not in the catalog: shares of listed owners decide nothing here"
    else:
        yield "affiliates rule", f"{_affiliates(affiliates, screened.day)}; {_reach(*share)} ({AFFILIATES})"


def _reach(low: float, high: float) -> str:
    if low >= HALF:
        return "by its owners it reaches this party"
    return "by its owners it does not reach this party" if high < HALF else "whether it reaches this party is not known"


def _affiliates(instrument: Instrument, day: datetime.date) -> str:
    """How the rule of shares stands on a day, in words."""
    spans = sorted((span for rule in instrument.rules for span in rule.spans), key=lambda span: span.start)
    holds = next((span for span in spans if span.holds(day)), None)
    if holds is None:
        return "not in force on this day"
    if holds.standing == "unverified":
        return f"check:{holds.start}, nobody has checked whether it holds{_end(holds)}"
    return f"{_STANDINGS[holds.standing]} since {holds.start}{_end(holds)}"


def _end(span: Span) -> str:
    return "" if span.until is None else f", until {span.until}"

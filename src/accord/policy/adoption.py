"""Who has joined which governance instrument by a day, what instruments and blocs have in common."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from accord.catalog.days import last_day
from accord.catalog.governance import Governance, JoinRole, Member, State, Sure, Tally

Answer = Literal["joined", "not joined", "not recorded"]
JOINED: Answer = "joined"
NOT_JOINED: Answer = "not joined"
NOT_RECORDED: Answer = "not recorded"
OTHERS = "others"  # instruments of no country and no United Nations


@dataclass(frozen=True, slots=True)
class Cell:
    """Somebody's place in one instrument on a day.

    role, start: of the entry; why: in words, where the answer needs some
    source: key into the instrument's sources, None where no entry speaks of them
    latest: which of ``start`` and ``until`` is only the last day by which it can have been
    """

    who: str
    kind: str
    instrument: str
    answer: Answer
    role: JoinRole | None = None
    start: str | None = None
    until: str | None = None
    sure: Sure | None = None
    source: str | None = None
    locator: str | None = None
    note: str | None = None
    why: str = ""
    latest: tuple[str, ...] = ()

    @property
    def since(self) -> str | None:
        """The day from which the entry holds, in words where it is only the last by which it may have begun."""
        return f"by {self.start}" if self.start and "start" in self.latest else self.start

    @property
    def observes(self) -> bool:
        """Whether an entry says no more than that they are observers."""
        return self.answer == NOT_RECORDED and self.role == "observer"

    @property
    def took_part(self) -> bool:
        """Whether an entry says no more than that they took part or voted."""
        return self.answer == NOT_RECORDED and self.role == "participant"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many have joined, are only known to observe, have not joined, are only known to have taken part."""

    joined: int
    aside: int
    not_joined: int
    took_part: int


@dataclass(frozen=True, slots=True)
class Told:
    """A number that a source states, and how many entries here name somebody on the day that is asked."""

    tally: Tally
    named: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One instrument on a day.

    state: the last that had begun; cells: of everybody asked about, by name
    counts: of everybody that is recorded, asked about or not
    named: who has joined; aside: observers, of whom nothing is recorded but that
    """

    instrument: Governance
    state: State | None
    cells: Mapping[str, Cell]
    counts: Counts
    told: tuple[Told, ...]

    @property
    def named(self) -> tuple[str, ...]:
        """Who has joined, in the order asked."""
        return tuple(who for who, cell in self.cells.items() if cell.answer == JOINED)

    @property
    def aside(self) -> tuple[str, ...]:
        """Observers."""
        return tuple(who for who, cell in self.cells.items() if cell.observes)

    @property
    def not_joined(self) -> tuple[str, ...]:
        """Who is known not to have joined."""
        return tuple(who for who, cell in self.cells.items() if cell.answer == NOT_JOINED)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two instruments: who has joined both, and who one of them.

    aside: in both, at least once as an observer
    only_a, only_b: in one; known not to have joined the other, and not recorded there
    """

    a: str
    b: str
    both: tuple[str, ...]
    aside: tuple[str, ...]
    only_a: tuple[tuple[str, ...], tuple[str, ...]]
    only_b: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Bloc:
    """Instruments of one initiator (a country, the UN, or others), and whoever has joined at least one of them."""

    name: str
    instruments: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Adoption:
    """The answer as of a day.

    later: instruments that were not made yet; common: of two blocs, who is in both
    """

    day: datetime.date
    standings: tuple[Standing, ...]
    later: tuple[Governance, ...]
    whos: Mapping[str, str]
    overlaps: tuple[Overlap, ...]
    blocs: tuple[Bloc, ...]
    common: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def through(self, who: str, blocs: tuple[str, str]) -> tuple[tuple[str, ...], ...]:
        """The instruments of each bloc that somebody has joined."""
        joined = [one.instrument for one in self.standings if who in one.cells and one.cells[who].answer == JOINED]
        return tuple(tuple(one.id for one in joined if (one.bloc or OTHERS) == bloc) for bloc in blocs)


def adoption(instruments: Iterable[Governance], day: datetime.date, whos: Sequence[str] = ()) -> Adoption:
    """Ask every instrument of a day about everybody it or another one names.

    whos: names to ask about, in this order; all that are named, states first, where none is given
    """
    every = sorted(instruments, key=lambda one: (one.date, one.id))
    made = [one for one in every if one.date <= day.isoformat()]
    kinds = _kinds(made)
    asked = {who: kinds.get(who, "state") for who in whos} if whos else kinds
    standings = tuple(_standing(one, day, asked, {**kinds, **asked}) for one in made)
    blocs = _blocs(standings)
    return Adoption(
        day=day, standings=standings, later=tuple(one for one in every if one not in made), whos=asked,
        overlaps=tuple(_overlap(a, b) for a, b in combinations(standings, 2)), blocs=blocs,
        common={(a.name, b.name): _both(a.members, b.members) for a, b in combinations(blocs, 2)},
    )  # fmt: skip


def cell_of(instrument: Governance, who: str, kind: str, day: datetime.date) -> Cell:
    """Whether somebody has joined an instrument by a day: by their entry, else by whether the list is whole.

    An entry that begins later, or has ended, says that on the day they had not joined, or not any more; inside a month
    or year, and before a day by which they had joined at the latest, nothing is recorded. Who only took part or
    observes may have joined or not. A whole list speaks of the days of which it is known to be whole, and of nobody of
    a kind it has none of; the plan of one state is no list that others could be on.
    """
    entries = [member for member in instrument.members if member.who == who]
    holds = [member for member in entries if member.holds(day)]
    if holds:
        return _held(instrument, holds[-1])
    text = day.isoformat()
    for member in reversed(entries):
        open_ = member.unsure(day)
        if open_ is not None:
            by = " at the latest" if open_ in member.latest else ""
            which = f"began {'by' if by else 'in'} {member.start}" if open_ == "start" else f"ended by {member.until}"
            return _cell(instrument, member, NOT_RECORDED, f"{which}{by}, the day is not known")
    told = [member for member in entries if member.joined and not member.took_part]
    ended = [member for member in told if member.until is not None and last_day(member.until) <= text]
    if ended:
        return _cell(instrument, ended[-1], NOT_JOINED, f"left on {ended[-1].until}")
    coming = [member for member in told if member.start is not None and not member.began(day)]
    if coming:
        return _cell(instrument, coming[0], NOT_JOINED, f"joined later, on {coming[0].start}")
    whole = instrument.whole
    listed = len({member.who for member in instrument.members if member.kind == kind}) > 1
    if listed and whole is not None and whole[0] <= text <= whole[1]:
        return Cell(who, kind, instrument.id, NOT_JOINED, why="the list of members is known to be whole")
    return Cell(who, kind, instrument.id, NOT_RECORDED)


def _held(instrument: Governance, member: Member) -> Cell:
    """What an entry says of a day it speaks of."""
    if member.took_part:
        why = "an observer, no word on joining" if member.role == "observer" else "no word on joining"
        return _cell(instrument, member, NOT_RECORDED, why)
    return _cell(instrument, member, JOINED if member.joined else NOT_JOINED, "" if member.joined else "said so")


def _cell(instrument: Governance, member: Member, answer: Answer, why: str) -> Cell:
    return Cell(
        who=member.who, kind=member.kind, instrument=instrument.id, answer=answer, role=member.role,
        start=member.start, until=member.until, sure=member.sure, source=member.source, locator=member.locator,
        note=member.note, why=why, latest=member.latest,
    )  # fmt: skip


def _kinds(made: Sequence[Governance]) -> dict[str, str]:
    """Everybody that instruments name, with what they are: states first, then the rest, each by name."""
    kinds = {member.who: member.kind for one in made for member in one.members}
    order = ("state", "territory", "organisation", "company")
    return dict(sorted(kinds.items(), key=lambda item: (order.index(item[1]), item[0].lower())))


def _standing(
    instrument: Governance, day: datetime.date, asked: Mapping[str, str], whos: Mapping[str, str]
) -> Standing:
    text = day.isoformat()
    states = [state for state in sorted(instrument.states, key=lambda one: one.start) if state.start <= text]
    every = {who: cell_of(instrument, who, kind, day) for who, kind in whos.items()}
    counts = Counts(
        joined=sum(cell.answer == JOINED for cell in every.values()),
        aside=sum(cell.observes for cell in every.values()),
        not_joined=sum(cell.answer == NOT_JOINED for cell in every.values()),
        took_part=sum(cell.took_part for cell in every.values()),
    )
    tallies = sorted(instrument.tallies, key=lambda one: one.date)
    return Standing(
        instrument, states[-1] if states else None, {who: every[who] for who in asked}, counts,
        tuple(Told(tally, counts.joined) for tally in tallies if tally.date <= text),
    )  # fmt: skip


def _overlap(a: Standing, b: Standing) -> Overlap:
    both = _both(a.named, b.named)
    present = [{*one.named, *one.aside} for one in (a, b)]
    aside = tuple(who for who in a.cells if who in present[0] & present[1] and who not in both)
    return Overlap(a.instrument.id, b.instrument.id, both, aside, _only(a, b), _only(b, a))


def _only(a: Standing, b: Standing) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who has joined a and is known not to have joined b, and who is not recorded there."""
    answers = {who: b.cells[who].answer for who in a.named}
    return (
        tuple(who for who, answer in answers.items() if answer == NOT_JOINED),
        tuple(who for who, answer in answers.items() if answer == NOT_RECORDED),
    )


def _both(a: Sequence[str], b: Sequence[str]) -> tuple[str, ...]:
    return tuple(who for who in a if who in set(b))


def _blocs(standings: Sequence[Standing]) -> tuple[Bloc, ...]:
    by_name: dict[str, list[Standing]] = {}
    for one in standings:
        by_name.setdefault(one.instrument.bloc or OTHERS, []).append(one)
    return tuple(
        Bloc(
            name, tuple(one.instrument.id for one in found),
            tuple(who for who in standings[0].cells if any(one.cells[who].answer == JOINED for one in found)),
        )
        for name, found in sorted(by_name.items(), key=lambda item: (item[0] == OTHERS, item[0]))
    )  # fmt: skip

"""Who has joined what, as the result of ``accord policy adoption`` and as tables."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import msgspec

from accord.catalog.governance import Governance, Provision
from accord.policy.adoption import JOINED, NOT_JOINED, NOT_RECORDED, OTHERS, Adoption, Cell, Overlap, Standing, Told
from accord.report.adoption_list import listed, member_tables, text_tables
from accord.report.table_fit import WIDTH
from accord.report.tables import GAP, NOTHING, Table, number_column, text_column

LEAST = 2  # instruments that somebody has joined, to be shown in a matrix
MOST_OVERLAPS = 16
MARKS: Mapping[str, str] = {JOINED: "J", NOT_JOINED: "x", NOT_RECORDED: ".", "observer": "o", "took part": "p"}
LEGEND = (
    "J joined, x not joined (by a source or a whole list), . not recorded; not recorded either: o observer, p took part"
)
CODE = 2  # letters of a code; longer names have a table of their own
_TOLD, _NAMED, _FEW = 44, 56, 2  # letters, letters, names


def shown_whos(found: Adoption, *, asked: bool) -> tuple[str, ...]:
    """Who stands in a matrix: everybody asked about, else whoever joined at least two instruments."""
    if asked:
        return tuple(found.whos)
    return tuple(who for who in found.whos if joined_count(found, who) >= LEAST)


def joined_count(found: Adoption, who: str) -> int:
    """Instruments that somebody has joined."""
    return sum(1 for one in found.standings if one.cells[who].answer == JOINED)


# For programs


def adoption_dict(found: Adoption, asked: Sequence[str]) -> dict[str, object]:
    """The result; asked: who was named with the question."""
    return {
        "date": found.day.isoformat(),
        "instruments": [_instrument_dict(one) for one in found.standings],
        "not_yet_made": [{"id": one.id, "title": one.title, "date": one.date} for one in found.later],
        "members": [cell_dict(cell) for one in found.standings for cell in one.cells.values() if speaks(cell) or asked],
        "overlaps": [_overlap_dict(one) for one in found.overlaps if one.both or one.aside],
        "blocs": {
            "members": [
                {"bloc": one.name, "instruments": list(one.instruments), "members": list(one.members)}
                for one in found.blocs
            ],
            "common": [
                {"a": a, "b": b, "both": list(both), "through": {who: found.through(who, (a, b)) for who in both}}
                for (a, b), both in found.common.items()
            ],
        },
        "who": {who: _who_dict(found, who) for who in asked},
        "answers": {
            JOINED: "an entry names them on the day; role and day beside it",
            NOT_JOINED: "a source says so, the list is known to be whole, or they joined later or left before",
            NOT_RECORDED: "no entry speaks of them, or only of observing or taking part: not a 'not joined'",
        },
    }


def cell_dict(cell: Cell) -> dict[str, object]:
    """One place of somebody in an instrument."""
    source = None if cell.source is None else f"governance/{cell.instrument}:{cell.source}"
    return {
        "who": cell.who, "kind": cell.kind, "instrument": cell.instrument, "answer": cell.answer, "role": cell.role,
        "start": cell.start, "until": cell.until, "latest": list(cell.latest), "sure": cell.sure, "source": source,
        "locator": cell.locator, "note": cell.note, "why": cell.why or None,
    }  # fmt: skip


def provision_dict(instrument: Governance, one: Provision) -> dict[str, object]:
    """One thing an instrument asks or promises."""
    return {
        "id": one.id, "text": one.text, "themes": list(one.themes), "evidence": list(one.evidence),
        "source": f"governance/{instrument.id}:{one.source}", "tier": one.tier, "locator": one.locator,
    }  # fmt: skip


def _instrument_dict(one: Standing) -> dict[str, object]:
    instrument, state = one.instrument, one.state
    return {
        "id": instrument.id, "title": instrument.title, "form": instrument.form, "date": instrument.date,
        "sponsors": list(instrument.sponsors), "bloc": instrument.bloc, "binding": instrument.binding,
        "state": None if state is None else {
            "start": state.start, "text": state.text, "source": f"governance/{instrument.id}:{state.source}",
            "tier": state.tier, "locator": state.locator,
        },
        "complete": instrument.complete, "complete_until": None if instrument.whole is None else instrument.whole[1],
        "counts": {
            "joined": one.counts.joined, "observers": one.counts.aside, "not_joined": one.counts.not_joined,
            "recorded": one.counts.joined + one.counts.not_joined,
            "took_part": one.counts.took_part,
        },
        "tallies": [_told_dict(instrument, told) for told in one.told],
        "provisions": [provision_dict(instrument, provision) for provision in instrument.provisions],
        "rules": list(instrument.rules), "note": instrument.note,
    }  # fmt: skip


def _told_dict(instrument: Governance, one: Told) -> dict[str, object]:
    return {
        "date": one.tally.date, "number": one.tally.number, "what": one.tally.what, "named_here": one.named,
        "source": f"governance/{instrument.id}:{one.tally.source}", "locator": one.tally.locator,
    }  # fmt: skip


def _overlap_dict(one: Overlap) -> dict[str, object]:
    names = ("not_joined", "not_recorded")
    return {
        "a": one.a, "b": one.b, "both": list(one.both), "both_if_observers_count": list(one.aside),
        "only_a": {name: list(whos) for name, whos in zip(names, one.only_a, strict=True)},
        "only_b": {name: list(whos) for name, whos in zip(names, one.only_b, strict=True)},
    }  # fmt: skip


def _who_dict(found: Adoption, who: str) -> dict[str, object]:
    cells = [one.cells[who] for one in found.standings]
    return {
        "kind": found.whos[who],
        "joined": [_place(cell) for cell in cells if cell.answer == JOINED],
        "not_joined": [_place(cell) for cell in cells if cell.answer == NOT_JOINED],
        "not_recorded": [cell.instrument for cell in cells if cell.answer == NOT_RECORDED],
        "observer": [_place(cell) for cell in cells if cell.observes],
        "took_part": [_place(cell) for cell in cells if cell.took_part],
    }


def _place(cell: Cell) -> dict[str, object]:
    return {
        "instrument": cell.instrument, "role": cell.role, "start": cell.start, "sure": cell.sure,
        "why": cell.why or None,
    }  # fmt: skip


# For readers


def adoption_tables(found: Adoption, asked: Sequence[str]) -> tuple[Table, ...]:
    """Instruments, the matrix, what they have in common, and everything on whoever was asked about."""
    whos = shown_whos(found, asked=bool(asked))
    codes, names = ([who for who in whos if (len(who) <= CODE) is short] for short in (True, False))
    tables = [
        _instruments(found),
        *_matrix(found, codes, "Who has joined what, by number"),
        *_matrix(found, names, "Organisations and companies, by number"),
        _told(found), *(() if asked else member_tables(found)), _overlaps(found), _blocs(found),
        *(_who(found, who) for who in asked), *text_tables(found),
    ]  # fmt: skip
    if not found.standings:
        return (Table(title=f"Governance instruments as of {found.day}", columns=(), rows=(), notes=_none_made(found)),)
    rest = [who for who in found.whos if who not in whos and joined_count(found, who)]
    at = next(
        (at for at, table in enumerate(tables) if len(table.columns) > 1 and table.columns[1].name.isdigit()), None
    )
    notes = [] if at is None else [f"{LEGEND}."]
    if rest and not listed(found):
        notes.append(f"{len(rest)} joined one instrument and are left out here; --who shows them, --json has all.")
    at = at or 0
    tables[at] = msgspec.structs.replace(tables[at], notes=(*tables[at].notes, *notes))
    return tuple(table for table in tables if table.rows)


def _none_made(found: Adoption) -> tuple[str, ...]:
    """Why there is nothing to show."""
    first = [f"{one.id} is of {one.date}" for one in found.later[:_FEW]]
    more = f", and {len(found.later) - len(first)} more are later" if len(found.later) > len(first) else ""
    return (f"None of the instruments was made by {found.day}: {', '.join(first) or 'there is none'}{more}.",)


def told_words(one: Standing) -> str:
    """The newest number that a source states: ``29 founding states``; who is named here is counted beside it."""
    if not one.told:
        return NOTHING
    tally = one.told[-1].tally
    return textwrap.shorten(f"{tally.number} {tally.what}", _TOLD, placeholder=" ...")


def _instruments(found: Adoption) -> Table:
    rows = tuple(
        (
            str(at), one.instrument.id, one.instrument.date, one.instrument.bloc or NOTHING, one.instrument.form,
            one.instrument.binding, str(one.counts.joined), str(one.counts.not_joined),
        )
        for at, one in enumerate(found.standings, start=1)
    )  # fmt: skip
    columns = (
        number_column("no."), text_column("instrument"), text_column("date"), text_column("bloc"),
        text_column("form"), text_column("binding"), number_column("joined"), number_column("not joined"),
    )  # fmt: skip
    notes = [f"Not made yet: {', '.join(one.id for one in found.later)}."] if found.later else []
    return Table(title=f"Governance instruments as of {found.day}", columns=columns, rows=rows, notes=tuple(notes))


def _told(found: Adoption) -> Table:
    """The newest number that a source states of each instrument, beside who is named here."""
    told = [(at, one.instrument.id, one.told[-1]) for at, one in enumerate(found.standings, start=1) if one.told]
    rows = tuple(
        (str(at), id, one.tally.date, f"{one.tally.number} {one.tally.what}", str(one.named)) for at, id, one in told
    )
    columns = (
        number_column("no."), text_column("instrument"), text_column("date"), text_column("a source counts"),
        number_column("named here"),
    )  # fmt: skip
    return Table(title="Newest counts of sources", columns=columns, rows=rows)


def mark(cell: Cell) -> str:
    """The letter of a cell."""
    return MARKS["took part" if cell.took_part else "observer" if cell.observes else cell.answer]


def speaks(cell: Cell) -> bool:
    """Whether an entry says something of them, if only that they took part or observe."""
    return cell.answer != NOT_RECORDED or cell.took_part or cell.observes


def _matrix(found: Adoption, whos: Sequence[str], title: str) -> tuple[Table, ...]:
    """Instruments that speak of any of them as columns; as many tables as lines of ``WIDTH`` need."""
    shown = [
        (at, one) for at, one in enumerate(found.standings, start=1) if any(speaks(one.cells[who]) for who in whos)
    ]
    room = WIDTH - max((len(who) for who in whos), default=0)
    parts: list[list[tuple[int, Standing]]] = []
    left = 0
    for at, one in shown:
        wide = len(GAP) + len(str(at))
        if wide > left:
            parts.append([])
            left = room
        parts[-1].append((at, one))
        left -= wide
    return tuple(
        Table(
            title=title if not nth else f"{title}, continued",
            columns=(text_column("who"), *(number_column(str(at)) for at, _ in part)),
            rows=tuple((who, *(mark(one.cells[who]) for _, one in part)) for who in whos),
        )
        for nth, part in enumerate(parts)
    )


def _overlaps(found: Adoption) -> Table:
    """Pairs of instruments that different blocs began, which ask most of whoever is in both."""
    blocs = {one.instrument.id: one.instrument.bloc for one in found.standings}
    pairs = [
        one for one in found.overlaps
        if (one.both or one.aside) and blocs[one.a] and blocs[one.b] and blocs[one.a] != blocs[one.b]
    ]  # fmt: skip
    pairs.sort(key=lambda one: (-len(one.both), one.a, one.b))
    rows = tuple(
        (*(f"{id} ({blocs[id]})" for id in (one.a, one.b)), str(len(one.both)), _names(one.both))
        for one in pairs[:MOST_OVERLAPS]
    )
    columns = (text_column("one"), text_column("other"), number_column("in both"), text_column("who"))
    left = len(pairs) - len(rows)
    notes = [f"{left} more pairs in --json; --instrument names those you want."] if left > 0 else []
    return Table(title="In common, of different blocs", columns=columns, rows=rows, notes=tuple(notes))


def _blocs(found: Adoption) -> Table:
    """Each bloc, and whoever is in two of those with more than one instrument."""
    rows = [(one.name, str(len(one.instruments)), str(len(one.members)), _names(one.members)) for one in found.blocs]
    wide = {one.name for one in found.blocs if len(one.instruments) > 1 and one.name != OTHERS}
    for (a, b), both in found.common.items():
        if both and {a, b} <= wide:
            rows.append((f"{a} and {b}", "", str(len(both)), _named_with(found, both, (a, b))))
    columns = (text_column("bloc"), number_column("instruments"), number_column("joined"), text_column("who"))
    notes = ["A bloc is whose initiative an instrument is; in it is who joined at least one of its instruments."]
    return Table(title="Blocs", columns=columns, rows=tuple(rows), notes=tuple(notes))


def _named_with(found: Adoption, both: Sequence[str], blocs: tuple[str, str]) -> str:
    """Names; with the instruments where they are few."""
    if len(both) > _FEW:
        return _names(both)
    return "; ".join(f"{who} ({', '.join(id for ids in found.through(who, blocs) for id in ids)})" for who in both)


def _who(found: Adoption, who: str) -> Table:
    rows = []
    for one in found.standings:
        cell = one.cells[who]
        source = NOTHING if cell.source is None else f"{cell.source}, {cell.locator}"
        rows.append((
            one.instrument.id, cell.answer, cell.role if cell.role and cell.answer != NOT_JOINED else NOTHING,
            cell.since or NOTHING, cell.sure or NOTHING,
            "; ".join(text for text in (cell.why, cell.note) if text) or NOTHING, source,
        ))  # fmt: skip
    columns = tuple(text_column(name) for name in ("instrument", "answer", "role", "since", "sure", "why", "source"))
    return Table(title=f"{who} as of {found.day}", columns=columns, rows=tuple(rows))


def _names(whos: Sequence[str]) -> str:
    shown = list(whos)
    while len(", ".join(shown)) > _NAMED:
        shown.pop()
    more = len(whos) - len(shown)
    return f"{', '.join(shown)} and {more} more" if more else ", ".join(shown) or NOTHING

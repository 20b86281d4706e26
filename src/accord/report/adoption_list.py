"""A few instruments as lists: who is in with role, days and source, how each stands, what it asks, its sources."""

from __future__ import annotations

from accord.policy.adoption import JOINED, Adoption, Cell, Standing
from accord.report.tables import NOTHING, Table, pairs, text_column

MOST = 3  # instruments that are listed one by one


def listed(found: Adoption) -> bool:
    """Whether the instruments asked for are few enough to be listed."""
    return 0 < len(found.standings) <= MOST and len(found.standings) + len(found.later) <= MOST


def member_tables(found: Adoption) -> tuple[Table, ...]:
    """Members of each instrument; none where there are many."""
    return tuple(_members(one) for one in found.standings) if listed(found) else ()


def text_tables(found: Adoption) -> tuple[Table, ...]:
    """Status, provisions and sources of each instrument; none where there are many."""
    if not listed(found):
        return ()
    return tuple(table for one in found.standings for table in (_status(one), _provisions(one), _sources(one)))


def _members(one: Standing) -> Table:
    """Everybody an entry speaks of on the day."""
    rows = tuple(_row(cell) for cell in one.cells.values() if cell.source is not None)
    columns = tuple(text_column(name) for name in ("who", "answer", "role", "since", "sure", "notes", "source"))
    return Table(title=f"Members of {one.instrument.id}", columns=columns, rows=rows)


def _row(cell: Cell) -> tuple[str, ...]:
    role = cell.role if cell.answer == JOINED or cell.took_part or cell.observes else None
    days = f"{cell.since or NOTHING} until {cell.until}" if cell.until else cell.since or NOTHING
    return (
        cell.who, cell.answer, role or NOTHING, days, cell.sure or NOTHING,
        "; ".join(text for text in (cell.why, cell.note) if text) or NOTHING, f"{cell.source}, {cell.locator}",
    )  # fmt: skip


def _status(one: Standing) -> Table:
    """How the instrument stood from which day on, up to the day that is asked."""
    until = one.state.start if one.state is not None else ""
    states = [state for state in sorted(one.instrument.states, key=lambda two: two.start) if state.start <= until]
    rows = tuple((state.start, state.text, f"{state.source} ({state.tier}), {state.locator}") for state in states)
    columns = tuple(text_column(name) for name in ("since", "status", "source"))
    notes = (one.instrument.note,) if one.instrument.note else ()
    return Table(title=f"Status of {one.instrument.id}", columns=columns, rows=rows, notes=notes)


def _provisions(one: Standing) -> Table:
    rows = tuple(
        (part.id, part.text, f"{part.source} ({part.tier}), {part.locator}") for part in one.instrument.provisions
    )
    columns = tuple(text_column(name) for name in ("provision", "what, in our words", "source"))
    return Table(title=f"Provisions of {one.instrument.id}", columns=columns, rows=rows)


def _sources(one: Standing) -> Table:
    """Every source of the instrument, with its address where one is recorded."""
    rows = []
    for key, source in one.instrument.sources.items():
        told = f"{source.publisher}, {source.title}, {source.date}"
        rows.append((key, f"{told}\n{source.url}" if source.url else told))
    return pairs(f"Sources of {one.instrument.id}", rows)

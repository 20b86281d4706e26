"""A measured table as CSV: its header, its rows one by one, each id once."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeVar

from accord.base.errors import TableError

Cells = Mapping[str, str]


class Identified(Protocol):
    """A row with an id of its own."""

    @property
    def id(self) -> str:
        """The id."""


R = TypeVar("R", bound=Identified)


def read_table(
    content: str, name: str, what: str, columns: Collection[str], row: Callable[[Cells, str, int], R],
    required: Collection[str],
) -> tuple[R, ...]:  # fmt: skip
    """Rows of a table with a header.

    name: of the file; what: the table holds; columns: of the header at least; required: cells that may not be empty
    row: makes a row of its filled cells, ``file:line`` and the line
    Raises TableError with file and line.
    """
    reader = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")))  # a byte-order mark, as spreadsheets write it
    rows: list[R] = []
    seen: set[str] = set()
    try:
        _check_header(reader.fieldnames or (), name, what, columns)
        for cells in reader:
            where = f"{name}:{reader.line_num}"
            rows.append(row(_filled(cells, required, where), where, reader.line_num))
            if rows[-1].id in seen:
                raise TableError(f"id '{rows[-1].id}' stands twice", where=where)
            seen.add(rows[-1].id)
    except csv.Error as error:
        raise TableError(f"not a CSV table: {error}", where=f"{name}:{reader.line_num + 1}") from None
    return tuple(rows)


def _check_header(header: Collection[str], name: str, what: str, columns: Collection[str]) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        if len(missing) == len(columns):
            said, hint = "the first line is no header", f"a {what} begins with a line of its {len(missing)} columns: "
            raise TableError(said, where=f"{name}:1", hint=hint + ", ".join(columns))
        raise TableError(
            f"column{'s' if len(missing) > 1 else ''} {', '.join(missing)} missing",
            where=f"{name}:1",
            hint=f"the header of a {what} names every column, whatever the order; a cell may be empty",
        )


def _filled(cells: Mapping[str | None, str | None], required: Collection[str], where: str) -> Cells:
    """Cells that hold something."""
    if None in cells or any(value is None for value in cells.values()):
        raise TableError("the row has more or fewer cells than the header", where=where)
    filled = {str(key): str(value) for key, value in cells.items() if value}
    for column in required:
        if column not in filled:
            raise TableError(f"{column} is empty", where=where)
    return filled

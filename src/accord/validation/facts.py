"""What else was published about measured runs: cells that a table leaves empty, from a second table.

The second table is CSV with the column ``source_id`` and any columns of a measured table. Its cells fill those that
rows of that source leave empty; what a row states stays. It is data of the reader's choice: no prediction looks at
a source.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

from accord.base.errors import TableError
from accord.validation.rows import NUMERIC, Row, number

KEY = "source_id"


def with_facts(rows: Sequence[Row], content: str, name: str) -> tuple[Row, ...]:
    """Rows with the facts filled in. name: of the second table, for messages. Raises TableError with file and line."""
    reader = csv.DictReader(io.StringIO(content))
    try:
        known = _known(reader, name)
    except csv.Error as error:
        raise TableError(f"not a CSV table: {error}", where=f"{name}:{reader.line_num + 1}") from None
    return tuple(_filled(row, known.get(row.text[KEY], {})) for row in rows)


def _known(reader: csv.DictReader[str], name: str) -> Mapping[str, Mapping[str, str | float]]:
    """The facts of each source."""
    if KEY not in (reader.fieldnames or []):
        raise TableError(f"column {KEY} missing", where=f"{name}:1", hint="facts are told by the source they are about")
    known: dict[str, Mapping[str, str | float]] = {}
    for cells in reader:
        where = f"{name}:{reader.line_num}"
        if None in cells or any(value is None for value in cells.values()):
            raise TableError("the row has more or fewer cells than the header", where=where)
        if not cells[KEY] or cells[KEY] in known:
            raise TableError(f"{KEY} is empty or stands twice", where=where)
        known[cells[KEY]] = {
            column: number(text, column, where) if column in NUMERIC else text
            for column, text in cells.items()
            if text and column not in (KEY, "value")
        }
    return known


def _filled(row: Row, facts: Mapping[str, str | float]) -> Row:
    fresh = {column: value for column, value in facts.items() if column not in row.text and column not in row.numbers}
    if not fresh:
        return row
    return replace(
        row,
        text={**row.text, **{column: value for column, value in fresh.items() if isinstance(value, str)}},
        numbers={**row.numbers, **{column: value for column, value in fresh.items() if isinstance(value, float)}},
    )

"""Traces that are tables of comma-separated values with a heading."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from accord.base.registry import did_you_mean
from accord.workloads.numbers import LONGEST, length_fault, shown, whole
from accord.workloads.tally import Tally


def heading_of(lines: Iterable[str]) -> tuple[tuple[str, ...], Iterable[str]]:
    """Names of the columns, and the same lines again; no names where there is no line, or it is none of a table."""
    rest = iter(lines)
    begun: list[str] = []
    for line in rest:
        begun.append(line)
        if line.strip():
            break
    try:
        cells = next(csv.reader(begun[-1:]), []) if begun else []
    except csv.Error:
        cells = []
    return tuple(cell.strip() for cell in cells), chain(begun, rest)


def read_rows(lines: Iterable[str], tally: Tally, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Rows of a table as the cells of the columns ``names``, with their line numbers; short rows go to the tally.

    Raises TableError for a heading without one of the columns, an empty table, and a quote that is never closed.
    """
    rows = csv.reader(_checked(lines, tally))
    heading = next((row for row in rows if row), None)
    if heading is None:
        raise tally.error(None, "is empty", f"a heading and one row a request: {', '.join(names)}")
    known = [cell.strip() for cell in heading]
    for name in names:
        if name not in known:
            raise tally.error(rows.line_num, f"has no column '{name}'", did_you_mean(name, known))
    places = [known.index(name) for name in names]
    wanted = len(known)
    try:
        for row in rows:
            if len(row) == wanted:
                tally.lines += 1
                yield rows.line_num, [row[place] for place in places]
            elif any(cell.strip() for cell in row):
                tally.lines += 1
                tally.bad(
                    rows.line_num, "does not have as many cells as the heading", f"{len(row)} instead of {wanted}"
                )
    except csv.Error as error:
        raise tally.error(rows.line_num, f"is no line of a table: {error}", "close the quote before it") from None


def lengths(tally: Tally, line: int, cells: Sequence[str], names: Sequence[str]) -> tuple[int, int] | None:
    """Prompt and answer of a row, the two last cells; None for a row that went to the tally."""
    prompt, answer = whole(cells[-2]), whole(cells[-1])
    if prompt is not None and answer is not None and 0 < prompt <= LONGEST and 0 < answer <= LONGEST:
        return prompt, answer
    for name, cell, value in ((names[-2], cells[-2], prompt), (names[-1], cells[-1], answer)):
        fault = length_fault(value)
        if fault:
            tally.bad(line, f"'{name}' {fault}", shown(cell))
            break
    return None


def _checked(lines: Iterable[str], tally: Tally) -> Iterator[str]:
    """Lines without what the reader of tables chokes on."""
    for number, line in enumerate(lines, 1):
        if "\0" in line or len(line) > csv.field_size_limit():
            tally.lines += 1
            tally.bad(number, "is no line of a table", "a zero byte, or far too long")
            yield "\n"
        else:
            yield line

"""A table that belongs to no output format, and its plain text.

Cells are text: a verb decides how a number is written, with the helpers below, and every format
(terminal, plain text, Markdown) prints the same cells.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import Literal

import msgspec

Justify = Literal["left", "right"]

GAP = "  "
NOTHING = "-"  # a cell for what is not known


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column: its heading, the unit of its numbers ("" = none or in the cells), and its side."""

    name: str
    unit: str = ""
    justify: Justify = "left"

    @property
    def heading(self) -> str:
        """Name with the unit in brackets."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows of text cells under columns, with a title above and notes below."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a row that does not have one cell per column."""
        for index, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"row {index} of '{self.title}' has {len(row)} cells for {len(self.columns)} columns")


def text_column(name: str) -> Column:
    """A column of words."""
    return Column(name=name)


def number_column(name: str, unit: str = "") -> Column:
    """A column of numbers, set to the right."""
    return Column(name=name, unit=unit, justify="right")


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits, thousands apart by commas.

    value: any unit; None gives "-". Between 1e-3 and 1e6 no exponent is used.
    """
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 < size < 7:
        return f"{round(value, digits - 1 - size):,.{max(0, digits - 1 - size)}f}"
    return f"{value:.{digits - 1}e}"


def pairs(title: str, items: Sequence[tuple[str, str]], notes: Sequence[str] = ()) -> Table:
    """A table of two columns without much heading: a name and what it is."""
    return Table(title=title, columns=(Column(name=""), Column(name="")), rows=tuple(items), notes=tuple(notes))


def to_text(table: Table) -> str:
    """Plain text: title, headings, a rule, aligned rows, notes; ends with a newline."""
    headings = tuple(column.heading for column in table.columns)
    shown = (headings, *table.rows) if any(headings) else table.rows
    widths = [max((_width(row[at]) for row in shown), default=0) for at in range(len(headings))]
    lines = [table.title] if table.title else []
    if any(headings):
        lines += [_line(headings, table.columns, widths), GAP.join("-" * width for width in widths)]
    lines += [_line(row, table.columns, widths) for row in table.rows]
    lines += list(table.notes)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    return GAP.join(
        " " * (width - _width(cell)) + cell if column.justify == "right" else cell + " " * (width - _width(cell))
        for cell, column, width in zip(cells, columns, widths, strict=True)
    )


def _width(text: str) -> int:
    """Terminal cells a text takes: East Asian wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )

"""A table made to fit a width: cells are written over several lines, broken between words."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Sequence

import msgspec

from accord.report.tables import GAP, Table

WIDTH = 100  # of a line, wherever it is read
_PARTS = re.compile(r"[^|/]+[|/]?|[|/]")  # of a word that is too long for its column


def fitted(table: Table, width: int = WIDTH) -> Table:
    """The table with its cells wrapped so that no line is wider than ``width`` characters.

    A word that has no place to break may still stick out. Alternatives joined by ``|`` and ids with ``/`` break there.
    """
    heads = [column.heading for column in table.columns]
    cells = [heads, *table.rows] if any(heads) else list(table.rows)
    columns = list(zip(*cells, strict=True)) if cells else [()] * len(heads)
    wide = [
        max((len(line) for cell in column for line in cell.split("\n") if "://" not in line), default=0)
        for column in columns
    ]
    least = [max((len(part) for cell in column for part in _unbroken(cell)), default=0) for column in columns]
    room = width - len(GAP) * (len(wide) - 1)
    while sum(wide) > room:
        loose = [at for at in range(len(wide)) if wide[at] > least[at]]
        if not loose:
            break
        wide[max(loose, key=lambda at: wide[at])] -= 1
    rows = tuple(row for cut in table.rows for row in _rows(cut, wide))
    return msgspec.structs.replace(
        table, title="\n".join(lines(table.title, width, "")), rows=rows,
        notes=tuple(line for note in table.notes for line in lines(note, width)),
    )  # fmt: skip


def lines(text: str, width: int, indent: str = "  ") -> list[str]:
    """A text over several lines of ``width`` characters at most; ``indent`` is put before all but the first."""
    if len(text) <= width and "\n" not in text:
        return [text]
    found: list[str] = []
    for part in text.split("\n"):
        found += textwrap.wrap(
            _spaced(part, width), width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
        ) or [""]
    return found


def _spaced(text: str, width: int) -> str:
    """The text with a blank inside words that are longer than a line, where they may break."""
    return " ".join(_joined(word, width) if len(word) > width else word for word in text.split(" "))


def _joined(word: str, width: int) -> str:
    if "://" in word:
        return word
    found = [""]
    for part in _PARTS.findall(word):
        if found[-1] and len(found[-1]) + len(part) > width:
            found.append("")
        found[-1] += part
    return " ".join(found)


def _unbroken(cell: str) -> list[str]:
    """Parts of a cell that stay on one line; an address may stick out, so that it can be copied."""
    return [part for word in cell.split() if "://" not in word for part in _PARTS.findall(word)]


def _rows(row: Sequence[str], wide: Sequence[int]) -> list[tuple[str, ...]]:
    """One row as several where a cell takes several lines."""
    cut = [lines(cell, max(size, 1), "") if cell else [""] for cell, size in zip(row, wide, strict=True)]
    return list(itertools.zip_longest(*cut, fillvalue=""))

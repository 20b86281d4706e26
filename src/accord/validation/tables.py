"""Which kind of measured table a file is, told by its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Literal

from accord.base.errors import TableError
from accord.validation import fabric_rows, failure_rows, rows, training_rows

Kind = Literal["training", "fabric", "failures", "inference"]
KINDS: Mapping[Kind, tuple[str, ...]] = {
    "training": training_rows.COLUMNS,
    "fabric": fabric_rows.COLUMNS,
    "failures": failure_rows.COLUMNS,
    "inference": rows.REQUIRED,
}
"""Columns that each kind needs; a file is of the first kind whose columns it has."""


def kind_of_table(content: str, name: str) -> Kind:
    """The kind of a measured table (CSV with a header). Raises TableError naming the columns each kind needs."""
    header = _header(content, name)
    for kind, columns in KINDS.items():
        if set(columns) <= header:
            return kind
    nearest = min(KINDS, key=lambda kind: len(set(KINDS[kind]) - header) / len(KINDS[kind]))
    missing = [column for column in KINDS[nearest] if column not in header]
    needs = "; ".join(f"{kind}: {', '.join(columns)}" for kind, columns in KINDS.items())
    raise TableError(
        f"no kind of measured table has these columns; nearest is {nearest}, which also needs {', '.join(missing)}",
        where=f"{name}:1",
        hint=f"a table has at least the columns of one kind: {needs}",
    )


def _header(content: str, name: str) -> set[str]:
    try:
        return set(next(csv.reader(io.StringIO(content)), ()))
    except csv.Error as error:
        raise TableError(f"not a CSV table: {error}", where=f"{name}:1") from None

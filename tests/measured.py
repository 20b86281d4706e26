"""The shared tables of measured rows, where they are at hand.

``ACCORD_MEASURED`` names a folder that holds ``measured/inference.csv`` or ``inference.csv``, and the other tables
beside it; without it the folder ``shared`` beside the project is tried. Tests that need it skip where there is none.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest

VARIABLE = "ACCORD_MEASURED"
ROOT = Path(__file__).parents[1]


def table(name: str = "inference.csv") -> str:
    """A table as text; skips the test where it is absent."""
    folder = Path(os.environ.get(VARIABLE, ROOT.parent / "shared"))
    for file in (folder / "measured" / name, folder / name):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    pytest.skip(f"no measured/{name} in {folder}; set {VARIABLE} to the folder that has it")


def rows(text: str) -> list[dict[str, str]]:
    """Rows of a table."""
    return list(csv.DictReader(io.StringIO(text)))


def write(records: list[dict[str, str]]) -> str:
    """A table of rows that share their columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()

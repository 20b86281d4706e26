"""One CSV row for each request, with the columns of :mod:`accord.report.request_columns`.

A cell is empty where nothing came. Numbers are written with all their digits. A text that a spreadsheet would take for
a formula (it begins with ``=``, ``+``, ``-``, ``@`` or a tab) gets an apostrophe before it; a carriage return in a text
becomes a space.
"""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Iterator, Mapping

from accord.report.outputs import About
from accord.report.request_columns import ROW_COLUMNS, row_blocks
from accord.serving.result import Outcome

FORMULA = ("=", "+", "-", "@", "\t")


def csv(outcome: Outcome, metrics: Mapping[str, float], about: About) -> Iterator[bytes]:
    """Yield the file, UTF-8, a header and then a block of rows at a time."""
    text = io.StringIO()
    writer = csv_module.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in ROW_COLUMNS])
    for block in row_blocks(outcome):
        cells = [_safe(block[column.name]) if column.kind == "text" else block[column.name] for column in ROW_COLUMNS]
        writer.writerows(zip(*cells, strict=True))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue().encode()


def _safe(words: list[object]) -> list[object]:
    plain = (str(word).replace("\r", " ") for word in words)
    return [f"'{word}" if word.startswith(FORMULA) else word for word in plain]

"""Azure's traces of 2023 and 2024: a table of time of arrival, tokens of context, tokens generated.

Times are dates with up to 100 ns, in 2024 with an offset; without one they are UTC
(Patel et al., ISCA 2024; Stojkovic et al., HPCA 2025; Azure/AzurePublicDataset).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from accord.workloads.columns import Columns, Options
from accord.workloads.numbers import shown
from accord.workloads.table import lengths, read_rows
from accord.workloads.tally import Tally

NAMES = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_DATE = re.compile(
    r"\s*([0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,12})?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?\s*"
)
_FAULT = "'TIMESTAMP' is no time"
_HINT = "write it as 2023-11-16 18:15:46.6805900, with an offset such as +00:00 if it is not UTC"


def read(lines: Iterable[str], tally: Tally, options: Options) -> Columns:
    """Columns of a trace; see :mod:`accord.workloads.formats`."""
    del options
    out = Columns()
    seconds: list[int] = []  # apart from fractions, which doubles of this size would round
    fractions: list[float] = []
    known: dict[str, int | None] = {}
    for line, cells in read_rows(lines, tally, NAMES):
        found = _DATE.fullmatch(cells[0])
        second = None
        if found:
            key = found[1] + (found[3] or "")
            second = known[key] if key in known else known.setdefault(key, _second(found[1], found[3]))
        if found is None or second is None:
            tally.bad(line, _FAULT, shown(cells[0]), _HINT)
            continue
        pair = lengths(tally, line, cells, NAMES)
        if pair is not None:
            seconds.append(second)
            fractions.append(float(found[2]) if found[2] else 0.0)
            out.prompt.append(pair[0])
            out.answer.append(pair[1])
    first = min(seconds, default=0)
    out.time_s = [second - first + fraction for second, fraction in zip(seconds, fractions, strict=True)]
    return out


def _second(text: str, offset: str | None) -> int | None:
    """Whole seconds since 1970; None for what is no day or no time of day."""
    try:
        zone = UTC if offset is None or offset == "Z" else _zone(offset)
        return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
    except (ValueError, OverflowError):
        return None


def _zone(offset: str) -> timezone:
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))

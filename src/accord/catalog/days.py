"""The days that a date of a year, quarter, half, month or day may mean."""

from __future__ import annotations

import datetime
import re

_DATE = re.compile(r"(\d{4})(?:-(?:(0[1-9]|1[0-2])(?:-(\d\d))?|([QH])([1-4])))?")
_MONTHS = {"Q": 3, "H": 6}


def first_day(date: str) -> str:
    """The first day [ISO] of a date ``2025``, ``2025-Q2``, ``2025-06`` or ``2025-06-30``; of what is none, of all."""
    found = _DATE.fullmatch(date)
    if found is None:
        return datetime.date.min.isoformat()
    year, month, day, part, nth = found.groups()
    first = int(month) if month else min(_MONTHS.get(part or "", 0) * (int(nth or 1) - 1) + 1, 12)
    return f"{year}-{first:02d}-{day or '01'}"


def last_day(date: str) -> str:
    """The last day [ISO] of such a date, by which what is dated so has happened; of what is none, of all."""
    found = _DATE.fullmatch(date)
    if found is None or found[1] in ("0000", "9999"):
        return datetime.date.max.isoformat()
    year, month, day, part, nth = found.groups()
    if day:
        return date
    last = int(month) if month else min(_MONTHS.get(part or "", 12) * int(nth or 1), 12)
    after = datetime.date(int(year) + last // 12, last % 12 + 1, 1)
    return (after - datetime.timedelta(days=1)).isoformat()

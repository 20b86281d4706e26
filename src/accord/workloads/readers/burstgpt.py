"""BurstGPT's traces: a table of arrival in seconds and lengths, in later files with session and elapsed time.

Requests that failed have no answer and are bad lines (Wang et al., arXiv 2401.17644; HPMLL/BurstGPT).
"""

from __future__ import annotations

from collections.abc import Iterable

from accord.workloads.columns import Columns, Options
from accord.workloads.numbers import decimal, shown, time_fault
from accord.workloads.request import NONE
from accord.workloads.table import lengths, read_rows
from accord.workloads.tally import Tally

NAMES = ("Timestamp", "Request tokens", "Response tokens")
SESSION, ELAPSED = "Session ID", "Elapsed time"


def read(lines: Iterable[str], tally: Tally, options: Options) -> Columns:
    """Columns of a trace; with ``options.chain`` a session's requests follow one another."""
    out = Columns()
    more = (SESSION, ELAPSED) if options.chain else ()
    last: dict[str, int] = {}
    for line, cells in read_rows(lines, tally, (*more, *NAMES)):
        time_s = decimal(cells[len(more)])
        fault = time_fault(time_s)
        if fault or time_s is None:
            tally.bad(line, f"'{NAMES[0]}' {fault}", shown(cells[len(more)]))
            continue
        pair = lengths(tally, line, cells, NAMES)
        if pair is None:
            continue
        if more:
            session = cells[0].strip()
            out.parent.append(last.get(session, NONE))
            out.served_s.append(max(decimal(cells[1]) or 0.0, 0.0))
            if session:
                last[session] = len(out.prompt)
        out.time_s.append(time_s)
        out.prompt.append(pair[0])
        out.answer.append(pair[1])
    return out

"""Tables of lengths as Vidur's: prompt and answer of each request, perhaps with its arrival in seconds.

(Agrawal et al., MLSys 2024; microsoft/vidur, data/processed_traces.)
"""

from __future__ import annotations

from collections.abc import Iterable

from accord.workloads.columns import Columns, Options
from accord.workloads.numbers import decimal, shown, time_fault
from accord.workloads.table import heading_of, lengths, read_rows
from accord.workloads.tally import Tally

NAMES = ("num_prefill_tokens", "num_decode_tokens")
ARRIVAL = "arrived_at"


def read(lines: Iterable[str], tally: Tally, options: Options) -> Columns:
    """Columns of a table; see :mod:`accord.workloads.formats`."""
    del options
    known, lines = heading_of(lines)
    out = Columns(timed=ARRIVAL in known)
    for line, cells in read_rows(lines, tally, (ARRIVAL, *NAMES) if out.timed else NAMES):
        time_s = decimal(cells[0]) if out.timed else 0.0
        fault = time_fault(time_s)
        if fault or time_s is None:
            tally.bad(line, f"'{ARRIVAL}' {fault}", shown(cells[0]))
            continue
        pair = lengths(tally, line, cells, NAMES)
        if pair is not None:
            out.time_s.append(time_s)
            out.prompt.append(pair[0])
            out.answer.append(pair[1])
    return out

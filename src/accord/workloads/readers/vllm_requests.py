"""Requests of measured vLLM runs: JSON lines of lengths and arrival in seconds since 1970, times of service beside.

Only what was asked is read; prompts are not stored, so nothing is known of common beginnings.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from accord.workloads.columns import Columns, Options
from accord.workloads.json_lines import read_objects
from accord.workloads.numbers import Time, Tokens
from accord.workloads.tally import Tally


class Row(msgspec.Struct):
    """One line; other keys are passed over."""

    input_toks: Tokens
    output_toks: Tokens
    arrival_time: Time


def read(lines: Iterable[str], tally: Tally, options: Options) -> Columns:
    """Columns of a run's requests; see :mod:`accord.workloads.formats`."""
    del options
    rows = [row for _, row in read_objects(lines, tally, Row)]
    return Columns(
        time_s=[row.arrival_time for row in rows],
        prompt=[row.input_toks for row in rows],
        answer=[row.output_toks for row in rows],
    )

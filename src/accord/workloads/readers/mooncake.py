"""Mooncake's traces: JSON lines of arrival in milliseconds, lengths, and ids of blocks of 512 tokens.

An id stands for its block and all before it, so equal ids mean equal beginnings; the last block may be partly full
(Qin et al., FAST 2025; kvcache-ai/Mooncake, FAST25-release).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from accord.workloads.columns import Columns, Options
from accord.workloads.json_lines import read_objects
from accord.workloads.numbers import Time, Tokens, shown
from accord.workloads.tally import Tally

BLOCK_TOKENS = 512


class Row(msgspec.Struct):
    """One line; other keys are passed over."""

    timestamp: Time
    input_length: Tokens
    output_length: Tokens
    hash_ids: list[int | str] = []


def read(lines: Iterable[str], tally: Tally, options: Options) -> Columns:
    """Columns of a trace; see :mod:`accord.workloads.formats`."""
    del options
    out = Columns(block_tokens=BLOCK_TOKENS)
    times: list[float] = []
    for number, row in read_objects(lines, tally, Row):
        most = -(-row.input_length // BLOCK_TOKENS)
        if len(row.hash_ids) > most:
            what = f"'hash_ids' has more blocks of {BLOCK_TOKENS} tokens than the prompt"
            tally.bad(number, what, f"{len(row.hash_ids)} blocks for {shown(row.input_length)} tokens")
            continue
        times.append(row.timestamp)
        out.prompt.append(row.input_length)
        out.answer.append(row.output_length)
        out.blocks.append(row.hash_ids)
    out.time_s = [time / 1e3 for time in times]
    return out

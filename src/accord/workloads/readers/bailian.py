"""Bailian's traces: JSON lines of arrival in seconds, lengths, chats with their parents, ids of blocks of 16 tokens.

An id is a hash of its block's tokens alone (Wang et al., USENIX ATC 2025; alibaba-edu/qwen-bailian-usagetraces-anon).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from accord.workloads.columns import Columns, Options
from accord.workloads.json_lines import read_objects
from accord.workloads.numbers import Time, Tokens
from accord.workloads.request import NONE
from accord.workloads.tally import Tally

BLOCK_TOKENS = 16


class Row(msgspec.Struct):
    """One line; other keys are passed over."""

    chat_id: int | str
    timestamp: Time
    input_length: Tokens
    output_length: Tokens
    parent_chat_id: int | str = NONE
    hash_ids: list[int | str] = []


def read(lines: Iterable[str], tally: Tally, options: Options) -> Columns:
    """Columns of a trace; with ``options.chain`` a turn follows its parent instead of coming when it was recorded."""
    out = Columns(block_tokens=BLOCK_TOKENS, contents=True)
    rows: dict[int | str, int] = {}
    for number, row in read_objects(lines, tally, Row):
        most = -(-row.input_length // BLOCK_TOKENS)
        if len(row.hash_ids) > most:
            what = f"'hash_ids' has more blocks of {BLOCK_TOKENS} tokens than the prompt"
            tally.bad(number, what, f"{len(row.hash_ids)} blocks for {row.input_length} tokens")
            continue
        if row.chat_id in rows:
            tally.bad(number, "'chat_id' was there before", repr(row.chat_id))
            continue
        if options.chain:
            out.parent.append(rows.get(row.parent_chat_id, NONE))
        rows[row.chat_id] = len(out.prompt)
        out.time_s.append(row.timestamp)
        out.prompt.append(row.input_length)
        out.answer.append(row.output_length)
        out.blocks.append(row.hash_ids)
    if options.chain:
        tally.notes.append("the trace does not say when answers ended; turns wait as long as turns were apart")
    return out

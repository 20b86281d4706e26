"""AIPerf's profile_export.jsonl: one record a request, with metadata, metrics, and an error where it failed.

Requests of the warm-up are left out; failed ones have no answer and are bad lines (ai-dynamo/aiperf, working with
profile exports).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from accord.workloads.columns import Columns, Options
from accord.workloads.json_lines import read_objects
from accord.workloads.numbers import Nanoseconds, Tokens
from accord.workloads.request import NONE
from accord.workloads.tally import Tally

WARM_UP = "warmup"


class Metadata(msgspec.Struct):
    """When and of whom."""

    request_start_ns: Nanoseconds
    request_end_ns: Nanoseconds | None = None
    x_correlation_id: str | None = None
    benchmark_phase: str = ""


class Length(msgspec.Struct):
    """A metric in tokens."""

    value: Tokens


class Metrics(msgspec.Struct):
    """Of the metrics, the lengths."""

    input_sequence_length: Length
    output_sequence_length: Length


class Failed(msgspec.Struct):
    """What a record has in any case."""

    metadata: Metadata
    error: object = None


class Row(msgspec.Struct):
    """One line; other keys are passed over."""

    metadata: Metadata
    metrics: Metrics


def read(lines: Iterable[str], tally: Tally, options: Options) -> Columns:
    """Columns of a profile; with ``options.chain`` a session's turns follow one another."""
    out = Columns()
    starts: list[int] = []
    last: dict[str, int] = {}
    warm = 0
    for _, row in read_objects(_answered(lines, tally), tally, Row):
        about = row.metadata
        if about.benchmark_phase == WARM_UP:
            warm += 1
            continue
        if options.chain:
            session = about.x_correlation_id
            out.parent.append(last.get(session, NONE) if session else NONE)
            out.served_s.append(max(0, (about.request_end_ns or 0) - about.request_start_ns) / 1e9)
            if session:
                last[session] = len(starts)
        starts.append(about.request_start_ns)
        out.prompt.append(row.metrics.input_sequence_length.value)
        out.answer.append(row.metrics.output_sequence_length.value)
    if warm:
        tally.notes.append(f"requests of the warm-up, left out: {warm}")
    first = min(starts, default=0)
    out.time_s = [
        (start - first) / 1e9 for start in starts
    ]  # whole numbers first: doubles of this size round to 256 ns
    return out


def _answered(lines: Iterable[str], tally: Tally) -> Iterable[str]:
    """Lines, empty in place of those of failed requests."""
    decode = msgspec.json.Decoder(Failed).decode
    for number, line in enumerate(lines, 1):
        if '"error"' in line:
            try:
                failed = decode(line).error is not None
            except (msgspec.DecodeError, RecursionError):
                failed = False  # the reader of records says what is wrong
            if failed:
                tally.lines += 1
                hint = "skip bad lines to leave failed requests out"
                tally.bad(number, "is of a request that failed and has no answer", hint=hint)
                yield ""
                continue
        yield line

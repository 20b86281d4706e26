"""Request traces: a file's lines as a workload. The only place of this room that reads files."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from accord.base.errors import TableError, UsageError
from accord.workloads.columns import Options, workload_of
from accord.workloads.formats import FORMATS, PEEK, detect, nearest
from accord.workloads.request import Workload
from accord.workloads.tally import Tally

MOST_BYTES = 1 << 30
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace that was read.

    format: name in :data:`accord.workloads.formats.FORMATS`
    lines: with something on them (requests of a document); skipped: bad ones, reasons: how many by reason
    notes: one sentence each: sorted, times that are missing
    """

    workload: Workload
    format: str
    lines: int
    skipped: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_trace(
    path: Path | str,
    *,
    format: str | None = None,
    skip_bad: bool = False,
    options: Options | None = None,
    most_bytes: int = MOST_BYTES,
) -> Trace:
    """Read a trace from a file, gzipped or not.

    format: where the content does not tell it; skip_bad: count bad lines instead of raising
    most_bytes: largest size, of what is in it where it is gzipped
    Raises TableError with ``file:line`` for a bad line, and for a file that cannot be read, is empty or too large;
    UsageError for an unknown format.
    """
    text = _text(Path(path), most_bytes)
    return parse_trace(text.split("\n"), str(path), format=format, skip_bad=skip_bad, options=options)


def parse_trace(
    lines: Iterable[str],
    name: str,
    *,
    format: str | None = None,
    skip_bad: bool = False,
    options: Options | None = None,
) -> Trace:
    """Make a trace of text lines; ``name`` is for messages and the workload. Raises as :func:`read_trace`."""
    tally = Tally(name, skip_bad)
    rest = iter(lines)
    head = list(islice(rest, PEEK))
    while head and not any(line.strip() for line in head[-PEEK:]):
        more = list(islice(rest, PEEK))
        if not more:
            raise tally.error(None, "is empty", "give a file with at least one request")
        head += more
    chosen = format or detect(head)
    if chosen is None:
        first = next((at for at, line in enumerate(head, 1) if line.strip()), None)
        raise tally.error(first, "is of no known trace format", nearest(head))
    options = options or Options()
    if options.chain and not FORMATS[chosen].chains:
        able = ", ".join(name for name in FORMATS if FORMATS[name].chains)
        raise UsageError(f"a trace of format '{chosen}' does not say what follows what", where=name, hint=f"{able} do")
    columns = FORMATS[chosen].read(chain(head, rest), tally, options)
    workload = workload_of(columns, tally, Path(name).name)
    return Trace(workload, chosen, tally.lines, tally.skipped, tally.shares(), tuple(tally.notes))


def _text(path: Path, most_bytes: int) -> str:
    """A file's text, expanded if it is gzipped."""
    where = str(path)
    try:
        with path.open("rb") as file:
            zipped = file.peek(2)[:2] == _GZIP
            data = (gzip.GzipFile(fileobj=file) if zipped else file).read(most_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise TableError("is a damaged gzip file", where=where, hint="download or pack it again") from None
    except OSError as error:
        hint = "give the path of a trace file"
        raise TableError(f"cannot be read: {error.strerror or error}", where=where, hint=hint) from None
    if len(data) > most_bytes:
        size = f"{most_bytes >> 20} MiB" if most_bytes >= 1 << 20 else f"{most_bytes} bytes"
        raise TableError(f"is larger than {size}{' when expanded' if zipped else ''}", where=where, hint="cut it up")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError("is not UTF-8 text", where=f"{where}:{line}", hint="a trace is a text file") from None

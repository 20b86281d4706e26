"""Traces that are one JSON document: its text, and lines for messages about its parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from accord.base.errors import TableError
from accord.workloads.tally import Tally

S = TypeVar("S")
_BYTE = re.compile(r"\(byte ([0-9]+)\)")


def whole_text(lines: Iterable[str]) -> bytes:
    """The document as it was before it was split into lines."""
    return "\n".join(line.rstrip("\r\n") for line in lines).encode()


def decode(text: bytes, kind: type[S], tally: Tally, otherwise: str, hint: str) -> S:
    """The document as ``kind``. Raises TableError: no JSON, with the line; or ``otherwise``."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError:
        raise tally.error(1, otherwise, hint) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise _no_json(text, error, tally) from None


def _no_json(text: bytes, error: Exception, tally: Tally) -> TableError:
    found = _BYTE.search(str(error))
    line = text.count(b"\n", 0, int(found[1])) + 1 if found else text.count(b"\n") + 1
    what = "is no JSON" if found else "is no JSON: the document ends early or is nested too deep"
    return tally.error(line, what, "give the file as it was written")


def placed(text: bytes, parts: Sequence[msgspec.Raw]) -> Iterator[tuple[int, bytes]]:
    """Parts of a list one after another, with the line where each begins."""
    at, line = 0, 1
    for part in parts:
        raw = bytes(part)
        begin = text.index(raw, at)
        line += text.count(b"\n", at, begin)
        yield line, raw
        at = begin + len(raw)
        line += raw.count(b"\n")

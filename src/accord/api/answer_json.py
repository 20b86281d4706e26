"""Answers of verbs that are read again: JSON of a sane size and depth, or one line that says what is wrong."""

from __future__ import annotations

import msgspec

from accord.base.errors import DataError

MOST_BYTES = 256 << 20
_BOM = b"\xef\xbb\xbf"


def read_json(data: bytes, name: str, hint: str) -> object:
    """What a file of an answer holds.

    data: a mark of the byte order before it is passed over; name: for messages; hint: what to give instead
    Raises DataError for what is larger than 256 MiB, no JSON, not UTF-8, or nested deeper than it can be read.
    """
    if len(data) > MOST_BYTES:
        raise DataError(f"is larger than {MOST_BYTES >> 20} MiB", where=name, hint="give one answer alone")
    try:
        found: object = msgspec.json.decode(data.removeprefix(_BOM))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"is not JSON: {error}", where=name, hint=hint) from None
    except RecursionError:
        raise DataError("is nested too deeply for an answer of a verb", where=name, hint=hint) from None
    return found

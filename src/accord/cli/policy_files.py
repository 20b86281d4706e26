"""Result files as bytes: read whole, or refused above the limit before they fill the memory."""

from __future__ import annotations

from pathlib import Path

from accord.base.errors import DataError
from accord.policy.evidence_json import MOST_BYTES


def read_file(file: Path, most_bytes: int = MOST_BYTES) -> tuple[str, bytes]:
    """A file's name and bytes, one more than the limit at most. Raises DataError where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return str(file), opened.read(most_bytes + 1)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(file)) from None

"""Files that a flag names to be written: refused in one line, before the work where that can be seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accord.base.errors import UsageError

_HINT = "name a file in a folder that is there and may be written to"


def writable(path: Path | None, flag: str) -> None:
    """See whether a file can be written, before anything is computed. Raises UsageError; nothing is touched."""
    if path is None:
        return
    if path.is_dir():
        raise UsageError("cannot be written: it is a folder", where=f"{flag} {path}", hint=_HINT)
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(
            f"cannot be written: there is no folder '{path.parent}'", where=f"{flag} {path}", hint="make it first"
        )
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError("cannot be written: Permission denied", where=f"{flag} {path}", hint=_HINT)


def save(path: Path, data: bytes, flag: str) -> None:
    """Write a file whole or not at all. Raises UsageError where it cannot be written."""
    from accord.store.files import write

    with told(flag):
        write(path, [data])


@contextmanager
def told(flag: str) -> Iterator[None]:
    """Turn what the system says of a file that cannot be written into a UsageError that names the flag."""
    try:
        yield
    except OSError as error:
        where = f"{flag} {error.filename}" if error.filename else flag
        raise UsageError(f"cannot be written: {error.strerror or error}", where=where, hint=_HINT) from None

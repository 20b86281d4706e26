"""Files a verb reads as text."""

from __future__ import annotations

from pathlib import Path

from accord.base.errors import TableError

MOST_BYTES = 64 << 20


def read_text(file: Path, what: str = "a measured table") -> str:
    """A table's text. Raises TableError for what is no readable UTF-8 file of a sane size.

    what: the file should be, for messages
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise TableError(f"larger than {MOST_BYTES >> 20} MiB", where=str(file))
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        hint = f"give the path of {what} (CSV)"
        raise TableError(f"cannot be read: {error.strerror}", where=str(file), hint=hint) from None
    except UnicodeDecodeError as error:
        raise TableError(f"is not UTF-8 text (byte {error.start})", where=str(file)) from None

"""Files that are written whole or not at all, and streams."""

from __future__ import annotations

import codecs
import io
import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from accord.base.errors import UsageError

Target = Path | IO[bytes] | IO[str]


def write(target: Target, pieces: Iterable[bytes]) -> None:
    """Write pieces of bytes to a path or a stream.

    A path gets all of them or stays as it was: they go to a file beside it, which then takes its place with the same
    permissions. What is no regular file (a pipe, a terminal) is written straight to. A text stream gets them decoded
    as UTF-8. Raises OSError that names the path, UsageError for bytes that are no text on a text stream.
    """
    if isinstance(target, Path):
        _to_path(target, pieces)
    elif isinstance(target, io.TextIOBase):
        _to_text(target, pieces)
    else:
        for piece in pieces:
            target.write(piece)  # type: ignore[arg-type]


def _to_text(stream: io.TextIOBase, pieces: Iterable[bytes]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces:
            stream.write(decoder.decode(piece))
        stream.write(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        raise UsageError("this file is no text", hint="give a path, or a stream opened for bytes") from None


def _to_path(path: Path, pieces: Iterable[bytes]) -> None:
    place = Path(os.path.realpath(path))  # a link stays, the file it leads to is replaced
    try:
        mode = place.stat().st_mode if place.exists() else None
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            with place.open("wb") as straight:
                straight.writelines(pieces)
            return
        _replace(place, pieces, mode)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None


def _replace(place: Path, pieces: Iterable[bytes], mode: int | None) -> None:
    beside = place.with_name(f".{place.name[:100]}.{secrets.token_hex(8)}.part")
    try:
        with beside.open("xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None and stat.S_ISREG(mode):
            beside.chmod(stat.S_IMODE(mode))
        os.replace(beside, place)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise

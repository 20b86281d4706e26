"""The bearer token of a server: made once into a file of its own, and read only where nobody else can read it.

A token is what RFC 6750 calls a b64token. It is never printed, logged, stored elsewhere or put into an address.
"""

from __future__ import annotations

import errno
import math
import os
import re
import secrets
import stat
from pathlib import Path

from accord.base.errors import UsageError

LEAST_BITS = 128
NEW_BYTES = 32  # of randomness in a token that is made here
MOST_CHARACTERS = 1024
LEAST_DISTINCT = 8  # 32 random hexadecimal digits have fewer once in 10^8 times
OTHERS = 0o077 if os.name == "posix" else 0
_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_MAKE = "'accord web --new-token FILE' makes one"


def new_token(file: Path) -> None:
    """Make a token of 256 random bits and write it to a file with mode 0600.

    Raises UsageError where the file is there already, OSError naming it where it cannot be written.
    """
    taken = UsageError("is there already; a token is never overwritten", where=str(file), hint="take another name")
    if os.path.lexists(file):
        raise taken
    try:
        descriptor = os.open(file, _NEW, 0o600)
    except FileExistsError:  # since the look before
        raise taken from None
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_urlsafe(NEW_BYTES).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        file.unlink()
        raise


def read_token(file: Path) -> bytes:
    """Read a token.

    Raises UsageError for a file that is none or a symbolic link, that others may read or write, and for a text that
    is no token or may be guessed.
    """
    data = _read(file).strip()
    where = str(file)
    if len(data) > MOST_CHARACTERS or not _TOKEN.fullmatch(data):
        what = f"is no token: one line of up to {MOST_CHARACTERS} letters, digits and -._~+/ is wanted"
        raise UsageError(what, where=where, hint=_MAKE)
    weak = weakness(data)
    if weak is not None:
        raise UsageError(f"holds a token that may be guessed: {weak}", where=where, hint=_MAKE)
    return data


def weakness(token: bytes) -> str | None:
    """Why a token may be guessed, None where nothing is seen against it; that it is random cannot be seen."""
    core = token.rstrip(b"=")
    bits = len(core) * math.log2(_alphabet(core))
    if bits < LEAST_BITS:
        return f"{len(core)} characters of its kind have at most {bits:.0f} bits, and {LEAST_BITS} are needed"
    if len(set(core)) < LEAST_DISTINCT:
        return f"it has {len(set(core))} different characters"
    if core in (core + core)[1:-1]:
        return "it repeats one piece"
    steps = [after - before for before, after in zip(core, core[1:], strict=False)]
    if max(steps.count(step) for step in (-1, 0, 1)) * 2 > len(steps):
        return "its characters follow one another"
    return None


def _alphabet(core: bytes) -> int:
    """How many characters its kind has."""
    for kind, size in (
        (rb"[0-9]*", 10),
        (rb"[0-9a-f]*|[0-9A-F]*", 16),
        (rb"[a-z]*|[A-Z]*", 26),
        (rb"[A-Za-z0-9]*", 62),
    ):
        if re.fullmatch(kind, core):
            return size
    return 64


def _read(file: Path) -> bytes:
    """Bytes of a regular file that is private to its owner, looked at and read through one descriptor."""
    where = str(file)
    if file.is_symlink():  # where O_NOFOLLOW is not known
        raise _link(where)
    try:
        descriptor = os.open(file, _READ)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _link(where) from None
        raise UsageError(f"cannot be read: {error.strerror}", where=where, hint=_MAKE) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise UsageError("is no file", where=where, hint=_MAKE)
        if mode & OTHERS:
            what = f"others may read or write this token (mode {stat.S_IMODE(mode):04o})"
            raise UsageError(what, where=where, hint=f"chmod 600 {file}, and make a new token if it was shared")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(MOST_CHARACTERS + 64)
    finally:
        os.close(descriptor)


def _link(where: str) -> UsageError:
    return UsageError("is a symbolic link", where=where, hint="give the file itself")

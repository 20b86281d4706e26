"""Content of files that are sent: caps, gzip, and the form of JSON and YAML. For worker processes, not for the server.

A file is text in UTF-8, perhaps packed with gzip once. What is checked here is what could take a reader's memory, stack
or time; whether the content makes sense is for the verb that reads it.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from dataclasses import dataclass

from accord.base.errors import DataError, TableError
from accord.catalog.yaml_text import parse_yaml
from accord.web.nesting import line_nested_deeper, nested_deeper

MOST_NAME_BYTES = 200  # file systems take 255
MOST_ROWS = 2_000_000
MOST_DEPTH = 64
MOST_RATIO = 250  # expanded to packed, above the first MiB
RATIO_FROM_BYTES = 1 << 20
STEP_BYTES = 1 << 18  # expanded at a time
GZIP = b"\x1f\x8b"
YAML = (".yaml", ".yml")
BINARY = (
    (b"PK\x03\x04", "a zip archive"), (b"PK\x05\x06", "a zip archive"), (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"), (b"\xfd7zXZ\x00", "an xz file"), (b"BZh", "a bzip2 file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"), (b"\x04\x22\x4d\x18", "an lz4 file"), (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"), (b"SQLite format 3\x00", "a database"), (b"\x89PNG", "a picture"), (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)  # fmt: skip
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*+[\[{]")
_A_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*+\{[^\n]*\}[ \t\r]*\n\s*[\[{]")  # one value a line


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a file may hold once it is unpacked: bytes, rows, levels of nesting, and its size to the packed one."""

    bytes: int = 64 << 20
    rows: int = MOST_ROWS
    depth: int = MOST_DEPTH
    ratio: int = MOST_RATIO


def unpack(name: str, data: bytes, most_bytes: int) -> bytes:
    """The text of a file, as bytes. Raises DataError as :func:`unpacked` does, with the other limits as usual."""
    return unpacked(name, data, Limits(bytes=most_bytes))


def unpacked(name: str, data: bytes, limits: Limits) -> bytes:
    """The text of a file, as bytes, after every check.

    name: for messages, and its suffix says whether it is YAML
    Raises DataError for what is too large, packed twice or otherwise, binary, too long or nested too deep, and for
    YAML with anchors, aliases, tags or duplicate keys.
    """
    if len(name.encode()) > MOST_NAME_BYTES:
        raise DataError(f"the name is longer than {MOST_NAME_BYTES} bytes", where=name[:20], hint="shorten it")
    if len(data) > limits.bytes:
        raise _too_large(name, limits)
    if data[:2] == GZIP:
        data = _expanded(name, data, limits)
        if data[:2] == GZIP:
            raise TableError("is packed twice", where=name, hint="pack it once, or not at all")
    _check_text(name, data)
    _check_rows(name, data, limits)
    stem = name.lower().removesuffix(".gz")
    if stem.endswith(YAML):
        parse_yaml(data, name)
    elif _JSON.match(data):
        _check_depth(name, data, limits)
    return data


def _expanded(name: str, data: bytes, limits: Limits) -> bytes:
    """What is in a gzip file, of one member or several, piece by piece so that a bomb never unfolds."""
    out = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            while piece := packed.read(STEP_BYTES):
                out += piece
                _check_growth(name, len(out), len(data), limits)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise TableError("is a damaged gzip file", where=name, hint="pack it again, and send it whole") from None
    return bytes(out)


def _check_growth(name: str, size: int, packed: int, limits: Limits) -> None:
    if size > limits.bytes:
        raise _too_large(name, limits, " when expanded")
    if size > RATIO_FROM_BYTES and size > packed * limits.ratio:
        hint = "no trace or table does; send it as it is, if it is one"
        raise TableError(f"expands to more than {limits.ratio} times its size", where=name, hint=hint)


def _too_large(name: str, limits: Limits, how: str = "") -> DataError:
    size = f"{limits.bytes >> 20} MiB" if limits.bytes >= 1 << 20 else f"{limits.bytes} bytes"
    return TableError(f"is larger than {size}{how}", where=name, hint="cut it up, or ask from the command line")


def _check_text(name: str, data: bytes) -> None:
    kind = next((kind for magic, kind in BINARY if data.startswith(magic)), None)
    if kind is not None:
        raise DataError(f"is {kind}", where=name, hint="send text in UTF-8; it may be packed with gzip")
    at = data.find(b"\0")
    if at >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise DataError("is no text: it has a byte 0", where=f"{name}:{line}", hint="send text in UTF-8")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError("is not UTF-8 text", where=f"{name}:{line}", hint="save it as UTF-8") from None


def _check_rows(name: str, data: bytes, limits: Limits) -> None:
    rows = data.count(b"\n") + (not data.endswith(b"\n"))
    if rows > limits.rows:
        raise TableError(
            f"has more than {limits.rows} rows", where=name, hint="cut it up, or ask from the command line"
        )


def _check_depth(name: str, data: bytes, limits: Limits) -> None:
    """Refuse JSON that is nested too deep, as one value or as one a line.

    No reader of one value goes on where a line ends in ``}`` and the next begins a value, so the two cannot be mixed.
    """
    line = line_nested_deeper(data, limits.depth) if _A_LINE.match(data) else None
    if line is None and (_A_LINE.match(data) or not nested_deeper(data, limits.depth)):
        return
    what = f"is nested deeper than {limits.depth} levels, or has brackets that are not closed"
    where = name if line is None else f"{name}:{line}"
    raise DataError(what, where=where, hint="no file that Accord reads needs more than ten")

"""JSON that somebody else wrote, read strictly: every mistake names its file and its place in it."""

from __future__ import annotations

import collections
import datetime
import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from accord.base.errors import DataError

MOST_BYTES = 16_000_000
MOST_DEEP = 64
MOST_TEXT = 10_000  # characters of a name or a status
MOST_SETTING = 1_000
_OFF_THE_LINE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format, half a pair, ends of lines and paragraphs
_COMPACT_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[-T_]?\d{6})?")


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a file, with its place; file: for messages; path: from the top, empty at the top."""

    value: object
    file: str
    path: str = ""

    def wrong(self, what: str, hint: str | None = None) -> DataError:
        """An error about this value, ready to be raised."""
        return DataError(f"{self.path} {what}" if self.path else what, where=self.file, hint=hint)

    def has(self, *keys: str) -> bool:
        """Whether it is an object with all of these keys."""
        return isinstance(self.value, dict) and all(key in self.value for key in keys)

    def get(self, key: str) -> Node | None:
        """What is under a key; None where it is missing or null. Raises DataError where this is no object."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"is {_kind(self.value)}, not an object")
        found = self.value.get(key)
        return None if found is None else Node(found, self.file, f"{self.path}.{key}" if self.path else key)

    def need(self, key: str) -> Node:
        """What is under a key. Raises DataError where it is missing or null."""
        found = self.get(key)
        if found is None:
            at = f"{self.path}.{key}" if self.path else key
            raise DataError(f"{at} is missing", where=self.file)
        return found

    def each(self, key: str) -> Iterator[Node]:
        """Parts of the list under a key; none where it is missing or null. Raises DataError where it is no list."""
        found = self.get(key)
        if found is None:
            return
        if not isinstance(found.value, list):
            raise found.wrong(f"is {_kind(found.value)}, not a list")
        for at, one in enumerate(found.value):
            yield Node(one, self.file, f"{found.path}[{at}]")

    def pairs(self) -> Iterator[tuple[str, Node]]:
        """Keys and values. Raises DataError where this is no object."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"is {_kind(self.value)}, not an object")
        for key, one in self.value.items():
            yield key, Node(one, self.file, f"{self.path}.{key}" if self.path else key)

    def text(self) -> str:
        """A line of text. Raises DataError for anything else, and for one with control characters."""
        if not isinstance(self.value, str):
            raise self.wrong(f"is {_kind(self.value)}, not text")
        if len(self.value) > MOST_TEXT:
            raise self.wrong(f"is longer than {MOST_TEXT} characters")
        if not _on_a_line(self.value):
            raise self.wrong("holds characters that cannot be printed on a line")
        return self.value

    def number(self) -> float:
        """A finite number. Raises DataError for anything else, true and false among them."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.wrong(f"is {_kind(self.value)}, not a number")
        try:
            found = float(self.value)
        except OverflowError:
            found = math.inf
        if not math.isfinite(found):
            raise self.wrong("is no finite number")
        return found

    def figure(self) -> float | None:
        """A finite number, or a text that is one; None for other text. Raises DataError for anything else."""
        if not isinstance(self.value, str):
            return self.number()
        try:
            found = float(self.text())
        except ValueError:
            return None
        return found if math.isfinite(found) else None

    def whole(self) -> int:
        """A whole number of 0 or more. Raises DataError for anything else."""
        found = self.number()
        if found < 0.0 or found != math.floor(found):
            raise self.wrong(f"is {found:g}, not a whole number of 0 or more")
        return int(found)

    def setting(self) -> str:
        """A setting as a line of text: true, false, a number as short as it goes, or text.

        Of text, runs of space become one space; what then is no line or longer than 1,000 characters stands as its
        hash. Raises DataError for lists and objects.
        """
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if not isinstance(self.value, str):
            return f"{self.number():.12g}"
        text = " ".join(self.value.split())
        if len(text) <= MOST_SETTING and _on_a_line(text):
            return text
        return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"

    def day(self) -> datetime.date:
        """A day, in UTC where the text has a zone; ISO 8601 or 20240509-135231. Raises DataError for anything else."""
        text = self.text().strip()
        compact = _COMPACT_DAY.fullmatch(text)
        try:
            if compact:
                return datetime.date(int(compact[1]), int(compact[2]), int(compact[3]))
            moment = datetime.datetime.fromisoformat(text)
            return (moment.astimezone(datetime.UTC) if moment.tzinfo else moment).date()
        except (ValueError, OverflowError):
            raise self.wrong(f"is {text[:40]!r}, no day", hint="write it as 2026-11-20") from None


@dataclass(frozen=True, slots=True)
class Document:
    """A file as text, and what it holds where it is JSON; file: its name, for messages."""

    text: str
    file: str
    node: Node | None

    @property
    def top(self) -> Node:
        """What the file holds. Raises DataError where it is no JSON."""
        if self.node is None:
            raise DataError("is not JSON", where=self.file)
        return self.node


def content_sha256(document: Document) -> str:
    """Hash [hex] of what a file holds, however it is written: JSON without its spaces, order of keys and zeros."""
    if document.node is None:
        text = " ".join(document.text.split())
    else:  # whole numbers as 1.0 are, so that a zero behind the point makes no other run
        found = json.loads(document.text, parse_int=float)
        text = json.dumps(found, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def read_document(data: bytes, file: str) -> Document:
    """A file's text, parsed where it begins as JSON does. Raises DataError as :func:`as_text` and :func:`parse`."""
    text = as_text(data, file)
    return Document(text, file, parse(text, file) if text.lstrip()[:1] in ("{", "[") else None)


def plain(text: str) -> str:
    """A setting in one form, to be held against one that is fixed: ``1.0`` and ``1`` are the same."""
    stripped = text.strip()
    try:
        number = float(stripped)
    except ValueError:
        return stripped
    return f"{number:.12g}" if math.isfinite(number) else stripped


def as_text(data: bytes, file: str) -> str:
    """The text of a file. Raises DataError above 16 MB and for what is not UTF-8."""
    if len(data) > MOST_BYTES:
        raise DataError(
            f"is above the limit of {MOST_BYTES:,} bytes", where=file,
            hint="leave out samples and transcripts; 'inspect log dump --header-only FILE' writes a log without them",
        )  # fmt: skip
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "an .eval log is packed; 'inspect log dump FILE' writes it as JSON" if data[:2] == b"PK" else None
        raise DataError(f"is not UTF-8 text (byte {error.start})", where=file, hint=hint) from None


def parse(text: str, file: str) -> Node:
    """Read JSON strictly.

    Raises DataError for what is no JSON, a key that is there twice, NaN or infinity, nesting deeper than 64.
    """
    try:
        found = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float,
        )  # fmt: skip
    except _WrongError as error:
        raise DataError(str(error), where=file) from None
    except RecursionError:
        raise DataError(f"is nested deeper than {MOST_DEEP}", where=file) from None
    except json.JSONDecodeError as error:
        raise DataError(f"is not JSON: {error.msg}", where=f"{file}:{error.lineno}") from None
    except ValueError:  # a whole number with thousands of digits
        raise DataError("holds a number with too many digits", where=file) from None
    _check_depth(found, file)
    return Node(found, file)


class _WrongError(Exception):
    """Something that JSON has and a result file may not have."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        ((twice, _),) = collections.Counter(key for key, _ in pairs).most_common(1)
        raise _WrongError(f"has the key {twice[:60]!r} twice in one object")
    return found


def _constant(name: str) -> object:
    raise _WrongError(f"holds {name}, which is no number of JSON")


def _float(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise _WrongError(f"holds {text[:40]}, too large for a number")
    return found


def _check_depth(value: object, file: str) -> None:
    level, depth = [value], 0
    while level:
        depth += any(isinstance(one, dict | list) for one in level)
        if depth > MOST_DEEP:
            raise DataError(f"is nested deeper than {MOST_DEEP}", where=file)
        level = [
            inner for one in level if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]  # fmt: skip


def _on_a_line(text: str) -> bool:
    return text.isprintable() or not any(unicodedata.category(letter) in _OFF_THE_LINE for letter in text)


def _kind(value: object) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "null")

"""YAML that remembers its lines: a strict subset, read into a tree whose every node knows file, line and key.

Refused: duplicate keys, anchors, aliases, tags, several documents, nesting deeper than 32, files above 1 MiB,
text that is not UTF-8, and control characters but tab and newline, which a terminal would obey.
A plain scalar is null, true, false, a decimal number or text; nothing else is guessed, so ``no``, ``1:30`` and
``2025-04-16`` are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from accord.base.errors import CatalogError
from accord.base.registry import closest

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]{1,40}\.[0-9]{0,40}|\.[0-9]{1,40}|[0-9]{1,40}(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?")
# C0, DEL and C1 but tab and newline; ends of lines and paragraphs, and what turns the direction of text around.
_UNPRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

Scalar = str | int | float | bool | None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One node of a file.

    file, line: where it is (the line of its key, counted from 1); key: dotted path from the root, empty at the root
    kind: what it is; scalar: its value if it is neither map nor list; text: a scalar as written
    entries, items: the nodes below, of a map and of a list
    """

    file: str
    line: int
    key: str
    kind: Literal["map", "list", "text", "number", "bool", "null"]
    scalar: Scalar = None
    text: str = ""
    entries: Mapping[str, Item] = {}
    items: tuple[Item, ...] = ()

    def error(self, problem: str, *, hint: str | None = None) -> CatalogError:
        """Return (not raise) the error ``file:line: key problem``."""
        return CatalogError(f"{self.key or 'the file'} {problem}", where=f"{self.file}:{self.line}", hint=hint)

    def shown(self) -> str:
        """Return the node in a few words, for messages."""
        if self.kind in ("map", "list"):
            return "a mapping" if self.kind == "map" else "a list"
        if self.kind == "text":
            return repr(self.text if len(self.text) <= 60 else self.text[:40] + "...")
        return "empty" if self.text == "" else self.text

    def fields(self, known: tuple[str, ...], required: tuple[str, ...] = ()) -> Mapping[str, Item]:
        """Return the entries of a map after checking its keys.

        known: every key it may have; required: those it must have
        Raises CatalogError naming the closest known key for an unknown one.
        """
        if self.kind != "map":
            raise self.error(f"is {self.shown()}; a mapping is wanted", hint=f"keys here are {', '.join(known)}")
        entries = self.entries
        for name, item in entries.items():
            if name not in known:
                near = closest(name, known)
                hint = f"did you mean {near!r}?" if near else f"keys here are {', '.join(known)}"
                raise item.error("is not a known key", hint=hint)
        for name in required:
            if name not in entries:
                raise self.error(f"has no {name!r}", hint=f"add '{name}:'; required here: {', '.join(required)}")
            if entries[name].kind == "null":
                raise entries[name].error("is empty", hint=f"give {name!r} a value")
        return entries

    def map(self) -> Mapping[str, Item]:
        """Return the entries of a map. Raises CatalogError if it is something else."""
        if self.kind != "map":
            raise self.error(f"is {self.shown()}; a mapping is wanted", hint="write 'name: value' lines below it")
        return self.entries

    def list(self) -> tuple[Item, ...]:
        """Return the items of a list. Raises CatalogError if it is something else."""
        if self.kind != "list":
            hint = f"write it as '[{self.text}]'" if self.text else "start each item with '- '"
            raise self.error(f"is {self.shown()}; a list is wanted", hint=hint)
        return self.items

    def string(self) -> str:
        """Return text that is not empty. Raises CatalogError if it is something else; a plain number is quoted."""
        if self.kind == "number":
            return self.text
        if self.kind != "text" or not self.text.strip():
            empty = self.kind == "null" or (self.kind == "text" and not self.text.strip())
            hint = "leave the key out if it is not known" if empty else "write one line of text, in quotes if need be"
            raise self.error(f"is {'empty' if empty else self.shown()}; text is wanted", hint=hint)
        return self.text

    def choice(self, allowed: tuple[str, ...]) -> str:
        """Return text that is one of ``allowed``. Raises CatalogError naming the closest one."""
        text = self.string()
        if text not in allowed:
            near = closest(text, allowed)
            hint = f"did you mean {near!r}?" if near else f"it is one of {', '.join(allowed)}"
            raise self.error(f"is {self.shown()}, which is not one of the {len(allowed)} it may be", hint=hint)
        return text

    def whole(self) -> int:
        """Return a whole number of 0 or more. Raises CatalogError if it is something else."""
        if self.kind != "number" or not isinstance(self.scalar, int) or self.scalar < 0:
            raise self.error(f"is {self.shown()}; a whole number of 0 or more is wanted", hint="write it as '8'")
        return self.scalar

    def decimal(self) -> float:
        """Return a number. Raises CatalogError if it is something else."""
        if self.kind != "number" or not isinstance(self.scalar, int | float):
            raise self.error(f"is {self.shown()}; a number is wanted", hint="write it as '0.25'")
        return float(self.scalar)

    def flag(self) -> bool:
        """Return true or false. Raises CatalogError if it is something else."""
        if not isinstance(self.scalar, bool):
            raise self.error(
                f"is {self.shown()}; true or false is wanted", hint="write 'true' or 'false', without quotes"
            )
        return self.scalar

    def find(self, key: str) -> Item | None:
        """Return the node below this one with a dotted key such as ``planes[0].name``, or None."""
        node: Item | None = self
        for name, at in re.findall(r"([^.\[\]]+)|\[([0-9]+)\]", key):
            if node is None:
                return None
            inside = node.items[int(at)] if at and int(at) < len(node.items) else None
            node = node.entries.get(name) if name else inside
        return node if key else None

    def plain(self) -> object:
        """Return the node as dicts, lists and scalars, as a JSON reader would."""
        if self.kind == "map":
            return {name: item.plain() for name, item in self.entries.items()}
        if self.kind == "list":
            return [item.plain() for item in self.items]
        return self.scalar


def unprinted(text: str) -> str | None:
    """The first character of a text that a terminal would obey and not print, as ``U+001B``; None for no such one."""
    found = _UNPRINTED.search(text)
    return None if found is None else f"U+{ord(found[0]):04X}"


def read_yaml(path: Path, shown: str | None = None) -> Item:
    """Read one file.

    shown: the file's name for messages, by default its path
    Returns the root, which is always a map.
    Raises CatalogError for anything this module refuses, and where the file cannot be read.
    """
    file = shown if shown is not None else str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as err:
        raise CatalogError(f"the file cannot be read: {err.strerror or err}", where=file) from None
    return parse_yaml(data, file)


def parse_yaml(data: bytes, file: str) -> Item:
    """Read the bytes of one file; see :func:`read_yaml`."""
    if len(data) > MAX_BYTES:
        raise CatalogError("the file is above 1 MiB", where=file, hint="one file holds one entry; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = 1 + data.count(b"\n", 0, err.start)
        what = f"the file is not UTF-8: byte 0x{data[err.start]:02x}"
        raise CatalogError(what, where=f"{file}:{line}", hint="save it as UTF-8") from None
    try:
        root = _Builder(file, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.YAMLError as err:
        raise _syntax(err, file, data) from None
    if root is None:
        raise CatalogError("the file is empty", where=f"{file}:1", hint="an entry starts with 'id:'")
    if root.kind != "map":
        problem = f"is {root.shown()}; an entry is a mapping of keys to values"
        raise root.error(problem, hint="an entry starts with 'id:'")
    return root


def _syntax(err: yaml.YAMLError, file: str, data: bytes) -> CatalogError:
    """The YAML parser's complaint in our form, at the line where what it complains of began."""
    mark, problem = getattr(err, "problem_mark", None), getattr(err, "problem", None)
    if problem == "found unexpected end of stream":
        mark = getattr(err, "context_mark", None) or mark
    line = 1 + (mark.line if mark is not None else data.count(b"\n", 0, getattr(err, "position", 0)))
    what = f"the file is not valid YAML: {problem or getattr(err, 'reason', 'unreadable text')}"
    return CatalogError(what, where=f"{file}:{line}", hint="check indentation, colons, brackets and quotes")


def _line(event: yaml.Event) -> int:
    """The line an event starts on, from 1."""
    mark = event.start_mark
    return 1 if mark is None else mark.line + 1


class _Builder:
    """Makes the tree from the parser's events."""

    def __init__(self, file: str, events: Iterator[yaml.Event]) -> None:
        self._file = file
        self._events = events

    def document(self) -> Item | None:
        """The root of the one document, or None where there is none."""
        root: Item | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    hint = "one file holds one entry; drop '---'"
                    raise self._refuse(event, "the file holds a second document", hint)
                root = self._item(next(self._events), "", None, 0)
        return root if root is None or root.kind != "null" else None

    def _refuse(self, event: yaml.Event, what: str, hint: str | None = None) -> CatalogError:
        return CatalogError(what, where=f"{self._file}:{_line(event)}", hint=hint)

    def _printed(self, event: yaml.Event, text: str, what: str) -> None:
        """Refuse text that holds a character which is not printed. Raises CatalogError; what: holds it."""
        found = unprinted(text)
        if found is not None:
            problem = f"{what} holds a control character ({found})"
            raise self._refuse(event, problem, "take it out; tab and newline are the ones text may hold")

    def _item(self, event: yaml.Event, key: str, line: int | None, depth: int) -> Item:
        """Build the node that starts with an event.

        line: of its key, where it has one; depth: how many maps and lists are around it
        """
        shown = key or "the file"
        if isinstance(event, yaml.AliasEvent) or (isinstance(event, yaml.NodeEvent) and event.anchor):
            hint = "write the value out, or quote text with & or *"
            raise self._refuse(event, f"{shown} uses an anchor or alias", hint)
        tag = getattr(event, "tag", None)
        if tag:
            hint = "drop the tag, or quote text that starts with '!'"
            raise self._refuse(event, f"{shown} has a tag", hint)
        if depth > MAX_DEPTH:
            hint = "an entry needs no more than ten; look for brackets that are not closed"
            raise self._refuse(event, f"the file is nested deeper than {MAX_DEPTH} levels", hint)
        at = line if line is not None else _line(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, key, at)
        if isinstance(event, yaml.MappingStartEvent):
            return Item(file=self._file, line=at, key=key, kind="map", entries=self._entries(key, depth))
        return Item(file=self._file, line=at, key=key, kind="list", items=self._items(key, depth))

    def _entries(self, key: str, depth: int) -> dict[str, Item]:
        entries: dict[str, Item] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
                hint = "write keys as plain words, without brackets, tags and anchors"
                raise self._refuse(event, f"{key or 'the file'} has a key that is not plain text", hint)
            name = event.value
            path = f"{key}.{name}" if key else name
            line = _line(event)
            self._printed(event, name, f"{key or 'the file'} has a key that")
            if name in entries:
                first = f"it is first given on line {entries[name].line}"
                raise self._refuse(event, f"{path} is given twice", f"{first}; keep one")
            entries[name] = self._item(next(self._events), path, line, depth + 1)
        return entries

    def _items(self, key: str, depth: int) -> tuple[Item, ...]:
        items: list[Item] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._item(event, f"{key}[{len(items)}]", None, depth + 1))
        return tuple(items)

    def _scalar(self, event: yaml.ScalarEvent, key: str, line: int) -> Item:
        text = event.value
        self._printed(event, text, key or "the file")
        kind: Literal["text", "number", "bool", "null"] = "text"
        scalar: Scalar = text
        if event.style in (None, ""):
            if text in ("", "~", "null"):
                kind, scalar = "null", None
            elif text in ("true", "false"):
                kind, scalar = "bool", text == "true"
            elif _INT.fullmatch(text):
                kind, scalar = "number", int(text)
            elif _FLOAT.fullmatch(text):
                kind, scalar = "number", float(text)
        return Item(file=self._file, line=line, key=key, kind=kind, scalar=scalar, text=text)

"""From a file's tree to a record: one reader for every kind, driven by the record's own field types.

A field's type says what the file may hold: ``Bytes`` takes a value in bytes, ``dict[str, Fact]`` a map of facts,
``Literal[...]`` one of a few words, a record a map with that record's keys. So the record is the only place a key
or a unit is written down. Every failure is a CatalogError with file, line and key.
"""

from __future__ import annotations

import datetime
import functools
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from accord.base import units
from accord.base.errors import CatalogError, UnitError
from accord.base.registry import did_you_mean
from accord.base.source import BASES, Basis, Source
from accord.catalog.value import Alternative, Value
from accord.catalog.yaml_text import Item

S = TypeVar("S", bound=msgspec.Struct)
_Sources = Mapping[str, Source]
_Read = Callable[[Item, _Sources], object]
_FACT_KEYS = ("value", "text", "basis", "source", "date", "note", "why", "low", "high", "alternatives")
_OTHER_KEYS = ("value", "text", "basis", "source", "date", "note", "rejected", "low", "high")
_DATE = re.compile(r"((?:19|20)[0-9]{2})(?:-([0-9]{2})(?:-([0-9]{2}))?|-[QH][1-4])?(?:[ /].{1,40})?")


def read_record(root: Item, record: type[S]) -> S:
    """Turn the tree of one file into a record.

    Raises CatalogError for an unknown or missing key, a wrong unit, an unknown source, and so on.
    """
    sources: dict[str, Source] = {}
    if "sources" in root.map():
        sources = {name: _source(item) for name, item in root.entries["sources"].map().items()}
    return typing.cast(S, _struct(record)(root, sources))


def read_facts(root: Item) -> dict[str, dict[str, Value]]:
    """Turn a file of sections, each a map of facts, into values by section and name."""
    sections = dict(root.map())
    if "sources" not in sections:
        raise root.error("has no 'sources'", hint="add 'sources:'")
    sources = {name: _source(item) for name, item in sections.pop("sources").map().items()}
    read = _map(str, _fact({}))
    return {name: typing.cast("dict[str, Value]", read(item, sources)) for name, item in sections.items()}


@functools.cache
def _struct(record: type[msgspec.Struct]) -> _Read:
    """Reader of a map with a record's fields as keys."""
    hints = typing.get_type_hints(record, include_extras=True)
    fields = msgspec.structs.fields(record)
    readers = {field.encode_name: _reader(hints[field.name]) for field in fields}
    names = {field.encode_name: field.name for field in fields}
    required = tuple(field.encode_name for field in fields if field.required)

    def read(item: Item, sources: _Sources) -> object:
        entries = item.fields(tuple(readers), required)
        values = {names[key]: readers[key](entry, sources) for key, entry in entries.items()}
        try:
            return record(**values)
        except CatalogError as err:
            raise _placed(err, item) from None

    return read


def _placed(err: CatalogError, item: Item) -> CatalogError:
    """Give an invariant's message, which begins with the key it is about, its whole key and its line."""
    key, _, rest = err.what.partition(" ")
    found = item.find(key)
    if found is not None:
        return found.error(rest, hint=err.hint)
    prefix = f"{item.key}." if item.key else ""
    return CatalogError(f"{prefix}{err.what}", where=f"{item.file}:{item.line}", hint=err.hint)


def _reader(hint: Any) -> _Read:
    """Reader of one field, from its type."""
    meta: dict[str, Any] = {}
    if typing.get_origin(hint) is Annotated:
        hint, notes = hint.__origin__, hint.__metadata__
        meta = {key: value for note in notes for key, value in (note.extra or {}).items()}
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = _reader(next(arg for arg in args if arg is not type(None)))
        return lambda item, sources: None if item.kind == "null" else inner(item, sources)
    if origin is Literal:
        return lambda item, _: item.choice(args)
    if origin is tuple:
        each = _reader(args[0])
        return lambda item, sources: tuple(each(entry, sources) for entry in item.list())
    if origin is dict:
        return _map(args[0], _fact(meta) if meta else _reader(args[1]), meta.get("units_by_name"))
    if hint is Value:
        return _fact(meta)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return (lambda item, _: _source(item)) if hint is Source else _later(hint)
    if meta.get("date"):
        return lambda item, _: _date(item)
    plain: dict[Any, _Read] = {
        str: lambda item, _: item.string(),
        int: lambda item, _: item.whole(),
        float: lambda item, _: item.decimal(),
        bool: lambda item, _: item.flag(),
        object: lambda item, _: item.plain(),
    }
    return plain[hint]


def _later(record: type[msgspec.Struct]) -> _Read:
    """Reader of a record that is made when it is first needed, for a record may hold records of its own kind."""

    def read(item: Item, sources: _Sources) -> object:
        return _struct(record)(item, sources)

    return read


def _map(key: Any, each: _Read, units_by_name: Mapping[str, str] | None = None) -> _Read:
    """Reader of a map whose keys are free, or one of a few words."""
    names = typing.get_args(key)
    named = {name: _fact({"units": tuple(unit.split(" or "))}) for name, unit in (units_by_name or {}).items()}

    def read(item: Item, sources: _Sources) -> object:
        entries = item.fields(names) if names else item.map()
        return {name: named.get(name, each)(entry, sources) for name, entry in entries.items()}

    return read


def _date(item: Item) -> str:
    """An ISO date or its beginning, perhaps with words after it."""
    text = item.string()
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        datetime.date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        hint = "write it as 2025-04-16, 2025-04, 2025-Q2 or 2025"
        raise item.error(f"is {item.shown()}, no date", hint=hint) from None
    return text


def _source(item: Item) -> Source:
    entries = item.fields(Source.__struct_fields__, ("title", "publisher", "date"))
    given = {name: entry for name, entry in entries.items() if entry.kind != "null"}
    return Source(**{name: _date(entry) if name == "date" else entry.string() for name, entry in given.items()})


def _fact(meta: Mapping[str, Any]) -> _Read:
    """Reader of a value. ``meta``: units it takes (none = any, or text), and whether it may be negative."""
    takes: tuple[str, ...] = meta.get("units", ())
    signed = bool(meta.get("signed"))

    def read(item: Item, sources: _Sources) -> object:
        if item.kind in ("text", "number"):
            hint = f"write it as '{{value: {item.text}, basis: published, source: S1}}'"
            raise item.error(f"is {item.shown()}, without basis and source", hint=hint)
        entries = item.fields(_FACT_KEYS)
        parts = _fact_parts(item, takes, sources, signed)
        parts["why"] = _words(entries.get("why"))
        same = takes if not parts["unit"] else (str(parts["unit"]), *(("text",) if not takes else ()))
        others = entries["alternatives"].list() if "alternatives" in entries else ()
        parts["alternatives"] = tuple(_alternative(other, same, sources, signed) for other in others)
        return _made(Value, parts, item)

    return read


def _alternative(item: Item, takes: tuple[str, ...], sources: _Sources, signed: bool) -> Alternative:
    entries = item.fields(_OTHER_KEYS)
    parts = _fact_parts(item, takes, sources, signed)
    if "rejected" in entries:
        parts["rejected"] = entries["rejected"].flag()
    return _made(Alternative, parts, item)


def _made(record: type[S], parts: Mapping[str, object], item: Item) -> S:
    try:
        return record(**parts)
    except CatalogError as err:
        raise _placed(err, item) from None


def _words(item: Item | None) -> str | None:
    return None if item is None or item.kind == "null" else item.string()


def _fact_parts(item: Item, takes: tuple[str, ...], sources: _Sources, signed: bool) -> dict[str, object]:
    """What a value and an alternative share."""
    entries = item.entries
    has = [name for name in ("value", "text") if name in entries]
    if len(has) != 1:
        problem = "has both 'value' and 'text'" if has else "has neither 'value' nor 'text'"
        raise item.error(problem, hint="'value:' is for a number with its unit, 'text:' for words; give one")
    parts: dict[str, object] = {"unit": "", "basis": _basis(item), "source": _known_source(item, sources)}
    if has == ["text"]:
        if takes and "text" not in takes:
            hint = f"write 'value:' with {takes[0]} as its unit, or leave the key out if no number is known"
            raise item.error("is a text; this takes a number", hint=hint)
        parts["text"] = entries["text"].string()
    elif takes == ("text",):
        raise item.error("is a number; this takes text", hint="write 'text:' instead of 'value:'")
    else:
        number, unit = _number(entries["value"], item.key, tuple(t for t in takes if t != "text"), signed)
        parts.update(number=number, unit=unit)
    for name in ("low", "high"):
        if name in entries and entries[name].kind != "null":
            wanted = (str(parts["unit"]),) if parts["unit"] else ()
            parts[name] = _number(entries[name], entries[name].key, wanted, signed)[0]
    parts["note"] = _words(entries.get("note"))
    if "date" in entries and entries["date"].kind != "null":
        parts["date"] = _date(entries["date"])
    return parts


def _basis(item: Item) -> Basis:
    if "basis" not in item.entries:
        raise item.error("has no basis", hint=f"add 'basis:', one of {', '.join(BASES)}")
    return typing.cast(Basis, item.entries["basis"].choice(BASES))


def _known_source(item: Item, sources: _Sources) -> str:
    if "source" not in item.entries:
        raise item.error("has no source", hint="add 'source:' with a key of this file's 'sources'")
    name = item.entries["source"].string()
    if name not in sources:
        problem = f"is {name!r}, which this file's 'sources' does not hold"
        raise item.entries["source"].error(problem, hint=did_you_mean(name, sources))
    return name


def _number(item: Item, key: str, takes: tuple[str, ...], signed: bool) -> tuple[float, str]:
    """A number and its unit, one of ``takes`` or, where that is empty, any known one."""
    if item.kind not in ("text", "number"):
        raise item.error(f"is {item.shown()}; a number with a unit is wanted", hint="write it as in '3.2 TB/s'")
    try:
        number, unit = units.parse_any(item.text, name=key)
        same = [wanted for wanted in takes if units.dimension(wanted) == units.dimension(unit)]
        if takes:
            unit = same[0] if same else takes[0]
            number = units.parse(item.text, unit, name=key)
    except UnitError as err:
        hint = f"{err.hint}; for words write 'text:' instead of 'value:'" if not takes else err.hint
        raise CatalogError(err.what, where=f"{item.file}:{item.line}", hint=hint) from None
    if number < 0 and not signed:
        hint = "give the size of it and say in a note what it is taken from"
        raise CatalogError(
            f"{key} is {item.text!r}; it must not be negative", where=f"{item.file}:{item.line}", hint=hint
        )
    return number, unit

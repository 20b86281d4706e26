"""JSON Schema of every kind of entry, made from the records, for editors and forms."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import msgspec

from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.base.source import BASES, Source
from accord.catalog.load import RECORDS
from accord.catalog.value import Value

Json = dict[str, object]
_NUMBER: Json = {"type": ["number", "string"], "description": "a number with its unit, such as '3.2 TB/s'"}
_TEXT: Json = {"type": "string"}
_DAY: Json = {"type": ["string", "integer"], "description": "ISO date or its beginning: 2025, 2025-06, 2025-Q2"}


def json_schema(kind: str) -> Json:
    """Return the JSON Schema (2020-12) of one kind's files; a field's units are under ``x-units``.

    kind: one of :data:`accord.catalog.load.KINDS`. Raises CatalogError for another.
    """
    if kind not in RECORDS:
        raise CatalogError(f"{kind!r} is no kind of entry", hint=did_you_mean(kind, tuple(RECORDS)))
    free: Json = {"description": "anything, under the names of the original"}
    (schema,), parts = msgspec.json.schema_components(
        [RECORDS[kind]], schema_hook=lambda _: free, ref_template="#/$defs/{name}"
    )
    parts["Value"] = _fact(
        "a fact", {"why": _TEXT, "alternatives": {"type": "array", "items": {"$ref": "#/$defs/Alternative"}}}
    )
    parts["Alternative"] = _fact(
        "what another source says of the fact", {"rejected": {"type": "boolean", "default": False}}
    )
    for part in _parts(RECORDS[kind]):
        _add_units(part, parts[part.__name__])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": parts}


def _parts(record: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """A record and the records inside it whose form in a file is their own, each once."""
    seen, open_ = {Value, Source}, [record]
    while open_:
        part = open_.pop()
        if part not in seen:
            seen.add(part)
            yield part
            open_ += [inner for hint in typing.get_type_hints(part).values() for inner in _structs(hint)]


def _structs(hint: object) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for inner in typing.get_args(hint):
        yield from _structs(inner)


def _add_units(record: type[msgspec.Struct], schema: Json) -> None:
    """Write the units of optional fields and of well-known facts, and the keys of closed maps, into the schema."""
    properties = typing.cast("dict[str, Json]", schema["properties"])
    for name, hint in typing.get_type_hints(record, include_extras=True).items():
        options = [option for option in (hint, *typing.get_args(hint)) if typing.get_origin(option) is typing.Annotated]
        for note in (note for option in options for note in option.__metadata__):
            extra = note.extra or {}
            properties[name].setdefault("description", note.description)
            if extra.get("date"):
                properties[name] = {**_DAY, "type": ["string", "integer", "null"]}
            elif extra.get("units") and typing.get_origin(hint) is not dict:
                properties[name]["x-units"] = list(extra["units"])
            for fact, units in extra.get("units_by_name", {}).items():
                facts = typing.cast(Json, properties[name].setdefault("properties", {}))
                facts[fact] = {"$ref": "#/$defs/Value", "x-units": units.split(" or ")}
        if typing.get_origin(hint) is dict and typing.get_origin(typing.get_args(hint)[0]) is typing.Literal:
            properties[name]["propertyNames"] = {"enum": list(typing.get_args(typing.get_args(hint)[0]))}


def _fact(about: str, more: Json) -> Json:
    """The form a value has in a file, which is not the form it has in memory."""
    shared: Json = {
        "value": _NUMBER,
        "text": _TEXT,
        "basis": {"enum": list(BASES)},
        "source": {"type": ["string", "number"]},
    }
    extra: Json = {"date": _DAY, "note": _TEXT, "low": _NUMBER, "high": _NUMBER}
    return {
        "title": about,
        "type": "object",
        "properties": {**shared, **extra, **more},
        "required": ["basis", "source"],
        "oneOf": [{"required": ["value"]}, {"required": ["text"]}],
        "additionalProperties": False,
    }

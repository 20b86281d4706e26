"""Fields of every kind of entry, from the JSON Schema of the catalog."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import cast

import words

from accord.base.source import BASES
from accord.catalog.load import KINDS, RECORDS, load_catalog
from accord.catalog.schema import Json, json_schema

SHARED = ("Value", "Alternative", "Source")


def kinds() -> str:
    """A table of fields for each kind and for each record inside it."""
    catalog = load_catalog()
    lines: list[str] = []
    for kind in KINDS:
        schema = json_schema(kind)
        parts = cast("dict[str, Json]", schema["$defs"])
        top = RECORDS[kind].__name__
        lines += [f"## {kind}", "", f"{len(catalog.ids(kind))} entries. `accord catalog list {kind}` names them.", ""]
        lines += [_record(parts.pop(top), parts), ""]
        for name, part in parts.items():
            if name not in SHARED and "properties" in part:
                lines += [f"**{name}**", "", _record(part, parts), ""]
    return "\n".join(lines)


def values() -> str:
    """The fields that every value, alternative and source has."""
    parts = cast("dict[str, Json]", json_schema("chips")["$defs"])
    lines = []
    for name in SHARED:
        lines += [f"### {name}", "", _record(parts[name], parts), ""]
    return "\n".join([*lines, "A basis is one of " + ", ".join(f"`{one}`" for one in BASES) + "."])


def _record(schema: Json, parts: Mapping[str, Json]) -> str:
    summary, _, rest = str(schema.get("description", "")).partition("\n\n")
    told = _fields(rest, cast("dict[str, Json]", schema["properties"]))
    required = cast("list[str]", schema.get("required", []))
    rows = []
    for name, part in cast("dict[str, Json]", schema["properties"]).items():
        known = str(part.get("description", ""))
        units = re.fullmatch(r"\[(.*)\]", known)
        about = told.get(name, "") if units or not known else known
        about = re.sub(r"\s*\[[^\]]*\]$", "", about) if units else about
        rows.append(
            (
                f"`{name}`" + (" *" if name in required else ""),
                words.escaped(_type(part, parts)),
                words.escaped(units[1]) if units else "",
                words.cell(about),
            )
        )
    head = words.cell(summary) + "\n\n" if summary else ""
    return head + words.table(("field", "form", "unit", "what it says"), rows)


def _fields(text: str, names: Collection[str]) -> dict[str, str]:
    """What a record's docstring says of each field: ``a, b: words; c: words``."""
    found: dict[str, str] = {}
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    flat = " ".join(lines)
    starts = {sum(len(line) + 1 for line in lines[:at]) for at in range(len(lines))}
    marks = [
        mark
        for mark in re.finditer(r"((?:\w+, )*\w+)(?:: | (?=\[))", flat)
        if (mark.start() in starts or flat[: mark.start()].endswith("; ")) and set(mark[1].split(", ")) <= set(names)
    ]
    for at, mark in enumerate(marks):
        end = marks[at + 1].start() if at + 1 < len(marks) else len(flat)
        for name in mark[1].split(", "):
            found[name] = flat[mark.end() : end].strip().rstrip(";")
    return found


def _type(part: Json, parts: Mapping[str, Json]) -> str:
    """The form of a field in a few words."""
    if "$ref" in part:
        name = str(part["$ref"]).rsplit("/", 1)[-1]
        inner = parts.get(name, {})
        return _type(inner, parts) if "enum" in inner else name
    if "enum" in part:
        options = [str(one) for one in cast("list[object]", part["enum"])]
        return " | ".join(options) if len(options) <= 8 else "one of " + ", ".join(options)
    for union in ("anyOf", "oneOf"):
        if union in part and "type" not in part:
            options = [_type(one, parts) for one in cast("list[Json]", part[union])]
            return " or ".join(dict.fromkeys(one for one in options if one != "none")) or "none"
    kind = part.get("type", "anything")
    if kind == "array":
        items = part.get("items")
        return f"list of {_type(cast(Json, items), parts)}" if isinstance(items, dict) else "list"
    if kind == "object":
        inner = part.get("additionalProperties")
        return f"map to {_type(inner, parts)}" if isinstance(inner, dict) else "map"
    names = {"null": "none", "string": "text", "boolean": "yes or no", "integer": "whole number"}
    kinds = [kind] if isinstance(kind, str) else [str(one) for one in cast("list[object]", kind)]
    return " or ".join(names.get(one, one) for one in kinds if one != "null") or "none"

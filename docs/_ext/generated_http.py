"""Addresses of the HTTP API and the fields they take, from its own OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import words

from accord.web.app import create_app
from accord.web.settings import Settings


def addresses() -> str:
    """A table of the addresses, then the fields that each takes."""
    found = document()
    rows, bodies = [], []
    for address, methods in found["paths"].items():
        for method, one in methods.items():
            told = one.get("description") or one.get("summary", "")
            says = words.cell(told.split("\n\n")[0])
            rows.append((f"`{method.upper()} {address}`", says))
            fields = _fields(one, found)
            if fields:
                bodies += [
                    f"### {method.upper()} {address}",
                    "",
                    says,
                    "",
                    words.table(("field", "takes", "says"), fields),
                ]
    return "\n".join([words.table(("address", "does"), rows), "## Fields", "", "`*`: must be given.", "", *bodies])


def document() -> dict[str, Any]:
    """The OpenAPI document. Nothing is started or written for it."""
    return create_app(Settings(store=Path("runs.sqlite"))).openapi()


def _fields(one: Mapping[str, Any], whole: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    content = one.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _resolved(content.get("schema", {}), whole)
    required = schema.get("required", [])
    return [
        (f"`{name}`" + (" *" if name in required else ""), words.escaped(_form(part, whole)),
         words.cell(_resolved(part, whole).get("description", "")))
        for name, part in schema.get("properties", {}).items()
    ]  # fmt: skip


def _resolved(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = whole["components"]["schemas"][name] if name else schema
    return found


def _form(part: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """The form of a field in a few words."""
    part = _resolved(part, whole)
    if "enum" in part:
        return " | ".join(str(one) for one in part["enum"])
    for union in ("anyOf", "oneOf"):
        if union in part:
            forms = [_form(one, whole) for one in part[union]]
            return " or ".join(dict.fromkeys(one for one in forms if one != "none"))
    if part.get("type") == "array":
        return f"list of {_form(part.get('items', {}), whole)}"
    names = {
        "null": "none",
        "string": "text",
        "boolean": "true or false",
        "integer": "whole number",
        "object": "object",
    }
    kind = str(part.get("type", "anything"))
    return str(part.get("title", "object")) if kind == "object" and "properties" in part else names.get(kind, kind)

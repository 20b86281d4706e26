"""The OpenAPI document of the HTTP API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from accord._version import VERSION
from accord.web.http import JSON
from accord.web.schema import model_of
from accord.web.verbs import VERBS

_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}
COMPONENTS: Mapping[str, Any] = {
    "Error": {
        "type": "object", "required": ["error"],
        "properties": {"error": {
            "type": "object", "required": ["what", "where", "hint", "exit_code"],
            "properties": {
                "what": _TEXT, "where": _MAYBE, "hint": _MAYBE, "exit_code": {"type": ["integer", "null"]},
            },
        }},
    },
    "Envelope": {
        "type": "object", "required": ["schema", "accord", "catalog", "inputs", "result", "sources", "warnings"],
        "properties": {
            "schema": _TEXT, "accord": _TEXT, "catalog": _TEXT, "inputs": {"type": "object"},
            "result": {"type": "object"}, "sources": {"type": "array"}, "warnings": {"type": "array", "items": _TEXT},
        },
    },
}  # fmt: skip
ERRORS: Mapping[str, str] = {
    "400": "The body is no JSON.",
    "401": "The token is lacking or wrong.",
    "403": "The origin, the site or the host is another's.",
    "404": "There is no such address, job or file.",
    "408": "The deadline passed.",
    "409": "The job is not in a state for that.",
    "413": "The body or the question is too large.",
    "415": "The body is of another content type.",
    "422": "A field or a question that cannot be meant, or bad data.",
    "429": "Too many wait; Retry-After says when to try again.",
    "500": "A fault of Accord.",
    "503": "A worker ended before it answered.",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once; models of requests are among its components, and each address names every error."""
    if app.openapi_schema is None:
        made = get_openapi(title="Accord", version=VERSION, routes=app.routes)
        models = [(model_of(verb), "validation") for verb in VERBS]
        _, defined = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas.update(defined["$defs"])
        schemas.update(COMPONENTS)
        for operations in made["paths"].values():
            for operation in operations.values():
                _with_errors(operation["responses"])
        app.openapi_schema = made
    return app.openapi_schema


def _with_errors(responses: dict[str, Any]) -> None:
    for status, told in ERRORS.items():
        content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
        responses[status] = {"description": told, "content": content}

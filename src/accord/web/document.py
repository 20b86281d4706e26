"""The OpenAPI document of the HTTP API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    "400": "The body is no JSON, or this is no sound HTTP.",
    "401": "The token is lacking or wrong.",
    "403": "The origin, the site or the host is another's.",
    "404": "There is no such address, job or file.",
    "405": "The address does not take this method.",
    "408": "The deadline passed, or the request came too slowly.",
    "409": "The job is not in a state for that.",
    "413": "The body or the question is too large.",
    "414": "The query is too long.",
    "415": "The body is of another content type.",
    "422": "A field or a question that cannot be meant, or bad data.",
    "429": "Too much is asked at once.",
    "431": "The head is too large.",
    "500": "A fault of Accord.",
    "503": "A worker ended before it answered, or the server cannot keep or read what it keeps.",
}
OF_ALL = ("400", "401", "403", "404", "405", "408", "414", "422", "429", "431", "500", "503")
OF_BODIES = ("413", "415")
OF_JOBS = ("409",)  # and of the board
_SECONDS: dict[str, Any] = {"description": "When to try again [s].", "schema": {"type": "integer"}}
_SCHEME: dict[str, Any] = {"description": "`Bearer`: how a token is shown.", "schema": _TEXT}
HEADERS: Mapping[str, Mapping[str, Any]] = {"401": {"WWW-Authenticate": _SCHEME}, "429": {"Retry-After": _SECONDS}}


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once; models of requests are among its components, and each address names its errors."""
    if app.openapi_schema is None:
        made = get_openapi(title="Accord", version=VERSION, routes=app.routes)
        models = [(model_of(verb), "validation") for verb in VERBS]
        _, defined = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas.update(defined["$defs"])
        schemas.update(COMPONENTS)
        for path, operations in made["paths"].items():
            for method, operation in operations.items():
                _with_errors(operation["responses"], _errors_of(path, method))
        app.openapi_schema = made
    return app.openapi_schema


def _errors_of(path: str, method: str) -> tuple[str, ...]:
    """Statuses of the errors that an address may answer."""
    of_jobs = "/jobs/{id}" in path or path.endswith("/board")
    return tuple(sorted((*OF_ALL, *(OF_BODIES if method == "post" else ()), *(OF_JOBS if of_jobs else ()))))


def _with_errors(responses: dict[str, Any], errors: Sequence[str]) -> None:
    responses.pop("422", None)  # that of the framework has another form
    for status in errors:
        content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
        told: dict[str, Any] = {"description": ERRORS[status], "content": content}
        responses[status] = told | ({"headers": HEADERS[status]} if status in HEADERS else {})

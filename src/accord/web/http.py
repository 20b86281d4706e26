"""Replies and errors as answers of HTTP, in one form."""

from __future__ import annotations

import gzip
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from accord.base.errors import AccordError, DataError
from accord.base.registry import did_you_mean
from accord.store.job import NoSuchJob, WrongState
from accord.web.answer import CANNOT_BE_MEANT, UNAVAILABLE, Reply, error_body
from accord.web.jobs import QueueFull, TooManyStreams
from accord.web.workers import TOO_MANY

JSON = "application/json"
EXIT_CODE = "Accord-Exit-Code"
RETRY_S = 2
PACKED_FROM_BYTES, PACKING = 4096, 1
NO_JSON, NOT_FOUND, CONFLICT = 400, 404, 409
KINDS: Mapping[str, str] = {
    "bool_type": "true or false", "finite_number": "a number", "float_type": "a number", "int_type": "a whole number",
    "list_type": "a list", "model_type": "an object", "string_type": "a text",
}  # fmt: skip
log = logging.getLogger("accord.web")


def reply_response(request: Request, reply: Reply) -> Response:
    """What a verb said, as an answer."""
    headers = {EXIT_CODE: str(reply.exit_code)}
    if reply.status == TOO_MANY:
        headers["Retry-After"] = str(RETRY_S)
    return json_response(request, reply.body, reply.status, headers)


def json_response(
    request: Request, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:  # fmt: skip
    """JSON as an answer, packed where it is long and whoever asked can unpack it."""
    told = {**(headers or {}), "Vary": "Accept-Encoding"}
    if len(body) >= PACKED_FROM_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body, told["Content-Encoding"] = gzip.compress(body, PACKING, mtime=0), "gzip"
    return Response(body, status, told, JSON)


def error_response(
    status: int, what: str, where: str | None = None, hint: str | None = None, exit_code: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """An error as an answer."""
    return Response(error_body(what, where, hint, exit_code), status, dict(headers or {}), JSON)


def of_accord_error(error: AccordError) -> Response:
    """An error that Accord raised on purpose, as an answer."""
    if isinstance(error, DataError):  # whatever is sent is read in workers: this is the server's own
        log.error("what is kept: %s", error)
        return error_response(UNAVAILABLE, error.what, None, error.hint, error.exit_code)
    status, headers = CANNOT_BE_MEANT, {}
    if isinstance(error, QueueFull | TooManyStreams):
        status, headers = TOO_MANY, {"Retry-After": str(getattr(error, "retry_s", RETRY_S))}
    elif isinstance(error, NoSuchJob):
        status = NOT_FOUND
    elif isinstance(error, WrongState):
        status = CONFLICT
    return error_response(status, error.what, error.where, error.hint, error.exit_code, headers)


def of_validation_error(error: ValidationError, known: Mapping[str, str] | None = None) -> Response:
    """What is wrong with a body, as an answer. known: its fields, with what is said of each."""
    known = known or {}
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = found[0]
    if first["type"] == "json_invalid":
        return error_response(NO_JSON, "the body is no JSON", hint=first["msg"].removeprefix("Invalid JSON: "))
    field = str(first["loc"][0]) if first["loc"] else None
    hint = known.get(field or "") or None
    if first["type"] == "extra_forbidden":
        return _unknown(first["loc"], tuple(known))
    if first["type"] == "missing":
        where = ".".join(map(str, first["loc"]))
        return error_response(CANNOT_BE_MEANT, f"'{where}' is missing", where, hint, 2)
    said = _said([one for one in found if not one["loc"] or str(one["loc"][0]) == field])
    return error_response(CANNOT_BE_MEANT, said, field, hint, 2)


def _unknown(place: tuple[int | str, ...], known: Sequence[str]) -> Response:
    name = str(place[-1])
    shown = name if len(name) <= 60 else f"{name[:60]}..."
    hint = did_you_mean(name, known) if len(place) == 1 and known and len(name) <= 60 else None
    return error_response(CANNOT_BE_MEANT, f"there is no field '{shown}'", None, hint, 2)


def _said(found: Sequence[Any]) -> str:
    """One sentence on a value that is none of what may be sent: what is wrong with it where its kind is right."""
    wrong = [one for one in found if one["type"] not in KINDS]
    if wrong:
        return _one(max(wrong, key=lambda one: len(one["loc"])))
    kinds = list(dict.fromkeys(KINDS[one["type"]] for one in found))
    if "a number" in kinds and "a whole number" in kinds:
        kinds.remove("a whole number")
    return f"must be {' or '.join(filter(None, (', '.join(kinds[:-1]), kinds[-1])))}"


def _one(one: Any) -> str:
    if one["type"] == "string_pattern_mismatch":
        return "is empty, or has a character that may not be in it"
    if one["type"] == "too_short":
        return "is an empty list"
    said = str(one["msg"]).removeprefix("Value error, ")
    return re.sub("^(?:Input|String|List) should ", "must ", said)

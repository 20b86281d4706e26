"""``GET /api/v1/health``, ``/entries`` and ``/accuracy``: what a page shows before anything is asked."""

from __future__ import annotations

import asyncio
import functools
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from accord._version import VERSION
from accord.catalog.load import load_catalog
from accord.web.answer import OK, Question
from accord.web.http import JSON, error_response, json_response, reply_response
from accord.web.workers import Workers

KINDS = (
    "chips", "systems", "models", "engines", "workloads", "places", "parties", "instruments", "governance", "claims"
)  # fmt: skip
ACCURACY = Path(__file__).parents[1] / "data" / "accuracy.json"
NOT_FOUND, NOT_MODIFIED = 404, 304
_OBJECT: dict[str, Any] = {"content": {JSON: {"schema": {"type": "object"}}}}


def _router() -> APIRouter:
    """The addresses."""
    made = APIRouter(prefix="/api/v1", tags=["catalog"])
    for path, handler, told in (
        ("/health", health, "Which version answers, with which catalog."),
        ("/entries", entries, "Entries of the catalog in short, by kind, for lists to choose from."),
        ("/accuracy", accuracy, "Predicted against measured, by source: each scored by a fit that has not seen it."),
    ):
        made.add_api_route(
            path, handler, methods=["GET"], summary=told, operation_id=path[1:], response_class=Response,
            status_code=OK, responses={200: {"description": told, **_OBJECT}},
        )  # fmt: skip
    return made


async def health(request: Request) -> Response:
    """Version, digest of the catalog, and the server's process."""
    found = {"accord": VERSION, "catalog": await asyncio.to_thread(_digest), "pid": os.getpid()}
    return Response(json.dumps(found), media_type=JSON)


async def entries(request: Request) -> Response:
    """What ``catalog list KIND`` says of each kind."""
    workers: Workers = request.app.state.workers
    kinds: dict[str, object] = {}
    digest = ""
    for kind in KINDS:
        reply = await workers.ask(Question("catalog list", ("--json", "--", kind)))
        if reply.status != OK:
            return reply_response(request, reply)
        said = json.loads(reply.body)
        kinds[kind], digest = said["result"]["entries"], said["catalog"]
    return _tagged(request, json.dumps({"catalog": digest, "kinds": kinds}, ensure_ascii=False).encode())


async def accuracy(request: Request) -> Response:
    """The kept cross-validation."""
    body = await asyncio.to_thread(_accuracy)
    if body is None:
        return error_response(NOT_FOUND, "no figures of accuracy are packaged", hint="python3 do.py accuracy")
    return _tagged(request, body)


def _tagged(request: Request, body: bytes) -> Response:
    """An answer that need not be sent twice."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=NOT_MODIFIED, headers={"ETag": tag})
    return json_response(request, body, headers={"ETag": tag})


@functools.cache
def _digest() -> str:
    return load_catalog().digest


@functools.cache
def _accuracy() -> bytes | None:
    return ACCURACY.read_bytes() if ACCURACY.is_file() else None


router = _router()

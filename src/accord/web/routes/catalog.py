"""``GET /api/v1/health``, ``/entries``, ``/accuracy``, ``/openapi.json``: what there is before anything is asked."""

from __future__ import annotations

import asyncio
import functools
import json
import os
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
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
NOT_FOUND = 404
_OBJECT: dict[str, Any] = {"content": {JSON: {"schema": {"type": "object"}}}}


def _router() -> APIRouter:
    """The addresses."""
    made = APIRouter(prefix="/api/v1", tags=["catalog"])
    for path, handler, told in (
        ("/health", health, "Which version answers, with which catalog."),
        ("/entries", entries, "Entries of the catalog in short, by kind, for lists to choose from."),
        ("/accuracy", accuracy, "Predicted against measured, by source: each scored by a fit that has not seen it."),
        ("/openapi.json", openapi, "This document."),
    ):
        made.add_api_route(
            path, handler, methods=["GET"], summary=told, operation_id=path[1:].partition(".")[0],
            response_class=Response, status_code=OK, responses={200: {"description": told, **_OBJECT}},
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
    body = json.dumps({"catalog": digest, "kinds": kinds}, ensure_ascii=False).encode()
    return await asyncio.to_thread(json_response, request, body)


async def accuracy(request: Request) -> Response:
    """The kept cross-validation."""
    body = await asyncio.to_thread(_accuracy)
    if body is None:
        return error_response(NOT_FOUND, "no figures of accuracy are packaged", hint="python3 do.py accuracy")
    return json_response(request, body)


async def openapi(request: Request) -> Response:
    """The OpenAPI document, which is made once."""
    body = await asyncio.to_thread(_document, request.app)
    return await asyncio.to_thread(json_response, request, body)


@functools.lru_cache(1)
def _document(app: FastAPI) -> bytes:
    return json.dumps(app.openapi(), ensure_ascii=False).encode()


@functools.cache
def _digest() -> str:
    return load_catalog().digest


@functools.cache
def _accuracy() -> bytes | None:
    return ACCURACY.read_bytes() if ACCURACY.is_file() else None


router = _router()

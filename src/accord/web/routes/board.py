"""``POST /api/v1/plan/board``: a question's candidates under other limits, kept priced between the questions."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Request
from pydantic import Field, ValidationError
from starlette.responses import Response

from accord.web.board import Ask, BoardWorker
from accord.web.http import JSON, of_validation_error, reply_response
from accord.web.schema import fields_of, model_of, question_of
from accord.web.verbs import Served

_FILE = "a file; the board takes what a form holds"
_FRONT = "the board's front is over two axes of its own"
_SIMULATED = "the board simulates nothing"
_MACHINE = "how the server spends its machine is not for a request to say"
_OTHER = "another table than the board"
BOARD = Served(
    path=("plan",), names={"model": "model"}, free=("set", "exporter", "consignee"), lists=("system",),
    withheld={
        "trace": _FILE, "trace_format": _FILE, "scenario": _FILE, "checkpoint": _FILE, "tornado": _FILE,
        "top": _FRONT, "simulated": _SIMULATED, "requests": _SIMULATED, "pace": _SIMULATED, "seed": _SIMULATED,
        "executor": _MACHINE, "workers": _MACHINE, "ray_address": _MACHINE, "print_config": _OTHER,
        "matrix": _OTHER, "fleet": _OTHER, "mfu": _OTHER,
    },
)  # fmt: skip


class PlanBoardRequest(model_of(BOARD)):  # type: ignore[misc]  # the model is made from the command
    """A question of ``plan`` with its limits, for the board."""

    per: Annotated[
        Literal["chip", "usd"], Field(description="What the front is drawn by: tokens/s per chip, or tokens per USD.")
    ] = "chip"
    chosen: Annotated[
        int | None, Field(ge=0, le=100_000, description="Point of the front, from 0, to give as a plan too.")
    ] = None
    client: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9_-]{1,64}$",
            description="Who asks: of the questions of one client that wait only the latest is answered.",
        ),
    ] = None


async def ask(request: Request) -> Response:
    """What keeps the limits: counts, the front with intervals, a sample for drawing, and the best plan."""
    try:
        sent = PlanBoardRequest.model_validate_json(await request.body())
    except ValidationError as error:
        return of_validation_error(error, _KNOWN)
    asked = Ask(question_of(BOARD, sent).words, sent.per, sent.chosen)
    return reply_response(request, await _worker(request.app).ask(asked, sent.client, request.is_disconnected))


def _worker(app: FastAPI) -> BoardWorker:
    if getattr(app.state, "board", None) is None:
        app.state.board = BoardWorker(app.state.settings)
    found = app.state.board
    assert isinstance(found, BoardWorker), "the board's worker"
    return found


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    _worker(app).begin()
    yield
    found = getattr(app.state, "board", None)
    if found is not None:
        app.state.board = None
        found.stop()


_KNOWN = fields_of(PlanBoardRequest)
_BODY: dict[str, Any] = {
    "required": True, "content": {JSON: {"schema": PlanBoardRequest.model_json_schema(by_alias=True)}}
}  # fmt: skip
router = APIRouter(prefix="/api/v1", tags=["verbs"], lifespan=_lifespan)
router.add_api_route(
    "/plan/board", ask, methods=["POST"], summary="A question's candidates under other limits.",
    operation_id="plan_board", response_class=Response, status_code=200, openapi_extra={"requestBody": _BODY},
    responses={200: {
        "description": "An envelope with the board.",
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Envelope"}}},
    }},
)  # fmt: skip

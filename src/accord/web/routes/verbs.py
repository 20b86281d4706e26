"""``POST /api/v1/VERB``: a request -> the words of a command -> what it prints, or a job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from accord.web.answer import Question, Reply
from accord.web.http import EXIT_CODE, JSON, of_validation_error, reply_response
from accord.web.job_view import to_json
from accord.web.jobs import Jobs
from accord.web.schema import Request as VerbRequest
from accord.web.schema import fields_of, model_of, question_of
from accord.web.verbs import VERBS, Served
from accord.web.workers import Workers

OK, ACCEPTED = 200, 202
LARGE_BYTES = 1 << 18  # from which a body is read, or packed, in a thread


def _router() -> APIRouter:
    """One address for each verb that is served."""
    made = APIRouter(prefix="/api/v1", tags=["verbs"])
    for verb in VERBS:
        made.add_api_route(
            verb.address, _handler(verb), methods=["POST"], name=verb.name, summary=summary_of(verb),
            operation_id="_".join(verb.path), response_class=Response,
            status_code=ACCEPTED if verb.long else OK, responses=_responses(verb),
            openapi_extra={"requestBody": _body(model_of(verb))},
        )  # fmt: skip
    return made


def summary_of(verb: Served) -> str:
    """What the help says of a verb in one line."""
    return verb.command.get_short_help_str(limit=200)


def _handler(verb: Served) -> Callable[[Request], Awaitable[Response]]:
    model = model_of(verb)
    known = fields_of(model)

    def read(body: bytes) -> tuple[VerbRequest, Question]:
        sent = model.model_validate_json(body)
        return sent, question_of(verb, sent)

    async def ask(request: Request) -> Response:
        body = await request.body()
        try:
            sent, question = read(body) if len(body) < LARGE_BYTES else await asyncio.to_thread(read, body)
        except ValidationError as error:
            return of_validation_error(error, known)
        workers: Workers = request.app.state.workers
        fields = sent.model_dump(by_alias=True, exclude_none=True) if verb.may_be_long else {}
        if not (verb.may_be_long and verb.is_long(fields)):
            return await answer_of(request, await workers.ask(question))
        refused = await workers.refused(question)
        if refused is not None:
            return reply_response(request, refused)
        jobs: Jobs = request.app.state.jobs
        job = await jobs.submit(question, fields)
        return Response(to_json(job), ACCEPTED, {"Location": f"/api/v1/jobs/{job.id}"}, JSON)

    return ask


async def answer_of(request: Request, reply: Reply) -> Response:
    """What a verb said, as an answer that is packed beside the loop where it is long."""
    if len(reply.body) < LARGE_BYTES:
        return reply_response(request, reply)
    return await asyncio.to_thread(reply_response, request, reply)


def _body(model: type[VerbRequest]) -> dict[str, Any]:
    ref = f"#/components/schemas/{model.__name__}"
    return {"required": True, "content": {JSON: {"schema": {"$ref": ref}}}}


def _responses(verb: Served) -> dict[int | str, dict[str, Any]]:
    """What may be answered besides the errors of every address."""
    answers: dict[int | str, dict[str, Any]] = {}
    if not verb.long:
        kind = {} if verb.name == "catalog schema" else {"$ref": "#/components/schemas/Envelope"}
        code = {EXIT_CODE: {"description": "As the command would exit.", "schema": {"type": "integer"}}}
        answers[200] = {
            "description": "What the command prints with --json.", "headers": code, "content": {JSON: {"schema": kind}}
        }  # fmt: skip
    if verb.may_be_long:
        where = {"Location": {"description": "Where the job is.", "schema": {"type": "string"}}}
        answers[ACCEPTED] = {
            "description": "A job was started.", "headers": where,
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/Job"}}},
        }  # fmt: skip
    return answers


router = _router()

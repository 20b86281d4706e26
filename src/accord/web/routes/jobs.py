"""Addresses of jobs: what there is, how far it is, its answer and files; cancel, resume, delete."""

from __future__ import annotations

import mimetypes
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from accord.web.http import EXIT_CODE, JSON, json_response
from accord.web.job_live import Events
from accord.web.job_view import read_pieces, to_json
from accord.web.jobs import Jobs

ENVELOPE = "#/components/schemas/Envelope"
MOST = 1000  # jobs of one answer
router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])
JobId = Annotated[str, Path(description="Id of a job, 32 hexadecimal digits.")]
FileName = Annotated[str, Path(description="Name of a file, as /jobs/ID/files lists it.")]


class ProgressShown(BaseModel):
    """How far a job is."""

    done: int
    total: int
    text: str


class ErrorShown(BaseModel):
    """Why a job failed."""

    what: str
    where: str | None
    hint: str | None
    exit_code: int | None


class Job(BaseModel):
    """A job."""

    id: str
    verb: str
    request: dict[str, object]
    state: str
    created: str
    started: str | None
    ended: str | None
    progress: ProgressShown
    error: ErrorShown | None
    run: str | None
    resumes: int


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[Job]


class FileShown(BaseModel):
    """A file that a simulation wrote."""

    name: str
    bytes: int


class FilesShown(BaseModel):
    """The files of a job."""

    files: list[FileShown]


class Nothing(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")


class Deleted(BaseModel):
    """The job that is gone."""

    deleted: str


class EventStream(StreamingResponse):
    """A stream whose source is closed at once when the reader goes away."""

    media_type = "text/event-stream"

    def __init__(self, events: Events) -> None:
        """events: of a job."""
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)


def _jobs(request: Request) -> Jobs:
    jobs = request.app.state.jobs
    assert isinstance(jobs, Jobs)
    return jobs


@router.get("", response_model=JobList)
async def list_jobs(request: Request, limit: Annotated[int, Query(ge=1, le=MOST)] = 200) -> Response:
    """Jobs, newest first."""
    found = await _jobs(request).list(limit)
    body = b'{"jobs":[' + b",".join(to_json(job) for job in found) + b"]}"
    return await run_in_threadpool(json_response, request, body)


@router.get("/{id}", response_model=Job)
async def show_job(request: Request, id: JobId) -> Response:
    """One job."""
    return json_response(request, to_json(await _jobs(request).show(id)))


@router.get("/{id}/events", response_class=EventStream)
async def follow_job(request: Request, id: JobId) -> Response:
    """Server-sent events: `progress`, then `done`, `failed`, `cancelled` or `interrupted`; each has the job."""
    return EventStream(await _jobs(request).follow(id))


@router.get("/{id}/result", responses={200: {"content": {JSON: {"schema": {"$ref": ENVELOPE}}}}})
async def result_of_job(request: Request, id: JobId) -> Response:
    """The envelope, as the verb prints it with `--json`."""
    body, exit_code = await _jobs(request).result(id)
    return await run_in_threadpool(json_response, request, body, 200, {EXIT_CODE: str(exit_code)})


@router.get("/{id}/files", response_model=FilesShown)
async def list_files(request: Request, id: JobId) -> Response:
    """Files that a simulation wrote."""
    found = await _jobs(request).files(id)
    shown = FilesShown(files=[FileShown(name=name, bytes=length) for name, length in found.items()])
    return Response(shown.model_dump_json(), media_type=JSON)


@router.get("/{id}/files/{name}", response_class=StreamingResponse)
async def read_file(request: Request, id: JobId, name: FileName) -> Response:
    """One of them, to be saved."""
    path = await _jobs(request).file(id, name)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(read_pieces(path), 200, headers, kind)


@router.post("/{id}/cancel", response_model=Job)
async def cancel_job(request: Request, id: JobId, body: Nothing) -> Response:
    """End a job that is not wanted any more."""
    return Response(to_json(await _jobs(request).cancel(id)), media_type=JSON)


@router.post("/{id}/resume", status_code=202, response_model=Job)
async def resume_job(request: Request, id: JobId, body: Nothing) -> Response:
    """Take an interrupted job up again."""
    job = await _jobs(request).resume(id)
    return Response(to_json(job), 202, {"Location": f"/api/v1/jobs/{job.id}"}, JSON)


@router.post("/{id}/delete", response_model=Deleted)
async def delete_job(request: Request, id: JobId, body: Nothing) -> Response:
    """Forget a job that ended, with its files; its run stays in the store of runs."""
    await _jobs(request).delete(id)
    return Response(Deleted(deleted=id).model_dump_json(), media_type=JSON)

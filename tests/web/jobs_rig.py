"""Jobs of a server for tests: with a double for the verb, and the addresses around them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request
from starlette.responses import Response

from accord.base.errors import AccordError
from accord.store.job import (
    ENDED,
    Job,
)
from accord.web.answer import Question
from accord.web.http import of_accord_error
from accord.web.jobs import Jobs
from accord.web.routes.jobs import router
from accord.web.settings import Settings

DOUBLE = (sys.executable, str(Path(__file__).with_name("job_double.py")))
LONG_S = 30.0


@asynccontextmanager
async def serving(home: Path, **changes: Any) -> AsyncIterator[Jobs]:
    held = Jobs(Settings(store=home / "runs.sqlite", **changes))
    await held.start()
    try:
        yield held
    finally:
        await held.stop()


def application(held: Jobs) -> FastAPI:
    """The addresses of jobs, without what a server has around them."""

    async def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, AccordError)
        return of_accord_error(error)

    app = FastAPI()
    app.state.jobs = held
    app.include_router(router)
    app.add_exception_handler(AccordError, told)
    return app


@asynccontextmanager
async def asking(held: Jobs) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the addresses."""
    transport = httpx.ASGITransport(app=application(held))
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
        yield client


def asked(*words: str, verb: str = "estimate") -> Question:
    return Question(verb, words)


async def until(held: Jobs, id: str, *states: str) -> Job:
    """The job once it is in one of these states."""
    async with asyncio.timeout(LONG_S):
        while (job := await held.show(id)).state not in states:
            await asyncio.sleep(0.02)
    return job


async def ended(held: Jobs, question: Question) -> Job:
    job = await held.submit(question, {})
    return await until(held, job.id, *ENDED)


async def progressed(held: Jobs, id: str) -> None:
    """Wait until the verb is at work."""
    async with asyncio.timeout(LONG_S):
        while not (await held.show(id)).progress.total:
            await asyncio.sleep(0.02)


def parsed(events: list[bytes]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for one in events:
        lines = dict(line.split(": ", 1) for line in one.decode().strip().split("\n") if not line.startswith(":"))
        if lines:
            assert lines["id"].isdigit()
            found.append((lines["event"], json.loads(lines["data"])))
    return found

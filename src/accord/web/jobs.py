"""Jobs of a server: a bounded queue, a process each, how far they are, cancel, resume, and an end in order.

What was accepted is in the store before :meth:`Jobs.submit` returns. A server that starts finds what the one before
left and marks it interrupted. All methods run in the server's event loop; the store is asked in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec

from accord.base.errors import AccordError
from accord.store.files import write
from accord.store.job import (
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    QUEUED,
    Failure,
    Job,
    NoSuchJob,
    Progress,
    WrongState,
)
from accord.store.jobs import JobStore
from accord.web.answer import Question
from accord.web.job_child import FAULT, Child, last_words
from accord.web.job_process import FILES, QUESTION, RESULT, Order, Told
from accord.web.job_view import event, listed, read_whole, shown, tidy
from accord.web.settings import Settings

POLITE_S = 2.0  # between asking a job's process to end and ending it
HEARTBEAT_S = 15.0
KEEP_S = 2.0  # between two times that progress goes to the store
STOPPING_S = 5  # until there may be another server
USUAL_S = 10.0  # of a job, until some have ended
_LOG = logging.getLogger("accord.web")
_P = ParamSpec("_P")
_T = TypeVar("_T")


class QueueFull(AccordError):
    """No further job is taken now; ``retry_s``: when to ask again."""

    def __init__(self, what: str, retry_s: int) -> None:
        """what: why not."""
        super().__init__(what, hint=f"try again in {retry_s} s")
        self.retry_s = retry_s


class TooManyStreams(AccordError):
    """No further reader of events is taken now."""


class _Live:
    """A job that is queued or runs, and who follows it.

    taken: a worker has it; unwanted: it was cancelled; both are set before the store is asked
    """

    def __init__(self, job: Job) -> None:
        self.job, self.number = job, 0
        self.child: Child | None = None
        self.taken = self.unwanted = False
        self.over = asyncio.Event()
        self.followers: set[asyncio.Event] = set()

    def put(self, job: Job) -> None:
        """The job changed."""
        self.job = job
        self.number += 1
        for follower in self.followers:
            follower.set()
        if job.state in ENDED:
            self.end()

    def end(self) -> None:
        """Nothing follows."""
        self.over.set()
        for follower in self.followers:
            follower.set()


class Jobs:
    """The jobs of a server; :meth:`start` before anything else, :meth:`stop` at the end."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is opened or started yet."""
        self._settings = settings
        self._live: dict[str, _Live] = {}
        self._entering = 0
        self._streams = 0
        self._usual_s = USUAL_S
        self._closing = self._closed = False
        self._workers: list[asyncio.Task[None]] = []
        self._ending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the store, mark what was left as interrupted, and begin to work. Raises DataError."""
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="accord-jobs")
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._closing = self._closed = False
        self._ending = None
        try:
            self._store = await self._do(JobStore, self._settings.job_folder)
        except BaseException:
            self._threads.shutdown()
            raise
        for id in await self._do(self._store.interrupt_all, at=_now()):
            _LOG.warning("job %s was interrupted with the server before this one", id[:12])
        await self._do(self._store.sweep)
        await self._do(self._store.expire, self._settings.jobs_kept)
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._settings.job_workers)]

    def begin_stop(self) -> None:
        """Begin to stop, from any thread or a signal's handler: jobs are interrupted, and streams of events end.

        A server that waits for open answers before it calls :meth:`stop` calls this first.
        """
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> asyncio.Task[None]:
        if self._ending is None:
            self._closing = True
            self._ending = self._loop.create_task(self._end())
        return self._ending

    async def stop(self) -> None:
        """End what runs, as interrupted, and close the store."""
        await self._begin()

    async def _end(self) -> None:
        for live in self._live.values():
            if live.child is not None:
                live.child.kill()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for live in list(self._live.values()):
            job, store = live.job, self._store
            with contextlib.suppress(AccordError):  # the next start finds it interrupted
                if live.unwanted:
                    live.put(await self._do(store.cancel, job.id, at=_now()))
                else:
                    live.put(await self._do(store.interrupt, job.id, at=_now(), progress=job.progress))
            live.end()
        self._live.clear()
        await self._do(self._store.close)
        self._closed = True
        self._threads.shutdown()

    async def submit(self, question: Question, request: Mapping[str, object]) -> Job:
        """Take a job; it is in the store when this returns.

        request: as it was sent; contents of files in it are not kept with it
        Raises QueueFull.
        """
        self._room()
        self._entering += 1
        try:
            job = await self._do(self._accept, question, shown(request))
        finally:
            self._entering -= 1
        self._enter(job)
        return job

    def _room(self) -> None:
        if self._closing:
            raise QueueFull("the server is stopping", STOPPING_S)
        waiting = self._entering + sum(live.job.state == QUEUED for live in self._live.values())
        if waiting >= self._settings.job_queue:
            ahead_s = self._usual_s * (waiting + 1) / self._settings.job_workers
            retry_s = min(600, max(1, math.ceil(ahead_s / 4.0)))
            raise QueueFull(f"{waiting} jobs are waiting already", retry_s)

    def _accept(self, question: Question, request: dict[str, object]) -> Job:
        id = secrets.token_hex(16)
        folder = self._store.place(id)
        folder.mkdir(mode=0o700)
        try:
            write(folder / QUESTION, [msgspec.msgpack.encode(question)])
            return self._store.add(question.verb, request, created=_now(), id=id)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _enter(self, job: Job) -> None:
        self._live[job.id] = _Live(job)
        self._queue.put_nowait(job.id)

    # What is asked about them

    async def list(self, limit: int | None = None) -> tuple[Job, ...]:
        """Jobs, newest first."""
        found = await self._do(self._store.list, limit=limit)
        return tuple(self._live[job.id].job if job.id in self._live else job for job in found)

    async def show(self, id: str) -> Job:
        """One job as it is now. Raises NoSuchJob."""
        live = self._live.get(id)
        return live.job if live is not None else await self._do(self._store.show, id)

    async def cancel(self, id: str) -> Job:
        """End a job that is not wanted; returns it once it ended, or as it is after a while. Raises WrongState."""
        live = self._live.get(id)
        if live is None:
            job = await self._do(self._store.cancel, id, at=_now())
            await self._do(tidy, self._store.place(id))
            return job
        first, live.unwanted = not live.unwanted, True
        if first and not live.taken:
            self._leave(live, await self._do(self._store.cancel, id, at=_now()))
            await self._do(tidy, self._store.place(id))
        elif first and live.child is not None:
            live.child.ask()
            self._loop.call_later(POLITE_S, live.child.kill)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(live.over.wait(), 2.0 * POLITE_S)
        return live.job

    async def resume(self, id: str) -> Job:
        """Take an interrupted job up again. Raises WrongState, QueueFull."""
        self._room()
        self._entering += 1
        try:
            job = await self._do(self._store.resume, id)
        finally:
            self._entering -= 1
        self._enter(job)
        return job

    async def delete(self, id: str) -> None:
        """Forget a job that ended, with its files. Raises WrongState."""
        await self._do(self._store.delete, id)

    async def result(self, id: str) -> tuple[bytes, int]:
        """The envelope and the exit code. Raises NoSuchJob before there is one, WrongState where none will be."""
        job = await self.show(id)
        if job.state in (FAILED, CANCELLED):
            raise WrongState(f"job {id[:12]} is {job.state}, and has no result", hint="ask the question again")
        if job.state != DONE:
            raise NoSuchJob(f"job {id[:12]} is {job.state}, and has no result yet", hint="wait until it is done")
        return await self._do(read_whole, self._store.place(id) / RESULT), job.exit_code or 0

    async def files(self, id: str) -> dict[str, int]:
        """Names of files that a simulation wrote, with their lengths [bytes]."""
        await self.show(id)
        return await self._do(listed, self._store.place(id) / FILES)

    async def file(self, id: str, name: str) -> Path:
        """Path of one of them, a regular file. Raises NoSuchJob, UsageError for a name that is not one of them."""
        if name not in await self.files(id):
            raise NoSuchJob(f"job {id[:12]} has no such file", hint="GET /jobs/ID/files names them")
        return self._store.place(id) / FILES / name

    async def follow(self, id: str) -> AsyncIterator[bytes]:
        """Server-sent events of a job: its present state first, then each change, until it ends.

        Raises NoSuchJob, TooManyStreams here; the iterator raises nothing. It must be closed.
        """
        job = await self.show(id)
        if self._streams >= self._settings.job_streams:
            raise TooManyStreams(
                f"{self._streams} readers follow jobs already", hint="close a page, or ask for the job"
            )
        return self._events(self._live.get(id) or _Live(job))

    async def _events(self, live: _Live) -> AsyncIterator[bytes]:
        changed, seen = asyncio.Event(), -1
        live.followers.add(changed)
        self._streams += 1
        try:
            while True:
                if live.number != seen:
                    seen = live.number
                    changed.clear()
                    yield event(live.job, seen)
                if live.job.state in ENDED or live.over.is_set():
                    return
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            live.followers.discard(changed)
            self._streams -= 1

    # Work

    async def _work(self) -> None:
        while True:
            live = self._live.get(await self._queue.get())
            if live is None or live.unwanted:
                continue
            live.taken = True
            try:
                await self._run(live)
            except AccordError as error:
                _LOG.error("job %s: %s", live.job.id[:12], error.what)
                await self._fail(live, Failure(what=error.what, where=error.where, hint=error.hint))
            except Exception as error:
                _LOG.exception("job %s", live.job.id[:12])
                await self._fail(live, Failure(what=f"the job could not be run ({type(error).__name__})"))

    async def _fail(self, live: _Live, failure: Failure) -> None:
        """A job fails; where the store cannot be written, until the next start, which finds it interrupted."""
        job, fail = live.job, self._store.fail
        try:
            failed = await self._do(fail, job.id, failure, at=_now(), progress=job.progress)
        except AccordError:
            failed = msgspec.structs.replace(job, state=FAILED, ended=_now(), error=failure)
        self._leave(live, failed)

    def _leave(self, live: _Live, job: Job) -> None:
        self._live.pop(job.id, None)
        live.put(job)

    async def _run(self, live: _Live) -> None:
        """Run a job to its end."""
        id, began_s = live.job.id, self._loop.time()
        live.put(await self._do(self._store.start, id, at=_now()))
        told, failure = await self._attended(live)
        if live.unwanted:
            self._leave(live, await self._do(self._store.cancel, id, at=_now()))
        elif failure is not None:
            if failure.exit_code == FAULT:
                said = await self._do(last_words, self._store.place(id))
                _LOG.error("job %s: %s\n%s", id[:12], failure.what, said)
            await self._fail(live, failure)
        else:
            code = told.exit_code or 0
            done = self._store.finish
            progress = live.job.progress
            job = await self._do(done, id, at=_now(), exit_code=code, run=told.run, progress=progress)
            self._leave(live, job)
            self._usual_s += 0.2 * (self._loop.time() - began_s - self._usual_s)
        await self._do(tidy, self._store.place(id))
        await self._do(self._store.expire, self._settings.jobs_kept)

    async def _attended(self, live: _Live) -> tuple[Told, Failure | None]:
        """Start the process of a job and listen until it ends; no process is left."""
        folder, settings = self._store.place(live.job.id), self._settings
        order = Order(
            folder=str(folder.absolute()), store=str(settings.store.absolute()), cpu_s=settings.job_cpu_s,
            memory_bytes=settings.job_memory_bytes, most_bytes=settings.max_upload_bytes,
        )  # fmt: skip
        kept_s = self._loop.time()

        async def heard(progress: Progress) -> None:
            nonlocal kept_s
            live.put(msgspec.structs.replace(live.job, progress=progress))
            if self._loop.time() - kept_s > KEEP_S:
                kept_s = self._loop.time()
                await self._do(self._store.keep_progress, live.job.id, progress)

        live.child = await Child.start(folder)
        if live.unwanted:
            live.child.kill()
        return await live.child.attend(order, settings.job_deadline_s, heard)

    async def _do(self, ask: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Ask in a thread. Raises QueueFull once the store is closed."""
        if self._closed:
            raise QueueFull("the server is stopping", STOPPING_S)
        return await self._loop.run_in_executor(self._threads, lambda: ask(*args, **kwargs))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

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
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

import msgspec

from accord.base.errors import AccordError, DataError, UsageError
from accord.store.files import write
from accord.store.job import (
    CANCELLED,
    DONE,
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
from accord.web.job_live import Events, Live
from accord.web.job_process import FILES, QUESTION, RESULT, Order, Told
from accord.web.job_view import listed, read_whole, shown, tidy
from accord.web.settings import Settings

POLITE_S = 2.0  # between asking a job's process to end and ending it
KEEP_S = 2.0  # between two times that progress goes to the store
STOPPING_S = 5  # until there may be another server
USUAL_S = 10.0  # of a job, until some have ended
EXIT_IO = 74
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


class Jobs:
    """The jobs of a server; :meth:`start` before anything else, :meth:`stop` at the end."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is opened or started yet."""
        self._settings = settings
        self._live: dict[str, Live] = {}
        self._late: dict[str, tuple[Job, Callable[[], Job]]] = {}  # ended, and how the store is told once it can be
        self._entering = 0
        self._streams: WeakSet[Events] = WeakSet()
        self._usual_s = USUAL_S
        self._closing = self._closed = False
        self._workers: list[asyncio.Task[None]] = []
        self._ending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the store, mark what was left as interrupted, and begin to work. Raises DataError, UsageError."""
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
        await self._catch_up()
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
        try:
            folder.mkdir(mode=0o700)
            write(folder / QUESTION, [msgspec.msgpack.encode(question)])
            return self._store.add(question.verb, request, created=_now(), id=id)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise DataError(f"the question cannot be kept ({error.strerror})", hint="make room on the disk") from None
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _enter(self, job: Job) -> None:
        self._live[job.id] = Live(job)
        self._queue.put_nowait(job.id)

    # What is asked about them

    async def list(self, limit: int | None = None) -> tuple[Job, ...]:
        """Jobs, newest first."""
        await self._catch_up()
        found = await self._do(self._store.list, limit=limit)
        return tuple(self._now(job.id) or job for job in found)

    async def show(self, id: str) -> Job:
        """One job as it is now. Raises NoSuchJob."""
        await self._catch_up()
        known = self._now(id)
        return known if known is not None else await self._do(self._store.show, id)

    def _now(self, id: str) -> Job | None:
        """A job of which the server knows more than the store."""
        live, late = self._live.get(id), self._late.get(id)
        return live.job if live is not None else late[0] if late is not None else None

    async def cancel(self, id: str) -> Job:
        """End a job that is not wanted any more; returns it once it ended, or as it is after a while.

        Raises WrongState.
        """
        live = self._live.get(id)
        if live is None:
            await self._catch_up()
            job = await self._do(self._store.cancel, id, at=_now())
            await self._do(tidy, self._store.place(id))
            return job
        first, live.unwanted = not live.unwanted, True
        if first and not live.taken:
            await self._cancelled(live)
            await self._cleared(live)
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
        await self._catch_up()
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

    async def follow(self, id: str) -> Events:
        """Server-sent events of a job. Raises NoSuchJob, TooManyStreams here; what is returned raises nothing."""
        job = await self.show(id)
        if len(self._streams) >= self._settings.job_streams:
            raise TooManyStreams(
                f"{len(self._streams)} readers follow jobs already", hint="close a page, or ask for the job"
            )
        return Events(self._live.get(id) or Live(job), self._streams)

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
                _LOG.error("job %s: %s", live.job.id[:12], error)  # where is for the log alone: a place of this machine
                await self._failed(live, Failure(what=error.what, hint=error.hint, exit_code=error.exit_code))
            except OSError as error:
                _LOG.error("job %s: %s", live.job.id[:12], error)
                what = f"the job could not be run ({error.strerror})"
                hint = "the server needs room on the disk, and for one more process"
                await self._failed(live, Failure(what=what, hint=hint, exit_code=EXIT_IO))
            except Exception as error:
                _LOG.exception("job %s", live.job.id[:12])
                await self._failed(live, Failure(what=f"the job could not be run ({type(error).__name__})"))
            await self._cleared(live)

    async def _run(self, live: Live) -> None:
        """Run a job to its end."""
        id, began_s = live.job.id, self._loop.time()
        live.put(await self._do(self._store.start, id, at=_now()))
        told, failure = await self._attended(live)
        if live.unwanted:
            await self._cancelled(live)
        elif failure is not None:
            if failure.exit_code == FAULT:
                said = await self._do(last_words, self._store.place(id))
                _LOG.error("job %s: %s\n%s", id[:12], failure.what, said)
            await self._failed(live, failure)
        else:
            before = live.job.progress
            told_last = msgspec.structs.replace(before, done=max(before.done, before.total))
            await self._settle(live, self._store.finish, DONE, {
                "exit_code": told.exit_code or 0, "run": told.run, "progress": told_last
            })  # fmt: skip
            self._usual_s += 0.2 * (self._loop.time() - began_s - self._usual_s)

    async def _cancelled(self, live: Live) -> None:
        await self._settle(live, self._store.cancel, CANCELLED, {})

    async def _failed(self, live: Live, failure: Failure) -> None:
        await self._settle(live, self._store.fail, FAILED, {"error": failure, "progress": live.job.progress})

    async def _settle(self, live: Live, keep: Callable[..., Job], state: str, changes: Mapping[str, Any]) -> None:
        """A job has ended, whether the store can be told now or only once there is room on the disk again."""
        id, at = live.job.id, _now()
        kept = partial(keep, id, at=at, **changes)
        try:
            job = await self._do(kept)
        except (DataError, UsageError) as error:
            _LOG.error("job %s is %s, which cannot be kept yet: %s", id[:12], state, error)
            job = msgspec.structs.replace(live.job, state=state, ended=at, **changes)
            self._late[id] = (job, kept)
        self._live.pop(id, None)
        live.put(job)

    async def _catch_up(self) -> None:
        """Tell the store what it could not be told before; what it never is, the next start finds interrupted."""
        for id, (_, kept) in list(self._late.items()):
            try:
                await self._do(kept)
            except DataError:
                return
            except UsageError:  # it was told meanwhile
                pass
            self._late.pop(id, None)

    async def _cleared(self, live: Live) -> None:
        """Take away what nobody needs any more after a job."""
        with contextlib.suppress(DataError):  # a link in the place of its folder, or a store that cannot be written
            await self._do(tidy, self._store.place(live.job.id))
            await self._catch_up()
            await self._do(self._store.expire, self._settings.jobs_kept)

    async def _attended(self, live: Live) -> tuple[Told, Failure | None]:
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
                with contextlib.suppress(DataError):  # the job goes on all the same
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

"""The pool for quick questions: a deadline, a bounded queue, a bound on memory.

Each worker is a process with a pipe of its own, so that one which is late, too large or dead is ended and replaced
without touching the others. Nothing that was sent is read anywhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import pickle
import shutil
import signal
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path

from accord.store.jobs import working_folder
from accord.web import answer
from accord.web.answer import Question, Reply, refusal
from accord.web.child import CPU_SLACK_S, READY, Child, limit_cpu, limit_memory
from accord.web.guard import Guard
from accord.web.settings import Settings

TIMEOUT, TOO_MANY, UNAVAILABLE = 408, 429, 503
CACHED = frozenset({
    "audit", "catalog check", "catalog diff", "catalog list", "catalog schema", "catalog show", "compare", "demo",
    "estimate", "fabric", "policy classify", "policy migrate", "policy zones",
})  # fmt: skip
_MACHINE = ("--model=deepseek-r1", "--system=huawei-cloudmatrix-384", "--chips=16", "--isl=1000", "--json")
_WARM = (
    Question("estimate", ("--phase=decode", *_MACHINE)),
    Question("plan", _MACHINE, only_checked=True),
    Question("simulate", ("--osl=100", "--rate=1", "--requests=1", *_MACHINE), only_checked=True),
)
LARGE_BYTES = 1 << 20  # of files, from which they are not looked at in the loop, nor twice
CHECK_S = 2.0  # for a look at a long question


class Workers:
    """Processes that answer quick questions. folder: in which theirs lie, once they are started."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet."""
        self._settings = settings
        self._cache = _Cache(settings.quick_cache_bytes)
        self._waiting = 0
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue()
        self._workers: list[_Worker] = []
        self._threads = ThreadPoolExecutor(settings.quick_workers, "accord-quick")
        self.folder = Path()

    def kept(self) -> tuple[Reply, ...]:
        """Replies that are given again when they are asked for again."""
        return self._cache.all()

    def start(self) -> None:
        """Start the processes; they load while others wait."""
        self.folder = working_folder(self._settings.job_folder)
        for number in range(self._settings.quick_workers):
            worker = _Worker(self._settings, self.folder / str(number))
            worker.start()
            self._workers.append(worker)
            self._idle.put_nowait(worker)

    def stop(self) -> None:
        """End them, and whatever they are at."""
        for worker in self._workers:
            worker.end()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._workers.clear()
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    async def ask(self, question: Question) -> Reply:
        """Answer a question: 408 past the deadline, 429 where too many wait, 503 where a worker died; never raises."""
        key = await _key(question) if question.verb in CACHED else None
        known = self._cache.get(key)
        if known is not None:
            return known
        if self._waiting >= self._settings.quick_queue:
            return refusal(TOO_MANY, "too many questions wait", hint="ask again a little later")
        reply = await self._asked(question)
        if key is not None and reply.status in (answer.OK, answer.CANNOT_BE_MEANT):
            self._cache.put(key, reply)
        return reply

    async def refused(self, question: Question) -> Reply | None:
        """What is wrong with a long question, None where it is sound or nobody can tell at once."""
        large = sum(len(file.data) for file in question.files) > LARGE_BYTES
        if large or self._idle.empty():
            return None
        worker = self._idle.get_nowait()
        end_s = time.monotonic() + CHECK_S
        reply = await self._of(worker, replace(question, only_checked=True), end_s) if worker.ready else None
        if reply is None:
            self._idle.put_nowait(worker)
        return reply if reply is not None and reply.status == answer.CANNOT_BE_MEANT else None

    async def _asked(self, question: Question) -> Reply:
        end = time.monotonic() + self._settings.quick_deadline_s
        self._waiting += 1
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + self._settings.quick_deadline_s):
                worker = await self._idle.get()
        except TimeoutError:
            return refusal(TIMEOUT, "no worker was free before the deadline", hint="ask again a little later")
        finally:
            self._waiting -= 1
        return await self._of(worker, question, end)

    async def _of(self, worker: _Worker, question: Question, end_s: float) -> Reply:
        """What a worker says, which is idle again afterwards."""
        asked = asyncio.get_running_loop().run_in_executor(self._threads, worker.ask, question, end_s)
        asked.add_done_callback(lambda _: self._idle.put_nowait(worker))  # also where whoever asked went away
        return await asyncio.shield(asked)


class _Worker:
    """One process, replaced where it is late, dead or has answered enough."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._settings = settings
        self._child = Child("accord-quick", _serve, settings, folder)
        self._asked = 0

    @property
    def ready(self) -> bool:
        """Whether it would answer at once."""
        return self._child.ready

    def start(self) -> None:
        """Start the process; it says when it is ready."""
        self._child.start()

    def end(self) -> None:
        """End the process at once and for good."""
        self._child.end()

    def ask(self, question: Question, end_s: float) -> Reply:
        """The reply to a question. Runs in a thread.

        end_s: of the monotonic clock, by which there must be a reply
        """
        try:
            reply = self._child.ask(question, end_s)
        except TimeoutError:
            self._replace()
            seconds = f"{self._settings.quick_deadline_s:g} s"
            return refusal(TIMEOUT, f"the answer took longer than {seconds}", hint="ask for less at once")
        except (OSError, EOFError, pickle.UnpicklingError):
            self._replace()
            return refusal(
                UNAVAILABLE, "the worker ended before it answered", hint="ask for less at once, or again", exit_code=71
            )  # fmt: skip
        self._asked += 1
        if self._asked >= self._settings.worker_tasks:
            self._replace()
        return reply

    def _replace(self) -> None:
        self._child.end(last=False)
        self._asked = 0
        with contextlib.suppress(OSError):
            self._child.start()


def _serve(pipe: Connection, settings: Settings, folder: Path) -> None:
    """What a worker does until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    store = settings.store.absolute()
    for question in _WARM:
        answer.run(question, folder, store=store)
    gc.collect()
    gc.freeze()  # what is loaded stays; the collector need not look through it again and again
    Guard(folder, store).install()
    limit_memory(settings.worker_memory_bytes)
    pipe.send_bytes(READY)
    with contextlib.suppress(EOFError, OSError):
        while True:
            question = pipe.recv()
            limit_cpu(settings.quick_deadline_s + CPU_SLACK_S)
            reply = answer.run(question, folder, store=store, most_bytes=settings.max_upload_bytes)
            pipe.send(reply)
            if question.files:
                _empty(folder)


def _empty(folder: Path) -> None:
    """Take away what a question brought."""
    for place in folder.iterdir():
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)


async def _key(question: Question) -> bytes:
    if sum(len(file.data) for file in question.files) < LARGE_BYTES:
        return _digest(question)
    return await asyncio.to_thread(_digest, question)


def _digest(question: Question) -> bytes:
    total = sha256(repr((question.verb, question.words)).encode())
    for file in question.files:
        total.update(repr((file.name, len(file.data))).encode())
        total.update(file.data)
    return total.digest()


class _Cache:
    """The latest replies, as many as fit."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, Reply] = OrderedDict()

    def get(self, key: bytes | None) -> Reply | None:
        """The reply of a key, which is then the latest; None where there is none."""
        if key is None or key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def all(self) -> tuple[Reply, ...]:
        """All that is kept."""
        return tuple(self._kept.values())

    def put(self, key: bytes, reply: Reply) -> None:
        """Keep a reply, and let go of the oldest until all fit."""
        if len(reply.body) > self._most_bytes // 4:
            return
        if key in self._kept:
            self._bytes -= len(self._kept.pop(key).body)
        self._kept[key] = reply
        self._bytes += len(reply.body)
        while self._bytes > self._most_bytes:
            self._bytes -= len(self._kept.popitem(last=False)[1].body)

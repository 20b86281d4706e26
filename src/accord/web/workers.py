"""The pool for quick questions: a deadline, a bounded queue, a bound on memory.

Each worker is a process with a pipe of its own, so that one which is late, too large or dead is ended and replaced
without touching the others. Nothing that was sent is read anywhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path

from accord.web import answer
from accord.web.answer import Question, Reply, refusal
from accord.web.guard import Guard
from accord.web.settings import Settings

if sys.platform != "win32":
    import resource

TIMEOUT, TOO_MANY, UNAVAILABLE = 408, 429, 503
START_S = 60.0  # a new process may take so long to load everything
CPU_SLACK_S = 10.0
READY = b"ready"
CACHED = frozenset({
    "audit", "catalog check", "catalog diff", "catalog list", "catalog schema", "catalog show", "compare", "demo",
    "estimate", "fabric", "policy classify", "policy migrate", "policy zones",
})  # fmt: skip
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_WARM = Question(
    "estimate", ("--model=deepseek-r1", "--system=huawei-cloudmatrix-384", "--phase=decode", "--isl=1000", "--json")
)  # fmt: skip


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
        self.folder = Path(tempfile.mkdtemp(prefix="accord-web-"))
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
        key = _key(question) if question.verb in CACHED else None
        known = self._cache.get(key)
        if known is not None:
            return known
        if self._waiting >= self._settings.quick_queue:
            return refusal(TOO_MANY, "too many questions wait", hint="ask again a little later")
        reply = await self._asked(question)
        if key is not None and reply.status in (answer.OK, answer.CANNOT_BE_MEANT):
            self._cache.put(key, reply)
        return reply

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
        asked = asyncio.get_running_loop().run_in_executor(self._threads, worker.ask, question, end)
        asked.add_done_callback(lambda _: self._idle.put_nowait(worker))  # also where whoever asked went away
        return await asyncio.shield(asked)


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._lock = threading.Lock()
        self._ended = False
        self._ready = False
        self._asked = 0
        self._pipe: Connection | None = None
        self._process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        """Start the process; it says when it is ready."""
        context = multiprocessing.get_context("spawn")
        with self._lock:
            if self._ended:
                return
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=_serve, args=(theirs, self._settings, self._folder), name="accord-quick", daemon=True
            )
            with _one_thread():
                self._process.start()
            theirs.close()
            self._ready, self._asked = False, 0

    def end(self, last: bool = True) -> None:
        """End the process at once. last: it will not be started again."""
        with self._lock:
            self._ended = self._ended or last
            if self._process is not None:
                self._process.kill()
                self._process.join()
                self._process = None
            if self._pipe is not None:
                self._pipe.close()
                self._pipe = None

    def ask(self, question: Question, end_s: float) -> Reply:
        """Send a question and wait for its reply; a process that is late or dead is replaced. Runs in a thread.

        end_s: of the monotonic clock, by which there must be a reply
        """
        try:
            reply = self._exchange(question, end_s)
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

    def _exchange(self, question: Question, end_s: float) -> Reply:
        pipe = self._pipe
        if pipe is None:
            raise EOFError
        if not self._ready:
            before = time.monotonic()
            if not pipe.poll(START_S) or pipe.recv_bytes() != READY:
                raise EOFError
            self._ready = True
            end_s += time.monotonic() - before  # the time to load is not the question's
        pipe.send(question)
        if not pipe.poll(max(end_s - time.monotonic(), 0.0)):
            raise TimeoutError
        reply = pipe.recv()
        assert isinstance(reply, Reply), "a worker sends replies"
        return reply

    def _replace(self) -> None:
        self.end(last=False)
        with contextlib.suppress(OSError):
            self.start()


def _serve(pipe: Connection, settings: Settings, folder: Path) -> None:
    """What a worker does until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    store = settings.store.absolute()
    answer.run(_WARM, folder, store=store)
    gc.collect()
    gc.freeze()  # what is loaded stays; the collector need not look through it again and again
    Guard((folder, store.parent)).install()
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


def limit_memory(most_bytes: int) -> None:
    """Bound what this process may allocate [bytes], where the system can."""
    if sys.platform != "win32":
        _limit(resource.RLIMIT_DATA, most_bytes)


def limit_cpu(more_s: float) -> None:
    """End this process once it has used so many more seconds of CPU [s], where the system can."""
    if sys.platform != "win32":
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + more_s) + 1)


def _limit(kind: int, most: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError):
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _empty(folder: Path) -> None:
    """Take away what a question brought."""
    for place in folder.iterdir():
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Processes that are started here do their algebra in one thread each."""
    new = [name for name in _ONE_THREAD if name not in os.environ]
    os.environ.update(dict.fromkeys(new, "1"))
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


def _key(question: Question) -> bytes:
    total = sha256(repr((question.verb, question.words)).encode())
    for file in question.files:
        total.update(repr((file.name, len(file.data))).encode() + file.data)
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

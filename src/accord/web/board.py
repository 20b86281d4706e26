"""The board's process: one that keeps candidates priced, and a queue in which only the latest question counts."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import pickle
import shutil
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from accord.web.answer import OK, Reply, _of_error, refusal
from accord.web.guard import Guard
from accord.web.settings import Settings
from accord.web.workers import CPU_SLACK_S, READY, START_S, TIMEOUT, TOO_MANY, UNAVAILABLE, limit_cpu, limit_memory

PASSED_OVER = 409
Gone = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question of the board.

    words: of ``plan``; per: what the front is drawn by; chosen: the front's point that is wanted as a plan
    """

    words: tuple[str, ...]
    per: Literal["chip", "usd"] = "chip"
    chosen: int | None = None


class BoardWorker:
    """The process and the questions that wait for it."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet: the process starts by :meth:`begin`, else with the first question."""
        self._settings = settings
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._ready = False
        self._folder: Path | None = None
        self._thread = ThreadPoolExecutor(1, "accord-board")
        self._turn = asyncio.Lock()
        self._latest: dict[str, int] = {}
        self._asked = self._waiting = 0

    async def ask(self, ask: Ask, client: str | None, gone: Gone) -> Reply:
        """Answer a question; never raises.

        client: who asks; of one client only the latest question is answered, older ones that wait are passed over
        gone: tells whether whoever asked went away, which is looked at before the question is begun
        """
        if self._waiting >= self._settings.quick_queue:
            return refusal(TOO_MANY, "too many questions wait", hint="ask again a little later")
        self._asked += 1
        mine = self._asked
        if client is not None:
            self._latest[client] = mine
        self._waiting += 1
        try:
            async with self._turn:
                if await gone() or (client is not None and self._latest.get(client) != mine):
                    return refusal(PASSED_OVER, "a later question took its place", hint="nothing needs to be done")
                end_s = time.monotonic() + self._settings.quick_deadline_s
                asked = asyncio.get_running_loop().run_in_executor(self._thread, self._exchange, ask, end_s)
                return await _finished(asked)
        finally:
            self._waiting -= 1
            if client is not None and self._latest.get(client) == mine:
                del self._latest[client]

    def begin(self) -> None:
        """Start the process, so that the first question need not wait for it; what goes wrong is told to that one."""
        self._thread.submit(self._begun)

    def stop(self) -> None:
        """End the process, and whatever it is at."""
        self._end()
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # In the thread

    def _begun(self) -> None:
        if self._pipe is None:
            with contextlib.suppress(OSError):
                self._start()

    def _exchange(self, ask: Ask, end_s: float) -> Reply:
        try:
            return self._sent(ask, end_s)
        except TimeoutError:
            self._end()
            seconds = f"{self._settings.quick_deadline_s:g} s"
            what = f"the candidates were not priced within {seconds}"
            return refusal(TIMEOUT, what, hint="name fewer systems, or start a plan, which is a job")
        except (OSError, EOFError, pickle.UnpicklingError):
            self._end()
            return refusal(UNAVAILABLE, "the worker ended before it answered", hint="ask for less at once, or again")

    def _sent(self, ask: Ask, end_s: float) -> Reply:
        if self._pipe is None:
            self._start()
        pipe = self._pipe
        assert pipe is not None, "it was started"
        if not self._ready:
            before = time.monotonic()
            if not pipe.poll(START_S) or pipe.recv_bytes() != READY:
                raise EOFError
            self._ready = True
            end_s += time.monotonic() - before
        pipe.send(ask)
        if not pipe.poll(max(end_s - time.monotonic(), 0.0)):
            raise TimeoutError
        reply = pipe.recv()
        assert isinstance(reply, Reply), "a worker sends replies"
        return reply

    def _start(self) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="accord-board-"))
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._settings, self._folder), name="accord-board", daemon=True
        )
        self._ready = False
        self._process.start()
        theirs.close()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None


async def _finished(asked: asyncio.Future[Reply]) -> Reply:
    """The reply; whoever asked may go away meanwhile, but the turn is kept until the process is free again."""
    try:
        return await asyncio.shield(asked)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await asked
        raise


def _serve(pipe: Connection, settings: Settings, folder: Path) -> None:
    """What the process does until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    boards = import_module("accord.web.board_answer").Boards()  # not in the server: the planner is large
    Guard((folder,)).install()
    limit_memory(settings.worker_memory_bytes)
    pipe.send_bytes(READY)
    with contextlib.suppress(EOFError, OSError):
        while True:
            ask = pipe.recv()
            limit_cpu(settings.quick_deadline_s + CPU_SLACK_S)
            pipe.send(answered(boards.answer, ask))


def answered(answer: Callable[[Ask], bytes], ask: Ask) -> Reply:
    """The reply to a question in this process; nothing is raised."""
    try:
        return Reply(OK, 0, answer(ask))
    except BaseException as error:  # a worker outlives whatever its question does
        return _of_error(error)

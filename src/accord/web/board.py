"""The board's process: one that keeps candidates priced, and a queue in which only the latest question counts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from accord.store.jobs import working_folder
from accord.web.answer import OK, Reply, _of_error, refusal
from accord.web.child import CPU_SLACK_S, READY, Child, limit_cpu, limit_memory
from accord.web.guard import Guard
from accord.web.settings import Settings
from accord.web.workers import TIMEOUT, TOO_MANY, UNAVAILABLE

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
        self._folder = Path()
        self._child: Child | None = None
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
            async with asyncio.timeout(self._settings.quick_deadline_s):
                await self._turn.acquire()
        except TimeoutError:
            hint = "ask again a little later"
            return refusal(TIMEOUT, "other questions were being answered until the deadline", hint=hint)
        else:
            return await self._in_turn(ask, gone, lambda: client is not None and self._latest.get(client) != mine)
        finally:
            self._waiting -= 1
            if client is not None and self._latest.get(client) == mine:
                del self._latest[client]

    async def _in_turn(self, ask: Ask, gone: Gone, passed: Callable[[], bool]) -> Reply:
        """The reply to a question whose turn it is. The turn ends when the process is free, whoever went away."""
        asked: asyncio.Future[Reply] | None = None
        try:
            if await gone() or passed():
                return refusal(PASSED_OVER, "a later question took its place", hint="nothing needs to be done")
            end_s = time.monotonic() + self._settings.quick_deadline_s
            asked = asyncio.get_running_loop().run_in_executor(self._thread, self._exchange, ask, end_s)
            asked.add_done_callback(lambda _: self._turn.release())
            return await asyncio.shield(asked)
        finally:
            if asked is None:
                self._turn.release()

    def begin(self) -> None:
        """Start the process, so that the first question need not wait for it; what goes wrong is told to that one."""
        self._thread.submit(self._begun)

    def stop(self) -> None:
        """End the process, and whatever it is at."""
        if self._child is not None:
            self._child.end()
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)

    # In the thread

    def _begun(self) -> None:
        with contextlib.suppress(OSError):
            self._running()

    def _running(self) -> Child:
        """The process, started where there is none. Raises OSError."""
        if self._child is None:
            self._folder = working_folder(self._settings.job_folder)
            self._child = Child("accord-board", _serve, self._settings, self._folder)
        if not self._child.started:
            self._child.start()
        return self._child

    def _exchange(self, ask: Ask, end_s: float) -> Reply:
        try:
            return self._running().ask(ask, end_s)
        except TimeoutError:
            self._give_up()
            seconds = f"{self._settings.quick_deadline_s:g} s"
            what = f"the candidates were not priced within {seconds}"
            return refusal(TIMEOUT, what, hint="name fewer systems, or start a plan, which is a job")
        except (OSError, EOFError, pickle.UnpicklingError):
            self._give_up()
            return refusal(UNAVAILABLE, "the worker ended before it answered", hint="ask for less at once, or again")

    def _give_up(self) -> None:
        """End the process; the next question starts another."""
        if self._child is not None:
            self._child.end(last=False)


def _serve(pipe: Connection, settings: Settings, folder: Path) -> None:
    """What the process does until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    boards = import_module("accord.web.board_answer").Boards()  # not in the server: the planner is large
    Guard(folder).install()
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

"""The server's end of a job's process: start it, listen, ask it to end, end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

import msgspec

from accord.store.job import Failure, Progress
from accord.web.child import ONE_THREAD
from accord.web.job_process import Order, Told

COMMAND = (sys.executable, "-P", "-m", "accord.web.job_process")
LINE_BYTES = 1 << 20
LOG = "log.txt"
SAID_BYTES = 4000
FAULT = 70  # exit code of a fault of Accord
Heard = Callable[[Progress], Awaitable[None]]


class Child:
    """One process; none is left once :meth:`attend` returns or raises."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, folder: Path) -> Self:
        """A process that waits for its order, in a group of its own, so that Ctrl-C is the server's alone.

        folder: of the job, where it runs and where its standard error goes
        """
        environ = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(folder / LOG, flags, 0o600), "wb") as log:
            process = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=log, cwd=folder, env=environ, start_new_session=True, limit=LINE_BYTES,
            )  # fmt: skip
        return cls(process)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it, and those it started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def attend(self, order: Order, deadline_s: float, heard: Heard) -> tuple[Told, Failure | None]:
        """Give the order and listen until it ends; returns what it said last, and why there is no answer.

        heard: is told of progress
        """
        process = self._process
        try:
            async with asyncio.timeout(deadline_s):
                told = await self._listen(order, heard)
                code = await process.wait()
        except TimeoutError:
            what = f"the deadline of {deadline_s:g} s passed"
            return Told(), Failure(what=what, hint="ask a smaller question, or give the server a longer deadline")
        except (ValueError, msgspec.MsgspecError) as error:
            return Told(), Failure(what=f"what the job's process says cannot be understood ({error})")
        finally:
            self.kill()
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()
        if told.error is not None or told.exit_code is not None:
            return told, told.error
        return told, _ended(code, order)

    async def _listen(self, order: Order, heard: Heard) -> Told:
        stdin, stdout, last = self._process.stdin, self._process.stdout, Told()
        if stdin is None or stdout is None:
            raise ValueError("it has no pipes")
        with contextlib.suppress(ConnectionError):  # it is gone already: so is its output
            stdin.write(msgspec.json.encode(order) + b"\n")
            await stdin.drain()
        async for line in stdout:
            last = msgspec.json.decode(line, type=Told)
            if last.progress is not None:
                await heard(last.progress)
        return last


def last_words(folder: Path) -> str:
    """The end of what a process wrote on standard error."""
    try:
        with (folder / LOG).open("rb") as log:
            log.seek(-min(SAID_BYTES, log.seek(0, os.SEEK_END)), os.SEEK_END)
            return log.read().decode(errors="replace").strip()
    except OSError:
        return ""


def _ended(code: int, order: Order) -> Failure:
    """Why a process ended without a word."""
    if code == -signal.SIGXCPU:
        return Failure(what=f"the job used its {order.cpu_s:g} CPU seconds", hint="ask a smaller question")
    how = f"exit code {code}"
    if code < 0:
        with contextlib.suppress(ValueError):
            how = signal.Signals(-code).name
    if code > 0:
        hint = "please report it with the server's log"
        return Failure(what=f"this is a fault of Accord, not of your input ({how})", hint=hint)
    most = order.memory_bytes / 2**30
    return Failure(
        what=f"the job's process ended before its time ({how})",
        hint=f"it may need more memory than there is, or than the {most:.3g} GiB it may have",
    )

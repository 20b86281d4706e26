"""A process of the server's own and the pipe to it: started, asked one thing at a time, ended at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from accord.web.answer import Reply

START_S = 60.0  # a new process may take so long to load everything
CPU_SLACK_S = 10.0
READY = b"ready"
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Child:
    """One process. It sends :data:`READY` when it is, then takes messages and gives a Reply for each."""

    def __init__(self, name: str, serve: Callable[..., None], *args: object) -> None:
        """Start nothing yet.

        serve: what the process runs, with its end of the pipe and ``args``
        """
        self._name, self._serve, self._args = name, serve, args
        self._lock = threading.Lock()
        self._ended = self._ready = False
        self._pipe: Connection | None = None
        self._process: multiprocessing.process.BaseProcess | None = None

    @property
    def started(self) -> bool:
        """Whether there is a process."""
        return self._pipe is not None

    @property
    def ready(self) -> bool:
        """Whether the process has loaded; to be asked while nobody else asks."""
        return self._ready or (self._pipe is not None and self._pipe.poll(0))

    def start(self) -> None:
        """Start the process, unless it was ended for good."""
        context = multiprocessing.get_context("spawn")
        with self._lock:
            if self._ended:
                return
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=self._serve, args=(theirs, *self._args), name=self._name, daemon=True
            )  # fmt: skip
            with _one_thread():
                self._process.start()
            theirs.close()
            self._ready = False

    def end(self, *, last: bool = True) -> None:
        """End the process at once, whatever it is at.

        last: it will not be started again
        """
        with self._lock:
            self._ended = self._ended or last
            if self._process is not None:
                self._process.kill()
                self._process.join()
                self._process = None
            if self._pipe is not None:
                self._pipe.close()
                self._pipe = None

    def ask(self, message: Any, end_s: float) -> Reply:
        """Send a message and wait for the reply; the time that the process takes to load does not count.

        end_s: of the monotonic clock, by which there must be one
        Raises TimeoutError; OSError, EOFError or UnpicklingError where the process is dead.
        """
        pipe = self._pipe
        if pipe is None:
            raise EOFError
        if not self._ready:
            before = time.monotonic()
            if not pipe.poll(START_S) or pipe.recv_bytes() != READY:
                raise EOFError
            self._ready = True
            end_s += time.monotonic() - before
        pipe.send(message)
        if not pipe.poll(max(end_s - time.monotonic(), 0.0)):
            raise TimeoutError
        reply = pipe.recv()
        assert isinstance(reply, Reply), "a process of ours sends replies"
        return reply


def limit_memory(most_bytes: int) -> None:
    """Bound what this process may allocate [bytes], and let it leave no image of itself, where the system can."""
    _limit(resource.RLIMIT_DATA, most_bytes)
    _limit(resource.RLIMIT_CORE, 0)


def limit_cpu(more_s: float) -> None:
    """End this process once it has used so many more seconds of CPU [s], where the system can."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + more_s) + 1)


def _limit(kind: int, most: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Processes that are started here do their algebra in one thread each."""
    new = [name for name in ONE_THREAD if name not in os.environ]
    os.environ.update(dict.fromkeys(new, "1"))
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)

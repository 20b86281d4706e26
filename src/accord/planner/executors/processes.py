"""A pool of worker processes that outlives any of them.

Each worker has a pipe of its own and one task at a time, so a worker that is gone takes exactly that task with it:
the task is given to another, and a new worker takes the place. (concurrent.futures gives up the whole pool then, and
does not say which task it was.) Workers are started afresh, not forked, and end with the process that started them.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from accord.base.errors import UsageError, WorkerLost
from accord.planner.executor import ATTEMPTS, THREADS, Done, Losses, Outcome, Place, Work, failed, outcome, processors

LEAVE_S = 2.0  # that idle workers have to leave by themselves
_SPAWN = get_context("spawn")
_MASKS = hasattr(signal, "pthread_sigmask")


class ProcessExecutor:
    """Works tasks off in processes of this machine; workers: how many, None for one a processor."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = processors() if workers is None else workers

    def run(self, work: Work, tasks: Mapping[int, bytes], done: Done) -> None:
        """See :class:`accord.planner.executor.Executor`."""
        if tasks:
            with _Pool(pickle.dumps(work), min(self.workers, len(tasks))) as pool:
                pool.run(tasks, done)


def make(place: Place) -> ProcessExecutor:
    """An executor of as many workers as the place has. Raises UsageError where a cluster is asked for."""
    if place.address is not None:
        raise UsageError("executor 'processes' has no address", hint="executor 'ray' has one")
    return ProcessExecutor(place.workers)


class _Worker:
    """A process that is yet to start, our end of its pipe, whether it has reported, and the task it has."""

    def __init__(self, work: bytes) -> None:
        self.pipe, self._far = _SPAWN.Pipe()
        self.process: BaseProcess = _SPAWN.Process(target=_serve, args=(self._far, work), daemon=True)
        self.ready = False
        self.number: int | None = None

    def start(self) -> None:
        with self._far, _quiet():
            self.process.start()

    def give(self, number: int, task: bytes) -> None:
        self.number = number
        with suppress(OSError):  # it is gone: its pipe says so next
            self.pipe.send_bytes(task)

    def reap(self, wait_s: float) -> int | None:
        """Wait for the process to leave, end it if it does not, and return its exit code, None if it never started."""
        self.pipe.close()
        if self.process.pid is None:
            return None
        self.process.join(wait_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        code = self.process.exitcode
        self.process.close()
        return code


class _Pool:
    """Workers at work on one sweep; no process is left when it closes."""

    def __init__(self, work: bytes, workers: int) -> None:
        self._work, self._size = work, workers
        self._workers: dict[object, _Worker] = {}
        self._losses, self._stillborn = Losses(), 0

    def __enter__(self) -> _Pool:
        if _MASKS:
            resource_tracker.ensure_running()  # starting it resets the mask of signals, see _quiet
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        for worker in self._workers.values():
            if kind is None:
                worker.pipe.close()
            elif worker.process.pid is not None:
                worker.process.kill()
        for worker in self._workers.values():
            worker.reap(LEAVE_S)

    def run(self, tasks: Mapping[int, bytes], done: Done) -> None:
        waiting, left = deque(sorted(tasks)), len(tasks)
        while left:
            while len(self._workers) < min(self._size, left):
                worker = _Worker(self._work)
                self._workers[worker.pipe] = worker
                worker.start()
            for worker in self._workers.values():
                if waiting and worker.ready and worker.number is None:
                    number = waiting.popleft()
                    worker.give(number, tasks[number])
            for pipe in connection.wait([worker.pipe for worker in self._workers.values()]):
                worker = self._workers[pipe]
                found = _heard(worker)
                if found is None:
                    self._bury(worker, waiting)
                elif worker.number is None:
                    worker.ready, self._stillborn = True, 0
                else:
                    number, worker.number = worker.number, None
                    done(number, found.value())
                    left -= 1

    def _bury(self, worker: _Worker, waiting: deque[int]) -> None:
        """Take a worker that is gone off the list, and put its task first in the line."""
        del self._workers[worker.pipe]
        how = _how(worker.reap(LEAVE_S))
        if worker.number is not None:
            waiting.appendleft(worker.number)
            self._losses.add(worker.number, how)
        elif not worker.ready:
            self._stillborn += 1
            if self._stillborn >= ATTEMPTS:
                raise WorkerLost(
                    f"worker processes end before they begin ({how})",
                    hint="a script that calls this needs 'if __name__ == \"__main__\":' around what it does",
                )


def _heard(worker: _Worker) -> Outcome | None:
    """What a worker says, None where it is gone (a message that was cut off counts as none)."""
    try:
        said = pickle.loads(worker.pipe.recv_bytes())
    except (EOFError, OSError):
        return None
    return said if isinstance(said, Outcome) else None


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Start a process that computes in one thread and leaves Ctrl-C to us."""
    before = {name: os.environ.get(name) for name in THREADS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if _MASKS else set()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if _MASKS:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


# In the worker


def _serve(pipe: Connection, packed: bytes) -> None:
    """Answer tasks until the pipe closes. The first message only says that the worker is there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()
    broken: Outcome | None = None
    try:
        work: Work = pickle.loads(packed)
    except Exception as error:
        work, broken = bytes, failed(error)
    with suppress(EOFError, OSError):
        pipe.send_bytes(pickle.dumps(Outcome()))
        while True:
            task = pipe.recv_bytes()
            pipe.send_bytes(pickle.dumps(broken or outcome(work, task)))


def _follow() -> None:
    """End with the process that started this one, even in the midst of a task."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)

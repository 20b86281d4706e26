"""Where the tasks of a sweep are worked off. Tasks and answers are bytes, so that they can travel and be kept."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from accord.base.errors import WorkerLost

Work = Callable[[bytes], bytes]
Done = Callable[[int, bytes], None]

ATTEMPTS = 3  # workers that a task may take with it
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class Executor(Protocol):
    """Runs every task once, anywhere, in any order.

    The answer of a task depends on its bytes alone, so whoever runs it gives the same one. A task that was
    lost with its worker is run again; ``done`` is called once for each task, in the caller's process.
    """

    def run(self, work: Work, tasks: Mapping[int, bytes], done: Done) -> None:
        """Work off ``tasks`` by number.

        work: a module-level function, importable where the executor runs
        Raises what ``work`` raises (an AccordError as it is), WorkerLost where a task kills its worker again and again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where to work: ``workers`` at once (None: as many as there are processors), ``address`` of a cluster."""

    workers: int | None = None
    address: str | None = None


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def numbered(tasks: Sequence[bytes], finished: Mapping[int, bytes]) -> dict[int, bytes]:
    """Tasks that are not finished, by their number."""
    return {at: task for at, task in enumerate(tasks) if at not in finished}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task elsewhere: its answer, or what was raised, pickled. One of them is there."""

    answer: bytes = b""
    raised: bytes | None = None

    def value(self) -> bytes:
        """The answer. Raises what the work raised, with the place it came from as a note."""
        if self.raised is not None:
            raise pickle.loads(self.raised)
        return self.answer


def outcome(work: Work, task: bytes) -> Outcome:
    """Do one task where errors cannot be raised to the caller, and keep what comes of it."""
    try:
        return Outcome(answer=work(task))
    except Exception as error:
        return failed(error)


def failed(error: Exception) -> Outcome:
    """An error as it travels; one that cannot becomes a RuntimeError with its text."""
    text = "".join(traceback.format_exception(error))
    error.add_note(f"in a worker:\n{text}")
    try:
        kept = pickle.dumps(error)
        pickle.loads(kept)
    except Exception:
        kept = pickle.dumps(RuntimeError(f"{type(error).__name__} in a worker:\n{text}"))
    return Outcome(raised=kept)


class Losses:
    """Workers that each task took with it."""

    def __init__(self) -> None:
        self._count: dict[int, int] = {}

    def add(self, number: int, how: str) -> None:
        """Count one; how: the worker ended. Raises WorkerLost once it is the last that a task may take."""
        self._count[number] = self._count.get(number, 0) + 1
        if self._count[number] >= ATTEMPTS:
            raise WorkerLost(
                f"task {number} ended its worker {ATTEMPTS} times ({how})",
                hint="it may need more memory than there is: use fewer workers",
            )

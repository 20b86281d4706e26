"""Where the tasks of a sweep are worked off. Tasks and answers are bytes, so that they can travel and be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

Work = Callable[[bytes], bytes]
Done = Callable[[int, bytes], None]


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


def numbered(tasks: Sequence[bytes], finished: Mapping[int, bytes]) -> dict[int, bytes]:
    """Tasks that are not finished, by their number."""
    return {at: task for at, task in enumerate(tasks) if at not in finished}

"""In the caller's own process, one task after the other."""

from __future__ import annotations

from collections.abc import Mapping

from accord.base.errors import UsageError
from accord.planner.executor import Done, Place, Work


class LocalExecutor:
    """Works tasks off in the order of their numbers."""

    def run(self, work: Work, tasks: Mapping[int, bytes], done: Done) -> None:
        """See :class:`accord.planner.executor.Executor`."""
        for number in sorted(tasks):
            done(number, work(tasks[number]))


def make(place: Place) -> LocalExecutor:
    """An executor of one worker. Raises UsageError where more are asked for, or a cluster."""
    if place.address is not None:
        raise UsageError("executor 'local' has no address", hint="executor 'ray' has one")
    if place.workers not in (None, 1):
        raise UsageError(f"executor 'local' has 1 worker, not {place.workers}", hint="executor 'processes' has more")
    return LocalExecutor()

"""Clock and heap of the simulator; it knows nothing of requests.

Things that happen at one time happen in a fixed order: by ``order`` (:data:`END` before :data:`ARRIVAL` before
:data:`FAILURE` before :data:`CANCEL`), then by number, then by kind (:data:`ITERATION` before :data:`TRANSFER` before
:data:`FETCH` before :data:`WRITE` before :data:`RECOVERY`), then as they were planned. So a run depends on nothing
but what was put in.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

END, ARRIVAL, FAILURE, CANCEL = range(4)
ITERATION, TRANSFER, FETCH, WRITE, RECOVERY = range(5)  # what ends
LOOK = 4096  # events between two looks at the outside


class Engine:
    """A clock that moves from event to event.

    clock_s: time of the event under way [s]; events: how many there were; stopped: set it to end the run
    """

    __slots__ = ("_heap", "_planned", "_soon", "_tick", "_tick_s", "clock_s", "events", "stopped")

    def __init__(self, tick: Callable[[float], float] | None = None) -> None:
        """Begin at 0. tick: called before the first event at or after the time it last returned, 0 at first."""
        self.clock_s = 0.0
        self.events = 0
        self.stopped = False
        self._planned = 0
        self._heap: list[tuple[float, int, int, int, int, Callable[[Any], None], Any]] = []
        self._soon: dict[int, Callable[[], None]] = {}
        self._tick = tick
        self._tick_s = 0.0 if tick is not None else float("inf")

    def at(
        self, time_s: float, order: int, number: int, action: Callable[[Any], None], argument: object, kind: int = 0
    ) -> None:
        """Call ``action(argument)`` at ``time_s``, which is not before now."""
        self._planned += 1
        heappush(self._heap, (time_s, order, number, kind, self._planned, action, argument))

    def soon(self, number: int, action: Callable[[], None]) -> None:
        """Call ``action()`` once all that happens now has happened, in the order of numbers; one for each number."""
        self._soon[number] = action

    def run(self, until_s: float = float("inf"), look: Callable[[float, int], None] | None = None) -> bool:
        """Run until nothing is planned, or up to and with ``until_s``; False when stopped before.

        look: called every :data:`LOOK` events with the time and their number, to show progress or to set ``stopped``
        """
        heap, soon = self._heap, self._soon
        events = self.events
        while not self.stopped:
            if soon and not (heap and heap[0][0] <= self.clock_s):
                self._start_soon()
            if not heap or heap[0][0] > until_s:
                break
            time_s, _, _, _, _, action, argument = heap[0]
            if self._tick is not None and time_s >= self._tick_s:
                self._tick_s = self._tick(time_s)
            heappop(heap)
            self.clock_s = time_s
            action(argument)
            events += 1
            if look is not None and not events % LOOK:
                look(time_s, events)
        self.events = events
        return not self.stopped

    def _start_soon(self) -> None:
        soon = self._soon
        if len(soon) == 1:
            soon.popitem()[1]()
            return
        actions = [soon[number] for number in sorted(soon)]
        soon.clear()
        for action in actions:
            action()

"""A job that is queued or runs, who follows it, and the events that a follower reads."""

from __future__ import annotations

import asyncio
from typing import Self
from weakref import WeakSet

from accord.store.job import ENDED, Job
from accord.web.job_child import Child
from accord.web.job_view import event

HEARTBEAT_S = 15.0


class Live:
    """A job that is queued or runs.

    taken: a worker has it; unwanted: it was cancelled; both are set before the store is asked
    """

    def __init__(self, job: Job) -> None:
        """job: as it is now."""
        self.job, self.number = job, 0
        self.child: Child | None = None
        self.taken = self.unwanted = False
        self.over = asyncio.Event()
        self.followers: set[asyncio.Event] = set()

    def put(self, job: Job) -> None:
        """The job changed."""
        self.job = job
        self.number += 1
        for follower in self.followers:
            follower.set()
        if job.state in ENDED:
            self.end()

    def end(self) -> None:
        """Nothing follows."""
        self.over.set()
        for follower in self.followers:
            follower.set()


class Events:
    """Server-sent events of a job: its present state first, then each change, until it ends. It must be closed."""

    def __init__(self, live: Live, open: WeakSet[Events]) -> None:
        """open: those that are open, of which this one is from now on until it is closed or forgotten."""
        self._live, self._open = live, open
        self._changed, self._seen = asyncio.Event(), -1
        live.followers.add(self._changed)
        open.add(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        live = self._live
        if live.number == self._seen:
            if live.job.state in ENDED or live.over.is_set():
                raise StopAsyncIteration
            try:
                await asyncio.wait_for(self._changed.wait(), HEARTBEAT_S)
            except TimeoutError:
                return b": still here\n\n"
            if live.number == self._seen:  # over, without another word
                raise StopAsyncIteration
        self._seen = live.number
        self._changed.clear()
        return event(live.job, self._seen)

    async def aclose(self) -> None:
        """Follow no longer."""
        self._live.followers.discard(self._changed)
        self._open.discard(self)

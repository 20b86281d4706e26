"""Decoding requests never wait; a prompt begins when all of it has room: Sarathi-Serve (OSDI 2024)."""

from __future__ import annotations


class DecodeFirst:
    """See the module."""

    mixes = True
    whole = True

    def rank(self, prompt: int, arrival_s: float) -> tuple[float, ...]:
        """See :class:`accord.serving.scheduler.Scheduler`."""
        return (arrival_s,)

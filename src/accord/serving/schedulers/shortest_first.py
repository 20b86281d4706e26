"""The shortest prompt first, prompts beside decoding requests."""

from __future__ import annotations


class ShortestFirst:
    """See the module."""

    mixes = True
    whole = False

    def rank(self, prompt: int, arrival_s: float) -> tuple[float, ...]:
        """See :class:`accord.serving.scheduler.Scheduler`."""
        return (float(prompt), arrival_s)

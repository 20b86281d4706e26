"""First come, first served, prompts beside decoding requests: vLLM V1."""

from __future__ import annotations


class Fcfs:
    """See the module."""

    mixes = True
    whole = False

    def rank(self, prompt: int, arrival_s: float) -> tuple[float, ...]:
        """See :class:`accord.serving.scheduler.Scheduler`."""
        return (arrival_s,)

"""Prompts before decoding requests, which wait meanwhile: SGLang."""

from __future__ import annotations


class PrefillFirst:
    """See the module."""

    mixes = False
    whole = False

    def rank(self, prompt: int, arrival_s: float) -> tuple[float, ...]:
        """See :class:`accord.serving.scheduler.Scheduler`."""
        return (arrival_s,)

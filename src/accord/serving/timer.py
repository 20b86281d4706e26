"""How long an iteration takes, as the simulator sees it: batch shapes in, seconds out."""

from __future__ import annotations

from typing import Protocol

from accord.base.array import Array


class StepTimer(Protocol):
    """Seconds of iterations of one instance whose attention groups hold equal loads.

    All numbers are of one attention group. ``batch``: requests that decode; ``context``: cached tokens they
    read together, each one's new token included.
    """

    def line(self, batch: int, context: float) -> tuple[float, float, float]:
        """A decode iteration near ``context``: seconds there, seconds per further cached token, and up to which
        context that straight line holds. A timer without lines gives ``(seconds, 0.0, context)``.
        """  # noqa: D205
        ...

    def mixed(self, tokens: int, pairs: float, prompts: int, batch: int, context: float) -> float:
        """An iteration that computes ``tokens`` prompt tokens of ``prompts`` requests beside the decoding ones.

        pairs: cache entries attended, summed over the prompt tokens: ``p (q + p / 2)`` for ``p`` tokens after ``q``
        """
        ...

    def joint(self, tokens: Array, pairs: Array, prompts: Array, batch: Array, context: Array) -> float:
        """An iteration of groups with loads of their own, shape ``(G,)`` each, which wait for the slowest one."""
        ...


class Scaled:
    """Another timer, all of whose times are multiplied by a factor."""

    def __init__(self, timer: StepTimer, factor: float) -> None:
        """factor: above 0."""
        self._timer, self._factor = timer, factor

    def line(self, batch: int, context: float) -> tuple[float, float, float]:
        """See :class:`StepTimer`."""
        seconds, slope, upto = self._timer.line(batch, context)
        return seconds * self._factor, slope * self._factor, upto

    def mixed(self, tokens: int, pairs: float, prompts: int, batch: int, context: float) -> float:
        """See :class:`StepTimer`."""
        return self._timer.mixed(tokens, pairs, prompts, batch, context) * self._factor

    def joint(self, tokens: Array, pairs: Array, prompts: Array, batch: Array, context: Array) -> float:
        """See :class:`StepTimer`."""
        return self._timer.joint(tokens, pairs, prompts, batch, context) * self._factor

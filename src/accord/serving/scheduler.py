"""The order in which waiting requests are admitted, and what an iteration mixes."""

from __future__ import annotations

from typing import Protocol


class Scheduler(Protocol):
    """A batch policy.

    mixes: prompts and decoding requests share an iteration; else prompts go first, alone
    whole: a prompt is admitted only where all of it has room, which it takes at once
    """

    @property
    def mixes(self) -> bool:
        """Whether prompts and decoding requests share an iteration."""
        ...

    @property
    def whole(self) -> bool:
        """Whether a prompt takes the blocks of all of it at admission."""
        ...

    def rank(self, prompt: int, arrival_s: float) -> tuple[float, ...]:
        """Sort key among waiting requests of one priority; the least goes first."""
        ...

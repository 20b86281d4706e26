"""The next instance in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.serving.router import Candidate


class RoundRobin:
    """See the module."""

    def __init__(self, stream: np.random.Generator) -> None:
        """Begin with the first. stream: not used."""
        self._next = 0

    def pick(self, candidates: Sequence[Candidate], request: int) -> int:
        """See :class:`accord.serving.router.Router`."""
        at = self._next % len(candidates)
        self._next += 1
        return at

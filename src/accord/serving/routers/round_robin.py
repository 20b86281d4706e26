"""The next instance in turn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from accord.serving.router import Candidate


class RoundRobin:
    """See the module."""

    def __init__(self, stream: np.random.Generator) -> None:
        """Begin with the first. stream: not used."""
        self._last = -1

    def pick(self, candidates: Sequence[Candidate], request: int) -> int:
        """See :class:`accord.serving.router.Router`; candidates come by number."""
        at = bisect_right(candidates, self._last, key=lambda one: one.number) % len(candidates)
        self._last = candidates[at].number
        return at

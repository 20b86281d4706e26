"""The less loaded of two instances drawn at random.

M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12 (2001).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.serving.router import Candidate

DRAWN = 1024  # random numbers drawn at once


class PowerOfTwo:
    """See the module."""

    def __init__(self, stream: np.random.Generator) -> None:
        """stream: of this router alone."""
        self._stream = stream
        self._drawn: list[float] = []

    def pick(self, candidates: Sequence[Candidate], request: int) -> int:
        """See :class:`accord.serving.router.Router`."""
        count = len(candidates)
        if count == 1:
            return 0
        if len(self._drawn) < 2:
            self._drawn = self._stream.random(DRAWN).tolist()
        first = int(self._drawn.pop() * count)
        second = int(self._drawn.pop() * (count - 1))
        second += second >= first
        return second if candidates[second].load < candidates[first].load else first

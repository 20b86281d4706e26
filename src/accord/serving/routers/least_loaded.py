"""The instance with the fewest requests, the first of equals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.serving.router import Candidate, least_loaded


class LeastLoaded:
    """See the module."""

    def __init__(self, stream: np.random.Generator) -> None:
        """stream: not used."""

    def pick(self, candidates: Sequence[Candidate], request: int) -> int:
        """See :class:`accord.serving.router.Router`."""
        return least_loaded(candidates)

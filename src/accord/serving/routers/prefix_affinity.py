"""The instance that knows most of the prompt, unless it is much busier than the least loaded one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.serving.router import Candidate, least_loaded

MOST_TIMES = 2.0  # of the least load
MOST_APART = 8  # requests beyond the least load, from which on both tell


class PrefixAffinity:
    """See the module."""

    def __init__(self, stream: np.random.Generator) -> None:
        """stream: not used."""

    def pick(self, candidates: Sequence[Candidate], request: int) -> int:
        """See :class:`accord.serving.router.Router`."""
        calm = least_loaded(candidates)
        least = candidates[calm].load
        best, most, busy = calm, 0, least
        for at, one in enumerate(candidates):
            known = one.known_tokens(request)
            if known > most or (known == most > 0 and one.load < busy):
                best, most, busy = at, known, one.load
        return calm if busy > MOST_TIMES * least and busy - least >= MOST_APART else best

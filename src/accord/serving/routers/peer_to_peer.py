"""The instance with the fewest prompt tokens to compute, whatever its cache holds.

Context comes from the pooled cache, so any instance serves as well: the stateless scheduling of CloudMatrix
(P. Zuo et al., "Serving Large Language Models on Huawei CloudMatrix384", arXiv 2506.12708v2, section 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.serving.router import Candidate


class PeerToPeer:
    """See the module."""

    def __init__(self, stream: np.random.Generator) -> None:
        """stream: not used."""

    def pick(self, candidates: Sequence[Candidate], request: int) -> int:
        """See :class:`accord.serving.router.Router`; the fewest requests, then the first, among equals."""
        best, least = 0, (candidates[0].queued_tokens, candidates[0].load)
        for at, one in enumerate(candidates):
            queued = one.queued_tokens
            if queued <= least[0] and (queued, one.load) < least:
                best, least = at, (queued, one.load)
        return best

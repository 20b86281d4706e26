"""The words of service: TTFT, TPOT, tokens an iteration."""

from __future__ import annotations

import numpy as np

from accord.base.array import Array


def tokens_per_iteration(mtp_tokens: Array, accept: Array) -> Array:
    """Tokens one iteration yields: its own and the drafts accepted one after another.

    accept: chance that a draft is accepted once the one before it was, so draft i counts
    ``accept ** i`` and the sum is ``1 + a + a^2 + ... + a^n``.
    """
    chance = np.minimum(accept, 1.0 - 1e-12)
    return np.asarray((1.0 - chance ** (mtp_tokens + 1.0)) / (1.0 - chance), dtype=np.float64)


def tpot_s(iteration_s: Array, mtp_tokens: Array, accept: Array) -> Array:
    """Time per output token: one iteration over the tokens it yields."""
    return iteration_s / tokens_per_iteration(mtp_tokens, accept)

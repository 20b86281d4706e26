"""Laws of answer length and the means a steady state needs of them.

Open-ended chat is taken as exponential: most answers are short, few are long. ``mean`` is in the
same unit as the other length, tokens or iterations; arrays have shape ``(D,)``.
"""

from __future__ import annotations

import numpy as np

from accord.base.array import Array


def share_within(length: Array, mean: Array) -> Array:
    """Mean over answers ``n`` of ``min(1, length / n)``: the share of an answer that the first ``length`` makes.

    For exponential answers ``1 - exp(-x) + x E1(x)`` with ``x = length / mean``.
    """
    x = np.maximum(length / mean, 1e-9)
    return np.clip(1.0 - np.exp(-x) + x * exponential_integral(x), 0.0, 1.0)


def mean_inverse(shortest: float, mean: Array) -> Array:
    """Mean over answers ``n`` of ``1 / n`` where none is shorter than ``shortest``: ``E1(shortest / mean) / mean``."""
    return exponential_integral(shortest / mean) / mean


def exponential_integral(x: Array) -> Array:
    """``E1(x)`` for x > 0 between its classic bounds, two thirds up: within 9 % from 1e-3 to 10.

    ``exp(-x) / 2 ln(1 + 2 / x) < E1(x) < exp(-x) ln(1 + 1 / x)`` (Abramowitz and Stegun 5.1.20).
    """
    return np.asarray(np.exp(-x) * (0.5 * np.log1p(2.0 / x) + 2.0 * np.log1p(1.0 / x)) / 3.0, dtype=np.float64)

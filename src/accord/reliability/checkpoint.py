"""When to write checkpoints, and what an interruption costs between two of them.

A job computes for ``interval``, stands still for ``blocking`` while its state is copied, and goes on; ``write`` after
that the copy is safe (0 where all of it blocks). An interruption throws it back to the last safe copy; ``down`` later
it goes on, and it may be interrupted again meanwhile. With interruptions of a constant rate ``r`` the mean time from
one safe copy to the next is ``exp(r (down + write)) (exp(r (interval + blocking)) - 1) / r``: Daly's equation, where a
copy that is not yet safe costs as much as a longer restart. Its derivation: without interruption the next copy is
safe after ``interval + blocking``; after one, ``down + interval + blocking + write`` must pass without another.

Sources: J. W. Young, "A first order approximation to the optimum checkpoint interval", Communications of the ACM 17
(1974), 530-531; J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", Future
Generation Computer Systems 22 (2006), 303-312.
"""

from __future__ import annotations

import numpy as np

from accord.base.array import Array, array

_MOST_EXPONENT = 600.0


def young_s(blocking_s: Array | float, mttf_s: Array | float) -> Array:
    """First-order optimum of the interval: ``sqrt(2 x blocking x mttf)`` [s]."""
    return np.sqrt(2.0 * array(blocking_s) * array(mttf_s))


def optimum_s(blocking_s: Array | float, mttf_s: Array | float) -> Array:
    """Interval that makes the mean time from copy to copy least for the work in it [s].

    With ``x = interval / mttf`` and ``b = blocking / mttf`` it solves ``(1 - x) exp(x + b) = 1`` (Lambert's W), found
    by Newton's method from Young's value; it does not depend on restarts, nor on the write behind.
    """
    mttf = array(mttf_s)
    b = np.where(np.isfinite(mttf), array(blocking_s) / mttf, 0.0)
    x = np.minimum(np.sqrt(2.0 * b), 1.0 - 0.5 * np.exp(-1.0 - b))
    for _ in range(60):  # log(1 - x) + x + b = 0; concave and falling, so Newton stays on one side after a step
        gap = np.log1p(-x) + x + b
        slope = -x / (1.0 - x)
        x = np.clip(x - np.divide(gap, slope, out=np.zeros_like(x), where=x > 0.0), 0.5 * x, 1.0 - 0.5 * (1.0 - x))
    return np.where(np.isfinite(mttf), x * np.where(np.isfinite(mttf), mttf, 1.0), np.inf)


def mean_cycle_s(
    rate_s: Array, interval_s: Array, blocking_s: Array | float, write_s: Array | float, down_s: Array | float
) -> Array:
    """Mean time from one safe copy to the next [s], of any shape; ``interval + blocking`` without interruptions."""
    length = interval_s + blocking_s
    behind = np.minimum(rate_s * (down_s + write_s), _MOST_EXPONENT)
    own = np.minimum(rate_s * length, _MOST_EXPONENT)
    grown = np.divide(np.expm1(own), rate_s, out=np.broadcast_to(length, own.shape).copy(), where=rate_s > 0.0)
    return np.asarray(np.exp(behind) * grown, dtype=np.float64)

"""Slow chips: a synchronous step takes as long as its slowest member.

Chips turn slow at some rate and stay so until somebody acts, so the number of slow ones in a job is Poisson with mean
``mu = chips x rate x stay``. Each lengthens the step by an exponential part of mean ``slowdown``. The step is
lengthened by the greatest of them, whose distribution is ``exp(-mu exp(-x / slowdown))``.
"""

from __future__ import annotations

import numpy as np

from accord.base.array import Array, array
from accord.reliability.rates import Rates

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_U, _W = 0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS  # on 0 to 1
_EULER = 0.5772156649015329


def slow_chips(rates: Rates, chips: float) -> Array:
    """Mean number of slow chips in a job, shape ``(S,)``."""
    return array(rates.slow_per_chip_s) * array(rates.slow_s) * chips


def expected_greatest(count: Array, slowdown: Array) -> Array:
    """Mean of the greatest of a Poisson number of exponential parts [1].

    ``slowdown x Ein(count)``, for a mean of ``m`` exponentials' greatest is the harmonic number of ``m`` and the mean
    of harmonic numbers over a Poisson count is ``Ein``, the integral of ``(1 - exp(-t)) / t`` from 0 to the count.
    """
    t = array(count)[:, None] * _U
    small = np.where(t > 1e-12, -np.expm1(-t) / np.maximum(t, 1e-300), 1.0)
    near = array(count) * (small @ _W)
    far = _EULER + np.log(np.maximum(array(count), 1.0))  # the rest falls as exp(-count) / count
    return np.asarray(array(slowdown) * np.where(array(count) > 40.0, far, near), dtype=np.float64)


def speed(rates: Rates, chips: float) -> Array:
    """Mean speed of a job with slow chips over that without [1], shape ``(S,)``: the mean of 1 / (1 + greatest).

    With ``u = x / (1 + x)`` it is 1 less the integral over ``u`` from 0 to 1 of the chance that the greatest is
    above ``u / (1 - u)``.
    """
    mu, part = slow_chips(rates, chips), array(rates.slowdown)
    width = np.maximum(part, 1e-300)[:, None]
    with np.errstate(over="ignore"):
        above = -np.expm1(-mu[:, None] * np.exp(-(_U / (1.0 - _U)) / width))
    return np.asarray(np.where(part > 0.0, 1.0 - above @ _W, 1.0), dtype=np.float64)

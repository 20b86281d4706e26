"""Waiting in a queue: its mean, its tail, and what both make of the time to first token.

Arrivals are Poisson. The mean wait in a steady queue of one server is that of Pollaczek and Khinchine,
of several servers the approximation of Sakasegawa [1]. A queue has not run for ever, so near and beyond
the most that is served the mean follows the curve that joins the steady queue with the plain excess of
arrivals over a stated time [2]. The tail of a wait is exponential, as in heavy traffic [3].

[1] H. Sakasegawa, "An approximation formula L_q = alpha rho^beta / (1 - rho)", Ann. Inst. Statist. Math. 29 (1977).
[2] R. M. Kimber and E. M. Hollis, "Traffic queues and delays at road junctions", TRRL LR 909 (1979); Highway
    Capacity Manual 2000, chapter 16, incremental delay.
[3] L. Kleinrock, "Queueing Systems", vol. 2 (1976), chapter 2: heavy traffic (Kingman) and fluid approximations.
[4] E. B. Wilson and M. M. Hilferty, "The distribution of chi-square", PNAS 17 (1931).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from accord.base.array import Array

QUANTILES = (0.5, 0.9, 0.99)
CONSTANT, EXPONENTIAL = 0.5, 1.0  # (1 + squared coefficient of variation) / 2 of the time in service


@dataclass(frozen=True, slots=True)
class Ttft:
    """Time to first token [s], shape ``(D,)``: its mean and quantiles over requests."""

    mean_s: Array
    p50_s: Array
    p90_s: Array
    p99_s: Array

    def metrics(self) -> dict[str, Array]:
        """By the names of the measured tables."""
        return {
            "ttft_s": self.mean_s, "ttft_p50_s": self.p50_s, "ttft_p90_s": self.p90_s, "ttft_p99_s": self.p99_s
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, shape ``(D,)``: part of arrivals that wait at all, and the mean wait of all of them [s]."""

    waits: Array
    mean_s: Array

    def quantile_s(self, share: float) -> Array:
        """The wait that ``share`` of arrivals do not exceed: ``P(W > t) = p exp(-p t / mean)``."""
        some = np.maximum(self.waits, 1e-12)
        return np.maximum(np.log(some / (1.0 - share)), 0.0) * self.mean_s / some


def queue(load: Array, per_s: Array, servers: Array, variability: float, window_s: Array) -> Queue:
    """The queue before ``servers`` that start up to ``per_s`` requests a second together.

    load: arrivals over ``per_s``; above 1 it is taken as 1, see :func:`backlog_s` for the rest
    variability: CONSTANT or EXPONENTIAL times in service
    window_s: how long the queue has been building; a long one gives the steady queue
    """
    busy = np.clip(load, 0.0, 1.0)
    waits = busy ** (np.sqrt(2.0 * (np.maximum(servers, 1.0) + 1.0)) - 1.0)
    slack = 1.0 - busy
    work = variability * waits / per_s
    # [2] states this as window / 4 (sqrt(slack^2 + 8 work / window) - slack), which loses digits
    return Queue(waits, 2.0 * work / (np.sqrt(slack**2 + 8.0 * work / window_s) + slack))


def backlog_s(load: Array, window_s: Array) -> Array:
    """Wait of the last to arrive in ``window_s`` where more arrives than is served; evenly less before."""
    return np.maximum(load - 1.0, 0.0) * window_s


def behind(count: Array, share: float) -> Array:
    """Quantile over mean of the wait behind ``count`` requests that leave at random: gamma, by [4]."""
    ninth = 1.0 / (9.0 * np.maximum(count, 1e-9))
    return np.maximum(1.0 - ninth + NormalDist().inv_cdf(share) * np.sqrt(ninth), 0.0) ** 3

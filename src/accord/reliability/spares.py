"""Domains in repair, the spares that stand in for them, and waiting where there are none left.

Each interruption of a node sends one domain to repair; repairs do not wait for each other and take an exponential
time. Their number is that of a queue with servers for all: Poisson of mean ``rate x repair``, and less while a run is
young. A job that needs all its domains stands still once one more is out than it has spares: then no more fail, and
the number is the same Poisson cut off there, as in Erlang's loss formula.
"""

from __future__ import annotations

import math

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import UsageError

MOST_SPARES = 100_000


def in_repair(node_s: Array, repair_s: float, after_s: Array) -> Array:
    """Mean number of domains in repair some time after the start, where nothing stands still."""
    if repair_s < 1e-9:
        return np.zeros(np.broadcast_shapes(node_s.shape, after_s.shape))
    return np.asarray(-node_s * repair_s * np.expm1(-np.minimum(after_s / repair_s, 700.0)), dtype=np.float64)


def erlang(load: Array, servers: int) -> Array:
    """Share of the time at which all ``servers`` are taken (Erlang B), for loads of any shape."""
    inverse = np.ones(np.shape(load))
    safe = np.maximum(load, 1e-300)
    with np.errstate(over="ignore"):
        for at in range(1, servers + 1):
            inverse = 1.0 + inverse * (at / safe)
            if at > float(np.max(safe)) and float(np.min(inverse)) > 1e15:
                break  # it only falls from here
    return np.asarray(1.0 / inverse, dtype=np.float64)


def excess(load: Array, spares: int) -> tuple[Array, Array]:
    """Mean of how many more are in repair than there are spares, and the chance that any is; Poisson.

    The mean is ``load - spares`` plus the mean of what is left over, summed over the counts up to the spares.
    """
    term = np.exp(-np.minimum(load, 700.0))
    if spares > 100 or np.any(load > 700.0):
        return _normal_excess(load, spares)
    below, left = np.zeros(np.shape(load)), np.zeros(np.shape(load))
    for at in range(spares + 1):
        below = below + term
        left = left + (spares - at) * term
        term = term * load / (at + 1)
        if at > float(np.max(load)) and float(np.max(term)) < 1e-18:
            break
    return np.maximum(load - spares + left, 0.0), np.clip(1.0 - below, 0.0, 1.0)


def _normal_excess(load: Array, spares: int) -> tuple[Array, Array]:
    """The same for large numbers, where a Poisson count is nearly normal."""
    sd = np.sqrt(np.maximum(load, 1e-300))
    z = (load - spares) / sd
    chance = np.asarray(_phi((load - spares - 0.5) / sd))
    return (load - spares) * _phi(z) + sd * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi), chance


def _phi(z: Array) -> Array:
    return np.asarray([0.5 * math.erfc(-float(one) / math.sqrt(2.0)) for one in np.ravel(z)]).reshape(np.shape(z))


def needed(node_s: Array | float, repair_s: float, confidence: float) -> int:
    """Spares, in domains, with which a job does not wait at a moment with this chance.

    node_s: rate at which domains fail [1/s], shape ``(S,)``: the chance is then the mean over draws
    Raises UsageError for a confidence that is no share between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise UsageError(f"a confidence of {confidence:g}", hint="give a share between 0 and 1, such as 0.99")
    load = array(node_s) * repair_s
    low, high = -1, 1
    while high < MOST_SPARES and float(np.mean(excess(load, high)[1])) > 1.0 - confidence:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        enough = float(np.mean(excess(load, middle)[1])) <= 1.0 - confidence
        low, high = (low, middle) if enough else (middle, high)
    return high

"""How often a job is interrupted, by what, and how sure that is.

The constants are those of :mod:`accord.reliability.fit`. A job of ``n`` chips is interrupted at the rate
``node x n x (1 + elsewhere x (n / 1024)^growth) + job``: more than in proportion to its size.

Nodes are not alike. A few, the lemons, make most of the interruptions: a share ``lemons`` of the nodes makes the
share ``lemon_events`` of what strikes nodes. How many of them a job gets is chance, which spreads the counts of equal
jobs. Where nodes that failed are put aside, lemons leave first, and the rate falls with time from its mean towards that
of the others: the times between interruptions are then no exponential ones (:meth:`Rates.decay`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import UsageError
from accord.reliability.fit import REFERENCE_CHIPS
from accord.uncertainty.draws import standard

COMPONENTS = ("accelerator", "host", "elsewhere", "site")
_SHARES = ("accelerator_share", "lemons", "lemon_events")


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of interruptions; every field a number or an array of shape ``(S,)``, one entry a draw.

    node_per_chip_s: of a chip's node [1/s a chip]; accelerator_share: of that, the accelerator and its memory [1]
    elsewhere: network and software relative to it, of a job of 1,024 chips [1]; growth: exponent of its growth [1]
    job_per_s: whatever the size [1/s]; planned: planned interruptions relative to the unexpected [1]
    lemons, lemon_events: share of the nodes that makes this share of what strikes nodes; node_chips: of a node
    slow_per_chip_s: chips that turn slow [1/s a chip]; slow_s: how long they stay so; slowdown: mean part by which
        a step is longer then [1]
    log_sd: standard deviation of the logarithm of a job's rate [1], told in words, not drawn from
    """

    node_per_chip_s: Array | float
    accelerator_share: Array | float = 0.8
    elsewhere: Array | float = 0.0
    growth: Array | float = 0.0
    job_per_s: Array | float = 0.0
    planned: Array | float = 0.0
    lemons: Array | float = 0.0
    lemon_events: Array | float = 0.0
    node_chips: Array | float = 8.0
    slow_per_chip_s: Array | float = 0.0
    slow_s: Array | float = 0.0
    slowdown: Array | float = 0.0
    log_sd: float = 0.0

    def node_s(self, chips: float) -> Array:
        """Interruptions of a job's nodes [1/s], shape ``(S,)``."""
        return np.asarray(array(self.node_per_chip_s) * chips, dtype=np.float64)

    def elsewhere_s(self, chips: float) -> Array:
        """Interruptions from outside its nodes that grow with a job [1/s], shape ``(S,)``."""
        grown = (chips / REFERENCE_CHIPS) ** array(self.growth)
        return np.asarray(self.node_s(chips) * array(self.elsewhere) * grown, dtype=np.float64)

    def total_s(self, chips: float) -> Array:
        """Unexpected interruptions of a job [1/s], shape ``(S,)``."""
        return self.node_s(chips) + self.elsewhere_s(chips) + array(self.job_per_s)

    def mttf_s(self, chips: float) -> Array:
        """Mean time between unexpected interruptions of a job [s], shape ``(S,)``; infinite for none."""
        total = self.total_s(chips)
        return np.asarray(np.divide(1.0, total, out=np.full(total.shape, np.inf), where=total > 0.0), dtype=np.float64)

    def by_component(self, chips: float) -> dict[str, Array]:
        """Unexpected interruptions by what they strike [1/s], by name of :data:`COMPONENTS`; they sum to the total."""
        node, share = self.node_s(chips), array(self.accelerator_share)
        parts = (node * share, node * (1.0 - share), self.elsewhere_s(chips), array(self.job_per_s) + 0.0 * node)
        return dict(zip(COMPONENTS, parts, strict=True))

    def decay(self) -> tuple[Array, Array]:
        """Where failed nodes are put aside: the part of the nodes' rate that goes, and how fast [1/s].

        A slot holds a lemon with the chance ``p`` at first. It fails at ``h`` if it does, else at ``g``, and a node
        drawn from the fleet takes its place: a chain of two states, whose mean rate falls to a rest as
        ``exp(-speed t)``. Returns the falling part of the mean rate [1], and the speed, shapes ``(S,)``.
        """
        lemon, other = self._multiples()
        p = array(self.lemons)
        node = array(self.node_per_chip_s) * array(self.node_chips)
        leave, enter = lemon * (1.0 - p), other * p
        rest = np.divide(enter, leave + enter, out=np.zeros_like(leave), where=leave + enter > 0.0)
        return (p - rest) * (lemon - other), node * (leave + enter)

    def frailty(self, chips: float, jobs: int, draw: np.random.Generator) -> tuple[Array, Array]:
        """Draw how many lemons each of some jobs got, for each of the ``(S,)`` entries.

        Returns their nodes' rate at first over the mean, shape ``(jobs, S)``, and that once lemons have left, ``(S,)``.
        """
        lemon, other = self._multiples()
        p = array(self.lemons)
        nodes = np.maximum(np.round(chips / array(self.node_chips)), 1.0).astype(np.int64)
        share = draw.binomial(nodes, p, (jobs, max(len(nodes), len(p)))) / nodes
        fall = self.decay()[0]
        return other + (lemon - other) * share, 1.0 - fall

    def frailty_variance(self, chips: float) -> Array:
        """Variance of a job's rate of its nodes over its mean, from the chance of lemons [1], shape ``(S,)``."""
        lemon, other = self._multiples()
        p = array(self.lemons)
        nodes = np.maximum(chips / array(self.node_chips), 1.0)
        return np.asarray((lemon - other) ** 2 * p * (1.0 - p) / nodes, dtype=np.float64)

    def lots(self, chips: float) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Two equal jobs that stand for all by their lot of lemons: weight [1], and what their nodes' rate is off [1].

        Off is relative to the mean; weights and values have the mean, variance and skewness of a binomial number.
        """
        p = array(self.lemons)
        count = np.maximum(chips / array(self.node_chips), 1.0) * p * (1.0 - p)
        skew = np.divide(1.0 - 2.0 * p, np.sqrt(count), out=np.zeros_like(count), where=count > 0.0)
        half = 0.5 * np.sqrt(skew**2 + 4.0)
        few, many = 0.5 * skew - half, 0.5 * skew + half
        sd = np.sqrt(self.frailty_variance(chips))
        return (many / (many - few), sd * few), (-few / (many - few), sd * many)

    def _multiples(self) -> tuple[Array, Array]:
        """Rate of a lemon and of another node over the mean of all nodes."""
        p, q = array(self.lemons), array(self.lemon_events)
        known = (p > 0.0) & (q > 0.0)
        lemon = np.divide(q, p, out=np.ones(np.broadcast_shapes(p.shape, q.shape)), where=known)
        other = np.divide(1.0 - q, 1.0 - p, out=np.ones_like(lemon), where=known & (p < 1.0))
        return lemon, other


def draw(values: Mapping[str, float], log_sd: Mapping[str, float], count: int, scatter: float = 0.0) -> Rates:
    """Draw rates: each constant is lognormal about its median, in a stream of its own.

    values: medians by name of :class:`Rates`; log_sd: spreads of their logarithms, exact where left out
    count: draws, 0 for the medians alone; scatter: spread of the logarithm of a source's rates as a whole
    Shares stay at most 1. Raises UsageError for a name that is none of Rates.
    """
    known = {field.name for field in fields(Rates)}
    for name in values:
        if name not in known:
            raise UsageError(f"'{name}' is no constant of rates", hint=f"known: {', '.join(sorted(known))}")
    drawn: dict[str, Any] = {}
    shared = np.exp(scatter * standard("reliability cluster", count)) if count else 1.0
    for name, value in values.items():
        noise = standard(f"reliability {name}", count) if count else 0.0
        one = value * np.exp(log_sd.get(name, 0.0) * noise)
        if name in ("node_per_chip_s", "job_per_s"):
            one = one * shared
        drawn[name] = np.minimum(one, 1.0) if name in _SHARES else one
    whole = float(np.hypot(scatter, log_sd.get("node_per_chip_s", 0.0)))
    return replace(Rates(**drawn), log_sd=whole)

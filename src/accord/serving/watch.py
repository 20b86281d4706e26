"""The state of a run at evenly spaced times."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log2

import numpy as np

from accord.base.array import Array
from accord.serving.cluster import Cluster
from accord.serving.result import PoolUse, Series

MOST = 600  # points; beyond it every second one is dropped and the distance doubles


class Watch:
    """Mutable samples of a cluster.

    tick_s: distance of points; a row has, for each pool: running, waiting, blocks used, blocks, instances, and the
    seconds its busiest link was busy so far
    """

    def __init__(self, tick_s: float, span_s: float) -> None:
        """Begin with no point. span_s: that the run lasts at least; the distance is doubled beforehand to suit it."""
        self.tick_s = tick_s * 2.0 ** max(0, ceil(log2(max(span_s, tick_s) / tick_s / MOST)))
        self._next = 0
        self._rows: list[list[list[float]]] = []

    def look(self, cluster: Cluster, now_s: float) -> float:
        """Note the state at all points up to now; returns the time of the next one."""
        row = _state(cluster)
        while self._next * self.tick_s <= now_s:
            self._add(row)
        return self._next * self.tick_s

    def finish(self, cluster: Cluster, now_s: float) -> None:
        """Note the state at the end of the run, at the first point after it."""
        self.look(cluster, now_s)
        self._add(_state(cluster))

    def _add(self, row: list[list[float]]) -> None:
        self._rows.append(row)
        self._next += 1
        if len(self._rows) > MOST:
            self._rows = self._rows[::2]
            self.tick_s *= 2.0
            self._next = len(self._rows)

    def series(self, cluster: Cluster) -> Mapping[str, Series]:
        """Series of each pool, and of all under ``all``."""
        table = np.asarray(self._rows, dtype=np.float64)  # (T, pools, 6)
        time = np.arange(len(table), dtype=np.float64) * self.tick_s
        whole = table.sum(axis=1)
        whole[:, 5] = table[:, :, 5].max(axis=1)
        found = {pool.name: self._one(time, table[:, at]) for at, pool in enumerate(cluster.pools)}
        return {**found, "all": self._one(time, whole)}

    def _one(self, time: Array, table: Array) -> Series:
        running, waiting, used, blocks, instances, busy = table.T
        share = np.divide(used, blocks, out=np.zeros_like(used), where=blocks > 0.0)
        links = np.diff(busy, prepend=0.0) / self.tick_s
        return Series(time, running, waiting, np.clip(share, 0.0, 1.0), instances, np.clip(links, 0.0, 1.0))


def _state(cluster: Cluster) -> list[list[float]]:
    found = [[0.0, float(waiting), 0.0, 0.0, 0.0, 0.0] for waiting in cluster.unrouted()]
    for one, pool, (egress, ingress, pooled) in zip(cluster.instances, cluster.own, cluster.links, strict=True):
        row = found[pool]
        busy = max(egress.busy_s, ingress.busy_s, pooled.busy_s)
        row[5] = max(row[5], busy)
        if one.up:
            running, waiting = one.counts()
            row[0] += running
            row[1] += waiting
            row[2] += one.used_blocks()
            row[3] += one.rank.blocks.total * len(one.ranks)
            row[4] += 1.0
    return found


def uses(cluster: Cluster) -> tuple[PoolUse, ...]:
    """Totals of each pool up to now."""
    cluster.close()
    answers = cluster.book.answer_tokens(len(cluster.instances))
    found: list[PoolUse] = []
    for at, pool in enumerate(cluster.pools):
        own = [one for one in cluster.instances if cluster.own[one.number] == at]
        busiest = max((link.busy_s for one in own for link in cluster.links[one.number]), default=0.0)
        found.append(PoolUse(
            pool.name, pool.chips, len(own), sum(one.busy_s for one in own), sum(one.up_s for one in own),
            sum(one.iterations for one in own), sum(one.prompt_tokens for one in own),
            sum(answers[one.number] for one in own), sum(one.hit_tokens for one in own),
            sum(one.asked_tokens for one in own), sum(one.preemptions for one in own), busiest,
        ))  # fmt: skip
    return tuple(found)

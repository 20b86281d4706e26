"""The state of a run at evenly spaced times."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from accord.base.array import Array
from accord.serving.cluster import Cluster
from accord.serving.result import PoolUse, Series

MOST = 1024  # points; beyond it every second one is dropped and the distance doubles


class Watch:
    """Mutable samples of a cluster.

    tick_s: distance of points; a row has, for each pool: running, waiting, blocks used, blocks, instances, and the
    seconds its busiest link was busy so far
    """

    def __init__(self, tick_s: float) -> None:
        """Begin with no point."""
        self.tick_s = tick_s
        self._next = 0
        self._rows: list[list[tuple[float, ...]]] = []

    def look(self, cluster: Cluster, now_s: float) -> float:
        """Note the state at all points up to now; returns the time of the next one."""
        row = [_state(cluster, at) for at in range(len(cluster.pools))]
        while self._next * self.tick_s <= now_s:
            self._rows.append(row)
            self._next += 1
            if len(self._rows) > MOST:
                self._rows = self._rows[::2]
                self.tick_s *= 2.0
                self._next = len(self._rows)
        return self._next * self.tick_s

    def series(self, cluster: Cluster) -> Mapping[str, Series]:
        """Series of each pool, and of all under ``all``."""
        if not self._rows:
            return {}
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


def _state(cluster: Cluster, pool: int) -> tuple[float, ...]:
    running = waiting = used = blocks = count = 0.0
    busiest = 0.0
    for one in cluster.instances:
        if cluster.own[one.number] != pool:
            continue
        busiest = max(busiest, *(link.busy_s for link in cluster.links[one.number]))
        if not one.up:
            continue
        count += 1.0
        used += one.used_blocks()
        runs, waits = one.counts()
        running += runs
        waiting += waits
        blocks += one.rank.blocks.total * len(one.ranks)
    return running, waiting, used, blocks, count, busiest


def uses(cluster: Cluster) -> tuple[PoolUse, ...]:
    """Totals of each pool up to now."""
    cluster.close()
    found: list[PoolUse] = []
    for at, pool in enumerate(cluster.pools):
        own = [one for one in cluster.instances if cluster.own[one.number] == at]
        busiest = max((link.busy_s for one in own for link in cluster.links[one.number]), default=0.0)
        found.append(PoolUse(
            pool.name, pool.chips, len(own), sum(one.busy_s for one in own), sum(one.up_s for one in own),
            sum(one.iterations for one in own), sum(one.prompt_tokens for one in own),
            sum(one.answer_tokens for one in own), sum(one.hit_tokens for one in own),
            sum(one.asked_tokens for one in own), sum(one.preemptions for one in own), busiest,
        ))  # fmt: skip
    return tuple(found)

"""More instances where requests wait, fewer where none do."""

from __future__ import annotations

from accord.serving.cluster import Cluster
from accord.serving.engine import END, FAILURE, RECOVERY
from accord.serving.instance import Instance
from accord.serving.result import Event
from accord.serving.spec import Autoscale


class Scaler:
    """Looks at every pool each interval; instances that leave finish what they have."""

    def __init__(self, cluster: Cluster, rule: Autoscale) -> None:
        """Plan the first look."""
        self._cluster, self._rule = cluster, rule
        self._loading: set[int] = set()
        self._plan()

    def _plan(self) -> None:
        engine = self._cluster.engine
        engine.at(engine.clock_s + self._rule.interval_s, FAILURE, len(self._cluster.instances), self._look, None)

    def _look(self, argument: None) -> None:
        cluster, rule = self._cluster, self._rule
        for at in range(len(cluster.pools)):
            own = [one for one in cluster.instances if cluster.own[one.number] == at]
            for one in own:
                if one.up and one.draining and not one.holds_any:
                    one.retire()
            serving = [one for one in own if one.up and not one.draining]
            coming = [one for one in own if one.number in self._loading]
            waiting = sum(one.counts()[1] for one in serving)
            each = waiting / max(len(serving), 1)
            if each > rule.up and len(serving) + len(coming) < rule.most:
                self._more(at)
            elif each < rule.down and len(serving) > rule.least and not coming:
                self._less(serving)
        self._plan()

    def _more(self, pool: int) -> None:
        """A new instance, or one that left before, loads."""
        cluster, engine = self._cluster, self._cluster.engine
        one = next((
            one for one in cluster.instances
            if cluster.own[one.number] == pool and one.draining and not one.up and one.number not in self._loading
        ), None)  # fmt: skip
        if one is None:
            one = cluster.add(pool)
            one.retire()
        self._loading.add(one.number)
        cluster.events.append(Event(engine.clock_s, one.number, "scale-up"))
        engine.at(engine.clock_s + one.pool.load_s, END, one.number, self._ready, one, RECOVERY)

    def _ready(self, one: Instance) -> None:
        self._loading.discard(one.number)
        self._cluster.recover(one)

    def _less(self, serving: list[Instance]) -> None:
        """The least loaded instance, the last of equals, takes nothing new."""
        one = min(reversed(serving), key=lambda each: each.load)
        one.draining = True
        self._cluster.find_serving()
        self._cluster.events.append(Event(self._cluster.engine.clock_s, one.number, "scale-down"))

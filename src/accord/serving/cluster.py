"""Pools, routers, links and caches between them: where requests go, and what happens when an instance fails."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import isnan

import numpy as np
import numpy.typing as npt

from accord.base.streams import stream as random_stream
from accord.serving.book import ENDED, FETCHING, OUTSIDE, RUNNING, SENDING, WAITING, Book
from accord.serving.engine import ARRIVAL, CANCEL, END, FAILURE, FETCH, RECOVERY, TRANSFER, WRITE, Engine
from accord.serving.gaps import Tally
from accord.serving.grouped import Grouped
from accord.serving.instance import Instance
from accord.serving.links import Link, transfer_s
from accord.serving.pooled import PooledTraffic
from accord.serving.result import CANCELLED, COMPLETED, FAILED, UNFINISHED, Event, Span
from accord.serving.routers import ANSWERS, ROUTERS
from accord.serving.schedulers import SCHEDULERS
from accord.serving.spec import INFINITE, Pool, Rules
from accord.workloads.request import Workload


class Cluster:
    """Mutable state of a run: the host of all instances.

    instances: by number; remaining: requests that have not ended; events: for a time line
    """

    def __init__(self, pools: Sequence[Pool], workload: Workload, rules: Rules, book: Book, engine: Engine) -> None:
        """Build all instances; nothing is planned yet."""
        self.pools, self.workload, self.rules, self.book, self.engine = pools, workload, rules, book, engine
        self.tally = Tally()
        self.events: list[Event] = []
        self.spans: list[Span] = []
        self.instances: list[Instance] = []
        self.links: list[tuple[Link, Link, Link]] = []
        self.own: list[int] = []
        self.weight = self._weight()
        for at, pool in enumerate(pools):
            for _ in range(pool.instances):
                self.add(at)
        self._routers = tuple(
            routers[rules.router](random_stream(rules.seed, f"router {stage}"))
            for stage, routers in enumerate((ROUTERS, ANSWERS))
        )
        self._most = self._most_tokens()
        self._pooled: PooledTraffic | None = None
        if rules.pooled is not None and workload.block_tokens:
            self._pooled = PooledTraffic(rules.pooled, book, int(min(rules.pooled.capacity_tokens / book.unit, 1e18)))
        book.sharing = self._pooled is not None
        self.remaining = 0
        self._where: dict[int, Instance] = {}
        self._sender: dict[int, Instance] = {}
        self._ticket: dict[int, int] = {}
        self._tickets = 0
        self._homeless: tuple[list[int], list[int]] = ([], [])
        self._outside: deque[int] = deque()
        self._in_flight = 0
        self._followers: dict[int, list[int]] = {}
        for request, before in enumerate(workload.follows.tolist()):
            if before >= 0:
                self._followers.setdefault(before, []).append(request)
        self.find_serving()

    def _weight(self) -> int:
        """Blocks of a unit of the prefix cache; the engine's block and the trace's must divide one another."""
        block, hashed = self.pools[0].block_tokens, self.workload.block_tokens
        if hashed > block:
            return hashed // block
        if hashed:
            self.book.stride, self.book.unit = block // hashed, block
        return 1

    def _most_tokens(self) -> int:
        """The longest prompt and answer that every pool can hold."""
        return min(pool.kv_tokens // pool.block_tokens * pool.block_tokens for pool in self.pools)

    def add(self, pool: int) -> Instance:
        """One more instance."""
        one, rules = self.pools[pool], self.rules
        kind = Grouped if one.groups > 1 else Instance
        made = kind(
            len(self.instances), one, SCHEDULERS[rules.scheduler], self.book, self.engine, self, self.tally,
            self.weight, self.spans if rules.spans else None,
        )  # fmt: skip
        made.up_since_s = self.engine.clock_s
        self.instances.append(made)
        self.own.append(pool)
        pooled = rules.pooled.link_bytes_per_s if rules.pooled is not None else INFINITE
        self.links.append((Link(one.egress_bytes_per_s), Link(one.ingress_bytes_per_s), Link(pooled)))
        return made

    def find_serving(self) -> None:
        """Find again which instances take requests."""
        serving = [one for one in self.instances if one.up and not one.draining]
        self._stages = (
            [one for one in serving if one.pool.role != "decode"],
            [one for one in serving if one.pool.role == "decode"],
        )

    # Arrivals

    def start(self, comes: npt.NDArray[np.bool_]) -> None:
        """Plan arrivals, loads and failures. comes: requests of the run, shape ``(N,)``."""
        self.remaining = int(np.count_nonzero(comes))
        self._comes = comes
        for one in self.instances:
            if one.pool.cold and one.pool.load_s > 0.0:
                one.retire()
                self._note(one, "loading")
                self.engine.at(one.pool.load_s, END, one.number, self.recover, one, RECOVERY)
            else:
                self._plan_failure(one)
        for outage in self.rules.outages:
            one = self.instances[outage.instance]
            self.engine.at(outage.start_s, FAILURE, one.number, self._fail, (one, outage.down_s, None))
        self.find_serving()
        self._arrivals = iter(np.flatnonzero(comes & (self.workload.follows < 0)).tolist())
        self._next_arrival()

    def _next_arrival(self) -> None:
        request = next(self._arrivals, None)
        if request is not None:
            self.engine.at(self.book.arrival[request], ARRIVAL, request, self._come, request)

    def _come(self, request: int) -> None:
        self._next_arrival()
        self._arrive(request)

    def _arrive(self, request: int) -> None:
        """A request arrives, or waits outside where the closed loop is full."""
        most = self.workload.concurrency
        if most is not None and self._in_flight >= most:
            self._outside.append(request)
            return
        self._in_flight += 1
        self._enter(request)

    def _enter(self, request: int) -> None:
        book, now = self.book, self.engine.clock_s
        book.arrival[request] = now
        book.at[request] = WAITING
        if book.prompt[request] + book.answer[request] > self._most:
            self._over(request, FAILED)
            return
        patience = float(self.workload.patience_s[request])
        if patience < INFINITE:
            self.engine.at(now + patience, CANCEL, request, self._cancel, request)
        self._dispatch(request, 0)

    def _dispatch(self, request: int, stage: int) -> None:
        """Route a request to a pool that computes prompts (stage 0), or one that decodes them (1)."""
        candidates = self._stages[stage]
        if not candidates:
            self._homeless[stage].append(request)
            self.book.at[request] = WAITING
            return
        one = candidates[self._routers[stage].pick(candidates, request)]
        self._where[request] = one
        one.take(request)
        if stage:
            one.receive(request, remote=True)
        elif self._pooled is None or not self._fetch(self._pooled, request, one):
            one.receive(request)

    # The pooled cache

    def _fetch(self, pooled: PooledTraffic, request: int, one: Instance) -> bool:
        """Fetch what the pooled cache knows of a prompt beyond what its group does; False where that is nothing."""
        ready = pooled.fetch(request, one, self.links[one.number][2], self.engine.clock_s)
        if ready is None:
            return False
        one.expect(request)
        self.book.at[request] = FETCHING
        self.engine.at(ready, END, one.number, self._fetched, (request, one, self._issue(request)), FETCH)
        return True

    def _issue(self, request: int) -> int:
        """A ticket that what is on its way must still hold when it arrives."""
        self._tickets += 1
        self._ticket[request] = self._tickets
        return self._tickets

    def _fetched(self, argument: tuple[int, Instance, int]) -> None:
        request, one, ticket = argument
        if self._ticket.get(request) == ticket:
            del self._ticket[request]
            one.receive(request)

    def computed(self, instance: int, request: int) -> None:
        """See :class:`accord.serving.host.Host`: a computed prompt is written to the pooled cache."""
        one = self.instances[instance]
        if self._pooled is None or one.pool.role == "decode":
            return
        written = self._pooled.write(request, self.links[instance][2], self.engine.clock_s)
        if written is not None:
            ready, units = written
            self.engine.at(ready, END, instance, self._stored, (one, one.life, units), WRITE)

    def _stored(self, argument: tuple[Instance, int, Sequence[int]]) -> None:
        one, life, units = argument
        if self._pooled is not None and life == one.life:
            self._pooled.store(units)

    # From pool to pool

    def prefilled(self, instance: int, request: int) -> None:
        """See :class:`accord.serving.host.Host`."""
        self._sender[request] = self._where.pop(request)
        self._dispatch(request, 1)

    def fetch_from_prefill(self, instance: int, request: int) -> None:
        """See :class:`accord.serving.host.Host`."""
        sender, receiver, book = self._sender[request], self.instances[instance], self.book
        pool = sender.pool
        size = book.sent_tokens(request) * pool.bytes_per_token
        egress, ingress = self.links[sender.number][0], self.links[instance][1]
        stream = min(pool.stream_bytes_per_s, receiver.pool.stream_bytes_per_s)
        at = transfer_s(egress, ingress, self.engine.clock_s, size, pool.latency_s, stream)
        book.at[request] = SENDING
        self.engine.at(at, END, instance, self._sent, (request, receiver, self._issue(request)), TRANSFER)

    def _sent(self, argument: tuple[int, Instance, int]) -> None:
        request, receiver, ticket = argument
        if self._ticket.get(request) != ticket:
            return
        del self._ticket[request]
        book, now = self.book, self.engine.clock_s
        if isnan(book.first[request]):
            book.first[request] = now
        elif request in book.last_s:
            self.tally.add(now - book.last_s[request], 1)
            book.last_s[request] = now
        book.at[request] = RUNNING
        self._sender.pop(request).sent(request)
        receiver.arrived(request)

    def _withdraw(self, request: int) -> None:
        """A request that does not run is nowhere any more; what its prompt gave never reached the user."""
        self._ticket.pop(request, None)
        for queue in self._homeless:
            if request in queue:
                queue.remove(request)
        one, sender = self._where.pop(request, None), self._sender.pop(request, None)
        if one is not None and one.up:
            one.drop(request)
        if sender is not None:
            if sender.up:
                sender.sent(request)
            self.book.take_back(request)

    # Ends

    def ended(self, request: int) -> None:
        """See :class:`accord.serving.host.Host`."""
        book = self.book
        book.produced[request] = book.answer[request]
        self._over(request, COMPLETED)

    def aborted(self, request: int) -> None:
        """See :class:`accord.serving.host.Host`."""
        self._over(request, CANCELLED)

    def _over(self, request: int, status: int) -> None:
        book, engine = self.book, self.engine
        book.status[request] = status
        book.at[request] = ENDED
        book.finish[request] = engine.clock_s
        self._where.pop(request, None)
        for notes in (book.last_s, book.turns, book.fetched, book.known):
            notes.pop(request, None)
        self.remaining -= 1
        if not self.remaining:
            engine.stopped = True
        for follower in self._followers.pop(request, ()):
            if self._comes[follower]:
                wait = float(self.workload.wait_s[follower])
                engine.at(engine.clock_s + wait, ARRIVAL, follower, self._arrive, follower)
        if self._outside:
            following = self._outside.popleft()
            engine.at(engine.clock_s, ARRIVAL, following, self._enter, following)
        else:
            self._in_flight -= 1

    def _cancel(self, request: int) -> None:
        """A user's patience has ended."""
        book = self.book
        if book.status[request] != UNFINISHED:
            return
        one = self._where.get(request)
        if book.at[request] == RUNNING and one is not None:
            one.abort(request)
        else:
            self._withdraw(request)
            self._over(request, CANCELLED)

    # Failures and repairs

    def _plan_failure(self, one: Instance) -> None:
        own, rules = one.pool, self.rules
        mtbf_s = rules.mtbf_s if own.mtbf_s is None else own.mtbf_s
        if mtbf_s < INFINITE:
            draw = random_stream(rules.seed, f"failure {one.number} {len(self.events)}")
            lasts = float(draw.exponential(mtbf_s))
            argument = (one, rules.repair_s if own.repair_s is None else own.repair_s, one.life)
            self.engine.at(self.engine.clock_s + lasts, FAILURE, one.number, self._fail, argument)

    def _fail(self, argument: tuple[Instance, float, int | None]) -> None:
        """An instance loses all it has; its requests are routed again. A drawn failure is of one life."""
        one, down_s, life = argument
        if not one.up or life not in (None, one.life):
            return
        had = sorted(one.fail())
        self._note(one, "down")
        self.find_serving()
        self.engine.at(self.engine.clock_s + down_s, END, one.number, self._load, one, RECOVERY)
        for request in had:
            self._withdraw(request)
        for request in sorted(had, key=self._turn):
            if self.engine.clock_s > self.book.arrival[request] + float(self.workload.patience_s[request]):
                self._over(request, CANCELLED)  # was to go at the end of the iteration
            else:
                self.book.restarted[request] += 1
                self._dispatch(request, 0)

    def _turn(self, request: int) -> tuple[float, int]:
        """Order in which requests are routed that could not be, or must be again."""
        return self.book.arrival[request], request

    def _load(self, one: Instance) -> None:
        """A repaired instance loads its model."""
        self._note(one, "loading")
        self.engine.at(self.engine.clock_s + one.pool.load_s, END, one.number, self.recover, one, RECOVERY)

    def recover(self, one: Instance) -> None:
        """An instance serves (again)."""
        if one.up:
            return
        one.revive()
        self._note(one, "up")
        self.find_serving()
        self._plan_failure(one)
        for stage, queue in enumerate(self._homeless):
            if queue and self._stages[stage]:
                waiting = sorted(queue, key=self._turn)
                queue.clear()
                for request in waiting:
                    self._dispatch(request, stage)

    def unrouted(self) -> list[int]:
        """Requests that wait because no instance of a pool is up, by pool."""
        found = [0] * len(self.pools)
        for stage, queue in enumerate(self._homeless):
            if queue:
                found[next(at for at, pool in enumerate(self.pools) if (pool.role == "decode") == bool(stage))] = len(
                    queue
                )
        return found

    def close(self) -> None:
        """Bring totals, and what running requests have produced, up to now; nothing goes on after it."""
        for request in self._sender:
            self.book.take_back(request)
        for one in self.instances:
            one.close()

    def _note(self, one: Instance, what: str) -> None:
        self.events.append(Event(self.engine.clock_s, one.number, what))


__all__ = ["OUTSIDE", "Cluster"]

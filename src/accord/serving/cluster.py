"""Pools, routers, links and caches between them: where requests go, and what happens when an instance fails."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import isnan

from accord.base.streams import stream as random_stream
from accord.serving.book import ENDED, FETCHING, OUTSIDE, RUNNING, SENDING, WAITING, Book
from accord.serving.cache import Pooled
from accord.serving.engine import ARRIVAL, CANCEL, END, FAILURE, Engine
from accord.serving.gaps import Tally
from accord.serving.grouped import Grouped
from accord.serving.instance import Instance
from accord.serving.links import Link, transfer_s
from accord.serving.result import CANCELLED, COMPLETED, FAILED, UNFINISHED, Event, Span
from accord.serving.routers import ROUTERS
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
        self._routers = tuple(ROUTERS[rules.router](random_stream(rules.seed, f"router {stage}")) for stage in range(2))
        self._most = self._most_tokens()
        self._split = any(pool.role == "prefill" for pool in pools)
        units = 0.0
        if rules.pooled is not None and workload.block_tokens:
            units = rules.pooled.capacity_tokens / book.unit
        self.pooled = Pooled(int(min(units, 1e18))) if units >= 1.0 else None
        book.sharing = self.pooled is not None
        self.remaining = 0
        self._where: dict[int, Instance] = {}
        self._sender: dict[int, Instance] = {}
        self._ticket: dict[int, int] = {}
        self._tickets = 0
        self._homeless: tuple[deque[int], deque[int]] = (deque(), deque())
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

    def start(self, count: int) -> None:
        """Plan the first ``count`` requests' arrivals, loads and failures."""
        self.remaining = count
        self._count = count
        for one in self.instances:
            if one.pool.cold and one.pool.load_s > 0.0:
                one.retire()
                self._note(one, "loading")
                self.engine.at(one.pool.load_s, END, one.number, self.recover, one)
            self._plan_failure(one)
        for outage in self.rules.outages:
            one = self.instances[outage.instance]
            self.engine.at(outage.start_s, FAILURE, one.number, self._fail, (one, outage.down_s))
        self.find_serving()
        own = self.workload.follows[:count] < 0
        self._arrivals = iter(own.nonzero()[0].tolist())
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
        one.load += 1
        if stage:
            one.receive(request, remote=True)
        elif self.pooled is None or not self._fetch(request, one):
            one.receive(request)

    # The pooled cache

    def _fetch(self, request: int, one: Instance) -> bool:
        """Fetch what the pool knows of a prompt beyond what its instance does; False where that is nothing."""
        book, pooled, rules = self.book, self.pooled, self.rules.pooled
        book.fetched.pop(request, None)
        if pooled is None or rules is None:
            return False
        unit = book.unit
        most = (book.prompt[request] + book.produced[request] - 1) // unit
        units = book.units(request)[:most]
        local = min(one.known_tokens(request) // unit, len(units))
        found = pooled.match(units[local:])
        if not found:
            return False
        pooled.use(units[local : local + found])
        book.fetched[request] = (local, local + found)
        size = found * unit * rules.bytes_per_token
        start, end = self.links[one.number][2].send(self.engine.clock_s, size)
        ready = max(end, start + size / rules.stream_bytes_per_s) + rules.latency_s
        one.coming_tokens += self._uncached(request)
        book.at[request] = FETCHING
        self.engine.at(ready, END, one.number, self._fetched, (request, one, self._issue(request)))
        return True

    def _uncached(self, request: int) -> int:
        """Prompt tokens that are to be computed when what was found in the pool has come."""
        return self.book.prompt[request] - self.book.fetched[request][1] * self.book.unit

    def _issue(self, request: int) -> int:
        """A ticket that what is on its way must still hold when it arrives."""
        self._tickets += 1
        self._ticket[request] = self._tickets
        return self._tickets

    def _fetched(self, argument: tuple[int, Instance, int]) -> None:
        request, one, ticket = argument
        if self._ticket.get(request) != ticket:
            return
        del self._ticket[request]
        one.coming_tokens -= self._uncached(request)
        one.receive(request)

    def computed(self, instance: Instance, request: int) -> None:
        """See :class:`accord.serving.instance.Host`: a computed prompt is written to the pooled cache."""
        pooled, rules, book = self.pooled, self.rules.pooled, self.book
        if pooled is None or rules is None or instance.pool.role == "decode":
            return
        units = [unit for unit in book.units(request)[book.known.pop(request, 0) :] if unit not in pooled]
        if units:
            size = len(units) * book.unit * rules.bytes_per_token
            start, end = self.links[instance.number][2].send(self.engine.clock_s, size)
            ready = max(end, start + size / rules.stream_bytes_per_s) + rules.latency_s
            self.engine.at(ready, END, instance.number, self._stored, (instance, instance.life, units))

    def _stored(self, argument: tuple[Instance, int, list[int]]) -> None:
        instance, life, units = argument
        if self.pooled is not None and life == instance.life:
            self.pooled.use(units)

    # From pool to pool

    def prefilled(self, instance: Instance, request: int) -> None:
        """See :class:`accord.serving.instance.Host`."""
        self._sender[request] = instance
        self._dispatch(request, 1)

    def fetch_from_prefill(self, instance: Instance, request: int) -> None:
        """See :class:`accord.serving.instance.Host`."""
        sender, book = self._sender[request], self.book
        pool = sender.pool
        size = (book.prompt[request] + book.produced[request] - 1) * pool.bytes_per_token
        egress, ingress = self.links[sender.number][0], self.links[instance.number][1]
        stream = min(pool.stream_bytes_per_s, instance.pool.stream_bytes_per_s)
        at = transfer_s(egress, ingress, self.engine.clock_s, size, pool.latency_s, stream)
        book.at[request] = SENDING
        self.engine.at(at, END, instance.number, self._sent, (request, instance, self._issue(request)))

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
        self._release(request)
        receiver.arrived(request)

    def _release(self, request: int) -> None:
        """The sender of a cache needs to keep it no longer."""
        sender = self._sender.pop(request, None)
        if sender is not None:
            sender.drop(request)
            sender.wake()

    # Ends

    def ended(self, request: int) -> None:
        """See :class:`accord.serving.instance.Host`."""
        book = self.book
        book.produced[request] = book.answer[request]
        self._over(request, COMPLETED)

    def aborted(self, request: int) -> None:
        """See :class:`accord.serving.instance.Host`."""
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
            if follower < self._count:
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
        at, one = book.at[request], self._where.get(request)
        if at == RUNNING and one is not None:
            one.abort(request)
            return
        for queue in self._homeless:
            if request in queue:
                queue.remove(request)
        self._ticket.pop(request, None)
        if request in self._sender:
            book.take_back(request)
        if one is not None and at == FETCHING:
            one.coming_tokens -= self._uncached(request)
            one.forget(request)
        elif one is not None:
            one.drop(request)
        self._release(request)
        self._over(request, CANCELLED)
        if one is not None and at == SENDING:
            one.wake()

    # Failures and repairs

    def _plan_failure(self, one: Instance) -> None:
        if self.rules.mtbf_s < INFINITE:
            draw = random_stream(self.rules.seed, f"failure {one.number} {len(self.events)}")
            lasts = float(draw.exponential(self.rules.mtbf_s))
            self.engine.at(self.engine.clock_s + lasts, FAILURE, one.number, self._fail, (one, self.rules.repair_s))

    def _fail(self, argument: tuple[Instance, float]) -> None:
        """An instance loses all it has; its requests are routed again."""
        one, down_s = argument
        if not one.up:
            return
        book, now = self.book, self.engine.clock_s
        had = one.fail()
        coming = [request for request, where in self._where.items() if where is one and book.at[request] == FETCHING]
        self._note(one, "down")
        self.find_serving()
        self.engine.at(now + down_s, END, one.number, self._load, one)
        again: list[int] = []
        for request in had + coming:
            self._ticket.pop(request, None)
            if one.pool.role == "prefill":
                receiver = self._where.get(request)
                if self._sender.pop(request, None) is not None:
                    self.book.take_back(request)
                    if receiver is not None and receiver is not one:
                        receiver.drop(request)
                        receiver.wake()
                    for queue in self._homeless:
                        if request in queue:
                            queue.remove(request)
            elif request in self._sender:
                self.book.take_back(request)
                self._release(request)
            book.restarted[request] += 1
            again.append(request)
        for request in sorted(again, key=lambda request: (book.arrival[request], request)):
            self._dispatch_again(request)

    def _dispatch_again(self, request: int) -> None:
        self._where.pop(request, None)
        limit = self.book.arrival[request] + float(self.workload.patience_s[request])
        if self.engine.clock_s >= limit:
            self._over(request, CANCELLED)
        else:
            self._dispatch(request, 0)

    def _load(self, one: Instance) -> None:
        """A repaired instance loads its model."""
        self._note(one, "loading")
        self.engine.at(self.engine.clock_s + one.pool.load_s, END, one.number, self.recover, one)

    def recover(self, one: Instance) -> None:
        """An instance serves (again)."""
        one.revive()
        self._note(one, "up")
        self.find_serving()
        self._plan_failure(one)
        for stage in (0, 1):
            if self._stages[stage]:
                queue = self._homeless[stage]
                for _ in range(len(queue)):
                    self._dispatch(queue.popleft(), stage)

    def _note(self, one: Instance, what: str) -> None:
        self.events.append(Event(self.engine.clock_s, one.number, what))


__all__ = ["OUTSIDE", "Cluster"]

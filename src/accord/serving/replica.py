"""One attention group: what its scheduler admits, what each iteration computes, and the blocks that takes.

Time is not known here: iterations are numbered, and a batch that does not change is brought up to an iteration
(:meth:`Rank.reach`) in one step.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import isnan
from typing import NamedTuple

from accord.serving.book import RUNNING, WAITING, Book
from accord.serving.cache import Blocks
from accord.serving.growth import Decoding, Even, Growth, Uneven
from accord.serving.scheduler import Scheduler
from accord.serving.spec import Pool


class Work(NamedTuple):
    """Prompt work of an iteration: tokens, pairs attended, prompts; and whether decoding requests take part."""

    tokens: int
    pairs: float
    prompts: int
    decodes: bool


LONGEST = 1 << 24  # units of a request
NOTHING = 1 << 30  # iterations for which a group that decodes nothing has all the blocks it needs
IDLE = Work(0, 0.0, 0, True)


def _own(request: int, place: int) -> int:
    """Name of a unit that only its request can ask for."""
    return -1 - request * LONGEST - place


class Rank:
    """Mutable state of a group.

    iteration: decode iterations that its counts stand for; batch, context, speed: decoding requests, their cached
    tokens together, and tokens that these grow by in an iteration
    running: by order of admission, with prompts in progress and those whose cache is on its way; decoding: of those
    done: prompts that the iteration under way completes; partial: the prompt in progress, -1 for none
    remote: requests whose cache lies elsewhere, with the tokens that room was made for; parked: whose cache is sent
    kept: units that preempted requests left behind; todo: prompt tokens to be computed
    opened: iteration up to which blocks are taken
    """

    def __init__(self, pool: Pool, scheduler: Scheduler, book: Book, weight: int) -> None:
        """weight: blocks of a known unit of the prefix cache."""
        self.book, self.scheduler = book, scheduler
        self.block = pool.block_tokens
        self.per = 1 + pool.mtp_tokens
        self.budget = pool.token_budget
        self.seats = min(pool.max_seqs, pool.token_budget // self.per)
        self.blocks = Blocks(pool.kv_tokens // pool.block_tokens, weight)
        self.reserve = int(pool.watermark * self.blocks.total)
        self.growth: Growth = Even(self.block) if book.steps is None else Uneven(self.block, self.per)
        self.unit = weight * self.block
        self.must_fit, self.own_reuse = pool.must_fit, pool.own_reuse and pool.prefix_cache
        self.kept: dict[int, int] = {}
        self.remembers = pool.prefix_cache and book.starts is not None
        self.iteration, self.batch, self.context, self.speed = 0, 0, 0.0, 0.0
        self.running: dict[int, int] = {}
        self.decoding: dict[int, Decoding] = {}
        self.held: dict[int, list[int]] = {}
        self.waiting: list[tuple[int, tuple[float, ...], int, int]] = []
        self.entries: dict[int, int] = {}
        self.pushes = 0
        self.ends: list[tuple[int, int]] = []
        self.done: list[int] = []
        self.partial, self.computed, self.target = -1, 0, 0
        self.remote: dict[int, int] = {}
        self.parked: dict[int, None] = {}
        self.lost: list[int] = []
        self.admitted: list[int] = []
        self.hit_tokens = self.asked_tokens = self.admissions = self.todo = self.opened = 0

    # Waiting requests

    def push(self, request: int, remote: bool = False) -> None:
        """A request begins to wait; ``remote``: its prompt's cache lies elsewhere and is to be sent here."""
        book = self.book
        priority = 0 if book.priority is None else book.priority[request]
        order = self.scheduler.rank(book.prompt[request], book.arrival[request])
        self.pushes += 1
        self.entries[request] = self.pushes
        heappush(self.waiting, (priority, order, request, self.pushes))
        book.at[request] = WAITING
        if remote:
            self.remote[request] = 0
        else:
            self.todo += book.prompt[request] + book.produced[request]

    def withdraw(self, request: int) -> None:
        """A waiting request waits no more."""
        del self.entries[request]
        if self.remote.pop(request, None) is None:
            self.todo -= self.book.prompt[request] + self.book.produced[request]

    @property
    def queued(self) -> int:
        """Waiting requests."""
        return len(self.entries)

    def first(self) -> int:
        """The waiting request that is admitted next; there is one."""
        waiting, entries = self.waiting, self.entries
        while entries.get(waiting[0][2]) != waiting[0][3]:
            heappop(waiting)
        return waiting[0][2]

    def _take_first(self) -> None:
        del self.entries[heappop(self.waiting)[2]]

    def could_admit(self, request: int) -> bool:
        """Whether an arrival may change what the next iteration does (it may say so in vain)."""
        if len(self.running) >= self.seats:
            return False
        return len(self.entries) <= 1 or self.first() == request

    # An iteration

    def plan(self) -> Work:
        """Take blocks for the next iteration, admit, and say what it computes.

        ``lost`` then holds the requests that lost their cache, ``done`` the prompts that it completes,
        ``admitted`` those that were admitted to have their cache sent.
        """
        if self.entries or self.partial >= 0:
            lost: set[int] = set()
            if not self.scheduler.mixes:
                work = self._prompts(self.budget, lost)
                if work.tokens:
                    return work._replace(decodes=False)
                self._make_room(lost)
                return IDLE
            self._make_room(lost)
            if self.batch:
                self.open(self.iteration + 1)
            return self._prompts(self.budget - self.batch * self.per, lost)
        self._make_room(set())
        return IDLE

    def reach(self, iteration: int) -> None:
        """Bring counts up to an iteration that has begun; its blocks are there, as :attr:`safe` said."""
        passed = iteration - self.iteration
        if passed > 0:
            self.open(iteration)
            self.context += passed * self.speed
            self.iteration = iteration

    def open(self, iteration: int) -> None:
        """Take the blocks of iterations that have begun."""
        if iteration > self.opened:
            if self.batch:
                due = self.growth.due(self.opened, iteration)
                if due:
                    self.blocks.take(due)
            self.opened = iteration

    def safe(self) -> int:
        """Iterations from here for which every decoding request has its block."""
        if not self.batch:
            return NOTHING
        return self.opened - self.iteration + self.growth.safe(self.opened, self.batch, self.blocks.room)

    def next_end(self) -> int:
        """The iteration in which the next decoding request ends; there is one."""
        ends, decoding = self.ends, self.decoding
        while True:
            at, request = ends[0]
            one = decoding.get(request)
            if one is not None and one.end == at:
                return at
            heappop(ends)

    def _make_room(self, lost: set[int]) -> None:
        """Preempt until decoding requests have the blocks of the next iteration."""
        while self.batch and not self.growth.safe(self.iteration, self.batch, self.blocks.room):
            victim = self._victim()
            lost.add(victim)
            self.preempt(victim)

    def _victim(self) -> int:
        """The request that goes first: last in priority, then admitted last; not one whose cache is on its way."""
        at, priority, remote = self.book.at, self.book.priority, self.remote
        found = [one for one in self.running if at[one] == RUNNING and one not in remote]
        if priority is None:
            return found[-1]
        return max(found, key=lambda one: (priority[one], self.running[one]))

    def _prompts(self, room: int, lost: set[int]) -> Work:
        """Continue the prompt in progress, then admit."""
        tokens, pairs, prompts = 0, 0.0, 0
        if self.partial >= 0:
            chunk = self._continue(room, lost)
            if chunk:
                pairs = chunk * (self.computed - 0.5 * chunk)
                tokens, prompts, room = chunk, 1, room - chunk
                self._note_done()
        while room > 0 and self.entries and not lost and self.partial < 0 and len(self.running) < self.seats:
            request = self.first()
            if request in self.remote:
                if not self._admit_remote(request):
                    break
                continue
            chunk = self._admit(request, room)
            if not chunk:
                break
            pairs += chunk * (self.computed - 0.5 * chunk)
            tokens, prompts, room = tokens + chunk, prompts + 1, room - chunk
            self._note_done()
        return Work(tokens, pairs, prompts, True)

    def _note_done(self) -> None:
        if self.computed >= self.target:
            self.done.append(self.partial)
            self.partial = -1

    def _continue(self, room: int, lost: set[int]) -> int:
        """Tokens of the next chunk of the prompt in progress, 0 where it lost its cache or there is no budget."""
        chunk = min(self.target - self.computed, room)
        if chunk < 1:
            return 0
        block, request = self.block, self.partial
        need = -(-(self.computed + chunk) // block) - -(-self.computed // block)
        if self.scheduler.whole:
            need = 0
        while need > self.blocks.room:
            victim = self._victim()
            lost.add(victim)
            self.preempt(victim)
            if victim == request:
                return 0
        self.blocks.take(need)
        self._learn(request, self.computed, self.computed + chunk)
        self.computed += chunk
        self.todo -= chunk
        return chunk

    def _admit(self, request: int, room: int) -> int:
        """Start a waiting request's prompt: tokens of its first chunk, 0 where there is no room for it."""
        book, blocks, block = self.book, self.blocks, self.block
        target = book.prompt[request] + book.produced[request]
        known: list[int] = []
        if self.remembers or request in self.kept:
            known = self._findable(request, (target - 1) // self.unit)
            known = known[: blocks.match(known, len(known))]
        cached = len(known) * self.unit
        local = cached
        if book.sharing:
            begin, end = book.fetched.get(request, (0, 0))
            if begin <= len(known) < end:
                cached = end * self.unit
        chunk = min(target - cached, room)
        upto = target if self.scheduler.whole else cached + chunk
        need = -(-upto // block) - len(known) * blocks.weight
        asked = -(-target // block) - len(known) * blocks.weight if self.must_fit else need
        keep = self.reserve if self.running else 0
        free = (
            blocks.room - sum(1 for unit in known if not blocks.known[unit]) * blocks.weight if known else blocks.room
        )
        if asked + keep > free:
            return 0
        self._take_first()
        self.kept.pop(request, None)
        blocks.hold(known)
        blocks.take(need)
        if self.remembers or known:
            self.held[request] = known
        if isnan(book.scheduled[request]):
            book.cached[request], book.pooled[request] = cached, cached - local
        if book.sharing:
            book.fetched.pop(request, None)
            book.known[request] = cached // self.unit
        self._enter(request)
        self.partial, self.computed, self.target = request, cached, target
        self._learn(request, len(known) * self.unit, cached + chunk)
        self.computed = cached + chunk
        self.todo -= cached + chunk
        self.hit_tokens += cached
        self.asked_tokens += target
        return chunk

    def _enter(self, request: int) -> None:
        self.admissions += 1
        self.running[request] = self.admissions
        self.book.at[request] = RUNNING
        self.admitted.append(request)

    def _learn(self, request: int, before: int, after: int) -> None:
        """Full units of the prompt that a chunk computes become known."""
        unit = self.unit
        if not self.remembers:
            return
        first, end = before // unit, min(after, self.book.prompt[request]) // unit
        if end > first:
            self.held[request] += self.blocks.learn(self.book.units(request)[first:end])

    def _admit_remote(self, request: int) -> bool:
        """Make room for a prompt whose cache is then sent here."""
        cached = self._sent_tokens(request)
        need = -(-cached // self.block)
        if need + (self.reserve if self.running else 0) > self.blocks.room:
            return False
        self._take_first()
        self.blocks.take(need)
        self.remote[request] = cached
        self._enter(request)
        return True

    def _sent_tokens(self, request: int) -> int:
        return self.book.prompt[request] + self.book.produced[request] - 1

    # Requests that come and go

    def join(self, request: int) -> None:
        """A request whose prompt is cached decodes from the next iteration on; it has produced a token."""
        book = self.book
        one = Decoding(
            self.iteration, book.prompt[request], book.turns.get(request, 0), book.answer[request] - 1,
            book.iterations(request),
        )  # fmt: skip
        if self.remote.pop(request, None) is not None:  # it counts as admitted now that it can decode
            del self.running[request]
            self.admissions += 1
            self.running[request] = self.admissions
        self.decoding[request] = one
        self.growth.add(request, one)
        self.batch += 1
        self.context += one.mean(self.iteration)
        self.speed += one.speed
        heappush(self.ends, (one.end, request))

    def leave(self, request: int) -> None:
        """A running request gives back all its blocks; what it has produced stays in the book."""
        book = self.book
        one = self.decoding.pop(request, None)
        if one is not None:
            cached = one.cached(self.iteration)
            book.produced[request] = one.given(self.iteration)
            book.turns[request] = one.turn + self.iteration - one.start
            self.growth.drop(request, one)
            self.batch -= 1
            self.context -= one.mean(self.iteration)
            self.speed -= one.speed
            if not self.batch:
                self.context, self.speed, self.ends = 0.0, 0.0, []
        elif request == self.partial:
            cached = self.target if self.scheduler.whole else self.computed
            self.partial = -1
            self.todo -= self.target - self.computed
        else:
            cached = self.remote.pop(request, self._sent_tokens(request))
            self.parked.pop(request, None)
        held = self.held.pop(request, [])
        self.blocks.release(held)
        self.blocks.give(-(-cached // self.block) - len(held) * self.blocks.weight)
        self.running.pop(request, None)

    def park(self, request: int) -> None:
        """A request whose prompt is done keeps its blocks, but no seat, until its cache has been sent."""
        del self.running[request]
        self.parked[request] = None

    def _findable(self, request: int, most: int) -> list[int]:
        """Units a request may find: of its prompt, and beyond those its own, from before it was preempted."""
        found = self.book.units(request)[:most] if self.remembers else []
        if request in self.kept:
            found += [_own(request, place) for place in range(len(found), min(most, self.kept[request]))]
        return found

    def _keep(self, request: int) -> None:
        """Units of a request that is preempted stay known to itself, until their room is needed."""
        one = self.decoding.get(request)
        cached = one.cached(self.iteration) if one is not None else self.computed
        held = self.held.setdefault(request, [])
        first, end = len(held), cached // self.unit
        held += self.blocks.learn([_own(request, place) for place in range(first, end)])
        self.kept[request] = end

    def preempt(self, request: int) -> None:
        """A running request loses its cache and waits again."""
        if self.own_reuse:
            self._keep(request)
        self.leave(request)
        self.book.preempted[request] += 1
        self.lost.append(request)
        self.push(request)

    def check(self) -> None:
        """Raise AssertionError where counts disagree with what they count."""
        blocks, block = self.blocks, self.block
        cached = {request: one.cached(self.iteration) for request, one in self.decoding.items()}
        assert self.batch == len(self.decoding) <= len(self.running) <= self.seats
        assert self.entries.keys().isdisjoint(self.running)
        assert abs(self.context - sum(one.mean(self.iteration) for one in self.decoding.values())) < 1e-6 * max(
            self.context, 1.0
        )
        for request in (*self.running, *self.parked):
            if request not in cached:
                partial = self.target if self.scheduler.whole else self.computed
                cached[request] = (
                    partial if request == self.partial else self.remote.get(request, self._sent_tokens(request))
                )
        holders: dict[int, int] = {}
        for units in self.held.values():
            for unit in units:
                holders[unit] = holders.get(unit, 0) + 1
        assert holders == {unit: count for unit, count in blocks.known.items() if count}
        assert all(not blocks.known[unit] for unit in blocks.idle)
        own = sum(-(-n // block) for n in cached.values())
        shared = sum((count - 1) for count in holders.values()) * blocks.weight
        assert blocks.free + len(blocks.idle) * blocks.weight + own - shared == blocks.total
        assert 0 <= blocks.free <= blocks.total

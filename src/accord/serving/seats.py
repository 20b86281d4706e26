"""Requests of one attention group: who waits, who runs, who decodes, and the blocks that they hold.

Time is not known here: iterations are numbered, and a batch that does not change is brought up to an iteration
(:meth:`Seats.reach`) in one step.
"""

from __future__ import annotations

from heapq import heappop, heappush

from accord.serving.book import RUNNING, WAITING, Book
from accord.serving.cache import Blocks
from accord.serving.growth import Decoding, Even, Growth, Uneven
from accord.serving.scheduler import Scheduler
from accord.serving.spec import Pool

LONGEST = 1 << 24  # units of a request
NOTHING = 1 << 30  # iterations for which a group that decodes nothing has all the blocks it needs


def own_unit(request: int, place: int) -> int:
    """Name of a unit that only its request can ask for."""
    return -1 - request * LONGEST - place


FAR = 1 << 60  # an iteration that never comes


class Seats:
    """Mutable state of a group.

    iteration: decode iterations that its counts stand for; batch, context, speed: decoding requests, their cached
    tokens together, and tokens that these grow by in an iteration
    running: by order of admission, with prompts in progress and those whose cache is on its way; decoding: of those
    done: prompts that the iteration under way completes; parked: those whose cache waits to be sent; both with the
    tokens that are cached; partial: the prompt in progress, -1 for none; fetching: what the pooled cache has of them
    is on its way; remote: requests whose cache lies elsewhere, with the tokens that room was made for
    kept: units that preempted requests left behind; todo: prompt tokens that no iteration computes yet
    opened: iteration up to which blocks are taken
    lost: requests that the last plan preempted, with their entry of ``late``; admitted: those that it admitted

    Noted by its instance: behind: iterations of the instance in which it did not decode; pauses: the one under way is
    such; waited_s: when its decoding requests had their last token, if that was before such an iteration; late: when
    those had theirs that had it at another time
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
        self.done: dict[int, int] = {}
        self.fetching: dict[int, None] = {}
        self.partial, self.computed, self.target = -1, 0, 0
        self.remote: dict[int, int] = {}
        self.parked: dict[int, int] = {}
        self.lost: dict[int, float | None] = {}
        self.admitted: list[int] = []
        self.behind, self.pauses = 0, False
        self.waited_s: float | None = None
        self.late: dict[int, float] = {}
        self.hit_tokens = self.asked_tokens = self.admissions = self.todo = self.opened = 0

    # Waiting requests

    def expect(self, request: int) -> None:
        """What the pooled cache has of a request is on its way; then it begins to wait."""
        self.fetching[request] = None
        self.todo += self.book.prompt[request] + self.book.produced[request]

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
        elif request in self.fetching:
            del self.fetching[request]
        else:
            self.todo += book.prompt[request] + book.produced[request]

    def withdraw(self, request: int) -> None:
        """A request waits no more, or is fetched no more."""
        if self.entries.pop(request, 0) == 0:
            del self.fetching[request]
        self.kept.pop(request, None)
        if self.remote.pop(request, None) is None:
            self.todo -= self.book.prompt[request] + self.book.produced[request]

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

    # Decoding requests, over iterations

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

    def safe(self, wanted: int, blocks: int | None = None) -> int:
        """Iterations from here for which every decoding request has its block; right where less than ``wanted``.

        blocks: that can be taken; all of which there is room where left out
        """
        if not self.batch:
            return NOTHING
        room = self.blocks.room if blocks is None else blocks
        return self.opened - self.iteration + self.growth.safe(self.opened, self.batch, room, wanted)

    def next_end(self) -> int:
        """The iteration in which the next decoding request ends; far off where all have ended and are to leave."""
        ends, decoding = self.ends, self.decoding
        while ends:
            at, request = ends[0]
            one = decoding.get(request)
            if one is not None and one.end == at:
                return at
            heappop(ends)
        return FAR

    def ended(self) -> list[int]:
        """Requests whose last iteration has been."""
        ends, found = self.ends, list[int]()
        while ends and ends[0][0] <= self.iteration:
            at, request = heappop(ends)
            one = self.decoding.get(request)
            if one is not None and one.end == at and request not in found[-1:]:  # it may have joined twice
                found.append(request)
        return found

    def pause(self, now_s: float) -> None:
        """Decoding requests wait for the prompts of an iteration."""
        self.pauses = True
        if self.waited_s is None:
            self.waited_s = now_s

    def take_owed(self) -> list[tuple[float, int]]:
        """When decoding requests had their last token, and how many; forgets it."""
        owed = [(last_s, 1) for last_s in self.late.values()]
        if self.waited_s is not None:
            owed.append((self.waited_s, self.batch - len(owed)))
            self.waited_s = None
        if self.late:
            self.late = {}
        return owed

    # Requests that come and go

    def _enter(self, request: int) -> None:
        self.admissions += 1
        self.running[request] = self.admissions
        self.book.at[request] = RUNNING
        self.admitted.append(request)

    def join(self, request: int) -> None:
        """A request whose prompt is cached decodes from the next iteration on; it has produced a token."""
        book = self.book
        one = Decoding(
            self.iteration, book.prompt[request], book.turns.get(request, 0), book.answer[request] - 1,
            book.iterations(request),
        )  # fmt: skip
        cached = self.done.pop(request, -1)
        if cached < 0:
            cached = self.remote.pop(request)
            del self.running[request]
            self.admissions += 1  # it counts as admitted now that it can decode
            self.running[request] = self.admissions
        self.decoding[request] = one
        self.growth.add(request, one, -(-cached // self.block))
        self.batch += 1
        self.context += one.mean(self.iteration)
        self.speed += one.speed
        heappush(self.ends, (one.end, request))

    def leave(self, request: int) -> None:
        """A running request gives back all its blocks; what it has produced stays in the book."""
        book = self.book
        one = self.decoding.pop(request, None)
        if one is not None:
            taken = self.growth.drop(request, one, self.opened)
            book.produced[request] = one.given(self.iteration)
            book.turns[request] = one.turn + self.iteration - one.start
            self.batch -= 1
            self.context -= one.mean(self.iteration)
            self.speed -= one.speed
            if not self.batch:
                self.context, self.speed, self.ends = 0.0, 0.0, []
            self.late.pop(request, None)
        else:
            taken = -(-self._cached(request) // self.block)
            if request == self.partial:
                self.partial = -1
                self.todo -= self.target - self.computed
            for place in (self.done, self.remote, self.parked):
                place.pop(request, None)
        held = self.held.pop(request, None)
        if held:
            self.blocks.release(held)
            taken -= len(held) * self.blocks.weight
        self.blocks.give(taken)
        self.running.pop(request, None)

    def _cached(self, request: int) -> int:
        """Tokens for which a request that does not decode has blocks."""
        if request == self.partial:
            return self.target if self.scheduler.whole else self.computed
        for place in (self.done, self.remote, self.parked):
            if request in place:
                return place[request]
        raise KeyError(request)

    def park(self, request: int) -> None:
        """A request whose prompt is done keeps its blocks, but no seat, until its cache has been sent."""
        del self.running[request]
        self.parked[request] = self.done.pop(request)

    def preempt(self, request: int) -> None:
        """A running request loses its cache and waits again."""
        if self.own_reuse:
            self._keep(request)
        self.lost[request] = self.late.get(request)
        self.leave(request)
        self.book.preempted[request] += 1
        self.push(request)

    def _keep(self, request: int) -> None:
        """Units of a request that is preempted stay known to itself, until their room is needed."""
        one = self.decoding.get(request)
        cached = one.cached(self.iteration) if one is not None else self.computed
        held = self.held.setdefault(request, [])
        first, end = len(held), cached // self.unit
        held += self.blocks.learn([own_unit(request, place) for place in range(first, end)])
        self.kept[request] = end

    def check(self) -> None:
        """Raise AssertionError where counts disagree with what they count."""
        blocks = self.blocks
        assert self.batch == len(self.decoding) <= len(self.running) <= self.seats
        assert self.entries.keys().isdisjoint(self.running)
        context = sum(one.mean(self.iteration) for one in self.decoding.values())
        assert abs(self.context - context) < 1e-6 * max(self.context, 1.0)
        own = sum(self.growth.held(request, one, self.opened) for request, one in self.decoding.items())
        others = [request for request in (*self.running, *self.parked) if request not in self.decoding]
        own += sum(-(-self._cached(request) // self.block) for request in others)
        holders: dict[int, int] = {}
        for units in self.held.values():
            for unit in units:
                holders[unit] = holders.get(unit, 0) + 1
        assert holders == {unit: count for unit, count in blocks.known.items() if count}
        assert all(not blocks.known[unit] for unit in blocks.idle)
        shared = sum((count - 1) for count in holders.values()) * blocks.weight
        assert blocks.free + len(blocks.idle) * blocks.weight + own - shared == blocks.total
        assert 0 <= blocks.free <= blocks.total

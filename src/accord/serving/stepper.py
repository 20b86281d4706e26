"""Iterations of one instance: its attention groups step together, a batch that does not change in one leap."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from accord.serving.book import Book
from accord.serving.engine import END, ITERATION, Engine
from accord.serving.gaps import Tally
from accord.serving.host import Host
from accord.serving.leap import Leap
from accord.serving.replica import Rank, Work
from accord.serving.result import Span
from accord.serving.scheduler import Scheduler
from accord.serving.spec import Pool


class Stepper:
    """Mutable state of an instance, as far as its iterations go.

    load: requests it has; iteration: decode iterations so far; life: times it stopped serving; up: it serves
    busy_s: in iterations, up to the last change; busy: iterations are under way
    """

    def __init__(
        self, number: int, pool: Pool, scheduler: Scheduler, book: Book, engine: Engine, host: Host, tally: Tally,
        weight: int, spans: list[Span] | None,
    ) -> None:  # fmt: skip
        """weight: blocks of a unit of the prefix cache; spans: where to note iterations, None for nowhere."""
        self.number, self.pool, self.book, self.engine, self.host, self.tally = number, pool, book, engine, host, tally
        self._made = (pool, scheduler, book, weight)
        self._spans = spans
        self.load = 0
        self.up, self.draining, self.version, self.life = True, False, 0, 0
        self.busy_s = self.up_s = self.up_since_s = 0.0
        self.prompt_tokens = self.iterations = 0
        self.preemptions = self.hit_tokens = self.asked_tokens = 0
        self._fresh()

    def _fresh(self) -> None:
        """Empty groups and nothing under way."""
        self.ranks = [Rank(*self._made) for _ in range(self.pool.groups)]
        self.rank = self.ranks[0]
        self.iteration = 0
        self.busy = self._decodes = False
        self._leap = Leap()
        self._ended_s = 0.0
        self._joining: list[int] = []
        self._aborts: list[int] = []

    def group(self, request: int) -> Rank:
        """The group that has a request."""
        return self.rank

    def forget(self, request: int) -> None:
        """A request is no longer among those of this instance."""
        self.load -= 1
        self._part(request)

    def _part(self, request: int) -> None:
        """No group has the request any more."""

    def _soon(self) -> None:
        """Begin once all that happens now has happened."""
        self.engine.soon(self.number, self._start)

    def _start(self) -> None:
        if self.up and not self.busy:
            self.begin()

    def begin(self) -> None:
        """Start the next iteration, or as many as nothing changes in; nothing where there is nothing to do."""
        rank, timer = self.rank, self.pool.timer
        work, lost = self._plan(rank)
        batch = rank.batch
        if work.tokens:
            if batch and not work.decodes:
                rank.pause(self.engine.clock_s)
                batch = 0
            context = rank.context + rank.speed if batch else 0.0
            seconds = timer.mixed(work.tokens, work.pairs, work.prompts, batch, context)
            self._go(1, seconds, seconds, 0.0, batch, work)
        elif batch:
            context = rank.context + rank.speed
            first, slope, upto = timer.line(batch, context)
            most = 1 if lost else rank.next_end() - self.iteration  # what was lost may be admitted again after one
            step = slope * rank.speed
            if most > 1:
                reach = (upto - context) / rank.speed
                if reach < most:
                    most = int(reach) + 1
                most = min(most, rank.safe(most))
                if rank.counts_on_idle():  # what it needs changes when that goes
                    most = min(most, max(rank.safe(most, rank.blocks.free), 1))
            self._go(most, most * first + 0.5 * step * most * (most - 1), first, step, batch, work)

    def _plan(self, rank: Rank) -> tuple[Work, bool]:
        """The next iteration of a group, and whether a request lost its cache to others that go on."""
        work = rank.plan()
        if not rank.lost:
            if rank.admitted:
                self._note(rank)
            return work, False
        self._note(rank)
        if work.tokens or rank.batch:
            return work, True
        work = rank.plan()  # all that ran has lost its cache: admit in its place
        self._note(rank)
        return work, False

    def _go(self, leap: int, seconds: float, first_s: float, step_s: float, batch: int, work: Work) -> None:
        """Iterations under way: how many, how long all and the first take, and how much longer each next one."""
        now = self.engine.clock_s
        self.busy, self._decodes = True, batch > 0
        self._leap = Leap(leap, now, first_s, step_s, batch)
        self.version += 1
        self.engine.at(now + seconds, END, self.number, self._end, (self.version, work), ITERATION)

    def _cut(self) -> None:
        """End a leap with the iteration under way."""
        count = self._leap.begun(self.engine.clock_s)
        if count < self._leap.count:
            self._leap.count = count
            self.version += 1
            time_s = self._leap.start_s + self._leap.lasting_s(count)
            self.engine.at(time_s, END, self.number, self._end, (self.version, Work(0, 0.0, 0, True)), ITERATION)

    def _end(self, argument: tuple[int, Work]) -> None:
        """The iterations under way have ended."""
        version, work = argument
        if version != self.version:
            return
        now, leap = self.engine.clock_s, self._leap.count
        self.busy = False
        self.busy_s += now - self._leap.start_s
        self.iterations += leap
        self.prompt_tokens += work.tokens
        if self._spans is not None:
            self._note_span(self._spans, work, now)
        if self._decodes:
            self.iteration += leap
            self._count_gaps(leap)
        self._ended_s = now
        self._advance()
        if self._joining:
            self._join()
        self._settle_all()
        self._aborts.clear()
        self._soon()

    def _advance(self) -> None:
        """The iterations under way have ended for the groups."""
        self.rank.pauses = False

    def _reached(self, request: int) -> Rank:
        """The group that has a request, brought up to the iterations that have ended; none is under way."""
        rank = self.group(request)
        rank.reach(self.iteration - rank.behind)
        return rank

    def _count_gaps(self, iterations: int) -> None:
        """Gaps of those that decode; the first one of some began before this iteration did."""
        self.tally.add_leap(self._leap, iterations, self._take_owed())

    def _take_owed(self) -> Sequence[tuple[float, int]]:
        """When the last token was of requests that decode now and had it before this iteration began; forgets it."""
        rank = self.rank
        return rank.take_owed() if rank.late or rank.waited_s is not None else ()

    def _settle_all(self) -> None:
        """See to requests whose answer or prompt is complete, or whose users have gone."""
        rank = self.rank
        rank.reach(self.iteration)
        over = rank.ended() if rank.ends and rank.ends[0][0] <= self.iteration else []
        if over or rank.done or self._aborts:
            self._settle(rank, over)

    def _settle(self, rank: Rank, over: list[int]) -> None:
        """See to requests of one group, in the order in which they were admitted. over: with complete answers."""
        done, running = rank.done, rank.running
        seen = [*over, *done]
        if self._aborts:
            seen += [request for request in self._aborts if request in running and request not in seen]
        if len(seen) > 1:
            seen.sort(key=running.__getitem__)
        for request in seen:
            if request in done:
                self._end_prompt(request, rank)
            elif request in rank.decoding and rank.decoding[request].end <= rank.iteration:
                rank.leave(request)
                self._complete(request)
            else:
                self._remove(request, rank)

    def _complete(self, request: int) -> None:
        self.forget(request)
        self.host.ended(request)

    def _remove(self, request: int, rank: Rank) -> None:
        rank.leave(request)
        self.forget(request)
        self.host.aborted(request)

    def _end_prompt(self, request: int, rank: Rank) -> None:
        """A prompt that the iteration completed gives a token."""
        book, now, sends = self.book, self.engine.clock_s, self.pool.role == "prefill"
        again = book.produced[request] > 0
        book.next_token(request)
        last = book.produced[request] >= book.answer[request]
        leaves = not last and request in self._aborts
        if last or not sends:
            if again:
                self.tally.add(now - book.last_s.pop(request, now), 1)
            else:
                book.first[request] = now
        if not leaves:
            self.host.computed(self.number, request)
        if last:
            rank.leave(request)
            self._complete(request)
        elif leaves:
            rank.leave(request)
            if sends:
                book.take_back(request)
            self.forget(request)
            self.host.aborted(request)
        elif sends:
            rank.park(request)
            self.load -= 1
            self.host.prefilled(self.number, request)
        else:
            self._admit(request, rank, now)

    def _join(self) -> None:
        """Requests whose cache has come decode from the next iteration on."""
        joining, self._joining = self._joining, []
        for request in joining:
            self._admit(request, self._reached(request), self.book.last_s.pop(request, self.book.first[request]))

    def _admit(self, request: int, rank: Rank, last_s: float) -> None:
        """A request, whose last token was at a time, decodes from the next iteration on."""
        rank.join(request)
        if last_s < self.engine.clock_s or rank.waited_s is not None:
            rank.late[request] = last_s

    def _since(self, rank: Rank) -> float:
        """When the decoding requests of a group had their last token, but for those that are late."""
        return self._ended_s if rank.waited_s is None else rank.waited_s

    def _note(self, rank: Rank) -> None:
        """Requests that the last plan admitted or preempted."""
        book, now = self.book, self.engine.clock_s
        if rank.lost:
            for request, late_s in rank.lost.items():
                if book.produced[request] and self.pool.role != "prefill":
                    book.last_s.setdefault(request, self._since(rank) if late_s is None else late_s)
            self.preemptions += len(rank.lost)
            rank.lost = {}
        admitted, rank.admitted = rank.admitted, []
        for request in admitted:
            if isnan(book.scheduled[request]):
                book.scheduled[request] = now
            if request in rank.remote:
                book.instance[request] = self.number
                self.host.fetch_from_prefill(self.number, request)
            else:
                column = book.prefill if self.pool.role == "prefill" else book.instance
                column[request] = self.number
                if self.pool.role == "both":
                    book.prefill[request] = self.number

    def _note_span(self, spans: list[Span], work: Work, now: float) -> None:
        kind = "mixed" if work.tokens and self._leap.batch else "prefill" if work.tokens else "decode"
        spans.append(Span(self._leap.start_s, now, self.number, kind, self._leap.batch, work.tokens, self._leap.count))

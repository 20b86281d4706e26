"""One instance in time: iterations of its attention groups, a batch that does not change in one leap."""

from __future__ import annotations

from math import isnan
from typing import Protocol

from accord.serving.book import Book, unfinished
from accord.serving.engine import END, Engine
from accord.serving.gaps import Tally
from accord.serving.leap import Leap
from accord.serving.replica import Rank, Work
from accord.serving.result import Span
from accord.serving.scheduler import Scheduler
from accord.serving.spec import Pool


class Host(Protocol):
    """Who an instance tells what becomes of its requests."""

    def ended(self, request: int) -> None:
        """The last token of an answer was given."""
        ...

    def computed(self, instance: Instance, request: int) -> None:
        """A prompt is computed."""
        ...

    def prefilled(self, instance: Instance, request: int) -> None:
        """A prompt is computed on an instance of a prefill pool, which keeps its cache until it is sent."""
        ...

    def aborted(self, request: int) -> None:
        """A running request has gone."""
        ...

    def fetch_from_prefill(self, instance: Instance, request: int) -> None:
        """There is room on a decode instance for a prompt's cache."""
        ...


class Instance:
    """Mutable state of an instance; see :class:`accord.serving.router.Candidate` for ``load`` and ``queued_tokens``.

    iteration: decode iterations so far; life: times it stopped serving; up: it serves; draining: it takes nothing new
    coming_tokens: prompt tokens of requests that wait for the pooled cache
    busy_s, up_s: in iterations and in service, up to the last change; up_since_s: of that
    """

    def __init__(
        self, number: int, pool: Pool, scheduler: Scheduler, book: Book, engine: Engine, host: Host, tally: Tally,
        weight: int, spans: list[Span] | None,
    ) -> None:  # fmt: skip
        """weight: blocks of a unit of the prefix cache; spans: where to note iterations, None for nowhere."""
        self.number, self.pool, self.book, self.engine, self.host, self.tally = number, pool, book, engine, host, tally
        self._made = (pool, scheduler, book, weight)
        self._spans = spans
        self.load = self.coming_tokens = 0
        self.up, self.draining, self.version, self.life = True, False, 0, 0
        self.busy_s = self.up_s = self.up_since_s = 0.0
        self.prompt_tokens = self.answer_tokens = self.iterations = 0
        self.preemptions = self.hit_tokens = self.asked_tokens = 0
        self._fresh()

    def _fresh(self) -> None:
        """Empty groups and nothing under way."""
        self.ranks = [Rank(*self._made) for _ in range(self.pool.groups)]
        self.rank = self.ranks[0]
        self.iteration = 0
        self.busy = self._decodes = False
        self._leap = Leap()
        self._decoded_s = 0.0
        self._joining: list[int] = []
        self._aborts: list[int] = []
        self._owed: list[tuple[float, int]] = []
        self._late: dict[int, float] = {}

    # What others ask and tell

    @property
    def queued_tokens(self) -> int:
        """Prompt tokens of its requests that are not computed yet."""
        return sum(rank.todo for rank in self.ranks) + self.coming_tokens

    def known_tokens(self, request: int) -> int:
        """Tokens of a prompt that lie in the cache of the group that knows most of it."""
        units = self.book.units(request)
        begun = self.iteration + (self._leap.begun(self.engine.clock_s) if self.busy and self._decodes else 0)
        for rank in self.ranks:
            rank.open(begun)
        return max(rank.blocks.match(units, len(units)) * rank.unit for rank in self.ranks)

    def group(self, request: int) -> Rank:
        """The group that has a request."""
        return self.rank

    def receive(self, request: int, remote: bool = False) -> None:
        """A request begins to wait here; ``remote``: its prompt is computed and its cache lies elsewhere."""
        rank = self._choose(request)
        rank.push(request, remote)
        if not self.busy:
            self._soon()
        elif self._leap.count > 1 and rank.could_admit(request):
            self._cut()

    def _choose(self, request: int) -> Rank:
        """The group that a request goes to."""
        return self.rank

    def wake(self) -> None:
        """Something that waiting requests may have waited for has happened."""
        if not self.busy:
            self._soon()
        elif self._leap.count > 1 and self.rank.entries:
            self._cut()

    def arrived(self, request: int) -> None:
        """A prompt's cache has come; its first token has been given."""
        self._joining.append(request)
        if not self.busy:
            self._join()
            self._soon()
        elif self._leap.count > 1:
            self._cut()

    def abort(self, request: int) -> None:
        """A running request is to go at the end of the iteration under way."""
        self._aborts.append(request)
        if not self.busy:
            self._abort()
            self._soon()
        elif self._leap.count > 1:
            self._cut()

    def drop(self, request: int) -> None:
        """A request that is not running here any more, or waits, is gone."""
        rank = self.group(request)
        if request in rank.entries:
            rank.withdraw(request)
        else:
            self._reach(rank)
            rank.leave(request)
        self.forget(request)

    def forget(self, request: int) -> None:
        """A request is no longer among those of this instance."""
        self.load -= 1
        self._late.pop(request, None)

    def fail(self) -> list[int]:
        """Lose everything; returns the requests it had, running before waiting, as they came."""
        if self.busy and self._decodes:
            ended = self._leap.begun(self.engine.clock_s) - 1
            if ended:
                self._count_gaps(ended)
                self._decoded_s = self._leap.start_s + self._leap.lasting_s(ended)
            self.iteration += ended
        had: list[int] = []
        for rank in self.ranks:
            rank.reach(self.iteration)
            running = [*rank.running, *rank.parked]
            waiting = sorted(entry for entry in rank.waiting if rank.entries.get(entry[2]) == entry[3])
            for request in running:
                if request in rank.decoding or request in self._joining:
                    since = self._decoded_s if request in rank.decoding else self.book.first[request]
                    self.book.last_s.setdefault(request, self._late.get(request, since))
                rank.leave(request)
            had += running + [entry[2] for entry in waiting]
        if self.busy:
            self.busy_s += self.engine.clock_s - self._leap.start_s
        self.retire()
        self.load = self.coming_tokens = 0
        return had

    def retire(self) -> None:
        """Stop serving."""
        self._count_caches()
        self.up = False
        self.life += 1
        self.up_s += self.engine.clock_s - self.up_since_s
        self.version += 1
        self._fresh()

    def revive(self) -> None:
        """Serve again, with an empty cache."""
        self.up, self.draining = True, False
        self.up_since_s = self.engine.clock_s

    def close(self) -> None:
        """Bring totals, and what running requests have produced, up to now."""
        self._count_caches()
        ended = 0
        if self.busy and self._decodes:
            ended = self._leap.begun(self.engine.clock_s) - 1
            if ended:
                self._count_gaps(ended)
        for rank in self.ranks:
            for request, one in rank.decoding.items():
                self.book.produced[request] = one.given(self.iteration + ended)
        if self.busy:
            self.busy_s += self.engine.clock_s - self._leap.start_s
            self._leap.start_s = self.engine.clock_s
        if self.up:
            self.up_s += self.engine.clock_s - self.up_since_s
            self.up_since_s = self.engine.clock_s

    def used_blocks(self) -> float:
        """Blocks in use now, with what a leap has opened so far on average."""
        used = float(sum(rank.blocks.used for rank in self.ranks))
        if not self._decodes:
            return used
        return used + self._leap.begun(self.engine.clock_s) * self._speed() / self.pool.block_tokens

    def _speed(self) -> float:
        """Tokens that its requests grow by in an iteration."""
        return sum(rank.speed for rank in self.ranks)

    def _count_caches(self) -> None:
        for rank in self.ranks:
            self.hit_tokens, self.asked_tokens = (
                self.hit_tokens + rank.hit_tokens,
                self.asked_tokens + rank.asked_tokens,
            )
            rank.hit_tokens = rank.asked_tokens = 0

    # Iterations

    def _soon(self) -> None:
        """Begin once all that happens now has happened."""
        self.engine.soon(self.number, self._start)

    def _start(self) -> None:
        if self.up and not self.busy:
            self.begin()

    def begin(self) -> None:
        """Start the next iteration, or as many as nothing changes in; nothing where there is nothing to do."""
        rank, timer = self.rank, self.pool.timer
        work = rank.plan()
        lost = bool(rank.lost)
        if lost or rank.admitted:
            self._note(rank)
        if lost and not work.tokens and not rank.batch:  # all that ran has lost its cache: admit in its place
            work, lost = rank.plan(), False
            self._note(rank)
        batch = rank.batch
        if work.tokens:
            self.prompt_tokens += work.tokens
            batch = batch if work.decodes else 0
            context = rank.context + rank.speed if batch else 0.0
            seconds = timer.mixed(work.tokens, work.pairs, work.prompts, batch, context)
            self._go(1, seconds, seconds, 0.0, batch, work)
        elif batch:
            context = rank.context + rank.speed
            first, slope, upto = timer.line(batch, context)
            most = 1 if lost else rank.next_end() - self.iteration  # what was lost may be admitted again after one
            step = slope * rank.speed
            if most > 1:
                most = min(most, rank.safe())
                reach = (upto - context) / rank.speed
                if reach < most:
                    most = int(reach) + 1
            self._go(most, most * first + 0.5 * step * most * (most - 1), first, step, batch, work)
        else:
            self.busy = False

    def _go(self, leap: int, seconds: float, first_s: float, step_s: float, batch: int, work: Work) -> None:
        """Iterations under way: how many, how long all and the first take, and how much longer each next one."""
        now = self.engine.clock_s
        self.busy, self._decodes = True, batch > 0
        self._leap = Leap(leap, now, first_s, step_s, batch)
        if not work.decodes:
            waiting = self._in_batch() - sum(count for _, count in self._owed) - len(self._late)
            if waiting > 0:
                self._owed.append((now, waiting))
        self.version += 1
        self.engine.at(now + seconds, END, self.number, self._end, (self.version, work))

    def _in_batch(self) -> int:
        return sum(rank.batch for rank in self.ranks)

    def _cut(self) -> None:
        """End a leap with the iteration under way."""
        count = self._leap.begun(self.engine.clock_s)
        if count < self._leap.count:
            self._leap.count = count
            self.version += 1
            time_s = self._leap.start_s + self._leap.lasting_s(count)
            self.engine.at(time_s, END, self.number, self._end, (self.version, Work(0, 0.0, 0, True)))

    def _reach(self, rank: Rank) -> None:
        """Bring a group's counts up to the iterations that have ended; none is under way, or the group is idle."""
        rank.reach(max(self.iteration, rank.iteration))

    def _end(self, argument: tuple[int, Work]) -> None:
        """The iterations under way have ended."""
        version, work = argument
        if version != self.version:
            return
        now, leap = self.engine.clock_s, self._leap.count
        self.busy = False
        self.busy_s += now - self._leap.start_s
        self.iterations += leap
        if self._spans is not None:
            self._note_span(work, now)
        if self._decodes:
            self.iteration += leap
            self._count_gaps(leap)
            self._decoded_s = now
            self._finish()
        elif self.rank.scheduler.mixes:
            self._decoded_s = now
        self._end_prompts()
        if self._joining:
            self._join()
        if self._aborts:
            self._abort()
        self._soon()

    def _count_gaps(self, iterations: int) -> None:
        """Gaps of those that decode; the first one of some began before this iteration did."""
        owed = [*self._owed, *((last_s, 1) for last_s in self._late.values())] if self._late else self._owed
        self.tally.add_leap(self._leap, iterations, owed)
        self._owed, self._late = [], {}

    def _finish(self) -> None:
        """Answers that are complete."""
        rank, iteration = self.rank, self.iteration
        rank.reach(iteration)
        ends, decoding = rank.ends, rank.decoding
        while ends and ends[0][0] <= iteration:
            at, request = ends[0]
            one = decoding.get(request)
            if one is None or one.end != at:
                ends.pop(0) if len(ends) == 1 else rank.next_end()
                continue
            rank.leave(request)
            self._complete(request)
            ends = rank.ends

    def _complete(self, request: int) -> None:
        self.answer_tokens += self.book.answer[request]
        self.forget(request)
        self.host.ended(request)

    def _end_prompts(self) -> None:
        """Prompts that are complete."""
        if self.rank.done:
            self._prompts_done(self.rank)

    def _prompts_done(self, rank: Rank) -> None:
        """Prompts that the iteration completed give a token each."""
        book, now = self.book, self.engine.clock_s
        role = self.pool.role
        done, rank.done = rank.done, []
        for request in done:
            again = book.produced[request] > 0
            book.next_token(request)
            last = book.produced[request] >= book.answer[request]
            if last or role != "prefill":
                if again:
                    self.tally.add(now - book.last_s.pop(request, now), 1)
                else:
                    book.first[request] = now
            self.host.computed(self, request)
            if last:
                self._reach(rank)
                rank.leave(request)
                self._complete(request)
            elif role == "prefill" and request in self._aborts:
                book.take_back(request)
                self._remove(request, rank)
            elif role == "prefill":
                rank.park(request)
                self.host.prefilled(self, request)
            else:
                rank.reach(self.iteration)
                rank.join(request)
                if not rank.scheduler.mixes:
                    self._late[request] = now
                self._joined(request)

    def _join(self) -> None:
        """Requests whose cache has come decode from the next iteration on."""
        joining, self._joining = self._joining, []
        for request in joining:
            rank = self.group(request)
            rank.reach(self.iteration)
            rank.join(request)
            self._joined(request)
            last = self.book.last_s.pop(request, self.book.first[request])
            if last < self.engine.clock_s:
                self._late[request] = last

    def _joined(self, request: int) -> None:
        """A request has begun to decode."""

    def _abort(self) -> None:
        aborts, self._aborts = self._aborts, []
        for request in aborts:
            if unfinished(self.book, request) and request in self.group(request).running:
                self._remove(request, self.group(request))

    def _remove(self, request: int, rank: Rank) -> None:
        rank.reach(self.iteration)
        rank.leave(request)
        self.forget(request)
        self.host.aborted(request)

    def _note(self, rank: Rank) -> None:
        """Requests that the last plan admitted or preempted."""
        book, now = self.book, self.engine.clock_s
        for request in rank.lost:
            if book.produced[request] and self.pool.role != "prefill":
                last_s = self._late.pop(request, self._decoded_s)
                book.last_s.setdefault(request, last_s)
            self.preemptions += 1
        rank.lost.clear()
        admitted, rank.admitted = rank.admitted, []
        for request in admitted:
            if isnan(book.scheduled[request]):
                book.scheduled[request] = now
            if request in rank.remote:
                book.instance[request] = self.number
                self.host.fetch_from_prefill(self, request)
            else:
                column = book.prefill if self.pool.role == "prefill" else book.instance
                column[request] = self.number
                if self.pool.role == "both":
                    book.prefill[request] = self.number

    def _note_span(self, work: Work, now: float) -> None:
        if self._spans is not None:
            kind = "mixed" if work.tokens and self._leap.batch else "prefill" if work.tokens else "decode"
            self._spans.append(
                Span(self._leap.start_s, now, self.number, kind, self._leap.batch, work.tokens, self._leap.count)
            )

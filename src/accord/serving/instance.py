"""One instance: what others ask it and tell it, and what it leaves when it fails."""

from __future__ import annotations

from collections.abc import Sequence

from accord.serving.replica import Rank
from accord.serving.stepper import Stepper


class Instance(Stepper):
    """See :class:`accord.serving.router.Candidate` for ``load`` and ``queued_tokens``.

    draining: it takes nothing new; up_s: in service, up to the last change; up_since_s: of that
    """

    @property
    def queued_tokens(self) -> int:
        """Prompt tokens of its requests that no iteration computes yet."""
        return self.rank.todo

    def known_tokens(self, request: int) -> int:
        """Tokens of a prompt that lie in the cache of the group that knows most of it."""
        return self._known(self.rank, self.book.units(request))

    def known_here(self, request: int) -> int:
        """Tokens of a prompt that lie in the cache of the group that the request goes to."""
        return self._known(self.group(request), self.book.units(request))

    def _known(self, rank: Rank, units: Sequence[int]) -> int:
        blocks = rank.blocks
        if not units or units[0] not in blocks.known:
            return 0
        if rank.batch and blocks.idle:  # iterations that have begun may have let go of some
            rank.open(self._begun(rank))
        return blocks.match(units, len(units)) * rank.unit

    def _begun(self, rank: Rank) -> int:
        """Decode iterations of a group that have begun."""
        under_way = self._leap.begun(self.engine.clock_s) if self.busy and self._decodes and not rank.pauses else 0
        return self.iteration - rank.behind + under_way

    # Requests that come and go

    def take(self, request: int) -> None:
        """A request is of this instance from now on."""
        self.load += 1

    def expect(self, request: int) -> None:
        """What the pooled cache has of its prompt is on its way."""
        self.group(request).expect(request)

    def receive(self, request: int, remote: bool = False) -> None:
        """A request begins to wait here; ``remote``: its prompt is computed and its cache lies elsewhere."""
        rank = self.group(request)
        rank.push(request, remote)
        if not self.busy:
            self._soon()
        elif self._leap.count > 1 and rank.could_admit(request):
            self._cut()

    def arrived(self, request: int) -> None:
        """A prompt's cache has come; its first token has been given."""
        self._joining.append(request)
        if not self.busy:
            self._ended_s = self.engine.clock_s
            self._join()
            self._soon()
        elif self._leap.count > 1:
            self._cut()

    def abort(self, request: int) -> None:
        """A running request is to go at the end of the iteration under way."""
        if not self.busy:
            self._remove(request, self._reached(request))
            self._soon()
            return
        self._aborts.append(request)
        if self._leap.count > 1:
            self._cut()

    def drop(self, request: int) -> None:
        """A request that waits, or whose cache is on its way here, is gone."""
        rank = self.group(request)
        if request in rank.entries or request in rank.fetching:
            rank.withdraw(request)
        else:
            rank.open(self._begun(rank))
            rank.leave(request)
        self.forget(request)
        self._wake()

    def sent(self, request: int) -> None:
        """The cache of a computed prompt need not be kept any longer."""
        self.group(request).leave(request)
        self._part(request)
        self._wake()

    def _wake(self) -> None:
        """Something that waiting requests may have waited for has happened."""
        if not self.busy:
            self._soon()
        elif self._leap.count > 1 and self.rank.entries:
            self._cut()

    # Failures, and the end of the run

    def fail(self) -> list[int]:
        """Lose everything; returns the requests it had."""
        ended = self._stop()
        self.iteration += ended
        book, had = self.book, list[int]()
        for rank in self.ranks:
            rank.reach(self.iteration - rank.behind)
            for request in (*rank.running, *rank.parked):
                if request in rank.decoding:
                    book.last_s[request] = rank.late.get(request, self._since(rank))
                elif request in self._joining:
                    book.last_s.setdefault(request, book.first[request])
                rank.leave(request)
                had.append(request)
            had += [*rank.entries, *rank.fetching]
        self.retire()
        self.load = 0
        return had

    def _stop(self) -> int:
        """Count what has ended of the iterations under way; returns how many decode iterations that is."""
        if not self.busy:
            return 0
        now, leap = self.engine.clock_s, self._leap
        self.busy_s += now - leap.start_s
        if not self._decodes:
            return 0
        ended = leap.ended(now)
        if ended:
            self.iterations += ended
            self._count_gaps(ended)
            self._ended_s = leap.start_s + leap.lasting_s(ended)
        return ended

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
        """Bring totals, and what running requests have produced, up to now; nothing goes on after it."""
        self._count_caches()
        iteration = self.iteration + self._stop()
        for rank in self.ranks:
            for request, one in rank.decoding.items():
                self.book.produced[request] = one.given(iteration - rank.behind)
        if self.up:
            self.up_s += self.engine.clock_s - self.up_since_s

    def used_blocks(self) -> float:
        """Blocks in use now, with what a leap has opened so far on average."""
        used = float(self.rank.blocks.used)
        if not self._decodes:
            return used
        return used + self._leap.begun(self.engine.clock_s) * self.rank.speed / self.pool.block_tokens

    def counts(self) -> tuple[int, int]:
        """Requests that run and that wait."""
        rank = self.rank
        return len(rank.running), len(rank.entries) + len(rank.fetching)

    @property
    def holds_any(self) -> bool:
        """Whether there is a request here, or a cache that waits to be sent."""
        return self.load > 0 or any(rank.parked for rank in self.ranks)

    def _count_caches(self) -> None:
        for rank in self.ranks:
            self.hit_tokens += rank.hit_tokens
            self.asked_tokens += rank.asked_tokens
            rank.hit_tokens = rank.asked_tokens = 0

"""One attention group: what its scheduler admits, what each iteration computes, and the blocks that takes."""

from __future__ import annotations

from math import isnan
from typing import NamedTuple

from accord.serving.seats import Seats, own_unit


class Work(NamedTuple):
    """Prompt work of an iteration: tokens, pairs attended, prompts; and whether decoding requests take part."""

    tokens: int
    pairs: float
    prompts: int
    decodes: bool


IDLE = Work(0, 0.0, 0, True)


class Rank(Seats):
    """The scheduler of a group: it fills the iterations."""

    def plan(self) -> Work:
        """Take blocks for the next iteration, admit, and say what it computes.

        ``lost`` then holds the requests that lost their cache, ``admitted`` those that run now, ``done`` the prompts
        that it completes.
        """
        if self.entries or self.partial >= 0:
            if not self.scheduler.mixes:
                work = self._prompts(self.budget)
                if work.tokens:
                    return work._replace(decodes=False)
                self._make_room()
                return IDLE
            self._make_room()
            if self.batch:
                self.open(self.iteration + 1)
            return self._prompts(self.budget - self.batch * self.per)
        self._make_room()
        return IDLE

    def _make_room(self) -> None:
        """Preempt until decoding requests have the blocks of the next iteration."""
        blocks = self.blocks
        while self.batch and not self.growth.safe(self.iteration, self.batch, blocks.room, 1):
            if blocks.idle:
                blocks.evict(self._taken_before())
            self.preempt(self._victim())

    def _taken_before(self) -> int:
        """Blocks of the next iteration that decoding requests take, in turn, before the first that finds no room."""
        running, priority, growth, taken = self.running, self.book.priority, self.growth, 0
        turn = sorted(self.decoding, key=lambda one: (priority[one] if priority is not None else 0, running[one]))
        for request in turn:
            one = self.decoding[request]
            need = -(-one.cached(self.iteration + 1) // self.block) - growth.held(request, one, self.opened)
            if taken + need > self.blocks.room:
                break
            taken += need
        return taken

    def _victim(self) -> int:
        """The request that goes first: last in priority, then admitted last; not one whose cache is on its way."""
        priority, remote, running = self.book.priority, self.remote, self.running
        if priority is None:
            return next(one for one in reversed(running) if one not in remote)
        return max((one for one in running if one not in remote), key=lambda one: (priority[one], running[one]))

    def _prompts(self, room: int) -> Work:
        """Continue the prompt in progress, then admit."""
        tokens, pairs, prompts = 0, 0.0, 0
        if self.partial >= 0:
            chunk = self._continue(room)
            if chunk:
                pairs = chunk * (self.computed - 0.5 * chunk)
                tokens, prompts, room = chunk, 1, room - chunk
                self._note_done()
        while room > 0 and self.entries and not self.lost and self.partial < 0 and len(self.running) < self.seats:
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
            self.done[self.partial] = self.target
            self.partial = -1

    def _continue(self, room: int) -> int:
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

    def _findable(self, request: int, most: int) -> list[int]:
        """Units a request may find: of its prompt, and beyond those its own, from before it was preempted."""
        found = self.book.units(request)[:most] if self.remembers else []
        if request in self.kept:
            found += [own_unit(request, place) for place in range(len(found), min(most, self.kept[request]))]
        return found

    def counts_on_idle(self) -> bool:
        """Whether the next waiting request waits for blocks, and would find some that may be let go of."""
        if not self.entries or not self.blocks.idle or len(self.running) >= self.seats:
            return False
        found = self._findable(self.first(), 1)
        return bool(found) and found[0] in self.blocks.known

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
        cached = self.book.sent_tokens(request)
        need = -(-cached // self.block)
        if need + (self.reserve if self.running else 0) > self.blocks.room:
            return False
        self._take_first()
        self.blocks.take(need)
        self.remote[request] = cached
        self._enter(request)
        return True

"""An instance of several attention groups, which start each iteration together and wait for the slowest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.serving.groups import Groups
from accord.serving.instance import Instance
from accord.serving.replica import Rank, Work


class Grouped(Instance):
    """See :class:`Instance`; a request goes to the group with the fewest running plus four times the waiting."""

    def _fresh(self) -> None:
        super()._fresh()
        self._group_of: dict[int, int] = {}
        self._groups = Groups(self.ranks)

    def group(self, request: int) -> Rank:
        """The group that has a request."""
        return self.ranks[self._group_of[request]]

    @property
    def queued_tokens(self) -> int:
        """Prompt tokens of its requests that no iteration computes yet."""
        return sum(rank.todo for rank in self.ranks)

    def known_tokens(self, request: int) -> int:
        """Tokens of a prompt that lie in the cache of the group that knows most of it."""
        units = self.book.units(request)
        return max(self._known(rank, units) for rank in self.ranks)

    def take(self, request: int) -> None:
        """A request is of this instance from now on, and of one of its groups."""
        super().take(request)
        self._group_of[request] = self._groups.calmest()

    def expect(self, request: int) -> None:
        """What the pooled cache has of its prompt is on its way."""
        super().expect(request)
        self._groups.touch(self._group_of[request])

    def receive(self, request: int, remote: bool = False) -> None:
        """A request begins to wait here."""
        super().receive(request, remote)
        self._groups.touch(self._group_of[request])

    def _part(self, request: int) -> None:
        self._groups.touch(self._group_of.pop(request))

    def used_blocks(self) -> float:
        """Blocks in use now."""
        begun = self.iteration + (self.busy and self._decodes)
        return self._groups.used_blocks(begun, self.pool.block_tokens)

    def counts(self) -> tuple[int, int]:
        """Requests that run and that wait."""
        return int(self._groups.running.sum()), int(self._groups.waiting.sum())

    def begin(self) -> None:
        """The next iteration of all groups."""
        groups, iteration = self._groups, self.iteration
        tokens = pairs = prompts = groups.none
        computed = 0
        for at in groups.to_plan(iteration):
            rank = self.ranks[at]
            rank.reach(iteration - rank.behind)
            work, _ = self._plan(rank)
            if work.tokens:
                if not computed:
                    tokens, pairs, prompts = np.zeros((3, len(self.ranks)))
                tokens[at], pairs[at], prompts[at] = work.tokens, work.pairs, work.prompts
                computed += work.tokens
                if rank.batch and not work.decodes:
                    groups.pause(at, self.engine.clock_s)
            groups.planned(at)
        decoding, context = groups.decoding()
        batch = int(decoding.sum()) if groups.pausing else groups.total
        if computed or batch:
            seconds = self.pool.timer.joint(tokens, pairs, prompts, decoding, context)
            self._go(1, seconds, seconds, 0.0, batch, Work(computed, 0.0, 0, True))

    def _advance(self) -> None:
        self._groups.advance(self._decodes)

    def _take_owed(self) -> Sequence[tuple[float, int]]:
        return self._groups.take_owed() if self._groups.owing else ()

    def _settle_all(self) -> None:
        groups = self._groups
        ending = groups.ending(self.iteration)
        if self._aborts:
            of = self._group_of
            ending = sorted({*ending, *(of[request] for request in self._aborts if request in of)})
        for at in ending:
            rank = self.ranks[at]
            rank.reach(self.iteration - rank.behind)
            self._settle(rank, rank.ended())
            groups.update(at)

    def _remove(self, request: int, rank: Rank) -> None:
        at = self._group_of[request]
        super()._remove(request, rank)
        self._groups.update(at)

    def _admit(self, request: int, rank: Rank, last_s: float) -> None:
        super()._admit(request, rank, last_s)
        at = self._group_of[request]
        self._groups.update(at)
        if rank.late:
            self._groups.owing.add(at)

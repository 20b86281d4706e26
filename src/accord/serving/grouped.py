"""An instance of several attention groups, which start each iteration together and wait for the slowest."""

from __future__ import annotations

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

    def _choose(self, request: int) -> Rank:
        loads = [len(one.running) + 4 * len(one.entries) for one in self.ranks]
        at = loads.index(min(loads))
        self._group_of[request] = at
        self._groups.hot.add(at)
        return self.ranks[at]

    def forget(self, request: int) -> None:
        """A request is no longer among those of this instance."""
        super().forget(request)
        at = self._group_of.pop(request, None)
        if at is not None:
            self._groups.hot.add(at)

    def _joined(self, request: int) -> None:
        self._groups.joined(request, self._group_of[request])

    def _end_prompts(self) -> None:
        for at in sorted(self._groups.prompting):
            self._prompts_done(self.ranks[at])
        self._groups.prompting.clear()

    def begin(self) -> None:
        """The next iteration of all groups."""
        groups, count, iteration = self._groups, len(self.ranks), self.iteration
        tokens, pairs, prompts = np.zeros(count), np.zeros(count), np.zeros(count)
        computed, alone = 0, False
        for at in groups.to_plan(iteration):
            rank = self.ranks[at]
            rank.reach(iteration)
            work = rank.plan()
            if rank.admitted or rank.lost:
                self._note(rank)
            if work.tokens:
                tokens[at], pairs[at], prompts[at] = work.tokens, work.pairs, work.prompts
                computed += work.tokens
                alone = alone or not work.decodes
            groups.planned(at)
        decodes = 0.0 if alone else 1.0
        batch = int(groups.batch.sum()) if decodes else 0
        if not computed and not batch:
            self.busy = False
            return
        self.prompt_tokens += computed
        context = (groups.context + groups.speed) * decodes
        seconds = self.pool.timer.joint(tokens, pairs, prompts, groups.batch * decodes, context)
        self._go(1, seconds, seconds, 0.0, batch, Work(computed, 0.0, int(prompts.sum()), not alone))

    def _finish(self) -> None:
        """Answers that are complete, of all groups."""
        groups = self._groups
        groups.passed()
        for request, at in groups.ended(self.iteration):
            rank = self.ranks[at]
            rank.reach(self.iteration)
            rank.leave(request)
            groups.update(at)
            self._complete(request)

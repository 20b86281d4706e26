"""The reference's instances: groups that step together, and the links."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tests.serving.slow_group import Group, Request

from accord.serving.spec import Pool


@dataclass(eq=False)
class Instance:
    """One instance: groups that step together, links, and whether it serves."""

    pool: Pool
    number: int
    groups: list[Group]
    up: bool = True
    stepping: bool = False
    life: int = 0  # moves on when it fails: what was under way then is void
    egress_free_s: float = 0.0
    ingress_free_s: float = 0.0
    host_free_s: float = 0.0  # its link to the pooled cache

    @property
    def load(self) -> int:
        return sum(group.load for group in self.groups)

    @property
    def queued_tokens(self) -> int:
        return sum(group.queued_tokens for group in self.groups)

    def known(self, request: Request) -> int:
        return max(group.known(request) for group in self.groups)

    def pick(self) -> Group:
        """The group that the next request goes to."""
        return min(self.groups, key=lambda g: len(g.running) + len(g.coming) + 4 * (len(g.waiting) + len(g.fetching)))

    def step_s(self) -> float:
        """Seconds of the iteration that the groups have planned."""
        loads = [
            (
                sum(tokens for _, tokens in group.chunks),
                sum(tokens * (request.computed + tokens / 2.0) for request, tokens in group.chunks),
                len(group.chunks),
                len(group.decodes),
                sum(request.reads for request in group.decodes),
            )
            for group in self.groups
        ]
        if len(loads) > 1:
            return self.pool.timer.joint(*(np.array(column, dtype=np.float64) for column in zip(*loads, strict=True)))
        tokens, pairs, prompts, batch, context = loads[0]
        if prompts:
            return self.pool.timer.mixed(tokens, pairs, prompts, batch, context)
        return self.pool.timer.line(batch, context)[0]

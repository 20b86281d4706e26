"""Which instance of a pool a request goes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Candidate(Protocol):
    """An instance that serves, as a router sees it.

    number: over all pools; load: requests it has; queued_tokens: prompt tokens that it has yet to compute
    """

    @property
    def number(self) -> int:
        """Its number over all pools."""
        ...

    @property
    def load(self) -> int:
        """Requests it has, running or waiting."""
        ...

    @property
    def queued_tokens(self) -> int:
        """Prompt tokens of its requests that are not computed yet."""
        ...

    def known_tokens(self, request: int) -> int:
        """Tokens of a request's prompt that lie in its cache."""
        ...


class Router(Protocol):
    """A choice among instances. It may remember and draw, from its own stream."""

    def pick(self, candidates: Sequence[Candidate], request: int) -> int:
        """The place of the chosen one in ``candidates``, of which there is at least one."""
        ...


def least_loaded(candidates: Sequence[Candidate]) -> int:
    """The place of the instance with the fewest requests, the first of equals."""
    best, least = 0, candidates[0].load
    for at, one in enumerate(candidates):
        if one.load < least:
            best, least = at, one.load
    return best

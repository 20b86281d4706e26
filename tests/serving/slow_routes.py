"""The reference's routers."""

from __future__ import annotations

from typing import Literal, Protocol, TypeVar

from tests.serving.slow_group import Request


class Place(Protocol):
    """An instance, as a router sees it."""

    number: int

    @property
    def load(self) -> int: ...

    @property
    def queued_tokens(self) -> int: ...

    def known(self, request: Request) -> int: ...


P = TypeVar("P", bound=Place)


class Router:
    """Picks one of the instances that are up, in order of their numbers; prompts and decoding each by themselves."""

    def __init__(self, name: str, instances: int) -> None:
        self.name = name
        self.instances = instances
        self.last = {"prompt": -1, "decode": -1}

    def pick(self, stage: Literal["prompt", "decode"], places: list[P], request: Request) -> P | None:
        """The instance for a request, None if none is up."""
        if not places:
            return None
        if self.name == "round-robin":
            after = self.last[stage] + 1
            chosen = min(places, key=lambda place: (place.number - after) % self.instances)
            self.last[stage] = chosen.number
            return chosen
        if self.name == "peer-to-peer" and stage == "prompt":
            return min(places, key=lambda place: (place.queued_tokens, place.load))
        least = min(places, key=lambda place: place.load)
        if self.name == "prefix-affinity" and stage == "prompt":
            best = max(places, key=lambda place: (place.known(request), -place.load))
            crowded = best.load > 2 * least.load and best.load - least.load >= 8
            return best if best.known(request) and not crowded else least
        return least

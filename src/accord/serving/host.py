"""Who an instance tells what becomes of its requests."""

from __future__ import annotations

from typing import Protocol


class Host(Protocol):
    """What lies around an instance, which it knows by its number."""

    def ended(self, request: int) -> None:
        """The last token of an answer was given."""
        ...

    def computed(self, instance: int, request: int) -> None:
        """A prompt is computed."""
        ...

    def prefilled(self, instance: int, request: int) -> None:
        """A prompt is computed on an instance of a prefill pool, which keeps its cache until it is sent."""
        ...

    def aborted(self, request: int) -> None:
        """A running request has gone."""
        ...

    def fetch_from_prefill(self, instance: int, request: int) -> None:
        """There is room on a decode instance for a prompt's cache."""
        ...

"""What goes between prefill instances and the pooled cache: units that are found there, and new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from accord.serving.book import Book
from accord.serving.cache import Pooled
from accord.serving.links import Link
from accord.serving.spec import PooledCache


class Asker(Protocol):
    """An instance that a request goes to."""

    def known_here(self, request: int) -> int:
        """Tokens of its prompt that lie in the cache of its group."""
        ...


class PooledTraffic:
    """The pooled cache of a run, and how long its accesses take. Times are those at which an access has ended."""

    def __init__(self, rules: PooledCache, book: Book, units: int) -> None:
        """units: that the cache holds."""
        self._rules, self._book = rules, book
        self._units = Pooled(units)

    def fetch(self, request: int, one: Asker, link: Link, now_s: float) -> float | None:
        """Ask for what an instance does not know of a prompt; None where nothing is found."""
        book = self._book
        book.fetched.pop(request, None)
        most = (book.prompt[request] + book.produced[request] - 1) // book.unit
        units = book.units(request)[:most]
        local = min(one.known_here(request) // book.unit, len(units))
        found = self._units.match(units[local:])
        if not found:
            return None
        self._units.use(units[local : local + found])
        book.fetched[request] = (local, local + found)
        return self._access(link, now_s, found)

    def write(self, request: int, link: Link, now_s: float) -> tuple[float, Sequence[int]] | None:
        """Send what is new of a computed prompt; None where nothing is. The cache has it when it is stored."""
        book = self._book
        units = [unit for unit in book.units(request)[book.known.pop(request, 0) :] if unit not in self._units]
        return (self._access(link, now_s, len(units)), units) if units else None

    def store(self, units: Sequence[int]) -> None:
        """What was sent has come."""
        self._units.use(units)

    def _access(self, link: Link, now_s: float, units: int) -> float:
        rules = self._rules
        size = units * self._book.unit * rules.bytes_per_token
        start, end = link.send(now_s, size)
        return max(end, start + size / rules.stream_bytes_per_s) + rules.latency_s

"""Values that change on known days: there is no "current" value, only the one in force on a day."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

import msgspec

from accord.base.errors import DataError, MissingFact

T = TypeVar("T")


class Span(msgspec.Struct, Generic[T], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value from one day to another.

    start: first day in force; until: first day no longer in force, None = still in force
    """

    value: T
    start: datetime.date
    until: datetime.date | None = None

    def __post_init__(self) -> None:
        """Refuse a span that ends before it starts. Raises DataError."""
        if self.until is not None and self.until <= self.start:
            raise DataError(
                f"the span from {self.start} until {self.until} holds no day", hint="until is the day after the last"
            )


class Dated(Generic[T]):
    """Spans that follow one another without gap or overlap.

    spans: in any order, at least one; only the last may be open
    what: what the value is, for messages
    Raises DataError for a gap, an overlap, or no span.
    """

    def __init__(self, spans: Iterable[Span[T]], *, what: str = "value") -> None:
        """Sort the spans and check that each begins where the one before it ends."""
        self._what = what
        self._spans = tuple(sorted(spans, key=lambda span: span.start))
        if not self._spans:
            raise DataError(f"{what} has no dated value")
        for earlier, later in zip(self._spans, self._spans[1:], strict=False):
            if earlier.until is None or earlier.until > later.start:
                hint = f"end the earlier one: 'until: {later.start}'"
                raise DataError(f"{what} has two values in force on {later.start}", hint=hint)
            if earlier.until < later.start:
                hint = "let the earlier one end, or the later one begin, on the other's day"
                raise DataError(f"{what} has no value from {earlier.until} to {later.start}", hint=hint)

    def on(self, day: datetime.date) -> T:
        """Return the value in force on a day. Raises MissingFact before the first or after the last span."""
        for span in self._spans:
            if span.start <= day and (span.until is None or day < span.until):
                return span.value
        first, last = self._spans[0].start, self._spans[-1].until
        until = "" if last is None else f" and ends before {last}"
        raise MissingFact(f"{self._what} has no value on {day}", hint=f"it starts on {first}{until}")

    def __iter__(self) -> Iterator[Span[T]]:
        """Iterate over the spans, earliest first."""
        return iter(self._spans)

    def __len__(self) -> int:
        """Return how many spans there are."""
        return len(self._spans)

"""Lines of a trace counted: what is wrong with one, and whether that ends the reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from accord.base.errors import TableError

MEND = "mend the line, or have bad lines skipped and counted"


@dataclass(slots=True)
class Tally:
    """Lines read so far.

    name: of the file, for messages; skip_bad: count bad lines instead of raising
    lines: with something on them, the heading of a table not counted; skipped: bad ones; reasons: how many by reason
    notes: what a reader of the result should know
    """

    name: str
    skip_bad: bool = False
    lines: int = 0
    skipped: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def bad(self, line: int, reason: str, shown: str = "", hint: str | None = None) -> None:
        """Count a bad line; raise TableError with ``file:line`` unless bad lines are skipped.

        reason: without the value, so that equal faults count together; shown: the value
        """
        if not self.skip_bad:
            raise self.error(line, f"{reason} ({shown})" if shown else reason, hint or MEND)
        self.skipped += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def error(self, line: int | None, what: str, hint: str | None = None) -> TableError:
        """An error at a line, or about the whole file."""
        return TableError(what, where=self.name if line is None else f"{self.name}:{line}", hint=hint)

    def numbered(self, lines: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Lines with something on them and their numbers from 1, counted."""
        for number, line in enumerate(lines, 1):
            if line and not line.isspace():
                self.lines += 1
                yield number, line

    def shares(self) -> Mapping[str, int]:
        """Reasons by how often they came, most often first."""
        return dict(sorted(self.reasons.items(), key=lambda item: (-item[1], item[0])))

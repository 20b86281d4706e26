"""Names that stand for implementations, with "did you mean" for a name nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from accord.base.errors import UsageError

T = TypeVar("T")


def closest(name: str, names: Iterable[str]) -> str | None:
    """Return the known name most like ``name`` (case and ``-``/``_`` aside), or None if none is near."""
    folded = {known.lower().replace("_", "-"): known for known in names}
    near = difflib.get_close_matches(name.lower().replace("_", "-")[:100], list(folded), n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def did_you_mean(name: str, names: Iterable[str], *, most: int = 12) -> str:
    """Return a hint for an unknown name: the closest known one, else the list, cut after ``most`` names."""
    known = tuple(names)
    near = closest(name, known)
    if near is not None:
        return f"did you mean {near!r}?"
    if not known:
        return "there are none"
    more = f", ... ({len(known)} in all)" if len(known) > most else ""
    return f"known: {', '.join(known[:most])}{more}"


class Registry(Generic[T]):
    """An explicit, unchanging table from name to implementation.

    what: what the names are, in the singular, for messages (``scheduler``)
    """

    def __init__(self, what: str, members: Mapping[str, T]) -> None:
        """Keep a copy of the table, in its order."""
        self._what = what
        self._members = dict(members)

    def __getitem__(self, name: str) -> T:
        """Return the implementation of a name. Raises UsageError naming the closest one."""
        if name not in self._members:
            raise UsageError(f"{self._what} {name!r} is not known", hint=did_you_mean(name, self._members))
        return self._members[name]

    def __contains__(self, name: object) -> bool:
        """Return whether the name is known."""
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in their order."""
        return iter(self._members)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._members)

    def names(self) -> tuple[str, ...]:
        """Return the names in their order."""
        return tuple(self._members)

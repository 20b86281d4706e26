"""A serving or training engine: what its software costs on top of the hardware, and what it can do."""

from __future__ import annotations

import re

import msgspec

from accord.catalog.value import Fact, Sources

FIRST_YEAR = 1000  # a version that begins with so large a number is a date


class Since(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when on an engine has a feature by default.

    version, date: of the first release that has it; source: key into the entry's sources
    """

    version: str
    date: str
    source: str
    note: str | None = None


class Engine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One engine.

    base: id of the engine whose software it drives or extends
    aliases: other names it goes by in published tables
    vendors: whose chips it runs on, empty where it is not bound to some
    parameters: by name, each with its own unit; features: what it can do, by name
    versions: features that only releases from some version on have, by name
    """

    id: str
    name: str
    base: str | None = None
    aliases: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    parameters: dict[str, Fact] = {}
    features: dict[str, bool] = {}
    versions: dict[str, Since] = {}
    sources: Sources

    def has_in(self, version: str | None) -> dict[str, bool]:
        """Features of a release.

        version: its number (``0.15.1``), or a date (``2025-10``) for the release of that day; the current one if None
        """
        return {**self.features, **{name: _reached(since, version) for name, since in self.versions.items()}}


def _reached(since: Since, version: str | None) -> bool:
    """Whether a release has what came at some version; words that begin with no number stand for the current one."""
    said = re.match(r"v?(\d+(?:[.-]\d+)*)", version or "")
    if said is None:
        return True
    numbers = _numbers(said[1])
    return numbers >= _numbers(since.date if numbers[0] >= FIRST_YEAR else since.version)


def _numbers(words: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", words))

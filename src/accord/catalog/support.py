"""What an engine runs: on which chips, for which models, in which formats, from which release on, and who says so."""

from __future__ import annotations

from typing import Literal

import msgspec

from accord.catalog.value import Date, Sources

Answer = Literal["yes", "no", "partial"]


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated statement of a source. What no statement speaks of is unknown.

    answer: ``partial`` where the source names a limit (in the note); date: of the release or page
    since, until: versions of the engine it holds from and up to, both included; None: not said
    chips, families: ids of chips and chip families it speaks of; models: ids or families of models, empty where
        it speaks of the chip alone; weights: formats as stored, empty where it speaks of none
    """

    answer: Answer
    date: Date
    source: str
    since: str | None = None
    until: str | None = None
    chips: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    note: str | None = None


class Support(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one engine.

    engine: id of a catalog engine, or the name of one that the catalog has no entry of
    """

    id: str
    name: str
    engine: str
    statements: tuple[Statement, ...]
    sources: Sources

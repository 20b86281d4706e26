"""Whether an engine runs a model on a chip in a format, from dated statements alone.

Rules, in this order:

1. A statement counts where it covers the chip (by id, by the beginning of one, by family, or by naming none), the
   model (the same, without family), the version asked, and the day: it is known from the last day of its date.
2. Of statements on one question the most special decides: the chip's id before a beginning before its family before
   none; the model's id before a longer beginning before a shorter one before none; then one that names the format;
   then the newest; then the weakest answer.
3. The format. A statement that names formats speaks of these; one that names none speaks of 16 bits and wider. A
   statement on the model in another format shows that the model runs on the chip, not that it runs in this one: a
   second statement on the chip and the format is then needed. A ``no`` about other formats says nothing.
4. A statement on the chip, or on chip and format, does not show that the model runs: that is unknown. Its ``no`` is a
   ``no`` for every model, for a model that no statement shows.
5. A statement on the model that names no chip needs one on the chip besides, and together they are ``partial``, for
   no source says both at once; a ``no`` on the model stays ``no``.
6. Of several needed statements the weakest answers: no, unknown, partial, yes.
7. Nothing else counts: no peak rate, no other engine, no other chip of the vendor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from accord.base.source import Source
from accord.catalog.days import last_day
from accord.catalog.support import Statement, Support

Known = Literal["yes", "no", "partial", "unknown"]
WIDE: tuple[str, ...] = ("bf16", "fp16", "fp32")
_WEAKEST: tuple[Known, ...] = ("no", "unknown", "partial", "yes")
_VERSION = re.compile(r"\d+(?:\.\d+)*")
_PRE = re.compile(r"(?:a|b|rc|alpha|beta|dev|post)[.-]?(\d*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to one question.

    statements: what it rests on, the deciding one first, empty where nothing speaks of it
    sources: of these statements, in their order; why: in words
    """

    engine: str
    answer: Known
    why: str
    statements: tuple[Statement, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def statement(self) -> Statement | None:
        """The statement that decides, None where there is none."""
        return self.statements[0] if self.statements else None

    @property
    def source(self) -> Source | None:
        """Where the deciding statement is from, None where there is none."""
        return self.sources[0] if self.sources else None


@dataclass(frozen=True, slots=True)
class _Said:
    """A statement made ready: its source, the last day of its date, and its range of versions."""

    statement: Statement
    source: Source
    day: str
    since: tuple[int, ...] | None
    until: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class _Engine:
    """Statements of one engine by where they hold: by word for chips, by family, ``anywhere`` naming no chip."""

    chip: dict[str, list[_Said]] = field(default_factory=dict)
    family: dict[str, list[_Said]] = field(default_factory=dict)
    anywhere: list[_Said] = field(default_factory=list)
    own: dict[str, tuple[tuple[int, _Said], ...]] = field(default_factory=dict)

    def of_chip(self, chip: str) -> tuple[tuple[int, _Said], ...]:
        """Statements that name a chip by its id (place 3) or the beginning of it (2)."""
        if chip not in self.own:
            self.own[chip] = tuple(
                (3 if word == chip else 2, said)
                for word, all_said in self.chip.items()
                if covers(word, chip)
                for said in all_said
            )
        return self.own[chip]


@dataclass(frozen=True, slots=True)
class Index:
    """Statements of all engines, made ready once by :func:`index`; answers are remembered in it."""

    engines: Mapping[str, _Engine]
    seen: dict[tuple[str | None, ...], Answered] = field(default_factory=dict)


def index(records: Iterable[Support]) -> Index:
    """Sort the statements of support entries by engine and place; entries that name one engine are read as one."""
    engines: dict[str, _Engine] = {}
    for record in records:
        engine = engines.setdefault(record.engine, _Engine())
        for statement in record.statements:
            said = _Said(
                statement,
                record.sources[statement.source],
                last_day(statement.date),
                version_key(statement.since),
                version_key(statement.until),
            )
            for word in statement.chips:
                engine.chip.setdefault(word, []).append(said)
            for family in statement.families:
                engine.family.setdefault(family, []).append(said)
            if not statement.chips and not statement.families:
                engine.anywhere.append(said)
    return Index(dict(sorted(engines.items())))


def support(
    index: Index,
    engine: str,
    chip: str,
    family: str,
    model: str,
    weights: str | None = None,
    *,
    day: str | None = None,
    version: str | None = None,
) -> Answered:
    """Say whether an engine runs a model's weights on a chip, as the rules of this module tell.

    chip, family, model: catalog ids; weights: format as stored, None asks about the model in any format
    day: ISO date, only what was known then counts (None: everything); version: of the engine (None: any)
    """
    stated = index.engines.get(engine)
    if stated is None:
        return Answered(engine, "unknown", f"no record of {engine}")
    own = stated.of_chip(chip)
    # chips of a family that no statement names share their answers
    key = (engine, chip if own else None, family, model, weights, day, version)
    found = index.seen.get(key)
    if found is None:
        said = (*own, *((1, one) for one in stated.family.get(family, ())), *((0, one) for one in stated.anywhere))
        found = _Question(engine, said, model, weights, day, version_key(version)).answer()
        index.seen[key] = found
    return found


def stated_conversions(
    index: Index,
    engine: str,
    chip: str,
    family: str,
    weights: str,
    *,
    model: str | None = None,
    day: str | None = None,
) -> dict[str, tuple[Statement, Source]]:
    """What an engine says it does with weights stored so on a chip, by kind of conversion.

    Statements that name models count for these alone, and before those that name none; then the newest counts.
    """
    stated = index.engines.get(engine, _Engine())
    told: dict[str, tuple[bool, str, _Said]] = {}
    for said in _named(stated, chip, family):
        statement = said.statement
        named = bool(statement.models)
        apart = named and (model is None or not any(covers(pattern, model) for pattern in statement.models))
        if not statement.conversion or weights not in statement.weights or statement.answer == "no" or apart:
            continue
        best = told.get(statement.conversion)
        if _in_time(said, day) and (best is None or (named, said.day) > best[:2]):
            told[statement.conversion] = (named, said.day, said)
    return {kind: (said.statement, said.source) for kind, (_, _, said) in told.items()}


def version_key(version: str | None) -> tuple[int, ...] | None:
    """A version as numbers that sort as releases do; a candidate (``rc1``) lies before its release. None stays None."""
    if version is None:
        return None
    found = _VERSION.search(version)
    if found is None:
        return None
    numbers = tuple(int(part) for part in found.group().split("."))
    pre = _PRE.search(version, found.end())
    tail = (1, 0) if pre is None or pre.group().lower().startswith("post") else (0, int(pre.group(1) or 0))
    return (*(*numbers, 0, 0, 0, 0)[:4], *tail)


def covers(pattern: str, model: str) -> bool:
    """Whether a statement's word for models covers one: its id, or a beginning followed by ``*``."""
    return model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern


def _named(engine: _Engine, chip: str, family: str) -> Iterator[_Said]:
    """Statements that name a chip or its family."""
    yield from (said for _, said in engine.of_chip(chip))
    yield from engine.family.get(family, ())


def _in_time(said: _Said, day: str | None) -> bool:
    return day is None or said.day <= day


@dataclass(frozen=True, slots=True)
class _Found:
    """A statement that covers the question, with how special it is about place, model and format."""

    said: _Said
    place: int
    model: int
    format: int

    @property
    def answer(self) -> Known:
        return self.said.statement.answer

    @property
    def rank(self) -> tuple[int, int, int, str, int]:
        return (self.place, self.model, self.format, self.said.day, -_WEAKEST.index(self.answer))


@dataclass(frozen=True, slots=True)
class _Question:
    """One question with the statements it may be answered from, each with how special its place is."""

    engine: str
    said: tuple[tuple[int, _Said], ...]
    model: str
    weights: str | None
    day: str | None
    version: tuple[int, ...] | None

    def answer(self) -> Answered:
        """Apply the rules of the module."""
        covering = self._covering()
        on_model = [one for one in covering if one.model and (one.format or one.answer != "no")]
        # a statement on another format is heard only where none speaks of this one
        best = _most_special(one for one in on_model if one.format) or _most_special(on_model)
        on_chip = [one for one in covering if one.place and not one.model]
        alone = _most_special(one for one in on_chip if not one.said.statement.weights)
        in_format = _most_special(one for one in on_chip if one.format)
        if best is None:
            against = next((one for one in (alone, in_format) if one is not None and one.answer == "no"), None)
            if against is not None:
                return self._answered("no", "not on this chip, whatever the model", against)
            return Answered(self.engine, "unknown", "no statement on this model and chip")
        if best.answer == "no" and (best.place or on_chip):
            return self._answered("no", "said of this model", best)
        return self._combined(best, alone, in_format)

    def _combined(self, best: _Found, alone: _Found | None, in_format: _Found | None) -> Answered:
        """The weakest of what is said on the model, on the chip (where the first names none) and on the format."""
        needed = [best]
        answers: list[Known] = [best.answer]
        whys = ["said of this model and chip"]
        if not best.place:
            shown = alone or in_format
            if shown is None:
                return self._answered("unknown", "the model is named, this chip is not", best)
            needed.append(shown)
            answers += [shown.answer, "partial"]
            whys = ["model and chip are stated apart"]
        if not best.format:
            if in_format is None:
                return self._answered("unknown", f"nothing said of {self.weights} on this chip", *needed)
            needed.append(in_format)
            answers.append(in_format.answer)
            whys.append(f"{self.weights} is stated for the chip")
        weakest = min(answers, key=_WEAKEST.index)
        # the deciding statement first
        needed.sort(key=lambda one: _WEAKEST.index(one.answer))
        return self._answered(weakest, "; ".join(whys), *needed)

    def _covering(self) -> list[_Found]:
        """Statements on this place, day and version whose models are none or cover this one."""
        found = []
        for place, said in self.said:
            model = self._model(said.statement)
            if model is not None and _in_time(said, self.day) and self._in_version(said):
                found.append(_Found(said, place, model, self._format(said.statement)))
        return found

    def _model(self, statement: Statement) -> int | None:
        """How special a statement is about the model: 0 for none named, None where others are."""
        if not statement.models:
            return 0
        lengths = [
            1 + len(pattern) + 1000 * (pattern == self.model)
            for pattern in statement.models
            if covers(pattern, self.model)
        ]
        return max(lengths, default=None)

    def _format(self, statement: Statement) -> int:
        """2 where a statement names the format asked (or any is asked), 1 where it is silent and it is wide, else 0."""
        if statement.weights:
            # what is denied in some formats is not denied in any
            any_asked = self.weights is None and statement.answer != "no"
            return 2 if any_asked or self.weights in statement.weights else 0
        # what is denied without a format is denied in every one
        return 1 if self.weights is None or self.weights in WIDE or statement.answer == "no" else 0

    def _in_version(self, said: _Said) -> bool:
        if self.version is None:
            return True
        early = said.since is not None and self.version < said.since
        late = said.until is not None and self.version > said.until
        return not early and not late

    def _answered(self, answer: Known, why: str, *found: _Found) -> Answered:
        statements = tuple(one.said.statement for one in found)
        return Answered(self.engine, answer, why, statements, tuple(one.said.source for one in found))


def _most_special(found: Iterable[_Found]) -> _Found | None:
    return max(found, key=lambda one: one.rank, default=None)

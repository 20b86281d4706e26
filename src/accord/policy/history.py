"""Class and outcome through time: the days on which rules change, and what each stretch between them answers."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from accord.catalog.group import Group
from accord.catalog.instrument import Instrument
from accord.policy.classify import Verdict
from accord.policy.decide import Hit
from accord.policy.logic import TRUE

_DAY = len("2025-01-31")
_TOPICS = ("export", "import")


@dataclass(frozen=True, slots=True)
class Period:
    """Days on which the answer is the same.

    start: first day, None = since before the first rule; until: first day no longer, None = open
    deciding: facts it depends on; rules: ``INSTRUMENT/RULE`` that class the item and make the outcome, one that
        restates another beside it
    beyond: whether it begins after the day on which the last source was read, so that later changes may be missing
    """

    start: datetime.date | None
    until: datetime.date | None
    eccn: str
    outcome: str
    importer: str
    deciding: tuple[str, ...]
    rules: tuple[str, ...]
    beyond: bool = False


def breakpoints(instruments: Sequence[Instrument], groups: Sequence[Group] = ()) -> tuple[datetime.date, ...]:
    """Every day on which an export or import rule, or a country group, changes; in order.

    Days of publication count, because a text that is published changes how a class is named.
    """
    texts = {text for text in (*_of_rules(instruments), *_of_groups(groups)) if text and len(text) == _DAY}
    return tuple(datetime.date.fromisoformat(text) for text in sorted(texts))


def last_read(instruments: Sequence[Instrument]) -> datetime.date | None:
    """The last day on which a source of an export or import rule was read."""
    days = [one.last_checked for one in instruments if one.topic in _TOPICS and len(one.last_checked) == _DAY]
    return datetime.date.fromisoformat(max(days)) if days else None


def first_rule(instruments: Sequence[Instrument]) -> datetime.date | None:
    """The first day on which a rule on chips' export or import holds; lists of parties go further back."""
    days = [
        span.start
        for one in instruments
        if one.topic in _TOPICS
        for rule in one.rules
        if rule.scope.items
        for span in rule.spans
        if len(span.start) == _DAY
    ]
    return datetime.date.fromisoformat(min(days)) if days else None


def history(
    answer: Callable[[datetime.date], Verdict], days: Sequence[datetime.date], last: datetime.date | None = None
) -> tuple[Period, ...]:
    """Ask the rules before the first of ``days`` and on each of them; neighbours with one answer are one period.

    answer: what the rules of a day say; last: day on which the last source was read
    """
    found: list[Period] = []
    starts: list[datetime.date | None] = [None, *sorted(set(days))]
    for start in starts:
        day = start or (days[0] - datetime.timedelta(days=1) if days else datetime.date.min)
        one = period(answer(day), start, beyond=last is not None and day > last)
        if found and _answer(found[-1]) == _answer(one):
            found[-1] = replace(found[-1], rules=tuple(dict.fromkeys((*found[-1].rules, *one.rules))))
            continue
        if found:
            found[-1] = replace(found[-1], until=start)
        found.append(one)
    return tuple(found)


def period(verdict: Verdict, start: datetime.date | None, *, beyond: bool = False) -> Period:
    """A stretch that begins with a verdict."""
    deciding = tuple(dict.fromkeys((*verdict.deciding, *verdict.importer_deciding)))
    rules = tuple(hit.rule.id for hit in deciding_hits(verdict))
    return Period(start, None, verdict.eccn, verdict.outcome, verdict.importer, deciding, rules, beyond)


def deciding_hits(verdict: Verdict) -> tuple[Hit, ...]:
    """Rules that class the item and make the outcome: of each stage those that count, the class first."""
    counted = [hit for hit in verdict.hits if hit.counts and hit.verdict == TRUE]
    classing = [hit for hit in counted if hit.rule.rule.consequence.value == verdict.chip_eccn][:1]
    others = [hit for hit in counted if hit.rule.rule.stage not in ("presumption", "class", "fallback")]
    return (*classing, *others)


def _answer(one: Period) -> tuple[object, ...]:
    """What a stretch answers; a text that restates another is the same answer by another rule."""
    return (one.eccn, one.outcome, one.importer, one.deciding)


def _of_rules(instruments: Sequence[Instrument]) -> Iterator[str | None]:
    for instrument in instruments:
        if instrument.topic not in _TOPICS:
            continue
        yield instrument.published
        for rule in instrument.rules:
            for span in rule.spans:
                yield from (span.start, span.until, span.compliance)


def _of_groups(groups: Sequence[Group]) -> Iterator[str | None]:
    for group in groups:
        for one in (*group.members, *group.outside, *group.unsure):
            yield from (one.start, one.until)

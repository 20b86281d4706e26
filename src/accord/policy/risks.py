"""The small taxonomy of risks: which a test speaks to, and which are covered, not covered or expired on a day."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from accord.catalog.risk import TaxonomyRisk

Coverage = Literal["covered", "not covered", "expired"]


@dataclass(frozen=True, slots=True)
class Finished:
    """A test that was finished: name to show, names the taxonomy may know it by, day of it."""

    title: str
    tests: tuple[str, ...]
    date: datetime.date | None


@dataclass(frozen=True, slots=True)
class Covered:
    """How a risk stands.

    by: tests that count, newest first; until: last day they hold; why: in words, where it is not covered
    """

    risk: TaxonomyRisk
    state: Coverage
    by: tuple[str, ...] = ()
    until: datetime.date | None = None
    why: str = ""


def risks_of(tests: Iterable[str], taxonomy: Sequence[TaxonomyRisk]) -> tuple[str, ...]:
    """Ids of the risks that tests of these names speak to, in the order of the taxonomy."""
    names = [plain_name(name) for name in tests]
    return tuple(
        risk.id for risk in taxonomy
        if any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in risk.tests)
    )  # fmt: skip


def coverage(tested: Sequence[Finished], taxonomy: Sequence[TaxonomyRisk], day: datetime.date) -> tuple[Covered, ...]:
    """How each risk stands on a day.

    covered: a test of it was finished on or before the day and is no older than the risk's life. It says that the
    risk was tested, not how the model did. A test without a day, or dated later, covers nothing.
    """
    return tuple(_one(risk, [one for one in tested if risks_of(one.tests, (risk,))], day) for risk in taxonomy)


def _one(risk: TaxonomyRisk, tested: list[Finished], day: datetime.date) -> Covered:
    dated = [(one.date, one.title) for one in tested if one.date is not None and one.date <= day]
    if not dated:
        why = "no test of it" if not tested else "its tests have no day, or a later one"
        return Covered(risk, "not covered", why=why)
    life = datetime.timedelta(days=risk.valid_days)
    newest = max(when for when, _ in dated)
    fresh = sorted(((when, title) for when, title in dated if day - when <= life), reverse=True)
    if fresh:
        titles = tuple(dict.fromkeys(title for _, title in fresh))
        return Covered(risk, "covered", by=titles, until=_after(newest, life))
    last = tuple(dict.fromkeys(title for when, title in dated if when == newest))
    why = f"the newest is of {newest}, older than {risk.valid_days} days"
    return Covered(risk, "expired", by=last, until=_after(newest, life), why=why)


def _after(day: datetime.date, life: datetime.timedelta) -> datetime.date:
    return day + life if day <= datetime.date.max - life else datetime.date.max


def plain_name(name: str) -> str:
    """A test's name without the package it is from, in small letters with hyphens."""
    return name.rpartition("/")[2].strip().lower().replace("_", "-").replace(" ", "-")

"""What an answer depends on, cause by cause, as a table; the picture is :mod:`accord.report.plots.tornado`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from accord.base import units
from accord.economics.sensitivity import Swing
from accord.report.tables import NOTHING, Table, number, number_column, text_column


class Cause(NamedTuple):
    """One cause of an answer.

    name: in words; at_low, at_high: the answer at the cause's low and high end; base: with every cause at its base
    low, high: the cause's ends in words
    """

    name: str
    at_low: float
    at_high: float
    base: float
    low: str = ""
    high: str = ""

    @property
    def size(self) -> float:
        """How far the answer moves."""
        ends = (self.at_low, self.at_high, self.base)
        return max(ends) - min(ends)


def causes_of(swings: Sequence[Swing], unit: Mapping[str, str] | None = None) -> tuple[Cause, ...]:
    """Swings with their ends in words. unit: of each cause by name, where it has one."""
    unit = unit or {}

    def words(name: str, value: float) -> str:
        return units.show(value, unit.get(name, "1"))

    return tuple(
        Cause(one.name, one.at_low, one.at_high, one.base, words(one.name, one.low), words(one.name, one.high))
        for one in swings
    )


def widest_first(causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Causes that move the answer, the widest first; equal ones by name."""
    moving = [one for one in causes if one.size > 0.0 and math.isfinite(one.size)]
    return tuple(sorted(moving, key=lambda one: (-one.size, one.name)))


def tornado_table(causes: Sequence[Cause], answer: str, unit: str) -> Table:
    """The causes of an answer, the widest first.

    answer: what it is, in words; unit: of it. Causes that do not move it are named below.
    """
    rows = tuple(
        (
            one.name, one.low or NOTHING, one.high or NOTHING, number(one.at_low), number(one.at_high),
            number(one.size / one.base * 100.0 if one.base else None),
        )
        for one in widest_first(causes)
    )  # fmt: skip
    still = sorted(one.name for one in causes if one.size == 0.0)
    notes = [f"at the base of all causes: {number(causes[0].base)} {unit}"] if causes else []
    notes += [f"do not move it: {', '.join(still)}"] if still else []
    columns = (
        text_column("cause"), text_column("low end"), text_column("high end"), number_column("at low", unit),
        number_column("at high", unit), number_column("swing", "%"),
    )  # fmt: skip
    return Table(title=f"What {answer} depends on", columns=columns, rows=rows, notes=tuple(notes))

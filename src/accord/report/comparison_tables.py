"""The tables of ``accord compare``: one for each group, at most a hundred columns wide, and notes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from accord.base import units
from accord.base.source import Basis
from accord.economics.comparison import CANNOT_TELL, GROUPS, QUANTITIES, Dimension, Profile, Quantity, times, value_of
from accord.economics.unit_cost import breakeven_tariff_ratio
from accord.report.tables import NOTHING, Table, number, number_column, pairs, text_column
from accord.uncertainty.figure import Figure

WIDTH = 97  # of 100 columns: terminals put a little more between columns than plain text does
FAR_APART = 1e4
LETTERS = "ABCD"
MARKS: dict[Basis, str] = {"measured": "m", "published": "p", "derived": "d", "estimate": "e", "assumed": "a"}
_LEGEND = "basis: " + ", ".join(f"{mark} {basis}" for basis, mark in MARKS.items())


def pair_tables(a: Profile, b: Profile, found: Sequence[Dimension], level: float) -> tuple[Table, ...]:
    """Tables for two systems; a group without an answer is left out.

    found: from :func:`accord.economics.comparison.compare`; level: of the bands [1]
    """
    columns = (
        text_column("dimension"),
        text_column("unit"),
        number_column("A"),
        number_column("B"),
        number_column("A/B"),
        text_column(f"{level * 100:g} % band"),
        text_column("verdict"),
    )
    tables = [_heading((a, b))]
    for group in GROUPS:
        rows = [one for one in found if one.quantity.group == group]
        if any(one.verdict != CANNOT_TELL for one in rows):
            tables.append(Table(title=group.capitalize(), columns=columns, rows=tuple(_pair_row(one) for one in rows)))
    return (*tables, _notes((a, b), _legend(level), breakeven(found)))


def many_tables(profiles: Sequence[Profile], found: Sequence[Sequence[Dimension]]) -> tuple[Table, ...]:
    """Tables for three or four systems: values of each, and ratios of the first to every other.

    found: one comparison for each other system, in their order
    """
    letters = LETTERS[: len(profiles)]
    columns = (
        text_column("dimension"),
        text_column("unit"),
        *(number_column(letter) for letter in letters),
        *(number_column(f"A/{letter}") for letter in letters[1:]),
    )
    tables = [_heading(profiles)]
    for group in GROUPS:
        places = [at for at, quantity in enumerate(QUANTITIES) if quantity.group == group]
        rows = [_many_row(QUANTITIES[at], profiles, [one[at] for one in found]) for at in places]
        if any(cell != NOTHING for row in rows for cell in row[2 + len(profiles) :]):
            tables.append(Table(title=group.capitalize(), columns=columns, rows=tuple(rows)))
    legend = f"{_LEGEND}; ? = sources disagree on which has more; bands and verdicts: --json"
    lowest = ", ".join(
        f"{letter} {(one.totals.lowest_format or NOTHING).upper()}"
        for letter, one in zip(letters, profiles, strict=True)
    )
    return (*tables, _notes(profiles, legend, (("lowest precision", lowest),)))


def _heading(profiles: Sequence[Profile]) -> Table:
    """Which letter is which system."""
    rows = [(letter, described(one)) for letter, one in zip(LETTERS, profiles, strict=False)]
    return pairs("Systems compared", rows)


def described(one: Profile) -> str:
    """A system in words: its name, id, chips and racks."""
    chips, racks = one.whole.get("chips"), one.whole.get("racks")
    parts = [one.id]
    if chips is not None:
        parts.append(f"{_count(chips.value)} x {one.chip}" if one.chip else f"{_count(chips.value)} chips")
    if racks is not None:
        parts.append(f"{_count(racks.value)} rack{'' if racks.value == 1.0 else 's'}")
    return f"{one.name} ({', '.join(parts)})"


def _pair_row(found: Dimension) -> tuple[str, ...]:
    label, cells = _cells(found.quantity, (found.a, found.b))
    ratio = NOTHING if found.ratio is None else times(found.ratio)
    return (_dimension_label(found), label, *cells, ratio, _band(found), found.summary)


def _dimension_label(found: Dimension) -> str:
    """The dimension in words; where formats differ, they are the words."""
    if found.formats is None:
        return found.quantity.short
    a, b = ((name or NOTHING).upper() for name in found.formats)
    return f"lowest: {a} | {b}"


def _many_row(quantity: Quantity, profiles: Sequence[Profile], found: Sequence[Dimension]) -> tuple[str, ...]:
    label, cells = _cells(quantity, [value_of(one, quantity) for one in profiles])
    return (quantity.short, label, *cells, *(_ratio(one) for one in found))


def _ratio(found: Dimension) -> str:
    """Ratio with a mark where the band spans 1; the reason where there is none."""
    if found.ratio is None:
        return NOTHING if found.verdict == CANNOT_TELL else "no unit"
    return times(found.ratio) + ("?" if found.undecided else " ")


def _band(found: Dimension) -> str:
    if found.low is None or found.high is None:
        return NOTHING
    low, high = times(found.low), times(found.high)
    return low if low == high else f"{low} to {high}"


def _cells(quantity: Quantity, figures: Sequence[Figure | None]) -> tuple[str, list[str]]:
    """Unit with a prefix that fits the largest value, and the values in it with the mark of their basis."""
    below = next((end for end in ("/W", "/USD") if quantity.unit.endswith(end)), "")
    base = quantity.unit.removesuffix(below)
    if base == "1":
        return "", [NOTHING if one is None else f"{_count(one.value)} {MARKS[one.basis]}" for one in figures]
    unit = _prefixed([one.value for one in figures if one is not None and one.value > 0.0], base)
    size = units.parse(f"1 {unit}", base)
    cells = [NOTHING if one is None else f"{number(one.value / size)} {MARKS[one.basis]}" for one in figures]
    return f"{unit.replace('million ', 'M ').replace('billion ', 'bn ')}{below}", cells


def _prefixed(known: Sequence[float], base: str) -> str:
    """The unit that fits the smallest value, or the middle of values that lie far apart."""
    if not known:
        return base
    low, high = min(known), max(known)
    leading = low if high / low < FAR_APART else math.sqrt(low * high)
    return units.show(leading, base).partition(" ")[2]


def _count(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else number(value)


def _legend(level: float) -> str:
    return f"{_LEGEND}; band: the central {level * 100:g} % of what all kept sources give"


def breakeven(found: Sequence[Dimension]) -> tuple[tuple[str, str], ...]:
    """What the figures per watt say about tariffs."""
    for one in found:
        if one.quantity.name == "bf16_per_watt" and one.a is not None and one.b is not None:
            share = times(breakeven_tariff_ratio(one.a.value, one.b.value))
            told = f"energy for a BF16 operation costs both the same where A pays {share} times B's price per kWh"
            return (("break-even", told),)
    return ()


def _notes(profiles: Sequence[Profile], legend: str, more: Sequence[tuple[str, str]]) -> Table:
    """What the sources say about figures that are disputed, no more than estimates, or put together."""
    told = [*remarks(profiles), *more]
    width = max((len(key) for key, _ in told), default=0)
    rows: list[tuple[str, str]] = []
    for key, text in told:
        lines = textwrap.wrap(text, WIDTH - width - 2)
        rows += [(key if at == 0 else "", line) for at, line in enumerate(lines)]
    return pairs("Notes", rows, textwrap.wrap(legend, WIDTH))


def remarks(profiles: Sequence[Profile]) -> Iterator[tuple[str, str]]:
    """What the sources say about doubtful figures: letters of systems with the figure in words, and the remark."""
    words = {quantity.of: quantity.short.partition(",")[0] for quantity in QUANTITIES if not quantity.per}
    told: dict[str, tuple[str, str]] = {}  # remark -> letters, what it is about; systems of one chip share remarks
    for letter, one in zip(LETTERS, profiles, strict=False):
        for name, figure in one.whole.items():
            base = one.totals.per_chip.get(name, figure)
            doubtful = figure.disputed or figure.built or base.basis in ("estimate", "assumed")
            for remark in figure.remarks if doubtful else ():
                letters, word = told.get(remark, ("", words[name]))
                told[remark] = (letters if letter in letters else letters + letter, word)
        told |= {aside: (letter, "printed") for aside in one.totals.asides}
    for remark, (letters, word) in told.items():
        yield f"{letters} {word}", remark

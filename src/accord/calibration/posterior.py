"""Factors folded into numbers: what a chip, a family and any chip are given after the rows were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from accord.base.array import Array
from accord.calibration.book import Book, Entry, ancestors
from accord.calibration.numbers import FittedNumber
from accord.calibration.priors import GENERIC, UNTABLED, Shift
from accord.calibration.rows_stage import Problem, RowFit
from accord.catalog.load import Catalog

TELLS = 0.02  # slope of a row's logarithm from which it says something about a factor
BETWEEN_CHIPS = 0.15  # of logarithms, from chips with rows to a chip without, of their family or of none
_SHARED = ("engine.", "memory.", "pool.", "residual.")  # software, the same on every chip
KEPT = 0.4  # weaker correlations are left out
MOST = 0.97  # none is written stronger


def folded(catalog: Catalog, book: Book, problem: Problem, fit: RowFit) -> dict[str, Entry]:
    """The book with factors folded in, and entries of their own for chips of families that have rows but no tables."""
    shown = _shown(catalog, problem, fit)
    made = {id: _entry(book, id, problem.shifts, fit, shown) for id in book}
    near = {id: _visible(book, id, problem.shifts) for id in book}
    for id in (id for id, entry in made.items() if entry.families or entry.chips):
        visible = {name: (weight, made[owner].numbers[name].log_sd) for name, (owner, weight) in near[id].items()}
        made[id] = replace(made[id], correlations=_correlations(visible, fit.covariance))
    for family in UNTABLED:
        entry = made[family]
        for chip in sorted({chip for number in entry.numbers.values() for chip in number.chips}):
            numbers = {name: number for name, number in entry.numbers.items() if chip in number.chips}
            if numbers:
                made[chip] = replace(
                    entry, id=chip, parent=family, families=(), chips=(chip,), numbers=numbers,
                    sources={name: entry.sources[name] for name in numbers},
                )  # fmt: skip
        made[family] = _widened(entry)
    made[GENERIC] = _widened(made[GENERIC], shared=_SHARED)
    return made


def _widened(entry: Entry, shared: tuple[str, ...] = ()) -> Entry:
    """An entry that speaks for chips nobody measured. shared: beginnings of names that no chip makes different."""
    numbers = {
        name: number
        if number.log_sd == 0.0 or (shared and name.startswith(shared))
        else replace(number, log_sd=float(np.hypot(number.log_sd, BETWEEN_CHIPS)))
        for name, number in entry.numbers.items()
    }
    return replace(entry, numbers=numbers, correlations={})


def _shown(catalog: Catalog, problem: Problem, fit: RowFit) -> list[tuple[int, tuple[str, ...]]]:
    """Rows and chips that say something about each factor."""
    found: list[tuple[int, tuple[str, ...]]] = []
    known = catalog.ids("chips")
    for at in range(len(problem.shifts)):
        rows = [row for row, slope in zip(problem.rows, fit.slopes[:, at], strict=True) if abs(slope) > TELLS]
        found.append((len(rows), tuple(sorted({row.text["chip"] for row in rows if row.text["chip"] in known}))))
    return found


def covering(book: Book, entry: str, name: str, shifts: Sequence[Shift]) -> list[int]:
    """Places of the factors that move a number of an entry."""
    chain = ancestors(book, entry)
    return [
        at for at, shift in enumerate(shifts)
        if shift.entry in chain and shift.moves(name)
    ]  # fmt: skip


def _entry(
    book: Book, id: str, shifts: Sequence[Shift], fit: RowFit, shown: Sequence[tuple[int, tuple[str, ...]]]
) -> Entry:
    entry = book[id]
    numbers: dict[str, FittedNumber] = {}
    sources = dict(entry.sources)
    for name, number in entry.numbers.items():
        places = covering(book, id, name, shifts)
        weight = np.zeros(len(shifts))
        weight[places] = 1.0
        numbers[name] = _folded(number, weight, places, fit, shown)
        if number.n == 0 and numbers[name].n > 0:
            sources[name] = "ROWS"
    return replace(entry, numbers=numbers, sources=sources)


def _visible(book: Book, id: str, shifts: Sequence[Shift]) -> dict[str, tuple[str, Array]]:
    """Every number an entry states or inherits: the entry that owns it, and the factors that move it there."""
    found: dict[str, tuple[str, Array]] = {}
    for owner in ancestors(book, id):
        for name in book[owner].numbers:
            if name not in found:
                weight = np.zeros(len(shifts))
                weight[covering(book, owner, name, shifts)] = 1.0
                found[name] = (owner, weight)
    return found


def _folded(
    number: FittedNumber, weight: Array, places: Sequence[int], fit: RowFit,
    shown: Sequence[tuple[int, tuple[str, ...]]],
) -> FittedNumber:  # fmt: skip
    if not places:
        return number
    value = number.value * float(np.exp(weight @ fit.logs))
    moved = float(weight @ fit.covariance @ weight)
    log_sd = float(np.sqrt(moved if number.n == 0 else number.log_sd**2 + moved))
    last = max(places, key=lambda at: at)  # the factor nearest to the number: families stand after generic
    rows, chips = shown[last]
    return FittedNumber(value, log_sd, number.n + rows, tuple(sorted({*number.chips, *chips})))


def _correlations(visible: Mapping[str, tuple[Array, float]], covariance: Array) -> dict[str, dict[str, float]]:
    """Correlations of logarithms that are worth keeping, as a matrix one can draw from.

    visible: by name, the factors that move a number and the standard deviation of its logarithm
    """
    names = sorted(name for name, (weight, log_sd) in visible.items() if weight.any() and log_sd > 0.0)
    if not names:
        return {}
    stack = np.stack([visible[name][0] for name in names])
    sd = np.array([visible[name][1] for name in names])
    matrix = stack @ covariance @ stack.T / np.outer(sd, sd)
    thin = np.where(np.abs(matrix) >= KEPT, np.clip(matrix, -MOST, MOST), 0.0)
    np.fill_diagonal(thin, 0.0)
    shrink = 1.0
    while np.linalg.eigvalsh(np.round(shrink * thin, 2) + np.eye(len(names)))[0] <= 1e-3:
        shrink *= 0.97
    thin = np.round(shrink * thin, 2)
    return {
        first: row
        for i, first in enumerate(names)
        if (row := {second: float(thin[i, j]) for j, second in enumerate(names) if j > i and thin[i, j] != 0.0})
    }

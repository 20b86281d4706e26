"""The whole calibration: tables, rows, residuals; and the same without a group, for cross-validation."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from accord.api.drawn import posterior
from accord.api.lookup import CatalogLookup
from accord.base.array import Array
from accord.base.errors import TableError
from accord.calibration.book import Entry, calibrations, first_book, stated
from accord.calibration.collectives import fit_collectives
from accord.calibration.crossval import By, Fold, folds, group_of, held_out
from accord.calibration.iterations import window_rows
from accord.calibration.numbers import FittedNumber
from accord.calibration.numbers import TableError as Met
from accord.calibration.operator_stage import OperatorFit, fit_operators
from accord.calibration.operators import Dataset, datasets
from accord.calibration.posterior import folded
from accord.calibration.priors import GENERIC, JUDGEMENTS, NOTES, TABLED, UNTABLED, Shift, shifts
from accord.calibration.residuals import Held, Residuals, residuals
from accord.calibration.rows_stage import Problem, RowFit, fitting_rows, pose, solve
from accord.catalog.calibration import Calibration
from accord.catalog.load import Catalog
from accord.hardware.device import Device, from_chip
from accord.uncertainty.residual import half_width, kind_of
from accord.validation.predict import Prediction
from accord.validation.rows import Row
from accord.validation.score import Scored, log_distance, log_spread, phase_of, predicted, score_one

_LOOSE: Mapping[str, float] = {
    "launch_s": 0.5,
    "exchange": 0.8,
    "walk": 1.5,
}  # least freedom of a family without tables
RESIDUAL_SD = 0.15


@dataclass(frozen=True, slots=True)
class Tables:
    """What operator tables say: fits of the first stage, and their datasets for fits without a chip."""

    datasets: tuple[Dataset, ...]
    devices: Mapping[str, Device]
    generations: Mapping[str, str]
    operators: OperatorFit
    collectives: Mapping[str, Mapping[str, FittedNumber]]
    errors: tuple[Met, ...]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration. records: what the catalog would read; catalog: with the tables' numbers alone.

    held: logarithm of each row's prediction without its source, and its standard deviation from parameters
    own: that standard deviation in the finished calibration
    """

    tables: Tables
    catalog: Catalog
    problem: Problem
    fit: RowFit
    residuals: Residuals
    held: Mapping[str, tuple[float, float]]
    own: Mapping[str, float]
    records: Mapping[str, Calibration]


def read_tables(catalog: Catalog, *, judged: bool) -> Tables:
    """The first stage. judged: also fit without each chip, to say how far its tables are met then."""
    found = datasets(lambda chip: from_chip(catalog.chip(chip)))
    chips = sorted({one.chip for one in found})
    devices = {chip: from_chip(catalog.chip(chip)) for chip in chips}
    generations = {chip: catalog.chip(chip).family for chip in chips}
    operators = fit_operators(found, devices, generations, judged=judged)
    collectives = fit_collectives()
    numbers = {entry: found for entry, found in collectives.parameters.items() if entry not in UNTABLED}
    return Tables(found, devices, generations, operators, numbers, (*operators.errors, *collectives.errors))


def without(tables: Tables, chip: str) -> Tables:
    """The tables' fit without a chip's own."""
    kept = tuple(one for one in tables.datasets if one.chip != chip)
    if len(kept) == len(tables.datasets):
        return tables
    return replace(tables, operators=fit_operators(kept, tables.devices, tables.generations, judged=False))


def calibrate(catalog: Catalog, rows: Sequence[Row], *, judged: bool = True) -> Calibrated:
    """Fit everything. Raises TableError when no row teaches anything, UsageError without the tables."""
    tables = read_tables(catalog, judged=judged)
    free = shifts()
    book = started(catalog, tables, free)
    plain = catalog.with_calibration(calibrations(book, _today(), NOTES))
    problem, _ = pose(plain, fitting_rows([*rows, *window_rows()]), free, _freedom(book, free))
    if not problem.rows:
        raise TableError("no row can teach: none is measured, of known confidence and predictable")
    fit = solve(plain, problem)
    made = folded(catalog, book, problem, fit)
    own = own_spread(catalog.with_calibration(calibrations(made, _today(), NOTES)), rows)
    held = _held(plain, rows, problem, fit, "source", own)
    spread = residuals(list(_misses(rows, held).values()))
    records = calibrations(_with_residuals(made, spread), _today(), NOTES)
    return Calibrated(tables, plain, problem, fit, spread, held, own, records)


def own_spread(catalog: Catalog, rows: Sequence[Row]) -> dict[str, float]:
    """Standard deviation of the logarithm of each row's prediction from parameters and disputed facts."""
    drawn = posterior(catalog)
    return {row.id: log_spread(predicted(row, drawn).value) for row in rows if row.to_score}


def started(catalog: Catalog, tables: Tables, free: Sequence[Shift]) -> dict[str, Entry]:
    """The book before rows, with everything stated that a factor moves."""
    book = first_book(catalog, tables.operators, tables.collectives)
    for entry in (*TABLED, *UNTABLED):
        book = stated(book, entry, [shift for shift in free if shift.entry == entry])
    return book


def cross_validated(done: Calibrated, catalog: Catalog, rows: Sequence[Row], by: By) -> dict[str, tuple[float, float]]:
    """Logarithm of each row's prediction and its standard deviation, parameters and residual together, held out."""
    held = (
        dict(done.held)
        if by == "source"
        else _held(done.catalog, rows, done.problem, done.fit, by, done.own, _catalogs(done, catalog, by))
    )
    misses = _misses(rows, done.held)
    answers: dict[str, tuple[float, float]] = {}
    for group in sorted({group_of(row, by) for row in rows}):
        own = [row for row in rows if group_of(row, by) == group]
        names = {row.id for row in own}
        spread = residuals([miss for id, miss in misses.items() if id not in names]).log_sd
        for row in own:
            if row.id in held:
                log, own_sd = held[row.id]
                kind = _kind(row)
                residual = spread.get(kind, JUDGEMENTS[f"residual.{kind}"].value)
                answers[row.id] = (log, float(np.hypot(own_sd, residual)))
    return answers


def _held(
    plain: Catalog, rows: Sequence[Row], problem: Problem, fit: RowFit, by: By, own: Mapping[str, float],
    catalogs: Callable[[str], Catalog] | None = None,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """Held-out logarithms; a row is no surer without its group than with it."""
    found: tuple[Fold, ...] = folds(plain, problem, fit, [group_of(row, by) for row in problem.rows])
    scored = [row for row in rows if row.to_score]
    held = held_out(catalogs or (lambda group: plain), scored, problem, found, by)
    return {id: (log, max(log_sd, own.get(id, 0.0))) for id, (log, log_sd) in held.items()}


def _catalogs(done: Calibrated, catalog: Catalog, by: By) -> Callable[[str], Catalog]:
    """The catalog of a fold: a chip that is left out loses its kernel tables as well."""

    def lacking(chip: str) -> Catalog:
        if by != "chip" or chip not in done.tables.generations:
            return done.catalog
        book = started(catalog, without(done.tables, chip), done.problem.shifts)
        return catalog.with_calibration(calibrations(book, _today(), NOTES))

    return lacking


def scored_without(done: Calibrated, catalog: Catalog, rows: Sequence[Row], by: By, level: float) -> tuple[Scored, ...]:
    """Every row to be scored, beside what a fit without its group says."""
    answers = cross_validated(done, catalog, rows, by)
    lookup = CatalogLookup(done.catalog)
    found: list[Scored] = []
    for row in (row for row in rows if row.to_score):
        log, log_sd = answers.get(row.id, (float("nan"), 0.0))
        if np.isfinite(log):
            made = Prediction(np.array([np.exp(log)]))
        else:
            made = Prediction(None, predicted(row, lookup).skipped)
        found.append(score_one(row, made, half_width(0.0, log_sd, level)))
    return tuple(found)


def _kind(row: Row) -> str:
    return kind_of(row.text["metric"], phase_of(row))


def _misses(rows: Sequence[Row], held: Mapping[str, tuple[float, float]]) -> dict[str, Held]:
    """Held-out rows that have a prediction, except facts that are looked up and waits, which no row may set."""
    found: dict[str, Held] = {}
    for row in rows:
        log, own_sd = held.get(row.id, (float("nan"), 0.0))
        value = row.numbers.get("value", 0.0)
        if np.isfinite(log) and value > 0.0 and not row.text["metric"].startswith(("link_", "ttft_p")):
            miss = log_distance(float(np.exp(log)), value, row.flags.get("range"))
            found[row.id] = Held(_kind(row), row.text["source_id"], miss, own_sd)
    return found


def _freedom(book: Mapping[str, Entry], free: Sequence[Shift]) -> Array:
    """Prior standard deviation of every factor; without one of its own, that of the number it moves."""
    found: list[float] = []
    for shift in free:
        if shift.log_sd is not None:
            found.append(shift.log_sd)
            continue
        moved = [number.log_sd for name, number in book[shift.entry].numbers.items() if shift.moves(name)]
        loose = max((least for part, least in _LOOSE.items() if part in shift.name), default=0.0)
        found.append(max(min(moved, default=0.3), loose))
    return np.array(found)


def _with_residuals(book: Mapping[str, Entry], spread: Residuals) -> dict[str, Entry]:
    numbers = {
        f"residual.{kind}": FittedNumber(sd, RESIDUAL_SD, spread.rows[kind], ()) for kind, sd in spread.log_sd.items()
    }
    entry = book[GENERIC]
    sources = {**entry.sources, **dict.fromkeys(numbers, "ROWS")}
    return {**book, GENERIC: replace(entry, numbers={**entry.numbers, **numbers}, sources=sources)}


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()

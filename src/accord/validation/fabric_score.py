"""Error, coverage and width of predictions of collectives, row by row; totals as of any measured table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from accord.base.errors import AccordError
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.uncertainty.residual import half_width
from accord.validation.fabric_predict import FabricPrediction, predict
from accord.validation.fabric_rows import FabricQuestion, FabricRow, question_of, to_score
from accord.validation.score import MOST_HALF, Scored, group, log_spread, reason_of


class FabricLookup(Protocol):
    """Systems by id."""

    def facts(self, system: str) -> tuple[Machine, Efficiency]:
        """The machine and its parameters. Raises AccordError where the catalog has none."""


@dataclass(frozen=True, slots=True)
class SystemErrors:
    """How far predictions of one system's rows are off; median and bias of ln(predicted / measured) [1]."""

    system: str
    rows: int
    median_abs_log_error: float
    bias_log: float
    coverage: float


def score_fabric(
    rows: Sequence[FabricRow], lookup: FabricLookup, drawn: FabricLookup, level: float
) -> tuple[Scored, ...]:
    """Score the rows that count: measured times, and measured bus bandwidths of which no time is given.

    drawn: the same as ``lookup`` with parameters and disputed facts drawn, for the width of intervals
    """
    counted = to_score(rows)
    return _beside(rows, lookup, drawn, level, lambda row: row.id in counted)


def show_fabric(
    rows: Sequence[FabricRow], lookup: FabricLookup, drawn: FabricLookup, level: float
) -> tuple[Scored, ...]:
    """The other rows beside predictions, in no total: latencies of links, bandwidths of exchanges, sellers' claims.

    Bandwidths that were calculated from a time that counts are left out: they say nothing else.
    """
    counted = to_score(rows)
    return _beside(rows, lookup, drawn, level, lambda row: row.id not in counted and row.text["kind"] != "derived")


def _beside(
    rows: Sequence[FabricRow], lookup: FabricLookup, drawn: FabricLookup, level: float,
    wanted: Callable[[FabricRow], bool],
) -> tuple[Scored, ...]:  # fmt: skip
    return tuple(score_one(row, lookup, drawn, level) for row in rows if wanted(row))


def score_one(row: FabricRow, lookup: FabricLookup, drawn: FabricLookup, level: float) -> Scored:
    """A row beside its prediction and the interval that holds it with probability ``level``."""
    asked = question_of(row)
    made = _predicted(row, asked, lookup)
    value = float(made.value[0]) if made.value is not None else math.nan
    measured = row.numbers["value"]
    low = high = ratio = None
    known = math.isfinite(value) and value > 0.0 and measured > 0.0
    if known:
        half = half_width(log_spread(_predicted(row, asked, drawn).value), made.log_sd, level)
        spread = math.exp(min(half, MOST_HALF))
        low, high, ratio = value / spread, value * spread, math.log(value / measured)
    return Scored(
        id=row.id,
        source_id=row.text["source_id"],
        metric=row.text["metric"],
        measured=measured,
        predicted=value if known else None,
        low=low,
        high=high,
        log_ratio=ratio,
        inside=low <= measured <= high if low is not None and high is not None else None,
        assumed=asked.assumed,
        skipped=None if known else made.skipped or "no_shape",
        complete=known and not asked.assumed,
        chip=row.text["chip"],
        model="",
    )


def _predicted(row: FabricRow, asked: FabricQuestion, lookup: FabricLookup) -> FabricPrediction:
    try:
        machine, efficiency = lookup.facts(row.system)
        return predict(asked, row.text["metric"], machine, efficiency)
    except AccordError as error:
        return FabricPrediction(None, skipped=reason_of(error))


def by_system(rows: Iterable[FabricRow], scored: Iterable[Scored]) -> tuple[SystemErrors, ...]:
    """Errors of the scored rows of each system, most rows first."""
    where: Mapping[str, str] = {row.id: row.system for row in rows}
    kept = [row for row in scored if row.log_ratio is not None]
    found = group(kept, lambda row: where.get(row.id, ""))
    errors = [
        SystemErrors(system, int(entry["rows"]), entry["median_abs_log_error"], entry["bias_log"], entry["coverage_90"])
        for system, entry in found.items()
    ]
    return tuple(sorted(errors, key=lambda one: (-one.rows, one.system)))


def macro(errors: Iterable[SystemErrors], least_rows: int = 20) -> float | None:
    """Mean over systems with at least ``least_rows`` rows of the median |ln(predicted / measured)| of each."""
    kept = [one.median_abs_log_error for one in errors if one.rows >= least_rows]
    return statistics.fmean(kept) if kept else None

"""Tables of the page on training, collectives and failures: totals, groups and rows one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from accord.report.accuracy import NOT_RUN, to_markdown
from accord.report.tables import NOTHING, Column, Table, number, number_column, text_column
from accord.report.training_scores import (
    ANEW,
    IN_SAMPLE,
    LEAST_ROWS,
    RUNS,
    STEPS,
    Evidence,
    Figure,
    Rows,
    Scores,
    by_id,
    coverage,
    coverage_of_sources,
    is_whole,
    macro,
    median,
    over_systems,
    relative,
    said,
    speeds,
)  # fmt: skip
from accord.report.validate_view import percent
from accord.validation.score import Scored, group, summarise

TRAINING_KINDS = ("source", ANEW, "chip", "model")
COLLECTIVE_KINDS = ("system", "source", "chip")
FAILURE_KINDS = ("source",)
Line = tuple[str, Figure, Callable[[float | None], str]]


def system_of(evidence: Evidence) -> Callable[[Scored], str]:
    """The system of a row, "" for one nobody names."""
    return lambda row: evidence.systems.get(row.id, "")


# Totals


def _overview(name: str, scores: Scores, kinds: Sequence[str], lines: Sequence[Line]) -> Table:
    """Figures in sample and for each kind that was left out."""
    every = (IN_SAMPLE, *kinds)
    columns = (text_column(name), *(number_column(said(kind)) for kind in every))
    cells = tuple(
        (label, *(write(figure(scores.rows(kind))) if scores.rows(kind) else NOT_RUN for kind in every))
        for label, figure, write in lines
    )
    return Table(title="", columns=columns, rows=cells)


def _of(keep: Callable[[Scored], bool], figure: Figure) -> Figure:
    """A figure of the rows that ``keep`` takes."""
    return lambda rows: figure([row for row in rows if keep(row)])


def _count(rows: Rows) -> float | None:
    return float(sum(row.log_ratio is not None for row in rows))


def _width(rows: Rows) -> float | None:
    return summarise(rows).median_high_over_low


def training_overview(evidence: Evidence) -> Table:
    """Totals of training."""
    lines: list[Line] = [
        ("rows scored", _count, _whole),
        ("rows scored, complete", _of(_complete, _count), _whole),
        ("macro error, speeds [%]", lambda rows: macro(speeds(rows)), _decimal),
        ("macro error, step times and tokens per second [%]", _of(lambda row: row.metric in STEPS, macro), _decimal),
        ("macro error, whole runs [%]", _of(lambda row: row.metric in RUNS, macro), _decimal),
        ("macro error, all [%]", macro, _decimal),
        ("macro error, complete rows [%]", _of(_complete, macro), _decimal),
        ("macro error, completed rows [%]", _of(_completed, macro), _decimal),
        ("inside, all", coverage, share_cell),
        ("inside, complete rows", _of(_complete, coverage), share_cell),
        ("inside, completed rows", _of(_completed, coverage), share_cell),
        ("inside, mean over sources", coverage_of_sources, share_cell),
        ("high/low", _width, number),
    ]
    kinds = [kind for kind in TRAINING_KINDS if kind != ANEW or is_whole(evidence.training, kind)]
    return _overview("training", evidence.training, kinds, lines)


def _complete(row: Scored) -> bool:
    return row.complete


def _completed(row: Scored) -> bool:
    return not row.complete


def collective_overview(evidence: Evidence) -> Table:
    """Totals of collectives."""
    lines: list[Line] = [
        ("rows scored", _count, _whole),
        (f"mean over systems with {LEAST_ROWS} rows of the median error [%]", over_systems(evidence.systems), _decimal),
        ("median error, all rows [%]", median, _decimal),
        ("macro error over sources [%]", macro, _decimal),
        ("inside", coverage, share_cell),
        ("inside, mean over sources", coverage_of_sources, share_cell),
        ("high/low", _width, number),
    ]
    return _overview("collectives", evidence.collectives, COLLECTIVE_KINDS, lines)


def failure_overview(evidence: Evidence) -> Table:
    """Totals of failures."""
    lines: list[Line] = [
        ("figures scored", _count, _whole),
        ("macro error over sources [%]", macro, _decimal),
        ("inside", coverage, share_cell),
        ("inside, mean over sources", coverage_of_sources, share_cell),
        ("high/low", _width, number),
    ]
    return _overview("failures", evidence.failures, FAILURE_KINDS, lines)


def groups(scores: Scores, name: str, key: Callable[[Scored], str], kinds: Sequence[str]) -> str:
    """Figures of each group in sample, and beside them those with something not fitted to."""
    columns: list[Column] = [
        text_column(name), number_column("n"), number_column("median", "%"), number_column("mean", "%"),
        number_column("bias", "%"), number_column("inside"), number_column("high/low"),
    ]  # fmt: skip
    for kind in kinds:
        columns += [number_column(f"{said(kind)}: median [%]"), number_column(f"{said(kind)}: inside")]
    held = [(group(scores.rows(kind), key), bool(scores.rows(kind))) for kind in kinds]
    rows = []
    for label, one in group(scores.in_sample, key).items():
        cells = [
            label, f"{one['rows']:.0f}", _log(one["median_abs_log_error"]), _log(one["mean_abs_log_error"]),
            f"{percent(one['bias_log']):+.1f}", share_cell(one["coverage_90"]), number(one["median_high_over_low"]),
        ]  # fmt: skip
        for found, is_run in held:
            other = found.get(label)
            none = NOTHING if is_run else NOT_RUN
            cells += [
                none if other is None else _log(other["median_abs_log_error"]),
                none if other is None else share_cell(other["coverage_90"]),
            ]
        rows.append(tuple(cells))
    return to_markdown(Table(title="", columns=tuple(columns), rows=tuple(rows)))


def unscored_rows(evidence: Evidence, table: str) -> str:
    """Why rows are in no total."""
    found = evidence.unscored.get(table, {})
    if not found:
        return "None.\n"
    columns = (text_column("reason"), number_column("rows"))
    return to_markdown(Table(title="", columns=columns, rows=tuple((why, str(n)) for why, n in sorted(found.items()))))


def fitted_words(evidence: Evidence, table: str) -> str:
    """How many numbers were fitted to how many rows."""
    one = evidence.fitted.get(table)
    if one is None:
        return "How many numbers were fitted is not known before a first fit."
    spreads = f" and {one.spreads} spreads" if one.spreads else ""
    share = (one.numbers + one.spreads) / one.rows
    return f"{one.numbers} numbers{spreads} are fitted to {one.rows} rows, {share:.2f} a row."


def one_by_one(evidence: Evidence, rows: Rows, scores: Scores, kind: str | None) -> str:
    """Rows with their intervals, in sample and with ``kind`` left out."""
    columns = [
        text_column("row"), text_column("what"), text_column("metric"), number_column("measured"),
        number_column("predicted"), number_column("error"), text_column("interval"), text_column("inside"),
    ]  # fmt: skip
    held = by_id(scores.rows(kind)) if kind else {}
    if kind:
        columns += [number_column(f"{said(kind)}: predicted"), number_column("error"), text_column("inside")]
    cells = []
    for row in rows:
        line = [row.id, evidence.about.get(row.id, ""), row.metric, number(row.measured), number(row.predicted)]
        line += [error_cell(row), _interval(row), inside_cell(row)]
        if kind:
            other = held.get(row.id)
            line += [number(other.predicted) if other else NOTHING, error_cell(other), inside_cell(other)]
        cells.append(tuple(line))
    return to_markdown(Table(title="", columns=tuple(columns), rows=tuple(cells)))


# Cells


def error_cell(row: Scored | None) -> str:
    """Predicted over measured, less 1."""
    error = relative(row) if row is not None else None
    return NOTHING if error is None else f"{error:+.1%}"


def inside_cell(row: Scored | None) -> str:
    """Whether a row is inside its interval."""
    return NOTHING if row is None or row.inside is None else "yes" if row.inside else "no"


def _interval(row: Scored) -> str:
    return NOTHING if row.low is None else f"{number(row.low)} to {number(row.high)}"


def _whole(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0f}"


def _decimal(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"


def share_cell(value: float | None) -> str:
    """A share in percent."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.0%}"


def _log(value: float) -> str:
    return f"{percent(value):.1f}"

"""Scores as the result of a verb."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from accord.report.tables import Table, number, number_column, text_column
from accord.validation.fabric_score import SystemErrors
from accord.validation.score import Scored, Summary

ROW_FIELDS = (
    "id", "source_id", "metric", "measured", "predicted", "low", "high", "log_ratio", "inside", "assumed", "skipped",
    "simulated",
)  # fmt: skip


def row_dict(row: Scored) -> dict[str, object]:
    """One row as documented."""
    return {name: getattr(row, name) for name in ROW_FIELDS}


def summary_dict(complete: Summary, completed: Summary, everything: Summary) -> dict[str, object]:
    """Totals; the headline macro is over sources whose rows are complete, ``completed`` and ``all`` rows beside it."""
    return {
        "rows": everything.rows,
        "scored": everything.scored,
        "skipped": everything.skipped,
        "macro_abs_log_error": complete.macro_abs_log_error,
        "macro_error_pct": complete.macro_error_pct,
        "coverage_90": everything.coverage_90,
        "by_source": everything.by_source,
        "by_metric": everything.by_metric,
        "by_chip": everything.by_chip,
        "by_model": everything.by_model,
        **_interval_figures(everything),
        "complete": _totals(complete),
        "completed": _totals(completed),
        "all": _totals(everything),
    }


def _totals(summary: Summary) -> dict[str, object]:
    return {
        "rows": summary.rows,
        "scored": summary.scored,
        "macro_abs_log_error": summary.macro_abs_log_error,
        "macro_error_pct": summary.macro_error_pct,
        "coverage_90": summary.coverage_90,
        "by_source": summary.by_source,
        **_interval_figures(summary),
    }


def _interval_figures(summary: Summary) -> dict[str, object]:
    """How good the intervals are; ``constant_band`` is the best band of one width on the same rows."""
    macro, band = summary.macro_coverage_90, summary.constant_band
    return {
        "macro_coverage_90": {"value": macro.value, "low": macro.low, "high": macro.high} if macro else None,
        "median_high_over_low": summary.median_high_over_low,
        "interval_score": summary.interval_score,
        "constant_band": {"half_width_log": band.half_width_log, "interval_score": band.interval_score}
        if band
        else None,
    }


def summary_table(complete: Summary, everything: Summary, level: float) -> Table:
    """Both macros, one line each."""
    columns = (
        text_column("rows of"), number_column("rows"), number_column("scored"), number_column("macro error", "%"),
        number_column(f"inside the {level:.0%} interval"),
    )  # fmt: skip
    rows = tuple(
        (name, str(one.rows), str(one.scored), number(one.macro_error_pct), _percent(one.coverage_90))
        for name, one in (("complete sources", complete), ("all sources", everything))
    )
    note = "macro error: 100 (exp(mean over sources of the median |ln(predicted / measured)|) - 1)"
    return Table(title="Predicted against measured", columns=columns, rows=rows, notes=(note,))


def intervals_table(complete: Summary, everything: Summary, level: float) -> Table:
    """How often the intervals hold, how wide they are, and how they compare with one width for all."""
    columns = (
        text_column("rows of"), number_column("inside"), number_column("mean of sources"), text_column("90% of it"),
        number_column("high/low"), number_column("score"), number_column("one-width score"),
    )  # fmt: skip
    rows = tuple(
        (name, _percent(one.coverage_90), *_macro_cells(one), number(one.median_high_over_low),
         number(one.interval_score), number(one.constant_band.interval_score if one.constant_band else None))
        for name, one in (("complete sources", complete), ("all sources", everything))
    )  # fmt: skip
    notes = (
        "90% of it: of the mean, when the sources are drawn again; high/low: median width of the intervals",
        f"score: mean log width plus {2.0 / (1.0 - level):.3g} times the log distance of a miss; less is better",
        "one-width score: that of the best band of one width for all rows, chosen on these rows",
    )
    return Table(title="Intervals", columns=columns, rows=rows, notes=notes)


def _macro_cells(summary: Summary) -> tuple[str, str]:
    macro = summary.macro_coverage_90
    return ("-", "-") if macro is None else (_percent(macro.value), f"{macro.low:.0%} to {macro.high:.0%}")


def groups_table(title: str, groups: Mapping[str, Mapping[str, float]]) -> Table:
    """Error, bias, coverage and width of the intervals of each group."""
    columns = (
        text_column(title), number_column("rows"), number_column("median error", "%"), number_column("mean error", "%"),
        number_column("bias", "%"), number_column("inside"), number_column("high/low"),
    )  # fmt: skip
    rows = tuple(
        (name, f"{one['rows']:.0f}", f"{percent(one['median_abs_log_error']):.1f}",
         f"{percent(one['mean_abs_log_error']):.1f}", f"{percent(one['bias_log']):+.1f}",
         _percent(one["coverage_90"]), number(one["median_high_over_low"]))
        for name, one in groups.items()
    )  # fmt: skip
    return Table(title=f"By {title}", columns=columns, rows=rows)


def system_dict(one: SystemErrors) -> dict[str, object]:
    """Errors of one system's rows."""
    return {name: getattr(one, name) for name in one.__slots__}


def systems_table(systems: Sequence[SystemErrors]) -> Table:
    """How far predictions of each system's collectives are off, most rows first."""
    columns = (
        text_column("system"), number_column("rows"), number_column("median error", "%"), number_column("bias", "%"),
        number_column("inside"),
    )  # fmt: skip
    rows = tuple(
        (one.system, str(one.rows), f"{percent(one.median_abs_log_error):.1f}", f"{percent(one.bias_log):+.1f}",
         _percent(one.coverage))
        for one in systems
    )  # fmt: skip
    return Table(title="By system", columns=columns, rows=rows)


def skipped_table(rows: Sequence[Scored]) -> Table:
    """Why rows were skipped."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        if row.skipped is not None:
            counts[row.skipped, row.metric] = counts.get((row.skipped, row.metric), 0) + 1
    columns = (text_column("reason"), text_column("metric"), number_column("rows"))
    cells = tuple((reason, metric, str(count)) for (reason, metric), count in sorted(counts.items()))
    return Table(title="Skipped", columns=columns, rows=cells)


def rows_table(rows: Sequence[Scored]) -> Table:
    """Every scored row, worst first."""
    return _rows("Rows, worst first", rows)


def censored_table(rows: Sequence[Scored]) -> Table:
    """Runs cut by their client's timeout, beside simulated requests that finished in time."""
    return _rows("Cut by a timeout, over the requests that finished: in no total", rows)


def shown_table(rows: Sequence[Scored]) -> Table:
    """Derived figures and sellers' claims, beside predictions."""
    return _rows("Derived figures and claims, worst first: in no total", rows)


def _rows(title: str, rows: Sequence[Scored]) -> Table:
    columns = (
        text_column("id"), text_column("metric"), number_column("measured"), number_column("predicted"),
        number_column("error", "%"), text_column("inside"),
    )  # fmt: skip
    scored = sorted((row for row in rows if row.log_ratio is not None), key=lambda row: -abs(row.log_ratio or 0.0))
    cells = tuple(
        (row.id, row.metric, number(row.measured, 4), number(row.predicted, 4), f"{percent(row.log_ratio or 0.0):+.1f}",
         "yes" if row.inside else "no")
        for row in scored
    )  # fmt: skip
    return Table(title=title, columns=columns, rows=cells)


def percent(log_ratio: float) -> float:
    """A natural log of a ratio as a percentage."""
    return 100.0 * math.expm1(log_ratio)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"

"""What a calibration says of itself: tables met, residual ways compared, files written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from accord.calibration.numbers import TableError
from accord.calibration.whole import Calibrated
from accord.report.tables import Table, number_column, text_column


def result_dict(done: Calibrated, files: Sequence[Path]) -> dict[str, object]:
    """The body of ``--json``."""
    return {
        "files": [str(path) for path in files],
        "rows": len(done.problem.rows),
        "factors": [
            {"entry": shift.entry, "name": shift.name, "factor": math.exp(log), "log_sd": math.sqrt(variance)}
            for shift, log, variance in zip(
                done.problem.shifts, done.fit.logs, np.diag(done.fit.covariance), strict=True
            )
        ],
        "tables": [
            {"table": one.table, "chip": one.chip, "shapes": one.n, "in_sample": _known(one.median_in_sample),
             "chip_left_out": _known(one.median_left_out)}
            for one in done.tables.errors
        ],
        "table_medians": medians(done.tables.errors),
        "residuals": {
            kind: {"log_sd": sd, "rows": done.residuals.rows[kind]} for kind, sd in done.residuals.log_sd.items()
        },
        "interval_ways": [
            {"name": way.name, "coverage_90": way.coverage, "macro_coverage_90": way.macro_coverage,
             "interval_score": way.score}
            for way in done.residuals.ways
        ],
    }  # fmt: skip


def medians(errors: Iterable[TableError]) -> dict[str, float | None]:
    """Medians over tables of the two errors."""
    found = list(errors)
    inside = [one.median_in_sample for one in found if math.isfinite(one.median_in_sample)]
    outside = [one.median_left_out for one in found if math.isfinite(one.median_left_out)]
    return {
        "in_sample": float(np.median(inside)) if inside else None,
        "chip_left_out": float(np.median(outside)) if outside else None,
    }


def tables(done: Calibrated, files: Sequence[Path]) -> list[Table]:
    """What is printed."""
    named = sorted({one.table for one in done.tables.errors})
    groups = [[one for one in done.tables.errors if one.table == name] for name in named]
    rows = [
        (name, str(len(group)), str(sum(one.n for one in group)), *(_percent(medians(group)[key]) for key in _KEYS))
        for name, group in zip(named, groups, strict=True)
    ]
    over = medians(done.tables.errors)
    rows.append(("all", str(len(done.tables.errors)), "", *(_percent(over[key]) for key in _KEYS)))
    columns = (text_column("table"), *(number_column(name) for name in ("chips", "shapes", "error", "chip left out")))
    ways = tuple(
        (way.name, _percent(way.coverage), _percent(way.macro_coverage), f"{way.score:.2f}")
        for way in done.residuals.ways
    )
    spread = tuple((kind, f"{sd:.2f}", str(done.residuals.rows[kind])) for kind, sd in done.residuals.log_sd.items())
    return [
        Table(title="Operator tables, median error of held-back shapes", columns=columns, rows=tuple(rows)),
        Table(
            title="Intervals of 90 % on sources left out, first way taken",
            columns=(text_column("way"), *(number_column(name) for name in ("inside", "by source", "score"))),
            rows=ways,
        ),
        Table(
            title="Residuals, standard deviation of the logarithm",
            columns=(text_column("kind"), number_column("log sd"), number_column("rows")), rows=spread,
        ),
        Table(title="Files", columns=(text_column("file"),), rows=tuple((str(path),) for path in files)),
    ]  # fmt: skip


_KEYS = ("in_sample", "chip_left_out")


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100.0 * value:.1f} %"

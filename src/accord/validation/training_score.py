"""Error, coverage and width of predictions of training runs, row by row; totals as of any measured table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from accord.uncertainty.residual import half_width
from accord.validation.predict import Prediction
from accord.validation.score import MOST_HALF, Scored, log_spread
from accord.validation.training_predict import Run, TrainLookup, asked, predicted, smallest_runs
from accord.validation.training_rows import TrainingRow, is_complete


def score_training(
    rows: Sequence[TrainingRow], lookup: TrainLookup, drawn: TrainLookup, level: float
) -> tuple[Scored, ...]:
    """Score the measured rows; the others are left out.

    drawn: the same as ``lookup`` with parameters and disputed facts drawn, for the width of intervals
    """
    return _beside(rows, lookup, drawn, level, lambda row: row.to_score)


def show_training(
    rows: Sequence[TrainingRow], lookup: TrainLookup, drawn: TrainLookup, level: float
) -> tuple[Scored, ...]:
    """Rows that are no measurement of sure quality (derived, sellers' claims) beside predictions: in no total."""
    return _beside(rows, lookup, drawn, level, lambda row: not row.to_score)


def _beside(
    rows: Sequence[TrainingRow], lookup: TrainLookup, drawn: TrainLookup, level: float,
    wanted: Callable[[TrainingRow], bool],
) -> tuple[Scored, ...]:  # fmt: skip
    smallest = smallest_runs(rows)
    return tuple(_score(row, lookup, drawn, level, smallest) for row in rows if wanted(row))


def _score(
    row: TrainingRow, lookup: TrainLookup, drawn: TrainLookup, level: float, smallest: Mapping[Run, TrainingRow]
) -> Scored:
    made = predicted(row, lookup, smallest)
    half = 0.0
    if made.value is not None:
        own = log_spread(predicted(row, drawn, smallest).value)
        half = half_width(own, lookup.residual(row.text["chip"], row.text["metric"]), level)
    return score_row(row, made, half, complete=made.value is not None and is_complete(row, asked(row, lookup)))


def score_row(row: TrainingRow, made: Prediction, half: float, *, complete: bool) -> Scored:
    """A row beside its prediction. half: half the width of the interval, of the logarithm [1]."""
    measured = row.numbers["value"]
    value = float(made.value[0]) if made.value is not None else None
    known = value is not None and math.isfinite(value) and value > 0.0 and measured > 0.0
    low = high = ratio = inside = None
    if known and value is not None:
        spread = math.exp(min(half, MOST_HALF))
        low, high, ratio = value / spread, value * spread, math.log(value / measured)
        inside = met(row, ratio, half)
        ratio = _bounded(row, ratio)
    return Scored(
        id=row.id,
        source_id=row.text["source_id"],
        metric=row.text["metric"],
        measured=measured,
        predicted=value if known else None,
        low=low,
        high=high,
        log_ratio=ratio,
        inside=inside,
        assumed=made.assumed,
        skipped=None if known else made.skipped or "no_shape",
        complete=complete and known,
        chip=row.text["chip"],
        model=row.text.get("model") or row.flags.get("model", ""),
    )


def met(row: TrainingRow, ratio: float, half: float) -> bool:
    """Whether a value lies in its interval; a bound (``bound=lower``) is met by anything on its inner side."""
    return abs(_bounded(row, ratio)) <= half


def _bounded(row: TrainingRow, ratio: float) -> float:
    """ln(predicted / measured), nought where the measured value is a bound that the prediction keeps."""
    bound = row.flags.get("bound")
    if bound == "lower":
        return min(ratio, 0.0)
    return max(ratio, 0.0) if bound == "upper" else ratio

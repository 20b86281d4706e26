"""Error and coverage of predictions, per row, per source, per metric."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accord.base.errors import AccordError, ArchitectureUnpublished, DoesNotFit, MissingFact, ModelConfigError
from accord.validation.machines import Lookup
from accord.validation.predict import Prediction, predict
from accord.validation.rows import Row

COMPLETE_FIELDS = ("model", "chip", "weights")


@dataclass(frozen=True, slots=True)
class Scored:
    """One row: the measured and predicted value, its interval, and what was assumed."""

    id: str
    source_id: str
    metric: str
    measured: float
    predicted: float | None
    low: float | None
    high: float | None
    log_ratio: float | None
    inside: bool | None
    assumed: tuple[str, ...]
    skipped: str | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals over scored rows; errors are medians of |ln(predicted / measured)| by source, averaged."""

    rows: int
    scored: int
    skipped: int
    macro_abs_log_error: float | None
    macro_error_pct: float | None
    coverage_90: float | None
    by_source: Mapping[str, Mapping[str, float]]
    by_metric: Mapping[str, Mapping[str, float]]


def score_rows(rows: Iterable[Row], lookup: Lookup, level: float) -> tuple[Scored, ...]:
    """Score the measured rows; the others are left out."""
    return tuple(_score(row, lookup, level) for row in rows if row.to_score)


def _score(row: Row, lookup: Lookup, level: float) -> Scored:
    text, measured = row.text, row.numbers["value"]
    try:
        made = predict(row, lookup)
    except AccordError as error:
        made = Prediction(None, reason_of(error))
    value = made.value
    known = value is not None and math.isfinite(value) and value > 0.0 and measured > 0.0
    low = high = ratio = inside = None
    if known and value is not None:
        spread = lookup.spread(row.text["chip"], text["metric"], text["phase"], level)
        low, high = value / spread, value * spread
        ratio = _distance(value, measured, row.flags.get("range"))
        inside = low <= measured <= high
    return Scored(
        id=row.id,
        source_id=text["source_id"],
        metric=text["metric"],
        measured=measured,
        predicted=value if known else None,
        low=low,
        high=high,
        log_ratio=ratio,
        inside=inside,
        assumed=made.assumed,
        skipped=None if known else made.skipped or "no_shape",
        complete=known and is_complete(row),
    )


def reason_of(error: AccordError) -> str:
    """Why a row cannot be predicted: the reason of the closed list that an error stands for.

    A deployment that ran but does not fit by our count of memory beats a bound of ours.
    """
    reasons: tuple[tuple[type[AccordError], str], ...] = (
        (DoesNotFit, "bound_violation"),
        (ArchitectureUnpublished, "unknown_model"),
        (ModelConfigError, "unknown_model"),
        (MissingFact, "unknown_chip"),
    )
    return next((reason for kind, reason in reasons if isinstance(error, kind)), "no_shape")


def _distance(predicted: float, measured: float, bound: str | None) -> float:
    """ln(predicted / measured); a printed range is met by anything on its inner side."""
    ratio = math.log(predicted / measured)
    if bound == "min":
        return min(ratio, 0.0)
    if bound == "max":
        return max(ratio, 0.0)
    return ratio


def is_complete(row: Row) -> bool:
    """Whether a row states model, chip, parallelism, weights and lengths."""
    named = all(row.text.get(field) for field in COMPLETE_FIELDS)
    ranks = any(name in row.numbers for name in ("tp", "ep", "prefill_tp", "prefill_ep", "decode_tp", "decode_ep"))
    lengths = any(name in row.numbers for name in ("isl", "kv_len", "tokens_per_device"))
    return named and ranks and lengths


def summarise(scored: Iterable[Scored], complete_only: bool = False) -> Summary:
    """Macro error: mean over sources of the median |log ratio| of each."""
    rows = [row for row in scored if row.complete or not complete_only]
    kept = [row for row in rows if row.skipped is None]
    by_source, by_metric = _group(kept, "source_id"), _group(kept, "metric")
    medians = [entry["median_abs_log_error"] for entry in by_source.values()]
    macro = statistics.fmean(medians) if medians else None
    inside = [row.inside for row in kept]
    return Summary(
        rows=len(rows),
        scored=len(kept),
        skipped=len(rows) - len(kept),
        macro_abs_log_error=macro,
        macro_error_pct=100.0 * math.expm1(macro) if macro is not None else None,
        coverage_90=sum(1 for hit in inside if hit) / len(inside) if inside else None,
        by_source=by_source,
        by_metric=by_metric,
    )


def _group(rows: list[Scored], key: str) -> dict[str, dict[str, float]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.log_ratio is not None:
            groups[str(getattr(row, key))].append(row.log_ratio)
    return {
        name: {
            "rows": float(len(ratios)),
            "median_abs_log_error": statistics.median(abs(ratio) for ratio in ratios),
            "bias_log": statistics.median(ratios),
        }
        for name, ratios in sorted(groups.items())
    }

"""Error, coverage and width of predictions: per row, per source, metric, chip and model.

The interval score is Winkler's, of ln values: the width of an interval, plus 2 / (1 - level) times the
distance by which it misses. Smaller is better; it rewards intervals that are narrow and right. Beside it
stands the score of the best band of one constant width, which any interval worth its name should beat.

Reference: T. Gneiting, A. Raftery, "Strictly proper scoring rules, prediction, and estimation", Journal of
the American Statistical Association 102 (2007), section 6.2.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array
from accord.base.errors import AccordError, ArchitectureUnpublished, DoesNotFit, MissingFact, ModelConfigError
from accord.uncertainty.residual import half_width, quantile
from accord.validation.machines import Lookup
from accord.validation.predict import Prediction, predict
from accord.validation.rows import Row, request_of
from accord.validation.scenario import Between, Simulator, patience_of, scenario_of

MOST_HALF = 20.0  # of a logarithm; a wider interval says nothing more, and stays finite
COMPLETE_FIELDS = ("model", "chip", "weights")
BOOTSTRAP_DRAWS = 4000
BOOTSTRAP_SEED = 20261122


@dataclass(frozen=True, slots=True)
class Scored:
    """One row: the measured and predicted value, its interval, and what was assumed.

    chip, model: ids as the row states them, "" where it does not
    simulated: predicted by a run of the simulator, not by the steady state
    """

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
    chip: str = ""
    model: str = ""
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class ConstantBand:
    """Intervals of one width for every row, the best in hindsight: predicted x exp(+-half_width_log)."""

    half_width_log: float
    interval_score: float


@dataclass(frozen=True, slots=True)
class Resampled:
    """A mean over sources, and the central 90 % of what it is when the sources are drawn again."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals over scored rows; errors are medians of |ln(predicted / measured)| by source, averaged.

    coverage_90: share of rows inside their interval; macro_coverage_90: mean over sources of that share
    median_high_over_low: how wide the intervals are [1]
    interval_score: mean over rows; constant_band: the same for the best band of one width on these rows
    by_source, by_metric, by_chip, by_model: each group's ``rows, median_abs_log_error, mean_abs_log_error, bias_log,
        coverage_90, median_high_over_low``; rows that name no chip or model are in no group of that kind
    """

    rows: int
    scored: int
    skipped: int
    macro_abs_log_error: float | None
    macro_error_pct: float | None
    coverage_90: float | None
    by_source: Mapping[str, Mapping[str, float]]
    by_metric: Mapping[str, Mapping[str, float]]
    by_chip: Mapping[str, Mapping[str, float]]
    by_model: Mapping[str, Mapping[str, float]]
    macro_coverage_90: Resampled | None
    median_high_over_low: float | None
    interval_score: float | None
    constant_band: ConstantBand | None


def score_rows(
    rows: Iterable[Row], lookup: Lookup, drawn: Lookup, level: float, simulator: Simulator | None = None
) -> tuple[Scored, ...]:
    """Score the measured rows; the others are left out.

    drawn: the same as ``lookup`` with parameters and disputed facts drawn, for the width of intervals
    simulator: for rows that no steady state describes (:mod:`accord.validation.scenario`); None to do without
    """
    return tuple(_score(row, lookup, drawn, level, simulator) for row in rows if row.to_score)


def score_censored(rows: Iterable[Row], lookup: Lookup, simulator: Simulator) -> tuple[Scored, ...]:
    """Measured rows of runs cut by their users' patience, over the requests that finished: no part of any total.

    Their confidence is low because of the cut; what their client counted wrongly is left out.
    """
    cut = [row for row in rows if row.text["kind"] == "measured" and patience_of(row) is not None]
    asked = [row for row in cut if "do not score" not in row.text.get("notes", "")]
    found = ((row, _simulated(row, lookup, simulator)) for row in asked)
    return tuple(_beside(row, *made) for row, made in found if made is not None)


def _score(row: Row, lookup: Lookup, drawn: Lookup, level: float, simulator: Simulator | None) -> Scored:
    ran = _simulated(row, lookup, simulator) if simulator is not None else None
    if ran is not None:
        return _beside(row, *ran)
    made = predicted(row, lookup)
    half = 0.0
    if made.value is not None:
        own = log_spread(predicted(row, drawn).value)
        half = half_width(own, lookup.residual(row.text["chip"], row.text["metric"], phase_of(row)), level)
    return score_one(row, made, half)


def _simulated(row: Row, lookup: Lookup, simulator: Simulator) -> tuple[Between, tuple[str, ...]] | None:
    """What the simulator says of a row, and what was assumed; None where it has nothing to say."""
    try:
        scenario = scenario_of(row, lookup)
        found = simulator.simulate(scenario).get(row.text["metric"]) if scenario is not None else None
    except AccordError:
        return None  # the steady state answers, or says why there is no answer
    return (found, scenario.assumed) if found is not None and scenario is not None else None


def predicted(row: Row, lookup: Lookup) -> Prediction:
    """The prediction, or the reason of the closed list why there is none."""
    try:
        return predict(row, lookup)
    except AccordError as error:
        return Prediction(None, reason_of(error))


def log_spread(values: Array | None) -> float:
    """Standard deviation of the logarithm of drawn values, from their 5 and 95 % quantiles; 0 for none."""
    good = values[np.isfinite(values) & (values > 0.0)] if values is not None else np.ones(1)
    if len(good) < 2:
        return 0.0
    low, high = np.quantile(np.log(good), (0.05, 0.95))
    return float(high - low) / (2.0 * quantile(0.9))


def phase_of(row: Row) -> str:
    """The phase whose residual a row follows."""
    asked = request_of(row)
    return asked.regime if row.text["phase"] in ("serve", "offline") else row.text["phase"]


def score_one(row: Row, made: Prediction, half: float) -> Scored:
    """A row beside its prediction. half: half the width of the interval, of the logarithm [1]."""
    value = float(made.value[0]) if made.value is not None else None
    known = value is not None and math.isfinite(value) and value > 0.0 and row.numbers["value"] > 0.0
    if not known or value is None:
        return _unscored(row, made)
    spread = math.exp(min(half, MOST_HALF))
    return _beside(row, Between(value, value / spread, value * spread), made.assumed, simulated=False)


def _beside(row: Row, made: Between, assumed: tuple[str, ...], *, simulated: bool = True) -> Scored:
    """A row beside a prediction; only those above 0 have a ratio."""
    if not (made.value > 0.0 and row.numbers["value"] > 0.0 and math.isfinite(made.value)):
        return _unscored(row, Prediction(None, None, assumed))
    measured, bound = row.numbers["value"], row.flags.get("range")
    ratio = log_distance(made.value, measured, bound)
    met = measured if bound is None else made.value / math.exp(ratio)  # the end of a printed range, if missed
    return replace(
        _unscored(row, Prediction(None, None, assumed)), predicted=made.value, low=made.low, high=made.high,
        log_ratio=ratio, inside=made.low <= met <= made.high, skipped=None, complete=is_complete(row),
        simulated=simulated,
    )  # fmt: skip


def _unscored(row: Row, made: Prediction) -> Scored:
    """A row without a prediction, and why."""
    return Scored(
        id=row.id,
        source_id=row.text["source_id"],
        metric=row.text["metric"],
        measured=row.numbers["value"],
        predicted=None,
        low=None,
        high=None,
        log_ratio=None,
        inside=None,
        assumed=made.assumed,
        skipped=made.skipped or "no_shape",
        complete=False,
        chip=row.text.get("chip", ""),
        model=row.text.get("model", ""),
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


def log_distance(predicted: float, measured: float, bound: str | None) -> float:
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


def summarise(scored: Iterable[Scored], complete_only: bool = False, level: float = 0.9) -> Summary:
    """Macro error: mean over sources of the median |log ratio| of each; ``level``: of the rows' intervals."""
    rows = [row for row in scored if row.complete or not complete_only]
    kept = [row for row in rows if row.skipped is None]
    by_source = group(kept, lambda row: row.source_id)
    medians = [entry["median_abs_log_error"] for entry in by_source.values()]
    macro = statistics.fmean(medians) if medians else None
    whole = group(kept, lambda row: "all").get("all", {})
    return Summary(
        rows=len(rows),
        scored=len(kept),
        skipped=len(rows) - len(kept),
        macro_abs_log_error=macro,
        macro_error_pct=100.0 * math.expm1(macro) if macro is not None else None,
        coverage_90=whole.get("coverage_90"),
        by_source=by_source,
        by_metric=group(kept, lambda row: row.metric),
        by_chip=group(kept, lambda row: row.chip),
        by_model=group(kept, lambda row: row.model),
        macro_coverage_90=_resampled([entry["coverage_90"] for entry in by_source.values()]),
        median_high_over_low=whole.get("median_high_over_low"),
        interval_score=_mean_interval_score(kept, level),
        constant_band=constant_band([row.log_ratio for row in kept if row.log_ratio is not None], level),
    )


def group(rows: Iterable[Scored], key: Callable[[Scored], str]) -> dict[str, dict[str, float]]:
    """Error, bias, coverage and width of the scored rows of each group, by name; "" is no group.

    Logs are natural: ``median_abs_log_error`` 0.1 is about 10 %. ``median_high_over_low`` is a ratio.
    """
    groups: dict[str, list[Scored]] = defaultdict(list)
    for row in rows:
        if row.log_ratio is not None and key(row):
            groups[key(row)].append(row)
    return {name: _figures(found) for name, found in sorted(groups.items())}


def _figures(rows: Sequence[Scored]) -> dict[str, float]:
    ratios = [row.log_ratio for row in rows if row.log_ratio is not None]
    widths = [row.high / row.low for row in rows if row.high is not None and row.low]
    return {
        "rows": float(len(ratios)),
        "median_abs_log_error": statistics.median(abs(ratio) for ratio in ratios),
        "mean_abs_log_error": statistics.fmean(abs(ratio) for ratio in ratios),
        "bias_log": statistics.median(ratios),
        "coverage_90": statistics.fmean(1.0 if row.inside else 0.0 for row in rows),
        "median_high_over_low": statistics.median(widths) if widths else 1.0,
    }


def _mean_interval_score(rows: Iterable[Scored], level: float) -> float | None:
    scores = [
        _interval_score(math.log(row.low / row.predicted), math.log(row.high / row.predicted), -row.log_ratio, level)
        for row in rows
        if row.log_ratio is not None and row.predicted and row.low and row.high
    ]
    return statistics.fmean(scores) if scores else None


def _interval_score(low: float, high: float, value: float, level: float) -> float:
    """Winkler score of one interval: its width and, scaled by 2 / (1 - level), how far the value lies outside."""
    return high - low + 2.0 / (1.0 - level) * (max(low - value, 0.0) + max(value - high, 0.0))


def constant_band(log_ratios: Sequence[float], level: float) -> ConstantBand | None:
    """The narrowest symmetric band of one log width that holds ``level`` of these rows.

    The same width has the least mean interval score of all constant widths: the slope of the score,
    2 - 2 / (1 - level) x (share outside), changes its sign there.
    """
    if not log_ratios:
        return None
    distances = sorted(abs(ratio) for ratio in log_ratios)
    half = distances[max(math.ceil(level * len(distances) - 1e-9), 1) - 1]
    score = statistics.fmean(_interval_score(-half, half, distance, level) for distance in distances)
    return ConstantBand(half, score)


def _resampled(values: Sequence[float]) -> Resampled | None:
    """Mean of one value a source, with a bootstrap over sources."""
    if not values:
        return None
    draws = np.random.default_rng(BOOTSTRAP_SEED).integers(0, len(values), (BOOTSTRAP_DRAWS, len(values)))
    low, high = np.quantile(np.asarray(values)[draws].mean(axis=1), (0.05, 0.95))
    return Resampled(statistics.fmean(values), float(low), float(high))

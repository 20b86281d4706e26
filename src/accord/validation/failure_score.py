"""Figures of failures beside what the model says of jobs of that size, with intervals.

A prediction knows the number and vendor of the chips, how long they were watched, and what the figure is about. A
bound is met by any prediction on its side of it: its error is the distance to the bound, 0 on that side, and it is
inside where the interval reaches the side. Effective training time rests on times to recover and checkpoints that
rows do not state; those are completed from the catalog, and said to be assumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from accord.base.array import Array
from accord.reliability.constants import Constants, rates_of, recovery_of, refitted
from accord.reliability.rates import Rates
from accord.reliability.run import Plan, expected
from accord.reliability.serving import availability
from accord.reliability.spares import needed
from accord.uncertainty.draws import standard
from accord.validation.failure_rows import NODE_CHIPS, SHARES, FailureRow, observations_of
from accord.validation.score import Scored

DRAWS = 512
RUN_S = 60.0 * 86400.0  # of productive time, where a row does not say how long it was
READY = 0.99  # chance that a spare is at hand, where a row says nothing of spares
ASSUMED = ("detection", "restart", "checkpoint_bytes", "checkpoint_bytes_per_s", "interval", "spares")
VendorOf = Callable[[str], str | None]


def score_failures(
    rows: Sequence[FailureRow], constants: Constants, vendor_of: VendorOf, level: float
) -> tuple[Scored, ...]:
    """Score rows by the same constants. vendor_of: vendor of a chip's id, None for one nobody knows."""
    return tuple(_score(row, constants, vendor_of(row.chip), level) for row in rows)


def score_without_source(
    rows: Sequence[FailureRow], constants: Constants, vendor_of: VendorOf, level: float
) -> tuple[Scored, ...]:
    """Score the rows of each source by rates fitted to the other sources of the table."""
    found: dict[str, Scored] = {}
    for source in dict.fromkeys(row.source_id for row in rows):
        others = [row for row in rows if row.source_id != source]
        seen = observations_of(others)
        groups = {one.group for one in seen}
        vendors = {vendor_of(row.chip) for row in others if row.source_id in groups}
        fitted = refitted(constants, seen, (vendor for vendor in vendors if vendor)) if seen else constants
        for row in (row for row in rows if row.source_id == source):
            found[row.id] = _score(row, fitted, vendor_of(row.chip), level)
    return tuple(found[row.id] for row in rows)


def _score(row: FailureRow, constants: Constants, vendor: str | None, level: float) -> Scored:
    assumed = ASSUMED if row.metric in SHARES else ()
    if row.skipped is not None:
        return _scored(row, (), row.skipped)
    value = float(_predict(row, constants, rates_of(constants, row.chip, vendor), 0)[0])
    drawn = _predict(row, constants, rates_of(constants, row.chip, vendor, DRAWS), DRAWS)
    low, high = (float(one) for one in np.quantile(drawn, ((1.0 - level) / 2.0, (1.0 + level) / 2.0)))
    low, high = min(low, value), max(high, value)
    if not (value > 0.0 and math.isfinite(value) and row.value > 0.0):
        return _scored(row, assumed, "no_prediction")
    least, most = _allowed(row)
    ratio = math.log(value / min(max(value, least), most))
    inside = low <= most and high >= least
    return _scored(row, assumed, None, value, low, high, ratio, inside)


def _allowed(row: FailureRow) -> tuple[float, float]:
    """What the row says the figure lies between."""
    if row.upper is not None:
        return row.value, row.upper
    if row.bound == "lower":
        return row.value, math.inf
    return (0.0, row.value) if row.bound == "upper" else (row.value, row.value)


def _predict(row: FailureRow, constants: Constants, rates: Rates, count: int) -> Array:
    """The figure of a row, shape ``(S,)``; count: draws, 0 for the median."""
    if row.metric in SHARES:
        return _share(row, constants, rates, count)
    chips = row.chips or 1.0
    own = np.exp(constants.within * standard("reliability figure", count)) if count else np.ones(1)
    planned = 1.0 + np.asarray(rates.planned) if row.scope == "all" else 1.0
    node = rates.node_s(chips)
    accelerator = node * np.asarray(rates.accelerator_share)
    per_s = {"node": node, "accelerator": accelerator}.get(str(row.scope), rates.total_s(chips) * planned) * own
    if row.metric == "mttf_h":
        return np.asarray(1.0 / (per_s * 3600.0), dtype=np.float64)
    if row.metric == "count":
        mean = per_s * (row.lasts_s or 0.0)
        chance = standard("reliability count", count) if count else np.zeros(1)
        return np.asarray(np.maximum(mean + np.sqrt(mean) * chance, 0.0), dtype=np.float64)
    nodes = NODE_CHIPS if row.metric == "rate_per_node_day" else 1.0
    return np.asarray(per_s / chips * nodes * 86400.0, dtype=np.float64)


def _share(row: FailureRow, constants: Constants, rates: Rates, count: int) -> Array:
    """Effective training time of a job, or availability of its chips as one instance, shape ``(S,)``."""
    chips, recovery = row.chips or 1.0, recovery_of(constants, count)
    if row.metric == "availability":
        down, repair_s = recovery.detection_s + recovery.restart_s, float(np.median(recovery.repair_s))
        spares = needed(rates.node_s(chips), repair_s, READY)
        return availability(rates, chips, 1, spares, repair_s, float(np.median(down))).instance
    plan = Plan(
        chips=chips, domain_chips=min(NODE_CHIPS, chips), productive_s=row.lasts_s or RUN_S, checkpoint_bytes=0.0,
        checkpoint_bytes_per_s=1.0, blocking_s=recovery.state_per_chip / recovery.storage_per_chip,
        detection_s=recovery.detection_s, restart_s=recovery.restart_s,
    )  # fmt: skip
    return expected(rates, plan).effective


def _scored(
    row: FailureRow, assumed: tuple[str, ...], skipped: str | None, predicted: float | None = None,
    low: float | None = None, high: float | None = None, ratio: float | None = None, inside: bool | None = None,
) -> Scored:  # fmt: skip
    return Scored(
        id=row.id, source_id=row.source_id, metric=row.metric, measured=row.value, predicted=predicted, low=low,
        high=high, log_ratio=ratio, inside=inside, assumed=assumed, skipped=skipped,
        complete=skipped is None and not assumed, chip=row.chip,
    )  # fmt: skip

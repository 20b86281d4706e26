"""The queue over time: waiting requests of each pool, and how long those that arrived then had to wait.

Knows the measured series ``waiting`` (depth) and ``queue_s`` (``(arrival, wait)`` of single requests, drawn as
the median of each stretch).
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from accord.base.array import Array
from accord.report.canvas import (
    BLUE,
    COLOURS,
    GREY,
    by_pool,
    dress,
    happenings,
    legend,
    line,
    measured_line,
    panels,
    render,
    time_axis,
)
from accord.report.outputs import Drawn
from accord.serving.latency import latencies
from accord.serving.result import Outcome

STRETCHES = 90  # of equal length
LEAST = 1  # requests of a stretch


def picture(outcome: Outcome, drawn: Drawn, form: str) -> bytes:
    """Bytes of the picture; form: ``svg`` or ``png``."""
    return render(lambda: figure(outcome, drawn), form)


def figure(outcome: Outcome, drawn: Drawn) -> Figure:
    """The figure of a run."""
    whole, (depth, wait) = panels(2, 1.9, outcome)
    pools = by_pool(outcome)
    for colour, (name, series) in zip(COLOURS * len(pools), pools, strict=False):
        several = len(pools) > 1 or "waiting" in drawn.measured
        line(depth, series.time_s, series.waiting, colour, name if several else None)
    measured_line(depth, drawn.measured.get("waiting"))
    dress(depth, "Requests waiting")
    legend(depth)
    arrivals_s, waits_s = outcome.requests.arrival_s, latencies(outcome).queue_s
    at_s, (middle, most) = _quantiles(arrivals_s, waits_s, (0.5, 0.99), outcome.end_s)
    wait.fill_between(at_s, middle, most, color=BLUE, alpha=0.18, lw=0, label="to the 99th percentile", zorder=2)
    wait.plot(at_s, middle, color=BLUE, lw=1.2, label="median", zorder=3)
    if "queue_s" in drawn.measured:
        measured_s, (median,) = _quantiles(*drawn.measured["queue_s"], (0.5,), outcome.end_s)
        measured_line(wait, (measured_s, median), "median, measured")
    dress(wait, "Wait until first scheduled, by time of arrival", "s")
    legend(wait)
    unserved = int(np.sum(np.isnan(waits_s) & (arrivals_s <= outcome.end_s)))
    if unserved:
        wait.text(
            0.995, 0.94, f"{unserved:,} never scheduled", transform=wait.transAxes, ha="right", va="top",
            fontsize=7.0, color=GREY,
        )  # fmt: skip
    happenings((depth, wait), outcome)
    time_axis((depth, wait), outcome.end_s)
    return whole


def _quantiles(
    times_s: Array, values: Array, shares: tuple[float, ...], end_s: float
) -> tuple[Array, tuple[Array, ...]]:
    """Quantiles of values by stretch of time: middles of the stretches that have any, and one array a share."""
    known = np.isfinite(times_s) & np.isfinite(values) & (times_s <= end_s)
    stretch = np.minimum((times_s[known] / max(end_s, 1e-12) * STRETCHES).astype(np.intp), STRETCHES - 1)
    order = np.argsort(stretch, kind="stable")
    sorted_values, bounds = values[known][order], np.searchsorted(stretch[order], np.arange(STRETCHES + 1))
    parts = [sorted_values[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]
    kept = [at for at, part in enumerate(parts) if len(part) >= LEAST]
    middles = (np.array(kept, dtype=np.float64) + 0.5) * end_s / STRETCHES
    return middles, tuple(np.array([np.quantile(parts[at], share) for at in kept]) for share in shares)

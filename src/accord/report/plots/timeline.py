"""A run over time: requests running and waiting, answer tokens and computed prompt tokens a second.

Knows the measured series ``running``, ``waiting``, ``output_token_per_s`` and ``prompt_token_per_s``.
"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from accord.base.array import Array
from accord.report.canvas import (
    ALL,
    BLUE,
    DEEP_BLUE,
    DEEP_RED,
    GOLD,
    GREEN,
    ORANGE,
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
from accord.report.token_flow import answer_tokens_by, prompt_tokens_by
from accord.serving.result import Outcome

WINDOWS = 240  # of equal length, over which tokens are averaged
ROUND_S = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


def picture(outcome: Outcome, drawn: Drawn, form: str) -> bytes:
    """Bytes of the picture; form: ``svg`` or ``png``."""
    return render(lambda: figure(outcome, drawn), form)


def figure(outcome: Outcome, drawn: Drawn) -> Figure:
    """The figure of a run."""
    whole, (load, answers, prompts) = panels(3, 1.55, outcome)
    time_s, running, waiting = _load(outcome)
    line(load, time_s, running, BLUE, "running")
    line(load, time_s, waiting, ORANGE, "waiting")
    measured_line(load, drawn.measured.get("running"), "running, measured", DEEP_BLUE)
    measured_line(load, drawn.measured.get("waiting"), "waiting, measured", DEEP_RED)
    dress(load, "Requests")
    legend(load)
    width_s = _window_s(outcome.end_s)
    edges = _edges(outcome.end_s, width_s)
    flows = (
        (answers, answer_tokens_by, GREEN, "Answer tokens", "output_token_per_s"),
        (prompts, prompt_tokens_by, GOLD, "Prompt tokens computed", "prompt_token_per_s"),
    )
    for axes, tokens_by, colour, title, name in flows:
        rate = np.diff(tokens_by(outcome, edges)) / np.diff(edges)
        middles_s = 0.5 * (edges[1:] + edges[:-1])
        line(axes, middles_s, rate, colour, "simulated" if name in drawn.measured else None, fill=True)
        if name in drawn.measured:
            measured_line(axes, _averaged(*drawn.measured[name], edges))
        dress(axes, title, f"per s, mean over {width_s:g} s")
        legend(axes)
    happenings((load, answers, prompts), outcome)
    time_axis((load, answers, prompts), outcome.end_s)
    return whole


def _window_s(end_s: float) -> float:
    """Length of the windows: round, and as many as are wanted or fewer."""
    return next((size for size in ROUND_S if end_s / size <= WINDOWS), math.ceil(end_s / WINDOWS / 3600.0) * 3600.0)


def _edges(end_s: float, width_s: float) -> Array:
    """Edges of the windows; the last one ends with the run and is at least half as long as the others."""
    starts = np.arange(0.0, max(end_s - 0.5 * width_s, 0.5 * width_s), width_s)
    return np.append(starts, end_s if end_s > 0.0 else width_s)


def _averaged(times_s: Array, values: Array, edges: Array) -> tuple[Array, Array]:
    """Means of a series in windows, at their middles; windows without a point are left out."""
    place = np.searchsorted(edges, times_s, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1) & np.isfinite(values)
    counts = np.bincount(place[inside], minlength=len(edges) - 1)
    sums = np.bincount(place[inside], weights=values[inside], minlength=len(edges) - 1)
    middles_s = 0.5 * (edges[1:] + edges[:-1])
    return middles_s[counts > 0], sums[counts > 0] / counts[counts > 0]


def _load(outcome: Outcome) -> tuple[Array, Array, Array]:
    """Times, running and waiting requests of all pools together."""
    if ALL in outcome.series:
        series = outcome.series[ALL]
        return series.time_s, series.running, series.waiting
    pools = list(outcome.series.values())
    if not pools:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    longest = max(pools, key=lambda series: len(series.time_s)).time_s
    running = [np.interp(longest, series.time_s, series.running) for series in pools if len(series.time_s)]
    waiting = [np.interp(longest, series.time_s, series.waiting) for series in pools if len(series.time_s)]
    return longest, np.sum(running, axis=0), np.sum(waiting, axis=0)

"""How long users waited: the share of requests within each TTFT, TPOT and E2EL, with limits as lines.

Knows the measured series ``ttft_s``, ``tpot_s`` and ``e2e_s``, whose values are those of single requests.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from accord.base.array import Array
from accord.report.canvas import BLUE, GREY, MEASURED, ORANGE, PALE, dress, panels, render, seconds
from accord.report.outputs import Drawn
from accord.serving.latency import latencies
from accord.serving.result import Outcome

PANELS = (("ttft_s", "Time to first token"), ("tpot_s", "Time per output token"), ("e2e_s", "End to end"))
POINTS = 600
MARKS = (0.5, 0.9, 0.99)
ROOM = 0.27  # of a panel's width, for the words beside a limit
HEIGHT = 0.24  # of a panel's height, for the same words
APART = 0.21  # of a panel's width, between two labels


def picture(outcome: Outcome, drawn: Drawn, form: str) -> bytes:
    """Bytes of the picture; form: ``svg`` or ``png``."""
    return render(lambda: figure(outcome, drawn), form)


def figure(outcome: Outcome, drawn: Drawn) -> Figure:
    """The figure of a run."""
    waits = latencies(outcome)
    whole, found = panels(len(PANELS), 2.6, outcome, across=True)
    for axes, (name, title) in zip(found, PANELS, strict=True):
        values = _known(getattr(waits, name))
        measured = _known(drawn.measured[name][1]) if name in drawn.measured else np.zeros(0)
        _panel(axes, title, values, measured, drawn.slo.get(name))
    found[0].set_ylabel("share of answered requests", labelpad=2)
    return whole


def _known(values: Array) -> Array:
    """Values above 0, sorted."""
    return np.sort(values[np.isfinite(values) & (values > 0.0)])


def _panel(axes: Axes, title: str, values: Array, measured: Array, limit_s: float | None) -> None:
    dress(axes, title, share=True)
    axes.set_xscale("log")
    everything = np.concatenate((values, measured, [limit_s] if limit_s else []))
    if not len(everything):
        axes.text(0.5, 0.5, "no request got there", transform=axes.transAxes, ha="center", color=GREY)
        axes.set_xticks([])
        axes.xaxis.set_minor_locator(NullLocator())
        return
    low, high = float(everything.min()) / 1.25, float(everything.max()) * 1.25
    _curve(axes, values, low, high, BLUE, "simulated")
    if len(measured):
        _curve(axes, measured, low, high, MEASURED, "measured")
    left = _limit(axes, values, limit_s, low, high) if limit_s else False
    if len(measured):
        axes.legend(loc="lower right" if left else "upper left", handlelength=1.6, borderaxespad=0.3)
    axes.set_xlim(low, high)
    _ticks(axes, low, high)
    marks = np.quantile(values, MARKS) if len(values) else ()
    words = ", ".join(f"p{share * 100:g} {seconds(mark)}" for share, mark in zip(MARKS, marks, strict=False))
    axes.set_xlabel(words, labelpad=3, fontsize=7.0, color=GREY)


def _curve(axes: Axes, values: Array, low: float, high: float, colour: str, label: str) -> None:
    """Steps of a cumulative share, at most :data:`POINTS` of them."""
    if not len(values):
        return
    shares = np.arange(1, len(values) + 1) / len(values)
    if len(values) > POINTS:
        kept = np.unique(np.linspace(0, len(values) - 1, POINTS).astype(np.intp))
        values, shares = values[kept], shares[kept]
    style = "-" if colour == BLUE else (0, (3, 1.5))
    axes.step(
        np.concatenate(([low], values, [high])), np.concatenate(([0.0], shares, [1.0])), where="post", color=colour,
        lw=1.4 if colour == BLUE else 1.0, ls=style, label=label, zorder=3 if colour == BLUE else 4,
    )  # fmt: skip


def _limit(axes: Axes, values: Array, limit_s: float, low: float, high: float) -> bool:
    """The line of a limit, and how many keep it, where the curve does not go; whether that is above to the left."""
    axes.axvline(limit_s, color=ORANGE, lw=1.0, zorder=2)
    left = math.log(high / limit_s) < ROOM * math.log(high / low)
    early = _share(values, limit_s * (low / high) ** ROOM) > HEIGHT  # the curve is above the words already
    above = left and not early
    axes.annotate(
        f"{_percent(_share(values, limit_s))}\nwithin\n{seconds(limit_s)}", (limit_s, 0.97 if above else 0.03),
        xytext=(-3 if left else 3, 0), textcoords="offset points", fontsize=7.0, color=ORANGE,
        ha="right" if left else "left", va="top" if above else "bottom", zorder=5,
    )  # fmt: skip
    return above


def _share(values: Array, limit_s: float) -> float:
    """Part of sorted values that are no longer."""
    return float(np.searchsorted(values, limit_s, side="right") / len(values)) if len(values) else 0.0


def _percent(share: float) -> str:
    """A share; one that is not all of them never reads as 100 %."""
    return "> 99.9%" if 0.9995 <= share < 1.0 else f"{share:.1%}"


def _ticks(axes: Axes, low: float, high: float) -> None:
    """Labels with units as close as they can be read: decades, or 1, 2 and 5 of each."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    kept: list[float] = []
    for steps in ((1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
                  (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):  # fmt: skip
        places = (step * 10.0**power for power in range(first, last + 1) for step in steps)
        kept = [place for place in places if low <= place <= high]
        gaps = (math.log(b / a) / math.log(high / low) for a, b in pairwise(kept))
        if min(gaps, default=1.0) >= APART:
            break
    kept = kept[:: max(1, math.ceil(len(kept) * APART))]
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))
    few = high / low < 1e4
    axes.xaxis.set_minor_locator(LogLocator(subs=tuple(float(sub) for sub in range(2, 10))) if few else NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=1.2, width=0.4)
    axes.grid(True, axis="x", which="major", lw=0.4, color=PALE, zorder=0)

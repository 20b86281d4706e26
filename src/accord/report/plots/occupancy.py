"""Cache in use over time, of each pool, with its mean.

Knows the measured series ``kv_share`` (of the whole deployment), and ``kv_share.<pool>`` of single pools.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accord.report.canvas import (
    COLOURS,
    GREY,
    by_pool,
    dress,
    happenings,
    line,
    measured_line,
    panels,
    render,
    time_axis,
)
from accord.report.outputs import Drawn
from accord.serving.result import Outcome, Series

PANELS = 6  # most pools with a panel of their own; more share one


def picture(outcome: Outcome, drawn: Drawn, form: str) -> bytes:
    """Bytes of the picture; form: ``svg`` or ``png``."""
    return render(lambda: figure(outcome, drawn), form)


def figure(outcome: Outcome, drawn: Drawn) -> Figure:
    """The figure of a run: a panel for each pool."""
    pools = by_pool(outcome)[:PANELS]
    whole, found = panels(max(len(pools), 1), 1.55 if len(pools) > 1 else 2.2, outcome)
    for colour, axes, (name, series) in zip(COLOURS, found, pools, strict=False):
        _panel(axes, name, series, colour)
        own = measured_line(axes, drawn.measured.get(f"kv_share.{name}"))
        if own or (len(pools) == 1 and measured_line(axes, drawn.measured.get("kv_share"))):
            axes.legend(loc="upper right", handlelength=1.6, borderaxespad=0.2)
    if not pools:
        dress(found[0], "Cache in use", share=True)
    happenings(found, outcome)
    time_axis(found, outcome.end_s)
    return whole


def _panel(axes: Axes, name: str, series: Series, colour: str) -> None:
    line(axes, series.time_s, series.kv_share, colour, fill=True)
    dress(axes, f"Cache in use: {name}", share=True)
    if len(series.kv_share):
        words = f"mean {np.mean(series.kv_share):.0%}, most {np.max(series.kv_share):.0%}"
        axes.set_title(words, loc="right", fontsize=7.5, color=GREY, pad=5)

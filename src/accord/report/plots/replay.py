"""A measured run played again: requests that run and wait, and the cache in use, measured ones over the simulated.

Knows the measured series ``running``, ``waiting`` and ``kv_share``, all of the whole deployment.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from accord.report.canvas import (
    ALL,
    BLUE,
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
from accord.serving.result import Outcome, Series

PANELS = (("running", "Requests running", BLUE), ("waiting", "Requests waiting", ORANGE))


def picture(outcome: Outcome, drawn: Drawn, form: str) -> bytes:
    """Bytes of the picture; form: ``svg`` or ``png``."""
    return render(lambda: figure(outcome, drawn), form)


def figure(outcome: Outcome, drawn: Drawn) -> Figure:
    """The figure of a run; it lasts as long as the longer of both."""
    whole, found = panels(3, 1.55, outcome)
    series: Series | None = outcome.series.get(ALL) or next(iter(outcome.series.values()), None)
    end_s = max([outcome.end_s, *(float(times_s[-1]) for times_s, _ in drawn.measured.values() if len(times_s))])
    for axes, (name, title, colour) in zip(found, PANELS, strict=False):
        if series is not None:
            line(axes, series.time_s, getattr(series, name), colour, "simulated")
        measured_line(axes, drawn.measured.get(name))
        dress(axes, title)
        legend(axes)
    cache = found[-1]
    if series is not None:
        line(cache, series.time_s, series.kv_share, GREEN, "simulated")
    measured_line(cache, drawn.measured.get("kv_share"))
    dress(cache, "Cache in use", share=True)
    legend(cache)
    happenings(found, outcome)
    time_axis(found, end_s)
    return whole

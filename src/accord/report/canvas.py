"""What pictures of a simulated run share: paper, colours, axes of time, thinned lines. Needs the extra [plot].

The same run gives the same bytes: no date, no reader's own style, ids salted with a constant.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from accord.base.array import Array
from accord.serving.result import Outcome, Series

# Colours of M. Okabe and K. Ito, which stay apart for colour-blind readers.
BLUE, ORANGE, GREEN, PINK, GOLD, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
COLOURS = (BLUE, ORANGE, GREEN, PINK, GOLD, SKY, "#444444")
INK, GREY, PALE = "#333333", "#777777", "#dddddd"
MEASURED, DEEP_BLUE, DEEP_RED = "#222222", "#00304d", "#702f00"  # of measured lines
WIDTH_IN = 7.4
POINTS = 600  # across a picture; a longer series is drawn as its mean within its extremes
ALL = "all"
_SETTINGS: Any = {  # the keys have literal types that differ from version to version
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "svg.hashsalt": "accord",
    "svg.fonttype": "path",
    "path.simplify": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.0,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
}
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def render(draw: Callable[[], Figure], form: str) -> bytes:
    """Bytes of the figure that ``draw`` makes; form: ``svg`` or ``png``."""
    out = io.BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a reader's own style must not change the picture
        matplotlib.rcParams.update(_SETTINGS)
        metadata = {"Date": None, "Creator": "Accord"} if form == "svg" else {"Software": "Accord"}
        draw().savefig(out, format=form, dpi=160, metadata=metadata)
    return out.getvalue()


def panels(count: int, height_in: float, outcome: Outcome, *, across: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure that is headed by what was simulated, with panels under one another, or side by side."""
    down, right = (1, count) if across else (count, 1)
    figure = Figure(figsize=(WIDTH_IN, 0.35 + height_in * down), layout="constrained")
    found = figure.subplots(down, right, sharex=not across, squeeze=False)
    state = "simulated" if outcome.complete else "simulated, interrupted"
    head = f"{outcome.workload.name}: {len(outcome.workload):,} requests, {state}, seed {outcome.seed}"
    figure.suptitle(head, x=0.01, ha="left", fontsize=8.0, color=GREY)
    return figure, [axes for row in found for axes in row]


def dress(axes: Axes, title: str, unit: str = "", *, share: bool = False) -> None:
    """Title, grid and numbers of a panel that begins at 0.

    unit: after the title, in brackets; share: values are parts of one, shown as percent from 0 to 100
    """
    axes.set_title(f"{title} [{unit}]" if unit else title, loc="left", pad=5)
    axes.grid(True, axis="y", lw=0.4, color=PALE, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(length=2.5, width=0.6, pad=2)
    if share:
        axes.set_ylim(0.0, 1.02)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        return
    top = axes.get_ylim()[1] if axes.dataLim.height > 0.0 else 1.0
    axes.set_ylim(0.0, top)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=top >= 5.0, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def time_axis(axes: Sequence[Axes], end_s: float) -> None:
    """The lowest panel's axis of time, in seconds, minutes, hours or days."""
    size, unit = next(
        (size, unit)
        for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
        if end_s >= 4.0 * size or size == 1.0
    )
    last = axes[-1]
    last.set_xlim(0.0, end_s if end_s > 0.0 else 1.0)
    last.xaxis.set_major_locator(_Round(size))
    last.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / size:g}"))
    last.set_xlabel(f"time from the start [{unit}]", labelpad=2)


class _Round(MaxNLocator):
    """Ticks at round numbers of a unit of time."""

    def __init__(self, size: float) -> None:
        super().__init__(9, steps=[1, 2, 3, 5, 6, 10])
        self._size = size

    def tick_values(self, vmin: float, vmax: float) -> Any:
        return np.asarray(super().tick_values(vmin / self._size, vmax / self._size)) * self._size


def line(
    axes: Axes, times_s: Array, values: Array, colour: str, label: str | None = None, *, fill: bool = False
) -> None:
    """A series over time; a long one as means, with a band from the least to the most of each stretch.

    fill: tint what is below it
    """
    if len(times_s) > POINTS:
        starts, counts = _stretches(len(times_s))
        low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        times_s, values = np.add.reduceat(times_s, starts) / counts, np.add.reduceat(values, starts) / counts
        axes.fill_between(times_s, low, high, color=colour, alpha=0.22, lw=0, zorder=2)
    if fill:
        axes.fill_between(times_s, 0.0, values, color=colour, alpha=0.12, lw=0, zorder=1)
    axes.plot(times_s, values, color=colour, lw=1.1, label=label, zorder=3, solid_joinstyle="round")


def measured_line(
    axes: Axes, series: tuple[Array, Array] | None, label: str = "measured", colour: str = MEASURED
) -> bool:
    """A measured series over the simulated ones, dashed unless it is long; whether there was one."""
    if series is None or not len(series[0]):
        return False
    times_s, values = series
    if len(times_s) > POINTS:
        starts, counts = _stretches(len(times_s))
        times_s, values = np.add.reduceat(times_s, starts) / counts, np.add.reduceat(values, starts) / counts
    few = len(times_s) <= POINTS // 2
    style = (0, (3, 1.2)) if few else "-"
    axes.plot(times_s, values, color=colour, lw=1.0 if few else 0.6, ls=style, label=label, zorder=4)
    return True


def _stretches(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where each of :data:`POINTS` stretches of a long series starts, and how many points it has."""
    starts = np.linspace(0, count, POINTS + 1).astype(np.intp)
    return starts[:-1], np.diff(starts)


def happenings(axes: Sequence[Axes], outcome: Outcome) -> None:
    """Thin lines where an instance failed, came back or was added, named above the first panel while they are few."""
    events = [event for event in outcome.events if event.what != "loading" and event.time_s > 0.0]
    for event in events[:60]:
        for one in axes:
            one.axvline(event.time_s, color=ORANGE if event.what == "down" else GREY, lw=0.6, alpha=0.6, zorder=1)
    if len(events) <= 8:
        for event in events:
            axes[0].annotate(
                event.what, (event.time_s, 1.0), xycoords=("data", "axes fraction"), xytext=(2, -1),
                textcoords="offset points", fontsize=6.5, color=GREY, va="top",
            )  # fmt: skip


def by_pool(outcome: Outcome) -> list[tuple[str, Series]]:
    """Series of each pool; the one of all pools where there are no others."""
    pools = [(name, series) for name, series in outcome.series.items() if name != ALL]
    return pools or list(outcome.series.items())


def legend(axes: Axes, *, columns: int = 4) -> None:
    """The legend above the panel, to the right of its title; none for a single line without a name."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, borderaxespad=0.2,
            handlelength=1.6, columnspacing=1.2, handletextpad=0.5,
        )  # fmt: skip


def short(value: float) -> str:
    """A number of an axis with its prefix: ``12 k``."""
    for size, prefix in _PREFIXES:
        if abs(value) >= size:
            return f"{value / size:g} {prefix}"
    return f"{value:g}"


def seconds(value: float) -> str:
    """A time with a unit that reads well: ``120 ms``."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= size * (1.0 - 1e-9):
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"

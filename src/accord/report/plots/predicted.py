"""Predicted against measured: one log-log panel for each kind of quantity, coloured by source.

Points on the diagonal are right; the grey band around it is 25 % either way. The thin bars are intervals.
Nothing in the bytes depends on the day or the machine.
"""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from accord.validation.score import Scored

# The first seven: colours of M. Okabe and K. Ito that stay apart for colour-blind readers; then those of P. Tol.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444",
    "#882255", "#999933", "#332288", "#AA4499", "#44AA99", "#661100", "#117733",
)  # fmt: skip
MARKERS = (("o", 1.0), ("^", 1.05), ("s", 0.8), ("D", 0.7), ("v", 1.05), ("P", 1.1), ("X", 1.1))  # shape, size
BAND = 1.25
GREY = "#666666"
SIDE_IN, GAP_X_IN, GAP_Y_IN, LEFT_IN, TOP_IN, LINE_IN = 2.9, 0.72, 0.72, 0.66, 0.34, 0.19
PANELS: tuple[tuple[str, str, str], ...] = (  # kind, title, unit after the numbers of its axes
    ("token_s", "Time per token", "s"),
    ("first_s", "Time to first token", "s"),
    ("part_s", "Kernels, layers, exchanges, links", "s"),
    ("token_per_s", "Tokens per second", ""),
    ("byte_per_s", "Bytes per second", ""),
    ("flop_per_s", "FLOP per second", ""),
    ("ratio", "Speed-ups, shares of a peak", "plain"),
)
_TOKEN_S, _FIRST_S = ("tpot_s", "itl_", "iteration_s"), ("ttft_", "e2e_")
_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"))
_SETTINGS: Any = {  # the keys have literal types that differ from version to version
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "svg.hashsalt": "accord",
    "svg.fonttype": "path",
    "axes.linewidth": 0.6,
    "path.simplify": False,
}


def picture(rows: Sequence[Scored], level: float, form: str) -> bytes:
    """Bytes of the picture of scored rows; skipped ones are left out.

    level: of the rows' intervals; form: ``svg`` or ``png``
    """
    out = io.BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a reader's own style must not change the picture
        matplotlib.rcParams.update(_SETTINGS)
        metadata = {"Date": None, "Creator": "Accord"} if form == "svg" else {"Software": "Accord"}
        figure(rows, level).savefig(out, format=form, dpi=160, metadata=metadata)
    return out.getvalue()


def figure(rows: Sequence[Scored], level: float) -> Figure:
    """The figure of scored rows: a panel for each kind of quantity that occurs, and one legend."""
    kept = [row for row in rows if row.predicted and row.measured > 0.0]
    styles = _styles(kept)
    panels = [(title, unit, [row for row in kept if panel_of(row.metric) == kind]) for kind, title, unit in PANELS]
    panels = [panel for panel in panels if panel[2]]
    across = min(max(len(panels), 1), 3 if len(panels) <= 6 else 4)
    down = math.ceil(len(panels) / across)
    columns = 2 * across
    below_in = 0.62 + LINE_IN * math.ceil((len(styles) + 2) / columns)
    width = LEFT_IN + across * SIDE_IN + (across - 1) * GAP_X_IN + 0.2
    height = TOP_IN + down * SIDE_IN + max(down - 1, 0) * GAP_Y_IN + below_in
    drawn = Figure(figsize=(width, height))
    for at, (title, unit, found) in enumerate(panels):
        left = LEFT_IN + at % across * (SIDE_IN + GAP_X_IN)
        bottom = height - TOP_IN - SIDE_IN - at // across * (SIDE_IN + GAP_Y_IN)
        axes = drawn.add_axes((left / width, bottom / height, SIDE_IN / width, SIDE_IN / height))
        _panel(axes, f"{title} ({len(found)})", unit, found, styles)
    drawn.legend(handles=_handles(styles, kept, level), loc="lower center", ncols=columns, frameon=False, fontsize=7.5,
                 handletextpad=0.4, columnspacing=1.4, borderaxespad=0.4)  # fmt: skip
    return drawn


def panel_of(metric: str) -> str:
    """The panel a metric belongs to, by the unit in its name."""
    for unit in ("token_per_s", "byte_per_s", "flop_per_s"):
        if unit in metric:
            return unit
    if metric.endswith("_s") and not metric.endswith("_per_s"):
        return "token_s" if metric.startswith(_TOKEN_S) else "first_s" if metric.startswith(_FIRST_S) else "part_s"
    return "ratio"


def _styles(rows: Sequence[Scored]) -> dict[str, tuple[str, str, float]]:
    """Colour, shape and size of each source, in the alphabet's order; the largest take the most distinct colours."""
    counts = Counter(row.source_id for row in rows)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    styles = {
        name: (COLOURS[at % len(COLOURS)], *MARKERS[(at + at // len(MARKERS)) % len(MARKERS)])
        for at, name in enumerate(ranked)
    }
    return dict(sorted(styles.items()))


def _panel(
    axes: Axes, title: str, unit: str, rows: Sequence[Scored], styles: Mapping[str, tuple[str, str, float]]
) -> None:
    """One panel; sources with many points are drawn first, so that none is hidden for good."""
    low, high = _limits(rows)
    axes.fill_between(
        (low, high), (low / BAND, high / BAND), (low * BAND, high * BAND), color="#e9e9e9", lw=0, zorder=0
    )
    axes.plot((low, high), (low, high), color=GREY, lw=0.7, zorder=1)
    by_source: dict[str, list[Scored]] = {}
    for row in rows:
        by_source.setdefault(row.source_id, []).append(row)
    many = len(rows) > 60
    for name, found in sorted(by_source.items(), key=lambda item: (-len(item[1]), item[0])):
        colour, marker, size = styles[name]
        measured = [row.measured for row in found]
        axes.vlines(measured, [row.low or 0.0 for row in found], [row.high or 0.0 for row in found],
                    color=colour, lw=0.45, alpha=0.3 if many else 0.55, zorder=2)  # fmt: skip
        axes.scatter(measured, [row.predicted or 0.0 for row in found], s=(9 if many else 16) * size, c=colour,
                     marker=marker, linewidths=0.25, edgecolors="white", zorder=3)  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_title(title, fontsize=8.5, loc="left", pad=4)
    axes.set_xlabel("measured", labelpad=2)
    axes.set_ylabel("predicted", labelpad=1)
    _ticks(axes, unit, low, high)


def _limits(rows: Sequence[Scored]) -> tuple[float, float]:
    """The same limits for both axes: all points, and the intervals as far as they leave the points readable."""
    points = [value for row in rows for value in (row.measured, row.predicted) if value]
    low, high = min(points), max(points)
    ends = [value for row in rows for value in (row.low, row.high) if value]
    low, high = max(min([low, *ends]), low / 2.0), min(max([high, *ends]), high * 2.0)
    return low / 1.12, high * 1.12


def _ticks(axes: Axes, unit: str, low: float, high: float) -> None:
    """Few labels with SI prefixes: whole decades where there are enough, else 1, 2 and 5 of each."""
    decades = math.log10(high / low)
    steps: tuple[float, ...] = (1.0,) if decades > 3.0 else (1.0, 3.0) if decades > 1.6 else (1.0, 2.0, 5.0)
    if decades < 0.5:
        steps = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    places = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    kept = [place for place in places if low <= place <= high][:: max(1, math.ceil(decades / 7.0))]
    kept = kept if len(kept) > 1 else [float(f"{low * (high / low) ** share:.2g}") for share in (0.25, 0.75)]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator(kept))
        axis.set_major_formatter(FuncFormatter(lambda value, _: axis_label(value, unit)))
        axis.set_minor_locator(
            LogLocator(subs=tuple(float(sub) for sub in range(2, 10))) if decades < 4 else NullLocator()
        )
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=7, length=2.5, width=0.6, pad=2)
    axes.tick_params(which="minor", length=1.2, width=0.4)
    axes.grid(True, which="major", lw=0.3, color="#cccccc", zorder=0)
    axes.set_axisbelow(True)


def axis_label(value: float, unit: str) -> str:
    """A number of an axis with its SI prefix: 2e-05 of ``s`` is ``20 µs``; ``plain`` is without prefix and unit."""
    if unit == "plain":
        return f"{value:.3g}"
    for size, prefix in _PREFIXES:
        if abs(value) >= size * (1.0 - 1e-9) and not (unit == "s" and size > 1.0):
            return f"{value / size:.4g} {prefix}{unit}".rstrip()
    return f"{value * 1e9:.3g} n{unit}"


def _handles(styles: Mapping[str, tuple[str, str, float]], rows: Sequence[Scored], level: float) -> list[Artist]:
    """The legend: every source with its rows, then what bars and band mean."""
    counts = Counter(row.source_id for row in rows)
    found: list[Artist] = [
        Line2D([], [], ls="", marker=marker, color=colour, markersize=4.5 * math.sqrt(size),
               label=f"{name} ({counts[name]})")
        for name, (colour, marker, size) in styles.items()
    ]  # fmt: skip
    bar = Line2D([], [], ls="", marker="|", color=GREY, markersize=8, label=f"{level:.0%} interval")
    return [*found, bar, Patch(facecolor="#dddddd", label="within 25 %")]

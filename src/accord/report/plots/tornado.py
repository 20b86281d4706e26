"""What an answer depends on: a bar for each cause, from the answer at its low end to that at its high end."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from accord.report.canvas import BLUE, GREY, INK, ORANGE, PALE, WIDTH_IN, render
from accord.report.tornado import Cause, widest_first

MOST = 16
_BAR_IN, _AROUND_IN = 0.3, 0.85
_HEIGHT = 0.62  # of a bar, over the space it has


def picture(causes: Sequence[Cause], answer: str, unit: str, form: str) -> bytes:
    """Bytes of the picture; form: ``svg`` or ``png``. The other arguments are those of :func:`tornado`."""
    return render(lambda: tornado(causes, answer, unit), form)


def tornado(causes: Sequence[Cause], answer: str, unit: str) -> Figure:
    """The figure: causes from the widest down, at most :data:`MOST` of them.

    answer: what depends on them, in words; unit: of it
    """
    shown = widest_first(causes)[:MOST]
    figure = Figure(figsize=(WIDTH_IN, _AROUND_IN + _BAR_IN * max(len(shown), 1)), layout="constrained")
    axes = figure.subplots()
    axes.set_title(f"What {answer} depends on", loc="left", pad=16)
    for at, one in enumerate(shown):
        _bar(axes, at, one)
    axes.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    axes.set_yticks(range(len(shown)), [one.name for one in shown], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", length=2.5, width=0.6, pad=2)
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="x", lw=0.4, color=PALE, zorder=0)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(f"{answer} [{unit}]", labelpad=2)
    if shown:
        _base(axes, shown)
    return figure


def _bar(axes: Axes, at: int, one: Cause) -> None:
    """Both halves of a cause's bar, with the cause's ends beside them."""
    for end, colour in sorted(((one.at_low, BLUE), (one.at_high, ORANGE)), key=lambda half: -abs(half[0] - one.base)):
        axes.barh(at, end - one.base, left=one.base, height=_HEIGHT, color=colour, zorder=2)
    same_side = (one.at_low - one.base) * (one.at_high - one.base) > 0.0
    ends = [(one.at_low, one.low), (one.at_high, one.high)]
    if same_side:  # only the longer half has an end of its own to write at
        ends = [max(ends, key=lambda end: abs(end[0] - one.base))]
    for end, words in ends:
        if words and end != one.base:
            right = end > one.base
            axes.annotate(
                words, (end, at), xytext=(3 if right else -3, 0), textcoords="offset points", va="center",
                ha="left" if right else "right", fontsize=6.5, color=GREY,
            )  # fmt: skip


def _base(axes: Axes, shown: Sequence[Cause]) -> None:
    """The line at the base, room for the words at the ends, and the legend."""
    base = shown[0].base
    axes.axvline(base, color=INK, lw=0.8, zorder=3)
    axes.annotate(
        f"{base:.3g}", (base, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
        ha="center", va="bottom", fontsize=7.0, color=INK,
    )  # fmt: skip
    ends = [end for one in shown for end in (one.at_low, one.at_high, base)]
    room = 0.16 * (max(ends) - min(ends))
    axes.set_xlim(min(ends) - room, max(ends) + room)
    axes.legend(
        handles=[Patch(color=BLUE, label="cause at its low end"), Patch(color=ORANGE, label="at its high end")],
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2, handlelength=1.2,
        columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip

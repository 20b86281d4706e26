"""A step's pipeline as a picture: a row a rank, its tasks along the time of the step. Needs no extra.

Tasks of a rank's later chunks (under DualPipe, of the micro-batches that come from the last rank) are lighter. A pair
of DualPipe shares its row, the forward above and the backward below. What is left white is the bubble.
"""

from __future__ import annotations

import numpy as np

from accord.base.units import show
from accord.report.svg import FAINT, GREY, INK, PAPER, Sheet, width_of
from accord.training.schedule_order import BACKWARD, FORWARD, INPUT, WEIGHT
from accord.training.timeline import Tasks, Timeline

LEFT, AREA, EDGE, TOP = 66.0, 1120.0, 18.0, 76.0
ROW, GAP, SMALL = 24.0, 5.0, 9.0
LIGHTEST = 0.6
_Colour = tuple[int, int, int]
_COLOURS: dict[int, _Colour] = {
    FORWARD: (0x00, 0x72, 0xB2),
    BACKWARD: (0xD5, 0x5E, 0x00),
    INPUT: (0xE6, 0x9F, 0x00),
    WEIGHT: (0x00, 0x9E, 0x73),
}  # of M. Okabe and K. Ito, which stay apart for colour-blind readers
_NAMES = {
    FORWARD: "forward",
    BACKWARD: "backward",
    INPUT: "backward, inputs' gradients alone",
    WEIGHT: "weights' gradients",
}


def picture(timeline: Timeline) -> bytes:
    """The picture as SVG, numbers of micro-batches where they fit."""
    ranks = len(timeline.busy_s)
    sheet = Sheet()
    title = f"{timeline.schedule}: {ranks} pipeline ranks, {_micro_batches(timeline)} micro-batches"
    sheet.text(LEFT, 26.0, title, size=14.0, bold=True)
    facts = f"{show(timeline.total_s, 's')}, {timeline.bubble_share:.1%} of it bubble"
    held = timeline.peak_micro_batches
    facts += f"; a rank holds up to {held.max():.3g} micro-batches of its layers (least {held.min():.3g})"
    if timeline.exposed_s > 0.0:
        facts += f"; {show(timeline.exposed_s, 's')} waits for data-parallel peers"
    sheet.text(LEFT, 44.0, facts, size=11.0, fill=GREY)
    _legend(sheet, timeline.tasks)
    for rank in range(ranks):
        y = TOP + rank * (ROW + GAP)
        sheet.text(LEFT - 8.0, y + ROW / 2 + 4.0, f"rank {rank}", anchor="end")
        sheet.rect(LEFT, y, AREA, ROW, PAPER, stroke=FAINT)
    _draw(sheet, timeline)
    bottom = TOP + ranks * (ROW + GAP)
    _axis(sheet, bottom, timeline.total_s)
    return sheet.done(LEFT + AREA + EDGE, bottom + 26.0, f"{title}; {facts}")


def _micro_batches(timeline: Timeline) -> int:
    """Micro-batches of the step; those of DualPipe's two directions are counted apart."""
    tasks = timeline.tasks
    here = (tasks.kind == FORWARD) & (tasks.rank == 0)
    return int(here.sum()) if timeline.schedule == "dualpipe" else int(tasks.micro_batch.max()) + 1


def _legend(sheet: Sheet, tasks: Tasks) -> None:
    x = LEFT
    for kind in (FORWARD, BACKWARD, INPUT, WEIGHT):
        if np.any(tasks.kind == kind):
            sheet.rect(x, 54.0, 11.0, 11.0, _shade(kind, 0.0))
            sheet.text(x + 16.0, 63.5, _NAMES[kind], size=10.0)
            x += 36.0 + 0.84 * width_of(_NAMES[kind], 10.0)


def _draw(sheet: Sheet, timeline: Timeline) -> None:
    tasks = timeline.tasks
    scale = AREA / timeline.total_s if timeline.total_s > 0.0 else 0.0
    last_chunk = max(int(tasks.chunk.max()), 1)
    halves = _halves(tasks)
    for i in range(len(tasks.rank)):
        y, height = TOP + float(tasks.rank[i]) * (ROW + GAP), ROW
        if halves[i]:
            height = ROW / 2
            y += 0.0 if tasks.kind[i] == FORWARD else height
        x, width = LEFT + float(tasks.start_s[i]) * scale, float(tasks.end_s[i] - tasks.start_s[i]) * scale
        pale = LIGHTEST * int(tasks.chunk[i]) / last_chunk
        sheet.rect(x, y, width, height, _shade(int(tasks.kind[i]), pale), stroke=PAPER if width > 3.0 else "none")
        words = str(int(tasks.micro_batch[i]))
        if width_of(words, SMALL) + 2.0 <= width:
            ink = INK if pale > 0.25 or tasks.kind[i] == INPUT else PAPER
            sheet.text(x + width / 2, y + height / 2 + 3.2, words, size=SMALL, fill=ink, anchor="middle")


def _halves(tasks: Tasks) -> list[bool]:
    """Whether each task shares its time with another, as halves of a pair do."""
    places = list(zip(tasks.rank.tolist(), tasks.start_s.tolist(), tasks.end_s.tolist(), strict=True))
    seen: dict[tuple[int, float, float], int] = {}
    for place in places:
        seen[place] = seen.get(place, 0) + 1
    return [seen[place] > 1 and place[2] > place[1] for place in places]


def _axis(sheet: Sheet, y: float, total_s: float) -> None:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = LEFT + share * AREA
        sheet.line(x, y - 2.0, x, y + 3.0, GREY)
        anchor = "start" if share == 0.0 else "end" if share == 1.0 else "middle"
        sheet.text(x, y + 15.0, show(share * total_s, "s"), size=10.0, fill=GREY, anchor=anchor)


def _shade(kind: int, pale: float) -> str:
    """The colour of a kind, mixed with white."""
    return "#" + "".join(f"{round(part + (255 - part) * pale):02x}" for part in _COLOURS[kind])

"""Claims as rows: how far each is from what it would have to be, on a logarithmic axis. Needs no extra.

Right of the line the claim is true: a test of "less than" is turned round, "within" is told from its nearer end. A row
shows the stated part that is nearest to failing with its interval, and small ticks for the parts beside it. Shape and
word tell the verdict, not colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accord.claims.judge import VERDICTS, ClaimVerdict, ClaimWord, PartVerdict, room_of
from accord.report.audit_result import amount, test_text
from accord.report.svg import FAINT, GREY, INK, PAPER, Sheet, width_of

LEFT, PLOT, RIGHT = 300.0, 560.0, 360.0
TOP, ROW, GROUP, FOOT = 64.0, 21.0, 26.0, 78.0
SMALL, SIDE = 9.5, 4.2
LEAST, MOST = 1e-3, 1e3  # of the axis; what lies beyond is shown at its end by an arrow
_COLOURS: dict[ClaimWord, str] = {
    "holds": "#007a5a", "holds if": "#0072b2", "fails": "#c04a00", "cannot tell": "#666666",
}  # fmt: skip
_ROUND = (1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float

    def at(self, ratio: float) -> float:
        ratio = min(max(ratio, self.low), self.high)
        return LEFT + PLOT * math.log(ratio / self.low) / math.log(self.high / self.low)


def draw(found: Sequence[ClaimVerdict]) -> bytes:
    """The picture of some claims, grouped by verdict."""
    sheet, axis = Sheet(), _axis(found)
    groups = [(word, [one for one in found if one.verdict == word]) for word in VERDICTS]
    shown = [(word, sorted(ones, key=_order)) for word, ones in groups if ones]
    high = TOP + sum(GROUP + ROW * len(ones) for _, ones in shown)
    sheet.text(14.0, 24.0, "Claims, recomputed", size=15.0, bold=True)
    sheet.text(14.0, 42.0, "the stated part nearest to failing, with its interval; ticks: parts beside it", fill=GREY)
    _grid(sheet, axis, high)
    y = TOP
    for word, ones in shown:
        _mark(word)(sheet, 20.0, y + 13.0, _COLOURS[word])
        sheet.text(32.0, y + 17.0, f"{word} ({len(ones)})", fill=_COLOURS[word], bold=True)
        y += GROUP
        for one in ones:
            _row(sheet, axis, one, y)
            y += ROW
    _legend(sheet, high)
    return sheet.done(LEFT + PLOT + RIGHT, high + FOOT, _told(found))


def _row(sheet: Sheet, axis: _Axis, one: ClaimVerdict, y: float) -> None:
    middle, colour, part = y + ROW / 2.0, _COLOURS[one.verdict], one.deciding
    sheet.text(LEFT - 10.0, middle + 3.5, _cut(one.claim.id, LEFT - 24.0), anchor="end", size=10.5)
    sheet.line(LEFT, y + ROW, LEFT + PLOT, y + ROW, "#f0f0f0", 0.6)
    for aside in one.parts:
        place = _ratio(aside, aside.margin) if aside is not part else None
        if place is not None:
            sheet.line(axis.at(place), middle - 4.0, axis.at(place), middle + 4.0, GREY, 1.0)
    at = _ratio(part, part.margin) if part is not None else None
    if part is None or at is None:
        sheet.rect(LEFT + 2.0, y + 2.0, PLOT - 4.0, ROW - 4.0, PAPER)
        sheet.text(LEFT + 22.0, middle + 3.5, _cut(_lacking(one), PLOT - 22.0), size=SMALL, fill=GREY)
        _mark(one.verdict)(sheet, LEFT + 10.0, middle, colour)
        return
    ends = [end for end in (_ratio(part, part.margin_low), at, _ratio(part, part.margin_high)) if end is not None]
    if max(ends) > min(ends):
        first, last = axis.at(min(ends)), axis.at(max(ends))
        sheet.line(first, middle, last, middle, colour, 2.2)
        for end in (first, last):
            sheet.line(end, middle - 3.0, end, middle + 3.0, colour, 1.2)
    _mark(one.verdict)(sheet, axis.at(at), middle, colour)
    _arrow(sheet, axis, at, middle, colour)
    words = f"{amount(part.value, part.part.unit)}, has to be {test_text(part)}"
    sheet.text(LEFT + PLOT + 14.0, middle + 3.5, _cut(words, RIGHT - 22.0), size=SMALL)


def _arrow(sheet: Sheet, axis: _Axis, at: float, y: float, colour: str) -> None:
    """A small arrow where a value lies beyond an end of the axis."""
    if axis.low <= at <= axis.high:
        return
    end, way = (LEFT + PLOT, 1.0) if at > axis.high else (LEFT, -1.0)
    sheet.lines(
        [(end + way * 5.0, y - 4.0, end + way * 10.0, y), (end + way * 5.0, y + 4.0, end + way * 10.0, y)], colour
    )


def _grid(sheet: Sheet, axis: _Axis, high: float) -> None:
    every = axis.high / axis.low < 200.0
    for power in range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1):
        for step in _ROUND if every else _ROUND[:1]:
            tick = step * 10.0**power
            if axis.low * 0.999 <= tick <= axis.high * 1.001:
                x = axis.at(tick)
                sheet.line(x, TOP, x, high, FAINT, 0.6)
                sheet.text(x, high + 14.0, f"{tick:,g}x", size=SMALL, fill=GREY, anchor="middle")
    x = axis.at(1.0)
    sheet.line(x, TOP - 8.0, x, high + 3.0, INK, 1.2)
    sheet.text(x - 6.0, TOP - 10.0, "false", size=SMALL, fill=GREY, anchor="end")
    sheet.text(x + 6.0, TOP - 10.0, "true", size=SMALL, fill=GREY)
    words = "factor by which a value is on the true side of its test"
    sheet.text(LEFT + PLOT / 2.0, high + 30.0, words, size=10.0, anchor="middle")


def _legend(sheet: Sheet, high: float) -> None:
    x, y = 20.0, high + 56.0
    for word in VERDICTS:
        _mark(word)(sheet, x, y, _COLOURS[word])
        sheet.text(x + 10.0, y + 3.5, word, size=10.0)
        x += 34.0 + width_of(word, 10.0)
    sheet.text(x, y + 3.5, "bars: interval of the draws; 'open' counts as cannot tell", size=SMALL, fill=GREY)


def _disc(sheet: Sheet, x: float, y: float, colour: str) -> None:
    sheet.circle(x, y, SIDE + 0.8, colour)


def _ring(sheet: Sheet, x: float, y: float, colour: str) -> None:
    sheet.circle(x, y, SIDE + 1.2, colour)
    sheet.circle(x, y, SIDE - 1.4, "#ffffff")


def _cross(sheet: Sheet, x: float, y: float, colour: str) -> None:
    sheet.lines([(x - SIDE, y - SIDE, x + SIDE, y + SIDE), (x - SIDE, y + SIDE, x + SIDE, y - SIDE)], colour, 2.4)


def _square(sheet: Sheet, x: float, y: float, colour: str) -> None:
    sheet.rect(x - SIDE, y - SIDE, 2.0 * SIDE, 2.0 * SIDE, "#ffffff", stroke=colour)


def _mark(word: ClaimWord) -> Callable[[Sheet, float, float, str], None]:
    marks: dict[ClaimWord, Callable[[Sheet, float, float, str], None]] = {
        "holds": _disc, "holds if": _ring, "fails": _cross, "cannot tell": _square,
    }  # fmt: skip
    return marks[word]


def _axis(found: Sequence[ClaimVerdict]) -> _Axis:
    """Whole steps of the axis around everything that is drawn, 1 among them."""
    places = [1.0]
    for one in found:
        for part in one.parts:
            ends = (part.margin, part.margin_low, part.margin_high) if part is one.deciding else (part.margin,)
            places += [at for at in (_ratio(part, end) for end in ends) if at is not None]
    low, high = max(min(places) / 1.15, LEAST), min(max(places) * 1.15, MOST)
    return _Axis(min(low, 0.5), max(high, 2.0))


def _ratio(part: PartVerdict | None, margin: float | None) -> float | None:
    return room_of(part.part.test, margin) if part is not None else None


def _order(one: ClaimVerdict) -> tuple[float, str]:
    place = _ratio(one.deciding, one.margin)
    return (-place if place is not None else math.inf, one.claim.id)


def _lacking(one: ClaimVerdict) -> str:
    return one.why[0] if one.why else "no margin: it is compared with nothing above 0"


def _cut(words: str, room: float) -> str:
    most = int(room / (0.56 * 10.0))
    return words if len(words) <= most else f"{words[: most - 3].rstrip()}..."


def _told(found: Sequence[ClaimVerdict]) -> str:
    return "Claims: " + ", ".join(f"{one.claim.id} {one.verdict}" for one in found)

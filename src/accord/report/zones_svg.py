"""Classes of a day as zones of a plane of two facts, with chips as points. Needs no extra.

Zones are rectangles between the thresholds of the rules, coloured by the class that the rules give inside. Both axes
are logarithmic. The chip that is asked about is a line where one of its two facts is not known. Labels that find no
free place are left out, and a note says how many.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accord.report.svg import GREY, INK, PAPER, Sheet, width_of

LEFT, TOP, WIDE, HIGH, EDGE = 74.0, 100.0, 960.0, 600.0, 52.0
SMALL, DOT = 9.5, 3.2
POINT, ASKED = "#1d4e74", "#c03a00"
NO_CLASS, UNKNOWN_CLASS = "none", "unknown"
_COLOURS = {
    NO_CLASS: "#f3f7f1",
    UNKNOWN_CLASS: "#e4e4e4",
    "3A090.b": "#fbeab8",
    "3A090.a": "#f7cdbb",
    "3A090": "#f7cdbb",
}
_OTHERS = ("#d8e4f3", "#e3d7ee", "#d5ebe6")
_ROUND = (1.0, 2.0, 5.0)
_LINE = 14.0
_CLEAR = DOT + 6.0  # around a point, where its line may begin
_RIM = 1.2  # of a ring
_ASIDE = 5.0  # between words that stand beside one another
_BOLD = 1.05  # wider than plain words
_OVERLAP = 0.6  # of rectangles, so that no paper shows between them
_Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its words, its unit (put after numbers, "" = none), and the range it shows, above 0."""

    name: str
    low: float
    high: float
    unit: str = ""

    def part(self, value: float) -> float:
        """Place of a value along the axis, 0 to 1."""
        value = min(max(value, self.low), self.high)
        return math.log(value / self.low) / math.log(self.high / self.low)


@dataclass(frozen=True, slots=True)
class Point:
    """A chip.

    x, y: in the unit of the axes, None where it is not known; asked: the one that the question is about
    hollow: one for which the zones are not made, drawn as a ring
    """

    name: str
    x: float | None
    y: float | None
    asked: bool = False
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Zones:
    """What is drawn.

    xs, ys: edges of the cells, ascending, the ends of the axes among them
    zone: class of each cell, shape (len(ys) - 1, len(xs) - 1), an index into ``names``
    notes: below the picture; hollow: what a ring stands for
    """

    title: str
    subtitle: str
    x: Axis
    y: Axis
    xs: Sequence[float]
    ys: Sequence[float]
    zone: npt.NDArray[np.intp]
    names: tuple[str, ...]
    points: tuple[Point, ...]
    notes: tuple[str, ...] = ()
    hollow: str = ""


def draw(zones: Zones) -> bytes:
    """The picture as SVG."""
    return _Drawing(zones).done()


def ticks(axis: Axis) -> Iterator[float]:
    """Round numbers of an axis: 1, 2 and 5 of each power of ten."""
    for power in range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1):
        for step in _ROUND:
            value = step * 10.0**power
            if axis.low <= value <= axis.high:
                yield value


@dataclass(slots=True)
class _Drawing:
    """One picture while it is made.

    taken: boxes that labels keep clear of; edges: those they would rather not cross; silent: points without a label
    """

    zones: Zones
    sheet: Sheet = field(default_factory=Sheet)
    taken: list[_Box] = field(default_factory=list)
    edges: list[_Box] = field(default_factory=list)
    silent: int = 0

    def done(self) -> bytes:
        zones = self.zones
        self.sheet.text(LEFT, 28.0, zones.title, size=15.0, bold=True)
        self.sheet.text(LEFT, 46.0, zones.subtitle, size=11.0, fill=GREY)
        self._shade()
        self._legend()
        self._axes()
        self._points()
        bottom = self._notes(TOP + HIGH + 52.0)
        return self.sheet.done(LEFT + WIDE + EDGE, bottom, f"{zones.title}; {zones.subtitle}")

    def _x(self, value: float) -> float:
        return LEFT + WIDE * self.zones.x.part(value)

    def _y(self, value: float) -> float:
        return TOP + HIGH * (1.0 - self.zones.y.part(value))

    def _colour(self, name: str) -> str:
        others = [one for one in self.zones.names if one not in _COLOURS]
        return _COLOURS[name] if name in _COLOURS else _OTHERS[others.index(name) % len(_OTHERS)]

    def _shade(self) -> None:
        zones = self.zones
        for row, (low, high) in enumerate(zip(zones.ys, zones.ys[1:], strict=False)):
            top, bottom = self._y(high), self._y(low)
            start = 0
            for at in range(1, len(zones.xs)):
                if at == len(zones.xs) - 1 or zones.zone[row, at] != zones.zone[row, start]:
                    x, end = self._x(zones.xs[start]), self._x(zones.xs[at])
                    height = bottom - top + (_OVERLAP if row else 0.0)
                    self.sheet.rect(x, top, end - x, height, self._colour(zones.names[zones.zone[row, start]]))
                    start = at
        self._edges()

    def _edges(self) -> None:
        """Lines where the class changes."""
        zones, ends = self.zones, []
        for row in range(len(zones.ys) - 1):
            for at in range(len(zones.xs) - 1):
                x, y = self._x(zones.xs[at + 1]), self._y(zones.ys[row + 1])
                if at + 2 < len(zones.xs) and zones.zone[row, at] != zones.zone[row, at + 1]:
                    ends.append((x, y, x, self._y(zones.ys[row])))
                if row + 2 < len(zones.ys) and zones.zone[row, at] != zones.zone[row + 1, at]:
                    ends.append((self._x(zones.xs[at]), y, x, y))
        self.sheet.lines(ends, GREY, 0.8)
        self.edges = [(min(a, c) - 1, min(b, d) - 1, max(a, c) + 1, max(b, d) + 1) for a, b, c, d in ends]

    def _legend(self) -> None:
        x = LEFT
        for at in sorted(set(self.zones.zone.ravel().tolist())):
            name = self.zones.names[at]
            self.sheet.rect(x, 58.0, 14.0, 14.0, self._colour(name), stroke=GREY)
            self.sheet.text(x + 20.0, 69.5, name)
            x += 44.0 + width_of(name)
        if any(point.hollow for point in self.zones.points):
            self._ring(x + 7.0, 65.0, DOT)
            self.sheet.text(x + 20.0, 69.5, self.zones.hollow)

    def _ring(self, x: float, y: float, radius: float, ink: str = POINT) -> None:
        self.sheet.circle(x, y, radius, ink)
        self.sheet.circle(x, y, radius - _RIM, PAPER)

    def _axes(self) -> None:
        bottom = TOP + HIGH
        for value in ticks(self.zones.x):
            x = self._x(value)
            self.sheet.line(x, bottom, x, bottom + 4.0, GREY)
            self.sheet.text(x, bottom + 16.0, f"{value:,g}", size=10.0, fill=GREY, anchor="middle")
        for value in ticks(self.zones.y):
            y = self._y(value)
            self.sheet.line(LEFT - 4.0, y, LEFT, y, GREY)
            self.sheet.text(LEFT - 8.0, y + 3.5, f"{value:,g}", size=10.0, fill=GREY, anchor="end")
        for x in (LEFT, LEFT + WIDE):
            self.sheet.line(x, TOP, x, bottom, GREY)
        for y in (TOP, bottom):
            self.sheet.line(LEFT, y, LEFT + WIDE, y, GREY)
        self.sheet.text(LEFT + WIDE / 2, bottom + 33.0, _headed(self.zones.x), anchor="middle", bold=True)
        self.sheet.text(LEFT + WIDE, 69.5, f"upwards: {_headed(self.zones.y)}", anchor="end", bold=True)
        for value in self.zones.xs[1:-1]:
            self.sheet.text(self._x(value), TOP - 6.0, f"{value:,g}", size=10.0, anchor="middle")
        for value in self.zones.ys[1:-1]:
            self.sheet.text(LEFT + WIDE + 6.0, self._y(value) + 3.5, f"{value:,g}", size=10.0)

    def _points(self) -> None:
        known = [point for point in _merged(self.zones.points) if point.x is not None and point.y is not None]
        lines = [point for point in self.zones.points if point.asked and (point.x is None) != (point.y is None)]
        for point in lines:
            self._line(point)
        places = [(point, self._x(point.x or 0.0), self._y(point.y or 0.0)) for point in known]
        reach = {True: DOT + 5.0, False: DOT + 1.0}
        self.taken += [
            (x - reach[point.asked], y - reach[point.asked], x + reach[point.asked], y + reach[point.asked])
            for point, x, y in places
        ]
        for point, x, y in sorted(places, key=lambda place: not place[0].asked):
            self._label(point, x, y)
        for point, x, y in sorted(places, key=lambda place: place[0].asked):
            if point.asked:
                self.sheet.circle(x, y, DOT + 4.0, PAPER)
            radius, ink = DOT + (2.2 if point.asked else 0.0), ASKED if point.asked else POINT
            if point.hollow:
                self._ring(x, y, radius, ink)
            else:
                self.sheet.circle(x, y, radius, ink)

    def _line(self, point: Point) -> None:
        """A chip of which one fact is not known."""
        words = f"{point.name}: {(self.zones.y if point.y is None else self.zones.x).name} not known"
        if point.x is not None:
            x = self._x(point.x)
            self.sheet.line(x, TOP, x, TOP + HIGH, ASKED, 2.0)
            self.taken.append((x - 2.0, TOP, x + 2.0, TOP + HIGH))
            self._label(Point(words, point.x, None, asked=True), x, TOP + HIGH - 20.0)
        elif point.y is not None:
            y = self._y(point.y)
            self.sheet.line(LEFT, y, LEFT + WIDE, y, ASKED, 2.0)
            self.taken.append((LEFT, y - 2.0, LEFT + WIDE, y + 2.0))
            self._label(Point(words, None, point.y, asked=True), LEFT + 20.0, y)

    def _label(self, point: Point, x: float, y: float) -> None:
        """Put a name where nothing else stands, near its point, with a thin line where it is not beside it."""
        size = 12.0 if point.asked else SMALL
        width, height = width_of(point.name, size) * (_BOLD if point.asked else 1.0), size + 2.0
        for dx, dy, wary in [(*place, wary) for wary in (True, False) for place in _AROUND]:
            left = x + dx if dx > 0 else x + dx - width if dx < 0 else x - width / 2
            box = (left, y + dy - height / 2, left + width + _ASIDE, y + dy + height / 2)
            end = min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
            way = list(_dots(x, y, *end)) if math.hypot(dx, dy) > _LINE else []
            if wary and any(_meet(dot, other) for dot in way for other in self.taken):
                continue
            if self._is_free(box, (*self.taken, *self.edges) if wary else self.taken):
                self.taken.append(box)
                self.edges += way
                if way:
                    self.sheet.line(x, y, *end, GREY, 0.5)
                ink = ASKED if point.asked else INK
                at, side = (left, "start") if dx > 0 else (left + width, "end") if dx < 0 else (x, "middle")
                self.sheet.text(at, box[3] - 4.0, point.name, size=size, fill=ink, bold=point.asked, anchor=side)
                return
        self.silent += 1

    def _is_free(self, box: _Box, taken: Sequence[_Box]) -> bool:
        left, top, right, bottom = box
        if left < LEFT + 2 or right > LEFT + WIDE - 2 or top < TOP + 2 or bottom > TOP + HIGH - 2:
            return False
        return not any(_meet(box, other) for other in taken)

    def _notes(self, y: float) -> float:
        notes = list(self.zones.notes)
        if self.silent:
            one = self.silent == 1
            notes.append(
                f"{self.silent} chip{'' if one else 's'} stand{'s' if one else ''} too close to others for a name"
            )
        for note in notes:
            self.sheet.text(LEFT, y, note, size=10.0, fill=GREY)
            y += 15.0
        return y + 4.0


def _around() -> tuple[tuple[float, float], ...]:
    near = [
        (7.0, 0.0),
        (-7.0, 0.0),
        (10.0, 0.0),
        (-10.0, 0.0),
        (0.0, -12.0),
        (0.0, 12.0),
        (6.0, -9.0),
        (6.0, 9.0),
        (-6.0, -9.0),
        (-6.0, 9.0),
    ]
    far = [
        (round(reach * math.cos(angle), 1) or 0.1, round(reach * math.sin(angle), 1))
        for reach in (18.0, 26.0, 36.0, 48.0, 62.0, 80.0)
        for angle in (math.tau * at / 16 for at in range(16))
    ]
    return (*near, *far)


_AROUND = _around()


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _dots(x: float, y: float, to_x: float, to_y: float) -> Iterator[_Box]:
    """Small boxes along a line, but for its beginning at a point."""
    long = math.hypot(to_x - x, to_y - y)
    for at in range(math.ceil(_CLEAR), math.floor(long)):
        there = x + (to_x - x) * at / long, y + (to_y - y) * at / long
        yield (there[0] - 0.5, there[1] - 0.5, there[0] + 0.5, there[1] + 0.5)


def _headed(axis: Axis) -> str:
    return f"{axis.name} [{axis.unit}]" if axis.unit else axis.name


def _merged(points: Sequence[Point]) -> list[Point]:
    """Points at one place as one point with both names."""
    found: dict[tuple[float | None, float | None], Point] = {}
    for point in points:
        place = (point.x, point.y)
        other = found.get(place)
        names = point.name if other is None else f"{other.name}, {point.name}"
        asked = point.asked or (other is not None and other.asked)
        hollow = point.hollow and (other is None or other.hollow)
        found[place] = Point(names, *place, asked=asked, hollow=hollow)
    return list(found.values())

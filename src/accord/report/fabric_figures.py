"""What the row of devices of a drawn fabric is made of: columns of squares, rings of pairs, grids of a torus."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accord.fabric.topology import Pairs, Topology, Torus, Tree, Wires
from accord.report.svg import GREY, Sheet

COLUMNS, MOST_SQUARES = 48, 128
MEMBER, OTHER = "#0072B2", "#c5d3de"
RINGS = 8
_RING_PX, _GRID_PX, _PLANES = 330.0, 420.0, 3


@dataclass(frozen=True, slots=True)
class Column:
    """Devices that stand together; gap: a place that stands for ``count`` columns that are not drawn."""

    x: float
    width: float
    first: int
    count: int
    gap: bool = False


def columns(
    topology: Topology, inner: Sequence[Wires], node: int, per_chip: int, left: float, area: float
) -> list[Column]:
    """Columns of chips, nodes or domains, the smallest that fit; the middle ones are left out if none does.

    node: devices of one node; per_chip: devices of one chip; left, area: where they stand [px]
    """
    own = inner[0] if inner else None
    domain = own.reach if own is not None else node
    if isinstance(own, Tree):
        size, most = next((s for s in (per_chip, min(node, domain)) if topology.devices <= s * COLUMNS), 0), COLUMNS
        size = size or min(max(node, per_chip), domain)
        if size > MOST_SQUARES:  # nothing between a chip and the domain is known
            size = next(part for part in range(-(-size // COLUMNS), size + 1) if size % part == 0)
    else:
        size, most = (domain, RINGS) if own is not None else (per_chip, COLUMNS)
    count = topology.devices // size
    shown = list(range(count)) if count <= most else [*range(most - 2), -1, count - 1]
    each = area / len(shown)
    gap = 2.0 if each < 40.0 else min(each * 0.12, 16.0)
    placed: list[Column] = []
    for at, number in enumerate(shown):
        x = left + at * each + gap / 2
        hidden = number < 0
        devices = (count - most + 1) if hidden else size
        placed.append(Column(x, each - gap, max(number, 0) * size, devices, hidden))
    return placed


def squares(sheet: Sheet, count: int, box: tuple[float, float, float, float], most: float, fill: str) -> None:
    """``count`` squares in a box of x, y, width and height, of at most ``most``; none if they do not fit."""
    x, y, width, height = box
    side = most
    while side > 1.0 and int(width // (side + 1.0)) * max(int((height + 1.0) // (side + 1.0)), 1) < count:
        side -= 0.5
    if side <= 1.0:
        return
    across = max(int(width // (side + 1.0)), 1)
    rows = math.ceil(count / across)
    across = math.ceil(count / rows)
    top = y + (height - rows * (side + 1.0) + 1.0) / 2
    start = x + (width - across * (side + 1.0) + 1.0) / 2
    sheet.squares(
        [(start + at % across * (side + 1.0), top + at // across * (side + 1.0)) for at in range(count)], side, fill
    )


def ring(sheet: Sheet, pairs: Pairs, column: Column, top: float, colour: str, member: Callable[[int], bool]) -> float:
    """Devices on a circle with a link between every two; returns its height."""
    across = min(column.width, _RING_PX)
    radius = across / 2 - 14.0
    x, y = column.x + column.width / 2, top + across / 2
    places = [
        (x + radius * math.sin(2 * math.pi * at / pairs.reach), y - radius * math.cos(2 * math.pi * at / pairs.reach))
        for at in range(pairs.reach)
    ]
    ends = [(*places[a], *places[b]) for a in range(pairs.reach) for b in range(a + 1, pairs.reach)]
    sheet.lines(ends, colour, 1.6 if across > 200 else 0.8)
    size = min(13.0, max(math.pi * radius / pairs.reach * 0.7, 2.0))
    for at, (a, b) in enumerate(places):
        sheet.circle(a, b, size, MEMBER if member(column.first + at) else OTHER)
        if size >= 9.0:
            sheet.text(a, b + 3.6, str(column.first + at), size=10.0, fill="#ffffff", anchor="middle")
    return across + 8.0


def grid(sheet: Sheet, torus: Torus, column: Column, top: float, colour: str, member: Callable[[int], bool]) -> float:
    """Devices on a grid with links to their neighbours, and stubs where rings close; returns its height.

    Of three or more dimensions the last two are drawn, and a few planes behind the first one.
    """
    dims = [side for side in torus.dims if side > 1] or [1]
    rows, cols = (dims[-2], dims[-1]) if len(dims) > 1 else (1, dims[0])
    planes = max(torus.reach // (rows * cols), 1)
    depth = min(planes, _PLANES)
    step = min(_GRID_PX / max(rows, cols), (column.width - 90.0) / (cols + 2), 40.0)
    shift = min(step * 0.45, 14.0)
    wide, high = (cols - 1) * step, (rows - 1) * step
    x0 = column.x + (column.width - wide - shift * (depth - 1)) / 2
    y0 = top + step + shift * (depth - 1)
    for plane in range(depth - 1, -1, -1):
        x, y = x0 + shift * plane, y0 - shift * plane
        _mesh(sheet, (x, y, step), rows, cols, colour if plane == 0 else "#d5dde4", plane == 0)
        if plane:
            continue
        for inside, fill in ((True, MEMBER), (False, OTHER)):
            side = max(step * 0.42, 3.0)
            places = [
                (x + at % cols * step - side / 2, y + at // cols * step - side / 2)
                for at in range(rows * cols)
                if member(column.first + at) == inside
            ]
            sheet.squares(places, side, fill)
    if planes > 1:
        words = f"first of {planes:,} planes; each device also has a neighbour before and behind it"
        sheet.text(x0 + wide / 2, y0 + high + step + 16.0, words, size=10.0, fill=GREY, anchor="middle")
        return y0 + high + step + 26.0 - top
    sheet.text(
        x0 + wide / 2, y0 + high + step + 12.0, "each row and column closes to a ring", size=10.0, fill=GREY,
        anchor="middle",
    )  # fmt: skip
    return y0 + high + step + 22.0 - top


def _mesh(sheet: Sheet, at: tuple[float, float, float], rows: int, cols: int, colour: str, stubs: bool) -> None:
    """Lines of a grid; stubs: drawn a little beyond its edges, where the rings close."""
    x, y, step = at
    out = step * 0.5 if stubs else 0.0
    wide, high = (cols - 1) * step, (rows - 1) * step
    ends = [(x - out, y + row * step, x + wide + out, y + row * step) for row in range(rows)] if cols > 1 else []
    ends += [(x + col * step, y - out, x + col * step, y + high + out) for col in range(cols)] if rows > 1 else []
    sheet.lines(ends, colour, 1.6 if stubs else 0.8)

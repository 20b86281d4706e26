"""A fabric as a picture: devices in the middle, scale-up above them, scale-out below.

Devices stand in columns of a chip, a node or a domain, whichever still fits. Switches that share traffic evenly are
one bar; links of a tier are labelled once, at the left, and coloured by how busy a collective keeps them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accord.base.units import show
from accord.fabric.shapes import Shape
from accord.fabric.topology import Index, Layer, Pairs, Topology, Torus, Tree, Wires
from accord.hardware.system import Machine
from accord.report.fabric_figures import MEMBER, MOST_SQUARES, OTHER, Column, columns, grid, ring, squares
from accord.report.svg import FAINT, GREY, Sheet, width_of

LEFT, AREA, EDGE = 236.0, 980.0, 24.0
BAND, BAR = 62.0, 26.0
QUIET = "#8795a1"  # of links of which no load is known
SWITCH, SWITCH_CHIP = "#e8edf2", "#5b7083"
_HEAT = ((0.0, (0xBF, 0xD3, 0xE6)), (0.5, (0xE6, 0x9F, 0x00)), (1.0, (0xC0, 0x3A, 0x00)))
_Ends = tuple[float, float, float, float]


class _Span(NamedTuple):
    """Where a switch stands; used: whether a device below it takes part."""

    x: float
    width: float
    used: bool


@dataclass(frozen=True, slots=True)
class TierLoad:
    """What a collective does to one tier: bytes that pass the port of a device, and share of its capacity in use."""

    bytes: float
    share: float


@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn.

    node: devices of one node; members: whether each device takes part, None for all alike
    loads: by place in ``Machine.tiers``; title, subtitle: above the picture; notes: below it
    """

    machine: Machine
    shapes: Sequence[Shape]
    topology: Topology
    node: int
    title: str
    subtitle: str = ""
    members: npt.NDArray[np.bool_] | None = None
    loads: Mapping[int, TierLoad] | None = None
    notes: Sequence[str] = ()


def draw(scene: Scene) -> bytes:
    """The picture as SVG."""
    return _Drawing(scene).done()


def heat(share: float) -> str:
    """Colour of a link that is busy for a share of the time [1]."""
    share = min(max(share, 0.0), 1.0)
    for (low, first), (high, last) in zip(_HEAT, _HEAT[1:], strict=False):
        if share <= high:
            part = (share - low) / (high - low)
            return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in zip(first, last, strict=True))
    return "#c03a00"


class _Drawing:
    """One picture while it is made; ``y`` is where the next band begins."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.sheet, self.y = scene, Sheet(), EDGE
        self.inner = [w for w in scene.topology.planes if not self._outer(w)]
        self.outer = [w for w in scene.topology.planes if isinstance(w, Tree) and self._outer(w)]
        self.columns = columns(scene.topology, self.inner, scene.node, scene.machine.devices_per_chip, LEFT, AREA)

    def _outer(self, wires: Wires) -> bool:
        tier = wires.layers[0].tier if isinstance(wires, Tree) else wires.tier
        return self.scene.machine.tiers[tier].kind == "scale-out"

    def done(self) -> bytes:
        self._head()
        for wires in self.inner:
            if isinstance(wires, Tree):
                self._above(wires)
        self._devices()
        for tree in self.outer:
            self._below(tree)
        self._foot()
        return self.sheet.done(LEFT + AREA + EDGE, self.y + EDGE / 2, self.scene.title)

    def _head(self) -> None:
        self.sheet.text(EDGE, self.y + 8, self.scene.title, size=15.0, bold=True)
        self.y += 28
        if self.scene.subtitle:
            self.sheet.text(EDGE, self.y, self.scene.subtitle, fill=GREY)
            self.y += 14
        self.y += 10

    def _colour(self, tier: int, used: bool = True) -> str:
        """Colour of the links of a tier; used: whether they lead to a device that takes part."""
        load = (self.scene.loads or {}).get(tier)
        if load is None:
            return QUIET
        return heat(load.share) if used and load.bytes > 0.0 else FAINT

    def _label(self, tier: int, name: str, y: float, rate: str) -> None:
        """What the links of a band are, at the left."""
        latency = self.scene.machine.tiers[tier].latency_s
        load = (self.scene.loads or {}).get(tier)
        lines = [rate, *([f"{show(latency, 's', 2)} one way"] if latency is not None else [])]
        if load is not None:
            busy = f"{load.share:.0%} of it in use" if load.share >= 0.005 else "hardly in use"
            lines.append(f"{show(load.bytes, 'B')} a device, {busy}" if load.bytes > 0.0 else "not in use")
        top = y - 6.5 * len(lines) + 2
        self.sheet.text(EDGE, top, _cut(name, LEFT - EDGE - 12), bold=True)
        for at, line in enumerate(lines):
            self.sheet.text(EDGE, top + 13.5 * (at + 1), line, size=10.0, fill=GREY)

    def _rate(self, value: float, lower: int) -> str:
        """Words for what a group of ``lower`` devices may send."""
        what = "device" if lower == 1 else "domain" if lower != self.scene.node else "node"
        return f"{show(value, 'B/s')} each way per {what}"

    def _above(self, tree: Tree) -> None:
        """Switches of a scale-up plane, outermost first, and the links below each level."""
        above = _ancestors(tree, self.scene.topology.devices)
        for at in range(len(tree.layers) - 1, -1, -1):
            layer = tree.layers[at]
            for span in self._spans(above[at]):
                self._bar(span.x, self.y, span.width, layer)
            top, self.y = self.y + BAR, self.y + BAR + BAND
            own = [_Span(c.x, c.width, self._any(c)) for c in self.columns if not c.gap]
            self._links(self._spans(above[at - 1]) if at else own, top, layer.tier, not at)
            below = self.scene.topology.devices // layer.lower
            value = float(self.scene.topology.capacity[layer.first])
            self._label(layer.tier, layer.name, (top + self.y) / 2, self._rate(value, below))

    def _spans(self, above: Index) -> list[_Span]:
        """Each switch over the columns it covers."""
        spans: list[_Span] = []
        last = -1
        for column in self.columns:
            if column.gap:
                last = -1 if spans and int(above.max()) > 0 else last
                continue
            owner, used = int(above[column.first]), self._any(column)
            if owner == last:
                x, _, before = spans[-1]
                spans[-1] = _Span(x, column.x + column.width - x, before or used)
            else:
                spans.append(_Span(column.x, column.width, used))
            last = owner
        return spans

    def _bar(self, x: float, y: float, width: float, layer: Layer, words: str = "") -> None:
        """One switch, with its chips as small squares where their number is known."""
        self.sheet.rect(x, y, width, BAR, SWITCH, stroke=SWITCH_CHIP, round_=3)
        chips = f"{layer.chips} switch chips" if layer.chips > 1 else ""
        told = (words or (f"{layer.name}: {chips}" if chips else layer.name), chips or layer.name, "switch", "")
        fits = next(text for text in told if width_of(text, 10.0) + 12 < width or not text)
        room = width_of(fits, 10.0) + 12 if fits else 0.0
        if layer.chips > 1 and width - room > 60.0:
            self.sheet.text(x + 8, y + BAR / 2 + 3.6, fits, size=10.0)
            squares(self.sheet, layer.chips, (x + room + 3, y + 3, width - room - 9, BAR - 6), 8.0, SWITCH_CHIP)
        elif layer.chips > 1:
            squares(self.sheet, layer.chips, (x + 3, y + 3, width - 6, BAR - 6), 8.0, SWITCH_CHIP)
        else:
            self.sheet.text(x + width / 2, y + BAR / 2 + 3.6, fits, size=10.0, anchor="middle")

    def _links(self, spans: Sequence[_Span], top: float, tier: int, fine: bool) -> None:
        """Vertical links from ``top`` down to where the next band begins; fine: one a device where there is room."""
        each = self.columns[0].count if fine else 1
        for used in (False, True):
            ends: list[_Ends] = []
            for x, width, busy in spans:
                count = each if width / each >= 6.0 else 1
                places = [x + width * (at + 0.5) / count for at in range(count) if busy == used]
                ends += [(place, top, place, self.y) for place in places]
            self.sheet.lines(ends, self._colour(tier, used), 2.0 if len(spans) * each <= 400 else 1.4)

    def _devices(self) -> None:
        """The row of devices; rings and grids carry their own links."""
        scene, top = self.scene, self.y
        first = self.inner[0] if self.inner else None
        if first is None or isinstance(first, Tree):
            height = self._squares(top)
            place = top + height / 2 + 4
        else:
            height = self._figures(first, top)
            place = top + height - 6
        self._dots(top, height)
        self.y = top + height
        chips = scene.topology.devices // scene.machine.devices_per_chip
        told = f"{chips:,} {'chip' if chips == 1 else 'chips'}"
        told += f", {scene.topology.devices:,} devices" if scene.machine.devices_per_chip > 1 else ""
        self.sheet.text(EDGE, place, told, bold=True)

    def _figures(self, wires: Pairs | Torus, top: float) -> float:
        """Rings or grids, a domain each; returns their height."""
        height = 0.0
        for column in self.columns:
            if column.gap:
                continue
            colour = self._colour(wires.tier, self._any(column))
            if isinstance(wires, Pairs):
                height = max(height, ring(self.sheet, wires, column, top, colour, self._is_in))
            else:
                height = max(height, grid(self.sheet, wires, column, top, colour, self._is_in))
        name = next(shape.name for shape in self.scene.shapes if shape.tier == wires.tier)
        link = float(self.scene.topology.capacity[self.scene.topology.tier == wires.tier].max())
        how = "pair" if isinstance(wires, Pairs) else "link"
        self._label(wires.tier, name, top + height / 2, f"{show(link, 'B/s')} each way per {how}")
        return height

    def _squares(self, top: float) -> float:
        """Columns of devices as squares."""
        per_chip = self.scene.machine.devices_per_chip
        shown = [column for column in self.columns if not column.gap]
        count, width = shown[0].count, min(column.width for column in shown)
        if count > MOST_SQUARES:
            for column in shown:
                self.sheet.rect(column.x, top, column.width, 30.0, MEMBER if self._any(column) else OTHER, round_=2)
                words = f"{count:,}"
                self.sheet.text(
                    column.x + column.width / 2, top + 18.5, words, size=9.0, fill="#ffffff", anchor="middle"
                )
            return 30.0
        side = min(16.0, width - 5.0 if count == 1 else (width - 6.0) / 2.0)
        if (width - 4.0) / count - 1.0 >= 9.0:
            side = min(side, (width - 4.0) / count - 1.0)
        across = min(max(int((width - 4.0) // (side + 1.0)), 1), count)
        across = math.ceil(count / math.ceil(count / across))
        across = max(across - across % per_chip, 1)
        height = math.ceil(count / across) * (side + 1.0) + 10.0
        for column in shown:
            self.sheet.rect(column.x, top, column.width, height, "#fafafa", stroke=FAINT, round_=2)
            start = column.x + (column.width - across * (side + 1.0) + 1.0) / 2
            for inside, fill in ((True, MEMBER), (False, OTHER)):
                places = [
                    (start + at % across * (side + 1.0), top + 5.5 + at // across * (side + 1.0))
                    for at in range(count)
                    if self._is_in(column.first + at) == inside
                ]
                self.sheet.squares(places, side, fill)
        return height

    def _is_in(self, device: int) -> bool:
        members = self.scene.members
        return members is None or (device < len(members) and bool(members[device]))

    def _any(self, column: Column) -> bool:
        members = self.scene.members
        return members is None or bool(members[column.first : column.first + column.count].any())

    def _dots(self, top: float, height: float) -> None:
        for column in self.columns:
            if column.gap:
                middle = column.x + column.width / 2
                self.sheet.text(middle, top + height / 2 - 2, "...", size=12.0, fill=GREY, anchor="middle")
                self.sheet.text(
                    middle, top + height / 2 + 9, f"+{column.count:,}", size=8.0, fill=GREY, anchor="middle"
                )

    def _below(self, tree: Tree) -> None:
        """Leaves and core of a scale-out plane."""
        leaf = tree.layers[0]
        top, self.y = self.y, self.y + BAND
        boxes = self._leaves(leaf, tree.relay)
        self._cables(leaf, boxes, top, bool(tree.relay))
        rate = float(self.scene.topology.capacity[leaf.first])
        self._label(leaf.tier, leaf.name.removesuffix(", leaf"), (top + self.y) / 2, self._rate(rate, 1))
        self.y += BAR
        if len(tree.layers) > 1:
            core = tree.layers[1]
            ends = [(x + width / 2, self.y, x + width / 2, self.y + 30.0) for x, width in boxes]
            self.sheet.lines(ends, self._colour(core.tier), 2.0)
            self.y += 30.0
            self._bar(LEFT, self.y, AREA, core, f"{core.name}: all levels above the leaves")
            self.y += BAR

    def _leaves(self, leaf: Layer, rails: int) -> list[tuple[float, float]]:
        """Boxes of leaf switches, or one for all where they are many."""
        each = AREA / leaf.switches
        word = "rail" if rails else "leaf"
        if each < 14.0:
            words = f"{leaf.switches:,} leaf switches" + (f" on {rails:,} rails" if rails else "")
            self._bar(LEFT, self.y, AREA, leaf, words)
            return [(LEFT, AREA)]
        boxes: list[tuple[float, float]] = []
        for at in range(leaf.switches):
            x, width = LEFT + at * each + 1.0, each - 2.0
            number = at % rails if rails else at
            words = next((text for text in (f"{word} {number}", str(number)) if width_of(text, 9.0) + 4 < width), "")
            self.sheet.rect(x, self.y, width, BAR, SWITCH, stroke=SWITCH_CHIP, round_=3)
            self.sheet.text(x + width / 2, self.y + BAR / 2 + 3.4, words, size=9.0, anchor="middle")
            boxes.append((x, width))
        return boxes

    def _cables(self, leaf: Layer, boxes: Sequence[tuple[float, float]], top: float, rails: bool) -> None:
        """From columns to the leaves their devices hang on, or straight down where all leaves are one box."""
        ends: dict[bool, set[_Ends]] = {False: set(), True: set()}
        for column in self.columns:
            if column.gap:
                continue
            for at in range(column.count if len(boxes) > 1 else 1):
                part = (at + 0.5) / column.count if rails and len(boxes) > 1 else 0.5
                x = column.x + column.width * part
                box, width = boxes[int(leaf.parent[column.first + at])] if len(boxes) > 1 else (x, 0.0)
                ends[self._any(column)].add((x, top, box + width / 2, self.y))
        many = len(ends[False]) + len(ends[True])
        for used, found in ends.items():
            self.sheet.lines(sorted(found), self._colour(leaf.tier, used), 1.8 if many <= 64 else 0.8)

    def _foot(self) -> None:
        self.y += 22.0
        if self.scene.loads:
            self.sheet.text(EDGE, self.y + 9, "share of the capacity in use", size=10.0, fill=GREY)
            for at in range(40):
                self.sheet.rect(LEFT + at * 5, self.y, 5, 10, heat(at / 39))
            for part, words in ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")):
                self.sheet.text(LEFT + 200 * part, self.y + 21, words, size=9.0, fill=GREY, anchor="middle")
            self.y += 34.0
        for note in self.scene.notes:
            self.sheet.text(EDGE, self.y + 6, _cut(note, LEFT + AREA - EDGE, 9.0), size=9.0, fill=GREY)
            self.y += 14.0


def _ancestors(tree: Tree, devices: int) -> list[Index]:
    """Switch above each device at each level."""
    found: list[Index] = []
    at = np.arange(devices, dtype=np.int64)
    for layer in tree.layers:
        at = layer.parent[at]
        found.append(at)
    return found


def _cut(words: str, width: float, size: float = 11.0) -> str:
    most = int(width / width_of("x", size))
    return words if len(words) <= most else f"{words[: most - 3]}..."

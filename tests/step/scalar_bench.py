"""Operators and exchanges of one deployment in plain floats, written from the formulas in the documentation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

EIGHT_BIT = ("fp8", "int8")
WIDTH = {"bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0}


@dataclass(frozen=True)
class Link:
    """A tier: plane, kind, ranks it joins, rates [B/s] and latency [s] as achieved, and the nominal rate."""

    plane: str
    kind: str
    ranks: float
    read: float
    write: float
    latency: float
    nominal: float


Table = tuple[Sequence[float], Sequence[float], Sequence[Sequence[float]]]


@dataclass(frozen=True)
class Rig:
    """A device, its wires and the parameters of chip family and engine.

    units: stored format -> (format computed in, rate [FLOP/s], whether it is native)
    parameter: name and format -> number; launch: the same for the seconds of a family's kernel
    curve: family and format -> (log2 of rows, log2 of widths, logarithms by row), None without
    """

    units: dict[str, tuple[str, float, bool]]
    bytes_per_s: float
    links: tuple[Link, ...]
    parameter: Callable[[str, str | None], float]
    launch: Callable[[str, str | None], float]
    curve: Callable[[str, str], Table | None]
    device_loop: bool
    ahead: bool = False


@dataclass(frozen=True)
class Case:
    """One deployment of one attention group of ``tp`` ranks, ``dp`` of them in an instance."""

    tp: float
    pp: float
    dp: float
    ep: float
    batch: float
    tokens: float
    isl: float
    context: float
    mtp: float
    microbatches: float
    reuse: float
    redundant: float
    weights: str
    kv: str
    separate: bool


@dataclass(frozen=True)
class Work:
    """What one micro-step brings: rows, requests, entries a token attends, sampled positions, routed tokens."""

    prefill: bool
    tokens: float
    requests: float
    context: float
    logits: float
    routed: float

    def half(self) -> Work:
        return replace(
            self, tokens=self.tokens / 2, requests=self.requests / 2, logits=self.logits / 2, routed=self.routed / 2
        )


Part = tuple[str, float]  # resource and seconds


class Bench:
    """Prices operators of one case on one rig."""

    def __init__(self, rig: Rig, case: Case) -> None:
        self.rig = rig
        self.case = case

    # Device work

    def move(self, moved: float, launches: int = 1) -> float:
        streaming = self.rig.bytes_per_s * self.rig.parameter("vector.memory", None)
        return launches * self.rig.launch("vector", None) + moved / streaming

    def work(
        self, family: str, stored: str, flop: float, moved: float, rows: float, width: float, depth: float = 0.0
    ) -> float:
        """Launch plus the root of the squares of computing and moving; a lone tile walks ``depth`` numbers."""
        unit, rate, native = self.rig.units[stored]
        reached = rate * self.rig.parameter(f"{family}.compute", unit)
        streaming = self.rig.bytes_per_s * self.rig.parameter(f"{family}.memory", unit)
        if not native:
            reached *= self.rig.parameter("conversion.compute", None)
            streaming *= self.rig.parameter("conversion.memory", None)
        if depth and flop:
            flop += 2.0 * depth * self.rig.parameter(f"{family}.walk", unit)
        table = self.rig.curve(family, unit)
        shape = 1.0 if table is None else math.exp(between(table, rows, width))
        return self.rig.launch(family, unit) + shape * math.hypot(flop / reached, moved / streaming)

    def product(self, stored: str, rows: float, k: float, n: float) -> float:
        read = 1.0 if stored in EIGHT_BIT else 2.0
        moved = k * n * WIDTH[stored] + rows * (k * read + n * 2.0)
        return self.work("gemm", stored, 2.0 * rows * k * n, moved, rows, k * n, k)

    def experts(self, family: str, stored: str, rows: float, matrices: float, k: float, n: float) -> float:
        read = 1.0 if stored in EIGHT_BIT else 2.0
        moved = matrices * k * n * WIDTH[stored] + rows * (k * read + n * 2.0)
        return self.work(family, stored, 2.0 * rows * k * n, moved, rows / matrices, matrices * k * n, k)

    def per_head(self, rows: float, heads: float, k: float, n: float) -> float:
        moved = 2.0 * heads * (k * n + rows * k + rows * n)
        return self.work("gemm", "bf16", 2.0 * rows * heads * k * n, moved, rows, heads * k * n, k)

    def norm(self, rows: float, width: float) -> float:
        return self.move(rows * width * 8.0)

    # Wires

    def all_reduce(self, payload: float, ranks: float) -> float:
        alpha, inside = 0.0, 1.0
        port: dict[str, float] = {}
        for at, link in enumerate(self.rig.links):
            reached = ranks if at == len(self.rig.links) - 1 else min(ranks, link.ranks)
            members = max(reached / inside, 1.0)
            if members > 1.0 and payload > 0.0:
                alpha += self.rig.parameter(f"reduce.base_s.{link.kind}", None)
                alpha += self.rig.parameter("reduce.per_doubling_s", None) * math.log2(members)
                port[link.plane] = port.get(link.plane, 0.0) + self.summing(payload, members, link)
            payload /= members
            inside = max(inside, reached)
        moved = max(port.values(), default=0.0)
        return alpha + moved + 2.0 * math.sqrt(self.rig.parameter("reduce.chunk_s", None) * moved)

    def summing(self, payload: float, members: float, link: Link) -> float:
        around = 2.0 * (members - 1.0) / members
        if link.kind == "scale-out":
            return around * payload / link.read
        between = (around + self.rig.parameter("reduce.local", None)) * payload / link.read
        share = self.rig.parameter("reduce.share.switch", None)
        if share == 0.0:
            return between
        return min(between, (members + 1.0) / members * payload / (link.nominal * share))

    def all_to_all(self, name: str, sent: float, ranks: float, copies: float, prefill: bool) -> float:
        if ranks <= 1.0 or sent <= 0.0:
            return 0.0
        gathered = ranks < copies
        share = 1.0 if gathered else self.rig.parameter("exchange.share", "prefill" if prefill else name)
        domain = max((min(link.ranks, 1e9) for link in self.rig.links if link.kind == "scale-up"), default=1.0)
        local = self.rig.parameter("exchange.local", None) * sent / copies / (self.rig.links[0].write * share)
        local *= 0.0 if gathered else 1.0
        port = {self.rig.links[0].plane: local}
        below = 1.0
        for at, link in enumerate(self.rig.links):
            reach = ranks if at == len(self.rig.links) - 1 else min(ranks, link.ranks)
            part, rate = sent * max(reach - below, 0.0) / ranks, link.write
            part *= ranks / copies if gathered and not prefill else 1.0
            if link.kind == "scale-up":
                rate *= share
                if prefill:
                    near = min(ranks, domain)
                    part = sent * arriving(ranks, copies) * max(min(reach, near) - below, 0.0) / near
            elif prefill:
                part *= arriving(ranks / min(ranks, domain), copies)
            port[link.plane] = port.get(link.plane, 0.0) + part / rate
            below = max(below, reach)
        alpha = self.rig.parameter(f"{name}.base_s", None)
        alpha += self.rig.parameter("exchange.per_doubling_s", None) * math.log2(ranks) + self.crossing(ranks)
        if prefill:
            alpha += self.rig.parameter("exchange.layout_s", None)
        return alpha + max(port.values())

    def crossing(self, ranks: float) -> float:
        """Latency of the farthest tier, beyond what the innermost has anyway."""
        added = 0.0
        for within, beyond in itertools.pairwise(self.rig.links):
            if ranks > within.ranks:
                added += beyond.latency - (within.latency if within.kind == beyond.kind else 0.0)
        return added

    def hand_over(self, tokens: float, hidden: float) -> float:
        if self.case.pp == 1.0:
            return 0.0
        outer = self.rig.links[-1]
        return (self.case.pp - 1.0) * (outer.latency + tokens / self.case.tp * hidden * 2.0 / outer.read)


def between(table: Table, rows: float, width: float) -> float:
    """The logarithm at a shape class, by the areas of the rectangles to the opposite knots."""
    (row, up), (column, right) = neighbours(table[0], rows), neighbours(table[1], width)
    return sum(
        share * other * table[2][row + below][column + left]
        for below, share in ((0, 1.0 - up), (1, up))
        for left, other in ((0, 1.0 - right), (1, right))
    )


def neighbours(knots: Sequence[float], value: float) -> tuple[int, float]:
    """Which two knots a value lies between, and its share of the way; values outside count as the end."""
    place = min(max(math.log2(max(value, 1e-30)), knots[0]), knots[-1])
    at = max(at for at in range(len(knots) - 1) if knots[at] <= place)
    return at, (place - knots[at]) / (knots[at + 1] - knots[at])


def arriving(places: float, copies: float) -> float:
    """Share of a token's copies that are sent where each place gets one at most."""
    reached = places * (1.0 - (1.0 - 1.0 / places) ** copies)
    return float(min(reached / copies, 1.0))

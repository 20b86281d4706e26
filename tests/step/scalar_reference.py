"""One decode iteration and one prefill step, one deployment at a time, in plain floats.

Written from the formulas in the documentation and from the two models' published shapes (as literals
below), with loops and ``math`` only: a second opinion on the vectorised code.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
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
        share = self.rig.parameter("exchange.share", "prefill" if prefill else name)
        domain = max((min(link.ranks, 1e9) for link in self.rig.links if link.kind == "scale-up"), default=1.0)
        local = self.rig.parameter("exchange.local", None) * sent / copies / (self.rig.links[0].write * share)
        port = {self.rig.links[0].plane: local}
        below = 1.0
        for at, link in enumerate(self.rig.links):
            reach = ranks if at == len(self.rig.links) - 1 else min(ranks, link.ranks)
            part, rate = sent * max(reach - below, 0.0) / ranks, link.write
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


@dataclass(frozen=True)
class Model:
    """A stack: groups of (number of layers, parts of one layer), and what lies around it."""

    hidden: float
    words: float
    groups: tuple[tuple[float, Callable[[Bench, Work], Iterator[Part]]], ...]
    draft: Callable[[Bench, Work], Iterator[Part]]
    experts: bool


# Llama 3.1 70B: 80 layers, 64 heads and 8 key/value heads of 128, 8192 wide, 28672 in the middle


def llama_layer(bench: Bench, work: Work) -> Iterator[Part]:
    tp, weights, rows = bench.case.tp, bench.case.weights, work.tokens
    queries, keys = max(math.ceil(64 / tp), 1), max(math.ceil(8 / tp), 1)
    entry = keys * 256
    yield "attention", bench.norm(rows, 8192)
    yield "attention", bench.product(weights, rows, 8192, queries * 128 + entry)
    yield "attention", bench.move(rows * (queries * 128 + entry) * 4)
    flop = 2.0 * rows * queries * 256 * work.context
    moved = work.requests * work.context * entry * WIDTH[bench.case.kv]
    if work.prefill:
        moved += rows * (queries * 128 * 4 + entry * WIDTH[bench.case.kv])
    family, width = ("attention_prefill", flop) if work.prefill else ("attention_decode", moved)
    yield "attention", bench.work(family, "bf16", flop, moved, work.context, width)
    yield "attention", bench.product(weights, rows, queries * 128, 8192)
    yield "reduce", bench.all_reduce(rows * 8192 * 2, tp)
    yield "ffn", bench.norm(rows, 8192)
    yield from dense(bench, rows, 8192, 28672)
    yield "reduce", bench.all_reduce(rows * 8192 * 2, tp)


def dense(bench: Bench, rows: float, hidden: float, width: float) -> Iterator[Part]:
    mine = width / bench.case.tp
    yield "ffn", bench.product(bench.case.weights, rows, hidden, 2 * mine)
    yield "ffn", bench.move(rows * mine * 6)
    yield "ffn", bench.product(bench.case.weights, rows, mine, hidden)


# DeepSeek-R1: 3 dense and 58 routed layers, 128 latent heads, 256 experts of 2048, 8 a token and 1 shared


def deepseek_attention(bench: Bench, work: Work) -> Iterator[Part]:
    weights, rows, heads = bench.case.weights, work.tokens, max(math.ceil(128 / bench.case.tp), 1)
    wide = WIDTH[bench.case.kv]
    yield "attention", bench.norm(rows, 7168)
    yield "attention", bench.product(weights, rows, 7168, 1536 + 576)
    yield "attention", bench.norm(rows, 1536 + 576)
    yield "attention", bench.product(weights, rows, 1536, heads * 192)
    if work.prefill:
        entry = heads * (192 + 128)
        yield "attention", bench.product(weights, rows, 512, heads * 256)
        yield "attention", bench.move(rows * (heads * 2 * 192 + 576) * 4)
        moved = rows * (heads * 192 * 4 + entry * wide) + work.requests * work.context * entry * wide
        flop = 2.0 * rows * entry * work.context
        yield "attention", bench.work("attention_prefill", "bf16", flop, moved, work.context, flop)
    else:
        yield "attention", bench.per_head(rows, heads, 128, 512)
        yield "attention", bench.move(rows * (heads * 64 + 576) * 4)
        flop = 2.0 * rows * heads * (576 + 512) * work.context
        moved = work.requests * work.context * 576 * wide
        yield "attention", bench.work("mla_decode", "bf16", flop, moved, heads * rows / work.requests, moved)
        yield "attention", bench.per_head(rows, heads, 512, 128)
    yield "attention", bench.product(weights, rows, heads * 128, 7168)
    yield "reduce", bench.all_reduce(rows * 7168 * 2, bench.case.tp)


def deepseek_dense(bench: Bench, work: Work) -> Iterator[Part]:
    yield from deepseek_attention(bench, work)
    yield "ffn", bench.norm(work.tokens, 7168)
    yield from dense(bench, work.tokens, 7168, 18432)
    yield "reduce", bench.all_reduce(work.tokens * 7168 * 2, bench.case.tp)


def deepseek_routed(bench: Bench, work: Work) -> Iterator[Part]:
    case, rows = bench.case, work.tokens
    yield from deepseek_attention(bench, work)
    yield "ffn", bench.norm(rows, 7168)
    yield "ffn", bench.product("bf16", rows, 7168, 256)
    yield "ffn", bench.move(rows * 256 * 8)
    apart = case.ep > 256
    if apart:
        yield "ffn", 2 * idle(bench) + bench.move(0.0)
    else:
        yield from dense(bench, rows, 7168, 2048)
    copies = 9.0 if apart else 8.0
    if case.separate:
        yield from travel(bench, work, copies)
    slots, touched = load(bench, work, copies)
    mine = 2048 / (case.tp * case.dp / case.ep)
    travelled = case.separate and case.ep > 1
    arrange = 0.0 if travelled and not work.prefill else 2 * bench.move(slots * 7168 * 4)
    family = "grouped" if travelled else "fused"
    yield "ffn", arrange
    yield "ffn", bench.experts(family, case.weights, slots, touched, 7168, 2 * mine)
    yield "ffn", bench.move(slots * mine * 6)
    yield "ffn", bench.experts(family, case.weights, slots, touched, mine, 7168)
    if not case.separate:
        yield "reduce", bench.all_reduce(rows * 7168 * 2, case.tp)


def idle(bench: Bench) -> float:
    """A product with nothing to do."""
    return bench.rig.launch("gemm", bench.rig.units[bench.case.weights][0])


def load(bench: Bench, work: Work, copies: float) -> tuple[float, float]:
    """Token copies of the busiest rank, and how many of its experts at least one token uses."""
    case = bench.case
    skew = bench.rig.parameter(f"engine.expert_skew.{'prefill' if work.prefill else 'decode'}", None)
    held = max(round((256 + case.redundant) / case.ep), math.ceil(256 / case.ep), 1)
    everywhere = work.routed * case.dp
    mean = everywhere * copies / case.ep
    deviation = math.sqrt((skew * mean) ** 2 / held + mean)
    busiest = min(mean + math.sqrt(2.0 * math.log(case.ep)) * deviation, everywhere * copies)
    return busiest, held * (1.0 - (1.0 - 8 / 256) ** everywhere)


def travel(bench: Bench, work: Work, copies: float) -> Iterator[Part]:
    case = bench.case
    group = case.tp * case.dp
    if case.ep == 1.0:
        yield "reduce", bench.all_reduce(work.tokens * case.dp * 2 * 7168, group)
        return
    sent = work.routed / case.tp * copies
    message = 7168 + 512 if case.weights in EIGHT_BIT else 2 * 7168
    yield "exchange", bench.all_to_all("dispatch", sent * message, group, 8.0, work.prefill)
    yield "exchange", bench.all_to_all("combine", sent * 2 * 7168, group, 8.0, work.prefill)


LLAMA = Model(8192, 128256, ((80.0, llama_layer),), llama_layer, experts=False)
DEEPSEEK = Model(
    7168, 129280, ((3.0, deepseek_dense), (58.0, deepseek_routed)), deepseek_routed, experts=True
)  # fmt: skip


# Steps


def words(bench: Bench, model: Model, work: Work) -> float:
    """Embedding, last norm, output words, sampling."""
    mine = model.words / bench.case.tp
    return (
        bench.move(work.tokens * model.hidden * 4)
        + bench.norm(work.logits, model.hidden)
        + bench.product("bf16", work.logits, model.hidden, mine)
        + bench.move(work.logits * mine * 8, launches=4)
    )


def stack(bench: Bench, model: Model, work: Work) -> dict[str, float]:
    """Seconds of all layers by resource, with one microbatch, two, or the faster."""
    whole = {"attention": 0.0, "ffn": 0.0, "reduce": 0.0, "exchange": 0.0}
    split = dict(whole)
    slowdown = bench.rig.parameter("overlap.slowdown", None)
    for count, layer in model.groups:
        for resource, seconds in layer(bench, work):
            whole[resource] += count * seconds
        half = {"attention": 0.0, "ffn": 0.0, "reduce": 0.0, "exchange": 0.0}
        for resource, seconds in layer(bench, work.half()):
            half[resource] += count * seconds
        slower = slowdown if half["exchange"] > 0.0 else 1.0
        device = slower * (half["attention"] + half["ffn"] + half["reduce"])
        period = max(2 * device, 2 * half["exchange"], device + half["exchange"])
        for resource in ("attention", "ffn", "reduce"):
            split[resource] += 2 * slower * half[resource]
        split["exchange"] += period - 2 * device
    if not bench.case.separate or bench.case.microbatches == 1.0:
        return whole
    if bench.case.microbatches == 2.0:
        return split
    return split if sum(split.values()) < sum(whole.values()) else whole


def outside(bench: Bench, work: Work) -> float:
    """The host between two steps; an engine whose decode loop stays on the device only launches a graph."""
    looped = bench.rig.device_loop and not work.prefill
    alone = bench.rig.parameter("engine.graph_launch_s" if looped else "engine.iteration_s", None)
    return alone + bench.rig.parameter("engine.sequence_s", None) * work.requests


def captured(tokens: float) -> float:
    """Rows of the captured graph that is replayed: 1, 2, 4, multiples of 8 up to 512, then as they are."""
    if tokens > 512:
        return tokens
    for size in (1.0, 2.0, 4.0):
        if tokens <= size:
            return size
    return 8.0 * math.ceil(tokens / 8.0)


def decode(rig: Rig, case: Case, model: Model) -> dict[str, float]:
    """Parts of one decode iteration [s]; they sum to the whole."""
    bench = Bench(rig, case)
    requests = case.batch * case.tp
    tokens = captured(requests * (1.0 + case.mtp))
    work = Work(False, tokens, requests, max(case.context, 1.0), tokens, requests * (1.0 + case.mtp))
    parts = stack(bench, model, work)
    drafting = 0.0
    if case.mtp:
        one = Work(False, requests, requests, work.context, requests, requests)
        each = bench.product("bf16", requests, 2 * model.hidden, model.hidden) + words(bench, model, one)
        each += sum(seconds for _, seconds in model.draft(bench, one))
        each += 0.0 if rig.device_loop else rig.parameter("engine.draft_s", None)
        drafting = case.mtp * each
    return parts | {
        "head": words(bench, model, work),
        "draft": drafting,
        "pipeline": bench.hand_over(tokens, model.hidden),
        "outside": outside(bench, work),
    }


def prefill(rig: Rig, case: Case, model: Model) -> dict[str, float]:
    """Parts of one prefill step of ``tokens`` prompt tokens a device [s]."""
    bench = Bench(rig, case)
    computed = max(case.isl * (1.0 - case.reuse), 1.0)
    requests = case.tokens * case.tp / max(case.isl, 1.0)
    rows = requests * computed
    work = Work(True, rows, requests, case.isl * case.reuse + computed / 2.0, requests, rows)
    return stack(bench, model, work) | {
        "head": words(bench, model, work),
        "draft": 0.0,
        "pipeline": bench.hand_over(work.tokens, model.hidden),
        "outside": outside(bench, work),
    }

"""One decode iteration and one prefill step, one deployment at a time, in plain floats.

Written from the formulas in the documentation and from the two models' published shapes (as literals
below), with loops and ``math`` only: a second opinion on the vectorised code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.step.scalar_bench import EIGHT_BIT, WIDTH, Bench, Case, Part, Rig, Work


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


def with_outside(bench: Bench, work: Work, parts: dict[str, float]) -> dict[str, float]:
    """The host between two steps; an engine whose decode loop stays on the device only launches a graph.

    A host that works ahead adds what is left between steps, and what it takes longer than the device.
    """
    looped = bench.rig.device_loop and not work.prefill
    alone = bench.rig.parameter("engine.graph_launch_s" if looped else "engine.iteration_s", None)
    host = alone + bench.rig.parameter("engine.sequence_s", None) * work.requests
    if bench.rig.ahead:
        host = bench.rig.parameter("engine.async_s", None) + max(host - sum(parts.values()), 0.0)
    return parts | {"outside": host}


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
    parts |= {
        "head": words(bench, model, work),
        "draft": drafting,
        "pipeline": bench.hand_over(tokens, model.hidden),
    }
    return with_outside(bench, work, parts)


def prefill(rig: Rig, case: Case, model: Model) -> dict[str, float]:
    """Parts of one prefill step of ``tokens`` prompt tokens a device [s]."""
    bench = Bench(rig, case)
    computed = max(case.isl * (1.0 - case.reuse), 1.0)
    requests = case.tokens * case.tp / max(case.isl, 1.0)
    rows = requests * computed
    work = Work(True, rows, requests, case.isl * case.reuse + computed / 2.0, requests, rows)
    parts = stack(bench, model, work) | {
        "head": words(bench, model, work),
        "draft": 0.0,
        "pipeline": bench.hand_over(work.tokens, model.hidden),
    }
    return with_outside(bench, work, parts)

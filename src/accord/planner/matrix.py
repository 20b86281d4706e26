"""One cell of the model x chip matrix: does it fit, on how few chips, how fast, for how much.

The operating point is that of the smallest instance: the layout and number of requests in flight with most output
tokens a second whose time per output token keeps the limit, with a context of the prompt and half the answer.
Prefill runs full steps of the engine's token budget in the same layout. Intervals are 90 % or the level asked:
spread of fitted parameters and disputed facts over draws, and the residual of predictions of this kind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from accord.base.array import Array
from accord.base.source import Basis
from accord.hardware.system import Machine
from accord.inference.pools import DecodePoint, decode_point, prefill_point
from accord.inference.spread import Draws
from accord.parallel.plan import Deployments, Setting
from accord.planner.plan import Metric
from accord.planner.smallest import SMALL_BATCH, Ranks, Smallest, deployed, smallest
from accord.uncertainty.residual import half_width

Fits = Literal["yes", "no", "unknown"]
Cause = Literal["memory", "bf16", "links", "system", "size", "bandwidth"]
"""What is missing or short: memory capacity, BF16 rate, links, chips of the system, sizes in use, bandwidth."""
BATCHES = (*range(1, 17), *range(18, 33, 2), *range(36, 65, 4), *range(72, 129, 8), *range(144, 257, 16))
TOTAL_BATCHES = (*BATCHES, *range(288, 513, 32), *range(576, 4097, 64))
SECONDS_PER_HOUR = 3600.0
PER_MILLION = 1e6


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every cell is asked.

    isl, osl: prompt and answer [token]; tpot_s: longest mean time per output token; level: of intervals [1]
    redundant_from: expert-parallel ranks from which redundant experts are kept
    """

    isl: float
    osl: float
    tpot_s: float
    level: float = 0.9
    redundant_from: float = 16.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What a column of the matrix stands on.

    machine: the chip in its server or system; draws: of its parameters and disputed facts
    most_chips: of one instance, None where more can be had
    residual: log sd of predictions of a pool beyond parameters; rated: memory bandwidth is known
    usd_per_hour: of a chip, with low and high end; None where nobody knows
    """

    machine: Machine
    draws: Draws
    residual: float
    most_chips: int | None = None
    rated: bool = True
    usd_per_hour: tuple[float, float, float] | None = None


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ranks of one instance."""

    tp: int
    pp: int
    dp: int
    ep: int


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where rates are read: requests in flight of an instance and a device, lengths [token], limit kept or not."""

    requests: int
    batch_per_device: float
    tokens_per_device: float
    isl: float
    osl: float
    context: float
    within_tpot: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What memory, links and times say of one model on one chip or system.

    reason: why not, or why nobody knows, None where all is known; cause: the same in a word
    chips: of the smallest instance
    memory_chips: that its memory alone asks for, also where links are not known
    """

    fits: Fits
    reason: str | None = None
    cause: Cause | None = None
    chips: int | None = None
    memory_chips: int | None = None
    layout: Layout | None = None
    point: Point | None = None
    metrics: dict[str, Metric] = {}


class _Chosen(NamedTuple):
    """The layout and load of the smallest instance, one deployment, and what it does."""

    ranks: Ranks
    plan: Deployments
    requests: int
    within: bool


def answer(setting: Setting, ground: Ground, asked: Question) -> Answer:
    """One cell; setting: of ``ground.machine`` at the mean of its parameters."""
    found = smallest(setting, asked.isl, asked.osl, asked.redundant_from)
    refused = _refused(found, setting, ground)
    if refused is not None:
        return refused
    chosen = _choose(setting, asked, found)
    metrics = _metrics(setting, ground, asked, chosen) if ground.rated else {}
    ranks, plan = chosen.ranks, chosen.plan
    return Answer(
        fits="yes", chips=found.chips, memory_chips=found.chips,
        reason=None if ground.rated else "memory bandwidth is not published, so no rate is given",
        cause=None if ground.rated else "bandwidth",
        layout=Layout(tp=ranks.tp, pp=ranks.pp, dp=ranks.dp, ep=ranks.ep),
        point=Point(
            requests=chosen.requests, batch_per_device=float(plan.batch[0]), tokens_per_device=float(plan.tokens[0]),
            isl=asked.isl, osl=asked.osl, context=float(plan.context[0]), within_tpot=chosen.within,
        ) if ground.rated else None,
        metrics=metrics,
    )  # fmt: skip


def _refused(found: Smallest, setting: Setting, ground: Ground) -> Answer | None:
    """No, or unknown, with the reason; None where it fits."""
    machine, chips = setting.machine, found.chips
    if chips is None and ground.most_chips is not None:
        return Answer(fits="no", cause="system", reason=f"takes more than the system's {ground.most_chips} chips")
    if chips is None:
        return Answer(fits="no", cause="size", reason="no instance of the sizes in use holds it")
    if ground.most_chips is not None and chips > ground.most_chips:
        return Answer(
            fits="no",
            cause="system",
            memory_chips=chips,
            reason=f"takes {chips} chips, the system has {ground.most_chips}",
        )
    if found.joined:
        return None
    if not machine.tiers:
        why = f"takes {chips} chips by memory, and no source states the links of this chip"
    else:
        reach = int(machine.tiers[-1].devices // machine.devices_per_chip)
        why = f"takes {chips} chips by memory, and no source states links beyond {reach} chips"
    return Answer(fits="unknown", cause="links", memory_chips=chips, reason=why)


def _choose(setting: Setting, asked: Question, found: Smallest) -> _Chosen:
    """The layout and load with most output tokens a second within the limit, else the quickest one."""
    most = setting.efficiency.scalar("engine.max_num_seqs")
    loads: list[tuple[Ranks, int, float]] = []
    for row, room in zip(found.ranks, found.room, strict=True):
        least, limit = math.ceil(SMALL_BATCH / row.dp), min(room, most * row.pp)
        loads += [(row, load, room) for load in dict.fromkeys((least, *TOTAL_BATCHES)) if least <= load <= limit]
    rows = tuple(row for row, _, _ in loads)
    budget = setting.efficiency.scalar("engine.max_num_batched_tokens")
    width = np.asarray([row.tp * row.pp for row in rows], dtype=np.float64)
    plan = deployed(
        rows, isl=asked.isl, osl=asked.osl, microbatches=_microbatches(setting),
        batch=np.asarray([load for _, load, _ in loads]) / width,
        tokens=[min(budget, room * asked.isl / row.pp) / row.tp for row, _, room in loads],
    )  # fmt: skip
    tpot, rate = np.empty(len(plan)), np.empty(len(plan))
    for separate in (True, False):
        index = np.flatnonzero((plan.groups > 1.0) == separate)
        if len(index):
            point: DecodePoint = decode_point(setting, plan.pick(index))
            tpot[index], rate[index] = point.tpot_s, point.tokens_per_s_per_device
    within = bool(np.any(tpot <= asked.tpot_s))
    at = int(np.argmax(np.where(tpot <= asked.tpot_s, rate, 0.0)) if within else np.argmin(tpot))
    row, load, _ = loads[at]
    return _Chosen(row, plan.pick(np.asarray([at])), load * row.dp, within)


def _microbatches(setting: Setting) -> float:
    return 0.0 if setting.efficiency.has("microbatch_overlap") else 1.0


def _metrics(setting: Setting, ground: Ground, asked: Question, chosen: _Chosen) -> dict[str, Metric]:
    """Rates at the mean with their intervals, and money where the price of a chip is known."""
    per_chip = float(ground.machine.devices_per_chip)
    ratio = asked.isl / asked.osl
    decode, prefill = _rates(setting, chosen.plan, 1)
    drawn = replace(setting, machine=ground.draws.machine, efficiency=ground.draws.efficiency)
    sample = _rates(drawn, chosen.plan, ground.draws.count)
    both = (decode, prefill, 1.0 / (1.0 / decode + ratio / prefill))
    both_drawn = (*sample, 1.0 / (1.0 / sample[0] + ratio / sample[1]))
    halves = [half_width(float(np.std(np.log(one))), ground.residual, asked.level) for one in both_drawn]
    values = [float(one[0]) * per_chip for one in both]
    names = ("decode_token_per_s_per_chip", "prefill_token_per_s_per_chip", "output_token_per_s_per_chip")
    found = {name: _metric(value, half, "tok/s") for name, value, half in zip(names, values, halves, strict=True)}
    chips = float(chosen.ranks.chips)
    found["decode_token_per_s_total"] = _metric(values[0] * chips, halves[0], "tok/s")
    system = float(max(ground.machine.chips // chosen.ranks.chips, 0) * chosen.ranks.chips)
    if system:
        found["decode_token_per_s_system"] = _metric(values[0] * system, halves[0], "tok/s")
    found["tpot_s"] = _metric(float(chosen.plan.batch[0] / decode[0]), halves[0], "s")
    if ground.usd_per_hour is not None:
        found["usd_per_million_output_tokens"] = _usd(ground.usd_per_hour, values[2], halves[2])
    return found


def _rates(setting: Setting, plan: Deployments, count: int) -> tuple[Array, Array]:
    """Output and prompt tokens/s of a device, shape ``(count,)`` each."""
    repeated = plan.pick(np.zeros(count, dtype=np.intp)) if count > 1 else plan
    decode = decode_point(setting, repeated).tokens_per_s_per_device
    return decode, prefill_point(setting, repeated).tokens_per_s_per_device


def _usd(usd_per_hour: tuple[float, float, float], token_per_s: float, half: float) -> Metric:
    """USD per million output tokens, prompts included.

    usd_per_hour: of a chip with low and high end; half: log half-width of the rate. The two are independent, so the
    squares of their half-widths add.
    """
    price, low, high = usd_per_hour
    value = price / SECONDS_PER_HOUR / token_per_s * PER_MILLION
    below = math.hypot(math.log(price / low), half) if low > 0.0 else half
    above = math.hypot(math.log(high / price), half)
    return Metric(value=value, unit="USD", low=value * math.exp(-below), high=value * math.exp(above))


def _metric(value: float, half: float, unit: str, basis: Basis = "derived") -> Metric:
    return Metric(value=value, unit=unit, low=value * math.exp(-half), high=value * math.exp(half), basis=basis)


class Supported(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What records say of an engine on this chip with this model and format; ``unknown`` where none speaks of it.

    source: title and publisher of the deciding statement; date: of it
    """

    answer: Literal["yes", "no", "partial", "unknown"]
    engine: str | None = None
    why: str = ""
    source: str | None = None
    date: str | None = None


class Converted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the rates suppose is done with weights whose format the chip does not multiply.

    kind: see :mod:`accord.planner.conversion`; stored, held, computed: format of the checkpoint, in memory, and of
        the unit that multiplies; memory_ratio: bytes in memory over the checkpoint's [1]
    engine, source: who says that this is done, None where nobody does: possible by arithmetic only
    quality: what that source says of the effect on answers; ways: all that could be done
    """

    kind: str
    stored: str
    held: str
    computed: str
    memory_ratio: float
    engine: str | None = None
    source: str | None = None
    quality: str | None = None
    ways: tuple[str, ...] = ()


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model on one chip or system.

    column: the id that was asked, of a chip or a system
    system: the catalog's system whose links count, None where the chip stands for itself
    stored, weights: format of the checkpoint, and as held on the device
    native_formats: what the chip multiplies as stored
    pooled: efficiencies are those of other families, for nobody measured this one
    """

    model: str
    column: str
    chip: str
    system: str | None
    vendor: str
    answer: Answer
    stored: str
    weights: str | None = None
    native_formats: tuple[str, ...] = ()
    conversion: Converted | None = None
    support: Supported = Supported(answer="unknown")
    pooled: bool = False

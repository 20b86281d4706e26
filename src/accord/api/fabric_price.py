"""One collective on one fabric: its time with an interval, its tiers, and what each algorithm would take."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from accord.api.lookup import residual_log_sd
from accord.base.array import Array, array
from accord.base.errors import UsageError
from accord.fabric.algorithms import ALGORITHMS, candidates
from accord.fabric.collective import AUTO, CollectiveTime, bus_factor, collective, collective_s
from accord.fabric.group import Group
from accord.fabric.spans import spans_of
from accord.hardware.derate import Efficiency, Number
from accord.hardware.fabric import traffic_shares
from accord.hardware.system import Machine
from accord.inference.spread import spread_of
from accord.ops.op import exchange_op
from accord.parallel.collectives import exchange_s, message_rate_of, rate_of
from accord.report.fabric_view import Algorithm, Priced, TierUse
from accord.uncertainty.residual import half_width

EXPERT = ("ep_dispatch", "ep_combine")
_DIRECT = ("all_to_all", *EXPERT)
_WHY: Mapping[str, str] = {
    "ring": "every rank has bytes of its own for every other",
    "tree": "all ranks sit in one domain",
    "hierarchical": "all ranks sit in one domain",
    "direct": "a device has one port to a switch, so sums go around a ring",
}
_NO_LAYERS = "the vendor's library (NCCL, RCCL) has none"
NETWORK, NETWORK_RATE = "network", "train.network_bytes_per_s"
ALL_COPIES = "all copies of a rank's tokens; what ranks share or keep is not sent"


@dataclass(frozen=True, slots=True)
class Question:
    """One collective.

    name: a collective, words joined by ``_``; ranks, stride, size_bytes: as ``fabric.collective`` takes them
    algorithm: by name or ``auto``; topk: copies of a token, for dispatch and combine; level: of the interval
    """

    name: str
    ranks: int
    stride: int
    size_bytes: float
    algorithm: str = AUTO
    topk: int = 8
    level: float = 0.9

    @property
    def group(self) -> Group:
        """Its ranks."""
        return Group(array(self.ranks), array(self.stride))


def price(question: Question, machine: Machine, efficiency: Efficiency) -> Priced:
    """Time, interval, tiers and algorithms of one collective. Raises UsageError, MissingFact."""
    if question.name in EXPERT:
        return _expert(question, machine, efficiency)
    if question.name in ("all_to_all", "p2p") and question.algorithm not in (AUTO, "direct"):
        raise UsageError(
            f"{question.name.replace('_', '-')} is not computed as {question.algorithm}", where="--algorithm",
            hint="its parts go straight to their ranks; use auto",
        )  # fmt: skip
    size = array(question.size_bytes)
    asked = AUTO if question.name in ("all_to_all", "p2p") else question.algorithm
    found = collective(question.name, size, question.group, machine, efficiency, asked)

    def seconds(drawn: Machine, parameters: Efficiency) -> Mapping[str, Number]:
        joined = drawn_network(drawn, parameters)
        return {"time_s": collective_s(question.name, size, question.group, joined, parameters, asked)}

    own = spread_of(seconds, machine, efficiency)["time_s"]
    factor = math.exp(half_width(own, _one(found.log_sd), question.level))
    return _priced(question, found, machine, factor, _algorithms(question, found, machine, efficiency))


def drawn_network(machine: Machine, parameters: Efficiency) -> Machine:
    """The machine with the rate of an assumed network as the parameters have it."""
    last = machine.tiers[-1]
    if last.plane != NETWORK or last.kind != "scale-out":
        return machine
    rate = parameters.get(NETWORK_RATE) / machine.devices_per_chip
    return replace(machine, tiers=(*machine.tiers[:-1], replace(last, bytes_per_s=rate)))


def _one(values: Array) -> float:
    return float(np.atleast_1d(values)[0])


def _priced(
    question: Question, found: CollectiveTime, machine: Machine, factor: float, algorithms: tuple[Algorithm, ...]
) -> Priced:
    total = _one(found.total_s)
    tiers = tuple(
        TierUse(
            plane=load.plane, kind=load.kind, bytes=_one(load.bytes), seconds=_one(load.seconds),
            latency_s=_one(load.latency_s), busy=_one(load.seconds) / total,
            share=_one(load.bytes) / (float(np.mean(tier.bytes_per_s)) * total),
        )
        for load, tier in zip(found.tiers, machine.tiers, strict=True)
    )  # fmt: skip
    parts = {name: _one(getattr(found, name)) for name in ("base_s", "latency_s", "moved_s", "ramp_s", "local_s")}
    return Priced(
        question.name, question.ranks, question.stride, question.size_bytes, total, factor,
        _one(bus_factor(question.name, array(question.ranks))), parts, tiers, found.algorithm[0],
        found.bottleneck[0], algorithms,
    )  # fmt: skip


def _algorithms(
    question: Question, found: CollectiveTime, machine: Machine, efficiency: Efficiency
) -> tuple[Algorithm, ...]:
    """Every algorithm: chosen, slower, or refused with the reason."""
    chosen = found.algorithm[0]
    if chosen not in ALGORITHMS:
        return (Algorithm(chosen, _one(found.total_s), True, None),)
    spans = spans_of(question.group, machine)
    offered = candidates(question.name, spans)
    why = {**_WHY, "hierarchical": _NO_LAYERS} if any(_one(span.members) > 1.0 for span in spans[1:]) else _WHY
    told: list[Algorithm] = []
    for name in ALGORITHMS:
        if question.name == "all_to_all":
            refused = None if name == "direct" else _WHY["ring"]
            told.append(Algorithm(name, None if refused else _one(found.total_s), not refused, refused))
            continue
        try:
            time = _one(
                collective_s(question.name, array(question.size_bytes), question.group, machine, efficiency, name)
            )
        except UsageError as error:
            told.append(Algorithm(name, None, False, error.hint or error.what))
            continue
        refused = None if name in offered or name == chosen else why.get(name, "no library has it here")
        told.append(Algorithm(name, time, name == chosen, refused))
    return tuple(told)


def _expert(question: Question, machine: Machine, efficiency: Efficiency) -> Priced:
    """Dispatch or combine of decode kernels: every copy of a token goes straight to the rank of its expert."""
    if question.algorithm not in (AUTO, "direct"):
        raise UsageError(f"a dispatch or combine is not computed as {question.algorithm}", where="--algorithm")
    if question.stride != 1:
        raise UsageError("a dispatch or combine is between neighbouring ranks", where="--stride", hint="use --stride 1")
    family = question.name.removeprefix("ep_")
    evaluate = _expert_s(question, family)
    total = float(np.mean(evaluate(machine, efficiency)["time_s"]))
    own = spread_of(evaluate, machine, efficiency)["time_s"]
    factor = math.exp(half_width(own, residual_log_sd(efficiency, f"ep_{family}", "kernel"), question.level))
    shares = traffic_shares(machine.tiers, array(question.ranks))
    part = min(question.ranks / question.topk, 1.0)  # below 1 each rank sends its tokens once, not every copy
    tiers: list[TierUse] = []
    for tier, share in zip(machine.tiers, shares, strict=True):
        sent = question.size_bytes * part * _one(share)
        rate = message_rate_of(tier, efficiency, family) if part == 1.0 else rate_of(tier, efficiency, "write")
        taken = sent / float(np.mean(rate))
        used = sent / (float(np.mean(tier.bytes_per_s)) * total)
        tiers.append(TierUse(tier.plane, tier.kind, sent, taken, 0.0, taken / total, used))
    longest = max(range(len(tiers)), key=lambda at: tiers[at].seconds, default=-1)
    moved = min(_busiest(tiers), total)
    parts = {"base_s": total - moved, "moved_s": moved}
    crossed = sum(tier.bytes for tier in tiers) / question.size_bytes
    return Priced(
        question.name, question.ranks, question.stride, question.size_bytes, total, factor, crossed, parts,
        tuple(tiers), "direct", longest, (Algorithm("direct", total, True, None),), ALL_COPIES,
    )  # fmt: skip


def _expert_s(question: Question, family: str) -> Callable[[Machine, Efficiency], Mapping[str, Number]]:
    op = exchange_op(
        question.name, family, "exchange", array(question.size_bytes), array(question.ranks),
        experts_per_token=float(question.topk),
    )  # fmt: skip

    def seconds(drawn: Machine, parameters: Efficiency) -> Mapping[str, Number]:
        return {"time_s": exchange_s(op, drawn_network(drawn, parameters).tiers, parameters, "decode")}

    return seconds


def _busiest(tiers: list[TierUse]) -> float:
    """Seconds of the plane that is busy for longest; tiers of one plane share a port."""
    busy: dict[str, float] = {}
    for tier in tiers:
        busy[tier.plane] = busy.get(tier.plane, 0.0) + tier.seconds
    return max(busy.values(), default=0.0)

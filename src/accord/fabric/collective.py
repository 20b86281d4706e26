"""The time of a collective on the tiers of a machine, by the algorithm that is quickest or the one asked for.

``base + steps x step + messages x peer + y + 2 sqrt(chunk x y) + local``: a launch, the steps of the algorithm at the
latency of the tiers they cross, the bytes over the rate of the slowest plane, their ramp, and the part that stays on
the device. Tiers of one plane share a port, so their times add; planes have ports of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.base.registry import did_you_mean
from accord.fabric.algorithms import ALGORITHMS, COLLECTIVES, REDUCING, RULES, Loads, candidates
from accord.fabric.curves import ramp_s, rate_of, residual_log_sd, step_s, sum_rate_of
from accord.fabric.group import Group
from accord.fabric.spans import Span, spans_of
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class TierLoad:
    """What one tier does, arrays of shape ``(D,)``.

    bytes: sent per device and direction; seconds: its port is busy; latency_s: of the steps that cross it
    """

    plane: str
    kind: str
    bytes: Array
    seconds: Array
    latency_s: Array


@dataclass(frozen=True, slots=True)
class CollectiveTime:
    """Seconds of a collective and what they are made of, arrays of shape ``(D,)``.

    total_s = base_s + latency_s + moved_s + ramp_s + local_s; moved_s: of the slowest plane
    algorithm: by name; bottleneck: index into ``tiers`` of the one that takes longest, -1 where nothing moves
    busbw_bytes_per_s: bytes a ring would pass over each port, per second; log_sd: spread beyond the parameters'
    """

    total_s: Array
    base_s: Array
    latency_s: Array
    moved_s: Array
    ramp_s: Array
    local_s: Array
    tiers: tuple[TierLoad, ...]
    algorithm: tuple[str, ...]
    bottleneck: tuple[int, ...]
    busbw_bytes_per_s: Array
    log_sd: Array


@dataclass(frozen=True, slots=True)
class _Parts:
    total_s: Array
    base_s: Array
    latency_s: Array
    moved_s: Array
    ramp_s: Array
    local_s: Array
    tiers: tuple[TierLoad, ...]


def collective(
    name: str, size_bytes: Array, group: Group, machine: Machine, efficiency: Efficiency, algorithm: str = AUTO
) -> CollectiveTime:
    """Time of a collective.

    name: one of :data:`COLLECTIVES`; size_bytes: as nccl-tests counts it, shape ``(D,)``: all_reduce, p2p and
        broadcast the buffer of a rank, all_gather the gathered output, reduce_scatter the whole input, all_to_all
        the whole send buffer of a rank
    algorithm: one of :data:`ALGORITHMS`, or ``auto`` for the quickest that a library would choose from
    Raises UsageError for unknown names, MissingFact for ranks that no link joins.
    """
    size, group, spans, names = _asked(name, size_bytes, group, machine, algorithm)
    parts = [_parts(name, one, size, group, spans, efficiency, algorithm == AUTO) for one in names]
    totals = np.stack(np.broadcast_arrays(*(part.total_s for part in parts)))
    best = np.argmin(totals, axis=0)
    chosen = {field: _pick([getattr(part, field) for part in parts], best) for field in _Parts.__slots__[:-1]}
    tiers = tuple(
        TierLoad(
            span.tier.plane,
            span.tier.kind,
            *(_pick([getattr(part.tiers[at], what) for part in parts], best) for what in TierLoad.__slots__[2:]),
        )
        for at, span in enumerate(spans)
    )
    moves = chosen["total_s"] > 0.0
    safe = np.where(moves, chosen["total_s"], 1.0)
    latency = np.where(moves, (chosen["base_s"] + chosen["latency_s"]) / safe, 1.0)
    outside = np.any([(load.kind != "scale-up") & (load.bytes > 0.0) for load in tiers], axis=0) if tiers else moves
    return CollectiveTime(
        **chosen,
        tiers=tiers,
        algorithm=tuple(names[at] for at in best),
        bottleneck=_bottleneck(tiers, moves),
        busbw_bytes_per_s=np.where(moves, bus_factor(name, group.ranks) * size / safe, 0.0),
        log_sd=residual_log_sd(latency, np.asarray(outside), efficiency),
    )


def collective_s(
    name: str, size_bytes: Array, group: Group, machine: Machine, efficiency: Efficiency, algorithm: str = AUTO
) -> Array:
    """Only the seconds of :func:`collective`, shape ``(D,)``."""
    size, group, spans, names = _asked(name, size_bytes, group, machine, algorithm)
    found = _parts(name, names[0], size, group, spans, efficiency, algorithm == AUTO).total_s
    for one in names[1:]:
        found = np.minimum(found, _parts(name, one, size, group, spans, efficiency, algorithm == AUTO).total_s)
    return found


def bus_factor(name: str, ranks: Array) -> Array:
    """Bytes that pass each port in a ring, over the size [1]: what bus bandwidth is counted by."""
    if name in ("p2p", "broadcast"):
        return np.ones_like(ranks)
    around = np.maximum(ranks - 1.0, 0.0) / ranks
    return 2.0 * around if name == "all_reduce" else around


def _asked(
    name: str, size_bytes: Array, group: Group, machine: Machine, algorithm: str
) -> tuple[Array, Group, tuple[Span, ...], tuple[str, ...]]:
    if name not in COLLECTIVES:
        raise UsageError(f"no collective is called '{name}'", hint=did_you_mean(name, COLLECTIVES))
    if algorithm not in (AUTO, *ALGORITHMS):
        raise UsageError(f"no algorithm is called '{algorithm}'", hint=did_you_mean(algorithm, (AUTO, *ALGORITHMS)))
    size, ranks, stride = np.broadcast_arrays(*np.atleast_1d(size_bytes, group.ranks, group.stride))
    if name == "p2p":
        ranks = np.minimum(ranks, 2.0)
    whole = Group(np.asarray(ranks, dtype=np.float64), np.asarray(stride, dtype=np.float64))
    spans = spans_of(whole, machine)
    names = candidates(name, spans) if algorithm == AUTO or name in ("p2p", "all_to_all") else (algorithm,)
    if algorithm == "nvls" and (name != "all_reduce" or not spans or not spans[0].tier.sums):
        raise UsageError(
            f"nvls was asked for {name.replace('_', '-')} on {machine.id}",
            hint="only an all-reduce behind switches that sum has it; use auto",
        )
    if name == "broadcast" and algorithm in ("direct", "hierarchical"):
        raise UsageError(f"a broadcast is not computed as {algorithm}", hint="use ring, tree or auto")
    return np.asarray(size, dtype=np.float64), whole, spans, names


def _parts(
    name: str, algorithm: str, size: Array, group: Group, spans: tuple[Span, ...], efficiency: Efficiency, free: bool
) -> _Parts:
    """One algorithm. free: whether it is one of several, so that where it is not used it takes for ever."""
    ranks = np.maximum(group.ranks, 1.0)
    moves = (ranks > 1.0) & (size > 0.0)
    loads: Loads = RULES[algorithm](name, size, ranks, spans)
    busy: dict[str, Array] = {}
    latency: Array = np.zeros_like(size)
    tiers: list[TierLoad] = []
    for span, load in zip(spans, loads, strict=True):
        rate = sum_rate_of(span, efficiency) if load.summed else rate_of(span, efficiency)
        if algorithm in ("tree", "nvls") and span is not spans[0]:
            rate = rate * efficiency.get("collective.share.tree")
        if name == "all_to_all":
            rate = rate * efficiency.get("collective.share.exchange")
        taken = load.size_bytes / rate
        waited = load.steps * step_s(span.tier, efficiency) + load.messages * efficiency.get("collective.peer_s")
        if load.summed:
            waited = np.where(load.steps > 0.0, efficiency.get("collective.sum_s"), 0.0)
        busy[span.tier.plane] = busy.get(span.tier.plane, np.zeros_like(size)) + taken
        latency = latency + waited
        tiers.append(TierLoad(span.tier.plane, span.tier.kind, load.size_bytes, taken, waited))
    moved = np.maximum.reduce(np.broadcast_arrays(*busy.values())) if busy else np.zeros_like(size)
    base = np.where(moves, efficiency.get("collective.base_s"), 0.0)
    kept = size / ranks if name in (*REDUCING, "all_to_all") and algorithm != "nvls" else np.zeros_like(size)
    local = np.where(moves, kept / efficiency.get("collective.local_bytes_per_s"), 0.0)
    latency, moved = np.where(moves, latency, 0.0), np.where(moves, moved, 0.0)
    ramp = ramp_s(moved, efficiency)
    total = base + latency + moved + ramp + local
    if free and algorithm == "nvls":
        few = spans[0].members <= efficiency.scalar("collective.sum_ranks")
        total = np.where(few & moves, np.inf, total)
    return _Parts(total, base, latency, moved, ramp, local, tuple(tiers))


def _pick(values: list[Array], best: npt.NDArray[np.intp]) -> Array:
    stacked = np.stack(np.broadcast_arrays(*values, np.zeros(best.shape))[:-1])
    return np.asarray(np.take_along_axis(stacked, best[None], axis=0)[0])


def _bottleneck(tiers: tuple[TierLoad, ...], moves: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """The tier that is busy or waited for longest, -1 where nothing moves."""
    if not tiers:
        return (-1,) * len(moves)
    taken = np.stack(np.broadcast_arrays(*(load.seconds + load.latency_s for load in tiers)))
    return tuple(int(at) if moving else -1 for at, moving in zip(np.argmax(taken, axis=0), moves, strict=True))

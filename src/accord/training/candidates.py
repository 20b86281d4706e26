"""Layouts that a request leaves open, one row each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from accord.base.errors import DoesNotFit, UsageError
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.training.layout import DUALPIPE, INTERLEAVED, PLAIN, Layouts, layouts
from accord.training.request import RECOMPUTE, SCHEDULES, TrainRequest

WIDEST = 64  # tensor-parallel ranks that a search looks at
LEAST_SLICE = 1024  # tokens of a sequence that a context-parallel rank keeps
LARGEST_MICRO = 16  # sequences


@dataclass(frozen=True, slots=True)
class Space:
    """What a search tries where the request is silent."""

    micro: tuple[int, ...] = (1, 2, 4, 8, LARGEST_MICRO)
    zero: tuple[int, ...] = (1, 2, 3)
    recompute: tuple[int, ...] = field(default_factory=lambda: tuple(range(len(RECOMPUTE))))
    schedules: tuple[int, ...] = (PLAIN, INTERLEAVED)
    sequence_parallel: tuple[int, ...] = (1,)
    virtual: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12)


def candidates(
    spec: ModelSpec, machine: Machine, request: TrainRequest, devices: int, seq: float, global_batch: float,
    space: Space | None = None,
) -> Layouts:  # fmt: skip
    """All layouts of ``devices`` ranks that agree with the request.

    Raises UsageError for ranks that do not multiply to the devices, and DoesNotFit where nothing agrees; both name the
    nearest that would.
    """
    chosen = space or Space()
    cuts = [cut for cut in _cuts(spec, machine, request, devices, seq) if _feeds(cut, request, seq, global_batch)]
    if not cuts:
        raise _no_cut(spec, request, devices, seq, global_batch)
    rows = [row for cut in cuts for row in _rows(spec, request, chosen, cut, global_batch / seq)]
    if not rows:
        raise DoesNotFit(
            "no micro-batch, virtual stage or expert split agrees with what was asked",
            hint="leave out --micro-batch, --vp or --ep",
        )
    names = ("tp", "cp", "pp", "dp", "ep", "vp", "micro", "zero", "recompute", "schedule", "sp")
    columns = np.asarray(rows, dtype=np.float64).T
    return layouts(**dict(zip(names, columns, strict=True)), offload=float(request.offload))


def _cuts(
    spec: ModelSpec, machine: Machine, request: TrainRequest, devices: int, seq: float
) -> list[tuple[int, int, int, int]]:
    """``tp, cp, pp, dp`` that multiply to the devices."""
    heads = max(layer.attention.heads for layer in spec.layers)
    reach = min(max(machine.scale_up_devices, 1), WIDEST, heads)
    wide = _given(request.tp, [n for n in divisors(devices) if n <= reach and heads % n == 0])
    context = _given(request.cp, [n for n in _doubling(64) if n == 1 or seq / n >= LEAST_SLICE * 8])
    deep = _given(request.pp, [n for n in divisors(devices) if n <= spec.n_layers])
    found = []
    for tp, cp, pp in product(wide, context, deep):
        left, rest = divmod(devices, tp * cp * pp)
        if rest == 0 and left >= 1 and (request.dp is None or left == request.dp):
            found.append((tp, cp, pp, left))
    return found


def _feeds(cut: tuple[int, int, int, int], request: TrainRequest, seq: float, global_batch: float) -> bool:
    """Whether every replica has a sequence, a whole number of them where the layout is free."""
    each = global_batch / seq / cut[3]
    fixed = request.dp is not None or all(one is not None for one in (request.tp, request.pp))
    return each >= 1.0 - 1e-9 and (fixed or abs(each - round(each)) < 1e-6)


def _rows(
    spec: ModelSpec, request: TrainRequest, space: Space, cut: tuple[int, int, int, int], sequences: float
) -> Iterable[tuple[float, ...]]:
    """Rows of one cut."""
    tp, cp, pp, dp = cut
    each = sequences / dp
    micros = _given(request.micro_batch, [n for n in space.micro if _divides(n, each)]) or [1]
    zeros = _given(request.zero, [n for n in space.zero if n < 3 or pp == 1])
    again = [RECOMPUTE.index(request.recompute)] if request.recompute else list(space.recompute)
    split = list(space.sequence_parallel) if request.sequence_parallel is None else [int(request.sequence_parallel)]
    split = split if tp > 1 else [0]
    for ep, micro in product(_experts(spec, request, tp * cp * dp), micros):
        if micro > each + 1e-9:
            continue
        for schedule, vp in _schedules(spec, request, space, pp, each / micro, spread=ep > 1):
            for zero, recompute, sp in product(zeros, again, split):
                yield tp, cp, pp, dp, ep, vp, micro, zero, recompute, schedule, sp


def _experts(spec: ModelSpec, request: TrainRequest, ranks: int) -> Sequence[int]:
    if not spec.is_moe:
        return (1,) if request.ep in (None, 1) else ()
    most = max(layer.ffn.experts for layer in spec.layers)
    return _given(request.ep, [n for n in divisors(most) if ranks % n == 0])


def _schedules(
    spec: ModelSpec, request: TrainRequest, space: Space, pp: int, count: float, *, spread: bool
) -> Iterable[tuple[int, int]]:
    """Schedules with their virtual stages; one stage has nothing to schedule."""
    if pp == 1:
        yield PLAIN, 1
        return
    named = [SCHEDULES.index(request.schedule)] if request.schedule else list(space.schedules)
    if not request.schedule and spread and request.vp is None:
        named.append(DUALPIPE)  # made to hide dispatch and combine
    for schedule in named:
        if schedule == DUALPIPE and pp % 2:
            continue
        if schedule != INTERLEAVED:
            if request.vp in (None, 1):
                yield schedule, 1
            continue
        for vp in _given(request.vp, [n for n in space.virtual if n > 1 and _even(spec.n_layers, pp * n)]):
            if vp > 1 and vp * pp <= spec.n_layers and (request.vp or _divides(pp, count)):
                yield schedule, vp


def _even(layers: int, chunks: int) -> bool:
    """Whether layers divide over chunks, or the ends can carry one less."""
    return chunks <= layers and (-layers) % chunks <= 2


def _no_cut(spec: ModelSpec, request: TrainRequest, devices: int, seq: float, batch: float) -> UsageError | DoesNotFit:
    """Why no layout agrees, and the nearest that would."""
    asked = {name: getattr(request, name) for name in ("tp", "cp", "pp", "dp") if getattr(request, name)}
    whole = int(np.prod([*asked.values(), 1]))
    said = " x ".join(f"{name} {value}" for name, value in asked.items()) or "any layout"
    if len(asked) == 4 and whole != devices:
        dp = max(devices * asked["dp"] // whole, 1)
        return UsageError(f"{said} is {whole:,} ranks, not {devices:,}", hint=f"use dp {dp}, or {whole:,} ranks")
    if devices % whole:
        nearest = max(devices // whole, 1) * whole
        return UsageError(f"{said} does not divide {devices:,} ranks", hint=f"use {nearest:,} ranks")
    if request.pp and request.pp > spec.n_layers:
        return UsageError(
            f"pp {request.pp} is more than {spec.id}'s {spec.n_layers} layers", hint=f"use pp {spec.n_layers}"
        )
    replicas = batch / seq
    return DoesNotFit(
        f"{replicas:,.0f} sequences of {seq:,.0f} tokens do not deal out evenly over the replicas of {said} "
        f"on {devices:,} ranks",
        hint=f"use a global batch of {_nearest_batch(devices, seq, batch):,.0f} tokens",
    )


def _nearest_batch(devices: int, seq: float, batch: float) -> float:
    """A batch near ``batch`` that many layouts of ``devices`` ranks can deal out: whole sequences each."""
    step = max(devices // 64, 1) * seq
    return max(round(batch / step), 1) * step


def _given(value: int | None, free: Sequence[int]) -> Sequence[int]:
    return free if value is None else (value,)


def _divides(n: float, whole: float) -> bool:
    return abs(whole / n - round(whole / n)) < 1e-6 and whole >= n - 1e-6


def _doubling(most: int) -> list[int]:
    return [2**n for n in range(most.bit_length())]


def divisors(n: int) -> list[int]:
    """Whole numbers that divide ``n``, rising."""
    low = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return low + [n // d for d in reversed(low) if d * d != n]

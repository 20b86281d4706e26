"""Layouts that a request leaves open, one row each, in blocks of one cut.

Rows that cannot differ are listed once: one pipeline rank has one schedule, one tensor-parallel rank no norms to split,
and weights that no two ranks share nothing to shard. Schedules stand only where they are defined
(:func:`accord.training.schedules.allowed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import product

import numpy as np

from accord.base.array import Array
from accord.base.errors import AccordError
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.training.layout import DUALPIPE, INTERLEAVED, PLAIN, Layouts
from accord.training.refusals import Asked, refusal, sound
from accord.training.request import RECOMPUTE, SCHEDULES, TrainRequest
from accord.training.schedules import allowed

WIDEST = 64  # tensor-parallel ranks that a search looks at
LEAST_SLICE = 8192  # tokens of a sequence that a context-parallel rank keeps, at least
LARGEST_MICRO = 16  # sequences
Cut = tuple[int, int, int, int]
_COLUMNS = ("tp", "cp", "pp", "dp", "ep", "vp", "micro", "zero", "recompute", "schedule", "sp", "offload")


@dataclass(frozen=True, slots=True)
class Space:
    """What a search tries where the request is silent.

    micro: sequences of a micro-batch; virtual: stages of a pipeline rank; schedules: besides DualPipe, which is tried
        where experts are spread; sequence_parallel, offload: 0, 1 or both
    tensor, context: ranks; left out, tensor-parallel ranks stay inside a scale-up domain, and sequences are split where
        a rank keeps enough of them
    sharded_pipelines: whether ZeRO-3 is tried with a pipeline, which gathers every weight for every micro-batch
    """

    micro: tuple[int, ...] = (1, 2, 4, 8, LARGEST_MICRO)
    zero: tuple[int, ...] = (1, 2, 3)
    recompute: tuple[int, ...] = field(default_factory=lambda: tuple(range(len(RECOMPUTE))))
    schedules: tuple[int, ...] = (PLAIN, INTERLEAVED)
    sequence_parallel: tuple[int, ...] = (1,)
    virtual: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12)
    offload: tuple[int, ...] = (0,)
    tensor: tuple[int, ...] | None = None
    context: tuple[int, ...] | None = None
    sharded_pipelines: bool = False


def candidates(
    spec: ModelSpec, machine: Machine, request: TrainRequest, devices: int, seq: float, global_batch: float,
    space: Space | None = None, *, strict: bool = True,
) -> Layouts:  # fmt: skip
    """All layouts of ``devices`` ranks that agree with the request.

    seq, global_batch: of a sequence and of a step [token]
    strict: refuse what no framework runs; else a stated layout may leave micro-batches in parts (what was measured ran)
    Raises UsageError for a layout that cannot be, and DoesNotFit where nothing agrees; both name the nearest that is.
    """
    sound(request)
    found = list(blocks(spec, machine, request, devices, seq, global_batch, space, strict=strict))
    if not found:
        raise refused(spec, machine, request, devices, seq, global_batch, space, strict=strict)
    return joined(found)


def refused(
    spec: ModelSpec, machine: Machine, request: TrainRequest, devices: int, seq: float, global_batch: float,
    space: Space | None = None, *, strict: bool = True,
) -> AccordError:  # fmt: skip
    """Why no layout agrees with a request, and the nearest that would."""

    def works(asked: Asked) -> bool:
        tried = blocks(spec, machine, asked.request, asked.devices, seq, asked.batch, space, strict=strict)
        return any(True for _ in tried)

    return refusal(spec, Asked(request, devices, seq, global_batch, machine.devices_per_chip), works)


def blocks(
    spec: ModelSpec, machine: Machine, request: TrainRequest, devices: int, seq: float, global_batch: float,
    space: Space | None = None, *, strict: bool = True,
) -> Iterator[Layouts]:  # fmt: skip
    """The layouts of :func:`candidates`, one cut after another."""
    chosen = space or Space()
    for cut in _cuts(spec, machine, request, chosen, devices, seq, strict=strict):
        if not _feeds(cut, request, seq, global_batch, strict=strict):
            continue
        rows = _rows(spec, request, chosen, cut, global_batch / seq, strict=strict)
        if len(rows):
            yield Layouts(**{name: rows[:, at] for at, name in enumerate(_COLUMNS)})


def joined(parts: Sequence[Layouts]) -> Layouts:
    """Layouts after one another."""
    if len(parts) == 1:
        return parts[0]
    return Layouts(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Layouts)})


def _cuts(
    spec: ModelSpec, machine: Machine, request: TrainRequest, space: Space, devices: int, seq: float, *, strict: bool
) -> Iterator[Cut]:
    """``tp, cp, pp, dp`` that multiply to the devices."""
    heads = max(layer.attention.heads for layer in spec.layers)
    reach = min(max(machine.scale_up_devices, 1), WIDEST, heads)
    tensor = [n for n in divisors(devices) if n <= reach] if space.tensor is None else space.tensor
    wide = _given(request.tp, tensor)
    free = space.context or [n for n in _doubling(64) if n == 1 or seq / n >= LEAST_SLICE]
    context = _given(request.cp, free)
    deep = _given(request.pp, divisors(devices))
    for tp, cp, pp in product(wide, context, deep):
        if min(tp, cp, pp) < 1 or ((strict or request.tp is None) and heads % tp):
            continue
        if pp > spec.n_layers and (strict or request.pp is None):
            continue
        left, rest = divmod(devices, tp * cp * pp)
        if rest or left < 1 or request.dp not in (None, left) or (strict and seq % cp):
            continue
        yield tp, cp, pp, left


def _feeds(cut: Cut, request: TrainRequest, seq: float, global_batch: float, *, strict: bool) -> bool:
    """Whether every replica has a sequence, a whole number of them where the layout is free."""
    each = global_batch / seq / cut[3]
    fixed = request.dp is not None or all(one is not None for one in (request.tp, request.pp))
    return each >= 1.0 - 1e-9 and ((fixed and not strict) or abs(each - round(each)) < 1e-6)


def _rows(
    spec: ModelSpec, request: TrainRequest, space: Space, cut: Cut, sequences: float, *, strict: bool
) -> Array:  # fmt: skip
    """Rows of one cut, shape ``(D, columns)``."""
    tp, cp, pp, dp = cut
    outer = np.asarray(_passed(spec, request, space, cut, sequences / dp, strict=strict), dtype=np.float64)
    if not len(outer):
        return np.zeros((0, len(_COLUMNS)))
    alone = cp * dp == 1 and not (spec.is_moe and tp > 1)
    free = [n for n in space.zero if n < 3 or pp == 1 or space.sharded_pipelines]
    zeros = _given(request.zero, free[:1] if alone else free)
    again = [RECOMPUTE.index(request.recompute)] if request.recompute else list(space.recompute)
    split = list(space.sequence_parallel) if request.sequence_parallel is None else [int(request.sequence_parallel)]
    away = [1] if request.offload else list(space.offload)
    inner = np.asarray(list(product(zeros, again, split if tp > 1 else [0], away)), dtype=np.float64).reshape(-1, 4)
    ep, vp, micro, schedule = np.repeat(outer, len(inner), axis=0).T
    zero, recompute, sp, offload = np.tile(inner, (len(outer), 1)).T
    same = np.ones_like(ep)
    return np.stack(
        [tp * same, cp * same, pp * same, dp * same, ep, vp, micro, zero, recompute, schedule, sp, offload], axis=1
    )


def _passed(
    spec: ModelSpec, request: TrainRequest, space: Space, cut: Cut, each: float, *, strict: bool
) -> list[tuple[int, int, int, int]]:
    """``ep, vp, micro, schedule`` of one cut, whose replicas have ``each`` sequences."""
    tp, cp, pp, dp = cut
    micros = _given(request.micro_batch, [n for n in space.micro if _divides(n, each)] or ([] if strict else [1]))
    found = []
    for micro in micros:
        if micro > each + 1e-9 or micro < 1 or (strict and not _divides(micro, each)):
            continue
        plain = _schedules(spec, request, space, pp, each / micro, spread=False, strict=strict)
        spread = _schedules(spec, request, space, pp, each / micro, spread=True, strict=strict)
        for ep in _experts(spec, request, tp * cp * dp, strict=strict):
            found += [(ep, vp, micro, schedule) for schedule, vp in (spread if ep > 1 else plain)]
    return found


def _experts(spec: ModelSpec, request: TrainRequest, ranks: int, *, strict: bool) -> Sequence[int]:
    if not spec.is_moe:
        return (1,) if request.ep in (None, 1) else ()
    counts = {layer.ffn.experts for layer in spec.layers if layer.ffn.experts}
    free = [n for n in divisors(max(counts)) if ranks % n == 0]
    return _given(request.ep, free) if not strict or request.ep in (None, *free) else ()


def _schedules(
    spec: ModelSpec, request: TrainRequest, space: Space, pp: int, count: float, *, spread: bool, strict: bool
) -> list[tuple[int, int]]:
    """Schedules with their virtual stages; one stage has nothing to schedule."""
    if pp == 1:
        return [(PLAIN, 1)] if not strict or request.vp in (None, 1) else []
    named = [SCHEDULES.index(request.schedule)] if request.schedule else list(space.schedules)
    if not request.schedule and spread and request.vp is None and DUALPIPE not in named:
        named.append(DUALPIPE)  # made to hide dispatch and combine
    pairs: list[tuple[int, int]] = []
    for schedule in named:
        if schedule != INTERLEAVED:
            pairs += [(schedule, 1)] if request.vp in (None, 1) else []
            continue
        free = [n for n in space.virtual if n > 1 and _even(spec.n_layers, pp * n)]
        pairs += [(schedule, vp) for vp in _given(request.vp, free) if vp > 1 and vp * pp <= spec.n_layers]
    if not pairs:
        return []
    which, stages = np.asarray(pairs, dtype=np.float64).T
    runs = allowed(which, np.full_like(which, pp), np.full_like(which, _whole(count)), stages)
    stated = [
        not strict and (one == INTERLEAVED and request.vp is not None or one == DUALPIPE and bool(request.schedule))
        for one, _ in pairs
    ]
    return [pair for pair, runs_so, said in zip(pairs, runs, stated, strict=True) if runs_so or (said and pp > 1)]


def _even(layers: int, chunks: int) -> bool:
    """Whether layers divide over chunks, or the ends can carry one less."""
    return chunks <= layers and (-layers) % chunks <= 2


def _whole(count: float) -> float:
    """The count, without what division left of it."""
    return round(count) if abs(count - round(count)) < 1e-6 else count


def _given(value: int | None, free: Sequence[int]) -> Sequence[int]:
    return free if value is None else (value,)


def _divides(n: float, whole: float) -> bool:
    return n > 0 and abs(whole / n - round(whole / n)) < 1e-6 and whole >= n - 1e-6


def _doubling(most: int) -> list[int]:
    return [2**n for n in range(most.bit_length())]


def divisors(n: int) -> list[int]:
    """Whole numbers that divide ``n``, rising."""
    low = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return low + [n // d for d in reversed(low) if d * d != n]

"""A step's pipeline task by task: forwards and backwards in the order of the schedule, sends and gradients on links.

The order of tasks of a rank is fixed, and what a rank sends goes out in that order. So every start is the latest of a
few ends, and no task that takes longer can make a step shorter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.training.request import Schedule
from accord.training.schedule_order import BACKWARD, FORWARD, INPUT, PAIR, order
from accord.training.schedule_run import AT_ONCE, Places, RankProgram, Wiring, run

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StageWork:
    """One micro-batch on every virtual stage in the order of the model, arrays of shape ``(stages,)`` [s].

    forward_s, backward_s, weight_s: compute; backward_s: gradients of inputs, with what is computed again
    forward_exchange_s, backward_exchange_s: collectives inside a forward and a backward (of tensor, context and expert
        parallel ranks) that hide behind nothing but the compute of a DualPipe pair, as the pair's sends do
    gather_s, reduce_s: all-gather of a stage's weights before its first forward, reduce-scatter of its gradients
        after its last backward, on the one link that a rank has to its data-parallel peers
    activation_bytes: that one micro-batch keeps for the backward, per device
    kept_for_weights: share of them that stays from the gradients of inputs to those of weights
    """

    forward_s: Array
    backward_s: Array
    weight_s: Array
    forward_exchange_s: Array | float = 0.0
    backward_exchange_s: Array | float = 0.0
    gather_s: Array | float = 0.0
    reduce_s: Array | float = 0.0
    activation_bytes: Array | float = 0.0
    kept_for_weights: float = 1.0


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tasks of a step in the order of ranks, arrays of shape ``(tasks,)``.

    kind: ``FORWARD``, ``INPUT``, ``WEIGHT`` or ``BACKWARD``; stage: of the model; chunk: of the rank, under DualPipe
        the direction; a pair is two tasks of one time
    """

    rank: Ints
    kind: Ints
    stage: Ints
    chunk: Ints
    micro_batch: Ints
    start_s: Array
    end_s: Array


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a step's pipeline did.

    total_s: from the first gather or forward to the last gradient, reduced
    busy_s, idle_s: of every rank, shape ``(ranks,)``; they sum to total_s
    bubble_share: idle part of all ranks' time
    exposed_s: what the gathers and reductions add to the step
    peak_micro_batches, peak_bytes: activations a rank holds, shape ``(ranks,)``; the first in micro-batches of one
        rank's layers
    """

    schedule: Schedule
    total_s: float
    busy_s: Array
    idle_s: Array
    bubble_share: float
    exposed_s: float
    peak_micro_batches: Array
    peak_bytes: Array
    tasks: Tasks = field(repr=False)


def simulate(
    schedule: Schedule, ranks: int, micro_batches: int, work: StageWork, send_s: Array | float = 0.0
) -> Timeline:
    """Run one step of ``micro_batches`` on a pipeline of ``ranks``.

    work: of ``ranks`` stages, of ``ranks * v`` with "interleaved"; stage i runs on rank ``i % ranks``, and under
        DualPipe on rank ``ranks - 1 - i`` too
    send_s: one micro-batch between neighbours, a number or shape ``(ranks,)`` by the lower rank of the two, last the
        way from the last rank to the first; each direction is a link of its own and carries one at a time
    Raises :class:`UsageError` where the schedule is not defined for these counts.
    """
    stages = len(work.forward_s)
    virtual = stages // ranks if ranks > 0 else 0
    if virtual * ranks != stages or (virtual > 1 and schedule != "interleaved"):
        raise UsageError(
            f"{stages} stages on {ranks} pipeline ranks under {schedule}",
            hint="give as many stages as ranks, or under interleaved a multiple of them",
        )
    slots = [np.array(s, dtype=np.int64) for s in order(schedule, ranks, micro_batches, virtual)]
    places = Places.both_ways(ranks) if schedule == "dualpipe" else Places.in_turn(ranks, virtual)
    hops_s = np.broadcast_to(np.asarray(send_s, dtype=np.float64), (ranks,))
    wiring = Wiring(places, micro_batches, hops_s)
    programs = [
        wiring.program(r, s, *_seconds(s, places.model_stage[places.stage_of[r]], work)) for r, s in enumerate(slots)
    ]
    seconds = [np.array(program.seconds) for program in programs]
    gathered = _gathers(slots, places, work)
    ends = _ends(wiring, programs, gathered)
    total_s = _reduced(slots, ends, gathered, places, work)
    bare = not np.any(work.gather_s) and not np.any(work.reduce_s)
    free_s = total_s if bare else max(e[-1] for e in _ends(wiring, programs, np.zeros_like(gathered)))
    busy_s = np.array([d.sum() for d in seconds])
    peaks = np.array([_peaks(s, places.model_stage[places.stage_of[r]], work, virtual) for r, s in enumerate(slots)])
    return Timeline(
        schedule=schedule,
        total_s=total_s,
        busy_s=busy_s,
        idle_s=total_s - busy_s,
        bubble_share=float(1.0 - busy_s.sum() / (ranks * total_s)) if total_s > 0.0 else 0.0,
        exposed_s=total_s - free_s,
        peak_micro_batches=peaks[:, 0],
        peak_bytes=peaks[:, 1],
        tasks=_tasks(slots, ends, seconds, places),
    )


def _per_stage(values: Array | float, work: StageWork) -> Array:
    return np.broadcast_to(np.asarray(values, dtype=np.float64), np.shape(work.forward_s))


def _seconds(slots: Ints, stages: Ints, work: StageWork) -> tuple[Array, Array]:
    """Compute and exchanges of each slot of a rank with these stages [s]."""
    kind, chunk, other = slots[:, 0], slots[:, 1], slots[:, 3]
    forward_s, input_s, weight_s = work.forward_s[stages], work.backward_s[stages], work.weight_s[stages]
    ahead_s = _per_stage(work.forward_exchange_s, work)[stages]
    back_s = _per_stage(work.backward_exchange_s, work)[stages]
    full_s = input_s + weight_s
    paired_s = forward_s[chunk] + full_s[other]
    compute_s = np.choose(kind, [forward_s[chunk], input_s[chunk], weight_s[chunk], full_s[chunk], paired_s])
    exchange_s = np.choose(kind, [ahead_s[chunk], back_s[chunk], 0.0, back_s[chunk], ahead_s[chunk] + back_s[other]])
    return compute_s, exchange_s


def _gathers(slots: list[Ints], places: Places, work: StageWork) -> Array:
    """When weights of each rank's chunks are there, one after another as they are needed, ``(ranks, chunks)`` [s]."""
    gather_s = _per_stage(work.gather_s, work)
    ready = np.zeros(places.stage_of.shape)
    if not np.any(gather_s):
        return ready
    for rank, s in enumerate(slots):
        chunks = s[s[:, 0] == FORWARD, 1]
        _, first = np.unique(chunks, return_index=True)
        needed = chunks[np.sort(first)]
        ready[rank, needed] = np.cumsum(gather_s[places.model_stage[places.stage_of[rank, needed]]])
    return ready


def _ends(wiring: Wiring, programs: list[RankProgram], gathered: Array) -> list[list[float]]:
    """End of every slot of every rank [s]."""
    events = [np.inf] * wiring.events
    events[AT_ONCE] = 0.0
    for (rank, chunk), ready_s in np.ndenumerate(gathered):
        events[wiring.gather(rank, chunk)] = float(ready_s)
    return run(programs, events, len(programs) ** 2)


def _reduced(slots: list[Ints], ends: list[list[float]], gathered: Array, places: Places, work: StageWork) -> float:
    """When the last rank is done with its last task and has reduced its last gradients [s]."""
    reduce_s = _per_stage(work.reduce_s, work)
    total_s = 0.0
    for rank, (s, end) in enumerate(zip(slots, ends, strict=True)):
        total_s = max(total_s, end[-1])
        makes = np.where(s[:, 0] == PAIR, s[:, 3], s[:, 1])
        makes[(s[:, 0] == FORWARD) | (s[:, 0] == INPUT)] = -1
        last = {int(chunk): end[i] for i, chunk in enumerate(makes) if chunk >= 0} if np.any(reduce_s) else {}
        link_s = float(gathered[rank].max())
        for chunk, made_s in sorted(last.items(), key=lambda item: item[1]):
            link_s = max(link_s, made_s) + float(reduce_s[places.model_stage[places.stage_of[rank, chunk]]])
        total_s = max(total_s, link_s if last else 0.0)
    return total_s


def _peaks(slots: Ints, stages: Ints, work: StageWork, virtual: int) -> tuple[float, float]:
    """Most that a rank holds: micro-batches of all its layers, and bytes."""
    kind, chunk = slots[:, 0], slots[:, 1]
    bytes_ = _per_stage(work.activation_bytes, work)[stages]
    kept = work.kept_for_weights
    freed = np.choose(kind, [0.0, 1.0 - kept, kept, 1.0, 0.0])
    adds = np.isin(kind, (FORWARD, PAIR)) * 1.0
    peaks = []
    for each in (np.full(len(stages), 1.0 / virtual), bytes_):
        out = freed * each[chunk] + np.where(kind == PAIR, each[slots[:, 3]], 0.0)
        held = np.cumsum(adds * each[chunk]) - np.cumsum(out) + out
        peaks.append(float(held.max()))
    return peaks[0], peaks[1]


def _tasks(slots: list[Ints], ends: list[list[float]], seconds: list[Array], places: Places) -> Tasks:
    """Tasks of all ranks; a pair becomes a forward and a backward."""
    rows, times = [], []
    for rank, (s, end, took) in enumerate(zip(slots, ends, seconds, strict=True)):
        stages = places.model_stage[places.stage_of[rank]]
        until = np.asarray(end)
        kinds = np.where(s[:, 0] == PAIR, FORWARD, s[:, 0])
        rows.append(np.stack([np.full(len(s), rank), kinds, stages[s[:, 1]], s[:, 1], s[:, 2]], axis=1))
        times.append(np.stack([until - took, until], axis=1))
        two = np.flatnonzero(s[:, 0] == PAIR)
        other = s[two, 3]
        full = np.full(len(two), BACKWARD)
        rows.append(np.stack([np.full(len(two), rank), full, stages[other], other, s[two, 4]], axis=1))
        times.append(times[-1][two])
    row, time = np.concatenate(rows), np.concatenate(times)
    return Tasks(row[:, 0], row[:, 1], row[:, 2], row[:, 3], row[:, 4], time[:, 0], time[:, 1])

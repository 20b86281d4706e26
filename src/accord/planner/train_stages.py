"""Layouts of a training job run stage by stage: what each stage of the pipeline holds, and the timeline of that.

Closed forms know the mean and the slowest rank. Here the embedding stands before the first stage and the head behind
the last, layers of several kinds lie where the model has them, and layers that do not divide over the stages are
missing first from the rank with the head, as :func:`accord.training.step.ranks_of` counts, then from the first stages.
Dispatch and combine hide behind the other half of a DualPipe pair; weights are gathered and gradients reduced on links
of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.models.spec import Layer
from accord.training import wires
from accord.training.layout import DUALPIPE, FULL, SELECTIVE, Job, Layouts
from accord.training.request import SCHEDULES
from accord.training.schedules import pipeline_s, trusted
from accord.training.step import Micro, Ranks, StepParts, micro_batch, ranks_of, sync_of, train_step
from accord.training.timeline import StageWork, simulate

PERIODS = 3  # rounds of a pipeline's ranks after which its steady state repeats
SHORT = 8192  # tasks of a step that is run to its end
HIDDEN = 0.01  # of a step, below which it does not matter how much of an exchange hides
LIKE = 0.01  # of a stage's time, within which stages count as equal
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Staged:
    """Stages of some layouts: work, one of a layout; ranks: in closed form; send_s: between neighbours, ``(D,)``."""

    work: tuple[StageWork, ...]
    ranks: Ranks
    send_s: Array


@dataclass(frozen=True, slots=True)
class Retimed:
    """Steps by timeline, shape ``(D,)``; parts: of them; closed_s: the same steps in closed form.

    trusted: where the closed form is known to be within 3 % of the timeline: that of the pipeline says so of itself,
        its stages are those it knows of, and little is left of data-parallel exchanges that bubbles or other stages
        may hide
    """

    parts: StepParts
    closed_s: Array
    trusted: npt.NDArray[np.bool_]


def retimed(job: Job, lay: Layouts) -> Retimed:
    """Steps of a few layouts by timeline, one after another.

    Raises UsageError where a schedule is not defined for the counts of a layout.
    """
    staged = staged_of(job, lay)
    closed = train_step(job, lay)
    count = lay.micro_batches(job)
    piped, shown = np.zeros(len(lay)), np.zeros(len(lay))
    for at, work in enumerate(staged.work):
        name = SCHEDULES[int(lay.schedule[at])]
        piped[at], shown[at] = timeline_s(name, int(lay.pp[at]), round(float(count[at])), work, staged.send_s[at])
    data = np.where(lay.zero >= 2.0, closed.data_s, shown)
    few = (lay.zero >= 2.0) | (closed.data_s <= HIDDEN * closed.total_s)
    return Retimed(train_step(job, lay, piped, data), closed.total_s, few & _trusted(lay, count, staged))


def timeline_s(schedule: str, ranks: int, micro_batches: int, work: StageWork, send_s: float) -> tuple[float, float]:
    """Seconds of a pipeline, and what data-parallel exchanges add.

    Of a long step the first rounds are run twice, one round of the ranks apart, and what the round adds goes on: within
    0.5 % of all rounds (``tests/planner/test_train_search_steps.py``).
    """
    stated = next(name for name in SCHEDULES if name == schedule)
    long = len(work.forward_s) * micro_batches > SHORT
    extra = (micro_batches - PERIODS * ranks) // ranks - 1 if long else 0
    least = micro_batches - extra * ranks if extra > 1 else micro_batches
    found = simulate(stated, ranks, least, work, send_s)
    total_s, shown_s = found.total_s, found.exposed_s
    if extra > 1:
        before = simulate(stated, ranks, least - ranks, work, send_s)
        total_s = total_s + extra * (total_s - before.total_s)
    return total_s - shown_s, shown_s


def staged_of(job: Job, lay: Layouts) -> Staged:
    """What every stage of every layout does."""
    micro = micro_batch(job, lay)
    ranks = ranks_of(job, lay, micro)
    kinds = job.spec.distinct_layers
    own = [_passes(job, lay, layer) for layer in kinds]
    order = _order(job)
    sync = sync_of(job, lay)
    twice = np.where(lay.schedule == DUALPIPE, 2.0, 1.0)  # DualPipe's stages are held twice, and counted once
    works = []
    for at in range(len(lay)):
        counts = stage_layers(job.spec.n_layers, int(lay.pp[at]), int(lay.vp[at]), float(ranks.last[at]))
        sums = np.asarray([[one[at] for one in kind] for kind in own])[order]
        ends = np.cumsum(np.concatenate([[0], counts]))
        total = np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums, axis=0)])
        forward, backward, weight, ahead, back = (total[ends[1:]] - total[ends[:-1]]).T
        forward, backward, weight = _with_ends(forward, backward, weight, micro, at)
        link = 0.0 if lay.zero[at] >= 2.0 else 1.0 / (float(lay.vp[at]) * float(twice[at]))
        hides = float(np.max(job.efficiency.get("train.overlap.data")))
        works.append(StageWork(
            forward, backward, weight, ahead, back,
            np.maximum(sync.gather_s[at] * link - hides * forward, 0.0) * (link > 0.0),
            np.maximum(sync.reduce_s[at] * link - hides * (backward + weight), 0.0) * (link > 0.0),
        ))  # fmt: skip
    return Staged(tuple(works), ranks, wires.send_s(job, lay))


def stage_layers(layers: int, ranks: int, virtual: int, last: float) -> Ints:
    """Layers of each stage in the order of the model; last: of the last rank, all its stages together."""
    stages = ranks * virtual
    each = -(-layers // stages)
    counts = np.full(stages, each, dtype=np.int64)
    missing = each * stages - layers
    spare = min(max(round(each * virtual - last), 0), missing)
    own = np.arange(stages - 1, -1, -ranks)
    for at in own:
        taken = min(spare, each)
        counts[at] -= taken
        spare, missing = spare - taken, missing - taken
    others = [at for at in range(stages) if at % ranks != ranks - 1]
    for at in [*others, *own][:missing]:
        counts[at] -= 1
    return counts


def _order(job: Job) -> Ints:
    """Which of the distinct layers each layer is."""
    shapes = [(layer.attention, layer.ffn, layer.norms) for layer in job.spec.distinct_layers]
    found = [shapes.index((layer.attention, layer.ffn, layer.norms)) for layer in job.spec.layers]
    return np.repeat(np.asarray(found, dtype=np.int64), [layer.count for layer in job.spec.layers])


def _passes(job: Job, lay: Layouts, layer: Layer) -> tuple[Array, Array, Array, Array, Array]:
    """Forward, backward, gradients of weights; exchanges of forward and backward; of one layer."""
    alone = msgspec.structs.replace(job.spec, layers=(msgspec.structs.replace(layer, count=1),), mtp=None, mtp_layers=0)
    micro = micro_batch(replace(job, spec=alone, mtp=False), lay)
    one, full = micro.layers, lay.recompute == FULL
    again = np.where(full, one.forward_s, np.where(lay.recompute == SELECTIVE, one.light_s, 0.0))
    both = lay.schedule == DUALPIPE
    stops = micro.tensor_s + micro.context_s
    sent = np.where(both, wires.experts_s(job, lay, layer.ffn), micro.experts_s)
    back_stops = micro.tensor_s + micro.context_back_s + np.where(full, stops, 0.0)
    back_sent = sent + np.where(full, sent, 0.0)
    forward = one.forward_s + np.where(both, stops, 0.0)
    backward = one.backward_s + again + np.where(both, back_stops, 0.0)
    ahead, back = sent + np.where(both, 0.0, stops), back_sent + np.where(both, 0.0, back_stops)
    return forward, backward, one.weight_s, ahead, back


def _with_ends(
    forward: Array, backward: Array, weight: Array, micro: Micro, at: int
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The embedding before the first stage and the head behind the last."""
    first, last = np.zeros(len(forward)), np.zeros(len(forward))
    first[0] = last[-1] = 1.0
    head, words = micro.head, micro.embedding
    return (
        forward + first * words.forward_s[at] + last * head.forward_s[at],
        backward + first * words.backward_s[at] + last * head.backward_s[at],
        weight + first * words.weight_s[at] + last * head.weight_s[at],
    )


def _trusted(lay: Layouts, count: Array, staged: Staged) -> npt.NDArray[np.bool_]:
    """Where the closed form is good enough: what it asks of its stages, and that they are those it knows of."""
    ranks = staged.ranks
    even, seen = np.zeros(len(lay), dtype=bool), np.zeros(len(lay), dtype=bool)
    for at, work in enumerate(staged.work):
        even[at], seen[at] = _level(lay, at, work, ranks)
    stated = trusted(lay.schedule, lay.pp, count, lay.vp, ranks.mean, ranks.slowest, staged.send_s, even * 1.0)
    closed = pipeline_s(lay.schedule, lay.pp, count, lay.vp, ranks.mean, ranks.slowest, staged.send_s)
    sent = np.asarray([float(np.max(work.forward_exchange_s + work.backward_exchange_s)) for work in staged.work])
    bare = np.where(lay.schedule == DUALPIPE, lay.pp * sent <= HIDDEN * closed, True)
    return np.asarray(stated & seen & bare)


def _level(lay: Layouts, at: int, work: StageWork, ranks: Ranks) -> tuple[bool, bool]:
    """Whether stages are as even as :func:`accord.training.schedules.trusted` asks; whether closed forms know them.

    The latter: the mean and the slowest rank are within 1 % of what they are in closed form.
    """
    total = work.forward_s + work.backward_s + work.weight_s
    both = lay.schedule[at] == DUALPIPE
    if not both:
        total = total + work.forward_exchange_s + work.backward_exchange_s
    inner = total[1:-1]
    level = not len(inner) or float(np.ptp(inner)) <= LIKE * float(np.max(inner))
    typical = float(np.median(total))
    if lay.vp[at] > 1.0:
        level = level and total[-1] >= 0.9 * typical
    if both:
        level = level and abs(float(total[0] - total[-1])) <= 0.15 * typical
    pp = int(lay.pp[at])
    held = total.reshape(-1, pp).sum(axis=0)
    held = 0.5 * (held + held[::-1]) if both else held
    mean, most = float(np.mean(held)), float(np.max(held))
    told = float(ranks.mean.total_s[at]), float(ranks.slowest.total_s[at])
    return level, abs(mean - told[0]) <= LIKE * mean and abs(most - told[1]) <= LIKE * most

"""Pipeline schedules in closed form: how long one step's micro-batches take, and how many a rank holds.

Bubbles of equal stages and free links, with f, b, w the forward, gradients of inputs and gradients of weights of one
micro-batch through one rank, p ranks, v virtual stages a rank, and at least as many micro-batches m as ranks:

| schedule | bubble | source |
|---|---|---|
| 1f1b | (p - 1)(f + b + w) | Narayanan et al., arXiv:2104.04473, section 2.2.1 |
| interleaved | (p - 1)(f + b + w) / v | the same, section 2.2.2 |
| zero-bubble | (p - 1)(f + b - w) | Qi et al., arXiv:2401.10241, ZB-H1, where f and b are at least w |
| dualpipe | (p/2 - 1)(f + 2 b - w) | DeepSeek-AI, arXiv:2412.19437, table 2, F&B = f + b + w, for f = b = w |

"zero-bubble" is ZB-H1, the one of that paper that holds no more activations than 1F1B and needs no second copy of
stages. DualPipe holds every stage twice. Formulas here hold where these conditions do not: they are the longest paths
through the tasks that :mod:`accord.training.timeline` runs one by one, exact for equal stages and any send that is
shorter than the work beside it. For unequal stages they know the mean and the slowest rank alone, and :func:`trusted`
says where that is not enough.

A send between ranks waits for nobody, but its receiver waits for it. 1F1B has no micro-batch to spare that would hide
the wait; interleaved stages do, and a DualPipe pair runs its sends beside its own compute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.training.request import SCHEDULES

Truth = npt.NDArray[np.bool_]

INTERLEAVED, ZERO_BUBBLE, DUALPIPE = (SCHEDULES.index(name) for name in ("interleaved", "zero-bubble", "dualpipe"))
FEW = 0.25
"""How much lighter than the others the last stage of uneven ones may be, which then sets the pace of a short step."""
DUALPIPE_ABSORBS = 2.0
"""How much of DualPipe's bubble, in half pipelines, a rank's work above the others' fills: 1 for a rank in the middle,
up to 4 for one at the ends, as :mod:`accord.training.timeline` runs them."""


@dataclass(frozen=True, slots=True)
class Work:
    """Compute of one micro-batch on one pipeline rank, all its virtual stages together, shape ``(D,)`` [s].

    forward_s; backward_s: gradients of inputs, with what is computed again; weight_s: gradients of weights.
    """

    forward_s: Array
    backward_s: Array
    weight_s: Array

    @property
    def total_s(self) -> Array:
        """Forward and both parts of backward."""
        return self.forward_s + self.backward_s + self.weight_s


@dataclass(frozen=True, slots=True)
class _Pipeline:
    """Counts and work of pipelines, shape ``(D,)``.

    more: ranks after the first; filled: micro-batches after the first that fill the pipeline; short: how many fewer
    micro-batches than ranks there are; waits: round trips of the steady state that a send is part of
    rest: mean of the ranks that are not the slowest
    """

    ranks: Array
    micro_batches: Array
    virtual: Array
    mean: Work
    slowest: Work
    rest: Work
    send_s: Array
    even: Array

    @classmethod
    def of(
        cls, ranks: Array, micro_batches: Array, virtual: Array, mean: Work, slowest: Work, send_s: Array, even: Array
    ) -> _Pipeline:
        """Arguments of :func:`pipeline_s`."""

        def rest(mean_s: Array, slowest_s: Array) -> Array:
            return np.maximum(ranks * mean_s - slowest_s, 0.0) / np.maximum(ranks - 1.0, 1.0)

        others = Work(
            rest(mean.forward_s, slowest.forward_s),
            rest(mean.backward_s, slowest.backward_s),
            rest(mean.weight_s, slowest.weight_s),
        )
        sent_s = np.where(ranks > 1.0, send_s, 0.0)
        level = np.where(even, 1.0, 0.0)
        return cls(ranks, micro_batches, virtual, mean, slowest, others, sent_s, level)

    @property
    def more(self) -> Array:
        return self.ranks - 1.0

    @property
    def filled(self) -> Array:
        return np.minimum(self.micro_batches, self.ranks) - 1.0

    @property
    def short(self) -> Array:
        return np.maximum(self.ranks - self.micro_batches, 0.0)

    @property
    def turns(self) -> Array:
        """Rounds of p micro-batches after the first micro-batch."""
        return np.ceil((self.micro_batches - 1.0) / self.ranks)

    @property
    def waits(self) -> Array:
        return self.micro_batches - 1.0 - self.turns

    @property
    def apart_s(self) -> Array:
        """Between a slowest rank that is the last and one that is the first, to fill and to drain the pipeline."""
        rest_s = self.rest.total_s
        return self.filled * np.minimum(self.slowest.total_s - rest_s, rest_s)

    @property
    def steady_s(self) -> Array:
        """Between the slowest rank alone and several of them in a row, where a send waits between them."""
        over_s = (self.micro_batches - 1.0) * (self.slowest.total_s - self.mean.total_s)
        return np.minimum(2.0 * self.waits * self.send_s, over_s)

    @property
    def unknown_s(self) -> Array:
        """What uneven stages take more than a slow last rank does: the middle of what they can."""
        return np.where(self.even > 0.0, 0.0, 0.5 * (self.steady_s - self.apart_s))


def pipeline_s(
    schedule: Array,
    stages: Array,
    micro_batches: Array,
    virtual: Array,
    mean: Work,
    slowest: Work,
    send_s: Array,
    even: Array | None = None,
) -> Array:
    """Seconds from the first forward of a step to the last gradient of a weight, shape ``(D,)``.

    schedule: index into ``SCHEDULES``; stages: pipeline ranks p; micro_batches: of one step and replica
    virtual: virtual stages of a rank, of "interleaved" alone
    mean, slowest: over ranks, where a rank of DualPipe has half of a stage's micro-batches and half of its mirror's
    send_s: of one micro-batch from rank to rank
    even: whether all stages but the first and the last take the same time; all are where it is left out
    """
    pipe = _Pipeline.of(
        stages, micro_batches, virtual, mean, slowest, send_s, np.ones_like(stages) if even is None else even
    )
    choices = [_interleaves(schedule, virtual), schedule == ZERO_BUBBLE, schedule == DUALPIPE]
    times = [_interleaved_s(pipe), _zero_bubble_s(pipe), _dualpipe_s(pipe)]
    return np.asarray(np.select(choices, times, _one_forward_one_backward_s(pipe)), dtype=np.float64)


def _interleaves(schedule: Array, virtual: Array) -> Truth:
    """Whether a rank takes turns between stages; with one stage a rank interleaving is 1F1B."""
    return np.asarray((schedule == INTERLEAVED) & (virtual > 1.0))


def _one_forward_one_backward_s(pipe: _Pipeline) -> Array:
    """One micro-batch there and back, then one after another at the slowest rank or in turns through all of them."""
    others = pipe.micro_batches - 1.0
    through_s = pipe.slowest.total_s + pipe.more * (pipe.rest.total_s + 2.0 * pipe.send_s)
    paced_s = np.maximum(others * pipe.slowest.total_s, others * pipe.mean.total_s + 2.0 * pipe.waits * pipe.send_s)
    return through_s + paced_s + pipe.unknown_s


def _interleaved_s(pipe: _Pipeline) -> Array:
    """Chunks of a v-th of a rank fill the pipeline; a micro-batch passes between ranks ``p v - 1`` times each way."""
    fill_s = pipe.filled * pipe.rest.total_s / pipe.virtual + pipe.short * pipe.rest.total_s
    hops = pipe.ranks * pipe.virtual - 1.0
    return pipe.micro_batches * pipe.slowest.total_s + fill_s + 2.0 * hops * pipe.send_s


def _zero_bubble_s(pipe: _Pipeline) -> Array:
    """The longest of four paths: gradients of inputs, all but late gradients of weights, forwards, or round trips."""
    rest, most, send_s = pipe.rest, pipe.slowest, pipe.send_s
    f, b, w = rest.forward_s, rest.backward_s, most.weight_s
    spared_s = 2.0 * np.minimum(pipe.waits, pipe.more) * send_s
    fill_s = np.maximum(
        pipe.filled * b,
        np.maximum(pipe.filled * (f + b - w), pipe.filled * (f - send_s)) + spared_s,
    )
    ends_s = pipe.short * (f + b) + 2.0 * pipe.more * send_s
    paths_s = pipe.micro_batches * most.total_s + ends_s + fill_s
    mean = pipe.mean
    late = np.minimum(1.0 + pipe.turns, pipe.micro_batches - pipe.filled)
    passes = pipe.ranks + pipe.micro_batches - 1.0
    turns_s = passes * (mean.forward_s + mean.backward_s) + late * mean.weight_s
    turns_s = turns_s + 2.0 * (pipe.more + pipe.waits) * send_s
    return np.maximum(paths_s, turns_s) + pipe.unknown_s


def _dualpipe_s(pipe: _Pipeline) -> Array:
    """Forwards and backwards that fill and drain from both ends; the others run in pairs that hide their sends.

    Uneven work of a rank fills what would be its bubble.
    """
    half = np.maximum(pipe.ranks / 2.0, 1.0)
    mean, send_s = pipe.mean, pipe.send_s
    f, b, w = mean.forward_s, mean.backward_s, mean.weight_s
    alone_s = 2.0 * half * f + half * b + w + 2.0 * (b + w)
    alone_s = alone_s + np.maximum(half * f, (half - 1.0) * (b + send_s))
    alone_s = alone_s + (half - 1.0) * np.maximum(b + send_s, w) + 3.0 * half * send_s
    bubble_s = alone_s - (half + 2.0) * mean.total_s
    bubble_s = bubble_s - DUALPIPE_ABSORBS * (half - 1.0) * (pipe.slowest.total_s - pipe.rest.total_s)
    bubble_s = np.where(pipe.ranks > 1.0, np.maximum(bubble_s, 0.0), 0.0)
    return pipe.micro_batches * pipe.slowest.total_s + bubble_s


def peak_micro_batches(schedule: Array, stages: Array, micro_batches: Array, virtual: Array) -> Array:
    """Micro-batches whose activations the fullest rank holds, in micro-batches of one rank's layers, shape ``(D,)``.

    1F1B and ZB-H1: ``min(p, m)``; interleaved: ``p + (p - 1) / v``; DualPipe: ``p + 1`` (same sources as the bubbles).
    """
    more = stages - 1.0
    peaks = [stages + more / virtual, stages + np.minimum(more, 1.0)]
    peak = np.select([_interleaves(schedule, virtual), schedule == DUALPIPE], peaks, stages)
    return np.asarray(np.minimum(peak, micro_batches), dtype=np.float64)


def allowed(schedule: Array, stages: Array, micro_batches: Array, virtual: Array) -> Truth:
    """Whether the schedule is defined for these counts, shape ``(D,)``.

    Interleaved stages take a multiple of p micro-batches; DualPipe even counts of ranks and of micro-batches, of the
    latter at least 2 p.
    """
    dual = (stages % 2.0 == 0.0) & (micro_batches % 2.0 == 0.0) & (micro_batches >= 2.0 * stages)
    whole = micro_batches % stages == 0.0
    choices = [_interleaves(schedule, virtual), schedule == DUALPIPE]
    return np.asarray(np.select(choices, [whole, dual], np.bool_(True)))


def trusted(
    schedule: Array,
    stages: Array,
    micro_batches: Array,
    virtual: Array,
    mean: Work,
    slowest: Work,
    send_s: Array,
    even: Array,
) -> Truth:
    """Where :func:`pipeline_s` is within 3 % of the timeline, shape ``(D,)``; elsewhere the layout is to be simulated.

    Arguments are those of :func:`pipeline_s`, but ``even`` asks more: of interleaved stages, that the last is at most
    5 % lighter than those between; of DualPipe, that the first and the last differ by at most 10 % of a stage.

    What is compared with the step is how far it could move with the slowest rank at another place, with several such
    ranks in a row, or with too few micro-batches for the slowest rank to set the pace. Limits are set on random layouts
    (``tests/training/test_schedules_random.py``), of which 35 % are not trusted and 93 % are within 3 %.
    """
    pipe = _Pipeline.of(stages, micro_batches, virtual, mean, slowest, send_s, even)
    level = pipe.even > 0.0
    rest_s = pipe.rest.total_s
    over_s = slowest.total_s - rest_s
    step_s = micro_batches * slowest.total_s + pipe.filled * rest_s
    few_s = np.where(~level & (micro_batches < stages), FEW * pipe.filled * rest_s, 0.0)
    moved_s = pipe.apart_s + pipe.steady_s
    plain = moved_s + few_s <= np.where(level, 0.03, 0.06) * step_s
    zero = moved_s + np.minimum(over_s, rest_s) <= np.where(level, 0.025, 0.025) * step_s
    wave_s = micro_batches * slowest.total_s + pipe.filled * rest_s / virtual
    inter = level & (pipe.filled * over_s <= 0.02 * wave_s)
    dual = (stages / 2.0 - 1.0) * over_s <= np.where(level, 0.006, 0.003) * step_s
    dual = dual & (level | (stages <= 8.0))
    choices = [_interleaves(schedule, virtual), schedule == ZERO_BUBBLE, schedule == DUALPIPE]
    return np.asarray(np.select(choices, [inter, zero, dual], plain) | (stages <= 1.0))

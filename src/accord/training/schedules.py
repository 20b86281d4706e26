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
    """

    ranks: Array
    micro_batches: Array
    virtual: Array
    mean: Work
    slowest: Work
    send_s: Array
    even: Array

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
    def rest(self) -> Work:
        """Mean of the ranks that are not the slowest."""

        def of(mean_s: Array, slowest_s: Array) -> Array:
            return np.maximum(self.ranks * mean_s - slowest_s, 0.0) / np.maximum(self.more, 1.0)

        mean, most = self.mean, self.slowest
        return Work(
            of(mean.forward_s, most.forward_s), of(mean.backward_s, most.backward_s), of(mean.weight_s, most.weight_s)
        )

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
    virtual = np.where(schedule == INTERLEAVED, virtual, 1.0)
    send_s = np.where(stages > 1.0, send_s, 0.0)
    even = np.ones_like(stages) if even is None else even * 1.0
    pipe = _Pipeline(stages, micro_batches, virtual, mean, slowest, send_s, even)
    choices = [schedule == INTERLEAVED, schedule == ZERO_BUBBLE, schedule == DUALPIPE]
    times = [_interleaved_s(pipe), _zero_bubble_s(pipe), _dualpipe_s(pipe)]
    return np.asarray(np.select(choices, times, _one_forward_one_backward_s(pipe)), dtype=np.float64)


def _one_forward_one_backward_s(pipe: _Pipeline) -> Array:
    """One micro-batch there and back, then one after another at the slowest rank or in turns through all of them."""
    others = pipe.micro_batches - 1.0
    through_s = pipe.ranks * pipe.mean.total_s + 2.0 * pipe.more * pipe.send_s
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
    peak = np.select([schedule == INTERLEAVED, schedule == DUALPIPE], peaks, stages)
    return np.asarray(np.minimum(peak, micro_batches), dtype=np.float64)


def allowed(schedule: Array, stages: Array, micro_batches: Array, virtual: Array) -> Truth:
    """Whether the schedule is defined for these counts, shape ``(D,)``.

    Interleaved stages take a multiple of p micro-batches; DualPipe even counts of ranks and of micro-batches, of the
    latter at least 2 p.
    """
    dual = (stages % 2.0 == 0.0) & (micro_batches % 2.0 == 0.0) & (micro_batches >= 2.0 * stages)
    inter = (virtual <= 1.0) | (micro_batches % stages == 0.0)
    return np.asarray(np.select([schedule == INTERLEAVED, schedule == DUALPIPE], [inter, dual], np.bool_(True)))

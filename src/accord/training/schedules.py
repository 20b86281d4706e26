"""Pipeline schedules in closed form: how long one step's micro-batches take, and how many a rank holds.

Bubbles of equal stages and free links, with f, b, w the forward, input gradients and weight gradients of one micro-batch
through one rank, p stages and v virtual stages a rank:

| schedule | bubble | source |
|---|---|---|
| 1f1b | (p - 1)(f + b + w) | Narayanan et al., arXiv:2104.04473, section 2.2 |
| interleaved | (p - 1)(f + b + w) / v | the same, section 2.2 |
| zero-bubble (ZB-H1) | (p - 1)(f + b - w) | Qi et al., arXiv:2401.10241, table 2 |
| dualpipe | (p/2 - 1)(f + 2 b - w) | DeepSeek-AI, arXiv:2412.19437, table 2, with F&B = f + b + w and B = b + w |

"zero-bubble" is ZB-H1, the one of that paper that holds no more activations than 1F1B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.training.request import SCHEDULES

ONE_F_ONE_B, INTERLEAVED, ZERO_BUBBLE, DUALPIPE = (
    SCHEDULES.index(name) for name in ("1f1b", "interleaved", "zero-bubble", "dualpipe")
)


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


def pipeline_s(
    schedule: Array, stages: Array, micro_batches: Array, virtual: Array, mean: Work, slowest: Work, send_s: Array
) -> Array:
    """Seconds from the first forward of a step to the last gradient of a weight, shape ``(D,)``.

    schedule: index into ``SCHEDULES``; stages: pipeline ranks p; micro_batches: of one step and replica;
    virtual: virtual stages of a rank (of "interleaved" alone)
    mean, slowest: over ranks; send_s: of one micro-batch from rank to rank
    """
    one_pass_s = stages * mean.total_s
    steady_s = (micro_batches - 1.0) * slowest.total_s
    hops = stages - 1.0
    plain_s = one_pass_s + steady_s + 2.0 * hops * send_s
    interleaved_s = slowest.total_s * micro_batches + hops * mean.total_s / virtual + 2.0 * hops * send_s
    zero_s = (
        slowest.total_s * micro_batches
        + hops * np.maximum(mean.forward_s + mean.backward_s - mean.weight_s, 0.0)
        + 2.0 * hops * send_s
    )
    both = np.maximum(stages / 2.0 - 1.0, 0.0)
    dual_s = (
        slowest.total_s * micro_batches
        + both * np.maximum(mean.forward_s + 2.0 * mean.backward_s - mean.weight_s, 0.0)
        + hops * send_s
    )
    return np.select(
        [schedule == INTERLEAVED, schedule == ZERO_BUBBLE, schedule == DUALPIPE],
        [interleaved_s, zero_s, dual_s],
        plain_s,
    )


def peak_micro_batches(schedule: Array, stages: Array, micro_batches: Array, virtual: Array) -> Array:
    """Micro-batches whose activations the fullest rank holds, in micro-batches of one rank's layers, shape ``(D,)``.

    1F1B and ZB-H1: ``min(p, m)``; interleaved: ``p + (p - 1) / v``; DualPipe: ``p + 1`` (same sources as the bubbles).
    """
    peak = np.select(
        [schedule == INTERLEAVED, schedule == DUALPIPE],
        [stages + (stages - 1.0) / virtual, stages + np.where(stages > 1.0, 1.0, 0.0)],
        stages,
    )
    return np.minimum(peak, micro_batches)

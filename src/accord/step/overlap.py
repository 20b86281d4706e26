"""Two microbatches on two resources: the device and the wires.

Cut in two, a layer becomes two chains of device work and exchanges. In the repeating schedule a
layer takes as long as the busiest resource, and no less than one chain from end to end:

``max(2 device, 2 exchange, device + exchange)``   (each of half the tokens)

Exchanges run on cores of the device (vector cores, streaming multiprocessors), so device work
beside them is slower by the factor ``overlap.slowdown``.
"""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Number
from accord.step.breakdown import LayerTime


def overlapped(half: LayerTime, slowdown: Number) -> LayerTime:
    """Two microbatches of ``half`` each; only the exchange time that nothing hides is kept."""
    exchanging = half.exchange_s > 0.0
    factor = np.where(exchanging, slowdown, 1.0)
    device = half.device_s * factor
    period = np.maximum(np.maximum(2.0 * device, 2.0 * half.exchange_s), device + half.exchange_s)
    return LayerTime(
        2.0 * factor * half.attention_s, 2.0 * factor * half.ffn_s, 2.0 * factor * half.reduce_s, period - 2.0 * device
    )


def choose(whole: LayerTime, split: LayerTime, microbatches: Array) -> tuple[LayerTime, Array]:
    """What the deployment asks for, the faster where it asks for none; and the number chosen."""
    total_whole = whole.device_s + whole.exchange_s
    total_split = split.device_s + split.exchange_s
    two = np.where(microbatches == 0.0, total_split < total_whole, microbatches >= 2.0)
    chosen = LayerTime(
        np.where(two, split.attention_s, whole.attention_s),
        np.where(two, split.ffn_s, whole.ffn_s),
        np.where(two, split.reduce_s, whole.reduce_s),
        np.where(two, split.exchange_s, whole.exchange_s),
    )
    return chosen, np.where(two, 2.0, 1.0)

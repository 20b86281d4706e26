"""A step in parts that sum to the whole."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from accord.base.array import Array


@dataclass(frozen=True, slots=True)
class StepTime:
    """Seconds of one step, shape ``(D,)``; ``total_s`` is the sum of the other fields.

    attention_s, ffn_s: device work of the layers; reduce_s: all-reduces; exchange_s: the part of
    dispatch and combine that nothing hides; head_s: embedding, output words, sampling;
    draft_s: multi-token prediction; pipeline_s: hand-over between stages; outside_s: host and engine
    """

    attention_s: Array
    ffn_s: Array
    reduce_s: Array
    exchange_s: Array
    head_s: Array
    draft_s: Array
    pipeline_s: Array
    outside_s: Array

    @property
    def total_s(self) -> Array:
        """The step."""
        return np.asarray(sum(getattr(self, field.name) for field in fields(self)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LayerTime:
    """Seconds of one group of equal layers by resource, shape ``(D,)``."""

    attention_s: Array
    ffn_s: Array
    reduce_s: Array
    exchange_s: Array

    @property
    def device_s(self) -> Array:
        """Work that holds the device (reductions block it)."""
        return self.attention_s + self.ffn_s + self.reduce_s

    def pick(self, at: int) -> LayerTime:
        """One of several steps: the entry ``at`` of the first axis of every array."""
        return LayerTime(self.attention_s[at], self.ffn_s[at], self.reduce_s[at], self.exchange_s[at])

    def __add__(self, other: LayerTime) -> LayerTime:
        """Two groups after one another."""
        return LayerTime(
            self.attention_s + other.attention_s, self.ffn_s + other.ffn_s,
            self.reduce_s + other.reduce_s, self.exchange_s + other.exchange_s,
        )  # fmt: skip

"""One pool at constant load: decode with a fixed batch, prefill with fixed step tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.inference.slo import tokens_per_iteration
from accord.parallel.memory import Memory, decode_memory, prefill_memory
from accord.parallel.plan import Deployments, Setting
from accord.step.breakdown import StepTime
from accord.step.decode import decode_step
from accord.step.prefill import prefill_step


@dataclass(frozen=True, slots=True)
class DecodePoint:
    """A decode pool, shape ``(D,)``: time per output token [s] and tokens/s per device."""

    step: StepTime
    microbatches: Array
    iteration_s: Array
    tpot_s: Array
    tokens_per_s_per_device: Array
    memory: Memory


@dataclass(frozen=True, slots=True)
class PrefillPoint:
    """A prefill pool, shape ``(D,)``: step time [s] and prompt tokens/s per device.

    tokens_per_s_per_device counts computed tokens; served tokens include those found in the cache.
    """

    step: StepTime
    microbatches: Array
    step_s: Array
    tokens_per_s_per_device: Array
    served_tokens_per_s_per_device: Array
    memory: Memory


def decode_point(setting: Setting, plan: Deployments) -> DecodePoint:
    """Steady decode of ``plan.batch`` requests a device."""
    step, microbatches = decode_step(setting, plan)
    iteration = step.total_s
    tpot = iteration / tokens_per_iteration(plan.mtp_tokens, plan.accept)
    return DecodePoint(step, microbatches, iteration, tpot, plan.batch / tpot, decode_memory(setting, plan))


def prefill_point(setting: Setting, plan: Deployments, load_s: Array | None = None) -> PrefillPoint:
    """Steady prefill of ``plan.tokens`` prompt tokens a device and step.

    load_s: time to fetch reused cache entries for one step, not hidden by compute; none if omitted
    """
    step, microbatches = prefill_step(setting, plan)
    total = step.total_s + (load_s if load_s is not None else 0.0)
    served = plan.tokens / np.maximum(total, 1e-12)
    computed = served * (1.0 - plan.reuse)
    return PrefillPoint(step, microbatches, total, computed, served, prefill_memory(setting, plan))


def largest_batch(setting: Setting, plan: Deployments, tpot_s: float) -> Array:
    """The most requests a device that keep TPOT within ``tpot_s`` and fit its memory, at least 1.

    Doubling, then halving the gap; whole requests.
    """
    low, high = np.ones_like(plan.tp), np.full_like(plan.tp, 4096.0)
    for _ in range(12):
        middle = np.floor((low + high) / 2.0)
        point = decode_point(setting, plan.with_(batch=middle))
        good = (point.tpot_s <= tpot_s) & (point.memory.free_bytes >= 0.0)
        low, high = np.where(good, middle, low), np.where(good, high, middle)
    return low

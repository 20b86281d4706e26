"""The answer to a request, and what to say when none of it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accord.base.array import Array
from accord.base.errors import DoesNotFit
from accord.inference.complete import Layout
from accord.inference.points import merge_arrays
from accord.parallel.memory import Memory, decode_memory
from accord.parallel.plan import Deployments, Setting
from accord.step.breakdown import StepTime

MOST_FACTOR = 1024.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Answer to a request, shape ``(D,)`` per metric.

    points: the values of the listed fields for each entry; assumed: fields filled by default
    chips: packages at work; idle: devices given that no whole instance uses
    steps, memories: by pool (``prefill``, ``decode``), where the phase has them
    """

    metrics: Mapping[str, Array]
    points: tuple[Mapping[str, float], ...]
    assumed: tuple[str, ...]
    steps: Mapping[str, StepTime]
    memories: Mapping[str, Memory]
    setting: Setting
    plans: Mapping[str, Deployments]
    layouts: Mapping[str, Layout]
    chips: float
    idle: int


def merge(parts: Sequence[Estimate]) -> Estimate:
    """Points of several layouts after one another; layouts, setting and chips are the first one's."""
    first = parts[0]
    if len(parts) == 1:
        return first
    names = [name for name in first.metrics if all(name in part.metrics for part in parts)]
    return replace(
        first,
        metrics={name: np.concatenate([part.metrics[name] for part in parts]) for name in names},
        points=tuple(point for part in parts for point in part.points),
        assumed=tuple(dict.fromkeys(name for part in parts for name in part.assumed)),
        steps={pool: merge_arrays([(part.steps[pool], len(part.points)) for part in parts]) for pool in first.steps},
        memories={
            pool: merge_arrays([(part.memories[pool], len(part.points)) for part in parts]) for pool in first.memories
        },
        plans={pool: merge_arrays([(part.plans[pool], len(part.points)) for part in parts]) for pool in first.plans},
    )


def fitting(done: Estimate) -> npt.NDArray[np.bool_]:
    """Which points fit their memory, shape ``(D,)``."""
    fits = np.ones(len(done.points), dtype=np.bool_)
    for memory in done.memories.values():
        fits &= np.broadcast_to(memory.free_bytes >= 0.0, fits.shape)
    return fits


def refuse(done: Estimate) -> None:
    """Refuse when no point fits, by the pool that misses least. Raises DoesNotFit."""
    pool, memory = max(done.memories.items(), key=lambda item: -float(np.max(item[1].free_bytes)))
    plan, at = done.plans[pool], int(np.argmax(memory.free_bytes))
    setting = done.setting
    raise DoesNotFit(
        f"{setting.spec.id} {pool} needs {float(memory.used_bytes[at]) / 1e9:,.1f} GB on a device of "
        f"{float(memory.capacity_bytes[at]) / 1e9:,.1f} GB: {-float(memory.free_bytes[at]) / 1e9:,.1f} GB too much",
        hint=nearest_fit(setting, plan.take(slice(at, at + 1)), memory, at),
    )


def nearest_fit(setting: Setting, plan: Deployments, memory: Memory, at: int) -> str:
    """The smallest change that fits: fewer requests, else more ranks, else shorter requests."""
    fixed = float(memory.weights_bytes[at] + memory.reserve_bytes[at] + memory.activation_bytes[at])
    room, cache = float(memory.capacity_bytes[at]) - fixed, float(memory.cache_bytes[at])
    batch = float(plan.batch[0])
    if room > 0.0 and cache > 0.0 and np.floor(batch * room / cache) >= 1.0:
        return f"--batch-per-device {int(np.floor(batch * room / cache))} fits"
    spread = setting.spec.is_moe and float(plan.groups[0]) > 1.0
    factor = 2.0
    while factor <= MOST_FACTOR:
        wider = plan.with_(dp=plan.dp * factor, ep=plan.ep * factor) if spread else plan.with_(tp=plan.tp * factor)
        if float(decode_memory(setting, wider).free_bytes[0]) >= 0.0:
            flag = f"--ep {float(wider.ep[0]):g}" if spread else f"--tp {float(wider.tp[0]):g}"
            return f"{flag} fits, or use a narrower --weights format"
        factor *= 2.0
    return "shorten the requests (--kv-len, --isl, --osl), or use a narrower --weights or --kv format"

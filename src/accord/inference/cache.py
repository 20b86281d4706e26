"""Context caching in pooled host memory: what reuse saves and what fetching costs.

Reused entries come from the pool over a plane at the rate of one device, after software has looked
them up and gathered their blocks at a rate of its own (``pool.software_rate``). The step starts
when they are there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError
from accord.parallel.memory import cache_bytes_per_request
from accord.parallel.plan import Deployments, Setting


@dataclass(frozen=True, slots=True)
class Reuse:
    """Which plane of the pool is used; None takes the first."""

    plane: str | None = None


def reuse_load_s(setting: Setting, plan: Deployments, reuse: Reuse) -> Array:
    """Time to fetch the reused entries of one prefill step, shape ``(D,)``.

    Raises UsageError when there is reuse but no pool, or the plane does not reach it.
    """
    if np.all(plan.reuse == 0.0):
        return np.zeros_like(plan.tp)
    paths = setting.machine.pools
    if not paths:
        raise UsageError(
            f"{setting.machine.id} has no pooled memory to reuse context from",
            hint="leave --reuse out, or name a system whose catalog entry has a memory pool",
        )
    named = [path for path in paths if reuse.plane is None or path.plane.lower() == reuse.plane.lower()]
    if not named:
        raise UsageError(
            f"plane '{reuse.plane}' does not reach the memory pool of {setting.machine.id}",
            hint=f"use one of {', '.join(path.plane for path in paths)}",
        )
    path = named[0]
    requests = plan.tokens * plan.tp / np.maximum(plan.isl, 1.0)
    fetched = requests * cache_bytes_per_request(setting, plan, plan.isl * plan.reuse)
    gathering = fetched / setting.efficiency.get("pool.software_rate")
    return np.where(plan.reuse > 0.0, path.latency_s + fetched / path.bytes_per_s + gathering, 0.0)

"""What an engine's host adds to a step.

- An engine that schedules, samples and hands over in turn with the device adds all of it.
- With asynchronous scheduling the host prepares the next step while the device works on this one: it adds what is left
  between two steps, and how much longer than the device it takes, if it does.
- Where sampling and the next inputs stay on the device, one graph launch is added to a decode step.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accord.base.array import Array
from accord.hardware.derate import Efficiency, Number
from accord.parallel.plan import Setting

ASYNC, LOOP = "async_scheduling", "device_loop"


def outside_s(efficiency: Efficiency, device_s: Array, requests: Array, *, decode: bool) -> Array:
    """Seconds a step takes beyond ``device_s`` of the device.

    requests: that the host looks after in the step; decode: a step without prompt tokens
    """
    host = host_s(efficiency, requests, decode=decode)
    if not efficiency.has(ASYNC):
        return host
    return np.asarray(efficiency.get("engine.async_s") + np.maximum(host - device_s, 0.0), dtype=np.float64)


def host_s(efficiency: Efficiency, requests: Array, *, decode: bool) -> Array:
    """Seconds of host work on a step of ``requests``."""
    fixed: Number = efficiency.get("engine.graph_launch_s" if decode and efficiency.has(LOOP) else "engine.iteration_s")
    return np.asarray(fixed + efficiency.get("engine.sequence_s") * requests, dtype=np.float64)


def with_overhead(setting: Setting, step_overhead_s: float | None) -> Setting:
    """The setting with a stated host time between steps in place of the engine's; None keeps the engine's."""
    if step_overhead_s is None:
        return setting
    efficiency = setting.efficiency
    if efficiency.has(ASYNC):
        stated = {"engine.async_s": step_overhead_s, "engine.iteration_s": 0.0}
    else:
        stated = {"engine.iteration_s": step_overhead_s}
    if efficiency.has(LOOP):
        stated["engine.graph_launch_s"] = step_overhead_s
    numbers = dict(efficiency.numbers) | {efficiency.name_of(name): value for name, value in stated.items()}
    return replace(setting, efficiency=replace(efficiency, numbers=numbers))

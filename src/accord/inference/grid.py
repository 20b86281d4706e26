"""Many deployments at once: decode, prefill and memory over arrays, in slices that stay in cache."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array
from accord.inference.pools import decode_point, prefill_point
from accord.parallel.plan import Deployments, Setting

SLICE = 4096


@dataclass(frozen=True, slots=True)
class Grid:
    """Answers for ``D`` deployments: TPOT [s], rates per device [token/s], and whether each fits."""

    tpot_s: Array
    decode_tokens_per_s_per_device: Array
    prefill_tokens_per_s_per_device: Array
    prefill_step_s: Array
    fits: Array


def evaluate(setting: Setting, plan: Deployments) -> Grid:
    """Estimate every deployment of ``plan`` in both phases, shape ``(D,)`` each.

    Deployments with and without separate attention groups may be mixed; each kind is computed in
    slices of :data:`SLICE`.
    """
    count = len(plan)
    columns = {name: np.empty(count) for name in Grid.__dataclass_fields__}
    separate = plan.groups > 1.0
    for kind in (True, False):
        chosen = np.flatnonzero(separate == kind)
        for start in range(0, len(chosen), SLICE):
            index = chosen[start : start + SLICE]
            part = plan.pick(index)
            decode, prefill = decode_point(setting, part), prefill_point(setting, part)
            columns["tpot_s"][index] = decode.tpot_s
            columns["decode_tokens_per_s_per_device"][index] = decode.tokens_per_s_per_device
            columns["prefill_tokens_per_s_per_device"][index] = prefill.tokens_per_s_per_device
            columns["prefill_step_s"][index] = prefill.step_s
            columns["fits"][index] = (decode.memory.free_bytes >= 0.0) & (prefill.memory.free_bytes >= 0.0)
    return Grid(**columns)

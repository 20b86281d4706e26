"""How far a prediction of a kind is usually off: residual log errors of a chip family.

A full posterior belongs here later; until then every kind of prediction has one residual standard
deviation per chip family, in log space, kept with the family's parameters.
"""

from __future__ import annotations

import math
from statistics import NormalDist

KERNEL_PREFIXES = ("gemm_", "mla_", "mha_", "ep_", "link_")
POOL_PREFIXES = ("prefill_", "decode_", "input_token_per_s_per_chip", "layer_", "iteration_s", "step_s")


def kind_of(metric: str, phase: str) -> str:
    """``kernel``, ``pool``, ``split`` or ``serve``: which residual a metric follows.

    A disaggregated deployment (phase ``split``) is two pools and the balance between them.
    """
    if metric.startswith(KERNEL_PREFIXES):
        return "kernel"
    if metric.startswith(POOL_PREFIXES) or phase in ("prefill", "decode", "cache"):
        return "pool"
    return "split" if phase == "split" else "serve"


def factor(log_sd: float, level: float) -> float:
    """Half-width factor: ``level`` of all answers lie in ``[x / f, x * f]`` for log-normal residuals."""
    return math.exp(NormalDist().inv_cdf(0.5 + level / 2.0) * log_sd)

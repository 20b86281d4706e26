"""How far a prediction of a kind is usually off: residual log errors of a chip family.

A full posterior belongs here later; until then every kind of prediction has one residual standard
deviation per chip family, in log space, kept with the family's parameters.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from accord.base.errors import UsageError

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
    """Half-width factor: ``level`` of all answers lie in ``[x / f, x * f]`` for log-normal residuals.

    Raises UsageError for a level that is no share between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"a level of {level:g}", where="--level", hint="give a share between 0 and 1, such as 0.9")
    return math.exp(NormalDist().inv_cdf(0.5 + level / 2.0) * log_sd)

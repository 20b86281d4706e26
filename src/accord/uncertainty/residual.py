"""How far a prediction of a kind is usually off, beyond what its parameters explain.

Every kind of prediction has one residual standard deviation per chip family, in log space, kept with the
family's parameters. It is independent of the parameters and of the facts, so variances add.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from accord.base.errors import UsageError

KERNEL_PREFIXES = ("gemm_", "mla_", "mha_", "ep_", "link_")
POOL_PREFIXES = ("prefill_", "decode_", "input_token_per_s_per_chip", "layer_", "iteration_s", "step_s")


def kind_of(metric: str, phase: str) -> str:
    """``kernel``, ``pool``, ``split``, ``serve``, ``offline``, ``flood`` or ``wait``: which residual a metric follows.

    A disaggregated deployment (phase ``split``) is two pools and the balance between them; a number of requests
    submitted at once (``flood``) has a ramp and a tail that saturation (``offline``) has not; what waits in a
    queue (time to first token under load) is far less sure than what is computed.
    """
    if metric.startswith("ttft_") and phase in ("serve", "offline", "split"):
        return "wait"
    if metric.startswith(KERNEL_PREFIXES):
        return "kernel"
    if metric.startswith(POOL_PREFIXES) or phase in ("prefill", "decode", "cache"):
        return "pool"
    return phase if phase in ("split", "offline", "flood") else "serve"


def quantile(level: float) -> float:
    """Standard deviations on either side of the middle that hold ``level`` of a normal distribution.

    Raises UsageError for a level that is no share between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"a level of {level:g}", where="--level", hint="give a share between 0 and 1, such as 0.9")
    return NormalDist().inv_cdf(0.5 + level / 2.0)


def half_width(param_log_sd: float, residual_log_sd: float, level: float) -> float:
    """Half the width of an interval of ``level`` in log space: ``[x / exp(h), x exp(h)]``.

    param_log_sd: standard deviation from parameters and facts; residual_log_sd: of ln(predicted / measured) else
    Raises UsageError for a level that is no share between 0 and 1.
    """
    return quantile(level) * math.hypot(param_log_sd, residual_log_sd)

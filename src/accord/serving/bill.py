"""Energy and rent of a run, from plain numbers."""

from __future__ import annotations

from collections.abc import Mapping

from accord.base.errors import UsageError
from accord.serving.result import Outcome, PoolUse
from accord.serving.window import chips, share, window

S_PER_HOUR = 3600.0


def energy(outcome: Outcome, *, full_w: float | Mapping[str, float], idle_share: float) -> dict[str, float]:
    """Energy of a run from its first arrival to its last end.

    full_w: power of one chip with its part of the rest, while an iteration runs [W], or that of each pool by name
    idle_share: of that power, drawn at every other time, also while an instance loads or is down [1]
    A chip draws ``idle + busy share x (full - idle)``. Returns ``energy_j``, ``power_w`` (mean of all chips), and,
    where tokens were given, ``output_token_per_j`` and ``j_per_output_token``.
    Raises UsageError for a negative power, a share outside 0 to 1, or a pool without a power.
    """
    if not 0.0 <= idle_share <= 1.0:
        raise UsageError(f"the idle share of the power is {idle_share:g}", hint="give a share between 0 and 1")
    span, total_j = window(outcome), 0.0
    for pool in outcome.pools:
        busy_s = pool.chips * pool.busy_s
        idle_s = max(chips(outcome, pool, span) * span.seconds - busy_s, 0.0)
        total_j += _of(full_w, pool, "power") * (busy_s + idle_share * idle_s)
    found = {"energy_j": total_j}
    if span.seconds > 0.0:
        found["power_w"] = total_j / span.seconds
    tokens = float(share(outcome, span).output.sum())
    if tokens > 0.0 and total_j > 0.0:
        found |= {"output_token_per_j": tokens / total_j, "j_per_output_token": total_j / tokens}
    return found


def cost(outcome: Outcome, *, usd_per_chip_hour: float | Mapping[str, float]) -> dict[str, float]:
    """Rent of all chips from the first arrival to the last end, whether they work or not.

    Where instances come and go, of those in service (:func:`accord.serving.window.chips`).

    usd_per_chip_hour: price [USD/h], or that of each pool by name
    Returns ``cost_usd`` and, where tokens were given, ``usd_per_output_token``.
    Raises UsageError for a negative price or a pool without one.
    """
    span = window(outcome)
    hours = span.seconds / S_PER_HOUR
    total_usd = sum(
        _of(usd_per_chip_hour, pool, "price") * chips(outcome, pool, span) * hours for pool in outcome.pools
    )
    found = {"cost_usd": total_usd}
    tokens = float(share(outcome, span).output.sum())
    if tokens > 0.0:
        found["usd_per_output_token"] = total_usd / tokens
    return found


def _of(given: float | Mapping[str, float], pool: PoolUse, what: str) -> float:
    """The number of a pool."""
    if isinstance(given, Mapping):
        if pool.name not in given:
            raise UsageError(f"pool '{pool.name}' has no {what}", hint=f"given are: {', '.join(given) or 'none'}")
        given = given[pool.name]
    if not given >= 0.0:
        raise UsageError(f"the {what} of pool '{pool.name}' is {given:g}", hint="it may not be negative")
    return given

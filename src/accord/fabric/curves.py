"""Rates, latencies and ramps of a tier under a collective, from the parameters of :class:`Efficiency`.

A transfer is cut in as many chunks as make it quickest, so it takes ``y + 2 sqrt(chunk x y)`` with ``y`` its bytes
over the rate of the link: a rate that ramps up with the bytes and reaches the link's share in the end.
"""

from __future__ import annotations

import numpy as np

from accord.base.array import Array
from accord.fabric.spans import Span
from accord.hardware.derate import Efficiency, Number
from accord.hardware.fabric import FabricTier


def share_of(tier: FabricTier, efficiency: Efficiency) -> tuple[Number, Number]:
    """What large collectives reach of a rate [1], and that rate [B/s per device].

    Measured copies between two devices stand above the nominal rate where the catalog has them.
    """
    if tier.read_bytes_per_s is not None:
        return efficiency.get("collective.share.measured"), tier.read_bytes_per_s
    return efficiency.get(f"collective.share.{tier.kind}"), tier.bytes_per_s


def rate_of(span: Span, efficiency: Efficiency) -> Array:
    """Rate that a group reaches on a tier [B/s per device and direction], shape ``(D,)``."""
    share, nominal = share_of(span.tier, efficiency)
    return np.asarray(share * nominal * span.links / span.tier.oversubscription)


def sum_rate_of(span: Span, efficiency: Efficiency) -> Array:
    """Rate of sums inside the switch [B/s per device and direction]."""
    nominal = span.tier.bytes_per_s * efficiency.get("collective.share.switch")
    return np.asarray(nominal / span.tier.oversubscription * np.ones_like(span.links))


def step_s(tier: FabricTier, efficiency: Efficiency) -> Number:
    """Seconds from one rank of a ring or tree to the next over a tier, without bytes."""
    own = efficiency.get(f"collective.step_s.{tier.kind}")
    return own if tier.latency_s is None else np.maximum(own, tier.latency_s)


def ramp_s(busy: Array, efficiency: Efficiency) -> Array:
    """Seconds of the best number of chunks beyond the bytes over the rate."""
    return np.asarray(2.0 * np.sqrt(efficiency.get("collective.chunk_s") * busy))


def residual_log_sd(latency_share: Array, outside: Array, efficiency: Efficiency) -> Array:
    """Spread of ln(measured / predicted) beyond that of the parameters, shape ``(D,)``.

    latency_share: of the time [1]; outside: whether the group leaves the scale-up domain
    """
    small = efficiency.scalar("residual.collective.latency")
    large = efficiency.scalar("residual.collective.rate")
    inside = np.sqrt(latency_share * small**2 + (1.0 - latency_share) * large**2)
    farther = efficiency.scalar("residual.collective.scale-out")
    return np.where(outside, np.hypot(inside, farther), inside)

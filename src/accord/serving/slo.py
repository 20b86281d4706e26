"""Limits on what a user waits for, and which requests keep them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accord.base.errors import UsageError
from accord.serving.latency import Latencies
from accord.serving.percentiles import share_within
from accord.serving.result import COMPLETED, UNFINISHED, Outcome
from accord.serving.window import Mask, arrived

NO_LIMIT = math.inf
LIMITS = ("ttft_s", "tpot_s", "e2e_s", "itl_s")


@dataclass(frozen=True, slots=True)
class Slo:
    """A class of service: limits that a request keeps all together, and how many requests must.

    ttft_s, tpot_s, e2e_s: of a request, infinite for no limit; one token alone has no TPOT and keeps that limit
    itl_s: of a gap between tokens; gaps are not kept by request, so it is judged over all gaps of the run
    tenant: only requests of this tenant are judged; needed: share that must keep the limits; name: for tables
    Raises UsageError for a limit of 0 or less, a share outside 0 to 1, no limit at all, or ``itl_s`` of one tenant.
    """

    ttft_s: float = NO_LIMIT
    tpot_s: float = NO_LIMIT
    e2e_s: float = NO_LIMIT
    itl_s: float = NO_LIMIT
    tenant: str | None = None
    needed: float = 0.9
    name: str = "slo"

    def __post_init__(self) -> None:
        """Refuse what cannot be kept or judged."""
        for limit in LIMITS:
            if not getattr(self, limit) > 0.0:
                raise UsageError(f"{limit} of '{self.name}' is {getattr(self, limit):g}", hint="a limit is above 0 s")
        if not self.limits():
            raise UsageError(f"'{self.name}' has no limit", hint=f"give one of {', '.join(LIMITS)}")
        if not 0.0 < self.needed <= 1.0:
            raise UsageError(f"the share needed by '{self.name}' is {self.needed:g}", hint="such as 0.9")
        if self.tenant is not None and math.isfinite(self.itl_s):
            raise UsageError(
                f"'{self.name}' limits gaps of tenant '{self.tenant}' alone, but gaps are counted over all tenants",
                hint="limit tpot_s, or leave the tenant out",
            )

    def limits(self) -> dict[str, float]:
        """The limits that are stated [s], by name."""
        return {limit: value for limit in LIMITS if math.isfinite(value := getattr(self, limit))}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Shape ``(N,)``: requests a limit is for, those that keep it, and those that certainly do not."""

    concerned: Mask
    kept: Mask
    missed: Mask


@dataclass(frozen=True, slots=True)
class Attainment:
    """How a limit fared.

    figures: ``requests`` judged, the ``share`` of them that keep it, ``goodput_request_per_s``, and ``itl_share`` of
        gaps within ``itl_s``; what there is nothing to tell of is absent
    attained: the share, and that of gaps where they are limited, reach what is needed; None where nobody was judged
    """

    slo: Slo
    figures: Mapping[str, float]
    attained: bool | None


def verdict(slo: Slo, outcome: Outcome, seconds: Latencies) -> Verdict:
    """Judge every request of a run.

    Only completed requests keep a limit. Failed and cancelled ones miss it. A request that the end of the run left
    unfinished misses it if it is already too late, and is not judged otherwise.
    """
    found, radio_s = outcome.requests, outcome.workload.radio_s
    concerned = arrived(outcome) & _of_tenant(slo, outcome)
    late = (seconds.ttft_s > slo.ttft_s) | (seconds.tpot_s > slo.tpot_s) | (seconds.e2e_s > slo.e2e_s)
    kept = concerned & (found.status == COMPLETED) & ~late
    so_far_s = outcome.end_s - found.arrival_s + radio_s
    least_tpot_s = (outcome.end_s - found.first_s) / np.maximum(outcome.workload.answer - 1, 1)
    late |= (so_far_s > slo.e2e_s) | (np.isnan(found.first_s) & (so_far_s > slo.ttft_s))
    late |= (outcome.workload.answer > 1) & (least_tpot_s > slo.tpot_s)
    open_still = (found.status == UNFINISHED) & ~late
    return Verdict(concerned, kept, concerned & ~kept & ~open_still)


def attainment(slo: Slo, outcome: Outcome, judged: Verdict, counted: Mask, done: Mask, seconds: float) -> Attainment:
    """Share and rate of requests that keep a limit.

    counted: requests after the warm-up; done: those completed inside the window; seconds: of the window
    """
    requests = int(np.sum((judged.kept | judged.missed) & counted))
    figures = {"requests": float(requests)}
    if requests:
        figures["share"] = float(np.sum(judged.kept & counted) / requests)
    if seconds > 0.0:
        figures["goodput_request_per_s"] = float(np.sum(judged.kept & done) / seconds)
    gaps = share_within(outcome.gaps, slo.itl_s) if math.isfinite(slo.itl_s) else None
    if gaps is not None:
        figures["itl_share"] = gaps
    return Attainment(slo, figures, attained(slo, figures))


def attained(slo: Slo, figures: Mapping[str, float]) -> bool | None:
    """Whether the shares reach what is needed, None where there are none."""
    shares = [figures[name] for name in ("share", "itl_share") if name in figures]
    return all(one >= slo.needed for one in shares) if "share" in figures else None


def _of_tenant(slo: Slo, outcome: Outcome) -> Mask:
    work = outcome.workload
    if slo.tenant is None:
        return np.ones(len(work), dtype=np.bool_)
    if slo.tenant not in work.tenants:
        raise UsageError(
            f"'{slo.name}' is for tenant '{slo.tenant}', who sends no requests",
            hint=f"tenants: {', '.join(work.tenants)}",
        )
    return np.asarray(work.tenant == work.tenants.index(slo.tenant))

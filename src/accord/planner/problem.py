"""What a plan is asked for: the work, the limits, what may be varied, and what is best."""

from __future__ import annotations

from statistics import NormalDist
from typing import Literal

import msgspec

from accord.base.errors import UsageError
from accord.planner.plan import Mode

Latency = Literal["ttft", "tpot", "e2el"]
Objective = Literal["goodput", "cost", "energy", "carbon", "chips", "power", "ttft", "tpot", "e2el"]
OBJECTIVES: tuple[Objective, ...] = (
    "goodput", "cost", "energy", "carbon", "chips", "power", "ttft", "tpot", "e2el"
)  # fmt: skip
LawMode = Literal["strict", "licensable", "off"]
LAW_MODES: tuple[LawMode, ...] = ("strict", "licensable", "off")  # what passes: accord.policy.gate
LATENCIES: tuple[Latency, ...] = ("ttft", "tpot", "e2el")
QUANTILES = (0.5, 0.9, 0.99)  # that limits may name


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A latency and how long it may be.

    quantile: of requests that must keep it, one of :data:`QUANTILES`; None for the mean over requests
    """

    latency: Latency
    limit_s: float
    quantile: float | None = None

    @property
    def name(self) -> str:
        """``tpot``, or ``ttft_p99`` for a percentile."""
        return self.latency if self.quantile is None else f"{self.latency}_p{round(100 * self.quantile)}"


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan must keep; None where nothing is asked.

    request_per_s: goodput, at least; power_w: at the racks; capex_usd, usd_per_hour: to buy, to hold
    chips: packages that may be held, by all systems together; racks: floor space in them
    """

    latencies: tuple[Limit, ...] = ()
    request_per_s: float | None = None
    power_w: float | None = None
    capex_usd: float | None = None
    usd_per_hour: float | None = None
    chips: int | None = None
    racks: float | None = None


class Space(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be varied; an empty tuple is filled by what is usual (:mod:`accord.planner.space`).

    mixed: prefill and decode pools may lie on two different systems
    budgets: tokens of an iteration; batches: requests in flight of an attention group
    """

    modes: tuple[Mode, ...] = ("aggregated", "disaggregated")
    engines: tuple[str, ...] = ()
    engine_version: str | None = None
    weights: tuple[str, ...] = ()
    kv: tuple[str, ...] = ()
    tp: tuple[int, ...] = ()
    pp: tuple[int, ...] = ()
    dp: tuple[int, ...] = ()
    cp: tuple[int, ...] = ()
    ep: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    budgets: tuple[int, ...] = ()
    microbatches: tuple[int, ...] = ()
    mtp_tokens: tuple[int, ...] = ()
    mtp_accept: float | None = None
    reuse: tuple[float, ...] = (0.0,)
    mixed: bool = False


class Problem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question.

    systems: catalog ids of systems; isl, osl: prompt and answer [token]
    context: cache entries a new token sees, prompt and half the answer if None
    objectives: the first orders the plans; with two or three the front is over all of them
    confidence: chance with which a limit must hold under the estimate's interval, from 0.5 on
    max_load: share of its capacity at which a pool is planned; level: of the intervals that are shown
    intervals: whether they are computed; without them limits hold at the estimate
    """

    model: str
    systems: tuple[str, ...]
    isl: float
    osl: float
    context: float | None = None
    limits: Limits = Limits()
    space: Space = Space()
    objectives: tuple[Objective, ...] = ("goodput",)
    confidence: float = 0.9
    level: float = 0.9
    max_load: float = 0.9
    intervals: bool = True

    @property
    def deviations(self) -> float:
        """How many standard deviations of its logarithm a number may be off while its limit is still kept."""
        return NormalDist().inv_cdf(self.confidence) if self.intervals else 0.0


def check_problem(problem: Problem) -> None:
    """Refuse what cannot be meant. Raises UsageError naming the flag."""
    for name in ("isl", "osl"):
        if not getattr(problem, name) >= 1.0:
            raise UsageError(f"{getattr(problem, name):g} tokens", where=f"--{name}", hint="give 1 or more")
    if not 0.5 <= problem.confidence < 1.0:
        raise UsageError(
            f"{problem.confidence:g} is no confidence", where="--confidence",
            hint="give a share from 0.5 (the estimate alone) to 0.999",
        )  # fmt: skip
    if not 0.0 < problem.max_load <= 1.0:
        raise UsageError(f"{problem.max_load:g} is no load", where="--max-load", hint="give a share up to 1")
    if not 1 <= len(set(problem.objectives)) == len(problem.objectives) <= 3:
        raise UsageError(
            f"{len(problem.objectives)} objectives", where="--objective", hint="name one, two or three different ones"
        )
    if not problem.systems or len(set(problem.systems)) < len(problem.systems):
        raise UsageError("no system, or one twice", where="--system", hint="name each system once")
    if not problem.space.modes:
        raise UsageError("no mode", where="--mode", hint="aggregated, disaggregated, or both")
    _check_limits(problem.limits)


def _check_limits(limits: Limits) -> None:
    names = [limit.name for limit in limits.latencies]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"'{name}' has two limits", where=f"--{name.partition('_')[0]}", hint="give one")
    for limit in limits.latencies:
        if not limit.limit_s > 0.0:
            raise UsageError(f"a limit of {limit.limit_s:g} s", where=f"--{limit.latency}", hint="give one above 0")
        if limit.quantile is not None and limit.quantile not in QUANTILES:
            raise UsageError(
                f"{limit.quantile:g} is no percentile that is computed", where=f"--{limit.latency}",
                hint="use p50, p90 or p99, such as p99:2s",
            )  # fmt: skip
    for name in ("request_per_s", "power_w", "capex_usd", "usd_per_hour", "chips", "racks"):
        value = getattr(limits, name)
        if value is not None and not value > 0.0:
            raise UsageError(f"{name} is limited to {value:g}", hint="give a limit above 0, or leave it out")

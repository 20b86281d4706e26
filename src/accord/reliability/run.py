"""A long job that is interrupted, in closed form: how long it takes, and where the time goes.

The time that a job is up, and is interrupted at some rate, passes in cycles from one safe copy of its state to the next
(:mod:`accord.reliability.checkpoint`). Chips of domains in repair are stood in for by spares, waited for, or done
without (:mod:`accord.reliability.spares`). Slow chips make all others wait (:mod:`accord.reliability.stragglers`).
The rate, and the number in repair, change over a run, so the progress is averaged over it at the nodes of a quadrature,
and the length of the run is what makes that average times the length the work to be done. Waiting grows faster than the
rate, so it is averaged over a job's lot of lemons too.

``simulate`` in :mod:`accord.reliability.monte_carlo` plays the same rules event by event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import DoesNotFit, UsageError
from accord.reliability.checkpoint import mean_cycle_s, optimum_s
from accord.reliability.rates import Rates
from accord.reliability.spares import erlang, excess, in_repair
from accord.reliability.stragglers import speed
from accord.uncertainty.draws import standard

OnLoss = Literal["spare", "drop-domain", "shrink"]
ON_LOSS: tuple[OnLoss, ...] = ("spare", "drop-domain", "shrink")
LOST = (
    "lost_work_s", "detection_s", "restart_s", "checkpoint_s", "waiting_s", "shrunk_s", "slow_s", "maintenance_s"
)  # fmt: skip
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_AT, _WEIGHT = 0.5 * (_POINTS + 1.0), 0.5 * _WEIGHTS
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Plan:
    """A job and how it deals with interruptions; times may be arrays of shape ``(S,)``, one entry a draw of rates.

    chips: of the job; domain_chips: that leave it with one that fails: a node, a tensor-parallel group, a replica
    productive_s: what it takes without any interruption
    checkpoint_bytes: of its whole state; checkpoint_bytes_per_s: at which all of it is written, to storage or to the
        memory of other nodes
    blocking_s: for which a checkpoint stops the job, the rest of the write goes on behind; None: the whole write does
    interval_s: of computing between two checkpoints, None: the optimum
    detection_s: until an interruption is noticed; restart_s: from then until the job computes again
    spares_chips: that stand by; repair_s: mean time until a failed domain is back
    on_loss: where no spare is left: ``spare`` waits for a repair; ``drop-domain`` goes on without the whole domain;
        ``shrink`` goes on with the rest of the domain, for which all others wait, as they step together
    exchange: failed nodes are put aside for good and others from the fleet take their place
    maintenance_every_s, maintenance_s: planned windows in which the job stands still
    """

    chips: float
    domain_chips: float
    productive_s: float
    checkpoint_bytes: float
    checkpoint_bytes_per_s: float
    blocking_s: Array | float | None = None
    interval_s: Array | float | None = None
    detection_s: Array | float = 0.0
    restart_s: Array | float = 0.0
    spares_chips: float = 0.0
    repair_s: float = 0.0
    on_loss: OnLoss = "spare"
    exchange: bool = False
    maintenance_every_s: float = float("inf")
    maintenance_s: float = 0.0

    @property
    def spares(self) -> int:
        """Whole domains that stand by."""
        return int(self.spares_chips // self.domain_chips)

    @property
    def write_s(self) -> float:
        """Seconds of the whole write of a checkpoint."""
        return self.checkpoint_bytes / self.checkpoint_bytes_per_s

    @property
    def stop_s(self) -> Array:
        """Seconds for which a checkpoint stops the job, shape ``(S,)``."""
        return array(self.write_s if self.blocking_s is None else self.blocking_s)

    @property
    def behind_s(self) -> Array:
        """Seconds of the write that goes on while the job computes, shape ``(S,)``."""
        return np.maximum(self.write_s - self.stop_s, 0.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a job; arrays of shape ``(S,)``, one entry a draw of the rates.

    elapsed_s: from start to end; effective: productive over elapsed time [1]; productive_s: as planned
    interruptions: unexpected ones; by_component: the same by what they struck; planned: maintenance windows
    interval_s: between checkpoints; mttf_s: mean time the job is up between interruptions
    lost_s: elapsed time that was not productive, by name of :data:`LOST`; with productive_s they sum to elapsed_s
    count_variance: of the number of interruptions of one run, about its mean of this entry
    """

    elapsed_s: Array
    effective: Array
    productive_s: float
    interruptions: Array
    by_component: Mapping[str, Array]
    planned: Array
    interval_s: Array
    mttf_s: Array
    lost_s: Mapping[str, Array]
    count_variance: Array

    def band(self, name: str, level: float = 0.9) -> tuple[float, float, float]:
        """Median, low and high end of a field over the draws; of counts also over what is chance in one run."""
        values: Array = getattr(self, name)
        if name == "interruptions":
            chance = standard("reliability count", len(values)) if len(values) > 1 else np.zeros(1)
            values = np.maximum(values + np.sqrt(self.count_variance) * chance, 0.0)
        low, middle, high = np.quantile(values, ((1.0 - level) / 2.0, 0.5, (1.0 + level) / 2.0))
        return float(middle), float(low), float(high)


def expected(rates: Rates, plan: Plan) -> Outcome:
    """Means over runs of a job, for each draw of the rates.

    Raises UsageError for a plan that makes no sense, DoesNotFit for checkpoints due before the last is written.
    """
    check(plan)
    interval = _interval(rates, plan)
    return _outcome(rates, plan, interval)


def check(plan: Plan) -> None:
    """Refuse a plan that makes no sense. Raises UsageError, DoesNotFit."""
    positive = ("chips", "domain_chips", "productive_s", "checkpoint_bytes_per_s")
    others = ("checkpoint_bytes", "detection_s", "restart_s", "spares_chips", "repair_s", "maintenance_s")
    for name in (*positive, *others):
        least = float(np.min(array(getattr(plan, name))))
        if not least >= 0.0 or (name in positive and least == 0.0):
            wanted = "above 0" if name in positive else "0 or more"
            raise UsageError(f"{name} is {least:g}", hint=f"it is {wanted}")
    if plan.on_loss not in ON_LOSS:
        raise UsageError(f"on_loss is '{plan.on_loss}'", hint=f"one of {', '.join(ON_LOSS)}")
    if plan.domain_chips > plan.chips:
        raise UsageError(
            f"a domain of {plan.domain_chips:g} chips is more than the job's {plan.chips:g}", hint="give fewer"
        )
    if plan.maintenance_every_s <= 0.0:
        raise UsageError(f"maintenance_every_s is {plan.maintenance_every_s:g}", hint="it is above 0")
    for name in ("interval_s", "blocking_s"):
        given = getattr(plan, name)
        if given is not None and not float(np.min(array(given))) >= (1e-9 if name == "interval_s" else 0.0):
            raise UsageError(f"{name} is {float(np.min(array(given))):g}", hint="leave it out to have it chosen")
    if plan.interval_s is not None and np.any(array(plan.interval_s) < plan.behind_s - 1e-9):
        longest, due = float(np.max(plan.behind_s)), float(np.min(array(plan.interval_s)))
        raise DoesNotFit(
            f"a checkpoint is due each {due:g} s and takes {longest:g} s to write behind",
            hint=f"checkpoint each {longest:.3g} s or more, or write faster",
        )


def _interval(rates: Rates, plan: Plan) -> Array:
    """The stated interval, or the best one: exact for a constant rate, searched for where it falls."""
    if plan.interval_s is not None:
        return array(plan.interval_s)
    least = np.maximum(plan.behind_s, 1e-3)
    first = np.clip(optimum_s(plan.stop_s, rates.mttf_s(plan.chips)), least, max(plan.productive_s, 1e-3))
    first = np.maximum(first, least)
    if not plan.exchange or not np.any(rates.decay()[0] > 0.0):
        return first
    low, high = np.log(np.maximum(first / 4.0, least)), np.log(np.maximum(first * 8.0, least))
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    for _ in range(32):
        better = _elapsed(rates, plan, np.exp(a)) < _elapsed(rates, plan, np.exp(b))
        low, high = np.where(better, low, a), np.where(better, b, high)
        a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    return np.asarray(np.exp(0.5 * (low + high)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Moments:
    """A run at some moments of it; arrays of shape ``(S, Q)``. lot_s: what a job's lot of lemons is a factor of."""

    node_s: Array
    lot_s: Array
    rate_s: Array
    cycle_s: Array
    capacity: Array
    waiting: Array

    def progress(self, interval: Array) -> Array:
        """Useful over elapsed time, but for slow chips."""
        return interval / self.cycle_s * self.capacity * (1.0 - self.waiting)


def _moments(rates: Rates, plan: Plan, interval: Array, at_s: Array) -> _Moments:
    """The state of a run at moments ``at_s``, shape ``(S, Q)``."""
    mean = rates.node_s(plan.chips)[:, None] + 0.0 * at_s
    fall, speed_s = rates.decay()
    stay = np.exp(-np.minimum(speed_s[:, None] * at_s, 700.0)) if plan.exchange else np.ones_like(at_s)
    node = mean * (1.0 - fall[:, None] * (1.0 - stay))
    rate = node + (rates.elsewhere_s(plan.chips) + array(rates.job_per_s))[:, None]
    down = (array(plan.detection_s) + array(plan.restart_s))[:, None]
    cycle = mean_cycle_s(rate, interval[:, None], plan.stop_s[:, None], plan.behind_s[:, None], down)
    gone, waiting = np.zeros_like(node), np.zeros_like(node)
    for weight, off in rates.lots(plan.chips) if plan.repair_s > 0.0 else ():
        one = np.maximum(node + mean * off[:, None] * stay, 0.0)
        load = in_repair(one, plan.repair_s, at_s)
        if plan.on_loss == "spare":
            waiting = waiting + weight[:, None] * erlang(load, plan.spares + 1)
        else:
            more, some = excess(load, plan.spares)
            lost = more * plan.domain_chips / plan.chips if sheds_domains(plan) else some / plan.domain_chips
            gone = gone + weight[:, None] * lost
    return _Moments(node, mean * stay, rate, cycle, np.maximum(1.0 - gone, 1e-9), waiting)


def sheds_domains(plan: Plan) -> bool:
    """Whether a loss takes a whole domain's work away; a domain of one chip cannot shrink."""
    return plan.on_loss == "drop-domain" or plan.domain_chips < 2.0


def _elapsed(rates: Rates, plan: Plan, interval: Array) -> Array:
    """Elapsed time without maintenance [s], shape ``(S,)``."""
    slow = speed(rates, plan.chips)
    size = np.broadcast_shapes(interval.shape, slow.shape, rates.node_s(1.0).shape)
    elapsed = np.full(size, plan.productive_s)
    for _ in range(60):
        moments = _moments(rates, plan, interval, elapsed[:, None] * _AT)
        before = elapsed
        elapsed = plan.productive_s / np.maximum(slow * (moments.progress(interval[:, None]) @ _WEIGHT), 1e-250)
        if np.allclose(before, elapsed, rtol=1e-9, atol=0.0):
            break
    return np.asarray(elapsed, dtype=np.float64)


def _outcome(rates: Rates, plan: Plan, interval: Array) -> Outcome:
    elapsed = _elapsed(rates, plan, interval)
    now = _moments(rates, plan, interval, elapsed[:, None] * _AT)
    slow = speed(rates, plan.chips)
    up = elapsed[:, None] * _WEIGHT * (1.0 - now.waiting)  # time that is not waited, at each moment
    useful = up * interval[:, None] / now.cycle_s
    down = (array(plan.detection_s) + array(plan.restart_s))[:, None]
    in_down = up * -np.expm1(-now.rate_s * down)  # an interruption's time down ends with the next one
    detecting = np.divide(array(plan.detection_s)[:, None], down, out=np.zeros_like(down), where=down > 0.0)
    blocked = useful / interval[:, None] * plan.stop_s[:, None]
    window = elapsed * plan.maintenance_s / plan.maintenance_every_s
    lost = {
        "lost_work_s": (up - useful - blocked - in_down).sum(axis=1),
        "detection_s": (in_down * detecting).sum(axis=1),
        "restart_s": (in_down * (1.0 - detecting)).sum(axis=1),
        "checkpoint_s": blocked.sum(axis=1),
        "waiting_s": elapsed * (now.waiting @ _WEIGHT),
        "shrunk_s": (useful * (1.0 - now.capacity)).sum(axis=1),
        "slow_s": (useful * now.capacity).sum(axis=1) * (1.0 - slow),
        "maintenance_s": window,
    }
    nodes = (up * now.node_s).sum(axis=1)
    beyond, site = up.sum(axis=1) * rates.elsewhere_s(plan.chips), up.sum(axis=1) * array(rates.job_per_s)
    share = array(rates.accelerator_share)
    parts = {"accelerator": nodes * share, "host": nodes * (1.0 - share), "elsewhere": beyond, "site": site}
    count = nodes + beyond + site
    whole = elapsed + window
    return Outcome(
        elapsed_s=whole, effective=plan.productive_s / whole, productive_s=plan.productive_s, interruptions=count,
        by_component=parts, planned=elapsed / plan.maintenance_every_s, interval_s=interval + 0.0 * whole,
        mttf_s=np.divide(up.sum(axis=1), count, out=np.full(count.shape, np.inf), where=count > 0.0), lost_s=lost,
        count_variance=count + rates.frailty_variance(plan.chips) * (up * now.lot_s).sum(axis=1) ** 2,
    )  # fmt: skip

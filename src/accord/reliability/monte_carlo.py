"""A long job that is interrupted, played many times at random: what :mod:`accord.reliability.run` means by its means.

All runs are played at once: the times of interruptions are sums along one axis, progress is what is safe of each gap
between two of them, and only spares, waiting and shrinking are stepped through, one interruption of all runs at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import DoesNotFit, UsageError
from accord.base.streams import stream
from accord.reliability.rates import Rates
from accord.reliability.run import Plan, expected, sheds_domains
from accord.reliability.spares import erlang
from accord.reliability.stragglers import slow_chips

_CHUNK = 2_000_000  # of runs times interruptions, at a time
_MOST_EVENTS = 200_000.0  # of one run
_MOST_IN_ALL = 2e7  # of all runs; beyond it, only runs of not many more than these are played:
_MANY = 2000.0
_RARE = 1e-7  # chance of waiting below which spares are not counted


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Single runs; arrays of shape ``(runs,)``.

    elapsed_s: from start to end; effective: productive over elapsed time [1]; interruptions: unexpected ones
    waiting_s: for repairs
    """

    elapsed_s: Array
    effective: Array
    interruptions: Array
    waiting_s: Array

    def band(self, name: str, level: float = 0.9) -> tuple[float, float, float]:
        """Median, low and high end of a field over the runs."""
        values: Array = getattr(self, name)
        low, middle, high = np.quantile(values, ((1.0 - level) / 2.0, 0.5, (1.0 + level) / 2.0))
        return float(middle), float(low), float(high)


@dataclass(frozen=True, slots=True)
class _Runs:
    """What single runs go by; arrays of shape ``(R,)``. node_s: once lemons have left; extra_s: what falls away."""

    node_s: Array
    extra_s: Array
    speed_s: Array
    other_s: Array
    interval_s: Array
    stop_s: Array
    behind_s: Array
    down_s: Array
    slow: Array
    slowdown: Array
    guess_s: Array

    def take(self, which: object) -> _Runs:
        """Some of the runs."""
        return _Runs(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def simulate(rates: Rates, plan: Plan, runs: int, seed: int) -> Outcomes:
    """Play a job ``runs`` times. Where rates hold draws, run ``i`` goes by draw ``i`` modulo their number.

    Runs of more interruptions than can be played take the closed form's mean. Raises UsageError for no runs, DoesNotFit
    where half of all runs are such.
    """
    if runs < 1:
        raise UsageError(f"{runs} runs", hint="play one at least")
    draw = stream(seed, "reliability")
    every = _every(rates, plan, runs, draw)
    events = (every.node_s + every.extra_s + every.other_s) * every.guess_s
    if float(np.median(events)) > _MOST_EVENTS:
        raise DoesNotFit(
            f"the job would be interrupted {float(np.median(events)):.3g} times, and hardly get on",
            hint="plan for fewer chips, shorter restarts or more frequent checkpoints",
        )
    most_each = _MOST_EVENTS if float(events.sum()) <= _MOST_IN_ALL else max(_MANY, float(np.median(events)))
    found = np.stack([every.guess_s, events, np.zeros(runs)])  # of more events than are played, chance is small
    order = np.argsort(events)
    order = order[: int(np.count_nonzero(events <= 1.5 * most_each))]
    at = 0
    while at < len(order):
        most = _enough(float(events[order[min(at + 255, len(order) - 1)]]))
        size = max(_CHUNK // most, 1)
        chosen = order[at : at + size]
        found[:, chosen] = _play(every.take(chosen), rates, plan, _enough(float(events[chosen[-1]])), draw)
        at += size
    elapsed = found[0] * (1.0 + plan.maintenance_s / plan.maintenance_every_s)
    return Outcomes(elapsed, plan.productive_s / elapsed, found[1], found[2])


def _enough(events: float) -> int:
    """Interruptions to draw so that nearly every run ends within them."""
    return int(events + 6.0 * np.sqrt(events) + 16.0)


def _every(rates: Rates, plan: Plan, runs: int, draw: np.random.Generator) -> _Runs:
    """What each run goes by; how many lemons it got is drawn."""
    mean = expected(rates, plan)
    size = len(mean.elapsed_s)
    entry = np.arange(runs) % size

    def each(value: Array | float) -> Array:
        return np.broadcast_to(array(value), (size,))[entry]

    node = each(rates.node_s(plan.chips))
    jobs = -(-runs // size)
    lots, settled_part = rates.frailty(plan.chips, jobs, draw)
    first, rest = np.broadcast_to(lots, (jobs, size)).ravel()[:runs], each(settled_part)
    fall, speed_s = rates.decay()
    settled = node * (rest if plan.exchange else first)
    return _Runs(
        settled, node * (first - rest) if plan.exchange else np.zeros(runs), each(speed_s),
        each(rates.elsewhere_s(plan.chips) + array(rates.job_per_s)), each(mean.interval_s), each(plan.stop_s),
        each(plan.behind_s), each(array(plan.detection_s) + array(plan.restart_s)), each(slow_chips(rates, plan.chips)),
        each(rates.slowdown), each(mean.elapsed_s) * np.maximum(first, 1.0),
    )  # fmt: skip


def _play(every: _Runs, rates: Rates, plan: Plan, events: int, draw: np.random.Generator) -> Array:
    """Elapsed time, interruptions and waiting of some runs, shape ``(3, R)``."""
    found = np.empty((3, len(every.node_s)))
    todo = np.arange(len(every.node_s))
    while len(todo):
        now = every.take(todo)
        at_s = _times(now, draw.exponential(size=(len(todo), events)).cumsum(axis=1))
        gaps = np.diff(at_s, axis=1, prepend=0.0)
        factor = _slow(now, gaps.shape, draw)
        waits, extra = _repairs(now, plan, at_s, draw)
        if extra is not None:
            factor = extra if factor is None else factor * extra
        last, end_s = _ends(now, gaps, factor, plan.productive_s)
        done = last < events
        rows = np.nonzero(done)[0]
        before = np.where(last[rows] > 0, at_s[rows, last[rows] - 1], 0.0)
        waited = np.zeros(len(rows))
        if waits is not None:
            total = waits.cumsum(axis=1)
            waited = np.where(last[rows] > 0, total[rows, last[rows] - 1], 0.0)
        found[:, todo[rows]] = np.stack([before + end_s[rows] + waited, last[rows].astype(np.float64), waited])
        todo = todo[~done]
        events *= 2
        if events > 8 * _MOST_EVENTS:
            raise DoesNotFit("the job hardly gets on: it is interrupted too often", hint="plan for fewer chips")
    return found


def _times(now: _Runs, unit: Array) -> Array:
    """When interruptions fall, from their number so far; the rate falls from first + extra to first."""
    steady = (now.node_s + now.other_s)[:, None]
    with np.errstate(divide="ignore"):
        at = unit / np.maximum(steady, 1e-300)
    if not np.any(now.extra_s != 0.0):
        return np.asarray(at, dtype=np.float64)
    whole = (now.extra_s / np.maximum(now.speed_s, 1e-300))[:, None]
    speed_s = now.speed_s[:, None]
    at = np.maximum((unit - np.maximum(whole, 0.0)) / steady, unit / (steady + np.maximum(now.extra_s[:, None], 0.0)))
    for _ in range(8):  # steady x t + whole x (1 - exp(-speed t)) = unit, by Newton's method
        gone = np.exp(-speed_s * at)
        off = steady * at + whole * (1.0 - gone) - unit
        at = np.maximum(at - off / (steady + whole * speed_s * gone), 0.0)
    return np.asarray(at, dtype=np.float64)


def _slow(now: _Runs, shape: tuple[int, ...], draw: np.random.Generator) -> Array | None:
    """Speed with slow chips in each gap; None where there are none."""
    if not np.any(now.slow * now.slowdown > 0.0):
        return None
    uniform = np.clip(draw.random(shape), 1e-300, 1.0 - 1e-16)
    with np.errstate(divide="ignore"):
        greatest = -now.slowdown[:, None] * np.log(-np.log(uniform) / np.maximum(now.slow[:, None], 1e-300))
    return np.asarray(1.0 / (1.0 + np.maximum(greatest, 0.0)), dtype=np.float64)


def _repairs(now: _Runs, plan: Plan, at_s: Array, draw: np.random.Generator) -> tuple[Array | None, Array | None]:
    """Waiting after each interruption, and the capacity left in each gap; None where neither matters."""
    load = float(np.max(now.node_s + now.extra_s)) * plan.repair_s
    if plan.repair_s <= 0.0 or float(erlang(array(load), plan.spares + 1)[0]) < _RARE:
        return None, None
    waits_for = plan.on_loss == "spare"
    most = plan.spares + 1 if waits_for else int(load + 8.0 * np.sqrt(load) + 8.0)
    when = np.ascontiguousarray(at_s.T)  # interruptions along the first axis, so that a step is in one piece
    events, runs = when.shape
    share = now.node_s + now.extra_s * np.exp(-now.speed_s * when)
    struck = draw.random(when.shape) * (share + now.other_s) < share
    repairs = draw.exponential(plan.repair_s, when.shape)
    back = np.repeat(-1.0 - np.arange(most)[:, None], runs, axis=1)  # when each slot's domain is back; all differ
    first, late, start = np.full(runs, -float(most)), np.zeros(runs), np.zeros(runs)
    result = np.zeros((events, runs))
    for at in range(events):
        clock, hit = when[at] + late, struck[at]
        if not waits_for:
            result[at] = _lost(plan, back, start, clock)
            start = clock
        np.copyto(back, clock + repairs[at], where=(back == first) & hit)
        first = back.min(axis=0)
        if waits_for:
            result[at] = np.where(hit, np.maximum(first - clock, 0.0), 0.0)
            late += result[at]
    return (result.T, None) if waits_for else (None, np.maximum(1.0 - result.T, 1e-9))


def _lost(plan: Plan, back: Array, start: Array, end: Array) -> Array:
    """Part of a job's capacity that is gone between two moments, shape ``(R,)``; back: of domains, shape ``(K, R)``.

    Spares stand in for the domains that are back last, so the others are missed, each until it is back.
    """
    missed = len(back) - plan.spares
    if missed <= 0:
        return np.zeros(len(start))
    early = np.partition(back, missed - 1, axis=0)[:missed]
    gap = np.maximum(end - start, 1e-9)
    if sheds_domains(plan):
        away = np.clip(early - start, 0.0, gap).sum(axis=0)
        return np.asarray(away / gap * (plan.domain_chips / plan.chips), dtype=np.float64)
    return np.asarray(np.clip(early[-1] - start, 0.0, gap) / gap / plan.domain_chips, dtype=np.float64)


def _ends(now: _Runs, gaps: Array, factor: Array | None, work_s: float) -> tuple[Array, Array]:
    """The gap in which each run ends, the number of gaps where it does not, and how far into that gap, shapes (R,)."""
    up = gaps - now.down_s[:, None]
    up[:, 0] = gaps[:, 0]
    interval, stop = now.interval_s[:, None], now.stop_s[:, None]
    safe = np.maximum(np.floor((up - now.behind_s[:, None]) / (interval + stop)), 0.0) * interval
    if factor is not None:
        safe *= factor
    left = work_s - safe.cumsum(axis=1) + safe
    if factor is not None:
        left /= factor
    takes = left + np.floor(np.maximum(left, 0.0) / interval * (1.0 - 1e-12)) * stop
    ends = up >= takes
    last = np.where(ends.any(axis=1), ends.argmax(axis=1), gaps.shape[1])
    rows = np.arange(len(gaps))
    at = np.minimum(last, gaps.shape[1] - 1)
    return last, takes[rows, at] + np.where(at > 0, now.down_s, 0.0)

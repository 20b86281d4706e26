"""Interruptions of a training run: its plan from the catalog and the question, in closed form and played at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from accord.api.reliability import READY, Failures, failure_constants, failure_rates, failures, job_plan
from accord.api.train_request import FailureAsk
from accord.base.array import Array
from accord.base.errors import DoesNotFit
from accord.catalog.load import Catalog
from accord.hardware.derate import Efficiency
from accord.models.params import count
from accord.planner.plan import Metric
from accord.reliability.monte_carlo import simulate
from accord.reliability.rates import Rates
from accord.reliability.run import Plan, expected
from accord.reliability.spares import needed
from accord.report.train_result import Failing, Played
from accord.report.train_view import lasting
from accord.training.estimate import SECONDS_PER_DAY, TrainEstimate
from accord.training.flop import lora_params
from accord.training.memory import STATE_BYTES, WEIGHT_BYTES

DRAWS = 512
HARDLY = 0.3  # effective training time below which a run is said not to get on
ENDLESS = 100.0  # times its productive time, from which on no end of a run is told
BEYOND = 0.8  # of the draws above an interval's upper end, that are not played as they are
MANY = 1000.0  # times the mean, beyond which an upper end of interruptions is not told
FOR_EVER = 1e12  # times its productive time, where a run's end is cut off
LARGEST = 1e200
STORAGE = "storage_total"  # constant: the most at which a job is taken to write, whatever its size
NODE_CHIPS = 8.0  # of a node where the system does not say


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A run with its interruptions. ratio: elapsed over productive time at each draw of the rates, shape ``(S,)``."""

    found: Failures
    ratio: float
    ratios: Array

    @property
    def endless(self) -> bool:
        """Whether the run does not get on at the median of the rates."""
        return self.ratio > ENDLESS

    def band(self, name: str, level: float) -> tuple[float, float]:
        """Low and high end of a field, drawn; finite."""
        with np.errstate(all="ignore"):
            drawn = {
                one: np.nan_to_num(np.minimum(getattr(self.found.drawn, one), LARGEST), nan=LARGEST)
                for one in (name, "count_variance")
            }
        return replace(self.found.drawn, **drawn).band(name, level)[1:]


def node_chips(catalog: Catalog, system: str, chips: float) -> float:
    """Chips of one node of a system, as many at most as the job has."""
    each = NODE_CHIPS
    if system in catalog.ids("systems"):
        record = catalog.system(system)
        if record.nodes is not None and record.chips is not None and record.nodes.si >= 1.0:
            each = max(record.chips.si / record.nodes.si, 1.0)
    return min(each, chips)


def state_bytes(estimate: TrainEstimate) -> float:
    """Bytes of a checkpoint: 16-bit weights, a 32-bit copy and two moments of all that is trained."""
    job = estimate.job
    trained = float(lora_params(job.spec, job.lora_rank)) if job.frozen else float(count(job.spec).total)
    return trained * (WEIGHT_BYTES + STATE_BYTES)


def plan_of(
    catalog: Catalog, system: str, ask: FailureAsk, estimate: TrainEstimate, chips: float, productive_s: float
) -> Plan:
    """How the run deals with interruptions. Raises CatalogError."""
    machine, lay = estimate.job.machine, estimate.layouts
    domain = node_chips(catalog, system, chips)
    if ask.on_loss == "drop-domain":
        domain = min(float(lay.tp[0] * lay.cp[0] * lay.pp[0]) / machine.devices_per_chip, chips)
    elif ask.on_loss == "shrink":
        domain = min(machine.scale_up_devices / machine.devices_per_chip, chips)
    plan = job_plan(catalog, machine.chip, chips, productive_s, state_bytes(estimate), domain)
    most = failure_constants(catalog).values.get(STORAGE, np.inf)
    rate = min(plan.checkpoint_bytes_per_s, most)
    plan = replace(plan, on_loss=ask.on_loss, checkpoint_bytes_per_s=rate)
    for name in ("interval_s", "checkpoint_bytes_per_s", "detection_s", "restart_s", "repair_s"):
        if getattr(ask, name) is not None:
            plan = replace(plan, **{name: getattr(ask, name)})
    spares = ask.spares_chips
    if spares is None and ask.on_loss != "spare":
        spares = 0.0
    if spares is None:  # whoever does not know the rates keeps more of them
        drawn, _ = failure_rates(catalog, machine.chip, DRAWS)
        spares = needed(drawn.node_s(chips), plan.repair_s, READY) * domain
    return replace(plan, spares_chips=spares)


def interrupted(catalog: Catalog, chip: str, ask: FailureAsk, plan: Plan) -> Interrupted:
    """The run in closed form, at the medians and drawn. Raises UsageError, DoesNotFit, CatalogError."""
    exact = ask.detection_s is not None and ask.restart_s is not None
    with np.errstate(over="ignore"):  # a run that is interrupted all the time takes for ever
        found = failures(catalog, chip, plan, exact=exact, draws=DRAWS)
    ratios = np.minimum(found.drawn.elapsed_s / plan.productive_s, FOR_EVER)
    return Interrupted(found, min(float(found.median.elapsed_s[0]) / plan.productive_s, FOR_EVER), ratios)


def beside(efficiency: Efficiency, waiting: float = 0.0) -> float:
    """Time outside steps that no failure takes (evaluation, ramps, stops by hand), over steps and interruptions [1].

    waiting: share of a step in which sites wait for one another, which takes no more of such time
    ``train.whole_run`` is the share of steps in the hours of whole runs; ``train.whole_run_effective`` is what
    interruptions had left of them there, and is taken out, since this run has interruptions of its own.
    """
    whole, effective = (
        float(np.mean(efficiency.get(name))) for name in ("train.whole_run", "train.whole_run_effective")
    )
    return (1.0 / min(1.0, whole / effective) - 1.0) * (1.0 - waiting)


def hardly(one: Interrupted, level: float) -> list[str]:
    """That interruptions come faster than the run recovers, where that is so or within the interval."""
    plan, effective = one.found.plan, 1.0 / one.ratio
    low = one.band("effective", level)[0]
    struck = (float(one.found.median.interruptions[0]), one.band("interruptions", level)[1])
    slow = [rate < HARDLY and count >= 1.0 for rate, count in zip((effective, low), struck, strict=True)]
    if not any(slow):
        return []
    down = lasting(float(np.mean(plan.detection_s)) + float(np.mean(plan.restart_s)))
    mttf, often = float(one.found.median.mttf_s[0]), one.band("mttf_s", level)[0]
    ways = "see --detection, --restart and --checkpoint-bandwidth"
    if one.endless:
        return [
            f"the run does not get on: it is interrupted each {lasting(mttf)}, and takes {down} to go on, so no length,"
            f" energy or cost is told; {ways}, or use fewer chips"
        ]
    if slow[0]:
        return [f"the run hardly gets on: it is interrupted each {lasting(mttf)}, and takes {down} to go on; {ways}"]
    return [
        f"at the upper end of the rates of failures, an interruption each {lasting(often)} with {down} to go on,"
        f" the run hardly gets on, and no near upper end of its length and cost can be told; {ways}"
    ]


def failing(catalog: Catalog, chip: str, ask: FailureAsk, one: Interrupted, level: float, times: float) -> Failing:
    """What is told of failures. times: elapsed time over steps and interruptions."""
    plan, median = one.found.plan, one.found.median
    mttf = float(median.mttf_s[0])
    best = median if plan.interval_s is None else expected(one.found.rates, replace(plan, interval_s=None))
    low, high = one.band("mttf_s", level)
    return Failing(
        mttf_s=Metric(value=mttf, unit="s", low=min(low, mttf), high=max(high, mttf)),
        by_component=_ends(one, median.by_component), lost_s=_ends(one, median.lost_s),
        interval_s=float(median.interval_s[0]), best_interval_s=float(best.interval_s[0]),
        checkpoint_bytes=plan.checkpoint_bytes, write_s=plan.write_s,
        checkpoint_byte_per_s=plan.checkpoint_bytes_per_s, rate_stated=ask.checkpoint_bytes_per_s is not None,
        spares_stated=ask.spares_chips is not None,
        detection_s=float(np.mean(plan.detection_s)), restart_s=float(np.mean(plan.restart_s)),
        repair_s=plan.repair_s, domain_chips=plan.domain_chips, spares_chips=plan.spares_chips,
        spares_needed_chips=one.found.spares_needed * plan.domain_chips, on_loss=plan.on_loss,
        played=_played(catalog, chip, ask, plan, level, times) if ask.details and not one.endless else None,
    )  # fmt: skip


def _ends(one: Interrupted, parts: Mapping[str, Array]) -> dict[str, float]:
    """Means of a run by part; none of a run that does not end."""
    return {} if one.endless else {name: float(values[0]) for name, values in parts.items()}


def within(rates: Rates, chips: float, level: float) -> Rates:
    """Draws of rates, of which those well above an interval of ``level`` are what stands near its upper end.

    They hardly get on, take long to play, and move no end of the interval.
    """
    total = rates.total_s(chips)
    above = int(len(total) * BEYOND * (1.0 - level) / 2.0)
    index = np.arange(len(total))
    order = np.argsort(total)
    if above:
        index[order[-above:]] = order[-above - 1]
    drawn: dict[str, Any] = {
        name: values[index]
        for name in rates.__dataclass_fields__
        if isinstance(values := getattr(rates, name), np.ndarray) and values.shape == total.shape
    }
    return replace(rates, **drawn)


def _played(catalog: Catalog, chip: str, ask: FailureAsk, plan: Plan, level: float, times: float) -> Played | None:
    """The run at random; None where it hardly gets on, which is said elsewhere."""
    rates, _ = failure_rates(catalog, chip, DRAWS)
    try:
        done = simulate(within(rates, plan.chips, level), plan, ask.runs, ask.seed)
    except DoesNotFit:
        return None
    middle, low, high = done.band("elapsed_s", level)
    return Played(
        runs=ask.runs, seed=ask.seed,
        days=tuple(value * times / SECONDS_PER_DAY for value in (middle, low, high)),  # type: ignore[arg-type]
        effective_training_time=done.band("effective", level), interruptions=done.band("interruptions", level),
        waiting_s=done.band("waiting_s", level),
    )  # fmt: skip

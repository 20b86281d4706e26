"""``accord train``: what a training run takes, from one step to its cost, with intervals, failures and compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from accord.api.policy_check import law_of_training
from accord.api.records import calibration_chain, machine_of, model_spec, training_efficiency
from accord.api.reliability import ENTRY
from accord.api.scenario import idle_share
from accord.api.train_checks import cautions
from accord.api.train_compute import compute_of
from accord.api.train_failures import MANY, beside, failing, hardly, interrupted, plan_of
from accord.api.train_money import Money, banded, money_metrics, money_of, money_sources, power_metrics
from accord.api.train_request import TrainAsk, completed
from accord.api.train_sites import across, one_site, told
from accord.api.train_spread import KINDS, StepSpread, constants, step_spread
from accord.api.train_told import (
    Run,
    Whole,
    conventions_of,
    ends_of,
    layout_of,
    limits_of,
    memory_of,
    others_of,
    searched_of,
    title_of,
)
from accord.base.errors import CatalogError, DoesNotFit, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.load import Catalog
from accord.economics.scenario import Scenario
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.planner.plan import Metric
from accord.planner.train_search import search
from accord.report.catalog_view import entry_sources
from accord.report.tables import Table
from accord.report.train_result import Compute, TrainResult, result_dict
from accord.report.train_view import OF_OWNERSHIP, train_tables
from accord.training.accounting import HardwareUse
from accord.training.estimate import SECONDS_PER_DAY, TrainEstimate, flop_per_token
from accord.training.flop import lora_flop_per_token, train_flop_per_token
from accord.uncertainty.draws import standard
from accord.uncertainty.residual import half_width

TIMED, TIMED_ELSE = 50, 8  # pipelines that are run by timeline, with --auto and without
LARGER = (1, 2, 4, 16, 64)  # times the usual batch, tried where no layout can deal out less
MEANT = 4  # systems that are named where one is not known
OTHERS = 4  # layouts that are told beside the best
UNITS: Mapping[str, str] = {
    "step_s": "s", "tokens_per_s_total": "tok/s", "tokens_per_s_per_chip": "tok/s",
    "model_flop_per_s_per_chip": "FLOP/s", "hardware_flop_per_s_per_chip": "FLOP/s", "mfu": "1", "hfu": "1",
    "mfu_own_peak": "1",
}  # fmt: skip
LAYOUT = ("tp", "cp", "pp", "dp", "ep", "vp", "micro_batch", "zero", "recompute", "schedule", "sequence_parallel")


@dataclass(frozen=True, slots=True)
class TrainAnswer:
    """What ``accord train`` prints. answer: whether every limit is met."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    warnings: Sequence[str]
    tables: Sequence[Table]
    found: TrainEstimate
    answer: bool


def train_answer(ask: TrainAsk, catalog: Catalog) -> TrainAnswer:
    """Answer a question about a training run.

    Raises the errors of :mod:`accord.base.errors`: unknown ids, impossible layouts, what does not fit.
    """
    run = _laid_out(ask, catalog)
    waiting, idle = _waiting(run), idle_share(catalog, ask.scenario)[0]
    money = money_of(catalog, run.machine.id, run.machine.chip, _scenario(ask), busy=1.0 - waiting, idle=idle)
    spread = step_spread(run.found, run.machine, run.efficiency, run.metrics)
    step = _step_metrics(run, spread)
    tokens = run.done.request.tokens
    whole = _whole(run, money, spread, step["step_s"].value, tokens) if tokens is not None else None
    powered = power_metrics(money, run.chips, ask.level)
    metrics = {**step, **(powered if whole is None else whole.metrics)}
    compute = _compute(run, spread, metrics, tokens) if tokens is not None else None
    inputs, result = _inputs(run), _result(run, money, spread, metrics, whole, compute)
    result = replace(result, law=law_of_training(inputs, result_dict(result), catalog, ask.start))
    warnings = [
        *run.done.said, *run.found.warnings, *cautions(run.done.request, run.spec, run.machine, run.found),
        *(run.catalog.notes), *_known(run), *(whole.said if whole is not None else ()), *_site_words(run), *money.said,
    ]  # fmt: skip
    warnings += [f"{limit['name']}: {limit['said']}" for limit in result.limits if not limit["met"]]
    return TrainAnswer(
        inputs=inputs, result=result_dict(result), sources=_sources(run, money, whole is not None),
        warnings=list(dict.fromkeys(warnings)), tables=train_tables(result), found=run.found,
        answer=all(limit["met"] for limit in result.limits),
    )  # fmt: skip


def _laid_out(ask: TrainAsk, catalog: Catalog) -> Run:
    """The completed question and its layout."""
    for name, value in (("model", ask.request.model), ("system", ask.request.system)):
        if not value:
            raise UsageError(f"--{name} is missing", hint=f"name one: accord catalog list {name}s")
    spec, machine = model_spec(catalog, ask.request.model), _machine(catalog, ask.request.system)
    efficiency = training_efficiency(catalog, machine.chip)
    refused: DoesNotFit | None = None
    for times in LARGER if ask.request.global_batch is None else (1,):
        done = completed(ask, spec, machine, _flop_per_token(ask, spec), times)
        site = one_site(done.request, ask.sites) if ask.sites is not None else done.request
        try:
            found = search(spec, machine, efficiency, site, keep=TIMED if ask.auto else TIMED_ELSE)
        except DoesNotFit as error:
            refused = refused or error
        else:
            return Run(ask, catalog, done, spec, machine, efficiency, found)
    assert refused is not None, "a batch at least was tried"
    raise refused


def _machine(catalog: Catalog, id: str) -> Machine:
    """The machine of a system or chip. Raises CatalogError with systems that were meant."""
    systems, chips = catalog.ids("systems"), catalog.ids("chips")
    if id in systems or id in chips:
        return machine_of(catalog, id)
    near = [one for one in systems if id.lower() in one][:MEANT]
    raise CatalogError(
        f"no system or chip is called '{id}'",
        hint=f"did you mean {' or '.join(near)}?" if near else did_you_mean(id, [*systems, *chips]),
    )


def _flop_per_token(ask: TrainAsk, spec: ModelSpec) -> float | None:
    """FLOP that a token of the run takes, where its compute is given."""
    if ask.flop is None:
        return None
    request = ask.request
    seq = float(request.seq or min(4096, spec.context or 4096))
    if request.lora_rank:
        return float(lora_flop_per_token(spec, seq, request.lora_rank))
    return float(train_flop_per_token(spec, seq, mtp=bool(spec.mtp) if request.mtp is None else request.mtp))


def _scenario(ask: TrainAsk) -> Scenario:
    scenario = ask.scenario
    if scenario.year is None and ask.start is not None:
        scenario = msgspec.structs.replace(scenario, year=ask.start.year)
    return scenario


def _step_metrics(run: Run, spread: StepSpread) -> dict[str, Metric]:
    """Metrics of a step with their intervals."""
    found: dict[str, Metric] = {}
    for name, values in run.metrics(run.found).items():
        value = float(values[0])
        factor = float(np.exp(half_width(spread.log_sd[name], spread.step, run.ask.level)))
        found[name] = Metric(value=value, unit=UNITS[name], low=value / factor, high=value * factor)
    return found


def _waiting(run: Run) -> float:
    """Share of a step in which chips wait for other sites."""
    return float(across(run.found, run.ask.sites).share[0]) if run.ask.sites is not None else 0.0


def _whole(run: Run, money: Money, spread: StepSpread, step_s: float, tokens: float) -> Whole:
    """The run from its start to its end: steps, interruptions, and what is neither.

    A run takes its steps, what interruptions cost, and time outside steps that is not due to failures (evaluation,
    ramps, stops by hand), see :func:`beside`.
    """
    ask, level = run.ask, run.ask.level
    steps = float(np.ceil(tokens / (run.done.request.global_batch or 1.0)))
    productive = steps * step_s
    plan = plan_of(run.catalog, run.machine.id, ask.failures, run.found, float(run.chips), productive)
    one = interrupted(run.catalog, run.machine.chip, ask.failures, plan)
    times = 1.0 + beside(run.efficiency, _waiting(run))
    elapsed = productive * one.ratio * times
    log_sd = float(np.hypot(spread.log_sd["step_s"], spread.run))
    length = productive * np.exp(log_sd * standard("train run", len(one.ratios)))
    samples = np.asarray(length * one.ratios * times, dtype=np.float64)
    failures = failing(run.catalog, run.machine.chip, ask.failures, one, level, times)
    width = float(np.exp(half_width(spread.log_sd["step_s"], spread.run, level)))
    metrics = {
        "steps": Metric(value=steps, unit="1"),
        "run_s": Metric(value=productive, unit="s", low=productive / width, high=productive * width),
        "effective_training_time": _around(1.0 / one.ratio, one.band("effective", level)),
    }
    said = (*one.found.warnings, *hardly(one, level))
    if one.endless:
        return Whole({**metrics, **power_metrics(money, run.chips, level)}, {}, failures, None, said, {})
    metrics |= {
        "days": banded(elapsed / SECONDS_PER_DAY, "d", samples / SECONDS_PER_DAY, level),
        "chip_hours": banded(elapsed * run.chips / 3600.0, "h", samples * run.chips / 3600.0, level),
        **money_metrics(money, run.chips, elapsed, samples, level),
        "interruptions": _around(float(one.found.median.interruptions[0]), one.band("interruptions", level)),
    }
    parts = {"productive_s": productive, **failures.lost_s, "outside_steps_s": elapsed - productive * one.ratio}
    hours = elapsed * run.chips / 3600.0
    cost = {name: part.value * hours for name, part in money.parts.items()}
    return Whole(metrics, parts, failures, metrics["days"], said, cost)


def _around(value: float, band: tuple[float, float]) -> Metric:
    high = max(band[1], value) if band[1] <= MANY * max(value, 1.0) else None
    return Metric(value=value, unit="1", low=min(band[0], value), high=high)


def _compute(run: Run, spread: StepSpread, metrics: Mapping[str, Metric], tokens: float) -> Compute:
    """Compute for the record, the run's chips and time as one of its methods."""
    model, _ = flop_per_token(run.found.job, run.found.layouts)
    peak = metrics["model_flop_per_s_per_chip"].value / metrics["mfu"].value
    factor = float(np.exp(half_width(spread.log_sd["step_s"], spread.run, run.ask.level)))
    hardware = None
    if metrics["mfu"].value < 1.0:
        hardware = HardwareUse(
            chips=float(run.chips), peak_flop_per_s=peak, seconds=metrics["run_s"].value,
            utilisation=metrics["mfu"].value, factor=factor,
        )  # fmt: skip
    return compute_of(run.ask, run.found, tokens, float(model[0]), hardware)


def _result(
    run: Run, money: Money, spread: StepSpread, metrics: Mapping[str, Metric], whole: Whole | None,
    compute: Compute | None,
) -> TrainResult:  # fmt: skip
    ask, found = run.ask, run.found
    site_step = across(found, ask.sites) if ask.sites is not None else None
    parts = {name: float(getattr(found.parts, name)[0]) for name in found.parts.__dataclass_fields__}
    if site_step is not None:
        parts["sites_s"] = float(site_step.exposed_s[0])
    open_fields = tuple(name for name in LAYOUT if getattr(run.done.request, name) is None)
    assumed = dict(run.done.filled)
    layout = layout_of(run)
    if not ask.auto:
        assumed |= {name: f"{getattr(layout, name)}, of the fastest layout that fits" for name in open_fields}
    if found.job.precision != run.done.request.precision:
        assumed["precision"] = f"{found.job.precision}: the chip has no {run.done.request.precision} unit"
    assumed |= {name: OF_OWNERSHIP for name in money.assumed}
    power = money.power_w.value if money.power_w is not None else None
    sites = None
    if ask.sites is not None and site_step is not None:
        sites = told(step=site_step, ask=ask.sites, chips=run.chips // ask.sites.sites, power_w=power)
    return TrainResult(
        title=title_of(run), metrics=metrics, conventions=conventions_of(run, whole), parts=parts,
        memory=memory_of(found),
        layout=layout, run=whole.parts if whole is not None else {}, cost=whole.cost if whole is not None else {},
        compute=compute, failures=whole.failures if whole is not None else None, sites=sites, assumed=assumed,
        chosen=open_fields, searched=searched_of(run), others=others_of(run, OTHERS), ends=ends_of(ask, whole),
        law={},
        limits=limits_of(ask, money.load_w, run.chips), level=ask.level,
        causes={"step_s": spread.causes["step_s"]} if ask.explain and "step_s" in spread.causes else {},
        constants=constants(run.catalog, run.machine.chip, run.efficiency, spread.used) if ask.explain else (),
    )  # fmt: skip


def _known(run: Run) -> list[str]:
    """That no constant was measured on the chip, where it is so."""
    fits = [fit for name, fit in run.efficiency.fits.items() if not name.startswith("residual.")]
    carried = [fit for fit in fits if fit.n > 0]
    chip = run.machine.chip
    if any(chip in fit.chips for fit in carried):
        return []
    lent = sorted({lender for fit in carried for lender in fit.chips})
    if not lent:
        return [f"no kernel was measured on {chip}: constants are assumed"]
    shown = ", ".join(lent[:4]) + (f" and {len(lent) - 4} more" if len(lent) > 4 else "")
    return [f"no kernel was measured on {chip}: constants are carried over from {shown}"]


def _site_words(run: Run) -> Sequence[str]:
    return across(run.found, run.ask.sites).warnings if run.ask.sites is not None else ()


def _inputs(run: Run) -> dict[str, object]:
    """Everything the answer depends on, defaults included."""
    ask = run.ask
    found = {name: value for name, value in msgspec.to_builtins(run.done.request).items() if value is not None}
    found |= {"level": ask.level, "auto": ask.auto}
    optional = {"flop": ask.flop, "base_flop": ask.base_flop, "power_w": ask.power_w, "start": ask.start}
    found |= {name: str(value) if name == "start" else value for name, value in optional.items() if value is not None}
    for name, record in (("failures", ask.failures), ("sites", ask.sites)):
        if record is not None:
            found[name] = {key: value for key, value in msgspec.to_builtins(record).items() if value is not None}
    if ask.stages:
        found["stages"] = msgspec.to_builtins(ask.stages)
    scenario = msgspec.to_builtins(ask.scenario)
    plain = msgspec.to_builtins(type(ask.scenario)())
    changed = {name: value for name, value in scenario.items() if value != plain[name] and name != "plan"}
    return {**found, **({"scenario": changed} if changed else {})}


def _sources(run: Run, money: Money, whole: bool) -> list[dict[str, object]]:
    """Sources of everything behind the answer."""
    catalog, machine, model = run.catalog, run.machine, run.ask.request.model
    found = entry_sources(catalog.chip(machine.chip), f"chips/{machine.chip}")
    if machine.id in catalog.ids("systems"):
        found += entry_sources(catalog.system(machine.id), f"systems/{machine.id}")
    if model in catalog.ids("models"):
        found += entry_sources(catalog.model(model), f"models/{model}")
    for kind in KINDS:
        for entry in calibration_chain(catalog, machine.chip, kind):
            found += entry_sources(entry, f"{kind}/{entry.id}")
    if whole:
        found += entry_sources(catalog.reliability(ENTRY), f"reliability/{ENTRY}")
    return found + money_sources(catalog, money)

"""``accord train``: what a training run takes, from one step to its cost, with intervals, failures and compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
import numpy as np

from accord.api.records import calibration_chain, machine_of, model_spec, training_efficiency
from accord.api.reliability import ENTRY
from accord.api.scenario import idle_share
from accord.api.train_checks import cautions, check_layout
from accord.api.train_compute import compute_of, law
from accord.api.train_failures import failing, interrupted, plan_of
from accord.api.train_money import Money, banded, money_metrics, money_of, money_sources, power_metrics
from accord.api.train_request import Completed, TrainAsk, completed
from accord.api.train_sites import across, joined, one_site, told
from accord.api.train_spread import KINDS, StepSpread, constants, step_spread
from accord.base.array import Array
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.economics.scenario import Scenario
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.planner.plan import Metric
from accord.report.catalog_view import entry_sources
from accord.report.tables import Table
from accord.report.train_result import Compute, Failing, Layout, TrainResult, result_dict
from accord.report.train_view import train_tables
from accord.training.accounting import HardwareUse
from accord.training.estimate import SECONDS_PER_DAY, TrainEstimate, estimate, flop_per_token, job_of
from accord.training.flop import lora_flop_per_token, train_flop_per_token
from accord.training.request import RECOMPUTE, SCHEDULES
from accord.uncertainty.draws import standard
from accord.uncertainty.residual import half_width

DRAWS = 512
STEP = (
    "step_s", "tokens_per_s_total", "tokens_per_s_per_chip", "model_flop_per_s_per_chip",
    "hardware_flop_per_s_per_chip", "mfu", "hfu", "mfu_own_peak",
)  # fmt: skip
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


@dataclass(frozen=True, slots=True)
class _Run:
    """A question and its layout: what all that follows is calculated from. found: of one site."""

    ask: TrainAsk
    catalog: Catalog
    done: Completed
    spec: ModelSpec
    machine: Machine
    efficiency: Efficiency
    found: TrainEstimate
    searched: Mapping[str, int | float]

    @property
    def chips(self) -> int:
        """Of the whole job."""
        assert self.done.request.chips is not None, "completed before"
        return self.done.request.chips

    def metrics(self, found: TrainEstimate) -> dict[str, Array]:
        """Metrics of a step, of all sites."""
        own = {name: found.metrics[name] for name in STEP}
        sites = self.ask.sites
        return own if sites is None else joined(own, across(found, sites), sites.sites)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A run from its start to its end."""

    metrics: dict[str, Metric]
    parts: dict[str, float]
    failures: Failing
    elapsed_s: float
    band_s: tuple[float, float]
    said: tuple[str, ...]
    cost: dict[str, float]


def train_answer(ask: TrainAsk, catalog: Catalog) -> TrainAnswer:
    """Answer a question about a training run.

    Raises the errors of :mod:`accord.base.errors`: unknown ids, impossible layouts, what does not fit.
    """
    run = _laid_out(ask, catalog)
    money = money_of(catalog, run.machine.id, run.machine.chip, _scenario(ask))
    spread = step_spread(run.found, run.machine, run.efficiency, run.metrics)
    step = _step_metrics(run, spread)
    tokens = run.done.request.tokens
    whole = _whole(run, money, spread, step["step_s"].value, tokens) if tokens is not None else None
    powered = power_metrics(money, run.chips, ask.level)
    metrics = {**step, **(powered if whole is None else whole.metrics)}
    compute = _compute(run, spread, metrics, tokens) if tokens is not None else None
    result = _result(run, money, spread, metrics, whole, compute)
    warnings = [
        *run.found.warnings, *cautions(run.done.request, run.spec, run.machine, run.found),
        *(run.catalog.notes), *_known(run), *(whole.said if whole is not None else ()), *_site_words(run), *money.said,
    ]  # fmt: skip
    warnings += [f"{limit['name']}: {limit['said']}" for limit in result.limits if not limit["met"]]
    return TrainAnswer(
        inputs=_inputs(run), result=result_dict(result), sources=_sources(run, money, whole is not None),
        warnings=list(dict.fromkeys(warnings)), tables=train_tables(result), found=run.found,
        answer=all(limit["met"] for limit in result.limits),
    )  # fmt: skip


def _laid_out(ask: TrainAsk, catalog: Catalog) -> _Run:
    """The completed question and its layout."""
    for name, value in (("model", ask.request.model), ("system", ask.request.system)):
        if not value:
            raise UsageError(f"--{name} is missing", hint=f"name one: accord catalog list {name}s")
    spec, machine = model_spec(catalog, ask.request.model), machine_of(catalog, ask.request.system)
    efficiency = training_efficiency(catalog, machine.chip)
    done = completed(ask, spec, machine, _flop_per_token(ask, spec))
    check_layout(done.request, spec, machine)
    site = one_site(done.request, ask.sites) if ask.sites is not None else done.request
    if site.global_batch is None:
        job, _, _, _ = job_of(spec, machine, efficiency, site)
        site = msgspec.structs.replace(site, global_batch=job.global_batch)
        batch = job.global_batch * (ask.sites.sites if ask.sites is not None else 1)
        done.filled["global_batch"] = f"{batch:,.0f} tokens"
        done = replace(done, request=msgspec.structs.replace(done.request, global_batch=batch))
    found = estimate(spec, machine, efficiency, site)
    return _Run(ask, catalog, done, spec, machine, efficiency, found, {})


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


def _step_metrics(run: _Run, spread: StepSpread) -> dict[str, Metric]:
    """Metrics of a step with their intervals."""
    found: dict[str, Metric] = {}
    for name, values in run.metrics(run.found).items():
        value = float(values[0])
        factor = float(np.exp(half_width(spread.log_sd[name], spread.step, run.ask.level)))
        found[name] = Metric(value=value, unit=UNITS[name], low=value / factor, high=value * factor)
    return found


def _whole(run: _Run, money: Money, spread: StepSpread, step_s: float, tokens: float) -> _Whole:
    """The run from its start to its end: steps, interruptions, and what is neither.

    A run takes its steps, what interruptions cost, and time outside steps that is not due to failures (evaluation,
    ramps, stops by hand): the catalog's share ``train.whole_run`` covers both, and is the least that is lost.
    """
    ask, level = run.ask, run.ask.level
    steps = float(np.ceil(tokens / (run.done.request.global_batch or 1.0)))
    productive = steps * step_s
    plan = plan_of(run.catalog, run.machine.id, ask.failures, run.found, float(run.chips), productive)
    one = interrupted(run.catalog, run.machine.chip, ask.failures, plan)
    usual = 1.0 / float(np.mean(run.efficiency.get("train.whole_run")))
    ratio = max(usual, one.ratio)
    elapsed = productive * ratio
    log_sd = float(np.hypot(spread.log_sd["step_s"], spread.run))
    length = productive * np.exp(log_sd * standard("train run", len(one.ratios)))
    samples = np.asarray(length * np.maximum(usual, one.ratios), dtype=np.float64)
    other = elapsed - productive * one.ratio
    failures = failing(run.catalog, run.machine.chip, ask.failures, one, level, other)
    low, high = (float(part) for part in np.quantile(samples, ((1.0 - level) / 2.0, (1.0 + level) / 2.0)))
    width = float(np.exp(half_width(spread.log_sd["step_s"], spread.run, level)))
    effective, count = (one.found.drawn.band(name, level) for name in ("effective", "interruptions"))
    metrics = {
        "steps": Metric(value=steps, unit="1"),
        "run_s": Metric(value=productive, unit="s", low=productive / width, high=productive * width),
        "days": banded(elapsed / SECONDS_PER_DAY, "d", samples / SECONDS_PER_DAY, level),
        "chip_hours": banded(elapsed * run.chips / 3600.0, "h", samples * run.chips / 3600.0, level),
        **money_metrics(money, run.chips, elapsed, samples, level),
        "interruptions": _around(float(one.found.median.interruptions[0]), count),
        "effective_training_time": _around(1.0 / one.ratio, effective),
    }
    parts = {"productive_s": productive, **failures.lost_s, "outside_steps_s": other}
    hours = elapsed * run.chips / 3600.0
    cost = {name: part.value * hours for name, part in money.parts.items()}
    return _Whole(metrics, parts, failures, elapsed, (low, high), one.found.warnings, cost)


def _around(value: float, band: tuple[float, float, float]) -> Metric:
    return Metric(value=value, unit="1", low=min(band[1], value), high=max(band[2], value))


def _compute(run: _Run, spread: StepSpread, metrics: Mapping[str, Metric], tokens: float) -> Compute:
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
    run: _Run, money: Money, spread: StepSpread, metrics: Mapping[str, Metric], whole: _Whole | None,
    compute: Compute | None,
) -> TrainResult:  # fmt: skip
    ask, found = run.ask, run.found
    site_step = across(found, ask.sites) if ask.sites is not None else None
    parts = {name: float(getattr(found.parts, name)[0]) for name in found.parts.__dataclass_fields__}
    if site_step is not None:
        parts["sites_s"] = float(site_step.exposed_s[0])
    open_fields = tuple(name for name in LAYOUT if getattr(run.done.request, name) is None)
    assumed = dict(run.done.filled)
    layout = _layout(run)
    if not ask.auto:
        assumed |= {name: f"{getattr(layout, name)}, of the fastest layout that fits" for name in open_fields}
    assumed |= {name: "of ownership, see the catalog's assumptions" for name in money.assumed}
    power = money.power_w.value if money.power_w is not None else None
    idle, _ = idle_share(run.catalog, ask.scenario)
    sites = None
    if ask.sites is not None and site_step is not None:
        sites = told(step=site_step, ask=ask.sites, chips=run.chips // ask.sites.sites, power_w=power, idle=idle)
    return TrainResult(
        title=_title(run), metrics=metrics, conventions=_conventions(run, whole), parts=parts, memory=_memory(found),
        layout=layout, run=whole.parts if whole is not None else {}, cost=whole.cost if whole is not None else {},
        compute=compute, failures=whole.failures if whole is not None else None, sites=sites, assumed=assumed,
        chosen=open_fields, searched=run.searched, ends=_ends(ask, whole), law=law(compute),
        limits=_limits(ask, metrics, run.chips), level=ask.level,
        causes={"step_s": spread.causes["step_s"]} if ask.explain and "step_s" in spread.causes else {},
        constants=constants(run.catalog, run.machine.chip, run.efficiency, spread.used) if ask.explain else (),
    )  # fmt: skip


def _title(run: _Run) -> str:
    chips = f"{run.chips:,} chip{'' if run.chips == 1 else 's'} of {run.machine.id}"
    tokens = run.done.request.tokens
    length = f", {tokens / 1e12:,.4g} trillion tokens" if tokens is not None and tokens >= 1e11 else ""
    length = length or (f", {tokens:,.4g} tokens" if tokens is not None else "")
    places = f", {run.ask.sites.sites} sites" if run.ask.sites is not None else ""
    return f"{run.spec.id} on {chips}{places}{length}"


def _layout(run: _Run) -> Layout:
    lay, job = run.found.layouts, run.found.job
    sites = run.ask.sites.sites if run.ask.sites is not None else 1
    whole = {name: int(getattr(lay, name)[0]) for name in ("tp", "cp", "pp", "dp", "ep", "vp", "zero")}
    return Layout(
        **whole, micro_batch=int(lay.micro[0]), micro_batches=float(lay.micro_batches(job)[0]),
        recompute=RECOMPUTE[int(lay.recompute[0])], schedule=SCHEDULES[int(lay.schedule[0])],
        sequence_parallel=bool(lay.sp[0] > 0.0), offload=bool(lay.offload[0] > 0.0), precision=job.precision,
        seq=int(job.seq), global_batch=job.global_batch * sites, devices=int(lay.devices[0]) * sites,
        chips=run.chips, sites=sites,
    )  # fmt: skip


def _memory(found: TrainEstimate) -> dict[str, float]:
    one = found.memory
    names = (*one.__dataclass_fields__, "used_bytes", "free_bytes")
    return {name: float(getattr(one, name)[0]) for name in names}


def _conventions(run: _Run, whole: _Whole | None) -> dict[str, str]:
    """What the names of metrics mean here."""
    metrics, job = run.found.metrics, run.found.job
    peak, own = (float(metrics["model_flop_per_s_per_chip"][0] / metrics[name][0]) for name in ("mfu", "mfu_own_peak"))
    found = {
        "mfu": "model FLOP per second over the peak; nothing computed again is counted",
        "hfu": "the same with what is computed again (recomputation)",
        "causal": "attention counted as half of the square, for what a causal mask leaves",
        "recompute": RECOMPUTE[int(run.found.layouts.recompute[0])],
        "peak": f"dense bf16, {peak / 1e12:,.4g} TFLOP/s a chip",
        "own_peak": f"dense {job.precision}, {own / 1e12:,.4g} TFLOP/s a chip",
    }
    if whole is not None:
        found |= {
            "days": "elapsed: steps, interruptions, and time outside steps (evaluation, ramps, stops by hand)",
            "chip_hours": "chips of the job times elapsed hours; spares are not in it",
            "effective_training_time": "productive time over productive time and what interruptions cost",
            "energy": "power of the system under load as stated, over all of the elapsed time",
        }
    return found


def _ends(ask: TrainAsk, whole: _Whole | None) -> dict[str, str]:
    if ask.start is None or whole is None:
        return {}
    names = {"end": whole.elapsed_s, "end_low": whole.band_s[0], "end_high": whole.band_s[1]}
    found = {"start": ask.start.isoformat()}
    for name, seconds in names.items():
        try:
            found[name] = (ask.start + timedelta(seconds=seconds)).isoformat()
        except OverflowError:
            found[name] = "after the year 9999"
    return found


def _limits(ask: TrainAsk, metrics: Mapping[str, Metric], chips: int) -> list[dict[str, object]]:
    """Whether the power feed is enough."""
    if ask.power_w is None:
        return []
    need = metrics.get("power_w")
    if need is None:
        return [
            {"name": "power", "limit": ask.power_w, "unit": "W", "met": False, "said": "no source states the power"}
        ]
    fed = int(chips * ask.power_w / need.value)
    said = (
        f"{need.value / 1e6:,.4g} MW at the racks of {ask.power_w / 1e6:,.4g} MW; the feed is enough for {fed:,} chips"
    )
    return [{"name": "power", "limit": ask.power_w, "value": need.value, "unit": "W", "met": need.value <= ask.power_w,
             "chips": fed, "said": said}]  # fmt: skip


def _known(run: _Run) -> list[str]:
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


def _site_words(run: _Run) -> Sequence[str]:
    return across(run.found, run.ask.sites).warnings if run.ask.sites is not None else ()


def _inputs(run: _Run) -> dict[str, object]:
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


def _sources(run: _Run, money: Money, whole: bool) -> list[dict[str, object]]:
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

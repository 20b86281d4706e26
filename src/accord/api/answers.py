"""An estimate with everything an answer carries: intervals, sources, warnings, operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from accord.api.lookup import residual_log_sd
from accord.api.records import calibration_chain, efficiency_of, engine_id, machine_of, model_spec
from accord.base.array import Array
from accord.base.source import Source
from accord.catalog.load import Catalog
from accord.catalog.value import Value
from accord.hardware.noted import known
from accord.inference.request import EstimateRequest
from accord.inference.result import Estimate, fitting
from accord.inference.spread import Spread, estimate_spread
from accord.report import estimate_view as view
from accord.report.catalog_view import entry_sources
from accord.step.decode import decode_ops
from accord.step.explain import OpRow, explain
from accord.step.prefill import prefill_ops
from accord.uncertainty.residual import half_width

Constant = tuple[str, str, str, str, str]
DOUBT = 0.05  # share of draws that do not fit the memory from which that is said


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``accord estimate`` prints, by phase.

    factors: half-width factor of each metric's interval, shape ``(D,)``
    causes: by metric what its interval is due to; constants: name, value, basis, how it is known, source
    """

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    warnings: Sequence[str]
    estimates: Mapping[str, Estimate]
    factors: Mapping[str, Mapping[str, Array]]
    explained: Mapping[str, Sequence[OpRow]]
    causes: Mapping[str, Mapping[str, view.Causes]]
    constants: Sequence[Constant]


def answer(requests: Sequence[EstimateRequest], catalog: Catalog, level: float, explained: bool) -> Answer:
    """Estimate each request (one a phase, all of one model and system)."""
    estimates: dict[str, Estimate] = {}
    spreads: dict[str, Spread] = {}
    for request in requests:
        spec, machine = model_spec(catalog, request.model), machine_of(catalog, request.system)
        efficiency = efficiency_of(catalog, machine.chip, request.engine, request.engine_version)
        found = estimate_spread(spec, machine, efficiency, request, catalog.defaults())
        estimates[request.phase], spreads[request.phase] = found
    kinds = {str(request.phase): request.regime for request in requests}
    factors = {phase: _factors(one, spreads[phase], kinds[phase], level) for phase, one in estimates.items()}
    causes = {phase: _causes(one, spreads[phase], kinds[phase]) for phase, one in estimates.items()}
    rows = {phase: _rows(one, phase) for phase, one in estimates.items()} if explained else {}
    constants = _constants(catalog, requests[0], estimates, rows) if explained else ()
    return Answer(
        inputs=_inputs(requests, estimates),
        result=view.result_dict(estimates, factors, rows, causes if explained else {}),
        sources=model_sources(catalog, requests[0]),
        warnings=_warnings(catalog, requests, estimates) + _doubts(estimates, spreads),
        estimates=estimates, factors=factors, explained=rows, causes=causes, constants=constants,
    )  # fmt: skip


def _inputs(requests: Sequence[EstimateRequest], estimates: Mapping[str, Estimate]) -> dict[str, object]:
    """Every field that was given, and the names of those filled by default."""
    first = msgspec.to_builtins(requests[0])
    given = {name: value for name, value in first.items() if value is not None}
    assumed = list(dict.fromkeys(name for one in estimates.values() for name in one.assumed))
    return {**given, "phase": [request.phase for request in requests], "assumed": assumed}


def _factors(one: Estimate, spread: Spread, phase: str, level: float) -> dict[str, Array]:
    """Half-width factors, shape ``(D,)``: parameters and disputed facts, and the residual of the chip family."""
    found: dict[str, Array] = {}
    for name in one.metrics:
        own = residual_log_sd(one.setting.efficiency, name, phase)
        widths = [0.0 if view.exact(name) else half_width(float(sd), own, level) for sd in spread.log_sd[name]]
        found[name] = np.exp(np.asarray(widths))
    return found


def _causes(one: Estimate, spread: Spread, phase: str) -> dict[str, view.Causes]:
    """What the interval of each metric of the first point is due to."""
    setting = one.setting
    how = [known(setting.efficiency, setting.machine.chip, name) for name in spread.causes]
    found: dict[str, view.Causes] = {}
    for name in one.metrics:
        if view.exact(name):
            continue
        whole = float(spread.log_sd[name][0]) ** 2
        parts = [float(part) for part in spread.parts[name][:, 0]] if name in spread.parts else []
        own = residual_log_sd(setting.efficiency, name, phase)
        found[name] = view.causes_of(list(zip(spread.causes, how, parts, strict=False)), whole, own)
    return found


def _rows(one: Estimate, phase: str) -> Sequence[OpRow]:
    """Operators of the first point; a served deployment shows its decode iteration at the running batch."""
    setting = one.setting
    if phase == "prefill":
        return explain(prefill_ops(setting, one.plans["prefill"]), setting, "prefill")
    plan = one.plans.get("decode") or one.plans["serve"]
    if "running" in one.metrics:
        plan = plan.with_(batch=np.broadcast_to(one.metrics["running"], plan.tp.shape) / plan.tp)
    return explain(decode_ops(setting, plan), setting, "decode")


def model_sources(catalog: Catalog, request: EstimateRequest) -> list[dict[str, object]]:
    """Sources of the chip, system, model, engine and calibration behind an answer."""
    machine = machine_of(catalog, request.system)
    found = entry_sources(catalog.chip(machine.chip), f"chips/{machine.chip}")
    if request.system in catalog.ids("systems"):
        found += entry_sources(catalog.system(request.system), f"systems/{request.system}")
    if request.model in catalog.ids("models"):
        found += entry_sources(catalog.model(request.model), f"models/{request.model}")
    engine = engine_id(catalog, request.engine)
    found += entry_sources(catalog.engine(engine), f"engines/{engine}")
    for entry in calibration_chain(catalog, machine.chip):
        found += entry_sources(entry, f"calibration/{entry.id}")
    return found


def _constants(
    catalog: Catalog, request: EstimateRequest, estimates: Mapping[str, Estimate], rows: Mapping[str, Sequence[OpRow]]
) -> list[Constant]:
    """Every parameter that the operators depend on, and all of the engine."""
    setting = next(iter(estimates.values())).setting
    owners = {entry.id: entry for entry in calibration_chain(catalog, setting.machine.chip)}
    engine = catalog.engine(engine_id(catalog, request.engine))
    found: list[Constant] = []
    for name in sorted({name for phase in rows.values() for row in phase for name in row.constants}):
        entry = owners.get(setting.efficiency.owners[name])
        if entry is not None and name in entry.parameters:
            how = known(setting.efficiency, setting.machine.chip, name)
            found.append(_constant(name, entry.id, entry.parameters[name], entry.sources, how))
    for key, value in engine.parameters.items():
        found.append(_constant(f"engine.{key}", engine.id, value, engine.sources, "stated by the engine"))
    return found


def _constant(name: str, owner: str, value: Value, sources: Mapping[str, Source], how: str) -> Constant:
    source = sources[value.source]
    return name, view.value_words(value), value.basis, how, f"{owner}: {source.title} ({source.date})"


def _warnings(catalog: Catalog, requests: Sequence[EstimateRequest], estimates: Mapping[str, Estimate]) -> list[str]:
    """What a reader must know before trusting the numbers."""
    said: list[str] = []
    for request in requests:
        one = estimates[request.phase]
        setting = one.setting
        for place, fmt in (("weights", setting.formats.experts), ("attention weights", setting.formats.attention)):
            unit = setting.machine.device.compute(fmt)
            if not unit.native:
                said.append(f"{setting.machine.chip} has no {fmt} unit: {place} are widened to {unit.format} on load")
        if request.weights and request.weights != setting.formats.experts:
            said.append(f"{setting.spec.id} is released in {setting.spec.weights}; its weights are not stored wider")
        if not request.weights and setting.formats.experts != setting.spec.weights:
            stored, kept = setting.spec.weights, setting.formats.experts
            said.append(f"{setting.machine.chip} has no {stored} unit: weights converted to {kept}")
        engine = catalog.engine(engine_id(catalog, request.engine))
        if engine.vendors and setting.machine.device.vendor not in engine.vendors:
            said.append(f"{engine.name} is not known to run on chips of {setting.machine.device.vendor}")
        if one.idle:
            said.append(f"{one.idle} of the devices given stay idle: they make no whole instance")
        if one.chips > setting.machine.chips:
            said.append(
                f"{one.chips:,.0f} chips are {one.chips / setting.machine.chips:,.1f} times {setting.machine.id}"
            )
        over = float(np.max(one.metrics["load"])) if "load" in one.metrics else 0.0
        if over >= 1.0:
            said.append(f"the load is {over:,.2f} times what the deployment serves: the queue grows meanwhile")
        unfit = sum(1 for at in range(len(one.points)) if not view.fits(one, at))
        if unfit:
            said.append(f"{unfit} of {len(one.points)} combinations do not fit the memory")
    return said


def _doubts(estimates: Mapping[str, Estimate], spreads: Mapping[str, Spread]) -> list[str]:
    """Why an interval is wide, and that a deployment may not fit, where sources or measurements leave it open."""
    said: list[str] = []
    for phase, one in estimates.items():
        setting, spread = one.setting, spreads[phase]
        chip, fits = setting.machine.chip, setting.efficiency.fits
        used = [fits[name] for name in spread.causes if name in fits]
        carried = [fit for fit in used if fit.n > 0]
        if used and not any(chip in fit.chips for fit in carried):
            lent = sorted({lender for fit in carried for lender in fit.chips})
            words = [f"{len(carried)} carried over from {', '.join(lent)}"] if carried else []
            words += [f"{len(used) - len(carried)} assumed"] if len(carried) < len(used) else []
            said.append(f"no constant was measured on {chip}: {', '.join(words)}; hence the wide interval")
        elif not used and len(setting.efficiency.chain) == 1:
            said.append(f"no measured kernels for {setting.machine.device.family}: generic efficiencies, wide interval")
        doubtful = 1.0 - float(np.min(spread.fits[fitting(one)]))
        if doubtful > DOUBT:
            said.append(f"by {doubtful:.0%} of what sources say about the memory of {chip}, it does not fit")
    return said

"""An estimate with everything an answer carries: intervals, sources, warnings, operators."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

import msgspec
import numpy as np

from accord.api.lookup import residual_log_sd
from accord.api.records import calibration_chain, efficiency_of, engine_id, machine_of, model_spec
from accord.catalog.load import Catalog
from accord.catalog.value import Value
from accord.inference.estimate import estimate as estimate_records
from accord.inference.request import EstimateRequest
from accord.inference.result import Estimate
from accord.report import estimate_view as view
from accord.report.catalog_view import entry_sources
from accord.step.decode import decode_ops
from accord.step.explain import OpRow, explain
from accord.step.prefill import prefill_ops
from accord.uncertainty.residual import factor


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``accord estimate`` prints, by phase.

    factors: half-width factor of each metric's interval; constants: name, value, basis, source
    """

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    warnings: Sequence[str]
    estimates: Mapping[str, Estimate]
    factors: Mapping[str, Mapping[str, float]]
    explained: Mapping[str, Sequence[OpRow]]
    constants: Sequence[tuple[str, str, str, str]]


def answer(requests: Sequence[EstimateRequest], catalog: Catalog, level: float, explained: bool) -> Answer:
    """Estimate each request (one a phase, all of one model and system)."""
    estimates: dict[str, Estimate] = {}
    for request in requests:
        spec, machine = model_spec(catalog, request.model), machine_of(catalog, request.system)
        efficiency = efficiency_of(catalog, machine.device.family, request.engine)
        estimates[request.phase] = estimate_records(spec, machine, efficiency, request, catalog.defaults())
    kinds: dict[str, str] = {
        str(request.phase): "split" if request.disaggregated else request.phase for request in requests
    }
    factors = {phase: _factors(catalog, one, kinds[phase], level) for phase, one in estimates.items()}
    rows = {phase: _rows(one, phase) for phase, one in estimates.items()} if explained else {}
    constants = _constants(catalog, requests[0], estimates, rows) if explained else ()
    return Answer(
        inputs=_inputs(requests, estimates),
        result=view.result_dict(estimates, factors, rows),
        sources=_sources(catalog, requests[0]),
        warnings=_warnings(catalog, requests, estimates),
        estimates=estimates, factors=factors, explained=rows, constants=constants,
    )  # fmt: skip


def _inputs(requests: Sequence[EstimateRequest], estimates: Mapping[str, Estimate]) -> dict[str, object]:
    """Every field that was given, and the names of those filled by default."""
    first = msgspec.to_builtins(requests[0])
    given = {name: value for name, value in first.items() if value is not None}
    assumed = list(dict.fromkeys(name for one in estimates.values() for name in one.assumed))
    return {**given, "phase": [request.phase for request in requests], "assumed": assumed}


def _factors(catalog: Catalog, one: Estimate, phase: str, level: float) -> dict[str, float]:
    """Residual of the chip family, widened by what sources disagree about the chip."""
    chip = one.setting.machine.chip
    disagreement = chip_log_sd(catalog, chip, one.setting.formats.experts)
    found: dict[str, float] = {}
    for name in one.metrics:
        spread = math.hypot(residual_log_sd(catalog, chip, name, phase), disagreement)
        found[name] = 1.0 if view.exact(name) else factor(spread, level)
    return found


def chip_log_sd(catalog: Catalog, chip: str, fmt: str) -> float:
    """Standard deviation in log space of a step time from conflicting chip facts.

    Half of a step scales with the peak rate and half with memory bandwidth; distinct claims weigh equally.
    """
    record = catalog.chip(chip)
    peaks: dict[str, Value] = {str(name): value for name, value in record.peak.items()}
    facts = (peaks.get(fmt) or peaks.get("bf16"), record.memory.bandwidth)
    return 0.5 * math.hypot(*(_log_sd(value) for value in facts))


def _log_sd(value: Value | None) -> float:
    claims = sorted({round(math.log(claim), 3) for claim in value.spread() if claim > 0.0}) if value else []
    return pstdev(claims, fmean(claims)) if len(claims) > 1 else 0.0


def _rows(one: Estimate, phase: str) -> Sequence[OpRow]:
    """Operators of the first point; a served deployment shows its decode iteration at the running batch."""
    setting = one.setting
    if phase == "prefill":
        return explain(prefill_ops(setting, one.plans["prefill"]), setting, "prefill")
    plan = one.plans.get("decode") or one.plans["serve"]
    if "running" in one.metrics:
        plan = plan.with_(batch=np.broadcast_to(one.metrics["running"], plan.tp.shape) / plan.tp)
    return explain(decode_ops(setting, plan), setting, "decode")


def _sources(catalog: Catalog, request: EstimateRequest) -> list[dict[str, object]]:
    """Sources of the chip, system, model, engine and calibration behind an answer."""
    machine = machine_of(catalog, request.system)
    found = entry_sources(catalog.chip(machine.chip), f"chips/{machine.chip}")
    if request.system in catalog.ids("systems"):
        found += entry_sources(catalog.system(request.system), f"systems/{request.system}")
    if request.model in catalog.ids("models"):
        found += entry_sources(catalog.model(request.model), f"models/{request.model}")
    engine = engine_id(catalog, request.engine)
    found += entry_sources(catalog.engine(engine), f"engines/{engine}")
    for entry in calibration_chain(catalog, machine.device.family):
        found += entry_sources(entry, f"calibration/{entry.id}")
    return found


def _constants(
    catalog: Catalog, request: EstimateRequest, estimates: Mapping[str, Estimate], rows: Mapping[str, Sequence[OpRow]]
) -> list[tuple[str, str, str, str]]:
    """Name, value, basis and source of every parameter the operators depend on, nearest entry first."""
    family = next(iter(estimates.values())).setting.machine.device.family
    chain = calibration_chain(catalog, family)
    names = sorted({name for phase in rows.values() for row in phase for name in row.constants})
    found: list[tuple[str, str, str, str]] = []
    for name in names:
        for entry in chain:
            for key in sorted(key for key in entry.parameters if key == name or key.startswith(f"{name}.")):
                value = entry.parameters[key]
                source = entry.sources[value.source]
                found.append((key, view.value_words(value), value.basis, f"{entry.id}: {source.title} ({source.date})"))
            if name in entry.parameters:
                break
    engine = catalog.engine(engine_id(catalog, request.engine))
    for key, value in engine.parameters.items():
        source = engine.sources[value.source]
        found.append(
            (f"engine.{key}", view.value_words(value), value.basis, f"{engine.id}: {source.title} ({source.date})")
        )
    return found


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
        chain = setting.efficiency.chain
        if len(chain) == 1:
            said.append(f"no measured kernels for {setting.machine.device.family}: generic efficiencies, wide interval")
        if one.idle:
            said.append(f"{one.idle} of the devices given stay idle: they make no whole instance")
        if one.chips > setting.machine.chips:
            said.append(
                f"{one.chips:,.0f} chips are {one.chips / setting.machine.chips:,.1f} times {setting.machine.id}"
            )
        unfit = sum(1 for at in range(len(one.points)) if not view.fits(one, at))
        if unfit:
            said.append(f"{unfit} of {len(one.points)} combinations do not fit the memory")
    return said

"""Plans that a verb printed, read back."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from accord.api.answer_json import read_json
from accord.api.lookup import residual_log_sd
from accord.api.plan import plan
from accord.api.records import efficiency_of, machine_of
from accord.base.errors import AccordError, DataError
from accord.catalog.load import Catalog
from accord.economics.scenario import Scenario
from accord.planner.plan import Check, Holding, Metric, Plan, PoolPlan
from accord.planner.problem import OBJECTIVES, Problem
from accord.planner.why import METRIC_OF, Relaxation, relaxations, with_limits
from accord.planner.why_chances import Residual
from accord.planner.why_terms import Parts

T = TypeVar("T")
SCHEMAS = ("accord.plan/1", "accord.size/1")
_HINT = "give what 'accord plan --json' or 'accord size --json' printed"
_PARTS: Mapping[str, builtins.type[msgspec.Struct]] = {"pools": PoolPlan, "holdings": Holding, "checks": Check}
_METRICS = ("metrics", "simulated")
_HELD = ("chips", "power_w", "capex_usd", "usd_per_hour", "racks")
_WAITS = ("ttft", "e2el", "tpot")


@dataclass(frozen=True, slots=True)
class Printed:
    """What a verb printed.

    plans: best first, then others of the front and the best of each system; level: of their intervals
    objective: that ordered them, None where the file does not say; catalog: digest of the facts they rest on
    said: warnings and fields filled by default; parts: what an hour of a chip costs, by system and kind [USD/h]
    problem, scenario: the question, None where the file does not hold it as this version writes it; day: ISO date
        of what was known
    """

    plans: tuple[Plan, ...]
    level: float
    objective: str | None
    catalog: str
    said: tuple[str, ...]
    parts: Parts
    problem: Problem | None = None
    scenario: Scenario | None = None
    day: str | None = None


def parse_plans(data: bytes, name: str) -> Printed:
    """The plans in an answer of ``plan`` or ``size``; keys that a plan of this version has not are passed over.

    name: for messages
    Raises DataError for what is none: no JSON, another verb's answer, a plan that is broken, no plan at all.
    """
    found = _dict(read_json(data, name, _HINT))
    schema = found.get("schema")
    if schema not in SCHEMAS:
        what = f"is an answer of '{schema}'" if isinstance(schema, str) else "is no answer of a verb"
        raise DataError(f"{what}, not a file of plans", where=name, hint=_HINT)
    result, inputs = _dict(found.get("result")), _dict(found.get("inputs"))
    plans: dict[str, Plan] = {}
    for key in ("plans", "front", "by_system"):
        for at, one in enumerate(_list(result.get(key))):
            found_plan = _plan(one, f"{name}: result.{key}[{at}]")
            plans.setdefault(found_plan.id, found_plan)
    if not plans:
        raise DataError("holds no plan", where=name, hint="ask a question that has an answer")
    objectives = _list(_input(inputs, "objectives")) or [_input(inputs, "objective")]
    level = _input(inputs, "level")
    day = _dict(result.get("law")).get("date")
    assumed = [field for one in _list(result.get("terms")) for field in _list(_dict(one).get("assumed"))]
    said = (*_list(found.get("warnings")), *(f"{field} is a default" for field in assumed))
    return Printed(
        plans=tuple(plans.values()),
        level=float(level) if isinstance(level, int | float) and 0.0 < level < 1.0 else 0.9,
        objective=objectives[0] if isinstance(objectives[0], str) else None,
        catalog=str(found.get("catalog", "")),
        said=tuple(str(one) for one in said),
        parts=_parts(result.get("terms")),
        problem=_record(inputs.get("problem"), Problem),
        scenario=_record(inputs.get("scenario"), Scenario),
        day=day if isinstance(day, str) else None,
    )


def _record(value: object, type: builtins.type[T]) -> T | None:
    try:
        return msgspec.convert(value, type)
    except msgspec.ValidationError:
        return None


def _plan(value: object, where: str) -> Plan:
    """A plan; keys that a later version added are left out, of its parts too."""
    known = _fields(value, Plan)
    for name, part in _PARTS.items():
        values = known.get(name)
        if isinstance(values, list):
            known[name] = [_fields(one, part) if isinstance(one, dict) else one for one in values]
    for name in _METRICS:
        values = known.get(name)
        if isinstance(values, dict):
            known[name] = {key: _fields(one, Metric) if isinstance(one, dict) else one for key, one in values.items()}
    try:
        return msgspec.convert(known, Plan, strict=True)
    except msgspec.ValidationError as error:
        raise DataError(f"is no plan: {error}", where=where, hint=_HINT) from None


def _fields(value: object, part: builtins.type[msgspec.Struct]) -> dict[str, object]:
    return {name: one for name, one in _dict(value).items() if name in part.__struct_fields__}


def _parts(value: object) -> Parts:
    """What an hour of a chip is made of, from the terms of each system; a system with an unknown part is left out."""
    found: dict[str, dict[str, float]] = {}
    for one in map(_dict, _list(value)):
        values = {key: _number(part) for key, part in _dict(one.get("parts_usd_per_hour")).items()}
        if values and all(part is not None for part in values.values()):
            found[str(one.get("system"))] = {key: part for key, part in values.items() if part is not None}
    return found


def _number(figure: object) -> float | None:
    value = _dict(figure).get("value")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _input(inputs: Mapping[str, object], name: str) -> object:
    """An input, or the same of the problem among the inputs."""
    return inputs[name] if name in inputs else _dict(inputs.get("problem")).get(name)


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def residual_of(catalog: Catalog) -> Residual:
    """What parameters and facts leave unexplained of a plan's metric, as a standard deviation of its logarithm.

    Of what is held nothing is predicted. Figures a token follow the rate. Raises nothing: a machine that this catalog
    does not know leaves 0, and then all that is unsure counts as shared.
    """

    def of(plan: Plan, metric: str) -> float:
        pool = plan.pool("decode") or plan.pool("serve")
        if metric in _HELD or pool is None:
            return 0.0
        timed = metric if metric.startswith(_WAITS) else "request_per_s"
        try:
            chip = machine_of(catalog, pool.system).chip
            efficiency = efficiency_of(catalog, chip, pool.engine, pool.engine_version)
        except AccordError:
            return 0.0
        return residual_log_sd(efficiency, timed, "split" if plan.mode == "disaggregated" else "serve")

    return of


def priced(printed: Printed, objective: str, paths: tuple[str, ...] = ()) -> tuple[Relaxation, ...]:
    """What relaxing each limit of a file's question gains; empty where the file does not hold the question.

    objective: what is gained in; paths: extra catalogs
    The question is searched again as it is, since plans of a file may stand in their order as simulated, and then
    once for each limit. Raises what :func:`accord.api.plan.plan` raises.
    """
    asked = printed.problem
    if asked is None:
        return ()
    names = {metric: name for name, metric in METRIC_OF.items()}
    first = names.get(objective, objective)
    known = [one for one in OBJECTIVES if one == first]
    problem = msgspec.structs.replace(asked, objectives=tuple(known) or asked.objectives)

    def replan(changes: Mapping[str, float]) -> Plan | None:
        answer = plan(with_limits(problem, changes), scenario=printed.scenario, paths=paths, count=1, day=printed.day)
        return answer.plans[0] if answer.plans else None

    best = replan({})
    metric = METRIC_OF.get(objective, objective)
    return relaxations(best, objective, replan) if best is not None and metric in best.metrics else ()

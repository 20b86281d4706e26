"""Plans that a verb printed, read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from accord.api.lookup import residual_log_sd
from accord.api.records import efficiency_of, machine_of
from accord.base.errors import AccordError, DataError
from accord.catalog.load import Catalog
from accord.planner.plan import Plan
from accord.planner.why import Residual
from accord.planner.why_terms import Parts

SCHEMAS = ("accord.plan/1", "accord.size/1")
_HINT = "give what 'accord plan --json' or 'accord size --json' printed"
_HELD = ("chips", "power_w", "capex_usd", "usd_per_hour", "racks")
_WAITS = ("ttft", "e2el", "tpot")


@dataclass(frozen=True, slots=True)
class Printed:
    """What a verb printed.

    plans: best first, then those of the front that are not among them; level: of their intervals
    objective: that ordered them, None where the file does not say; catalog: digest of the facts they rest on
    said: warnings and fields filled by default; parts: what an hour of a chip costs, by system and kind [USD/h]
    """

    plans: tuple[Plan, ...]
    level: float
    objective: str | None
    catalog: str
    said: tuple[str, ...]
    parts: Parts


def parse_plans(text: str, name: str) -> Printed:
    """The plans in an answer of ``plan`` or ``size``.

    name: for messages
    Raises DataError for what is none: no JSON, another verb's answer, a plan that is broken, no plan at all.
    """
    try:
        found = msgspec.json.decode(text.encode())
    except msgspec.DecodeError as error:
        raise DataError(f"is no JSON: {error}", where=name, hint=_HINT) from None
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema not in SCHEMAS:
        what = f"is an answer of '{schema}'" if isinstance(schema, str) else "is no answer of a verb"
        raise DataError(f"{what}, not a file of plans", where=name, hint=_HINT)
    result, inputs = _dict(found.get("result")), _dict(found.get("inputs"))
    plans: dict[str, Plan] = {}
    for key in ("plans", "front"):
        for at, one in enumerate(_list(result.get(key))):
            plan = _plan(one, f"{name}: result.{key}[{at}]")
            plans.setdefault(plan.id, plan)
    if not plans:
        raise DataError("holds no plan", where=name, hint="ask a question that has an answer")
    objectives = _list(_input(inputs, "objectives")) or [_input(inputs, "objective")]
    level = _input(inputs, "level")
    assumed = [*_list(inputs.get("assumed")), *_list(result.get("assumed"))]
    said = (*_list(found.get("warnings")), *(f"{field} is a default" for field in assumed))
    return Printed(
        plans=tuple(plans.values()),
        level=float(level) if isinstance(level, int | float) and 0.0 < level < 1.0 else 0.9,
        objective=objectives[0] if isinstance(objectives[0], str) else None,
        catalog=str(found.get("catalog", "")),
        said=tuple(str(one) for one in said),
        parts=_parts(result.get("terms")),
    )


def _plan(value: object, where: str) -> Plan:
    """A plan; keys that a later version added are left out."""
    known = {key: one for key, one in _dict(value).items() if key in Plan.__struct_fields__}
    try:
        return msgspec.convert(known, Plan)
    except msgspec.ValidationError as error:
        raise DataError(f"is no plan: {error}", where=where, hint=_HINT) from None


def _parts(value: object) -> Parts:
    """``parts`` of the terms of each system, a list of them or a table by system; a figure counts by its value."""
    terms = [_dict(one) for one in _list(value)] or [{"system": key, **_dict(one)} for key, one in _dict(value).items()]
    found: dict[str, dict[str, float]] = {}
    for one in terms:
        values = {key: _number(part) for key, part in _dict(one.get("parts")).items()}
        if values and all(part is not None for part in values.values()):
            found[str(one.get("system"))] = {key: part for key, part in values.items() if part is not None}
    return found


def _number(value: object) -> float | None:
    inner = value.get("value") if isinstance(value, dict) else value
    return float(inner) if isinstance(inner, int | float) and not isinstance(inner, bool) else None


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

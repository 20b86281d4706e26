"""``accord policy bom``: the bill of materials of a plan, or of a model with a system and an engine."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.api.plan_file import parse_plans
from accord.api.records import engine_id
from accord.catalog.load import Catalog
from accord.planner.plan import Plan
from accord.policy.licences import licence_of
from accord.report.bom import EngineUse, Json, Listed, SystemUse, bill, bill_table
from accord.report.catalog_view import entry_sources
from accord.report.tables import Table

# What a bill tells of a plan: figures a token and for the whole.
_METRICS = ("energy_j_per_output_token", "output_token_per_s_total", "request_per_s", "tpot_s", "ttft_s")


@dataclass(frozen=True, slots=True)
class BomAnswer:
    """What ``accord policy bom`` prints; bom: the bill itself."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    tables: Sequence[Table]
    bom: Json


def bom_of_plan(data: bytes, name: str, catalog: Catalog, day: datetime.date | None) -> BomAnswer:
    """The bill of the first plan in an answer of ``plan`` or ``size``.

    name: for messages; day: written as the bill's, None for none
    Raises DataError for what is no such answer, CatalogError where the catalog lacks what the plan names.
    """
    plan = parse_plans(data, name).plans[0]
    return _answer(_listed(plan, catalog), {"file": name, "plan": plan.id}, catalog, day)


def bom_of_model(
    model: str, system: str | None, engine: str | None, catalog: Catalog, day: datetime.date | None
) -> BomAnswer:
    """The bill of a model, with a system and an engine where they are given. Raises CatalogError for an unknown id."""
    systems = [] if system is None else [_system(catalog, system, None)]
    engines = [] if engine is None else [EngineUse(catalog.engine(engine_id(catalog, engine)))]
    licence = licence_of((catalog.licence(id) for id in catalog.ids("licences")), model)
    listed = Listed(catalog.model(model), licence, systems, engines)
    return _answer(listed, {"model": model, "system": system, "engine": engine}, catalog, day)


def _listed(plan: Plan, catalog: Catalog) -> Listed:
    chips = {one.system: one.chips for one in plan.holdings}
    engines: dict[tuple[str, str | None], list[str]] = {}
    for pool in plan.pools:
        said = engines.setdefault((engine_id(catalog, pool.engine), pool.engine_version), [])
        said.append(f"{pool.role}: weights {pool.weights}, cache {pool.kv}")
    licence = licence_of((catalog.licence(id) for id in catalog.ids("licences")), plan.model)
    return Listed(
        model=catalog.model(plan.model), licence=licence, plan=plan.id,
        systems=[_system(catalog, id, chips.get(id)) for id in dict.fromkeys(pool.system for pool in plan.pools)],
        engines=[
            EngineUse(catalog.engine(id), version, "; ".join(dict.fromkeys(said)))
            for (id, version), said in engines.items()
        ],
        metrics={name: plan.metrics[name] for name in _METRICS if name in plan.metrics},
    )  # fmt: skip


def _system(catalog: Catalog, id: str, chips: int | None) -> SystemUse:
    if id in catalog.ids("chips") and id not in catalog.ids("systems"):
        return SystemUse(None, catalog.chip(id), chips)
    system = catalog.system(id)
    return SystemUse(system, None if system.chip is None else catalog.chip(system.chip), chips)


def _answer(listed: Listed, inputs: Mapping[str, object], catalog: Catalog, day: datetime.date | None) -> BomAnswer:
    document = bill(listed, catalog.digest, day)
    sources = entry_sources(listed.model, f"models/{listed.model.id}")
    if listed.licence is not None:
        sources += entry_sources(listed.licence, f"licences/{listed.licence.id}")
    dated = {**inputs, "date": None if day is None else day.isoformat()}
    return BomAnswer(dated, {"bom": document}, sources, (bill_table(document),), document)

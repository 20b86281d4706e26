"""Every open model against every chip or system, and what a fleet of one chip could train or serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from accord.api.matrix_columns import Column, cells_of, columns_of, records_of
from accord.api.records import calibration_chain, engine_id, model_spec
from accord.api.scenario import idle_share
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.economics.scenario import Scenario
from accord.inference.complete import number
from accord.models.params import count
from accord.models.spec import ModelSpec
from accord.planner.fleet import Band, FleetFacts, band, fleet_metrics
from accord.planner.lawful import UNCHECKED, Lawful
from accord.planner.matrix import Cell, Question
from accord.planner.plan import Metric
from accord.report.catalog_view import entry_sources
from accord.report.fleet import fleet_dict, fleet_tables
from accord.report.matrix import matrix_dict, matrix_tables
from accord.report.tables import Table
from accord.uncertainty import figure

TRAINING = ("assumptions-training", "training_mfu")


class Matrix(NamedTuple):
    """What the verb prints; cells in the order of models, then chips."""

    inputs: dict[str, object]
    result: dict[str, object]
    tables: tuple[Table, ...]
    sources: list[dict[str, object]]
    warnings: list[str]
    cells: tuple[Cell, ...]


def matrix(  # noqa: PLR0913  what may be asked of it
    catalog: Catalog, models: Sequence[str] | None = None, systems: Sequence[str] | None = None, *,
    isl: float = 4096.0, osl: float = 1024.0, tpot_s: float = 0.05, engine: str | None = None, level: float = 0.9,
    scenario: Scenario | None = None, day: str | None = None, law: Lawful = UNCHECKED,
) -> Matrix:  # fmt: skip
    """Fill the matrix.

    models: ids, every open one if omitted, closed ones are passed over; systems: ids of systems or chips, every chip
        if omitted; isl, osl: prompt and answer [token]; tpot_s: longest mean time per output token
    engine: whose parameters and records count, the generic one's and those of all engines if omitted
    day: ISO date; statements on engines that are younger do not count
    law: verdicts on the columns; those that do not pass are left out
    level: of the intervals; scenario: what an hour of a chip costs depends on; without one, rents of the catalog
    Raises CatalogError for unknown ids, UsageError for a point that is none.
    """
    asked = _question(catalog, isl, osl, tpot_s, level)
    specs, warnings = _specs(catalog, models)
    records = records_of(catalog, engine, day)
    columns = tuple(columns_of(catalog, _left(catalog, systems, law), engine, scenario or Scenario(), level))
    by_column = [tuple(cells_of(column, specs, asked, records)) for column in columns]
    cells = tuple(cell for row in zip(*by_column, strict=True) for cell in row)
    inputs = {
        "models": [spec.id for spec in specs], "systems": [column.id for column in columns], "engine": engine,
        "day": day,
        **msgspec.to_builtins(asked),
    }  # fmt: skip
    return Matrix(
        inputs=inputs, result=matrix_dict(cells, asked), tables=matrix_tables(cells, asked, named=systems is not None),
        sources=_sources(catalog, specs, columns, engine), warnings=warnings, cells=cells,
    )  # fmt: skip


def _left(catalog: Catalog, systems: Sequence[str] | None, law: Lawful) -> Sequence[str] | None:
    """Columns that the law does not stop, all chips for None where it was not asked."""
    return systems if not law.systems else law.left(catalog.ids("chips") if systems is None else systems)


def _question(catalog: Catalog, isl: float, osl: float, tpot_s: float, level: float) -> Question:
    for flag, value in (("--isl", isl), ("--osl", osl), ("--tpot", tpot_s)):
        if not 0.0 < value < 1e9:
            raise UsageError(f"{value:g} is no length or time", where=flag, hint="give a number above 0")
    if not 0.0 < level < 1.0:
        raise UsageError(f"a level of {level:g}", where="--level", hint="give a share between 0 and 1, such as 0.9")
    wide = number(catalog.defaults(), "serving", "wide_ep")
    return Question(isl=isl, osl=osl, tpot_s=tpot_s, level=level, redundant_from=wide)


def _specs(catalog: Catalog, models: Sequence[str] | None) -> tuple[list[ModelSpec], list[str]]:
    """Models with a published shape, and what is said of the others."""
    known = catalog.ids("models")
    ids = known if models is None else list(dict.fromkeys(models))
    closed = [id for id in ids if id in known and catalog.model(id).config is None]
    specs = [model_spec(catalog, id) for id in ids if id not in closed]
    said = f"passed over, for their architecture is unpublished: {', '.join(closed)}" if closed else ""
    if not specs:
        raise UsageError("no model with a published architecture is left", where="--model", hint="name an open model")
    return specs, [said] if said else []


def _sources(
    catalog: Catalog, specs: Sequence[ModelSpec], columns: Sequence[Column], engine: str | None
) -> list[dict[str, object]]:
    """Sources of the models, chips, systems, engine and calibration behind the cells."""
    found = [one for spec in specs if spec.id in catalog.ids("models")
             for one in entry_sources(catalog.model(spec.id), f"models/{spec.id}")]  # fmt: skip
    entries: dict[str, list[dict[str, object]]] = {}
    for column in columns:
        entries[f"chips/{column.chip.id}"] = entry_sources(column.chip, f"chips/{column.chip.id}")
        if column.home is not None:
            entries[f"systems/{column.home}"] = entry_sources(catalog.system(column.home), f"systems/{column.home}")
        for entry in calibration_chain(catalog, column.chip.id):
            entries[f"calibration/{entry.id}"] = entry_sources(entry, f"calibration/{entry.id}")
    used = engine_id(catalog, engine)
    entries[f"engines/{used}"] = entry_sources(catalog.engine(used), f"engines/{used}")
    for id in catalog.ids("support"):
        entries[f"support/{id}"] = entry_sources(catalog.support(id), f"support/{id}")
    for id in catalog.ids("prices"):
        if catalog.price(id).chip in {column.chip.id for column in columns}:
            entries[f"prices/{id}"] = entry_sources(catalog.price(id), f"prices/{id}")
    return found + [one for many in entries.values() for one in many]


# A fleet


class Fleet(NamedTuple):
    """What a question about a fleet prints; see :class:`Matrix`."""

    inputs: dict[str, object]
    result: dict[str, object]
    tables: tuple[Table, ...]
    sources: list[dict[str, object]]
    warnings: list[str]
    metrics: dict[str, Metric]


def fleet(
    catalog: Catalog, chips: int, system: str, model: str, *, scenario: Scenario | None = None,
    mfu: tuple[float, float, float] | None = None, point: tuple[float, float, float] = (4096.0, 1024.0, 0.05),
    engine: str | None = None, level: float = 0.9,
) -> Fleet:  # fmt: skip
    """What so many chips could train or serve, at what power, cost and carbon.

    chips: of the fleet; system: id of a chip or system; model: id, trained by ``6 N D`` and served as in the matrix
    mfu: model FLOP over dense BF16 peak in training, low, value, high; the catalog's assumption if omitted
    point: prompt and answer [token] and the longest mean time per output token [s] in serving
    engine, level: see :func:`matrix`; scenario: place, prices, share of the time under load
    Raises CatalogError for unknown ids, UsageError for numbers outside their range, ArchitectureUnpublished.
    """
    told = scenario or Scenario()
    asked = _question(catalog, *point, level)
    spec = model_spec(catalog, model)
    column = _many(next(columns_of(catalog, [system], engine, told, level)), chips)
    cell = next(cells_of(column, [spec], asked, records_of(catalog, engine)))
    facts = _facts(catalog, chips, column, spec, cell, told, _mfu(catalog, mfu, level), level)
    metrics = fleet_metrics(facts)
    inputs = {
        "chips": chips, "system": system, "model": model, "engine": engine, "mfu": facts.mfu._asdict(),
        "load": facts.load, **msgspec.to_builtins(asked),
    }  # fmt: skip
    sources = _sources(catalog, [spec], [column], engine)
    if mfu is None:
        sources += entry_sources(catalog.price(TRAINING[0]), f"prices/{TRAINING[0]}")
    return Fleet(
        inputs, fleet_dict(facts, metrics, cell), fleet_tables(facts, metrics, cell, level), sources,
        _fleet_warnings(column, cell, facts, assumed=mfu is None), metrics,
    )  # fmt: skip


def _many(column: Column, chips: int) -> Column:
    """The same column with as many of its systems joined as make the fleet."""
    ground = column.ground
    return column if ground is None else replace(column, ground=replace(ground, most_chips=chips))


def _mfu(catalog: Catalog, mfu: tuple[float, float, float] | None, level: float) -> Band:
    if mfu is not None:
        low, value, high = mfu
        return Band(value, low, high)
    entry, name = TRAINING
    found = band(figure.of(catalog.price(entry).facts.get(name), f"prices/{entry}"), level)
    if found is None:
        raise UsageError("the catalog assumes no utilisation in training", where="--mfu", hint="give one")
    return found


def _facts(
    catalog: Catalog, chips: int, column: Column, spec: ModelSpec, cell: Cell, scenario: Scenario, mfu: Band,
    level: float,
) -> FleetFacts:  # fmt: skip
    terms, ground = column.terms, column.ground
    peak = column.chip.peak.get("bf16")
    rate = cell.answer.metrics.get("output_token_per_s_per_chip")
    price = ground.usd_per_hour if ground is not None else None
    return FleetFacts(
        chips=chips, flop_per_s=band(figure.of(peak, f"chips/{column.chip.id}"), level), mfu=mfu,
        active_params=float(count(spec).active_without_embeddings),
        output_token_per_s=_band_of(rate), instance_chips=cell.answer.chips or 1,
        usd_per_hour=Band(*price) if price is not None else None,
        power_w=band(terms.power_w, level) if terms else None, pue=band(terms.pue, level) if terms else None,
        capex_usd=band(terms.capex_usd, level) if terms else None,
        kgco2_per_kwh=band(terms.kgco2_per_kwh, level) if terms else None,
        load=terms.load if terms else 1.0, idle_share=idle_share(catalog, scenario)[0],
    )  # fmt: skip


def _band_of(found: Metric | None) -> Band | None:
    if found is None or found.low is None or found.high is None:
        return None
    return Band(found.value, found.low, found.high)


def _fleet_warnings(column: Column, cell: Cell, facts: FleetFacts, *, assumed: bool) -> list[str]:
    said = list(column.terms.said) if column.terms is not None else [
        f"the catalog has no system of {column.chip.id}, so its power and price in one are not known"
    ]  # fmt: skip
    if assumed:
        said.append("the utilisation in training is assumed: give one with --mfu")
    if facts.flop_per_s is None:
        said.append("no BF16 rate is published: training is left out")
    if cell.answer.reason is not None:
        said.append(f"serving {cell.model}: {cell.answer.reason}")
    return said

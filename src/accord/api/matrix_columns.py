"""Columns and cells of the model x chip matrix, from the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from accord.api.lookup import residual_log_sd
from accord.api.records import efficiency_of, engine_id
from accord.api.scenario import rates_of
from accord.api.terms import terms_of
from accord.base.errors import CatalogError, MissingFact
from accord.base.registry import did_you_mean
from accord.base.source import Source
from accord.catalog.chip import Chip
from accord.catalog.load import Catalog
from accord.catalog.system import System
from accord.economics.rent import rent_of
from accord.economics.scenario import Scenario
from accord.hardware.derate import Efficiency
from accord.hardware.device import BYTES_PER_NUMBER, Device
from accord.hardware.system import Machine, build
from accord.inference.complete import Assumed, formats_for
from accord.inference.request import EstimateRequest
from accord.inference.spread import draws
from accord.models.spec import ModelSpec
from accord.parallel.plan import Setting
from accord.planner.conversion import Conversion, Unknown, conversions_of
from accord.planner.matrix import Answer, Cell, Converted, Ground, Question, Supported, answer
from accord.planner.smallest import SERVER_CHIPS
from accord.planner.support import Answered, Index, index, support
from accord.planner.terms import Terms
from accord.uncertainty.figure import Figure

_ORDER = ("node", "supernode", "pod", "cluster")
_BEST_FIRST = ("yes", "partial", "no", "unknown")


@dataclass(frozen=True, slots=True)
class Column:
    """A chip or system of the matrix.

    home: the system whose links and terms count, None for a chip's own; ground: None where a fact is ``missing``
    native: formats the chip multiplies as stored; terms: of the home, None where there is none
    """

    id: str
    chip: Chip
    home: str | None
    ground: Ground | None
    efficiency: Efficiency
    native: tuple[str, ...] = ()
    missing: Answer | None = None
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """Engine support: statements made ready, the engines asked, all of them or one, and the day that is asked about."""

    index: Index
    engines: tuple[str, ...]
    day: str | None = None


def records_of(catalog: Catalog, engine: str | None, day: str | None = None) -> Records:
    """Statements on the engine named, or on every one, that were known on ``day``.

    Raises CatalogError for an engine nobody knows.
    """
    made = index(catalog.support(id) for id in catalog.ids("support"))
    if engine is None:
        return Records(made, tuple(made.engines), day)
    return Records(made, (engine if engine in made.engines else engine_id(catalog, engine),), day)


def columns_of(
    catalog: Catalog, systems: Sequence[str] | None, engine: str | None, scenario: Scenario, level: float
) -> Iterator[Column]:
    """Every chip, or the chips and systems named. Raises CatalogError for an id that is neither."""
    homes = _homes(catalog)
    for id in catalog.ids("chips") if systems is None else dict.fromkeys(systems):
        yield _column(catalog, id, homes, engine, scenario, level)


def _homes(catalog: Catalog) -> dict[str, str]:
    """For each chip the catalog's system whose links count: a server before a supernode, the maker's own first."""
    found: dict[str, tuple[tuple[int, bool, float, str], str]] = {}
    for id in catalog.ids("systems"):
        record = catalog.system(id)
        if record.chip is None or record.chips is None or record.kind not in _ORDER or not record.fabric.planes:
            continue
        own = record.vendor == catalog.chip(record.chip).vendor
        rank = (_ORDER.index(record.kind), not own, -record.chips.si, id)
        if record.chip not in found or rank < found[record.chip][0]:
            found[record.chip] = (rank, id)
    return {chip: id for chip, (_, id) in found.items()}


def _column(
    catalog: Catalog, id: str, homes: dict[str, str], engine: str | None, scenario: Scenario, level: float
) -> Column:
    chip, home, most = _named(catalog, id, homes)
    efficiency = efficiency_of(catalog, chip.id, engine)
    terms = terms_of(catalog, home, scenario) if home is not None and catalog.system(home).chips is not None else None
    missing = _missing(chip) or _uncounted(catalog, home)
    if missing is not None:
        return Column(id, chip, home, None, efficiency, missing=missing, terms=terms)
    rated = chip.memory.bandwidth is not None
    machine = _machine(catalog, chip if rated else _without_rate(chip), home)
    residual = residual_log_sd(efficiency, "decode_token_per_s_per_chip", "decode")
    price = _price(catalog, chip, scenario, terms)
    hour = None if price is None else (price.value, *price.band(level))
    ground = Ground(machine, draws(machine, efficiency), residual, most_chips=most, rated=rated, usd_per_hour=hour)
    return Column(id, chip, home, ground, efficiency, native_formats(machine.device), terms=terms)


def _price(catalog: Catalog, chip: Chip, scenario: Scenario, terms: Terms | None) -> Figure | None:
    """An hour of a chip: by the terms of its system, else its rent [USD/h]."""
    if terms is not None:
        return terms.usd_per_hour
    return rent_of((catalog.price(id) for id in catalog.ids("prices")), chip.id, rates_of(catalog, scenario))


def _uncounted(catalog: Catalog, home: str | None) -> Answer | None:
    """The answer of a system whose chips nobody counts."""
    if home is None or catalog.system(home).chips is not None:
        return None
    return Answer(fits="unknown", cause="links", reason="the number of chips is not published")


def _named(catalog: Catalog, id: str, homes: dict[str, str]) -> tuple[Chip, str | None, int | None]:
    """Chip of a column, the system whose links count, and the most chips of an instance."""
    if id in catalog.ids("systems"):
        record = catalog.system(id)
        if record.chip is None:
            raise CatalogError(f"{id}: the entry names no chip", hint="use a system whose entry has a chip")
        return catalog.chip(record.chip), id, int(record.chips.si) if record.chips is not None else None
    if id in catalog.ids("chips"):
        return catalog.chip(id), homes.get(id), None
    known = (*catalog.ids("systems"), *catalog.ids("chips"))
    raise CatalogError(f"'{id}' is no system and no chip", hint=did_you_mean(id, known))


def _missing(chip: Chip) -> Answer | None:
    """The answer of a chip without the facts that every answer needs, None where they are published."""
    if chip.memory.capacity is None:
        return Answer(fits="unknown", cause="memory", reason="memory capacity is not published")
    if "bf16" not in chip.peak:
        others = f" (only {', '.join(sorted(chip.peak))})" if chip.peak else ""
        return Answer(fits="unknown", cause="bf16", reason=f"no BF16 rate is published{others}")
    return None


def _without_rate(chip: Chip) -> Chip:
    """A chip whose bandwidth nobody states, so that memory can be added up; its rates are never shown."""
    if chip.memory.capacity is None:
        return chip
    rate = msgspec.structs.replace(chip.memory.capacity, unit="B/s", basis="assumed", alternatives=())
    return msgspec.structs.replace(chip, memory=msgspec.structs.replace(chip.memory, bandwidth=rate))


def _machine(catalog: Catalog, chip: Chip, home: str | None) -> Machine:
    """A chip in its server, by the catalog's system, else by its own links among :data:`SERVER_CHIPS`."""
    if home is not None:
        return build(catalog.system(home), chip)
    one = chip.devices_per_chip
    count = type(one)(
        number=float(SERVER_CHIPS), unit="1", basis="assumed", source=one.source, note="chips of a server"
    )
    lone = System(
        id=chip.id, name=chip.name, vendor=chip.vendor, kind="node", chip=chip.id, chips=count, sources=chip.sources
    )
    return build(lone, chip)


def native_formats(device: Device) -> tuple[str, ...]:
    """Formats of stored weights that the chip's units multiply as they are."""
    found = []
    for fmt in BYTES_PER_NUMBER:
        try:
            if device.compute(fmt).native:
                found.append(fmt)
        except MissingFact:
            continue
    return tuple(found)


# Cells


def cells_of(column: Column, specs: Sequence[ModelSpec], asked: Question, records: Records) -> Iterator[Cell]:
    """One cell a model."""
    for spec in specs:
        cell = _cell(column, spec, asked, records)
        yield msgspec.structs.replace(cell, support=_supported(records, cell, column.chip))


def _cell(column: Column, spec: ModelSpec, asked: Question, records: Records) -> Cell:
    chip, ground = column.chip, column.ground
    blank = Cell(
        model=spec.id, column=column.id, chip=chip.id, system=column.home, vendor=chip.vendor, stored=spec.weights,
        answer=column.missing or Answer(fits="unknown"), pooled=len(column.efficiency.chain) < 2,
    )  # fmt: skip
    if ground is None:
        return blank
    request = EstimateRequest(model=spec.id, system=column.id)
    formats = formats_for(spec, ground.machine, request, column.efficiency, Assumed())
    setting = Setting(spec, ground.machine, formats, column.efficiency)
    return msgspec.structs.replace(
        blank, answer=answer(setting, ground, _within(spec, asked)), weights=formats.experts,
        native_formats=column.native,
        conversion=_converted(column, spec.id, spec.weights, formats.experts, records),
    )  # fmt: skip


def _supported(records: Records, cell: Cell, chip: Chip) -> Supported:
    """The best answer of the engines asked; where no record speaks of a cell, nobody knows."""
    weights = cell.weights or cell.stored
    found = (
        support(records.index, name, chip.id, chip.family, cell.model, weights, day=records.day)
        for name in records.engines
    )
    best = min(found, key=lambda one: _BEST_FIRST.index(one.answer), default=None)
    if best is None or (best.answer == "unknown" and len(records.engines) > 1):
        return Supported(answer="unknown", why="no record speaks of this model on this chip in this format")
    return _told(best)


def _told(found: Answered) -> Supported:
    statement = found.statement
    return Supported(
        answer=found.answer, engine=found.engine, why=found.why,
        source=_titled(found.source),
        date=statement.date if statement is not None else None,
    )  # fmt: skip


def _within(spec: ModelSpec, asked: Question) -> Question:
    """The question with prompt and answer shortened alike where the model's context is shorter."""
    if not spec.context or asked.isl + asked.osl <= spec.context:
        return asked
    share = spec.context / (asked.isl + asked.osl)
    return msgspec.structs.replace(asked, isl=float(int(asked.isl * share)), osl=float(int(asked.osl * share)))


def _converted(column: Column, model: str, stored: str, held: str, records: Records) -> Converted | None:
    """What is supposed to be done with weights on a chip that does not multiply their format, None where it does."""
    if held == stored and stored in column.native:
        return None
    ways = conversions_of(column.chip, stored)
    way = _way(ways, stored, held)
    if isinstance(ways, Unknown) or way is None:
        return None
    engine, said = None, way
    for name in records.engines:
        told = _way(conversions_of(column.chip, stored, records.index, name, model=model), stored, held)
        if told is not None and told.stated:
            engine, said = name, told
            break
    return Converted(
        kind=way.kind, stored=stored, held=held, computed=way.compute_format, memory_ratio=way.memory_ratio,
        engine=engine, source=_titled(said.source), quality=said.quality,
        ways=tuple(f"{one.kind} to {one.weights}" if one.weights != stored else one.kind for one in ways),
    )  # fmt: skip


def _way(ways: tuple[Conversion, ...] | Unknown, stored: str, held: str) -> Conversion | None:
    """The way that the cost model takes: kept as stored and widened in the kernel, or made anew in another format."""
    if isinstance(ways, Unknown):
        return None
    kinds = ("native", "weight-only") if held == stored else ("requantise", "widen")
    return next((one for one in ways if one.weights == held and one.kind in kinds), None)


def _titled(source: Source | None) -> str | None:
    return f"{source.title} ({source.publisher})" if source is not None else None

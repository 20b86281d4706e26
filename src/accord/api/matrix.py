"""Every open model against every chip or system: the catalog joined to :mod:`accord.planner.matrix`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from accord.api.lookup import residual_log_sd
from accord.api.records import calibration_chain, efficiency_of, engine_id, model_spec
from accord.base.errors import CatalogError, MissingFact, UsageError
from accord.base.registry import did_you_mean
from accord.catalog.chip import Chip
from accord.catalog.load import Catalog
from accord.catalog.system import System
from accord.hardware.derate import Efficiency
from accord.hardware.device import BYTES_PER_NUMBER, Device, bytes_per_number
from accord.hardware.system import Machine, build
from accord.inference.complete import Assumed, formats_for, number
from accord.inference.request import EstimateRequest
from accord.inference.spread import draws
from accord.models.spec import ModelSpec
from accord.parallel.plan import Setting
from accord.planner.matrix import Answer, Cell, Conversion, Ground, Question, answer
from accord.planner.smallest import SERVER_CHIPS
from accord.report.catalog_view import entry_sources
from accord.report.matrix import matrix_dict, matrix_tables
from accord.report.tables import Table

_ORDER = ("node", "supernode", "pod", "cluster")


class Matrix(NamedTuple):
    """What the verb prints; cells in the order of models, then chips."""

    inputs: dict[str, object]
    result: dict[str, object]
    tables: tuple[Table, ...]
    sources: list[dict[str, object]]
    warnings: list[str]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A chip or system of the matrix.

    home: the system whose links count, None for a chip's own; ground: None where a fact is ``missing``
    """

    id: str
    chip: Chip
    home: str | None
    ground: Ground | None
    efficiency: Efficiency
    native: tuple[str, ...] = ()
    missing: Answer | None = None


def matrix(
    catalog: Catalog, models: Sequence[str] | None = None, systems: Sequence[str] | None = None, *,
    isl: float = 4096.0, osl: float = 1024.0, tpot_s: float = 0.05, engine: str | None = None, level: float = 0.9,
) -> Matrix:  # fmt: skip
    """Fill the matrix.

    models: ids, every open one if omitted, closed ones are passed over; systems: ids of systems or chips, every chip
        if omitted; isl, osl: prompt and answer [token]; tpot_s: longest mean time per output token
    engine: whose parameters and records count, the generic one's and those of all engines if omitted
    level: of the intervals
    Raises CatalogError for unknown ids, UsageError for a point that is none.
    """
    asked = _question(catalog, isl, osl, tpot_s, level)
    specs, warnings = _specs(catalog, models)
    columns = tuple(_columns(catalog, systems, engine))
    by_column = [tuple(_cells(column, specs, asked)) for column in columns]
    cells = tuple(cell for row in zip(*by_column, strict=True) for cell in row)
    inputs = {
        "models": [spec.id for spec in specs], "systems": [column.id for column in columns], "engine": engine,
        **msgspec.to_builtins(asked),
    }  # fmt: skip
    return Matrix(
        inputs=inputs, result=matrix_dict(cells, asked), tables=matrix_tables(cells, asked, named=systems is not None),
        sources=_sources(catalog, specs, columns, engine), warnings=warnings, cells=cells,
    )  # fmt: skip


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


# Columns


def _columns(catalog: Catalog, systems: Sequence[str] | None, engine: str | None) -> Iterator[Column]:
    homes = _homes(catalog)
    for id in catalog.ids("chips") if systems is None else dict.fromkeys(systems):
        yield _column(catalog, id, homes, engine)


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


def _column(catalog: Catalog, id: str, homes: dict[str, str], engine: str | None) -> Column:
    chip, home, most = _named(catalog, id, homes)
    efficiency = efficiency_of(catalog, chip.id, engine)
    missing = _missing(chip)
    if missing is not None:
        return Column(id, chip, home, None, efficiency, missing=missing)
    rated = chip.memory.bandwidth is not None
    machine = _machine(catalog, chip if rated else _without_rate(chip), home)
    residual = residual_log_sd(efficiency, "decode_token_per_s_per_chip", "decode")
    ground = Ground(
        machine, draws(machine, efficiency), residual, most_chips=most, rated=rated, usd_per_hour=_price(catalog, chip)
    )
    return Column(id, chip, home, ground, efficiency, native_formats(machine.device))


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


def _cells(column: Column, specs: Sequence[ModelSpec], asked: Question) -> Iterator[Cell]:
    for spec in specs:
        yield _cell(column, spec, asked)


def _cell(column: Column, spec: ModelSpec, asked: Question) -> Cell:
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
        native_formats=column.native, conversion=_conversion(spec.weights, formats.experts, ground.machine.device),
    )  # fmt: skip


def _within(spec: ModelSpec, asked: Question) -> Question:
    """The question with prompt and answer shortened alike where the model's context is shorter."""
    if not spec.context or asked.isl + asked.osl <= spec.context:
        return asked
    share = spec.context / (asked.isl + asked.osl)
    return msgspec.structs.replace(asked, isl=float(int(asked.isl * share)), osl=float(int(asked.osl * share)))


def _conversion(stored: str, held: str, device: Device) -> Conversion | None:
    """What happens to weights on a chip that does not multiply their format, None where it does."""
    unit = device.compute(held)
    if unit.native and held == stored:
        return None
    if held != stored:
        how = f"requantised from {stored} to {held} before loading"
    else:
        how = f"kept in {stored} and widened to {unit.format} on load"
    memory = bytes_per_number(held) / bytes_per_number(stored)
    return Conversion(stored=stored, held=held, computed=unit.format, memory=memory, how=how)


def _price(catalog: Catalog, chip: Chip) -> tuple[float, float, float] | None:
    return None


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
    return found + [one for many in entries.values() for one in many]

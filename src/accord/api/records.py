"""Catalog entries as the records the cost model works with."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from accord.base.errors import ArchitectureUnpublished, CatalogError, ModelConfigError
from accord.base.registry import did_you_mean
from accord.catalog.calibration import Calibration
from accord.catalog.chip import Family
from accord.catalog.load import Catalog
from accord.catalog.system import System
from accord.hardware.derate import Efficiency, join
from accord.hardware.system import Machine, build
from accord.models.hf_config import from_config
from accord.models.spec import ModelSpec

GENERIC = "generic"


MOST_BYTES = 4 << 20
_NO_PLACES: ContextVar[bool] = ContextVar("no_places", default=False)


@contextmanager
def no_places() -> Iterator[None]:
    """Within it a model is an entry of the catalog or a file of the present folder: no text opens another place."""
    before = _NO_PLACES.set(True)
    try:
        yield
    finally:
        _NO_PLACES.reset(before)


def is_sent(name: str) -> bool:
    """Whether a name is that of a file of the present folder, and leads nowhere else."""
    return re.fullmatch(r"[^/\\~:\0.-][^/\\:\0]*", name) is not None


def model_spec(catalog: Catalog, id: str) -> ModelSpec:
    """The architecture of a catalog model, or of a config.json at a path.

    Raises ArchitectureUnpublished for closed models, CatalogError for unknown ids, ModelConfigError
    for files that describe no supported model, or may not be opened (:func:`no_places`).
    """
    if id not in catalog.ids("models") and (id.endswith(".json") or "/" in id):
        if _NO_PLACES.get() and not is_sent(id):
            raise ModelConfigError(f"'{id}' names a place of this machine", hint="send the model's config.json")
        return _from_file(Path(id))
    record = catalog.model(id)
    if record.config is None:
        raise ArchitectureUnpublished(
            f"{record.name}: the architecture is unpublished, so nothing can be computed",
            where=id,
            hint="estimate an open model of the size you have in mind, or give a config.json of your own",
        )
    return from_config(record.config, record.id)


def efficiency_of(catalog: Catalog, chip: str, engine: str | None, version: str | None = None) -> Efficiency:
    """Parameters of a chip and an engine; an unmeasured chip falls back on its family's, and that on its parent's.

    version: of the engine, the current one if omitted
    """
    record = catalog.engine(engine_id(catalog, engine))
    software = (record.id, record.base) if record.base else (record.id,)
    suffixes = (chip, *software, catalog.chip(chip).family)
    return join(calibration_chain(catalog, chip), record, suffixes, version)


def training_efficiency(catalog: Catalog, chip: str) -> Efficiency:
    """Parameters of a chip in training: those of its kernels, of collectives and of training software."""
    entries = [entry for kind in ("training", "collectives") for entry in calibration_chain(catalog, chip, kind)]
    chain = [*entries, *calibration_chain(catalog, chip)]
    return join(chain, catalog.engine(GENERIC), (chip, catalog.chip(chip).family))


def calibration_chain(catalog: Catalog, chip: str, kind: str = "calibration") -> list[Calibration]:
    """Fitted parameters for a chip, nearest entry first, the generic one last.

    kind: ``calibration``, or ``collectives`` or ``training``, which join it
    """
    entry = _nearest(catalog, chip, kind)
    chain = [entry]
    while entry.parent is not None:
        entry = _fitted(catalog, kind, entry.parent)
        chain.append(entry)
    return chain


def _fitted(catalog: Catalog, kind: str, id: str) -> Calibration:
    return catalog.calibration(id) if kind == "calibration" else catalog.constants(kind, id)


def _nearest(catalog: Catalog, chip: str, kind: str) -> Calibration:
    """The entry of a chip, else of its family, else the generic one; entries are named after what they serve first."""
    family = catalog.chip(chip).family
    ids = catalog.ids(kind)
    for id in (chip, family):
        if id in ids:
            entry = _fitted(catalog, kind, id)
            if id in entry.chips or id in entry.families:
                return entry
    named = {*catalog.ids("chips"), *typing.get_args(Family)}
    others = [_fitted(catalog, kind, id) for id in ids if id not in named]
    near = [entry for entry in others if chip in entry.chips] or [one for one in others if family in one.families]
    return near[0] if near else _fitted(catalog, kind, GENERIC)


def engine_id(catalog: Catalog, name: str | None) -> str:
    """An engine's id from its id or an alias. Raises CatalogError with the nearest names."""
    if name is None:
        return GENERIC
    known = catalog.ids("engines")
    if name in known:
        return name
    for id in known:
        if name in catalog.engine(id).aliases:
            return id
    raise CatalogError(f"no engine is called '{name}'", hint=did_you_mean(name, known))


def is_engine(catalog: Catalog, name: str) -> bool:
    """Whether the catalog knows an engine by this id or alias."""
    return any(name == id or name in catalog.engine(id).aliases for id in catalog.ids("engines"))


def machine_of(catalog: Catalog, system: str) -> Machine:
    """The machine of a system entry; a chip's id stands for one chip. Raises CatalogError, MissingFact."""
    kind, record = catalog.find(system)
    if isinstance(record, System):
        if record.chip is None:
            raise CatalogError(f"{system}: the entry names no chip", hint="use a system whose entry has a chip")
        return build(record, catalog.chip(record.chip))
    if kind == "chips":
        return build(_single(catalog, system), catalog.chip(system))
    raise CatalogError(f"'{system}' is no system", hint=did_you_mean(system, catalog.ids("systems")))


def _single(catalog: Catalog, chip: str) -> System:
    """A chip on its own as a system of one."""
    record = catalog.chip(chip)
    one = record.devices_per_chip
    return System(
        id=chip, name=record.name, vendor=record.vendor, kind="chip", chip=chip, sources=record.sources,
        chips=type(one)(number=1.0, unit="1", basis="derived", source=one.source, note="one chip"),
    )  # fmt: skip


def _from_file(path: Path) -> ModelSpec:
    """A model from a config.json, or from the folder that holds one."""
    place = path / "config.json" if path.is_dir() else path
    try:
        if place.stat().st_size > MOST_BYTES:
            raise ModelConfigError(f"larger than {MOST_BYTES >> 20} MiB; a config.json is a few KB", where=str(place))
        config = json.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelConfigError(
            f"cannot be read: {error.strerror}", where=str(place), hint="give a catalog id or the path of a config.json"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ModelConfigError(f"is not JSON: {error}", where=str(place)) from None
    if not isinstance(config, dict):
        raise ModelConfigError("holds no JSON object", where=str(place))
    try:
        return from_config(config, place.parent.name if place.name == "config.json" else place.stem)
    except ModelConfigError as error:
        raise error.at(where=str(place)) from None

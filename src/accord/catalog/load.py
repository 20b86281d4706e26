"""The catalog: reads an entry's file when its id is asked for, and remembers it."""

from __future__ import annotations

import copy
import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.base.source import Source
from accord.catalog.calibration import Calibration, Constants
from accord.catalog.chip import Chip
from accord.catalog.claim import Claim
from accord.catalog.conformance import Conformance
from accord.catalog.deployment import Deployment
from accord.catalog.engine import Engine
from accord.catalog.governance import Governance
from accord.catalog.group import Group
from accord.catalog.instrument import Instrument
from accord.catalog.licence import Licence
from accord.catalog.model import Model
from accord.catalog.origin import Origin
from accord.catalog.party import Party
from accord.catalog.place import Place
from accord.catalog.price import Price
from accord.catalog.record import read_facts, read_record
from accord.catalog.reliability import Reliability
from accord.catalog.risk import TaxonomyRisk
from accord.catalog.support import Support
from accord.catalog.system import System
from accord.catalog.value import Value
from accord.catalog.workload import Workload
from accord.catalog.yaml_text import Item, read_yaml

DATA = Path(__file__).parent / "data"
RECORDS: Mapping[str, type[msgspec.Struct]] = {
    "chips": Chip,
    "systems": System,
    "models": Model,
    "prices": Price,
    "engines": Engine,
    "workloads": Workload,
    "places": Place,
    "support": Support,
    "origins": Origin,
    "calibration": Calibration,
    "collectives": Constants,
    "training": Constants,
    "reliability": Reliability,
    "instruments": Instrument,
    "groups": Group,
    "parties": Party,
    "licences": Licence,
    "governance": Governance,
    "deployments": Deployment,
    "claims": Claim,
    "conformance": Conformance,
    "risks": TaxonomyRisk,
}
UNCOUNTED = ("calibration", "support", "collectives", "training", "reliability", "governance", "conformance")
_SINGULAR = {"parties": "party"}
KINDS: tuple[str, ...] = tuple(RECORDS)
R = TypeVar("R", bound=msgspec.Struct)


def load_file(path: Path, kind: str) -> msgspec.Struct:
    """Read one entry from a file.

    kind: one of KINDS. Returns a Chip, System, ... as the kind says.
    Raises CatalogError with file, line and key if the file is not such an entry.
    """
    return _entry(read_yaml(path, _shown(path)), path, kind)


def load_catalog(extra: tuple[Path, ...] = ()) -> Catalog:
    """Open the catalog; nothing is read yet.

    extra: folders laid out like the packaged data (``chips/``, ``systems/``, ...), or single files; an entry of
        theirs replaces a packaged one of the same id, and :attr:`Catalog.notes` says so
    The packaged catalog alone is one a process, since its files do not change under it; extras are read each time.
    Raises CatalogError for an extra path that does not exist or whose kind cannot be told.
    """
    return Catalog(DATA, extra) if extra else _packaged()


@functools.cache
def _packaged() -> Catalog:
    """The packaged catalog, whose entries are read once a process."""
    return Catalog(DATA)


def kind_of(root: Item) -> str:
    """Tell which kind of entry a file holds, by its keys. Raises CatalogError if that is not clear."""
    keys = set(root.map())
    score = {}
    for kind, record in RECORDS.items():
        if record is Constants:
            continue  # looks like a calibration; its folder tells it
        known = set(record.__struct_fields__)
        wanted = {field.name for field in msgspec.structs.fields(record) if field.required}
        score[kind] = len(keys & known) - len(keys - known) - len(wanted - keys)
    best = max(score.values())
    kinds = [kind for kind in score if score[kind] == best]
    if best < 2 or len(kinds) != 1:
        hint = f"put it into a folder named {', '.join(KINDS[:-1])} or {KINDS[-1]}"
        raise root.error("is of a kind that its keys do not tell", hint=hint)
    return kinds[0]


def _shown(path: Path) -> str:
    """A path for messages: packaged files from ``catalog/`` on, others as given."""
    return str(path.relative_to(DATA.parent.parent)) if path.is_relative_to(DATA) else str(path)


def _entry(root: Item, path: Path, kind: str) -> msgspec.Struct:
    if kind not in RECORDS:
        raise CatalogError(f"{kind!r} is no kind of entry", hint=did_you_mean(kind, KINDS))
    record = read_record(root, RECORDS[kind])
    name = str(getattr(record, "id"))  # noqa: B009
    if name != path.stem:
        hint = f"write 'id: {path.stem}' or rename the file to '{name}.yaml'"
        raise root.entries["id"].error(f"is {name!r}, but the file is named {path.name!r}", hint=hint)
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise root.entries["id"].error(
            f"is {name!r}; an id is lower-case letters, digits, '-', '_' and '.'", hint=f"write 'id: {name.lower()}'"
        )
    return record


class Catalog:
    """Entries by kind and id, read when asked for.

    notes: one line for each packaged entry that an extra one replaces
    """

    def __init__(self, data: Path, extra: tuple[Path, ...] = ()) -> None:
        """List the files of the data folder and of the extras; see :func:`load_catalog`."""
        self._data = data
        self._extra = extra
        self._files: dict[str, dict[str, Path]] = {kind: _listed(data / kind) for kind in KINDS}
        self._records: dict[tuple[str, str], msgspec.Struct] = {}
        notes: list[str] = []
        for path in extra:
            for kind, name, file in _extra_files(path):
                if name in self._files[kind]:
                    notes.append(f"{kind}/{name}: {file} replaces {_shown(self._files[kind][name])}")
                self._files[kind][name] = file
        self.notes: tuple[str, ...] = tuple(notes)

    def with_calibration(self, records: Mapping[str, Calibration], kind: str = "calibration") -> Catalog:
        """Return the same catalog with other sets of fitted parameters, by id, in place of all of its own of a kind."""
        other = copy.copy(self)
        other._files = {**self._files, kind: {id: self._data / kind / f"{id}.yaml" for id in records}}
        kept = {key: record for key, record in self._records.items() if key[0] != kind}
        other._records = {**kept, **{(kind, id): record for id, record in records.items()}}
        return other

    def ids(self, kind: str) -> tuple[str, ...]:
        """Return the ids of one kind (see KINDS), sorted. Raises CatalogError for an unknown kind."""
        return tuple(sorted(self._of(kind)))

    def path(self, kind: str, id: str) -> Path:
        """Return the file that holds an entry. Raises CatalogError naming the closest id."""
        files = self._of(kind)
        if id not in files:
            noun = kind if kind in UNCOUNTED else _SINGULAR.get(kind, kind[:-1])
            raise CatalogError(f"{noun} {id!r} is not in the catalog", hint=did_you_mean(id, sorted(files)))
        return files[id]

    def shown(self, kind: str, id: str) -> str:
        """Return an entry's file for messages: packaged ones from ``catalog/`` on."""
        return _shown(self.path(kind, id))

    def entry(self, kind: str, id: str) -> msgspec.Struct:
        """Return one entry of any kind. Raises CatalogError if there is none or its file is wrong."""
        if (kind, id) not in self._records:
            self._records[kind, id] = load_file(self.path(kind, id), kind)
        return self._records[kind, id]

    def chip(self, id: str) -> Chip:
        """Return a chip. Raises CatalogError."""
        return self._get(Chip, "chips", id)

    def system(self, id: str) -> System:
        """Return a system. Raises CatalogError."""
        return self._get(System, "systems", id)

    def model(self, id: str) -> Model:
        """Return a model. Raises CatalogError."""
        return self._get(Model, "models", id)

    def price(self, id: str) -> Price:
        """Return a price. Raises CatalogError."""
        return self._get(Price, "prices", id)

    def engine(self, id: str) -> Engine:
        """Return an engine. Raises CatalogError."""
        return self._get(Engine, "engines", id)

    def workload(self, id: str) -> Workload:
        """Return a kind of traffic. Raises CatalogError."""
        return self._get(Workload, "workloads", id)

    def place(self, id: str) -> Place:
        """Return a place. Raises CatalogError."""
        return self._get(Place, "places", id)

    def support(self, id: str) -> Support:
        """Return what is known of an engine. Raises CatalogError."""
        return self._get(Support, "support", id)

    def origin(self, id: str) -> Origin:
        """Return where something comes from. Raises CatalogError."""
        return self._get(Origin, "origins", id)

    def calibration(self, id: str) -> Calibration:
        """Return a set of fitted parameters. Raises CatalogError."""
        return self._get(Calibration, "calibration", id)

    def constants(self, kind: str, id: str) -> Constants:
        """Return a set of fitted parameters that joins a calibration; kind: collectives or training."""
        return self._get(Constants, kind, id)

    def reliability(self, id: str) -> Reliability:
        """Return what is known of failures. Raises CatalogError."""
        return self._get(Reliability, "reliability", id)

    def instrument(self, id: str) -> Instrument:
        """Return an instrument of law or policy. Raises CatalogError."""
        return self._get(Instrument, "instruments", id)

    def group(self, id: str) -> Group:
        """Return a group of countries. Raises CatalogError."""
        return self._get(Group, "groups", id)

    def party(self, id: str) -> Party:
        """Return a party. Raises CatalogError."""
        return self._get(Party, "parties", id)

    def licence(self, id: str) -> Licence:
        """Return a licence of models. Raises CatalogError."""
        return self._get(Licence, "licences", id)

    def governance(self, id: str) -> Governance:
        """Return a governance instrument. Raises CatalogError."""
        return self._get(Governance, "governance", id)

    def deployment(self, id: str) -> Deployment:
        """Return where a system stands. Raises CatalogError."""
        return self._get(Deployment, "deployments", id)

    def claim(self, id: str) -> Claim:
        """Return a public claim. Raises CatalogError."""
        return self._get(Claim, "claims", id)

    def conformance(self, id: str) -> Conformance:
        """Return a test definition. Raises CatalogError."""
        return self._get(Conformance, "conformance", id)

    def risk(self, id: str) -> TaxonomyRisk:
        """Return a risk of the taxonomy. Raises CatalogError."""
        return self._get(TaxonomyRisk, "risks", id)

    def defaults(self) -> dict[str, dict[str, Value]]:
        """Return what is assumed where nothing is said, by section and name. Raises CatalogError."""
        return {section: dict(values) for section, values in self._defaults.items()}

    def find(self, id: str) -> tuple[str, msgspec.Struct]:
        """Return the kind and the entry of an id; where kinds share an id, the first in the order of KINDS.

        id: or ``kind/id``. Raises CatalogError naming the closest id of any kind.
        """
        kind, slash, name = id.partition("/")
        if slash and kind in KINDS:
            return kind, self.entry(kind, name)
        for kind in KINDS:
            if id in self._files[kind]:
                return kind, self.entry(kind, id)
        known = sorted({name for files in self._files.values() for name in files})
        raise CatalogError(f"{id!r} is not in the catalog", hint=did_you_mean(id, known))

    def source(self, kind: str, id: str, key: str) -> Source:
        """Return a source of an entry by its key there. Raises CatalogError."""
        sources: Mapping[str, Source] = getattr(self.entry(kind, id), "sources")  # noqa: B009
        if key not in sources:
            where = _shown(self.path(kind, id))
            raise CatalogError(f"{key!r} is no source of {id}", where=where, hint=did_you_mean(key, sources))
        return sources[key]

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 [hex] over the relative path and the bytes of every data file, extras included."""
        files = [(path.relative_to(self._data).as_posix(), path) for path in self._data.rglob("*.yaml")]
        for at, extra in enumerate(self._extra):
            found = extra.rglob("*.yaml") if extra.is_dir() else [extra]
            files += [(f"extra/{at}/{path.relative_to(extra).as_posix()}", path) for path in found]
        total = hashlib.sha256()
        for name, path in sorted(files):
            total.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()

    @functools.cached_property
    def _defaults(self) -> dict[str, dict[str, Value]]:
        sections: dict[str, dict[str, Value]] = {}
        folders = [self._data, *(extra for extra in self._extra if (extra / "defaults.yaml").is_file())]
        for path in (folder / "defaults.yaml" for folder in folders):
            for section, values in read_facts(read_yaml(path, _shown(path))).items():
                sections[section] = {**sections.get(section, {}), **values}
        return sections

    def _of(self, kind: str) -> dict[str, Path]:
        if kind not in self._files:
            raise CatalogError(f"{kind!r} is no kind of entry", hint=did_you_mean(kind, KINDS))
        return self._files[kind]

    def _get(self, record: type[R], kind: str, id: str) -> R:
        entry = self.entry(kind, id)
        assert isinstance(entry, record)
        return entry


def _listed(folder: Path) -> dict[str, Path]:
    """Files of a folder by id; empty where there is no such folder."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _extra_files(path: Path) -> list[tuple[str, str, Path]]:
    """Kind, id and file of everything an extra path holds."""
    if path.is_file():
        kind = path.parent.name if path.parent.name in KINDS else kind_of(read_yaml(path))
        return [(kind, path.stem, path)]
    if not path.is_dir():
        raise CatalogError("there is no such file or folder", where=str(path))
    found = [(kind, name, file) for kind in KINDS for name, file in _listed(path / kind).items()]
    loose = (file for file in sorted(path.glob("*.yaml")) if file.name != "defaults.yaml")
    found += [(kind_of(read_yaml(file)), file.stem, file) for file in loose]
    if not found and not (path / "defaults.yaml").is_file():
        raise CatalogError("the folder holds no entries", where=str(path), hint=f"put files into {', '.join(KINDS)}")
    return found

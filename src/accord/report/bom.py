"""A CycloneDX 1.6 ML-BOM of a model, the systems it runs on and the engines that run it.

Shape: bom-1.6.schema.json of github.com/CycloneDX/specification (ECMA-424). What the catalog does not know is said in
properties that begin with ``accord:unknown``, and the composition is called incomplete.
"""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from accord._version import VERSION
from accord.base.source import Source
from accord.catalog.chip import Chip
from accord.catalog.engine import Engine
from accord.catalog.licence import Licence
from accord.catalog.model import Model
from accord.catalog.system import System
from accord.planner.plan import Metric
from accord.report.tables import NOTHING, Table, text_column

Json = dict[str, object]
_HASHED = 16  # bytes of the content's hash that make the serial number
_TEXT = "TEXT"  # source of a licence's entry that is its own text
UNKNOWN_OF_MODEL = ("training datasets", "hash of the weights", "training energy", "fairness assessments")


@dataclass(frozen=True, slots=True)
class EngineUse:
    """An engine and the release of it, None where nobody says; formats: of weights and cache in words."""

    engine: Engine
    version: str | None = None
    formats: str = ""


@dataclass(frozen=True, slots=True)
class SystemUse:
    """A system, None for a chip alone; its chip; and how many chips of it, None where nobody says."""

    system: System | None
    chip: Chip | None
    chips: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """What a bill lists; metrics: predicted of the plan, by name; plan: its id, empty where there is none."""

    model: Model
    licence: Licence | None
    systems: Sequence[SystemUse] = ()
    engines: Sequence[EngineUse] = ()
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    plan: str = ""


def bill(listed: Listed, catalog_digest: str, day: datetime.date | None) -> Json:
    """The bill as JSON; its serial number follows from its content.

    catalog_digest: sha256 of the catalog [hex]; day: of the bill, left out where None
    """
    model = f"model:{listed.model.id}"
    parts = [_model(listed, model), *_hardware(listed.systems), *_software(listed.engines)]
    inside = {f"chip:{one.chip.id}" for one in listed.systems if one.chip is not None and one.system is not None}
    below = [str(part["bom-ref"]) for part in parts[1:] if part["bom-ref"] not in inside]
    depends: list[Json] = [{"ref": model, "dependsOn": below}] if below else [{"ref": model}]
    depends += [
        {"ref": f"system:{one.system.id}", "dependsOn": [f"chip:{one.chip.id}"]}
        for one in listed.systems if one.chip is not None and one.system is not None
    ]  # fmt: skip
    metadata: Json = {
        "tools": {"components": [{"type": "application", "name": "accord", "version": VERSION}]},
        "properties": _properties({"accord:catalog": catalog_digest, "accord:plan": listed.plan or None}),
    }
    if day is not None:
        metadata = {"timestamp": f"{day.isoformat()}T00:00:00Z", **metadata}
    body: Json = {
        "version": 1, "metadata": metadata, "components": parts, "dependencies": depends,
        "compositions": [{"aggregate": "incomplete", "assemblies": [str(part["bom-ref"]) for part in parts]}],
    }  # fmt: skip
    digest = hashlib.sha256(msgspec.json.encode(body, order="sorted")).digest()
    serial = uuid.UUID(bytes=digest[:_HASHED], version=5)
    head: Json = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
    }  # fmt: skip
    return {**head, **body}


def bill_table(document: Json) -> Table:
    """The components of a bill, and what is unknown of them."""
    rows = []
    unknown = []
    components = document["components"]
    assert isinstance(components, list)
    for part in components:
        rows.append((part["type"], part["name"], part.get("version", NOTHING), part.get("publisher", NOTHING)))
        stated = part.get("properties", ())
        unknown += [f"{part['name']}: {one['value']}" for one in stated if one["name"] == "accord:unknown"]
    columns = tuple(text_column(name) for name in ("component", "name", "version", "publisher"))
    notes = [f"Unknown of {one}." for one in unknown]
    return Table(
        title=f"Bill of materials {document['serialNumber']}", columns=columns, rows=tuple(rows), notes=tuple(notes)
    )


def _model(listed: Listed, ref: str) -> Json:
    model, licence = listed.model, listed.licence
    unknown = [*UNKNOWN_OF_MODEL, *(["licence"] if licence is None else [])]
    unknown += ["architecture"] if model.config is None else []
    stated: dict[str, str | None] = {"accord:weights": model.status, "accord:released": model.released}
    for name in ("total_params", "active_params"):
        value = model.published.get(name)
        stated[f"accord:{name}"] = None if value is None or value.number is None else f"{value.number:.6g}"
    architectures = (model.config or {}).get("architectures")
    parameters: Json = {"task": "text generation"}
    if isinstance(architectures, list | tuple) and architectures:
        parameters["modelArchitecture"] = str(architectures[0])
    card: Json = {"modelParameters": parameters}
    if listed.metrics:
        figures = [_metric(name, one) for name, one in sorted(listed.metrics.items())]
        card["quantitativeAnalysis"] = {"performanceMetrics": figures}
    part: Json = {
        "type": "machine-learning-model", "bom-ref": ref, "name": model.id, "publisher": model.vendor,
        "description": model.name,
    }  # fmt: skip
    if licence is not None:
        part["licenses"] = [{"license": {"id": licence.spdx} if licence.spdx else {"name": licence.name}}]
    links = [*_licence_links(licence), *_links(model.sources.values())]
    part |= {"externalReferences": links} if links else {}
    return {**part, "modelCard": card, "properties": _properties(stated, unknown)}


def _metric(name: str, one: Metric) -> Json:
    """A figure that Accord predicts; the schema writes numbers as text."""
    found: Json = {"type": f"{name} [{one.unit}], predicted by accord", "value": f"{one.value:.6g}"}
    if one.low is not None and one.high is not None:
        found["confidenceInterval"] = {"lowerBound": f"{one.low:.6g}", "upperBound": f"{one.high:.6g}"}
    return found


def _hardware(systems: Sequence[SystemUse]) -> Iterator[Json]:
    seen = set()
    for use in systems:
        system, chip = use.system, use.chip
        count = {"accord:chips": None if use.chips is None else str(use.chips)}
        if system is not None:
            yield {
                "type": "platform", "bom-ref": f"system:{system.id}", "name": system.id, "publisher": system.vendor,
                "description": system.name, "properties": _properties(count, ["firmware", "drivers", "hosts"]),
            }  # fmt: skip
        if chip is not None and chip.id not in seen:
            seen.add(chip.id)
            yield {
                "type": "device", "bom-ref": f"chip:{chip.id}", "name": chip.id, "publisher": chip.vendor,
                "description": chip.name, "properties": _properties(count if system is None else {}, ["firmware"]),
            }  # fmt: skip


def _software(engines: Sequence[EngineUse]) -> Iterator[Json]:
    for use in engines:
        unknown = ["version", "its libraries"] if use.version is None else ["its libraries"]
        part: Json = {
            "type": "framework", "bom-ref": f"engine:{use.engine.id}@{use.version or 'unknown'}",
            "name": use.engine.id, "description": use.engine.name,
        }  # fmt: skip
        if use.version is not None:
            part["version"] = use.version
        yield {**part, "properties": _properties({"accord:formats": use.formats or None}, unknown)}


def _properties(stated: Mapping[str, str | None], unknown: Sequence[str] = ()) -> list[Json]:
    found: list[Json] = [{"name": name, "value": value} for name, value in stated.items() if value is not None]
    found += [{"name": "accord:unknown", "value": one} for one in unknown]
    return found


def _licence_links(licence: Licence | None) -> Iterator[Json]:
    """The licence's own text and what its terms cite; its other sources may speak of other models under it."""
    if licence is not None:
        cited = {_TEXT, *(term.source for term in licence.terms)}
        yield from _links([one for key, one in licence.sources.items() if key in cited], "license")


def _links(sources: Iterable[Source], kind: str = "documentation") -> Iterator[Json]:
    """Sources that can be read on the web, each address once."""
    seen = set()
    for source in sources:
        if source.url is not None and source.url not in seen:
            seen.add(source.url)
            yield {"type": kind, "url": source.url, "comment": f"{source.publisher}: {source.title}"}

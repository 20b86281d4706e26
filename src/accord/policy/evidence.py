"""Result files of others as evidence: safety tests, performance tests, bills of materials."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from accord.base.errors import DataError
from accord.catalog.risk import TaxonomyRisk
from accord.policy.evidence_figures import impossible
from accord.policy.evidence_formats import cyclonedx, inspect, mlperf, moonshot
from accord.policy.evidence_found import EvidenceKind, Found
from accord.policy.evidence_json import Document, content_sha256, read_document
from accord.policy.risks import risks_of

FORMATS: Mapping[str, ModuleType] = {one.NAME: one for one in (inspect, moonshot, mlperf, cyclonedx)}
_HINT = (
    "logs of Inspect AI (JSON), results of Project Moonshot and AI Verify, summaries of MLPerf, "
    "and CycloneDX 1.5 and 1.6 are read"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One test of one model, or one bill of materials.

    kind, format: what it is, and who writes files like it; title: of the test; model: as the file names it
    date: day it was finished, None where the file has none; risks: ids of the taxonomy it speaks to
    metrics: by name, SI units; samples: items or requests behind them; sha256: of the file [hex]
    content_sha256: of what it holds [hex], however it is written
    told: one sentence; file: its name; tests: names that risks are found by
    unfinished: why it is no evidence, None where it is (see :func:`read_evidence`)
    definition: id, version, sha256 of a conformance definition, where the file states them; settings: as stated
    """

    kind: EvidenceKind
    format: str
    title: str
    model: str | None
    date: datetime.date | None
    risks: tuple[str, ...]
    metrics: Mapping[str, float]
    samples: int | None
    sha256: str
    told: str
    file: str = ""
    tests: tuple[str, ...] = ()
    unfinished: str | None = None
    definition: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    content_sha256: str = ""


def read_evidence(name: str, data: bytes, taxonomy: Sequence[TaxonomyRisk] = ()) -> tuple[Evidence, ...]:
    """What a file shows.

    name: for messages; the format is told by content; taxonomy: the catalog's risks, without which ``risks`` is empty
    Raises DataError for what is no result file, is malformed, or holds a run that did not finish, was not valid or
    has a figure that cannot be.
    """
    found = read_results(name, data, taxonomy)
    for one in found:
        if one.unfinished is not None:
            raise DataError(f"{one.title} is no evidence: {one.unfinished}", where=name)
    return found


def read_results(name: str, data: bytes, taxonomy: Sequence[TaxonomyRisk] = ()) -> tuple[Evidence, ...]:
    """As :func:`read_evidence`, with runs that are no evidence kept; ``unfinished`` says why."""
    document = read_document(data, name)
    hashes = hashlib.sha256(data).hexdigest(), content_sha256(document)
    for format, module in FORMATS.items():
        if module.told(document):
            found = tuple(_evidence(one, format, name, hashes, taxonomy) for one in _read(module, document))
            if not found:
                raise DataError("holds no result", where=name)
            return found
    raise DataError("is no result file of a known format", where=name, hint=_HINT)


def _read(module: ModuleType, document: Document) -> Iterator[Found]:
    reader: Callable[[Document], Iterator[Found]] = module.read
    return reader(document)


def _evidence(
    one: Found, format: str, name: str, hashes: tuple[str, str], taxonomy: Sequence[TaxonomyRisk]
) -> Evidence:
    return Evidence(
        kind=one.kind, format=format, title=one.title, model=one.model, date=one.date,
        risks=risks_of(one.tests, taxonomy) if one.kind == "safety" else (), metrics=dict(one.metrics),
        samples=one.samples, sha256=hashes[0], content_sha256=hashes[1],
        told=one.told, file=name, tests=one.tests,
        unfinished=one.unfinished or impossible(one.kind, format, one.metrics),
        definition=dict(one.definition), settings=dict(one.settings),
    )  # fmt: skip

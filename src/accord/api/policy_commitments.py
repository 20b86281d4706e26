"""``accord policy commitments``: what governance instruments ask of a plan or a training run, and what can be shown."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.api.answer_json import read_json
from accord.api.commitment_evidence import Read, evidence_of, mapping, sequence, themes_of
from accord.api.policy_evidence import taxonomy_of
from accord.api.policy_facts import HINT, subject_of
from accord.base.errors import UsageError
from accord.catalog.governance import EvidenceName, Theme
from accord.catalog.load import Catalog
from accord.policy.commitments import Finding, Touched, touched
from accord.policy.evidence import Evidence, read_evidence
from accord.report.catalog_view import entry_sources
from accord.report.commitments_view import Committed, commitments_dict, commitments_tables
from accord.report.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitAsk:
    """The question.

    day: as of which; offered: chips offered to others; instruments: ids, none = all
    files: name and bytes of result files of others
    """

    day: datetime.date
    offered: float | None = None
    instruments: tuple[str, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class CommitAnswer:
    """What ``accord policy commitments`` prints."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    warnings: Sequence[str]
    tables: Sequence[Table]


def commitments_answer(ask: CommitAsk, data: bytes, name: str, catalog: Catalog) -> CommitAnswer:
    """Ask which provisions an answer of ``plan``, ``size`` or ``train`` touches.

    data: its envelope; name: for messages
    Raises DataError for what is no such envelope or no result file, CatalogError for an unknown instrument,
    UsageError where more chips are offered than there are.
    """
    read = read_answer(data, name, catalog)
    files = tuple(one for title, raw in ask.files for one in read_evidence(title, raw, taxonomy_of(catalog)))
    told = committed(read, catalog, files, ask)
    inputs = {
        "date": ask.day.isoformat(), "subject": read.subject.title, "offered": ask.offered,
        "instruments": list(ask.instruments), "evidence": [{"file": one.file, "sha256": one.sha256} for one in files],
    }  # fmt: skip
    return CommitAnswer(
        inputs, commitments_dict(told), _sources(told, catalog, read), (*catalog.notes, *read.subject.said),
        commitments_tables(told),
    )  # fmt: skip


def read_answer(data: bytes, name: str, catalog: Catalog) -> Read:
    """A subject with its answer. Raises DataError for what is no answer of ``plan``, ``size`` or ``train``."""
    subject = subject_of(data, name, catalog)
    body = mapping(read_json(data, name, HINT))
    result = mapping(body.get("result"))
    plans = sequence(result.get("plans"))
    return Read(
        subject=subject, inputs=mapping(body.get("inputs")), result=result, best=mapping(plans[0]) if plans else {}
    )


def committed(read: Read, catalog: Catalog, files: Sequence[Evidence], ask: CommitAsk) -> Committed:
    """The answer before it is written."""
    if ask.offered is not None and not ask.offered > 0.0:
        raise UsageError("nothing is offered", where="--offered", hint="leave it out, or give a number above 0")
    themes: dict[Theme, str] = themes_of(read, offered=ask.offered)
    evidence: dict[EvidenceName, Finding] = evidence_of(read, catalog, files, offered=ask.offered, day=ask.day)
    ids = dict.fromkeys(ask.instruments) or catalog.ids("governance")
    found: tuple[Touched, ...] = touched((catalog.governance(id) for id in ids), ask.day, themes, evidence)
    return Committed(read.subject.title, ask.day, themes, evidence, found)


def _sources(told: Committed, catalog: Catalog, read: Read) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    if read.subject.model in catalog.ids("models"):
        found += entry_sources(catalog.model(str(read.subject.model)), f"models/{read.subject.model}")
    for instrument in {one.instrument.id: one.instrument for one in told.found}.values():
        found += entry_sources(instrument, f"governance/{instrument.id}")
    for id in catalog.ids("licences"):
        if read.subject.model in catalog.licence(id).models:
            found += entry_sources(catalog.licence(id), f"licences/{id}")
    return found

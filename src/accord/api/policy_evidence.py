"""``accord policy evidence``: what result files show, and which risks they cover on a day."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.catalog.risk import TaxonomyRisk
from accord.policy.evidence import Evidence, read_results
from accord.policy.risks import Covered, Finished, coverage
from accord.report.catalog_view import entry_sources
from accord.report.evidence_view import ModelRisks, evidence_dict, evidence_tables
from accord.report.tables import Table


@dataclass(frozen=True, slots=True)
class EvidenceAnswer:
    """What ``accord policy evidence`` prints; evidence: what it was read into, runs that are none among it."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    tables: Sequence[Table]
    evidence: Sequence[Evidence]


def taxonomy_of(catalog: Catalog) -> tuple[TaxonomyRisk, ...]:
    """The catalog's risks. Raises CatalogError."""
    return tuple(catalog.risk(id) for id in catalog.ids("risks"))


def read_files(files: Sequence[tuple[str, bytes]], catalog: Catalog) -> tuple[Evidence, ...]:
    """Everything in result files, with the risks of the catalog; runs that are no evidence have ``unfinished``.

    files: names, for messages, and bytes. Raises DataError for a file that is none.
    """
    taxonomy = taxonomy_of(catalog)
    return tuple(one for name, data in files for one in read_results(name, data, taxonomy))


def covered_risks(evidence: Sequence[Evidence], catalog: Catalog, day: datetime.date) -> tuple[Covered, ...]:
    """How each risk of the catalog stands by safety tests that finished, whatever model they tested."""
    tested = [
        Finished(one.title, one.tests, one.date) for one in evidence if one.kind == "safety" and one.unfinished is None
    ]
    return coverage(tested, taxonomy_of(catalog), day)


def evidence_answer(files: Sequence[tuple[str, bytes]], day: datetime.date, catalog: Catalog) -> EvidenceAnswer:
    """What files show, and how the risks of each model they test stand on a day.

    Raises UsageError where there is no file, DataError for one that is no result file.
    """
    if not files:
        raise UsageError("there is no file to read", hint="name result files")
    evidence = read_files(files, catalog)
    names = dict.fromkeys(one.model for one in evidence if one.kind == "safety")
    models = [
        ModelRisks(name, covered_risks([one for one in evidence if one.model == name], catalog, day))
        for name in names or (None,)
    ]
    sources = [
        entry for risk in taxonomy_of(catalog) for entry in entry_sources(risk, f"risks/{risk.id}")
    ]  # fmt: skip
    inputs = {"files": [name for name, _ in files], "date": day.isoformat()}
    result = evidence_dict(evidence, models, day)
    return EvidenceAnswer(inputs, result, sources, evidence_tables(evidence, models, day), evidence)

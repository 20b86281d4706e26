"""``accord policy conformance``: test definitions, and whether two parties' results of one agree."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from accord.api.conformance_definition import Opener, Origin, open_by
from accord.base.errors import DataError
from accord.catalog.conformance import Conformance
from accord.catalog.load import Catalog
from accord.policy.conformance import Verdict, compare
from accord.policy.evidence import Evidence, read_results
from accord.policy.evidence_json import Node, read_document
from accord.report.catalog_view import entry_sources
from accord.report.conformance_view import (
    Side,
    comparison_dict,
    comparison_tables,
    definition_dict,
    definition_tables,
    list_tables,
)
from accord.report.evidence_view import one_read
from accord.report.tables import Table

CATALOG = Origin()
TOLD = "accord.policy.evidence/1"  # schema of the answer that may be signed in place of a result file


@dataclass(frozen=True, slots=True)
class ConformanceAnswer:
    """What ``accord policy conformance`` prints; verdict: None where nothing was compared."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    tables: Sequence[Table]
    verdict: Verdict | None = None


def listed(catalog: Catalog) -> ConformanceAnswer:
    """All test definitions."""
    definitions = [catalog.conformance(id) for id in catalog.ids("conformance")]
    sources = [entry for one in definitions for entry in _sources(one)]
    result = {"definitions": [definition_dict(one) for one in definitions]}
    return ConformanceAnswer({"definition": None}, result, sources, list_tables(definitions))


def described(definition: Conformance, origin: Origin = CATALOG) -> ConformanceAnswer:
    """One definition, with how to run it; origin: where it is from."""
    result = {"definition": definition_dict(definition), **_from(origin)}
    inputs = {"definition": origin.file or definition.id}
    head, *others = definition_tables(definition)
    return ConformanceAnswer(inputs, result, _sources(definition), (_with_origin(head, origin), *others))


def compared(
    definition: Conformance, files: tuple[tuple[str, bytes], tuple[str, bytes]], day: datetime.date,
    opener: Opener | None = None, origin: Origin = CATALOG,
) -> ConformanceAnswer:  # fmt: skip
    """Whether two results of a definition agree on a day.

    files: names and bytes of result files, of answers of 'accord policy evidence', or of envelopes that sign one
    opener: opens envelopes; without it they are refused; origin: where the definition is from
    Raises DataError for what is no such file, UsageError for an envelope where nobody is believed.
    """
    sides = [_side(name, data, opener) for name, data in files]
    first, second = sides
    found = compare(definition, first.evidence, second.evidence, day, (first.keys, second.keys))
    head, *others = comparison_tables(definition, sides, found, day)
    return ConformanceAnswer(
        {"definition": origin.file or definition.id, "files": [name for name, _ in files], "date": day.isoformat()},
        {**comparison_dict(definition, sides, found, day), **_from(origin)}, _sources(definition),
        (_with_origin(head, origin), *others), found.verdict,
    )  # fmt: skip


def _side(name: str, data: bytes, opener: Opener | None) -> Side:
    """One party's result. Raises DataError."""
    node = read_document(data, name).node
    if node is not None and node.has("payload", "signatures"):
        return _signed(name, data, opener)
    if node is not None and node.has("schema", "result"):
        return Side(_told(node.need("schema").text(), node.need("result")))
    return Side(_only(read_results(name, data), name))


def _signed(name: str, data: bytes, opener: Opener | None) -> Side:
    opened = open_by(opener, data, name)
    if opened.value is None:
        hint = "sign the answer of 'accord policy evidence FILE --json' with --embed"
        raise DataError("signs a hash alone, without the result", where=name, hint=hint)
    value = read_document(msgspec.json.encode(opened.value), name).top
    return Side(_told(opened.schema, value), opened.by, opened.keys)


def _told(schema: str, result: Node) -> Evidence:
    """The evidence in an answer of ``policy evidence``."""
    if schema != TOLD:
        hint = "give a result file, or what 'accord policy evidence FILE --json' printed"
        raise DataError(f"is an answer of {schema[:60]!r}", where=result.file, hint=hint)
    return _only([one_read(one) for one in result.each("files")], result.file)


def _only(found: Sequence[Evidence], name: str) -> Evidence:
    if len(found) != 1:
        raise DataError(f"holds {len(found)} results", where=name, hint="give a file with one result of the definition")
    return found[0]


def _sources(definition: Conformance) -> list[dict[str, object]]:
    return entry_sources(definition, f"conformance/{definition.id}")


def _from(origin: Origin) -> dict[str, object]:
    """Members of a result on where the definition is from; none for the catalog's."""
    if not origin.file:
        return {}
    return {"definition_from": {"file": origin.file, "signed_by": list(origin.signed_by)}}


def _with_origin(table: Table, origin: Origin) -> Table:
    """A table of pairs whose first row is the definition, with where it is from below it."""
    if not origin.file:
        return table
    signed = f"signed by {', '.join(origin.signed_by)}" if origin.signed_by else "not signed"
    row = ("definition from", f"{origin.file}, {signed}")
    return msgspec.structs.replace(table, rows=(table.rows[0], row, *table.rows[1:]))

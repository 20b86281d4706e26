from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from accord.base.errors import CatalogError
from accord.catalog.days import last_day
from accord.catalog.load import Catalog, load_catalog
from accord.catalog.support import Statement, Support
from accord.planner.support import covers, version_key

DOC = Path(__file__).parents[2] / "docs" / "support.md"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def records(catalog: Catalog) -> list[Support]:
    return [catalog.support(id) for id in catalog.ids("support")]


def test_every_word_names_something_in_the_catalog(catalog: Catalog, records: list[Support]) -> None:
    known = {"chips": catalog.ids("chips"), "models": catalog.ids("models")}
    for record in records:
        for statement in record.statements:
            for kind, ids in known.items():
                for word in getattr(statement, kind):
                    assert any(covers(word, id) for id in ids), (record.id, kind, word)


def test_every_source_is_used_and_says_where_it_is(records: list[Support]) -> None:
    for record in records:
        ranks = (record.expert_ranks, record.attention_ranks, record.stages)
        rules = {one.source for one in ranks if one is not None}
        assert {statement.source for statement in record.statements} | rules == set(record.sources), record.id
        for name, source in record.sources.items():
            assert source.title and source.publisher and source.date and source.locator, (record.id, name)
            assert source.url and source.url.startswith("https://"), (record.id, name)
            if "github.com" in source.url:
                assert re.search(r" at [0-9a-f]{6,40}: ", source.locator), (record.id, name)


def test_no_statement_is_dated_after_its_source(records: list[Support]) -> None:
    for record in records:
        for statement in record.statements:
            read = record.sources[statement.source].date
            assert last_day(statement.date) <= last_day(read), (record.id, statement)


def test_versions_read_as_versions(records: list[Support]) -> None:
    for record in records:
        for statement in record.statements:
            ends = [version_key(end) for end in (statement.since, statement.until) if end is not None]
            assert None not in ends, (record.id, statement)
            assert ends == sorted(ends, key=lambda end: end or ())


def test_no_statement_is_made_twice(records: list[Support]) -> None:
    for record in records:
        assert len(set(record.statements)) == len(record.statements), record.id


def test_open_models_are_mostly_spoken_of(catalog: Catalog, records: list[Support]) -> None:
    words = [word for record in records for statement in record.statements for word in statement.models]
    silent = [id for id in catalog.ids("models") if not any(covers(word, id) for word in words)]
    assert len(silent) <= 7, silent


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({}, "about nothing"),
        ({"weights": ("fp8",)}, "about nothing"),
        ({"answer": "partial", "chips": ("a",)}, "no note says why"),
        ({"chips": ("a",), "conversion": "widen"}, "weights in no format"),
    ],
)
def test_statements_without_substance_are_refused(told: dict[str, Any], says: str) -> None:
    with pytest.raises(CatalogError, match=says):
        Statement(**{"answer": "yes", "date": "2026", "source": "S", **told})


def rows(heading: str) -> dict[str, list[int]]:
    """Numbers of a table of the document by the first cell of each row."""
    section = DOC.read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[-1].isdigit():
            found[cells[0]] = [int(cell) for cell in cells[1:]]
    return found


def test_document_counts_statements_by_engine(records: list[Support]) -> None:
    counted = {}
    for record in records:
        answers = Counter(statement.answer for statement in record.statements)
        counted[record.name] = [answers[answer] for answer in ("yes", "partial", "no")] + [len(record.statements)]
    counted["Together"] = [sum(column) for column in zip(*counted.values(), strict=True)]
    assert rows("Statements by engine") == counted
    assert counted["Together"][-1] >= 150


def test_document_counts_statements_by_family(catalog: Catalog, records: list[Support]) -> None:
    assert rows("Statements by chip family") == by_family(catalog, records)


def by_family(catalog: Catalog, records: list[Support]) -> dict[str, list[int]]:
    """Statements that name a family or a chip of it, and engines that make them, by family."""
    chips = {id: catalog.chip(id).family for id in catalog.ids("chips")}
    said: Counter[str] = Counter()
    engines: dict[str, set[str]] = {family: set() for family in sorted(set(chips.values()))}
    for record in records:
        for statement in record.statements:
            named = set(statement.families)
            named |= {chips[id] for id in chips for word in statement.chips if covers(word, id)}
            for family in named & set(engines):
                said[family] += 1
                engines[family].add(record.engine)
    return {family: [said[family], len(names)] for family, names in engines.items()}

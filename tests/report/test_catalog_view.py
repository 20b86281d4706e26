from __future__ import annotations

import msgspec
import pytest

from accord.base.errors import UsageError
from accord.base.source import Source
from accord.catalog.chip import Chip, Memory
from accord.catalog.engine import Engine
from accord.catalog.load import KINDS
from accord.catalog.value import Alternative, Value
from accord.report import catalog_view as view
from accord.report.tables import to_text

SOURCES = {
    "S1": Source(title="A datasheet", publisher="Example", date="2025-01"),
    "S2": Source(title="A teardown", publisher="A lab", date="2025-06-15", locator="page 3"),
}
BANDWIDTH = Value(
    number=3.2e12,
    unit="B/s",
    basis="published",
    source="S1",
    why="the vendor's own",
    alternatives=(
        Alternative(number=3.0e12, unit="B/s", basis="measured", source="S2", date="2025-06-15"),
        Alternative(number=9.0e12, unit="B/s", basis="estimate", source="S2", note="counts both ways", rejected=True),
    ),
)
CHIP = Chip(
    id="example-chip-1",
    name="Example Chip 1",
    vendor="example",
    family="other",
    devices_per_chip=Value(number=2.0, unit="1", basis="published", source="S1"),
    peak={"bf16": Value(number=8e14, unit="FLOP/s", basis="published", source="S1", low=7e14, high=9e14)},
    memory=Memory(bandwidth=BANDWIDTH),
    facts={"foundry": Value(text="TSMC", basis="estimate", source="S2")},
    sources=SOURCES,
)
FASTER = msgspec.structs.replace(
    CHIP,
    id="example-chip-2",
    memory=Memory(bandwidth=Value(number=6.4e12, unit="B/s", basis="assumed", source="S1")),
    facts={},
)


def test_fields_are_named_as_in_the_file() -> None:
    assert list(view.fields(CHIP)) == [
        "name", "vendor", "family", "devices_per_chip", "peak.bf16", "memory.bandwidth", "facts.foundry",
    ]  # fmt: skip


def test_show_has_every_value_with_unit_basis_source_and_alternatives() -> None:
    shown = view.show_dict("chips", CHIP)
    assert shown["attributes"] == {"name": "Example Chip 1", "vendor": "example", "family": "other"}
    values = shown["values"]
    assert isinstance(values, dict)
    bandwidth = values["memory.bandwidth"]
    assert bandwidth["value"] == 3.2e12
    assert bandwidth["unit"] == "B/s"
    assert bandwidth["basis"] == "published"
    assert bandwidth["source"] == "chips/example-chip-1:S1"
    assert bandwidth["why"] == "the vendor's own"
    assert [(other["value"], other["rejected"]) for other in bandwidth["alternatives"]] == [
        (3.0e12, False),
        (9.0e12, True),
    ]
    assert values["facts.foundry"]["value"] == "TSMC"
    assert values["facts.foundry"]["unit"] is None


def test_source_ids_of_values_are_those_of_the_envelope() -> None:
    ids = {entry["id"] for entry in view.entry_sources(CHIP, "chips/example-chip-1")}
    assert ids == {"chips/example-chip-1:S1", "chips/example-chip-1:S2"}


def test_show_for_a_reader() -> None:
    text = "\n".join(to_text(table) for table in view.show_tables("chips", CHIP))
    assert text == (
        "chips/example-chip-1\n"
        "name    Example Chip 1\n"
        "vendor  example\n"
        "family  other\n"
        "\n"
        "Values\n"
        "field             value                                     basis      source  date\n"
        "----------------  ----------------------------------------  ---------  ------  ----------\n"
        "devices_per_chip  2                                         published  S1      -\n"
        "peak.bf16         800 TFLOP/s (700 TFLOP/s to 900 TFLOP/s)  published  S1      -\n"
        "memory.bandwidth  3.2 TB/s                                  published  S1      -\n"
        "  or              3 TB/s                                    measured   S2      2025-06-15\n"
        "  rejected        9 TB/s                                    estimate   S2      -\n"
        "facts.foundry     TSMC                                      estimate   S2      -\n"
        "\n"
        "Why, and notes\n"
        "memory.bandwidth  why: the vendor's own\n"
        "memory.bandwidth  9 TB/s, S2: counts both ways\n"
        "\n"
        "Sources\n"
        "source  date        publisher  title\n"
        "------  ----------  ---------  ------------------\n"
        "S1      2025-01     Example    A datasheet\n"
        "S2      2025-06-15  A lab      A teardown, page 3\n"
    )


def test_diff_pairs_fields_and_gives_ratios() -> None:
    result = view.diff_dict(CHIP, FASTER, ("chips/a", "chips/b"))
    assert isinstance(result["fields"], list)
    by_key = {field["key"]: field for field in result["fields"]}
    assert by_key["memory.bandwidth"]["ratio"] == 2.0
    assert by_key["memory.bandwidth"]["same"] is False
    assert by_key["vendor"]["same"] is True
    assert by_key["vendor"]["ratio"] is None
    assert by_key["facts.foundry"]["b"] is None


def test_diff_shows_only_what_differs() -> None:
    table = view.diff_table(CHIP, FASTER, ("one", "two"))
    assert table.title == "one and two: fields that differ (2 of 7)"
    assert table.rows == (("memory.bandwidth", "3.2 TB/s", "6.4 TB/s", "2"), ("facts.foundry", "TSMC", "-", "-"))


def test_flags_and_lists_are_plain_fields() -> None:
    engine = Engine(
        id="e", name="E", aliases=("x", "y"), features={"overlap": True, "graph": False}, sources={"S1": SOURCES["S1"]}
    )
    found = view.fields(engine)
    assert found["aliases"] == "x, y"
    assert view.value_text(found["features.overlap"]) == "yes"
    assert view.value_text(found["features.graph"]) == "no"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(None, None, "600 W"), (500.0, None, "600 W (from 500 W)"), (None, 700.0, "600 W (up to 700 W)")],
)
def test_bands(low: float | None, high: float | None, text: str) -> None:
    assert view.value_text(Value(number=600.0, unit="W", basis="assumed", source="S1", low=low, high=high)) == text


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_may_be_named_in_the_singular(kind: str) -> None:
    assert view.kind_named(kind) == kind
    assert view.kind_named(kind.removesuffix("s")) == kind


def test_unknown_kind() -> None:
    with pytest.raises(UsageError) as caught:
        view.kind_named("chps")
    assert caught.value.hint == "did you mean 'chips'?"

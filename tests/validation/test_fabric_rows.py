"""Rows of measured collectives and the questions they ask."""

from __future__ import annotations

import pytest
from tests.validation.fabric import HEADER, ROWS, shared, table

from accord.base.errors import TableError
from accord.validation.fabric_rows import LARGE_BYTES, FabricRow, question_of, read_fabric, to_score


def rows() -> dict[str, FabricRow]:
    """The small table by id."""
    return {row.id: row for row in read_fabric(table(), "t.csv")}


def test_a_bus_bandwidth_counts_only_where_no_time_is_given() -> None:
    assert to_score(tuple(rows().values())) == {"a1", "b1", "d2", "f1"}
    without = read_fabric(table(*(row for row in ROWS if not row.startswith("a1"))), "t.csv")
    assert "a3" in to_score(without)


def test_the_shared_table_counts_times_and_lone_bandwidths() -> None:
    found = read_fabric(shared(), "fabric.csv")
    ids = to_score(found)
    counted = [row for row in found if row.id in ids]
    assert {row.text["kind"] for row in counted} == {"measured"}
    assert sum(row.text["metric"] == "time_s" for row in counted) >= 620
    assert {row.text["metric"] for row in counted} == {"time_s", "busbw_byte_per_s"}


def test_a_collective_asks_for_its_ranks_and_bytes() -> None:
    asked = question_of(rows()["b1"])
    assert (asked.kind, asked.name, asked.algorithm, asked.ranks, asked.per_node, asked.size_bytes) == (
        "collective", "all_reduce", "ring", 32, 8.0, 4294967296.0,
    )  # fmt: skip
    assert asked.assumed == ()
    assert question_of(rows()["a1"]).algorithm == "auto"


def test_a_rate_without_a_size_is_that_of_large_messages() -> None:
    asked = question_of(rows()["b2"])
    assert asked.size_bytes == LARGE_BYTES
    assert asked.assumed == ("size_bytes",)


def test_an_exchange_counts_tokens_copies_and_scales() -> None:
    asked = question_of(rows()["d1"])
    assert asked.message_bytes == 7168 * (1.0 + 4.0 / 128.0)
    assert asked.size_bytes == 4096 * 8 * asked.message_bytes
    assert question_of(rows()["d2"]).message_bytes == 2 * 7168


def test_an_access_counts_switches() -> None:
    assert question_of(rows()["e1"]).hops == 2
    assert question_of(rows()["c1"]).hops is None


def test_what_no_model_answers_says_so() -> None:
    line = ROWS[0].replace("all_gather", "gather_all")
    assert question_of(read_fabric(table(line), "t.csv")[0]).skipped == "no_shape"
    silent = ROWS[6].replace("topk=8; ", "")
    assert question_of(read_fabric(table(silent), "t.csv")[0]).skipped == "no_shape"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.replace("collective,", ""), "column collective missing"),
        (table(ROWS[0], ROWS[0]), "id 'a1' stands twice"),
        (table(ROWS[0] + ",more"), "more or fewer cells"),
        (table(ROWS[0].replace("2.0e-4", "fast")), "value is 'fast', not a number"),
        (table(ROWS[0].replace("2.0e-4", "-1")), "value is -1"),
        (table(ROWS[0].replace("2.0e-4", "")), "value is empty"),
        (table(ROWS[0].replace(",8,1,", ",8.5,1,")), "ranks is 8.5, not a whole number"),
        (table(ROWS[6].replace("topk=8", "topk=some")), "topk=some in the notes is no whole number"),
    ],
)
def test_bad_tables_are_refused_with_the_line(content: str, message: str) -> None:
    with pytest.raises(TableError, match=message) as caught:
        read_fabric(content, "t.csv")
    assert "t.csv:" in str(caught.value)

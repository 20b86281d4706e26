"""A row for each request."""

from __future__ import annotations

import csv as csv_module
import io
import math

import pytest
from tests.report.simulated import nobody, outcome

from accord.report import request_columns
from accord.report.exports.request_rows import csv
from accord.report.outputs import About
from accord.report.request_columns import ROW_COLUMNS, row_blocks
from accord.serving.latency import latencies
from accord.serving.result import Outcome

ABOUT = About(created="2026-01-02T03:04:05+00:00", model="some-model", backend="vllm")
RUN = outcome(50)


def rows(run: Outcome = RUN) -> list[dict[str, str]]:
    text = b"".join(csv(run, {}, ABOUT)).decode()
    return list(csv_module.DictReader(io.StringIO(text)))


def test_every_request_has_a_row_with_every_column() -> None:
    found = rows()
    assert len(found) == 50
    assert list(found[0]) == [column.name for column in ROW_COLUMNS]
    assert [int(row["request"]) for row in found] == list(range(50))


def test_numbers_come_back_to_the_last_bit() -> None:
    waits = latencies(RUN)
    for row, ttft_s, arrival_s in zip(rows(), waits.ttft_s, RUN.requests.arrival_s, strict=True):
        assert float(row["arrival_s"]) == arrival_s
        assert (row["ttft_s"] == "" and math.isnan(ttft_s)) or float(row["ttft_s"]) == ttft_s
    assert [int(row["prompt_tokens"]) for row in rows()] == RUN.workload.prompt.tolist()


def test_what_never_came_is_empty() -> None:
    last = rows()[-1]
    assert last["status"] == "cancelled"
    assert last["first_s"] == last["ttft_s"] == last["e2e_s"] == ""
    assert last["instance"] == "-1"


@pytest.mark.parametrize("tenant", ["=SUM(A1)", "+1", "-1", "@me", "\tx"])
def test_no_text_is_taken_for_a_formula(tenant: str) -> None:
    assert {row["tenant"] for row in rows(outcome(6, tenants=(tenant,)))} == {f"'{tenant}"}


@pytest.mark.parametrize("tenant", ["chat", "a,b", 'said "no"', "two\nlines", "名前", "1-2"])
def test_other_texts_come_back_as_they_were(tenant: str) -> None:
    assert {row["tenant"] for row in rows(outcome(6, tenants=(tenant,)))} == {tenant}


def test_a_carriage_return_does_not_break_a_row() -> None:
    assert {row["tenant"] for row in rows(outcome(6, tenants=("a\rb",)))} == {"a b"}


def test_rows_come_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b"".join(csv(RUN, {}, ABOUT))
    blocks = [len(block["request"]) for block in row_blocks(RUN, 16)]
    assert blocks == [16, 16, 16, 2]
    monkeypatch.setattr(request_columns.row_blocks, "__defaults__", (16,))
    pieces = list(csv(RUN, {}, ABOUT))
    assert len(pieces) == 4
    assert b"".join(pieces) == whole


def test_nobody_is_a_header() -> None:
    assert b"".join(csv(nobody(), {}, ABOUT)).decode().splitlines() == [",".join(c.name for c in ROW_COLUMNS)]


def test_every_column_says_what_it_means() -> None:
    assert all(column.meaning for column in ROW_COLUMNS)
    assert all(("[s]" in column.meaning) == column.name.endswith("_s") for column in ROW_COLUMNS)

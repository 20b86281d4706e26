"""A Parquet row for each request."""

from __future__ import annotations

import io

import pytest
from tests.report.simulated import nobody, outcome

pq = pytest.importorskip("pyarrow.parquet", reason="the extra [data] is not installed")

from accord.report.exports import request_parquet  # noqa: E402
from accord.report.exports.request_parquet import parquet  # noqa: E402
from accord.report.outputs import SIMULATOR, About  # noqa: E402
from accord.report.request_columns import ROW_COLUMNS, row_blocks  # noqa: E402

ABOUT = About(created="2026-01-02T03:04:05+00:00", model="some-model", backend="vllm")
RUN = outcome(50)


def test_the_columns_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_parquet, "GROUP", 20)
    pieces = list(parquet(RUN, {}, ABOUT))
    table = pq.read_table(io.BytesIO(b"".join(pieces)))
    (whole,) = row_blocks(RUN, 50)
    assert table.to_pydict() == whole
    assert len(pieces) == 4


def test_it_is_marked_and_explained() -> None:
    schema = pq.read_schema(io.BytesIO(b"".join(parquet(RUN, {}, ABOUT))))
    assert schema.metadata[b"simulated"] == b"true"
    assert schema.metadata[b"simulator"].decode() == SIMULATOR
    assert schema.names == [column.name for column in ROW_COLUMNS]


def test_nobody() -> None:
    assert pq.read_table(io.BytesIO(b"".join(parquet(nobody(), {}, ABOUT)))).num_rows == 0

"""``accord validate`` on a table of training runs, and on tables of no kind."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from tests import measured
from tests.validation.training import table

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
ROWS = (
    {"id": "a", "value": 1.0}, {"id": "b", "source_id": "other", "metric": "tokens_per_s_per_chip", "value": 20000.0},
    {"id": "c", "metric": "mfu", "unit": "bf16_peak", "value": 0.4, "chips": 16},
    {"id": "d", "seq_len": ""}, {"id": "e", "kind": "derived", "metric": "mfu", "unit": "bf16_peak", "value": 0.4},
)  # fmt: skip


def write(folder: Path, text: str) -> str:
    file = folder / "t.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_rows_and_summary(tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", write(tmp_path, table(*ROWS)), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert result["kind"] == "training"
    rows = {row["id"]: row for row in result["rows"]}
    assert set(rows) == {"a", "b", "c", "d"} and rows["d"]["skipped"] == "seq_len"
    assert rows["a"]["skipped"] is None and rows["a"]["low"] < rows["a"]["predicted"] < rows["a"]["high"]
    assert {"id", "source_id", "metric", "measured", "predicted", "low", "high", "log_ratio", "inside", "assumed",
            "skipped"} <= set(rows["a"])  # fmt: skip
    assert rows["a"]["log_ratio"] == pytest.approx(math.log(rows["a"]["predicted"] / rows["a"]["measured"]))
    summary = result["summary"]
    assert (summary["rows"], summary["scored"], summary["skipped"]) == (4, 3, 1)
    assert set(summary["by_source"]) == {"s", "other"}
    assert set(summary["by_metric"]) == {"step_s", "tokens_per_s_per_chip", "mfu"}
    assert summary["complete"]["scored"] == 2 and summary["all"]["scored"] == 3
    assert (summary["completed"]["rows"], summary["completed"]["scored"]) == (2, 1)
    assert summary["macro_error_pct"] == pytest.approx(100 * math.expm1(summary["macro_abs_log_error"]))
    assert [row["id"] for row in result["shown"]] == ["e"]


def test_printed_tables(tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", write(tmp_path, table(*ROWS)), "--rows"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\nBy {group}\n" in shown for group in ("source", "metric", "chip"))
    assert "seq_len" in shown and "in no total" in shown


def test_fits_that_have_not_seen_a_source(tmp_path: Path, capsys: Capture) -> None:
    file = write(tmp_path, table(*ROWS[:2]))
    assert main(["validate", file, "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)["result"]
    assert main(["validate", file, "--cv", "source", "--json"]) == 0
    unseen = json.loads(capsys.readouterr().out)["result"]
    assert [row["id"] for row in unseen["rows"]] == ["a", "b"]
    assert all(row["predicted"] > 0.0 for row in unseen["rows"])
    assert [row["predicted"] for row in unseen["rows"]] != [row["predicted"] for row in seen["rows"]]


@pytest.mark.parametrize(("text", "says"), [
    (table({"chips": "many"}), "chips is 'many', not a number"),
    (table({}, {}), "stands twice"),
    ("id,value\n", "no kind of measured table has these columns"),
    ("", "no kind of measured table"),
])  # fmt: skip
def test_bad_tables_name_file_and_line(text: str, says: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", write(tmp_path, text)]) == 3
    error = capsys.readouterr().err
    assert says in error and "t.csv:" in error


def test_the_shared_table(tmp_path: Path, capsys: Capture) -> None:
    assert main(["validate", write(tmp_path, measured.table("training.csv")), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)["result"]["summary"]
    assert summary["rows"] == 389 and summary["skipped"] <= 0.1 * summary["rows"]
    assert len(summary["by_source"]) >= 20

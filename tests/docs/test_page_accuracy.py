"""The figures that the page draws of accuracy are those of the kept cross-validations."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "src" / "accord" / "web" / "data" / "accuracy.json"


def test_the_packaged_file_is_in_step() -> None:
    assert subprocess.call([sys.executable, str(ROOT / "docs" / "make_page_accuracy.py"), "--check"]) == 0


def test_rows_are_whole() -> None:
    for group in json.loads(FILE.read_text())["groups"]:
        count = group["rows"]
        assert count > 0 and group["ways"], group["id"]
        columns = [group[name] for name in ("row", "source", "metric", "measured")]
        for way in group["ways"]:
            low, predicted, high = (group["predicted"][way][part] for part in ("low", "predicted", "high"))
            columns += [low, predicted, high]
            assert all(a <= b * 1.001 <= c * 1.002 for a, b, c in zip(low, predicted, high, strict=True)), way
        assert all(len(one) == count for one in columns)


def test_a_measured_value_is_the_one_that_was_scored() -> None:
    group = json.loads(FILE.read_text())["groups"][0]
    kept = {row["id"]: row for row in json.loads((ROOT / "docs" / "accuracy.json").read_text())["cross"]["source"]}
    way = group["predicted"]["source"]
    inside = sum(
        low <= value <= high for low, value, high in zip(way["low"], group["measured"], way["high"], strict=True)
    )
    assert abs(inside - sum(bool(kept[id]["inside"]) for id in group["row"])) <= 3  # rounding at an end

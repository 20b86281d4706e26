"""Against Epoch AI's table of hardware: which figures agree, which do not and why, and which of those flip a class."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tests import measured

from accord.api.law import Law
from accord.catalog.load import load_catalog

ROOT = Path(__file__).parents[2]
TABLE = "epoch/ml_hardware.csv"
THEIRS = {"tpp": ("Total processing performance (bit-OP/s)", 1e12), "die_area_mm2": ("Die Size (mm^2)", 1.0)}
# chip, figure -> does Epoch's figure change the class of 2024-06-01, and only if it counts as for data centers
DIFFERENT = {
    ("amd-mi250x", "die_area"): (False, False),
    ("amd-mi355x", "tpp"): (False, False),
    ("huawei-ascend-910", "die_area"): (True, False),
    ("huawei-ascend-910c", "tpp"): (False, False),
    ("intel-gaudi2", "tpp"): (False, False),
    ("nvidia-rtx-a6000", "tpp"): (True, True),
}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tpp", ROOT / "docs" / "make_tpp.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_catalog_says(script: ModuleType) -> None:
    assert script.main(["--check"]) == 0


def test_every_difference_is_listed_with_its_reason(script: ModuleType) -> None:
    law = Law(load_catalog())
    items = {id: law.item(id) for id in law.catalog.ids("chips")}
    rows = script.epoch_rows()
    found = script.differences(items, rows)
    assert {(one.chip, one.fact) for one in found} == set(DIFFERENT)
    assert all(one.why for one in found)
    assert {id for id, row in rows.items() if row["why_different"]} == {one.chip for one in found}
    for one in found:
        ours, theirs, supposed = script.flips(one, items[one.chip], law.book(script.DAY))
        assert (ours != theirs, supposed) == DIFFERENT[one.chip, one.fact], one.chip


def test_kept_figures_are_epochs(script: ModuleType) -> None:
    table = {row["Hardware name"]: row for row in csv.DictReader(measured.table(TABLE).splitlines(keepends=True))}
    for id, kept in script.epoch_rows().items():
        row = table[kept["epoch_name"]]
        for column, (name, size) in THEIRS.items():
            assert bool(kept[column]) == bool(row[name]), (id, column)
            if kept[column]:
                assert float(kept[column]) == pytest.approx(float(row[name]) / size), (id, column)

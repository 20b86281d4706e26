"""The tables of exports and pictures."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import accord.report
from accord.base.errors import UsageError
from accord.report.outputs import EXPORTS, PICTURES, PLAN_PICTURES, TARGETS

FOLDER = Path(accord.report.__file__).parent
OTHERS = {"accord.report.plots.predicted"}  # pictures of something else than a simulated run


def files(folder: str) -> set[str]:
    return {f"accord.report.{folder}.{file.stem}" for file in (FOLDER / folder).glob("*.py")} - {
        f"accord.report.{folder}.__init__"
    }


def test_every_export_file_is_in_the_table() -> None:
    modules = [table[name].module for table in (EXPORTS, TARGETS) for name in table]
    assert set(modules) == files("exports")


def test_every_picture_file_is_in_the_table() -> None:
    assert {table[name].module for table in (PICTURES, PLAN_PICTURES) for name in table} == files("plots") - OTHERS


@pytest.mark.parametrize(
    "table", [EXPORTS, PICTURES, PLAN_PICTURES, TARGETS], ids=["exports", "pictures", "plans", "targets"]
)
def test_every_line_leads_to_a_maker_and_a_file_of_its_own(table: object) -> None:
    outputs = [table[name] for name in table]  # type: ignore[index,attr-defined]
    for output in outputs:
        if output.extra:
            pytest.importorskip({"data": "pyarrow", "plot": "matplotlib"}[output.extra])
        assert callable(getattr(import_module(output.module), output.function))
    assert len({output.file for output in outputs}) == len(outputs)


def test_an_unknown_name_is_told_the_closest() -> None:
    with pytest.raises(UsageError, match="did you mean 'vllm-bench'"):
        EXPORTS["vllm_bench"]

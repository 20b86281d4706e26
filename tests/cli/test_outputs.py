"""Makers of the files of a simulated run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.report.simulated import METRICS, outcome

from accord.base.errors import UsageError
from accord.cli.outputs import exporter, picture
from accord.report.outputs import EXPORTS, PICTURES, About, Drawn
from accord.store.files import write

ABOUT = About(created="2026-01-02T03:04:05+00:00", model="some-model", backend="vllm")
RUN = outcome(30)


@pytest.mark.parametrize("name", [name for name in EXPORTS if not EXPORTS[name].extra])
def test_the_same_run_gives_the_same_file(name: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, exporter(name)(RUN, METRICS, ABOUT))
    write(two, exporter(name)(outcome(30), METRICS, ABOUT))
    assert one.read_bytes() == two.read_bytes() != b""


@pytest.mark.parametrize("name", list(PICTURES))
def test_every_picture_has_a_maker(name: str) -> None:
    pytest.importorskip("matplotlib")
    assert picture(name)(RUN, Drawn(), "svg").startswith(b"<?xml")


@pytest.mark.parametrize(
    ("missing", "name", "extra"), [("pyarrow", "parquet", "data"), ("matplotlib", "queue", "plot")]
)
def test_an_extra_that_is_missing_is_named(
    missing: str, name: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"accord.report.canvas", *(table[known].module for table in (EXPORTS, PICTURES) for known in table)}
    for module in [module for module in sys.modules if module.split(".")[0] == missing or module in ours]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=f"'{name}' needs {missing}") as caught:
        (exporter if name in EXPORTS else picture)(name)
    assert caught.value.hint == f"pip install 'accord[{extra}]'"


def test_an_unknown_name() -> None:
    with pytest.raises(UsageError, match="export 'cvs' is not known"):
        exporter("cvs")
    with pytest.raises(UsageError, match="did you mean 'timeline'"):
        picture("timelines")

"""The table of executors."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from accord.base.errors import UsageError
from accord.planner import executors
from accord.planner.executors import EXECUTORS, Place, executor


def test_every_file_is_in_the_table() -> None:
    files = {file.stem for file in Path(executors.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(EXECUTORS)
    assert all(EXECUTORS[name].module == f"accord.planner.executors.{name}" for name in EXECUTORS)


@pytest.mark.parametrize("name", ["local", "processes"])
def test_executors_are_made_by_name(name: str) -> None:
    assert hasattr(executor(name), "run")
    assert type(executor(name)).__module__ == import_module(EXECUTORS[name].module).__name__


@pytest.mark.parametrize(
    ("name", "place", "message"),
    [
        ("rai", Place(), "did you mean 'ray'"),
        ("local", Place(workers=2), "executor 'local' has 1 worker, not 2\nhint: executor 'processes' has more"),
        ("local", Place(address="127.0.0.1:1"), "has no address"),
        ("processes", Place(address="127.0.0.1:1"), "has no address"),
        ("processes", Place(workers=0), "0 workers do nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, place: Place, message: str) -> None:
    with pytest.raises(UsageError, match="(?s)") as refused:
        executor(name, place)
    assert message in str(refused.value)


def test_ray_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "accord.planner.executors.ray", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError) as refused:
        executor("ray")
    assert str(refused.value) == "executor 'ray' needs ray\nhint: pip install 'accord[ray]'"


def test_ray_is_loaded_only_when_asked_for() -> None:
    code = (
        "import sys; from accord.planner.executors import executor; executor('processes'); print('ray' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"

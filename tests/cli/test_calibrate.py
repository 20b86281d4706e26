"""``accord calibrate``: what it needs before it starts."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from accord.cli.main import main

Capture = pytest.CaptureFixture[str]
TABLE = str(Path(__file__).parents[2] / "examples" / "measured.csv")
FITTING = [["calibrate", TABLE], ["validate", TABLE, "--cv", "chip"]]


def test_a_missing_table(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("scipy")
    out = tmp_path / "out"
    assert main(["calibrate", str(tmp_path / "none.csv"), "--out", str(out)]) == 3
    shown = capsys.readouterr()
    assert "none.csv: cannot be read: No such file or directory" in shown.err
    assert "hint: " in shown.err
    assert shown.out == ""
    assert not out.exists()


@pytest.mark.parametrize(("content", "message"), [
    (b"\xff\xfe", "is not UTF-8 text"), (b"id,value\n", "columns source_id, kind"),
    (b"id,source_id,kind,confidence,phase,metric,value\na,s,measured,high,decode,tpot_s,-1\n", "t.csv:2: value is -1"),
])  # fmt: skip
def test_a_table_that_does_not_read(content: bytes, message: str, tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("scipy")
    (tmp_path / "t.csv").write_bytes(content)
    assert main(["calibrate", str(tmp_path / "t.csv"), "--out", str(tmp_path / "out")]) == 3
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", FITTING, ids=lambda words: str(words[0]))
def test_without_scipy_the_extra_is_named(
    words: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy" or "accord.calibration" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert "accord[calibrate]" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", ["aiconfigurator_core", "pyarrow"])
@pytest.mark.parametrize("words", FITTING, ids=lambda words: str(words[0]))
def test_without_operator_tables_the_extra_is_named(
    words: list[str], missing: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("scipy")
    find = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name.partition(".")[0] == missing else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert "accord[calibrate]" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_group_to_leave_out_is_one_of_three(capsys: Capture) -> None:
    assert main(["validate", TABLE, "--cv", "engine"]) == 2
    assert "source" in capsys.readouterr().err

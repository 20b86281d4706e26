"""Sweeps of ``accord plan``: on processes and on Ray, kept in a checkpoint, ended by kill -9 and gone on with."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.planned import BASE, H200, WORK, Capture, refused

from accord.api.branches import branch_of, spec_of
from accord.cli.main import main
from accord.store.sweeps import Sweep

WIDE = ("--model", "llama-3.1-8b", "--system", f"{H200},nvidia-hgx-h100-8", *WORK, "--batch", "8,16", "--tpot", "30ms",
        "--weights", "bf16,fp8", "--json")  # fmt: skip
PARTS = 36  # 2 systems, 3 engines, 2 formats, 3 roles
# A run that ends itself, or a worker of its own, as soon as some parts are kept.
ENDING = """
import multiprocessing, os, signal, sys
from accord.cli.main import main
from accord.store.sweeps import Sweep

keep, kept = Sweep.keep, []


def ending(self, number, answer):
    keep(self, number, answer)
    kept.append(number)
    if len(kept) == int(sys.argv[2]):
        if sys.argv[1] == "itself":
            os.kill(os.getpid(), signal.SIGKILL)
        victim = multiprocessing.active_children()[0]
        os.kill(victim.pid, signal.SIGKILL)
        print("killed", victim.pid, file=sys.stderr)


if __name__ == "__main__":
    Sweep.keep = ending
    sys.exit(main(sys.argv[3:]))
"""


@pytest.fixture
def whole(capsys: Capture) -> str:
    """What is printed by a run that nothing disturbs."""
    assert main(["plan", *WIDE]) == 0
    return capsys.readouterr().out


def ending(tmp_path: Path, who: str, after: int, *words: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "ending.py"
    script.write_text(ENDING)
    command = [sys.executable, str(script), who, str(after), "plan", *WIDE, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)


def kept(file: Path) -> int:
    with closing(sqlite3.connect(file)) as database:
        return int(database.execute("SELECT count(*) FROM answers").fetchone()[0])


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the parts that are worked off from now on."""
    numbers: list[int] = []
    keep = Sweep.keep

    def noted(self: Sweep, number: int, answer: bytes) -> None:
        numbers.append(number)
        keep(self, number, answer)

    monkeypatch.setattr(Sweep, "keep", noted)
    return numbers


def test_a_checkpoint_changes_nothing(
    whole: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, numbers = tmp_path / "sweep.sqlite", counted(monkeypatch)
    assert main(["plan", *WIDE, "--checkpoint", str(file)]) == 0
    first = capsys.readouterr()
    assert first.out == whole and "parts are in" not in first.err
    assert sorted(numbers) == list(range(PARTS))
    assert main(["plan", *WIDE, "--checkpoint", str(file)]) == 0
    again = capsys.readouterr()
    assert again.out == whole and f"{PARTS} of {PARTS} parts are in {file} already\n" in again.err
    assert len(numbers) == PARTS
    assert main(["plan", *WIDE, "--checkpoint", str(file), "--top", "3", "--level", "0.9"]) == 0  # the same sweep
    capsys.readouterr()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_a_run_that_is_killed_goes_on(
    whole: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sweep.sqlite"
    done = ending(tmp_path, "itself", 13, "--checkpoint", str(file))
    assert done.returncode == -signal.SIGKILL and done.stdout == ""
    assert kept(file) == 13
    numbers = counted(monkeypatch)
    assert main(["plan", *WIDE, "--checkpoint", str(file)]) == 0
    shown = capsys.readouterr()
    assert shown.out == whole
    assert f"13 of {PARTS} parts are in {file} already\n" in shown.err
    assert len(numbers) == PARTS - 13 and kept(file) == PARTS


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_a_worker_that_is_killed_loses_nothing(whole: str, tmp_path: Path) -> None:
    file = tmp_path / "sweep.sqlite"
    words = ("--executor", "processes", "--workers", "2", "--checkpoint", str(file))
    done = ending(tmp_path, "worker", 4, *words)
    assert done.returncode == 0, done.stderr
    assert "killed" in done.stderr
    assert done.stdout == whole
    assert kept(file) == PARTS


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_a_run_of_processes_that_is_killed_goes_on(whole: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "sweep.sqlite"
    done = ending(tmp_path, "itself", 5, "--executor", "processes", "--workers", "2", "--checkpoint", str(file))
    assert done.returncode == -signal.SIGKILL
    assert main(["plan", *WIDE, "--checkpoint", str(file)]) == 0  # on another executor, too
    shown = capsys.readouterr()
    assert shown.out == whole and f"5 of {PARTS} parts are in {file} already\n" in shown.err


@pytest.mark.slow
def test_processes_give_the_same_bytes(whole: str, capsys: Capture) -> None:
    assert main(["plan", *WIDE, "--executor", "processes", "--workers", "2"]) == 0
    assert capsys.readouterr().out == whole


@pytest.mark.slow
def test_ray_gives_the_same_bytes(whole: str, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    words = [sys.executable, "-m", "accord", "plan", *WIDE, "--executor", "ray", "--workers", "2"]
    quiet = {**os.environ, "RAY_DEDUP_LOGS": "0"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path, env=quiet)
    assert done.returncode == 0, done.stderr
    assert done.stdout == whole


def test_ray_that_is_missing_is_said(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "accord.planner.executors.ray", raising=False)
    code, said = refused(capsys, *BASE, "--executor", "ray")
    assert code == 2 and said == "error: executor 'ray' needs ray\nhint: pip install 'accord[ray]'\n"


# Mistakes


def test_the_checkpoint_of_another_question(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "sweep.sqlite"
    assert main(["plan", *BASE, "--checkpoint", str(file)]) == 0
    capsys.readouterr()
    before = file.read_bytes()
    code, said = refused(capsys, *BASE, "--tpot", "30ms", "--checkpoint", str(file))
    assert code == 3 and said.startswith(
        f"error: {file}: the checkpoint is of another sweep: its question, scenario or"
    )
    assert "hint: name another file" in said
    assert file.read_bytes() == before


def test_a_model_that_changed_in_its_file_is_another_question(tmp_path: Path, capsys: Capture) -> None:
    config = Path(__file__).parents[2] / "examples" / "example-model" / "config.json"
    model, file = tmp_path / "config.json", tmp_path / "sweep.sqlite"
    model.write_text(config.read_text())
    words = (
        "--model",
        str(model),
        "--system",
        H200,
        *WORK,
        "--engine",
        "vllm",
        "--batch",
        "8",
        "--checkpoint",
        str(file),
    )
    assert main(["plan", *words]) == 0
    assert main(["plan", *words]) == 0
    assert "parts are in" in capsys.readouterr().err
    body = json.loads(config.read_text())
    model.write_text(json.dumps({**body, "num_hidden_layers": body["num_hidden_layers"] // 2}))
    spec_of.cache_clear()  # a process reads a model once
    branch_of.cache_clear()
    code, said = refused(capsys, *words)
    assert code == 3 and "the checkpoint is of another sweep" in said


def test_a_checkpoint_that_is_none(tmp_path: Path, capsys: Capture) -> None:
    file, content = tmp_path / "sweep.sqlite", b"no database " * 100
    file.write_bytes(content)
    code, said = refused(capsys, *BASE, "--checkpoint", str(file))
    assert code == 3 and f"{file}: the file is no checkpoint, or is damaged" in said
    assert file.read_bytes() == content


def test_a_checkpoint_in_a_folder_that_is_not_there(tmp_path: Path, capsys: Capture) -> None:
    code, said = refused(capsys, *BASE, "--checkpoint", str(tmp_path / "deep" / "sweep.sqlite"))
    assert code == 2 and said.startswith("error: --checkpoint: there is no folder '") and "make it first" in said
    assert list(tmp_path.iterdir()) == []


def test_a_bad_question_leaves_no_checkpoint(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "sweep.sqlite"
    assert refused(capsys, *BASE, "--weights", "fp3", "--checkpoint", str(file))[0] == 2
    assert list(tmp_path.iterdir()) == []

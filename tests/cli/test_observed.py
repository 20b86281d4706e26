"""Who follows a verb is told how far it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from accord.api.runs import show_run
from accord.cli.main import main
from accord.cli.watching import Watching, each, observed, parts, tell_kept

MACHINE = ("--model=llama-3.1-8b", "--system=nvidia-hgx-h100-8", "--chips=8", "--isl=500", "--osl=50")


class Notes:
    """An observer that writes everything down."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, str]] = []
        self.runs: list[str] = []

    def progress(self, done: int, total: int, text: str) -> None:
        self.steps.append((done, total, text))

    def lasting(self, file: str) -> str:
        return f"kept/{Path(file).name}"

    def kept(self, run: str) -> None:
        self.runs.append(run)


def test_nobody_follows_unless_asked() -> None:
    notes = Notes()
    with observed(notes):
        parts(1, 2)
    parts(2, 2)
    tell_kept("x")
    assert (notes.steps, notes.runs) == ([(1, 2, "parts of the search")], [])


def test_requests_and_the_runs_they_are_of() -> None:
    notes = Notes()
    with observed(notes), Watching(quiet=True) as watching:
        watching.progress(10.0, 5, 10)
        watching.progress(3.0, 1, 10)
    assert notes.steps == [(5, 10, "requests, 10 s simulated"), (1, 10, "requests, 3 s simulated, run 2")]


def test_calls_are_counted_and_their_answers_pass() -> None:
    notes = Notes()
    double = each(lambda number: 2 * number, "rates tried", 3)
    with observed(notes):
        assert [double(number) for number in (4, 5)] == [8, 10]
    assert notes.steps == [(0, 3, "rates tried"), (1, 3, "rates tried")]


def test_a_simulation_tells_its_runs_and_its_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = Notes()
    store = tmp_path / "runs.sqlite"
    words = ("--rate=5", "--requests=50", "--replications=2", f"--store={store}", f"--out={tmp_path}", "--export=csv")
    with observed(notes):
        assert main(["simulate", *MACHINE, *words]) == 0
    assert notes.steps[:2] == [(0, 2, "runs"), (1, 2, "runs")]
    (run,) = notes.runs
    assert re.fullmatch(r"[0-9a-f]{32}", run)
    assert show_run(run, store=store).record.files == ("kept/requests.csv", "kept/summary.json")
    assert f"run {run[:8]} is kept" in capsys.readouterr().err


def test_a_search_for_a_rate_tells_how_many_were_tried(capsys: pytest.CaptureFixture[str]) -> None:
    notes = Notes()
    with observed(notes):
        assert main(["simulate", *MACHINE, "--requests=50", "--find-rate", "--ttft=1s", "--no-keep"]) == 0
    tried = [done for done, _, text in notes.steps if text == "rates tried"]
    assert tried == list(range(len(tried)))
    assert len(tried) > 3


def test_a_plan_tells_its_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = Notes()
    with observed(notes):
        assert main(["plan", *MACHINE, "--tpot=50ms", f"--checkpoint={tmp_path / 'parts.sqlite'}"]) == 0
    done, total, text = notes.steps[-1]
    assert done == total > 0
    assert text == "parts of the search"

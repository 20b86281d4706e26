"""A long run on a terminal: a line of progress, and Ctrl-C that ends it in order."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from accord.cli import watching
from accord.cli.watching import Watching

ACCORD = (sys.executable, "-m", "accord")
LONG = (
    "simulate", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--chips", "8", "--isl", "500",
    "--osl", "50", "--rate", "50", "--requests", "1000000",
)  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "AFTER_S", -1.0)
    monkeypatch.setattr(watching, "EVERY_S", -1.0)
    for screen, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", screen)
        with Watching() as found:
            assert found.progress(12.0, 500, 1000)
        assert ("[###############               ] 500 of 1,000 requests, 12 s simulated" in screen.getvalue()) is shown
        assert screen.getvalue().endswith("\r\x1b[K") is shown


def test_runs_after_one_another_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(watching, "AFTER_S", -1.0)
    monkeypatch.setattr(watching, "EVERY_S", -1.0)
    monkeypatch.setattr(sys, "stderr", screen)
    with Watching() as found:
        for done in (10, 20, 5, 9, 1):
            found.progress(1.0, done, 20)
    assert ["run 2" in line for line in screen.getvalue().split("\r")[1:6]] == [False, False, True, True, False]
    assert "run 3: 1 of 20" in screen.getvalue()


def test_the_first_interrupt_stops_the_run_and_the_second_the_program() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Watching(quiet=True) as found:
        assert found.progress(0.0, 0, 1)
        os.kill(os.getpid(), signal.SIGINT)
        assert not found.progress(0.0, 0, 1)
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "ACCORD_HOME": str(tmp_path / "home"), "TERM": "xterm"}


def test_ctrl_c_leaves_a_partial_result(tmp_path: Path, environ: dict[str, str]) -> None:
    """Started on a terminal; interrupted once its line of progress is there."""
    outer, inner = pty.openpty()
    words = (*ACCORD, *LONG, "--json", "--out", str(tmp_path / "out"), "--export", "vllm-bench,csv")
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=inner, env=environ)
    os.close(inner)
    with run:
        assert "of 1,000,000 requests" in _read(outer, "simulated")
        run.send_signal(signal.SIGINT)
        assert run.stdout is not None
        body = json.loads(run.stdout.read())
        assert "interrupted: numbers are of what had happened" in _read(outer, "until then")
    os.close(outer)
    assert run.returncode == 130
    result = body["result"]
    assert result["complete"] is False
    completed = result["metrics"]["completed"]["value"]
    assert 0.0 < completed < 1e6
    bench = json.loads((tmp_path / "out" / "vllm_bench.json").read_bytes())
    assert (bench["complete"], bench["completed"]) == (False, completed)
    assert json.loads((tmp_path / "out" / "summary.json").read_bytes())["complete"] is False
    rows = (tmp_path / "out" / "requests.csv").read_text().splitlines()
    assert len(rows) - 1 == result["metrics"]["requests"]["value"]
    listed = subprocess.run([*ACCORD, "runs", "list", "--json"], env=environ, capture_output=True, check=True)
    assert [kept["complete"] for kept in json.loads(listed.stdout)["result"]["runs"]] == [False]


@pytest.mark.parametrize("flags", [("--find-rate", "--ttft", "1s"), ("--rate", "50", "--replications", "99")])
def test_ctrl_c_among_several_runs(flags: tuple[str, ...], environ: dict[str, str]) -> None:
    outer, inner = pty.openpty()
    words = (*ACCORD, *LONG[: LONG.index("--rate")], "--requests", "5000", *flags, "--no-keep")
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=inner, env=environ)
    os.close(inner)
    with run:
        _read(outer, "run ")
        run.send_signal(signal.SIGINT)
        assert run.stdout is not None
        shown = run.stdout.read().decode()
    os.close(outer)
    assert run.returncode == 130
    assert "incomplete: the run was interrupted" in shown


def _read(terminal: int, until: str, most_s: float = 60.0) -> str:
    """What a terminal shows, up to a word."""
    found, end = "", time.monotonic() + most_s
    while until not in found:
        assert time.monotonic() < end, found
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                found += os.read(terminal, 4096).decode(errors="replace")
            except OSError:  # its other end is closed
                assert until in found, found
    return found

"""What the page asks most: CPU seconds of an estimate, a plan and a board, in a process that is warm.

Run ``python bench/bench_web.py [--json]``; ``python3 do.py bench`` runs it under pytest-benchmark.
Estimates and plans are whole commands, from the words to the JSON; a board's answer is what its process sends.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # as the server's processes are

import numpy as np  # noqa: E402  the number of threads is read when it is loaded

from accord.cli.main import cli  # noqa: E402
from accord.web.board import Ask  # noqa: E402
from accord.web.board_answer import Boards  # noqa: E402

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

_ESTIMATE = (
    "estimate --model deepseek-v3 --system huawei-cloudmatrix-384 --chips 160 --tp 1 --ep 320 --weights int8 --json"
)
DECODE = (*_ESTIMATE.split(), "--phase=decode", "--batch-per-device=96", "--kv-len=4096")
SERVE = (*_ESTIMATE.split(), "--phase=serve", "--concurrency=5000", "--isl=4096", "--osl=1024")
QUESTION = (
    "--model=deepseek-v3", "--system=huawei-cloudmatrix-384,nvidia-gb200-nvl72", "--isl=4096", "--osl=1024", "--ttft=2s"
)  # fmt: skip
PLAN = ("plan", *QUESTION, "--tpot=50ms", "--objective=goodput,chips", "--top=3", "--json")
# What is aimed at [CPU s] at the median; tests fail at several times as much: machines differ and are shared.
DECODE_S, SERVE_S, BOARD_S = 0.020, 0.025, 0.150
LEAST_CANDIDATES = 20_000


@dataclass(frozen=True, slots=True)
class Line:
    """CPU seconds of one question asked several times: median, 95th percentile; what it is aimed at, if anything."""

    name: str
    times: int
    p50_s: float
    p95_s: float
    aim_s: float | None = None


def command(words: tuple[str, ...]) -> str:
    """What a command prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        cli.main(list(words), standalone_mode=False)
    return printed.getvalue()


def timed(name: str, ask: Callable[[int], object], times: int, aim_s: float | None = None) -> Line:
    """Ask so many times. ask: told how often it was asked before."""
    taken = []
    for at in range(times):
        began = time.process_time()
        ask(at)
        taken.append(time.process_time() - began)
    return Line(name, times, float(np.quantile(taken, 0.5)), float(np.quantile(taken, 0.95)), aim_s)


def moved(boards: Boards, at: int, *more: str) -> dict[str, object]:
    """A board's result once the slider of the time per token was moved to another place."""
    words = (*QUESTION, f"--tpot={30.0 + 0.5 * at:g}ms", *more, "--json")
    result = json.loads(boards.answer(Ask(words, "usd" if at % 2 else "chip")))["result"]
    assert isinstance(result, dict)
    return result


def measure() -> tuple[list[Line], int]:
    """All lines, and the board's candidates."""
    for words in (DECODE, SERVE):
        command(words)
    lines = [
        timed("estimate, decode", lambda _: command(DECODE), 40, DECODE_S),
        timed("estimate, serve", lambda _: command(SERVE), 40, SERVE_S),
        timed("plan", lambda _: command(PLAN), 3),
    ]
    boards = Boards()
    lines.append(timed("board, first", lambda _: moved(boards, 80), 1))
    lines.append(timed("board, slider of a latency", lambda at: moved(boards, at), 40, BOARD_S))
    lines.append(timed("board, slider of a rate", lambda at: moved(boards, at, f"--goodput={20 + at}"), 8))
    moved(boards, 0, "--chips=1000")  # wider instances are priced once
    lines.append(timed("board, slider of chips", lambda at: moved(boards, 0, f"--chips={128 + 8 * at}"), 8))
    candidates = moved(boards, 0)["candidates"]
    assert isinstance(candidates, int)
    return lines, candidates


def test_an_estimate(benchmark: BenchmarkFixture) -> None:
    """One decode pool, as the page asks it."""
    benchmark(command, DECODE)


def test_a_board_asked_again(benchmark: BenchmarkFixture) -> None:
    """Another limit on a question that is priced."""
    boards = Boards()
    moved(boards, 0)
    assert benchmark(moved, boards, 7)["candidates"] >= LEAST_CANDIDATES


def main() -> None:
    """Measure and print."""
    lines, candidates = measure()
    if "--json" in sys.argv[1:]:
        told = {"candidates": candidates, "lines": [asdict(line) for line in lines]}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    for line in lines:
        aim = "" if line.aim_s is None else f", aim {1e3 * line.aim_s:.0f}"
        taken = f"{1e3 * line.p50_s:8.1f} ms median, {1e3 * line.p95_s:8.1f} p95 of {line.times}"
        sys.stdout.write(f"{line.name:28} {taken}{aim}\n")
    sys.stdout.write(f"{candidates:,} candidates\n")


if __name__ == "__main__":
    main()

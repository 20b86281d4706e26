"""How fast rows are priced, and what a whole question costs a process that knows no earlier answer.

Bounds are several times what a quiet machine takes (bench/README.md), and the quickest of a few tries counts, so that
what else runs on the machine does not fail them; CPU time is measured, not the clock on the wall.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import msgspec
import pytest

from accord.api.plan import plan
from accord.planner.problem import Limit, Limits, Problem, Space

TRIES = 3
LEAST_ROWS_PER_S = 20_000.0
MOST_COMMAND_S = 6.0
PRICED = Problem(
    model="deepseek-v3", systems=("nvidia-hgx-h200-8",), isl=4000, osl=1000, intervals=False,
    limits=Limits(latencies=(Limit(latency="tpot", limit_s=0.04),), chips=32),
    space=Space(batches=tuple(range(1, 193)), engines=("sglang",), modes=("aggregated",)),
)  # fmt: skip
QUESTION = (
    "plan", "--model", "deepseek-v3", "--system", "nvidia-hgx-h200-8", "--chips", "32", "--isl", "4000", "--osl",
    "1000", "--ttft", "1000ms", "--tpot", "40ms", "--json",
)  # fmt: skip


def soonest(measure: Callable[[], float], enough: float) -> float:
    """The least of a few measurements; no more of them than are needed to be below ``enough``."""
    least = float("inf")
    for _ in range(TRIES):
        least = min(least, measure())
        if least < enough:
            break
    return least


def test_rows_are_priced_quickly() -> None:
    small = msgspec.structs.replace(PRICED, space=msgspec.structs.replace(PRICED.space, batches=(1,)))
    plan(small)  # reads the catalog
    rows = plan(PRICED).tally.estimated
    assert rows > 10_000

    def taken() -> float:
        began = time.process_time()
        plan(PRICED)
        return time.process_time() - began

    assert rows / soonest(taken, rows / LEAST_ROWS_PER_S) > LEAST_ROWS_PER_S


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="CPU time of a child is read from wait4")
def test_a_cold_question_is_answered_within_seconds() -> None:
    def taken() -> float:
        with subprocess.Popen([sys.executable, "-m", "accord", *QUESTION], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            printed = child.stdout.read()
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        assert json.loads(printed)["result"]["searched"]["estimated"] > 10_000
        return used.ru_utime + used.ru_stime

    assert soonest(taken, MOST_COMMAND_S) < MOST_COMMAND_S

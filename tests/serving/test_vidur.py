"""Accord's simulator against what Vidur 0.0.26 did with the same requests and step times, request by request.

bench/peers/run_vidur.py made the tables; docs/serving.md, "Beside Vidur", says what differs and why.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.serving.timers import LinearTimer

from accord.base.array import Array
from accord.serving.result import Requests
from accord.serving.run import simulate
from accord.serving.spec import Pool, Rules
from accord.workloads.request import Workload

PEERS = Path(__file__).parents[2] / "bench" / "peers"
BLOCK = 16
ROUNDED_S = 1.5e-6  # the table has six decimals

# What is the same but for rounding: the case, and the schedulers of Accord it is the same with
SAME = (
    ("sarathi-fixed", "fcfs"),
    ("sarathi-fixed", "decode-first"),
    ("sarathi-lengths", "fcfs"),
    ("sarathi-lengths", "decode-first"),
    ("sarathi-small-cache", "decode-first"),
    ("sarathi-preempting", "decode-first"),
    ("vllm-fixed", "prefill-first"),
    ("vllm-unsplit", "prefill-first"),
)


def _rows(name: str) -> list[dict[str, str]]:
    with (PEERS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _case(name: str) -> tuple[dict[str, str], Workload, Array, Array]:
    """Parameters of a case, its requests, and when Vidur gave their first and last tokens [s]."""
    case = next(row for row in _rows("vidur-0.0.26.csv") if row["name"] == name)
    rows = [row for row in _rows("vidur-0.0.26-requests.csv") if row["case"] == name]
    assert len(rows) == int(case["requests"])
    arrival_s, first_s, end_s = (
        np.array([row[column] for row in rows], dtype=np.float64) for column in ("arrival_s", "first_s", "end_s")
    )
    prompt, answer = (np.array([row[column] for row in rows], dtype=np.int64) for column in ("prompt", "answer"))
    return case, Workload(name, arrival_s, prompt, answer), first_s, end_s


def _served(name: str, scheduler: str) -> Requests:
    case, workload, _, _ = _case(name)
    a_s, b_s, c_s, d_s, e_s = (float(case[column]) for column in ("a_s", "b_s", "c_s", "d_s", "e_s"))
    timer = LinearTimer(a_s, b_s, c_s, d_s, e_s, reach=1e12)
    pool = Pool(
        "one", "both", 1, timer, int(case["blocks"]) * BLOCK, int(case["seats"]), int(case["budget"]),
        block_tokens=BLOCK, watermark=float(case["watermark"]), prefix_cache=False,
    )  # fmt: skip
    return simulate([pool], workload, Rules(scheduler=scheduler)).requests


@pytest.mark.parametrize(("name", "scheduler"), SAME)
def test_every_request_as_in_vidur(name: str, scheduler: str) -> None:
    case, _, first_s, end_s = _case(name)
    found = _served(name, scheduler)
    np.testing.assert_allclose(found.first_s, first_s, rtol=0.0, atol=ROUNDED_S)
    np.testing.assert_allclose(found.finish_s, end_s, rtol=0.0, atol=ROUNDED_S)
    assert found.preempted.sum() == int(case["vidur_preemptions"])


def test_preemption_is_among_the_cases() -> None:
    assert int(_case("sarathi-preempting")[0]["vidur_preemptions"]) > 0


def test_packing_of_prompts_changes_little() -> None:
    """Vidur's vllm scheduler computes whole prompts only; Accord's prefill-first fills the budget with a chunk."""
    _, workload, first_s, end_s = _case("vllm-lengths")
    found = _served("vllm-lengths", "prefill-first")
    for ours_s, theirs_s, tolerance in ((found.first_s, first_s, 0.1), (found.finish_s, end_s, 0.01)):
        ours, theirs = ours_s - workload.arrival_s, theirs_s - workload.arrival_s
        assert ours.mean() == pytest.approx(theirs.mean(), rel=tolerance)
        assert np.median(ours) == pytest.approx(np.median(theirs), rel=tolerance)
        assert np.abs(ours - theirs).max() < 1.0


def test_blocks_taken_chunk_by_chunk_admit_sooner_than_whole_prompts() -> None:
    """The one difference between fcfs and Vidur's Sarathi scheduler: seen only where the cache is short."""
    case, _, _, _ = _case("sarathi-small-cache")
    found = _served("sarathi-small-cache", "fcfs")
    assert int(case["vidur_preemptions"]) == 0 < found.preempted.sum()

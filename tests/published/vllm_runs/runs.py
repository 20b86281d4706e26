"""Four measured runs of vLLM 0.19 (casys-kaist/LLMServingSim, bench/examples), played again.

``runs.csv`` holds what the runs' own meta files state: model, chips, layout, engine arguments, and for one of them the
number of cache blocks; the last four columns are how far the replay may be from the measurement, as a share. They are
what is reached, with a margin; docs/serving_accuracy.md says which of the aims are missed.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from tests import rig
from tests.traces import trace

from accord.api.replay import Replay, configured, replay

TABLE = Path(__file__).with_name("runs.csv")
FILE = "llmservingsim_vllm_{run}_{part}"
TOLERATED = ("e2e_mean_s", "itl_mean_s", "ttft_mean_s", "ttft_p90_s")


def runs() -> dict[str, dict[str, str]]:
    """Rows of the table by run."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return {row["run"]: row for row in csv.DictReader(lines)}


@cache
def replayed(run: str) -> Replay:
    """A run played again; skips the test where its files are absent."""
    row = runs()[run]
    requests, series = (trace(FILE.format(run=run, part=part)) for part in ("requests.jsonl", "timeseries.csv"))
    return replay(
        rig.catalog(), *configured(row), requests.read_text(encoding="utf-8"),
        series.read_text(encoding="utf-8"), name=run,
    )  # fmt: skip

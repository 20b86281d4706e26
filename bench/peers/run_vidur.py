"""Serve the same requests in Vidur 0.0.26 and in Accord's simulator, with the same step times, and compare.

Run it with a Python that has both (bench/README.md says how to install them):

    /tmp/vidur/bin/python bench/peers/run_vidur.py

Written are ``bench/peers/vidur-0.0.26-requests.csv``, what Vidur did with every request, which tests/serving/
test_vidur.py compares Accord with, and ``bench/peers/vidur-0.0.26.csv``, one line a case. Printed are requests per CPU
second of both, taken in this one run.

Vidur's own times come from profiles that it downloads; here its predictor is replaced by :class:`SameTimes`, its
generator of requests by :class:`Given`. Nothing else is changed, but for cases marked ``mended``: there Vidur's
restart of a preempted request and two rules around it are replaced by :func:`mend`, since a run with preemption
stops with an AssertionError in 0.0.26. docs/serving.md says what differs and why.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from vidur.config import CacheConfig, ClusterConfig, MetricsConfig, ReplicaConfig, SimulationConfig
from vidur.config.config import SarathiSchedulerConfig, VllmSchedulerConfig
from vidur.entities import Replica, Request
from vidur.execution_time_predictor import ExecutionTimePredictorRegistry
from vidur.request_generator import RequestGeneratorRegistry
from vidur.scheduler.replica_scheduler import sarathi_replica_scheduler as sarathi
from vidur.simulator import Simulator
from vidur.types import ExecutionTimePredictorType, RequestGeneratorType

from accord.base.array import Array
from accord.serving.run import simulate
from accord.serving.spec import Pool, Rules
from accord.workloads.request import Workload

VERSION = "0.0.26"
HERE = Path(__file__).parent
BLOCK = 16
# Seconds an iteration, and more of it for each decoding request, cached token it reads, prompt token, pair attended:
# round numbers of the size of Llama-3-8B on one H100.
A_S, B_S, C_S, D_S, E_S = 8e-3, 2e-5, 5e-8, 3.2e-5, 1e-9


@dataclass(frozen=True, slots=True)
class Case:
    """One run. budget: tokens of an iteration; seats: requests; rate: arrivals a second; fixed: 2000 in, 200 out.

    schedulers: of Accord, the first of which is compared in the table; mended: see :func:`mend`
    """

    name: str
    peer: str
    schedulers: str
    rate: float
    fixed: bool
    budget: int
    seats: int = 128
    blocks: int = 25_000
    watermark: float = 0.01
    mended: bool = False


CASES = (
    Case("sarathi-fixed", "sarathi", "fcfs decode-first", 6.7, True, 2048),
    Case("sarathi-lengths", "sarathi", "fcfs decode-first", 6.7, False, 2048),
    Case("sarathi-small-cache", "sarathi", "decode-first", 14.0, False, 512, 32, 3000, 0.05),
    Case("sarathi-preempting", "sarathi", "decode-first", 14.0, False, 2048, 128, 1500, 0.0, True),
    Case("vllm-fixed", "vllm", "prefill-first", 6.7, True, 8000),
    Case("vllm-lengths", "vllm", "prefill-first", 9.0, False, 8000),
    Case("vllm-unsplit", "vllm", "prefill-first", 9.0, False, 1_000_000),
)


@dataclass(frozen=True, slots=True)
class Seconds:
    """An execution time as the parts of Vidur that run here ask for it."""

    total_time: float
    num_layers: int = 0

    @property
    def model_time(self) -> float:
        return self.total_time


class SameTimes:
    """Vidur's predictor with Accord's linear times.

    Vidur counts the token that a decoding request is about to make as one more cached token than it reads here.
    """

    def __init__(self, **_: object) -> None:
        """Vidur's configuration is of no account."""

    def get_execution_time(self, batch: Any, _: int) -> Seconds:
        decoding = context = tokens = 0
        pairs = 0.0
        for request, computed, cached in zip(batch.requests, batch.num_q_tokens, batch.num_kv_tokens, strict=True):
            if request.is_prefill_complete:
                decoding += 1
                context += cached - 1
            else:
                tokens += computed
                pairs += computed * (cached - 0.5 * computed)
        return Seconds(A_S + B_S * decoding + C_S * context + D_S * tokens + E_S * pairs)


class LinearTimer:
    """The same times as a StepTimer of Accord."""

    def line(self, batch: int, context: float) -> tuple[float, float, float]:
        return A_S + B_S * batch + C_S * context, C_S, 1e12

    def mixed(self, tokens: int, pairs: float, prompts: int, batch: int, context: float) -> float:
        return A_S + B_S * batch + C_S * context + D_S * tokens + E_S * pairs

    def joint(self, tokens: Array, pairs: Array, prompts: Array, batch: Array, context: Array) -> float:
        each = zip(tokens, pairs, prompts, batch, context, strict=True)
        return max(self.mixed(int(t), p, int(n), int(b), c) for t, p, n, b, c in each)


class Given:
    """Vidur's generator of requests with those of a workload."""

    workload: Workload
    made: list[Request]

    def __init__(self, _: object) -> None:
        """Vidur's configuration is of no account."""

    def generate(self) -> list[Request]:
        columns = (Given.workload.arrival_s, Given.workload.prompt, Given.workload.answer)
        Given.made = [Request(float(at), int(p), int(a)) for at, p, a in zip(*columns, strict=True)]
        return list(Given.made)


@dataclass(frozen=True, slots=True)
class Run:
    """What one simulator made of a case: first token and end of each request [s], CPU seconds, caches lost."""

    first_s: Array
    end_s: Array
    cpu_s: float
    lost: int


def workload(case: Case, count: int) -> Workload:
    """Poisson arrivals with six decimals, none of which coincide, and lengths of a fixed seed."""
    rng = np.random.default_rng(20260105)
    arrival_s = np.round(np.cumsum(np.maximum(rng.exponential(1.0 / case.rate, count), 1e-6)), 6)
    if case.fixed:
        return Workload(case.name, arrival_s, np.full(count, 2000), np.full(count, 200))
    prompt = np.clip(np.rint(rng.lognormal(7.2, 0.8, count)), 16, 8000)
    answer = np.clip(np.rint(rng.lognormal(4.9, 0.8, count)), 1, 1500)
    return Workload(case.name, arrival_s, prompt.astype(np.int64), answer.astype(np.int64))


def in_vidur(case: Case, load: Workload, metrics: bool = False) -> Run:
    """Run Vidur on one replica; ``metrics``: let it collect what it does by default, but write and plot nothing."""
    Given.workload = load
    Replica._id = Request._id = -1  # its counters are of the process; it looks replicas up from 0
    scheduler = (
        SarathiSchedulerConfig(batch_size_cap=case.seats, chunk_size=case.budget) if case.peer == "sarathi"
        else VllmSchedulerConfig(batch_size_cap=case.seats, max_tokens_in_batch=case.budget)
    )  # fmt: skip
    config = SimulationConfig(
        cluster_config=ClusterConfig(
            replica_config=ReplicaConfig(num_pipeline_stages=1, tensor_parallel_size=1),
            cache_config=CacheConfig(num_blocks=case.blocks, watermark_blocks_fraction=case.watermark),
            replica_scheduler_config=scheduler,
        ),
        metrics_config=MetricsConfig(write_metrics=metrics, enable_chrome_trace=metrics, store_plots=False),
    )
    simulator = Simulator(config)
    simulator._write_output = lambda: None
    began = time.process_time()
    simulator.run()
    taken = time.process_time() - began
    done = Given.made
    first, end = ([getattr(one, name) for one in done] for name in ("_prefill_completed_at", "_completed_at"))
    return Run(np.array(first), np.array(end), taken, sum(one.num_restarts for one in done))


def in_accord(case: Case, load: Workload, scheduler: str) -> Run:
    """Run Accord on one instance."""
    pool = Pool(
        "one", "both", 1, LinearTimer(), case.blocks * BLOCK, case.seats, case.budget, block_tokens=BLOCK,
        watermark=case.watermark, prefix_cache=False,
    )  # fmt: skip
    began = time.process_time()
    found = simulate([pool], load, Rules(scheduler=scheduler)).requests
    taken = time.process_time() - began
    return Run(found.first_s, found.finish_s, taken, int(found.preempted.sum()))


def mend() -> Callable[[], None]:
    """Make Vidur's preemption run, and by Accord's rules; returns what undoes it.

    1. a restarted request forgets how much of it the stage had processed (else an assertion fails)
    2. one that was restarted amid its prompt keeps its prompt (else only the part computed so far is computed again)
    3. a decoding request asks for a free block only when its next token opens one (else always)
    4. in an iteration in which a request was preempted, none is admitted (else some are)
    """
    kept = (Request.restart, sarathi.SarathiReplicaScheduler._can_allocate_request,
            sarathi.SarathiReplicaScheduler._get_next_batch)  # fmt: skip

    def restart(self: Any) -> None:
        partial, lengths = not self._is_prefill_complete, (self._num_prefill_tokens, self._num_decode_tokens)
        kept[0](self)
        self._num_stage_processed_tokens, self._is_prefill_stage_complete = 0, False
        if partial:
            self._num_prefill_tokens, self._num_decode_tokens = lengths

    def can_allocate(self: Any, request: Any) -> bool:
        held = self._allocation_map.get(request.id)
        return (held is not None and request.num_processed_tokens <= held * BLOCK) or bool(kept[1](self, request))

    source = inspect.getsource(sarathi)
    for before, after in (
        ("        skipped_requests = []\n", "        skipped_requests = []\n        lost = False\n"),
        ("victim_request.restart()", "lost = True; victim_request.restart()"),
        ("    request.restart()", "    lost = True; request.restart()"),
        ("        while self._request_queue:\n", "        while self._request_queue and not lost:\n"),
    ):
        assert before in source, f"Vidur {VERSION} is expected, whose Sarathi scheduler has the line {before!r}"
        source = source.replace(before, after)
    names: dict[str, Any] = {}
    exec(source, names)

    def put(methods: Sequence[Any]) -> None:
        Request.restart = methods[0]
        sarathi.SarathiReplicaScheduler._can_allocate_request = methods[1]
        sarathi.SarathiReplicaScheduler._get_next_batch = methods[2]

    put((restart, can_allocate, names["SarathiReplicaScheduler"]._get_next_batch))
    return lambda: put(kept)


def numbers(name: str, load: Workload, run: Run) -> dict[str, float]:
    """Means and percentiles of times to the first token and to the end [s]."""
    found: dict[str, float] = {}
    for what, at_s in (("ttft", run.first_s), ("e2e", run.end_s)):
        took_s = at_s - load.arrival_s
        found[f"{name}_{what}_mean_s"] = round(float(took_s.mean()), 6)
        for part in (50, 90, 99):
            found[f"{name}_{what}_p{part}_s"] = round(float(np.percentile(took_s, part)), 6)
    return found


def compare(case: Case, count: int) -> tuple[dict[str, object], list[tuple[object, ...]]]:
    """A line of the table, and Vidur's requests."""
    load = workload(case, count)
    undo = mend() if case.mended else lambda: None
    try:
        theirs = in_vidur(case, load)
    finally:
        undo()
    ours = {scheduler: in_accord(case, load, scheduler) for scheduler in case.schedulers.split()}
    first = next(iter(ours.values()))
    row: dict[str, object] = {field.name: getattr(case, field.name) for field in fields(case)}
    row |= {"requests": count, "a_s": A_S, "b_s": B_S, "c_s": C_S, "d_s": D_S, "e_s": E_S}
    row |= numbers("vidur", load, theirs) | numbers("accord", load, first)
    row |= {"vidur_preemptions": theirs.lost, "accord_preemptions": first.lost}
    for what in ("first_s", "end_s"):
        gaps = [float(np.abs(getattr(one, what) - getattr(theirs, what)).max()) for one in ours.values()]
        row[f"largest_difference_{what}"] = f"{max(gaps):.2g}"
    columns = (load.arrival_s, load.prompt, load.answer, theirs.first_s, theirs.end_s)
    lines = [(case.name, f"{at:.6f}", p, a, f"{f:.6f}", f"{e:.6f}") for at, p, a, f, e in zip(*columns, strict=True)]
    return row, lines


def speed(case: Case, count: int) -> str:
    """Requests per CPU second of both on a longer run of a case, Vidur with and without its metrics."""
    load = workload(case, count)
    rates = [count / in_vidur(case, load, metrics).cpu_s for metrics in (False, True)]
    in_accord(case, load, case.schedulers.split()[0])
    own = max(count / in_accord(case, load, case.schedulers.split()[0]).cpu_s for _ in range(3))
    return (
        f"{case.name}: {count} requests, per CPU second Vidur {rates[0]:,.0f} ({rates[1]:,.0f} with its metrics), "
        f"Accord {own:,.0f}: {own / rates[0]:.0f} times ({own / rates[1]:.0f} times)"
    )


def write(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--requests", type=int, default=150, help="of a case (150)")
    parser.add_argument("--timed", type=int, default=2000, help="requests of the runs whose CPU time is taken (2000)")
    parser.add_argument("--out", type=Path, default=HERE, help="folder that is written to (that of this script)")
    options = parser.parse_args()
    out = options.out.resolve()
    logging.getLogger("vidur").setLevel(logging.WARNING)
    ExecutionTimePredictorRegistry.unregister(ExecutionTimePredictorType.RANDOM_FORREST)
    ExecutionTimePredictorRegistry.register(ExecutionTimePredictorType.RANDOM_FORREST, SameTimes)
    RequestGeneratorRegistry.unregister(RequestGeneratorType.SYNTHETIC)
    RequestGeneratorRegistry.register(RequestGeneratorType.SYNTHETIC, Given)
    rows, lines = [], []
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # Vidur writes its configuration below the working directory
        for case in CASES:
            row, found = compare(case, options.requests)
            rows.append(row)
            lines += found
            gaps = row["largest_difference_first_s"], row["largest_difference_end_s"]
            print(f"{case.name}: first tokens differ by {gaps[0]} s at most, ends by {gaps[1]} s")  # noqa: T201
        for case in CASES:
            if case.fixed:
                print(speed(case, options.timed))  # noqa: T201
        os.chdir(out)
    write(out / f"vidur-{VERSION}.csv", list(rows[0]), [list(row.values()) for row in rows])
    head = ("case", "arrival_s", "prompt", "answer", "first_s", "end_s")
    write(out / f"vidur-{VERSION}-requests.csv", head, lines)


if __name__ == "__main__":
    main()

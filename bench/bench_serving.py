"""The simulator: requests per CPU second of the engine and of whole commands, its memory, and its start.

Run ``python bench/bench_serving.py``; ``python3 do.py bench`` runs it under pytest-benchmark. Traces are those of the
folder ``traces`` of ``$ACCORD_MEASURED`` (by default ``../shared``, seen from the checkout); where it is absent, what
needs them is left out, and a synthetic stand-in runs for the first.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from accord import __version__
from accord.api.pools import EngineRules, pools_of
from accord.catalog.load import load_catalog
from accord.inference.request import EstimateRequest, PoolRequest
from accord.serving.engine import Engine
from accord.serving.metrics import summarise
from accord.serving.run import simulate
from accord.serving.spec import Pool, Rules
from accord.workloads.request import Workload
from accord.workloads.reshape import repeat, with_rate
from accord.workloads.trace import read_trace

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

ROOT = Path(__file__).parents[1]
CONVERSATION, MOONCAKE = "azure_llm_2023_conv.csv", "mooncake_conversation_trace.jsonl"
LENGTHS = ("lognormal:mean=1155,cv=0.96", "lognormal:mean=211,cv=0.77")  # of the stand-in: as the trace's, roughly
PER_S = 5.53  # its requests a second: those of the trace

EIGHT = EstimateRequest(model="llama-3.1-8b", system="nvidia-hgx-h100-8", engine="vllm", chips=8, tp=1)
ONE = EstimateRequest(model="llama-3.1-8b", system="nvidia-hgx-h100-8", engine="vllm", chips=1, tp=1)
POOLS = EstimateRequest(
    model="llama-3.1-70b", system="nvidia-hgx-h100-8", engine="vllm",
    prefill=PoolRequest(instances=36, devices=4, tp=4), decode=PoolRequest(instances=12, devices=4, tp=4),
)  # fmt: skip
COMMAND = ("simulate", "--model", "llama-3.1-8b", "--system", "nvidia-hgx-h100-8", "--engine", "vllm",
           "--chips", "8", "--tp", "1")  # fmt: skip

# Requests per CPU second that are aimed at. The benchmarks fail below half of it: machines differ and are shared.
ENGINE_PER_S, COMMAND_PER_S, PREFIX_PER_S = 20_000.0, 10_000.0, 8_000.0
FIRST_EVENT_S, MOST_BYTES, MOST_RISE = 1.0, 2e9, 1.5
COUNTS = (10_000, 100_000, 1_000_000)


# What is served


def trace(name: str) -> Path | None:
    """A trace of the shared folder, None where it is not at hand."""
    folder = Path(os.environ.get("ACCORD_MEASURED", ROOT.parent / "shared"))
    files = (folder / "traces" / name, folder.parent / "traces" / name, folder / name)
    return next((file for file in files if file.is_file()), None)


def stand_in(count: int = 20_000) -> Workload:
    """Poisson arrivals and lognormal lengths with the rate and the means of the conversation trace."""
    rng = np.random.default_rng(2023)
    arrival_s = np.cumsum(rng.exponential(1.0 / PER_S, count))
    prompt = np.clip(rng.lognormal(6.73, 0.81, count), 3, 14_000).astype(np.int64)
    answer = np.clip(rng.lognormal(5.12, 0.68, count), 1, 1_000).astype(np.int64)
    return Workload("stand-in", arrival_s, prompt, answer)


def pools(request: EstimateRequest, workload: Workload) -> tuple[Pool, ...]:
    lengths = (float(workload.prompt.mean()), float(workload.answer.mean()))
    return tuple(one.pool for one in pools_of(load_catalog(), request, EngineRules(), lengths))


@dataclass(frozen=True, slots=True)
class Timed:
    """CPU seconds of a run with its summary, and what they were spent on."""

    cpu_s: float
    requests: int
    iterations: int
    metrics: dict[str, float]

    @property
    def per_s(self) -> float:
        return self.requests / self.cpu_s


def timed(serving: Sequence[Pool], workload: Workload, rules: Rules | None = None, rounds: int = 3) -> Timed:
    """The engine alone, summary metrics included: least CPU time of a few rounds."""
    roles = {pool.name: pool.role for pool in serving}
    runs = []
    for _ in range(rounds):
        began = time.process_time()
        outcome = simulate(serving, workload, rules or Rules())
        metrics = dict(summarise(outcome, roles=roles).metrics)
        taken = time.process_time() - began
        runs.append(Timed(taken, len(workload), sum(pool.iterations for pool in outcome.pools), metrics))
    return min(runs, key=lambda run: run.cpu_s)


def saturated_per_s(serving: Sequence[Pool], workload: Workload) -> float:
    """Requests a second that are served when all are there from the beginning."""
    at_once = workload.with_(arrival_s=np.zeros(len(workload)))
    return len(workload) / simulate(serving, at_once, Rules()).end_s


# Processes of their own


def child(words: Sequence[str]) -> tuple[float, str]:
    """CPU seconds (user and system) of a process of its own, interpreter start included, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def command_s(file: Path, count: int) -> float:
    """CPU seconds of ``accord simulate`` on a trace repeated to so many requests, the run kept in a store."""
    with tempfile.TemporaryDirectory() as folder:
        store = ("--store", str(Path(folder) / "runs.sqlite"))
        words = ("-m", "accord", *COMMAND, "--trace", str(file), "--requests", str(count), *store)
        return child(words)[0]


def grown(count: int) -> dict[str, float]:
    """CPU seconds a request, and the most memory of the process [B], of one run in a process of its own."""
    return dict(json.loads(child((__file__, "--grow", str(count)))[1]))


def grow(count: int) -> None:
    """The process of :func:`grown`."""
    workload = repeat(stand_in(), count)
    run = timed(pools(EIGHT, workload), workload, rounds=1)
    print(json.dumps({"cpu_s": run.cpu_s, "most_bytes": most_bytes()}))  # noqa: T201


def most_bytes() -> float:
    """The most memory this process has had. Linux hands ``ru_maxrss`` on from the process that started this one."""
    status = Path("/proc/self/status")
    if status.is_file():
        high = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return 1024.0 * float(high.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


def first_event_s() -> float:
    """CPU seconds from the start of the command to the first event; the trace has 10,000 requests."""
    return float(child((__file__, "--first"))[1])


def first() -> None:
    """The process of :func:`first_event_s`: the command, which ends where the engine begins."""
    from accord.cli.main import main as command

    def stop(*_: object) -> None:
        os.write(1, f"{time.process_time()}\n".encode())
        os._exit(0)

    Engine.run = stop  # type: ignore[assignment,method-assign]
    load = ("--isl", LENGTHS[0], "--osl", LENGTHS[1], "--rate", str(PER_S), "--requests", "10000", "--no-keep")
    command([*COMMAND, *load])


# pytest-benchmark


def needed(name: str) -> Path:
    file = trace(name)
    if file is None:
        pytest.skip(f"no traces/{name}; set ACCORD_MEASURED to the folder that has it")
    return file


def measure(benchmark: BenchmarkFixture, work: Callable[[], Timed]) -> Timed:
    return benchmark.pedantic(work, rounds=1)  # type: ignore[no-untyped-call,no-any-return]


def test_conversation_trace(benchmark: BenchmarkFixture) -> None:
    workload = read_trace(needed(CONVERSATION)).workload
    serving = pools(EIGHT, workload)
    assert measure(benchmark, lambda: timed(serving, workload)).per_s > 0.5 * ENGINE_PER_S


def test_stand_in(benchmark: BenchmarkFixture) -> None:
    workload = stand_in()
    serving = pools(EIGHT, workload)
    assert measure(benchmark, lambda: timed(serving, workload)).per_s > 0.5 * ENGINE_PER_S


def test_command(benchmark: BenchmarkFixture) -> None:
    file, count = needed(CONVERSATION), 200_000
    taken = benchmark.pedantic(command_s, args=(file, count), rounds=1)  # type: ignore[no-untyped-call]
    assert count / taken > 0.5 * COMMAND_PER_S


@pytest.mark.parametrize("share", [0.7, 1.1])
def test_one_replica(share: float, benchmark: BenchmarkFixture) -> None:
    workload = stand_in()
    serving = pools(ONE, workload)
    loaded = with_rate(workload, share * saturated_per_s(serving, workload))
    assert measure(benchmark, lambda: timed(serving, loaded)).per_s > 0.25 * ENGINE_PER_S


@pytest.mark.parametrize("router", ["least-loaded", "prefix-affinity"])
def test_prefix_caches(router: str, benchmark: BenchmarkFixture) -> None:
    workload = read_trace(needed(MOONCAKE)).workload
    serving = pools(POOLS, workload)
    assert measure(benchmark, lambda: timed(serving, workload, Rules(router=router))).per_s > 0.25 * PREFIX_PER_S


def test_cost_is_linear_and_memory_bounded(benchmark: BenchmarkFixture) -> None:
    fewest, most = COUNTS[0], COUNTS[-1]
    few, many = (benchmark.pedantic(grown, args=(most,), rounds=1), grown(fewest))[::-1]  # type: ignore[no-untyped-call]
    assert many["cpu_s"] / most < MOST_RISE * few["cpu_s"] / fewest
    assert many["most_bytes"] < MOST_BYTES


def test_first_event(benchmark: BenchmarkFixture) -> None:
    first_event_s()  # compiles and fills the file cache
    assert benchmark.pedantic(first_event_s, rounds=3) < FIRST_EVENT_S  # type: ignore[no-untyped-call]


# As a script


def line(name: str, run: Timed, target: float | None = None) -> str:
    beside = f", {run.per_s / target:.2f} times the {target:,.0f} aimed at" if target else ""
    return (
        f"{name}: {run.requests:,} requests, {run.iterations:,} iterations, {run.cpu_s:.2f} CPU s, "
        f"{run.per_s:,.0f} requests/CPU s{beside}"
    )


def report() -> Iterator[str]:
    conversation, mooncake = trace(CONVERSATION), trace(MOONCAKE)
    yield f"accord {__version__}, Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}"
    replicas = pools(EIGHT, stand_in())
    if conversation:
        yield line("8 replicas, conversation trace", timed(replicas, read_trace(conversation).workload), ENGINE_PER_S)
    yield line("8 replicas, stand-in", timed(replicas, stand_in()), ENGINE_PER_S)
    if conversation:
        taken, count = min(command_s(conversation, 200_000) for _ in range(2)), 200_000
        rate = count / taken
        beside = f"{rate / COMMAND_PER_S:.2f} times the {COMMAND_PER_S:,.0f} aimed at"
        yield f"whole command, {count:,} requests: {taken:.2f} CPU s, {rate:,.0f} requests/CPU s, {beside}"
    one, workload = pools(ONE, stand_in()), stand_in()
    most = saturated_per_s(one, workload)
    for share in (0.7, 1.1):
        run = timed(one, with_rate(workload, share * most))
        yield line(f"1 replica, {share:g} of its {most:.1f} requests/s, TTFT {run.metrics['ttft_mean_s']:.2f} s", run)
    if mooncake:
        workload = read_trace(mooncake).workload
        serving = pools(POOLS, workload)
        for router in ("least-loaded", "prefix-affinity"):
            run = timed(serving, workload, Rules(router=router))
            hits = run.metrics["cache_hit_ratio"]
            yield line(f"36 + 12 replicas, Mooncake, {router}, {100.0 * hits:.0f} % hits", run, PREFIX_PER_S)
    yield from scale()
    first_event_s()
    yield f"start to first event: {min(first_event_s() for _ in range(3)):.2f} CPU s"


def scale() -> Iterator[str]:
    """What a request costs as there are more of them."""
    found = {count: grown(count) for count in COUNTS}
    least = found[COUNTS[0]]["cpu_s"] / COUNTS[0]
    for count, one in found.items():
        each = one["cpu_s"] / count
        rise = f"{each / least:.2f} times that of {COUNTS[0]:,}"
        megabytes = one["most_bytes"] / 1e6
        yield f"{count:,} requests: {1e6 * each:.1f} CPU us a request, {rise}; {megabytes:,.0f} MB at most"
    more = found[COUNTS[-1]]["most_bytes"] - found[COUNTS[1]]["most_bytes"]
    yield f"memory: {more / (COUNTS[-1] - COUNTS[1]):,.0f} bytes a request from {COUNTS[1]:,} to {COUNTS[-1]:,}"


def main(words: Sequence[str]) -> None:
    if words[:1] == ["--grow"]:
        grow(int(words[1]))
    elif words[:1] == ["--first"]:
        first()
    else:
        for text in report():
            print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])

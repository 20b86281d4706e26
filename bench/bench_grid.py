"""A hundred thousand deployments at once: DeepSeek-R1 on a CloudMatrix 384, both phases and both memories.

Run ``python bench/bench_grid.py``; ``python3 do.py bench`` runs it under pytest-benchmark.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from accord import __version__
from accord.api import efficiency_of, machine_of, model_spec
from accord.base.array import array
from accord.catalog.calibration import Fit
from accord.catalog.load import load_catalog
from accord.inference.complete import Assumed, formats_for
from accord.inference.grid import Grid, GridSpread, evaluate, spread
from accord.inference.request import EstimateRequest
from accord.parallel.plan import Deployments, Setting, deployments

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

Result = TypeVar("Result")

GUESS_LOG_SD = 0.15
FACTS = ("engine.max_num_seqs", "engine.max_num_batched_tokens", "engine.memory_fraction", "engine.redundant_share")

MODEL, SYSTEM, ENGINE = "deepseek-r1", "huawei-cloudmatrix-384", "cloudmatrix-infer"
PEER_POINTS_PER_S = 95.0

# (tp, dp, ep): 20 layouts of 16 to 320 ranks
LAYOUTS = (
    (1, 16, 16), (1, 32, 32), (1, 48, 48), (1, 64, 64), (1, 96, 96), (1, 144, 144), (1, 160, 160), (1, 288, 288),
    (1, 320, 320), (2, 16, 32), (2, 24, 48), (2, 48, 96), (2, 72, 144), (2, 144, 288), (2, 160, 320), (4, 12, 48),
    (4, 24, 96), (4, 36, 144), (4, 72, 288), (4, 80, 320),
)  # fmt: skip
BATCHES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)  # requests a device
TOKENS = (2048, 4096, 8192, 12288, 16384)  # prompt tokens a device and step
PROMPTS = (512, 1024, 2048, 4096, 8192)
ANSWERS = (128, 256, 512, 1024, 2048)
DRAFTS = ((0, 0.0), (1, 0.6), (1, 0.7), (1, 0.8))  # draft tokens, acceptance


def setting() -> Setting:
    """Everything the deployments share."""
    catalog = load_catalog()
    spec, machine = model_spec(catalog, MODEL), machine_of(catalog, SYSTEM)
    efficiency = efficiency_of(catalog, machine.chip, ENGINE)
    request = EstimateRequest(model=MODEL, system=SYSTEM)
    return Setting(spec, machine, formats_for(spec, machine, request, efficiency, Assumed()), efficiency)


def full_grid() -> Deployments:
    """Every combination of the lists above: 20 x 10 x 5 x 5 x 5 x 4 distinct deployments."""
    rows = product(LAYOUTS, BATCHES, TOKENS, PROMPTS, ANSWERS, DRAFTS)
    columns = array([(*layout, batch, tokens, isl, osl, *draft) for layout, batch, tokens, isl, osl, draft in rows]).T
    names = ("tp", "dp", "ep", "batch", "tokens", "isl", "osl", "mtp_tokens", "accept")
    return deployments(**dict(zip(names, columns, strict=True)))


def distinct(plan: Deployments) -> int:
    """Number of different deployments."""
    fields = ("tp", "dp", "ep", "batch", "tokens", "isl", "osl", "mtp_tokens", "accept")
    return len(np.unique(np.stack([getattr(plan, name) for name in fields]), axis=1).T)


def cpu_s(shared: Setting, plan: Deployments, rounds: int = 3) -> tuple[float, Grid]:
    """Least CPU time of a few rounds, all threads of the process counted [s], and the answers."""
    return min((_once(evaluate, shared, plan) for _ in range(rounds)), key=lambda timed: timed[0])


def _once(work: Callable[[Setting, Deployments], Result], shared: Setting, plan: Deployments) -> tuple[float, Result]:
    started = time.process_time()
    found = work(shared, plan)
    return time.process_time() - started, found


def with_intervals(shared: Setting, plan: Deployments) -> tuple[Grid, GridSpread]:
    """The grid and how sure each of its answers is; parameters that no fit speaks of are as sure as a guess."""
    efficiency = shared.efficiency
    guess = Fit(log_sd=GUESS_LOG_SD)
    drawn = [name for name, value in efficiency.numbers.items() if name not in FACTS and float(value) > 0.0]
    unsure = replace(shared, efficiency=replace(efficiency, fits={**dict.fromkeys(drawn, guess), **efficiency.fits}))
    return evaluate(unsure, plan), spread(unsure, plan)


def test_grid(benchmark: BenchmarkFixture) -> None:
    benchmark(evaluate, setting(), full_grid())


def test_grid_with_intervals(benchmark: BenchmarkFixture) -> None:
    benchmark(with_intervals, setting(), full_grid())


def main() -> None:
    shared, plan = setting(), full_grid()
    taken, found = cpu_s(shared, plan)
    longer = min(_once(with_intervals, shared, plan)[0] for _ in range(3))
    rate, factor = len(plan) / taken, longer / taken
    fit = np.count_nonzero(found.fits)
    lines = (
        f"{len(plan):,} deployments ({distinct(plan):,} distinct), {fit:,} fit the memory",
        "a point: decode iteration and prefill step, each with its choice of microbatches, and both memories",
        f"{taken:.3f} CPU seconds (least of 3), {rate:,.0f} points/s",
        f"{longer:.3f} CPU seconds with intervals, {len(plan) / longer:,.0f} points/s, {factor:.2f} times as long",
        f"{rate / PEER_POINTS_PER_S:,.0f} times the {PEER_POINTS_PER_S:g} points/s of bench/README.md",
        f"accord {__version__}, Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}",
    )
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()

"""For who sizes and deploys: plan DeepSeek-V3 on 32 chips, play two minutes of chat on it, write its launch files.

Run it with ``python examples/engineer.py``. Give a folder as well and the launch files are written there.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from accord.api import (
    EstimateRequest,
    Limit,
    Limits,
    Plan,
    PoolRequest,
    Problem,
    SimulateRequest,
    Slo,
    load_catalog,
    profile_workload,
    simulate_deployment,
)
from accord.api.launch import export, launch_of
from accord.api.plan import plan
from accord.report.exports.vllm import files

MODEL, SYSTEM, CHIPS = "deepseek-v3", "nvidia-hgx-h200-8", 32
TTFT_S, TPOT_S = 1.0, 0.04


def main(folder: Path | None) -> None:
    """Print the report."""
    catalog = load_catalog()

    # 1. What is asked: a model, where it may run, how long prompts and answers are, and what must hold.
    limits = Limits(
        latencies=(Limit(latency="ttft", limit_s=TTFT_S), Limit(latency="tpot", limit_s=TPOT_S)), chips=CHIPS
    )
    answer = plan(Problem(model=MODEL, systems=(SYSTEM,), isl=4000, osl=1000, limits=limits))
    best = answer.plans[0]
    say(f"{MODEL} on {CHIPS} chips of {SYSTEM}: {answer.candidates:,} candidates, {len(answer.plans)} plans shown")
    for pool in best.pools:
        say(
            f"  {pool.role}: {pool.instances} x {pool.devices} devices,"
            f" TP{pool.tp} PP{pool.pp} DP{pool.dp} EP{pool.ep}, {pool.weights} weights, {pool.engine}"
        )

    # 2. What the plan does, each with the interval that holds the truth nine times in ten.
    for name in ("request_per_s", "ttft_s", "tpot_s", "usd_per_million_output_tokens"):
        metric = best.metrics[name]
        say(f"  {name:<30} {metric.value:8.3g} {metric.unit:<6} {metric.low:.3g} to {metric.high:.3g}")
    for check in best.checks:
        say(f"  {check.name} {check.sense} {check.limit:g} {check.unit}: holds with chance {check.chance:.0%}")

    # 3. The same pools under real traffic: chat with its spread of lengths, 8 requests a second, two minutes.
    simulation = simulate_deployment(
        SimulateRequest(deployment=deployment(best), seed=1, bounds=False),
        profile_workload(catalog, "chat", 8.0, duration=120.0, seed=1),
        slos=[Slo(ttft_s=TTFT_S, tpot_s=TPOT_S)],
        catalog=catalog,
    )
    say("Chat at 8 requests a second, two minutes, simulated")
    for name in ("ttft_p50_s", "ttft_p99_s", "tpot_p50_s", "tpot_p99_s"):
        say(f"  {name:<30} {simulation.combined.metrics[name].mean:8.3g} s")
    say(f"  all limits kept by 90 % of requests: {simulation.combined.slos[0].attained}")

    # 4. How to start it: files for vLLM, each with what it cannot say.
    launching, warnings = launch_of(catalog, best)
    made = export(launching, {"vllm": files})[0]
    assert made.bundle is not None, made.refused
    say("Launch files: " + ", ".join(file.name for file in made.bundle.files))
    for words in (*made.bundle.departures, *warnings):
        say(f"  note: {words}")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for file in made.bundle.files:
            (folder / file.name).write_text(file.text, encoding="utf-8")

    # 5. What the simulation rests on.
    say(f"Sources: {len(simulation.sources)}, such as")
    for source in simulation.sources[:3]:
        say(f"  {source['id']}: {source['title']}, {source['date']}")


def deployment(chosen: Plan) -> EstimateRequest:
    """The pools of a plan as a request that can be simulated."""
    pools = {
        pool.role: PoolRequest(
            instances=pool.instances, devices=pool.devices, tp=pool.tp, pp=pool.pp, dp=pool.dp, ep=pool.ep
        )
        for pool in chosen.pools
    }
    first = chosen.pools[0]
    return EstimateRequest(
        model=chosen.model, system=first.system, engine=first.engine, weights=first.weights, kv=first.kv,
        prefill=pools["prefill"], decode=pools["decode"],
    )  # fmt: skip


def say(text: str) -> None:
    """Print one line, what is too long for it below and further in."""
    deeper = " " * (len(text) - len(text.lstrip()) + 4)
    print(textwrap.fill(text, 96, subsequent_indent=deeper, break_on_hyphens=False))  # noqa: T201  a script prints


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

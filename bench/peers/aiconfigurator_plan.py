"""Ask AIConfigurator 0.12.0 and Accord the same question, and both for the same layouts.

Run it with Accord's Python, and say where AIConfigurator's command is (bench/README.md says how to install it):

    python bench/peers/aiconfigurator_plan.py /tmp/peer/bin/aiconfigurator --work /tmp/peer/plans

DeepSeek-V3 on 32 H200, prompts of 4,000 and answers of 1,000 tokens, first token within 1,000 ms, 40 ms a further
one. Written are ``bench/peers/aiconfigurator-0.12.0-plans.csv``, the best answer of each tool a line, and
``bench/peers/aiconfigurator-0.12.0-layouts.csv``, single workers as both see them. docs/aiconfigurator.md reads them.
Answers of AIConfigurator are kept in the folder of ``--work`` and not asked for again (with drafts they take minutes).
Nothing here is fitted to anything.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

VERSION = "0.12.0"
HERE = Path(__file__).parent
CHECKPOINT, MODEL = "deepseek-ai/DeepSeek-V3", "deepseek-v3"
CHIPS, PROMPT, ANSWER = 32, 4000, 1000
ENGINES = {"trtllm": "tensorrt-llm", "sglang": "sglang", "vllm": "vllm"}
ACCEPTED = 0.7  # of one draft: what Accord assumes; the other tool assumes nothing
ASKED = ("--total-gpus", str(CHIPS), "--system", "h200_sxm", "--isl", str(PROMPT), "--osl", str(ANSWER),
         "--ttft", "1000", "--tpot", "40", "--no-color", "--top-n", "10")  # fmt: skip
PLAN = ("plan", "--model", MODEL, "--system", "nvidia-hgx-h200-8", "--chips", str(CHIPS), "--isl", str(PROMPT),
        "--osl", str(ANSWER), "--ttft", "1000ms", "--tpot", "40ms", "--top", "1", "--json")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker in one role. batch: requests of an attention group (prefill: prompts of its step).

    ep: expert ranks, between which nothing else splits experts but ``tp pp dp / ep`` slices of each
    """

    engine: str
    role: str
    tp: int
    pp: int
    dp: int
    ep: int
    batch: int

    @property
    def chips(self) -> int:
        return self.tp * self.pp * self.dp


# The best workers of AIConfigurator's answers and of Accord's, then neighbours that show where both part. Where ranks
# outnumber ``ep``, each expert lies in slices on several of them.
WORKERS = (
    Worker("trtllm", "decode", 1, 1, 16, 16, 48),
    Worker("trtllm", "decode", 1, 1, 16, 8, 48),
    Worker("trtllm", "decode", 1, 1, 24, 24, 21),
    Worker("trtllm", "decode", 1, 1, 8, 4, 26),
    Worker("trtllm", "decode", 1, 1, 8, 8, 26),
    Worker("trtllm", "decode", 1, 1, 8, 8, 20),
    Worker("sglang", "decode", 1, 1, 16, 16, 40),
    Worker("sglang", "decode", 1, 1, 16, 8, 40),
    Worker("sglang", "decode", 1, 1, 8, 4, 26),
    Worker("sglang", "decode", 1, 1, 8, 8, 26),
    Worker("sglang", "decode", 2, 1, 8, 16, 64),
    Worker("sglang", "decode", 2, 1, 8, 8, 83),
    Worker("vllm", "decode", 1, 1, 8, 1, 16),
    Worker("vllm", "decode", 1, 1, 8, 8, 16),
    Worker("vllm", "decode", 1, 1, 16, 16, 48),
    Worker("trtllm", "prefill", 8, 1, 1, 8, 1),
    Worker("trtllm", "prefill", 1, 1, 8, 8, 1),
    Worker("trtllm", "prefill", 1, 1, 16, 16, 1),
    Worker("trtllm", "prefill", 1, 4, 2, 2, 1),
    Worker("sglang", "prefill", 2, 1, 4, 8, 1),
    Worker("sglang", "prefill", 4, 1, 4, 16, 1),
    Worker("sglang", "prefill", 4, 2, 2, 8, 1),
    Worker("vllm", "prefill", 4, 1, 2, 1, 1),
    Worker("vllm", "prefill", 2, 1, 4, 8, 1),
    Worker("vllm", "prefill", 2, 1, 8, 16, 1),
    Worker("vllm", "prefill", 2, 4, 2, 4, 1),
    Worker("trtllm", "serve", 8, 1, 1, 8, 64),
    Worker("trtllm", "serve", 1, 1, 16, 16, 13),
    Worker("sglang", "serve", 2, 1, 4, 8, 20),
    Worker("sglang", "serve", 4, 1, 8, 32, 24),
    Worker("sglang", "serve", 1, 1, 32, 32, 19),
    Worker("vllm", "serve", 2, 1, 4, 1, 14),
    Worker("vllm", "serve", 2, 1, 4, 8, 4),
    Worker("vllm", "serve", 4, 1, 8, 32, 8),
    Worker("vllm", "serve", 2, 1, 16, 32, 32),
)


def measured(words: Sequence[str]) -> tuple[float, str]:
    """CPU seconds of a command, user and system, and what it printed."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        printed = child.stdout.read().decode()
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0
    return used.ru_utime + used.ru_stime, printed


# Whole answers


def peer_answers(tool: str, work: Path) -> Iterator[dict[str, object]]:
    """AIConfigurator's best aggregated and disaggregated answer of each engine, without and with drafts."""
    for drafts in (0, 1):
        for engine in ENGINES:
            folder = work / (f"{engine}-drafts" if drafts else engine)
            seconds = folder / "cpu_s.txt"
            if not seconds.is_file():
                folder.mkdir(parents=True, exist_ok=True)
                more = ("--nextn", str(drafts), "--nextn-accepted", str(ACCEPTED)) if drafts else ()
                words = (tool, "cli", "default", "--model-path", CHECKPOINT, "--backend", engine, *ASKED, *more)
                taken, _ = measured((*words, "--save-dir", str(folder)))
                seconds.write_text(f"{taken:.1f}\n", encoding="utf-8")
            for file in sorted(folder.rglob("best_config_topn.csv")):
                with file.open(encoding="utf-8", newline="") as lines:
                    first = next(csv.DictReader(lines), None)
                if first:
                    own = _peer_line(first, file.parent.name)
                    yield {"tool": "AIConfigurator", "engine": engine, "drafts": drafts, "confidence": "", **own,
                           "cpu_s": seconds.read_text(encoding="utf-8").strip()}  # fmt: skip


def _peer_line(row: dict[str, str], mode: str) -> dict[str, object]:
    if mode == "agg":
        pools = f"{CHIPS // int(row['num_total_gpus'])} x {row['parallel']}, batch {row['bs']}"
    else:
        pools = (
            f"{row['(p)workers']} x {row['(p)parallel']}, batch {row['(p)bs']} + "
            f"{row['(d)workers']} x {row['(d)parallel']}, batch {row['(d)bs']}"
        )
        times = CHIPS // int(row["num_total_gpus"])
        pools = f"{times} x ({pools})" if times > 1 else pools
    return {
        "mode": "aggregated" if mode == "agg" else "disaggregated",
        "output_token_per_s_per_chip": f"{float(row['tokens/s/gpu_cluster']):.1f}",
        "low": "", "high": "", "tpot_ms": f"{float(row['tpot']):.2f}", "ttft_ms": f"{float(row['ttft']):.0f}",
        "pools": pools,
    }  # fmt: skip


def own_answers() -> Iterator[dict[str, object]]:
    """Accord's best answers to the same, at two confidences."""
    for confidence in (0.9, 0.5):
        for drafts in ("0", "0,1"):
            for engine, id in ENGINES.items():
                for mode in ("aggregated", "disaggregated"):
                    words = ("--engine", id, "--mode", mode, "--mtp-tokens", drafts, "--confidence", str(confidence))
                    taken, printed = measured((sys.executable, "-m", "accord", *PLAN, *words))
                    plans = json.loads(printed)["result"]["plans"]
                    if not plans:
                        continue
                    metrics, each = plans[0]["metrics"], plans[0]["metrics"]["output_token_per_s_per_chip"]
                    yield {
                        "tool": "Accord", "engine": engine, "drafts": drafts, "confidence": confidence, "mode": mode,
                        "output_token_per_s_per_chip": f"{each['value']:.1f}", "low": f"{each['low']:.1f}",
                        "high": f"{each['high']:.1f}", "tpot_ms": f"{1e3 * metrics['tpot_s']['value']:.2f}",
                        "ttft_ms": f"{1e3 * metrics['ttft_s']['value']:.0f}",
                        "pools": " + ".join(_pool(pool) for pool in plans[0]["pools"]), "cpu_s": f"{taken:.2f}",
                    }  # fmt: skip


def _pool(pool: dict[str, float]) -> str:
    load = pool["batch_per_device"] * pool["devices"] / pool["dp"]
    batch = f", batch {load:g}" if load else f", {pool['tokens_per_device']:g} tokens a device"
    drafts = f", {pool['mtp_tokens']:g} drafts" if pool["mtp_tokens"] else ""
    ranks = f"TP{pool['tp']} PP{pool['pp']} DP{pool['dp']} EP{pool['ep']}"
    return f"{pool['instances']} x {ranks}{batch}{drafts}"


# The same worker in both


def both(tool: str, work: Path) -> Iterator[dict[str, object]]:
    """Every worker as both tools see it: time per output token, step or time to first token, requests a second."""
    for worker in WORKERS:
        peer, own = peer_worker(tool, worker, work), own_worker(worker)
        yield {
            "engine": worker.engine, "role": worker.role, "tp": worker.tp, "pp": worker.pp, "dp": worker.dp,
            "ep": worker.ep, "batch": worker.batch,
            **{f"peer_{name}": f"{value:.4g}" for name, value in peer.items()},
            **{f"accord_{name}": f"{value:.4g}" for name, value in own.items()},
        }  # fmt: skip


def peer_worker(tool: str, worker: Worker, work: Path) -> dict[str, float]:
    mode = {"decode": "static_gen", "prefill": "static_ctx", "serve": "agg"}[worker.role]
    inner = worker.tp * worker.dp
    ranks = ("--tp-size", worker.tp, "--pp-size", worker.pp, "--attention-dp-size", worker.dp,
             "--moe-tp-size", inner // worker.ep, "--moe-ep-size", worker.ep)  # fmt: skip
    words = (tool, "cli", "estimate", "--model-path", CHECKPOINT, "--system", "h200_sxm", "--backend", worker.engine,
             "--estimate-mode", mode, "--isl", PROMPT, "--osl", ANSWER, "--batch-size", worker.batch, *ranks,
             "--no-color", *(("--ctx-tokens", PROMPT) if mode == "agg" else ()))  # fmt: skip
    name = "-".join(str(part) for part in (worker.engine, worker.role, worker.tp, worker.pp, worker.dp, worker.ep))
    file = work / f"{name}-{worker.batch}.txt"
    if not file.is_file():
        work.mkdir(parents=True, exist_ok=True)
        file.write_text(measured([str(word) for word in words])[1], encoding="utf-8")
    found = dict(re.findall(r"^ +(TTFT|TPOT|seq/s): +([0-9.,]+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    names = {"TTFT": "first_ms", "TPOT": "tpot_ms", "seq/s": "request_per_s"}
    return {names[key]: float(value.replace(",", "")) for key, value in found.items()}


def own_worker(worker: Worker) -> dict[str, float]:
    ranks = ("--tp", worker.tp, "--pp", worker.pp, "--dp", worker.dp, "--ep", worker.ep, "--chips", worker.chips)
    load: tuple[object, ...]
    if worker.role == "prefill":
        load = ("--isl", PROMPT, "--tokens-per-device", worker.batch * PROMPT / worker.tp)
    elif worker.role == "decode":
        load = ("--kv-len", PROMPT + ANSWER / 2, "--batch-per-device", worker.batch / worker.tp, "--mtp-tokens", 0,
                "--kv", "fp8")  # fmt: skip
    else:
        load = ("--isl", PROMPT, "--osl", ANSWER, "--concurrency", worker.batch * worker.dp, "--mtp-tokens", 0,
                "--kv", "fp8")  # fmt: skip
    words = ("estimate", "--model", MODEL, "--system", "nvidia-hgx-h200-8", "--engine", ENGINES[worker.engine],
             "--phase", worker.role, *ranks, *load, "--json")  # fmt: skip
    printed = measured([sys.executable, "-m", "accord", *(str(word) for word in words)])[1]
    metrics = {name: one["value"] for name, one in json.loads(printed)["result"]["metrics"].items()}
    found: dict[str, float] = {}
    if "ttft_s" in metrics:
        found["first_ms"] = 1e3 * metrics["ttft_s"]
    if "tpot_s" in metrics:
        found["tpot_ms"] = 1e3 * metrics["tpot_s"]
    if worker.role == "prefill":
        found["request_per_s"] = metrics["prefill_token_per_s_per_chip"] * worker.chips / PROMPT
    elif worker.role == "decode":
        found["request_per_s"] = metrics["decode_token_per_s_per_chip"] * worker.chips / ANSWER
    else:
        found["request_per_s"] = metrics["request_per_s"]
    return found


def write(file: Path, rows: Sequence[dict[str, object]]) -> None:
    """Rows as CSV; columns are those of the row that has most."""
    names = max((list(row) for row in rows), key=len)
    with file.open("w", encoding="utf-8", newline="") as lines:
        out = csv.DictWriter(lines, names, restval="", lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def main(words: Sequence[str]) -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", help="the command 'aiconfigurator'")
    parser.add_argument("--work", type=Path, required=True, help="folder where its answers are kept")
    told = parser.parse_args(words)
    plans = [*peer_answers(told.tool, told.work), *own_answers()]
    write(HERE / f"aiconfigurator-{VERSION}-plans.csv", plans)
    write(HERE / f"aiconfigurator-{VERSION}-layouts.csv", list(both(told.tool, told.work / "workers")))


if __name__ == "__main__":
    main(sys.argv[1:])

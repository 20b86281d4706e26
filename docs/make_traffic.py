"""Write the table of README.md and README.zh.md about two supernodes on a trace, from the commands shown above it.

    python docs/make_traffic.py            run the commands (minutes), write docs/traffic.json and both tables
    python docs/make_traffic.py --tables   write both tables from docs/traffic.json

The trace is ``mooncake_conversation_trace.jsonl``, as its authors publish it (github.com/kvcache-ai/Mooncake,
FAST25-release/traces). It is looked for in the folder ``traces`` of the folder that ACCORD_MEASURED names, else of
``shared`` beside the project. docs/traffic.json keeps a hash of the constants that the figures were computed with.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accord.base.units import show
from accord.report.tables import number

HERE = Path(__file__).parent
ROOT = HERE.parent
STORE = HERE / "traffic.json"
TRACE = "mooncake_conversation_trace.jsonl"
NO_TRACE = 4
MARKS = ("<!-- traffic -->", "<!-- /traffic -->")
SYSTEMS = ("CloudMatrix 384", "CloudMatrix 384, 12 + 2", "GB200 NVL72")
PAPER = "--prefill instances=6,devices=32,cp=32,ep=32 --decode instances=1,devices=320,ep=320"
OTHER = "--prefill instances=12,devices=32,cp=32,ep=32 --decode instances=2,devices=64,ep=64"
CLOUDMATRIX = (
    f"accord simulate --model deepseek-r1 --system huawei-cloudmatrix-384 --engine cloudmatrix-infer {PAPER} "
    "--mtp-tokens 1 --mtp-accept 0.7 --router peer-to-peer --pooled-cache 50TB --cache-plane UB "
    f"--trace {TRACE} --ttft 5s --tpot 50ms"
)
NVL72 = (
    "accord simulate --model deepseek-r1 --system nvidia-gb200-nvl72 --engine tensorrt-llm --weights fp4 --kv fp8 "
    "--prefill instances=12,devices=4,cp=4,ep=4 --decode instances=3,devices=8,ep=8 "
    "--mtp-tokens 1 --mtp-accept 0.7 --router prefix-affinity "
    f"--trace {TRACE} --ttft 5s --tpot 50ms"
)
COMMANDS = (CLOUDMATRIX, CLOUDMATRIX.replace(PAPER, OTHER), NVL72)
SHOWN = (CLOUDMATRIX, OTHER, NVL72)  # what the pages say of them
SEARCH = "--find-rate --no-bounds"

# One line of the table: what it is called in both languages, which run it is of, and how it is written
WORDS: tuple[tuple[str, str, str, str], ...] = (
    ("chips: prefill, decode", "芯片：预填充、解码", "as_is", "chips"),
    ("**at the rate of the trace** [requests/s]", "**按轨迹本身的速率** [请求/s]", "as_is", "offered_request_per_s"),
    ("time to first token, p50", "首 token 时间，p50", "as_is", "ttft_p50_s"),
    ("time to first token, p90", "首 token 时间，p90", "as_is", "ttft_p90_s"),
    ("time to first token, p99", "首 token 时间，p99", "as_is", "ttft_p99_s"),
    ("time per output token, p50", "每输出 token 时间，p50", "as_is", "tpot_p50_s"),
    ("time per output token, p90", "每输出 token 时间，p90", "as_is", "tpot_p90_s"),
    ("time per output token, p99", "每输出 token 时间，p99", "as_is", "tpot_p99_s"),
    ("requests within both limits", "两个上限都满足的请求", "as_is", "within"),
    ("prompt tokens found in a cache; in the pool", "在缓存中找到的提示 token；其中池化缓存", "as_is", "cached"),
    ("time in iterations, prefill pool", "预填充池处于迭代的时间", "as_is", "busy"),
    ("in and out per chip [tok/s]", "每芯片输入加输出 [tok/s]", "as_is", "total_token_per_s_per_chip"),
    ("**highest rate within the limits** [requests/s]", "**满足上限的最高速率** [请求/s]", "highest", "rate"),
    ("the same per chip", "同上，每芯片", "highest", "rate_per_chip"),
    ("goodput [requests/s]", "有效吞吐 [请求/s]", "highest", "goodput_request_per_s"),
    ("time to first token, p50", "首 token 时间，p50", "highest", "ttft_p50_s"),
    ("time to first token, p90", "首 token 时间，p90", "highest", "ttft_p90_s"),
    ("time per output token, p90", "每输出 token 时间，p90", "highest", "tpot_p90_s"),
    ("prompt tokens found in a cache; in the pool", "在缓存中找到的提示 token；其中池化缓存", "highest", "cached"),
    ("time in iterations, prefill pool", "预填充池处于迭代的时间", "highest", "busy"),
    ("cache of the decode pool in use", "解码池缓存占用", "highest", "decode_cache"),
    ("in and out per chip [tok/s]", "每芯片输入加输出 [tok/s]", "highest", "total_token_per_s_per_chip"),
    ("output per chip [tok/s]", "每芯片输出 [tok/s]", "highest", "output_token_per_s_per_chip"),
)
PAGES = {"README.md": 0, "README.zh.md": 1}


def main(words: Sequence[str] | None = None) -> int:
    """Write the tables. Returns 0, 4 without the trace."""
    parser = argparse.ArgumentParser(description="Write the tables about a trace in both READMEs.")
    parser.add_argument("--tables", action="store_true", help="run nothing; write what docs/traffic.json holds")
    if not parser.parse_args(words).tables:
        file = trace_file()
        if file is None:
            say(f"error: no traces/{TRACE}; set ACCORD_MEASURED to the folder that has it")
            return NO_TRACE
        systems = [
            {"as_is": figures(command, file, "as_is"), "highest": figures(f"{command} {SEARCH}", file, "highest")}
            for command in COMMANDS
        ]
        kept = {"fitted": fitted_digest(), "commands": list(COMMANDS), "systems": systems}
        STORE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    for name, language in PAGES.items():
        page = ROOT / name
        page.write_text(with_table(page.read_text(encoding="utf-8"), language), encoding="utf-8")
        say(f"wrote {name}")
    return 0


def figures(command: str, file: Path, run: str) -> dict[str, str]:
    """What one command says, as the table tells it. run: which lines of the table it is for."""
    say(f"running: {command}")
    asked = [sys.executable, "-m", *command.replace(TRACE, str(file)).split(), "--no-keep", "--json"]
    done = subprocess.run(asked, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    result = json.loads(done.stdout)["result"]
    return {name: cell(result, name) for _, _, of, name in WORDS if of == run}


def with_table(text: str, language: int) -> str:
    """A page with the table between its marks. language: 0 for English, 1 for Chinese."""
    begin, end = (re.escape(mark) for mark in MARKS)
    table = "\n".join((MARKS[0], *table_lines(language), MARKS[1]))
    return re.sub(f"{begin}.*?{end}", lambda _: table, text, count=1, flags=re.DOTALL)


def table_lines(language: int) -> list[str]:
    """The table as Markdown."""
    systems = kept_store()["systems"]
    lines = [f"| | {' | '.join(SYSTEMS)} |", "|---|---:|---:|---:|"]
    for line in WORDS:
        cells = (system[line[2]][line[3]] for system in systems)
        lines.append(f"| {line[language]} | {' | '.join(cells)} |")
    return lines


def cell(result: Mapping[str, Any], name: str) -> str:
    """One number of a result as it is written, with its interval where there is one."""
    metrics, pools = result["metrics"], result["pools"]
    chips = [pool["instances"] * pool["chips_per_instance"] for pool in result["deployment"]]
    if name == "chips":
        return ", ".join(f"{count:g}" for count in chips)
    if name in ("rate", "rate_per_chip"):
        found = result["saturation"]["request_per_s"]
        return "-" if found is None else number(found["value"] / (1.0 if name == "rate" else sum(chips)), 3)
    if name == "cached":
        pooled = metrics.get("pooled_hit_ratio")
        return f"{percent(metrics['cache_hit_ratio'])}; {percent(pooled) if pooled else '-'}"
    if name == "within":
        return percent(result["slos"][0]["metrics"]["share"])
    if name == "busy":
        return percent(pools["prefill"]["utilization"])
    if name == "decode_cache":
        return percent(pools["decode"]["kv_occupancy_mean"])
    one = metrics[name]
    if one["unit"] != "s":
        return number(one["value"], 3)
    band = "" if one["low"] is None else f" ({show(one['low'], 's')} .. {show(one['high'], 's')})"
    return show(one["value"], "s") + band


def percent(metric: Mapping[str, Any]) -> str:
    """A share as it is written."""
    return f"{100.0 * metric['value']:.1f} %"


def kept_store() -> dict[str, Any]:
    """What docs/traffic.json holds."""
    found: dict[str, Any] = json.loads(STORE.read_text(encoding="utf-8"))
    return found


def is_stale() -> bool:
    """Whether the figures were computed with other constants than the packaged ones, or by other commands."""
    kept = kept_store()
    return bool(kept["fitted"] != fitted_digest() or kept["commands"] != list(COMMANDS))


def fitted_digest() -> str:
    """SHA-256 over the constants, as docs/make_accuracy.py takes it."""
    sys.path.insert(0, str(HERE))
    from make_accuracy import fitted_digest as digest  # noqa: PLC0415  a script beside this one

    return str(digest())


def trace_file() -> Path | None:
    """The trace, None where it is not at hand."""
    folder = Path(os.environ.get("ACCORD_MEASURED", ROOT.parent / "shared"))
    files = (folder / "traces" / TRACE, folder.parent / "traces" / TRACE, folder / TRACE)
    return next((file for file in files if file.is_file()), None)


def say(text: str) -> None:
    """Print on stderr."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())

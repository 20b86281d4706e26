"""Plans made by hand, scripts run with a stand-in for every program, and parsers made of listed flags."""

from __future__ import annotations

import argparse
import atexit
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from accord.planner.plan import Holding, Metric, Plan, PoolPlan
from accord.report.launch import Bundle, Launch, Served, Site
from accord.report.outputs import TARGETS

KEYS = Path(__file__).parent / "keys"
H200 = Site("nvidia-hgx-h200-8", "nvidia", "nvidia-h200-sxm", "nvidia-hopper", 1, 8, 0.9)
GB200 = Site("nvidia-gb200-nvl72", "nvidia", "nvidia-gb200", "nvidia-blackwell", 1, 4, 0.9)
CM384 = Site("huawei-cloudmatrix-384", "huawei", "huawei-ascend-910c", "ascend-910", 2, 16, 0.9)
V3 = Served("deepseek-v3", None, "deepseek-v3", 256, True, True, "fp8")
R1 = Served("deepseek-r1", "/weights/DeepSeek-R1-W8A8", "deepseek-r1", 256, True, True, "fp8")
DENSE = Served("llama-3.1-70b", None, "llama-3.1-70b", 0, False, False, "bf16")


def pool(**changes: Any) -> PoolPlan:
    """One instance of eight H200 with attention and experts shared by all, unless said otherwise."""
    facts: dict[str, Any] = {
        "role": "serve", "system": H200.system, "engine": "vllm", "weights": "fp8", "kv": "bf16",
        "tp": 1, "dp": 8, "ep": 8, "devices": 8, "instances": 4, "batch_per_device": 24.0,
        "max_num_batched_tokens": 8192, "max_num_seqs": 24, "memory_bytes": 1.2e11, "capacity_bytes": 1.41e11,
        "request_per_s": 6.0, **changes,
    }  # fmt: skip
    return PoolPlan(**facts)


def plan(*pools: PoolPlan, model: str = "deepseek-v3") -> Plan:
    """A plan of these pools."""
    holding = Holding(system=pools[0].system, chip="a-chip", chips=32, used=32, systems=4)
    return Plan(
        id="0a1b2c3d4e", model=model, mode="aggregated" if len(pools) == 1 else "disaggregated", isl=4000.0, osl=1000.0,
        pools=pools, holdings=(holding,), metrics={"request_per_s": Metric(value=6.0, unit="1/s")},
    )  # fmt: skip


def aggregated() -> Launch:
    """DeepSeek-V3 on four nodes of H200, an instance each."""
    return Launch(plan(pool()), (H200,), V3, 8000)


def disaggregated() -> Launch:
    """DeepSeek-R1 on CloudMatrix: three prefill instances of a node, one decode instance of ten."""
    common: dict[str, Any] = {
        "system": CM384.system, "engine": "cloudmatrix-infer", "weights": "int8", "mtp_tokens": 1, "mtp_accept": 0.7,
    }  # fmt: skip
    prefill = pool(
        role="prefill", tp=8, dp=2, ep=16, devices=16, instances=3, batch_per_device=0.0, tokens_per_device=4096.0,
        max_num_batched_tokens=32768, max_num_seqs=8, redundant_experts=32, **common,
    )  # fmt: skip
    decode = pool(
        role="decode", dp=160, ep=160, devices=160, instances=1, max_num_batched_tokens=0, max_num_seqs=48,
        microbatches=2, redundant_experts=64, **common,
    )  # fmt: skip
    return Launch(plan(prefill, decode, model="deepseek-r1"), (CM384, CM384), R1, 8000)


def split_h200(**changes: Any) -> Launch:
    """DeepSeek-V3 on H200 with two pools, decode over two nodes and two batches."""
    prefill = pool(role="prefill", instances=2, max_num_seqs=4, batch_per_device=0.0, mtp_tokens=0)
    decode = pool(
        role="decode", dp=16, ep=16, devices=16, instances=1, max_num_batched_tokens=0, max_num_seqs=128,
        microbatches=2, mtp_tokens=1, mtp_accept=0.7, **{"redundant_experts": 32, **changes},
    )  # fmt: skip
    return Launch(plan(prefill, decode), (H200, H200), V3, 8000)


def write(target: str, launch: Launch) -> Bundle:
    """Files of a target."""
    output = TARGETS[target]
    made = getattr(import_module(output.module), output.function)(launch)
    assert isinstance(made, Bundle)
    return made


STAND_IN = '#!/bin/sh\nprintf \'%s\\0\' "${0##*/}" "$@"\n'
PROGRAMS = ("vllm", "python3", "vllm-router", "mindie_llm_server")


@cache
def programs() -> str:
    """A folder with a stand-in for every program, which prints the words it is called with."""
    folder = Path(tempfile.mkdtemp(prefix="accord-stand-ins-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in PROGRAMS:
        (folder / name).write_text(STAND_IN)
        (folder / name).chmod(0o755)
    return str(folder)


def run(text: str, env: Mapping[str, str]) -> list[str]:
    """Words of the command that a script ends in, with its variables filled in by bash itself."""
    path = os.pathsep.join((programs(), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-s"], input=text.encode(), check=True, capture_output=True, env={"PATH": path, **env}
    )
    return done.stdout.decode().split("\0")[:-1]


def _json(text: str) -> object:
    return json.loads(text)


TYPES = {"int": int, "float": float, "str": str, "json": _json}


@cache
def parser(*names: str) -> argparse.ArgumentParser:
    """A parser with the flags of the key lists, none abbreviated. An error is an exception."""
    made = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False, add_help=False, conflict_handler="resolve")
    for name in names:
        for line in (KEYS / f"{name}.txt").read_text().splitlines():
            if not line.startswith("#"):
                _add(made, *(line.split("\t") + ["", "", ""])[:4])
    return made


def _add(made: argparse.ArgumentParser, flags: str, kind: str, nargs: str, choices: str) -> None:
    options = flags.split()
    if kind in ("flag", "switch"):
        made.add_argument(*options, action="store_true")
        return
    more: dict[str, Any] = {"choices": choices.split(",")} if choices else {"type": TYPES.get(kind, str)}
    if nargs:
        more["nargs"] = int(nargs) if nargs.isdigit() else nargs
    made.add_argument(*options, action="append" if options[0] in ("--prefill", "--decode") else "store", **more)


def parsed(words: list[str], *names: str) -> dict[str, Any]:
    """Flags and values, refused where a list of keys has them not or otherwise."""
    found, rest = parser(*names).parse_known_args(words)
    assert not rest, f"not in {names}: {rest}"
    return {name: value for name, value in vars(found).items() if value is not None and value is not False}


def unlisted(document: object, name: str) -> list[str]:
    """Places of a JSON or YAML document that a list of keys has not, or with another type, choice or range."""
    rows = [line.split("\t") for line in (KEYS / f"{name}.txt").read_text().splitlines() if not line.startswith("#")]
    known = {path: (kind, more[0] if more else "") for path, kind, *more in rows}
    return [f"{path} = {value!r}" for path, value in _leaves(document, "") if not _is_listed(path, value, known)]


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{path}[]")
    else:
        yield path, value


def _is_listed(path: str, value: object, known: Mapping[str, tuple[str, str]]) -> bool:
    found = known.get(path) or next(
        (row for name, row in known.items() if name.endswith(".*") and path.startswith(name[:-1])), None
    )
    if found is None or type(value).__name__ != found[0]:
        return False
    if ".." in found[1]:
        low, _, high = found[1].partition("..")
        assert isinstance(value, int)
        return int(low) <= value and (not high or value <= int(high))
    return not found[1] or value in found[1].split(",")

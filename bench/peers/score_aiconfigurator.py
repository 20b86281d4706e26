"""Ask AIConfigurator 0.12.0 for the measured rows it can answer, and score it by the rule Accord is scored by.

Run it with the Python that has AIConfigurator (bench/README.md says how to install it):

    /tmp/peer/bin/python bench/peers/score_aiconfigurator.py

Rows are those of ``measured/inference.csv`` below ``$ACCORD_MEASURED`` (by default ``../shared``, seen from the
checkout) with ``kind=measured`` and a confidence that is not low, of six metrics. Written is
``bench/peers/aiconfigurator-0.12.0.csv``: one line a row with what was predicted, or with why nothing was. The measured
values are read for the printed errors and for nothing else; no option of the tool was chosen by them.

How a row is asked
------------------

Everything not named here is the tool's default: SILICON mode (its measured tables), the newest version of tables
that it offers, its correction factors, memory fractions and formats of attention and of the collectives.

checkpoint       its own model list, with the checkpoint of the row's format; formats of weights and cache are then
                 what it infers, ``kv`` of the row goes before. ``CHECKPOINTS`` is the whole table. Where no checkpoint
                 of that format is in its list, the released one with the format NVIDIA's converted checkpoints have
                 (``MODELOPT_*``). Qwen3-14B is not in its list; its config.json is taken from Accord's catalog
system, backend  a100_sxm, h100_sxm, h200_sxm, b200_sxm, gb200; vllm, sglang, trtllm. Dynamo rows: the engine below it
layout           tp, pp, dp (attention) and ep of the row; experts not spread by ep are split by tensor. Devices that
                 one instance does not use are replicas, and requests are shared evenly among replicas and dp ranks
lengths          isl and osl of the row, times the mean the notes state ("actual lengths ... (mean X)")
drafts           of the row. Where it speculates and does not say how far: 3 drafts accepted with chance 0.7 each,
                 which is what Accord assumes; the tool has no assumption of its own (``--drafts``, ``--accept``)
prefill          ``cli_estimate(mode="static_ctx")``, 8,192 prompt tokens a rank unless the row says (``--budget``)
decode           ``cli_estimate(mode="static_gen")`` at the row's batch; one step where the row gives a context
serve            ``InferenceSession.run_agg``, the steps of ``cli_estimate(mode="agg")``: the batch that the concurrency
                 makes, prompt budget of a step = isl (the default). Where the cache of that batch does not fit, the
                 largest batch that fits. A batch is whole; rates are scaled by the concurrency asked over the one run
offline          the same with the engine's documented prompt budget (8,192; vLLM on A100 2,048) in whole prompts and
                 at most the engine's documented number of running requests; without a concurrency its ``sweep_agg``
                 over batches to 1,024 and prompt budgets, without latency targets, and the highest throughput
disaggregated    ``cli_estimate(mode="disagg")`` with the pools of the row, prompts of 8,192 tokens a prefill rank and
                 step, decode batch by concurrency; where it does not fit, the largest that does
"""

from __future__ import annotations

import argparse
import atexit
import csv
import json
import logging
import math
import os
import re
import shutil
import statistics
import sys
import tempfile
import textwrap
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

VERSION = "0.12.0"
ROOT = Path(__file__).resolve().parents[2]
OUTPUT = Path(__file__).resolve().parent / f"aiconfigurator-{VERSION}.csv"
METRICS = (
    "tpot_s", "output_token_per_s_total", "output_token_per_s_per_chip", "total_token_per_s_per_chip",
    "prefill_token_per_s_per_chip", "decode_token_per_s_per_chip",
)  # fmt: skip
SYSTEMS = {
    "nvidia-a100-sxm-80": "a100_sxm",
    "nvidia-h100-sxm": "h100_sxm",
    "nvidia-h200-sxm": "h200_sxm",
    "nvidia-b200": "b200_sxm",
    "nvidia-gb200": "gb200",
}
BACKENDS = {
    "vllm": "vllm",
    "sglang": "sglang",
    "dynamo-sglang": "sglang",
    "tensorrt-llm": "trtllm",
    "dynamo-trt": "trtllm",
}
BLACKWELL = ("b200_sxm", "gb200")
PROMPT_BUDGET = 8192  # default tokens of a step of all three engines, on devices of 70 GiB or more
MOST_REQUESTS = {"vllm": 1024, "sglang": 1024, "trtllm": 2048}  # default running requests of one scheduler
SMALL_VLLM = ("vllm", "a100_sxm")  # for which vLLM's defaults are
SMALL_PROMPT_BUDGET, SMALL_MOST_REQUESTS = 2048, 256
MOST_SWEPT = 1024  # end of the tool's own list of batches
MEAN = re.compile(r"actual lengths[^;]*\(mean ([0-9.]+)\)")


class Unanswered(Exception):
    """Why the tool has no answer to a row."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model as the tool is told of it; formats left out are inferred from its configuration."""

    path: str
    gemm: str | None = None
    moe: str | None = None
    kv: str | None = None


MODELOPT_FP8 = {"gemm": "fp8_static", "moe": "fp8", "kv": "fp8"}  # as inferred from nvidia/Llama-3.1-70B-Instruct-FP8
MODELOPT_FP4 = {"gemm": "nvfp4", "moe": "nvfp4", "kv": "fp8"}  # as inferred from nvidia/Qwen3-235B-A22B-NVFP4
CATALOG = "catalog:"  # configuration comes from Accord's catalog
BLOCK_FP8 = "-FP8"  # with the quantization_config of Qwen/Qwen3-32B-FP8
CHECKPOINTS = {
    ("deepseek-r1", "fp8"): Checkpoint("deepseek-ai/DeepSeek-R1"),
    ("deepseek-r1", "fp4"): Checkpoint("nvidia/DeepSeek-V3.1-NVFP4"),  # same architecture; no R1 in NVFP4 in its list
    ("deepseek-v3", "fp8"): Checkpoint("deepseek-ai/DeepSeek-V3"),
    ("llama-3.1-70b", "fp8"): Checkpoint("nvidia/Llama-3.1-70B-Instruct-FP8"),
    ("llama-3.1-70b", "fp4"): Checkpoint("meta-llama/Meta-Llama-3.1-70B", **MODELOPT_FP4),
    ("llama-4-maverick", "fp8"): Checkpoint("meta-llama/Llama-4-Maverick-17B-128E-Instruct", **MODELOPT_FP8),
    ("llama-4-maverick", "fp4"): Checkpoint("meta-llama/Llama-4-Maverick-17B-128E-Instruct", **MODELOPT_FP4),
    ("qwen3-14b", "bf16"): Checkpoint(CATALOG + "qwen3-14b"),
    ("qwen3-14b", "fp8"): Checkpoint(CATALOG + "qwen3-14b" + BLOCK_FP8),
    ("qwen3-14b", "int4"): Checkpoint(CATALOG + "qwen3-14b", gemm="int4_wo"),
    ("qwen3-30b-a3b", "fp8"): Checkpoint("Qwen/Qwen3-30B-A3B", **MODELOPT_FP8),
    ("qwen3-30b-a3b", "fp4"): Checkpoint("Qwen/Qwen3-30B-A3B", **MODELOPT_FP4),
    ("qwen3-32b", "bf16"): Checkpoint("Qwen/Qwen3-32B"),
    ("qwen3-32b", "fp8"): Checkpoint("Qwen/Qwen3-32B-FP8"),
    ("qwen3-32b", "int4"): Checkpoint("Qwen/Qwen3-32B", gemm="int4_wo"),
    ("qwen3-235b-a22b", "bf16"): Checkpoint("Qwen/Qwen3-235B-A22B"),
    ("qwen3-235b-a22b", "fp8"): Checkpoint("Qwen/Qwen3-235B-A22B-FP8"),
    ("qwen3-235b-a22b", "fp4"): Checkpoint("nvidia/Qwen3-235B-A22B-NVFP4"),
}
TRTLLM_CHECKPOINTS = {("qwen3-235b-a22b", "fp8"): Checkpoint("Qwen/Qwen3-235B-A22B", **MODELOPT_FP8)}
GPT_OSS_BLACKWELL = "w4a8_mxfp4_mxfp8"  # what the tool's own search takes for gpt-oss on Blackwell under TensorRT-LLM
NOT_BUNDLED = {
    "glm-4.5-air": "model not supported: no form of its architecture (Glm4MoeForCausalLM)",
}


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a measured row that are filled."""

    cells: dict[str, str]

    def text(self, name: str) -> str:
        return self.cells.get(name, "")

    def number(self, name: str) -> float | None:
        return float(self.cells[name]) if name in self.cells else None

    def count(self, name: str, default: int = 1) -> int:
        return int(self.cells.get(name, default))

    def length(self, name: str) -> float | None:
        """Mean length in tokens: the nominal one times the mean that the notes state."""
        value, mean = self.number(name), MEAN.search(self.text("notes"))
        return value * float(mean.group(1)) if value is not None and mean else value


@dataclass(frozen=True, slots=True)
class Layout:
    """Ranks of one instance, and the number of instances."""

    tp: int
    pp: int
    dp: int
    ep: int
    instances: int

    @property
    def devices(self) -> int:
        return self.tp * self.pp * self.dp * self.instances

    @property
    def groups(self) -> int:
        """Batches that run side by side."""
        return self.pp * self.dp * self.instances


@dataclass(frozen=True, slots=True)
class Told:
    """What rows do not say; see the options of the command.

    drafts, accept: of rows that speculate and do not say how far; budget: prompt tokens of a step; mode: of its tables
    """

    drafts: int = 3
    accept: float = 0.7
    budget: int = PROMPT_BUDGET
    mode: str = "SILICON"


@dataclass(frozen=True, slots=True)
class Question:
    """What the tool is asked; rows that differ only in their metric share it."""

    form: str
    checkpoint: Checkpoint
    system: str
    backend: str
    isl: int
    osl: int
    layout: Layout
    prefill: Layout | None
    concurrency: float | None
    drafts: int
    accepted: float
    told: Told


@dataclass(frozen=True, slots=True)
class Answer:
    """What it said, of the whole deployment; times in seconds."""

    tpot: float
    requests: float
    outputs: float
    prompts: float
    devices: int
    note: str = ""


# Rows to questions


def read_rows(path: Path) -> list[Row]:
    """Rows to score. Exits with a message where there is no table."""
    if not path.is_file():
        sys.exit(f"no rows at {path}\nhint: set ACCORD_MEASURED to the folder that holds measured/inference.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [Row({key: value for key, value in cells.items() if value}) for cells in csv.DictReader(file)]
    return [
        row for row in rows
        if row.text("kind") == "measured" and row.text("confidence") != "low" and row.text("metric") in METRICS
    ]  # fmt: skip


def question_of(row: Row, told: Told) -> Question:
    """The question a row asks. Raises Unanswered where the tool has no form for it."""
    system, backend = SYSTEMS.get(row.text("chip")), BACKENDS.get(row.text("engine"))
    if system is None:
        raise Unanswered(f"not supported: no tables of {row.text('chip')}")
    if backend is None:
        raise Unanswered(f"not supported: engine {row.text('engine')}")
    form = form_of(row)
    isl, osl = row.length("isl") or row.number("kv_len"), row.length("osl")
    if form == "static_gen" and row.number("kv_len") is not None:
        isl, osl = row.number("kv_len"), 2.0
    if form == "static_ctx":
        osl = 1.0
    if isl is None or osl is None:
        raise Unanswered("the row gives no prompt or answer length")
    layout = layout_of(row, "decode") if form == "disagg" else layout_of(row, "")
    drafts = row.count("mtp_tokens", told.drafts if "speculative=" in row.text("notes") else 0)
    chance = row.number("accept_rate") or told.accept
    return Question(
        form=form, checkpoint=checkpoint_of(row, system, backend), system=system, backend=backend,
        isl=round(isl), osl=round(osl), layout=layout,
        prefill=layout_of(row, "prefill") if form == "disagg" else None,
        concurrency=concurrency_of(row, layout, form, told.budget),
        drafts=drafts, accepted=sum(chance**draft for draft in range(1, drafts + 1)), told=told,
    )  # fmt: skip


def form_of(row: Row) -> str:
    """Which of the tool's estimates a row is about."""
    phase = row.text("phase")
    if phase in ("prefill", "decode"):
        return "static_ctx" if phase == "prefill" else "static_gen"
    return "disagg" if row.text("mode") == "disaggregated" else phase


def layout_of(row: Row, pool: str) -> Layout:
    """Ranks of the row's instance or of one of its pools. Raises Unanswered where the row states none."""
    prefix = f"{pool}_" if pool else ""
    if f"{prefix}tp" not in row.cells:
        raise Unanswered("the row gives no parallel layout")
    tp, pp, dp = row.count(f"{prefix}tp"), row.count(f"{prefix}pp"), row.count(f"{prefix}dp")
    instances = row.count("prefill_instances" if pool == "prefill" else "decode_instances") if pool else 0
    instances = instances or max(row.count("devices", tp * pp * dp) // (tp * pp * dp), 1)
    return Layout(tp=tp, pp=pp, dp=dp, ep=row.count(f"{prefix}ep"), instances=instances)


def concurrency_of(row: Row, layout: Layout, form: str, budget: int) -> float | None:
    """Requests in flight of all instances; None asks for the most."""
    if form == "static_ctx":
        tokens = row.number("tokens_per_device") or budget
        return max(tokens / (row.number("isl") or tokens), 1.0) * layout.groups
    batch, concurrency = row.number("batch_per_device"), row.number("concurrency")
    if concurrency is None and batch is not None:
        concurrency = batch * layout.devices
    if concurrency is None and form != "offline":
        raise Unanswered("the row gives no batch or concurrency")
    return concurrency


def checkpoint_of(row: Row, system: str, backend: str) -> Checkpoint:
    """The checkpoint of the row's model and format. Raises Unanswered where there is none."""
    model, weights = row.text("model"), row.text("weights")
    if model in NOT_BUNDLED:
        raise Unanswered(NOT_BUNDLED[model])
    if model.startswith("gpt-oss"):  # released in mxfp4 only, whatever a table's header says
        moe = GPT_OSS_BLACKWELL if system in BLACKWELL and backend == "trtllm" else None
        checkpoint: Checkpoint | None = Checkpoint(f"openai/{model}", moe=moe)
    else:
        checkpoint = CHECKPOINTS.get((model, weights))
        if backend == "trtllm":
            checkpoint = TRTLLM_CHECKPOINTS.get((model, weights), checkpoint)
    if checkpoint is None:
        raise Unanswered(f"no checkpoint of {model} in {weights or 'an unstated format'}")
    formats = {"bf16": "bfloat16", "fp8": "fp8", "int8": "int8"}
    return replace(checkpoint, kv=formats[row.text("kv")]) if row.text("kv") else checkpoint


# Questions to answers


def ask(question: Question) -> Answer:
    """The tool's answer. Raises Unanswered with its reason."""
    asked: dict[str, Callable[[Question], Answer]] = {
        "static_ctx": ask_static, "static_gen": ask_static, "disagg": ask_disagg,
        "serve": ask_serve, "offline": ask_offline,
    }  # fmt: skip
    try:
        return asked[question.form](question)
    except Unanswered:
        raise
    except Exception as error:  # whatever the tool raises is its answer
        raise Unanswered(reason_of(error)) from error


def reason_of(error: Exception) -> str:
    """First clause of an error of the tool, without keys of its tables and paths of this machine."""
    text = " ".join(re.sub(r"\{[^{}]*\}", "", str(error)).split())
    return textwrap.shorten(re.split(r"; |\. | \(| at /", text)[0], 160, placeholder=" ...")


def ask_static(question: Question) -> Answer:
    """One phase alone: all requests of a batch in step."""
    layout, batch = question.layout, batch_of(question)
    result = estimate(question, mode=question.form, batch_size=batch, **ranks(layout))
    rate = result.raw["seq/s"] * layout.instances
    return Answer(
        tpot=result.tpot / 1e3, requests=rate, outputs=result.raw["tokens/s"] * layout.instances,
        prompts=rate * question.isl, devices=layout.devices,
        note=f"{question.form}, batch {batch} a rank{', more than fits' if result.kv_cache_warning else ''}",
    )  # fmt: skip


def ask_disagg(question: Question) -> Answer:
    """Prefill and decode pools of the row."""
    prefill, decode = question.prefill, question.layout
    assert prefill is not None
    fixed = ranks(prefill, "prefill_") | ranks(decode, "decode_")
    fixed |= {
        "prefill_batch_size": max(question.told.budget // question.isl, 1),
        "prefill_num_workers": prefill.instances,
    }

    @cache
    def run(batch: int) -> Any:
        try:
            return estimate(
                question, mode="disagg", decode_batch_size=batch, decode_num_workers=decode.instances, **fixed
            )
        except RuntimeError as error:
            if str(error).startswith("OOM"):
                return None
            raise

    asked = batch_of(question)
    batch = largest(asked, lambda size: run(size) is not None)
    raw = run(batch).raw
    scale = scale_of(question, batch, asked)
    return Answer(
        tpot=raw["tpot"] / 1e3, requests=raw["seq/s"] * scale, outputs=raw["tokens/s"] * scale, prompts=0.0,
        devices=prefill.devices + decode.devices, note=noted("disagg", batch, asked),
    )  # fmt: skip


def ask_serve(question: Question) -> Answer:
    """One engine with mixed batches under a constant number of requests."""
    return aggregated(question, batch_of(question), lambda batch: question.isl, "agg")


def ask_offline(question: Question) -> Answer:
    """One engine with all requests at hand."""
    if question.concurrency is None:
        return swept(question)
    small = (question.backend, question.system) == SMALL_VLLM
    budget = min(question.told.budget, SMALL_PROMPT_BUDGET if small else math.inf)
    most = SMALL_MOST_REQUESTS if small else MOST_REQUESTS[question.backend]

    def prompt(batch: int) -> int:
        """Tokens of a step's whole prompts, of which one request at least is left to decode."""
        return question.isl * max(min(int(budget // question.isl), batch - 1), 1)

    return aggregated(question, min(batch_of(question), most), prompt, "agg offline")


def aggregated(question: Question, asked: int, prompt: Callable[[int], int], name: str) -> Answer:
    """Mixed batches of the asked size or, where that does not fit, of the largest that does."""
    engine = Engine(question)
    batch = largest(asked, lambda size: engine.point(size, prompt(size)) is not None)
    raw = engine.point(batch, prompt(batch))
    assert raw is not None
    scale = scale_of(question, batch, asked) if question.form == "serve" else 1.0
    return whole(question, raw, scale, noted(name, batch, asked))


def swept(question: Question) -> Answer:
    """The highest throughput of the tool's own sweep over batches and prompt budgets."""
    from aiconfigurator.sdk.sweep import sweep_agg

    engine, layout = Engine(question), question.layout
    moe_tp, moe_ep = engine.config.moe_tp_size, engine.config.moe_ep_size
    frame = sweep_agg(
        model_path=path_of(question.checkpoint), runtime_config=engine.runtime(1), database=engine.database,
        backend_name=question.backend, model_config=engine.config, top_k=1, max_batch_size=MOST_SWEPT,
        parallel_config_list=[(layout.tp, layout.pp, layout.dp, moe_tp, moe_ep, 1)],
        speculative_profile=engine.profile,
    )  # fmt: skip
    if frame.empty:
        raise Unanswered("no batch fits")
    raw = frame.iloc[0].to_dict()
    return whole(question, raw, 1.0, f"agg sweep, best at batch {int(raw['bs'])} a rank")


def whole(question: Question, raw: dict[str, Any], scale: float, note: str) -> Answer:
    """An answer for all instances from the result of one."""
    scale *= question.layout.instances
    return Answer(
        tpot=raw["tpot"] / 1e3, requests=raw["seq/s"] * scale, outputs=raw["tokens/s"] * scale, prompts=0.0,
        devices=question.layout.devices, note=note,
    )  # fmt: skip


class Engine:
    """One aggregated engine, opened once for many batches with the steps of ``cli_estimate(mode="agg")``."""

    def __init__(self, question: Question) -> None:
        from aiconfigurator.sdk import config_builders, models, perf_database
        from aiconfigurator.sdk.backends.factory import get_backend
        from aiconfigurator.sdk.inference_session import InferenceSession
        from aiconfigurator.sdk.speculative import SpeculativeDecodingProfile

        layout, checkpoint, system, backend = question.layout, question.checkpoint, question.system, question.backend
        path, version = path_of(checkpoint), perf_database.get_latest_database_version(system=system, backend=backend)
        self.question = question
        self.database = perf_database.get_database_view(
            system,
            backend,
            version,
            allow_missing_data=question.told.mode != "SILICON",
            database_mode=question.told.mode,
        )
        moe = models.check_is_moe(path)
        self.config: Any = config_builders.build_model_config(
            layout.tp, layout.pp, layout.dp, None, layout.ep if moe else None,
            checkpoint.gemm, checkpoint.kv, None, checkpoint.moe,
        )  # fmt: skip
        if moe:
            self.config.moe_tp_size, self.config.moe_ep_size = self.config.resolve_moe_parallelism()
        config_builders.apply_nextn(self.config, question.drafts)
        models.resolve_context_fmha_by_data(self.config, path, self.database, backend, is_context_role=True)
        models.resolve_dsv4_moe_arch(self.config, path, system_name=system, backend_name=backend)
        models.resolve_nvfp4_for_system(self.config, system, path, backend_name=backend)
        self.profile: Any = SpeculativeDecodingProfile.from_inputs(question.drafts, question.accepted)
        model = models.get_model(path, self.config, backend)
        self.session: Any = InferenceSession(model, self.database, get_backend(backend))

    def runtime(self, batch: int) -> Any:
        """Batch and lengths, without latency targets."""
        from aiconfigurator.sdk.config import RuntimeConfig

        return RuntimeConfig(
            isl=self.question.isl, osl=self.question.osl, batch_size=batch, ttft=math.inf, tpot=math.inf
        )

    def point(self, batch: int, prompt: int) -> dict[str, Any] | None:
        """Result of one batch, None where weights or cache do not fit."""
        summary = self.session.run_agg(
            self.runtime(batch), ctx_tokens=prompt, decode_tokens_per_iteration=self.profile.tokens_per_iteration
        )
        if summary.check_oom() or summary.check_kv_cache_oom():
            return None
        result: dict[str, Any] = self.profile.project_summary(summary, role="agg").get_result_dict()
        return result


def estimate(question: Question, **options: Any) -> Any:
    """``cli_estimate`` with what all of its modes share."""
    from aiconfigurator.cli.api import cli_estimate

    checkpoint = question.checkpoint
    return cli_estimate(
        path_of(checkpoint), question.system, backend_name=question.backend, database_mode=question.told.mode,
        isl=question.isl, osl=question.osl, nextn=question.drafts, nextn_accepted=question.accepted,
        gemm_quant_mode=checkpoint.gemm, moe_quant_mode=checkpoint.moe, kvcache_quant_mode=checkpoint.kv, **options,
    )  # fmt: skip


def ranks(layout: Layout, prefix: str = "") -> dict[str, int]:
    """A layout in the tool's words."""
    return {
        f"{prefix}tp_size": layout.tp, f"{prefix}pp_size": layout.pp,
        f"{prefix}attention_dp_size": layout.dp, f"{prefix}moe_ep_size": layout.ep,
    }  # fmt: skip


def batch_of(question: Question) -> int:
    """Requests of one attention group, whole."""
    assert question.concurrency is not None
    return max(round(question.concurrency / question.layout.groups), 1)


def scale_of(question: Question, batch: int, asked: int) -> float:
    """Asked over modelled concurrency where they differ by rounding alone."""
    assert question.concurrency is not None
    return question.concurrency / (batch * question.layout.groups) if batch == asked else 1.0


def noted(name: str, batch: int, asked: int) -> str:
    """Note of an answer: which estimate, at which batch."""
    return f"{name}, batch {batch} a rank" + (f" (of {asked}, the most that fits)" if batch < asked else "")


def largest(asked: int, fits: Callable[[int], bool]) -> int:
    """The largest batch up to the asked one that fits."""
    if fits(asked):
        return asked
    low, high = 0, asked
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    if low == 0:
        raise Unanswered("does not fit: no batch leaves room for weights and cache")
    return low


@cache
def path_of(checkpoint: Checkpoint) -> str:
    """Where the tool finds a model: its own list, or a folder written from Accord's catalog."""
    if not checkpoint.path.startswith(CATALOG):
        return checkpoint.path
    import yaml  # AIConfigurator needs it too

    name = checkpoint.path.removeprefix(CATALOG)
    entry = ROOT / "src/accord/catalog/data/models" / f"{name.removesuffix(BLOCK_FP8)}.yaml"
    config = yaml.safe_load(entry.read_text(encoding="utf-8"))["config"]
    if name.endswith(BLOCK_FP8):
        block = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
        config["quantization_config"] = block
    folder = Path(tempfile.mkdtemp(prefix="accord-peer-"))
    atexit.register(shutil.rmtree, folder)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(folder)


# Answers to a table and a summary


def value_of(answer: Answer, metric: str, question: Question) -> float:
    """The metric of a row."""
    return {
        "tpot_s": answer.tpot,
        "output_token_per_s_total": answer.outputs,
        "output_token_per_s_per_chip": answer.outputs / answer.devices,
        "total_token_per_s_per_chip": answer.requests * (question.isl + question.osl) / answer.devices,
        "prefill_token_per_s_per_chip": answer.prompts / answer.devices,
        "decode_token_per_s_per_chip": answer.outputs / answer.devices,
    }[metric]


def predict(rows: Iterable[Row], told: Told) -> list[tuple[Row, float | None, str]]:
    """Each row with its prediction or None, and a note."""
    known: dict[Question, Answer | str] = {}
    out: list[tuple[Row, float | None, str]] = []
    for row in rows:
        try:
            question = question_of(row, told)
            if question not in known:
                known[question] = answered(question)
            answer = known[question]
            if isinstance(answer, str):
                raise Unanswered(answer)
            out.append((row, value_of(answer, row.text("metric"), question), answer.note))
        except Unanswered as reason:
            out.append((row, None, str(reason)))
    return out


def answered(question: Question) -> Answer | str:
    """The answer, or the reason there is none."""
    try:
        return ask(question)
    except Unanswered as reason:
        return str(reason)


def write(path: Path, predictions: Iterable[tuple[Row, float | None, str]]) -> None:
    """The predictions as a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("id", "source_id", "metric", "predicted", "note"))
        for row, value, note in predictions:
            cell = "" if value is None else f"{value:.6g}"
            table.writerow((row.text("id"), row.text("source_id"), row.text("metric"), cell, note))


def summary(predictions: Iterable[tuple[Row, float | None, str]]) -> str:
    """Errors per source, and why rows were left out."""
    errors: dict[str, list[float]] = {}
    rows: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for row, value, note in predictions:
        source = row.text("source_id")
        rows[source] += 1
        if value is None:
            reasons[note] += 1
        else:
            errors.setdefault(source, []).append(math.log(value / float(row.text("value"))))
    lines = [f"{'source':<14} {'rows':>5} {'answered':>9} {'median |ln|':>12} {'as error':>9} {'median ln':>10}"]
    middles = {source: statistics.median(map(abs, values)) for source, values in errors.items()}
    for source, count in rows.items():
        line = f"{source:<14} {count:>5} {len(errors.get(source, ())):>9}"
        if source in errors:
            middle = middles[source]
            line += f" {middle:>12.3f} {percent(middle):>9} {statistics.median(errors[source]):>+10.3f}"
        lines.append(line)
    lines.append(f"{'all':<14} {rows.total():>5} {sum(map(len, errors.values())):>9}")
    if middles:
        macro = statistics.mean(middles.values())
        lines.append(f"macro, {len(middles)} sources: {macro:.3f}, {percent(macro)}")
    lines += ["", "rows  why not answered", *(f"{count:>4}  {note}" for note, count in reasons.most_common())]
    return "\n".join(lines)


def percent(log: float) -> str:
    """A distance in logarithms as a percentage."""
    return f"{100 * (math.exp(log) - 1):.1f} %"


def check_tool() -> None:
    """Exit with a message unless the version this script is about can be imported."""
    try:
        found = metadata.version("aiconfigurator")
    except metadata.PackageNotFoundError:
        sys.exit(
            f"{sys.executable} has no aiconfigurator\n"
            f"hint: python -m venv /tmp/peer && /tmp/peer/bin/pip install 'aiconfigurator=={VERSION}', "
            f"then /tmp/peer/bin/python {' '.join(sys.argv)}"
        )
    if found != VERSION:
        sys.exit(f"aiconfigurator {found} is installed; this script asks version {VERSION} and no other")


def main() -> None:
    parser = argparse.ArgumentParser(description="Score AIConfigurator on the measured rows.")
    parser.add_argument("--drafts", type=int, default=3, help="drafts of rows that speculate and do not say how far")
    parser.add_argument("--accept", type=float, default=0.7, help="chance of a draft where the row gives none")
    parser.add_argument(
        "--budget", type=int, default=PROMPT_BUDGET, help="prompt tokens of a step of offline rows and prefill ranks"
    )
    parser.add_argument(
        "--mode", default="SILICON", choices=("SILICON", "HYBRID"), help="HYBRID fills missing tables with its formulas"
    )
    parser.add_argument("--source", help="only rows of this source_id")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="table to write")
    options = parser.parse_args()
    rows = read_rows(Path(os.environ.get("ACCORD_MEASURED", ROOT.parent / "shared")) / "measured" / "inference.csv")
    check_tool()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # sweep_agg moves to another package in 0.13
    rows = [row for row in rows if options.source in (None, row.text("source_id"))]
    predictions = predict(rows, Told(options.drafts, options.accept, options.budget, options.mode))
    write(options.output, predictions)
    print(summary(predictions))  # noqa: T201


if __name__ == "__main__":
    main()

"""Measured tables of collectives as operators over tiers, ready to be timed by the cost model.

Sizes in the tables of ``aiconfigurator-core`` are counts of numbers: as bytes, 2 ranks of an H100 would move
160 GB/s and 8 ranks of one format half of another's. All-reduce tables keep launches inside a captured graph.
DeepEP tables keep layers of 64 experts or more; its high-throughput kernels those on 20 multiprocessors, as
engines run them, from 128 tokens. Kernels that decode (low latency) send a message for each expert of a token,
those that prefill (high throughput) one for each rank.
"""

from __future__ import annotations

import csv
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from accord.base.array import Array
from accord.calibration.tables import CHIPS, data_root
from accord.catalog.load import Catalog, load_catalog
from accord.hardware.fabric import FabricTier
from accord.hardware.system import build
from accord.ops.moe import SCALE_BYTES
from accord.ops.op import Op, Phase, Stage, exchange_op

Row = Mapping[str, object]
LEAST_ROWS, MOST_ROWS = 4, 96
NCCL = "nccl"
# whose all-reduce a kernel is, by the first letters of its name
ENGINES: Mapping[str, str] = {"vLLM": "vllm", "SGLang": "sglang", "TRTLLM": "tensorrt-llm", "NCCL": NCCL}
SYSTEMS: Mapping[str, str] = {
    "nvidia-a100-sxm-80": "nvidia-hgx-a100-8",
    "nvidia-h100-sxm": "nvidia-hgx-h100-8",
    "nvidia-h200-sxm": "nvidia-hgx-h200-8",
    "nvidia-h800-sxm": "nvidia-hgx-h800-8",
    "nvidia-b200": "nvidia-hgx-b200-8",
    "nvidia-b300": "nvidia-hgx-b300-8",
    "nvidia-gb200": "nvidia-gb200-nvl72",
    "nvidia-gb300": "nvidia-gb300-nvl72",
    "nvidia-l40s": "nvidia-l40s-4",
    "nvidia-rtx-pro-6000-server": "nvidia-rtx-pro-6000-4",
    "huawei-ascend-910c": "huawei-cloudmatrix-384",
}
TRAYS: Mapping[str, float] = {"nvidia-gb200": 4.0, "nvidia-gb300": 4.0}  # devices of one host in a larger domain
ONE_HOST = ("vllm", "sglang")  # engines whose own kernel ends at the host; beyond it they call the library
SMS = 20
LEAST_EXPERTS, LEAST_PREFILL_TOKENS = 64, 128
NODE = 8
HIDDEN, TOP_K = 7168.0, 8.0  # of the tables printed for DeepSeek-V3


@dataclass(frozen=True, slots=True)
class Timed:
    """Rows of one table that one operator describes.

    table: operator, framework, version; chip, entry: catalog ids of the chip and of its calibration
    engine: whose kernels they are, empty where engines share them; seconds: measured, shape ``(N,)``
    fitted: False where the table is only compared with
    """

    table: str
    chip: str
    entry: str
    engine: str
    op: Op
    phase: Phase
    tiers: tuple[FabricTier, ...]
    seconds: Array
    fitted: bool = True


def timed(
    table: str, chip: str, entry: str, family: str, tiers: tuple[FabricTier, ...], rows: Sequence[tuple[float, ...]],
    *, engine: str = "", phase: Phase = "decode", copies: float = 0.0, fitted: bool = True,
) -> Timed:  # fmt: skip
    """Rows of (ranks, bytes one device sends, seconds), whatever their order, thinned by an even stride."""
    shapes: dict[tuple[float, float], list[float]] = {}
    for ranks, payload, seconds in rows:
        shapes.setdefault((ranks, payload), []).append(seconds)
    kept = sorted(shapes)
    kept = kept[:: -(-len(kept) // MOST_ROWS)] if kept else kept
    ranks_of, sent = np.array([key[0] for key in kept]), np.array([key[1] for key in kept])
    stage: Stage = "reduce" if family == "reduce" else "exchange"
    op = exchange_op(family, family, stage, sent, ranks_of, experts_per_token=copies)
    seconds_of = np.array([float(np.median(sorted(shapes[key]))) for key in kept])
    return Timed(table, chip, entry, engine, op, phase, tiers, seconds_of, fitted)


def read_all(measured: Path | None = None) -> list[Timed]:
    """Every table, in a fixed order.

    measured: folder of fabric.csv and inference.csv, for the rows the package lacks
    Raises UsageError naming the extra where the package is missing.
    """
    root, catalog = data_root(), load_catalog()
    found = [*_newest(_reductions(root, catalog)), *_newest(_exchanges(root, catalog))]
    if measured is not None:
        found += [*_fabric(measured / "fabric.csv", catalog), *_inference(measured / "inference.csv", catalog)]
    return _originals([rows for rows in found if len(rows.seconds) >= LEAST_ROWS])


def _originals(tables: Iterable[Timed]) -> list[Timed]:
    """The same tables without those that repeat the times of one before, under whatever chip or version."""
    seen: dict[tuple[str, bytes], Timed] = {}
    for rows in tables:
        seen.setdefault((rows.op.family, rows.seconds.tobytes()), rows)
    return list(seen.values())


def _newest(tables: Iterable[Timed]) -> list[Timed]:
    """The same tables; of each operator, engine and chip only the newest is fitted on, older ones are compared with."""
    found = list(tables)
    newest: dict[tuple[str, str, str], tuple[int, ...]] = {}
    for rows in found:
        key = (rows.chip, rows.engine, rows.table.split()[0])
        newest[key] = max(newest.get(key, ()), _version(rows))
    return [
        rows
        if _version(rows) == newest[rows.chip, rows.engine, rows.table.split()[0]] or np.any(rows.op.ranks > NODE)
        else replace(rows, fitted=False)
        for rows in found
    ]


def _version(rows: Timed) -> tuple[int, ...]:
    """The framework's version as numbers; a release candidate comes in its order."""
    return tuple(int(part) for part in re.findall(r"\d+", rows.table.split()[2]))


def _parquet(root: Path, stem: str) -> Iterator[tuple[str, str, str, list[Row]]]:
    """Chip, framework, version and rows of every table of one kind."""
    parquet = importlib.import_module("pyarrow.parquet")

    for path in sorted(root.glob(f"*/comm/*/*/{stem}_perf.parquet")):
        system, _, framework, version = path.relative_to(root).parts[:4]
        if CHIPS.get(system) in SYSTEMS:
            yield CHIPS[system], framework, version, parquet.read_table(path).to_pylist()


def _number(row: Row, name: str) -> float:
    return float(str(row[name]))


def _where(catalog: Catalog, chip: str) -> tuple[str, tuple[FabricTier, ...]]:
    """The calibration entry of a chip, and the wires of the system that its rows were measured on."""
    machine = build(catalog.system(SYSTEMS[chip]), catalog.chip(chip))
    family = machine.device.family
    return "ascend" if family.startswith("ascend") else family, machine.tiers


def _reductions(root: Path, catalog: Catalog) -> Iterator[Timed]:
    for stem in ("custom_allreduce", "nccl"):
        for chip, framework, version, rows in _parquet(root, stem):
            entry, tiers = _where(catalog, chip)
            kept = [
                (_number(row, "num_gpus"), _number(row, "message_size") * _width(row), _number(row, "latency") * 1e-3)
                for row in rows
                if row["op_name"] == "all_reduce" and "eager" not in str(row["kernel_source"])
                and _number(row, "num_gpus") <= tiers[0].devices
            ]  # fmt: skip
            engine = next(of for name, of in ENGINES.items() if str(rows[0]["kernel_source"]).startswith(name))
            name = f"{stem} {framework} {version}"
            apart = [row for row in kept if row[0] > TRAYS.get(chip, tiers[0].devices) and engine in ONE_HOST]
            here = [row for row in kept if row not in apart]
            yield timed(name, chip, entry, "reduce", tiers, here, engine=engine)
            yield timed(f"{name} across trays", chip, entry, "reduce", tiers, apart, engine=NCCL, fitted=False)


def _width(row: Row) -> float:
    """Bytes of one number."""
    return 1.0 if row.get("nccl_dtype", row.get("allreduce_dtype")) == "int8" else 2.0


def _exchanges(root: Path, catalog: Catalog) -> Iterator[Timed]:
    for chip, framework, version, rows in _parquet(root, "wideep_deepep_ll"):
        where = _where(catalog, chip)
        times = {"dispatch": ("dispatch_avg_t_us",), "combine": ("combine_avg_t_us",)}
        yield from _deepep(f"deepep_ll {framework} {version}", chip, where, rows, times, "decode")
    for chip, framework, version, rows in _parquet(root, "wideep_deepep_normal"):
        where = _where(catalog, chip)
        kept = [row for row in rows if _number(row, "num_token") >= LEAST_PREFILL_TOKENS]
        kept = [row for row in kept if _number(row, "dispatch_sms") == SMS]
        both = {op: (f"{op}_transmit_us", f"{op}_notify_us") for op in ("dispatch", "combine")}
        yield from _deepep(f"deepep_normal {framework} {version}", chip, where, kept, both, "prefill")


def _deepep(
    name: str, chip: str, where: tuple[str, tuple[FabricTier, ...]], rows: list[Row],
    times: Mapping[str, tuple[str, ...]], phase: Phase,
) -> Iterator[Timed]:  # fmt: skip
    wide = [row for row in rows if _number(row, "num_experts") >= LEAST_EXPERTS]
    for copies in sorted({_number(row, "num_topk") for row in wide}):
        for op, columns in times.items():
            kept = [
                (
                    _number(row, "node_num") * NODE,
                    _number(row, "num_token") * copies * _message(op, _number(row, "hidden_size")),
                    sum(_number(row, column) for column in columns) * 1e-6,
                )
                for row in wide
                if _number(row, "num_topk") == copies
            ]
            yield timed(f"{name} {op}", chip, where[0], op, where[1], kept, phase=phase, copies=copies)


def _message(op: str, hidden: float) -> float:
    """Bytes of one message: 8-bit numbers with their scales out, 16-bit numbers back."""
    return hidden + SCALE_BYTES if op == "dispatch" else 2.0 * hidden


def _fabric(path: Path, catalog: Catalog) -> Iterator[Timed]:
    """All-reduces the package lacks: more ranks, more nodes, larger messages."""
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if (
                row["collective"] == "all_reduce" and row["algorithm"] == "default"
                and row["metric"] == "busbw_byte_per_s"
                and row["chip"] in SYSTEMS and "parquet" not in row["source"]
            ):  # fmt: skip
                ranks, payload = float(row["ranks"]), float(row["size_bytes"])
                seconds = 2.0 * (ranks - 1.0) / ranks * payload / float(row["value"])
                found.setdefault((row["source_id"], row["chip"]), []).append((ranks, payload, seconds))
    for (source, chip), rows in sorted(found.items()):
        entry, tiers = _where(catalog, chip)
        yield timed(f"all_reduce {source}", chip, entry, "reduce", tiers, rows, engine=NCCL)


def _inference(path: Path, catalog: Catalog) -> Iterator[Timed]:
    """Low-latency dispatch and combine over many ranks, as printed for DeepSeek-V3."""
    found: dict[tuple[str, str, str], list[tuple[float, ...]]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["phase"] == "ep" and row["metric"] in ("ep_dispatch_s", "ep_combine_s") and row["chip"] in SYSTEMS:
                sent = float(row["tokens_per_device"]) * TOP_K * _message(row["op"], HIDDEN)
                key = (row["source_id"], row["chip"], row["op"])
                found.setdefault(key, []).append((float(row["ep"]), sent, float(row["value"])))
    for (source, chip, op), rows in sorted(found.items()):
        entry, tiers = _where(catalog, chip)
        yield timed(f"{source} {op}", chip, entry, op, tiers, rows, copies=TOP_K)

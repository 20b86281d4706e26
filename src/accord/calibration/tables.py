"""Operator tables of ``aiconfigurator-core``: kernels timed on NVIDIA and Intel chips, read into arrays.

The package (Apache-2.0) keeps one Parquet file an operator, system, framework and version. A table in which
many rows beat the physical bound of their shape measures something else and is left out whole
(:func:`accord.calibration.operators.usable`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accord.base.array import Array
from accord.base.errors import UsageError

PACKAGE = "aiconfigurator_core"
EXTRA = "python -m pip install 'accord[calibrate]'"
CHIPS: Mapping[str, str] = {
    "a100_sxm": "nvidia-a100-sxm-80",
    "h100_sxm": "nvidia-h100-sxm",
    "h200_sxm": "nvidia-h200-sxm",
    "b200_sxm": "nvidia-b200",
    "b300_sxm": "nvidia-b300",
    "gb200": "nvidia-gb200",
    "gb300": "nvidia-gb300",
    "l40s": "nvidia-l40s",
    "rtx_pro_6000_server": "nvidia-rtx-pro-6000-server",
    "b60": "intel-arc-pro-b60",
}
ENGINES: Mapping[str, str] = {"trtllm": "tensorrt-llm", "sglang": "sglang", "vllm": "vllm"}
FORMATS: Mapping[str, str] = {
    "bfloat16": "bf16",
    "fp8": "fp8",
    "fp8_block": "fp8",
    "nvfp4": "fp4",
    "sq": "int8",
}


@dataclass(frozen=True, slots=True)
class Table:
    """One measured table.

    operator: file stem; chip: catalog id
    engine: catalog id of the engine whose kernels were timed
    numbers: columns of shape ``(N,)``; words: text columns; seconds: measured times
    """

    operator: str
    chip: str
    engine: str
    numbers: Mapping[str, Array]
    words: Mapping[str, tuple[str, ...]]
    seconds: Array


def data_root() -> Path:
    """Folder of the tables. Raises UsageError naming the extra where the package is missing."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations or importlib.util.find_spec("pyarrow") is None:
        raise UsageError("the measured operator tables are not installed", hint=EXTRA)
    return Path(found.submodule_search_locations[0]) / "systems" / "data"


def read_tables(operator: str, columns: Sequence[str], words: Sequence[str] = ()) -> Iterator[Table]:
    """Every table of an operator for the chips of :data:`CHIPS`, in the order of their paths.

    columns: numeric columns, 0 where a table lacks one; words: text columns, empty where it lacks one
    """
    root = data_root()
    for path in sorted(root.glob(f"*/*/*/*/{operator}_perf.parquet")):
        system, _, framework = path.relative_to(root).parts[:3]
        if system in CHIPS and framework in ENGINES:
            yield _read(path, operator, CHIPS[system], ENGINES[framework], columns, words)


def _read(path: Path, operator: str, chip: str, engine: str, columns: Sequence[str], words: Sequence[str]) -> Table:
    import pyarrow.parquet  # noqa: PLC0415  an extra, and 0.2 s to load

    table = pyarrow.parquet.read_table(path)
    count, present = table.num_rows, set(table.column_names)
    numbers = {name: _column(table, name) if name in present else np.zeros(count) for name in columns}
    text = {name: tuple(table[name].to_pylist()) if name in present else ("",) * count for name in words}
    return Table(operator, chip, engine, numbers, text, _column(table, "latency") * 1e-3)


def _column(table: Any, name: str) -> Array:
    values: Array = np.nan_to_num(np.asarray(table[name].to_numpy(), dtype=np.float64), nan=0.0)
    return values

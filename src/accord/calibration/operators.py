"""Measured operator tables as operators of the cost model, one dataset a chip, operator family and format.

Of several frameworks that timed one shape the fastest counts: it is what the chip can do, and what an engine
that picks its kernels would use. A table in which more than one row in twenty beats the bytes or the FLOP of
its shape at full rate timed something else (a share of the work) and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from accord.base.array import Array, array
from accord.calibration.tables import FORMATS, Table, read_tables
from accord.hardware.device import Device
from accord.ops.gemm import gemm, grouped_gemm
from accord.ops.op import Op, compute_op
from accord.ops.vector import activation, vector

MOST_SHAPES = 2000
OF_ENGINES = ("moe",)  # engines bring kernels of their own, up to a few times faster or slower than others
LEFT_OUT_ABOVE = 0.05
_BEATS = 0.95


@dataclass(frozen=True, slots=True)
class Dataset:
    """Shapes of one operator family in one compute format on one chip.

    table: operator of the table
    fmt: format the numbers are multiplied in, and the engine where its kernels are kept apart
    ops: operators of the cost model, arrays of ``(N,)``; seconds: measured
    """

    table: str
    family: str
    fmt: str
    chip: str
    ops: tuple[Op, ...]
    seconds: Array

    def __len__(self) -> int:
        """Shapes."""
        return len(self.seconds)

    def part(self, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Dataset:
        """The shapes where ``chosen`` is true."""
        return replace(self, ops=tuple(_pick(op, chosen) for op in self.ops), seconds=self.seconds[chosen])


def datasets(devices: Callable[[str], Device]) -> tuple[Dataset, ...]:
    """Every dataset the tables give. devices: a chip's device by id."""
    found: list[Dataset] = []
    for operator, columns, words, family, build in _READERS:
        groups: dict[tuple[str, str], list[tuple[Array, Array]]] = {}
        for table in read_tables(operator, columns, words):
            device = devices(table.chip)
            for fmt, keys, seconds in _by_format(table, columns):
                if device.peak_flop_per_s.get(fmt, 0.0) > 0.0 and usable(device, build(keys.T, fmt), seconds):
                    groups.setdefault((table.chip, fmt), []).append((keys, seconds))
                    if operator in OF_ENGINES:
                        groups.setdefault((table.chip, f"{fmt}.{table.engine}"), []).append((keys, seconds))
        for (chip, label), parts in sorted(groups.items()):
            keys, seconds = _fastest(parts)
            device = devices(chip)
            ops = build(keys.T, label.split(".")[0])
            kept = seconds >= _BEATS * bound_s(device, ops)
            if kept.sum() >= 50:
                made = _thinned(Dataset(operator, family, label, chip, ops, seconds).part(kept))
                found += _both(made) if operator in OF_ENGINES else [made]
    return tuple(found)


def _both(dataset: Dataset) -> list[Dataset]:
    """Fused experts of an engine or of the fastest one; the fastest stand for grouped products as well."""
    fused = tuple(replace(op, family="fused") if op.family == "grouped" else op for op in dataset.ops)
    own = replace(dataset, ops=fused, family="fused")
    return [own] if "." in dataset.fmt else [dataset, own]


def usable(device: Device, ops: Sequence[Op], seconds: Array) -> bool:
    """Whether a table times the whole of its shapes: hardly a row beats its bytes or FLOP at full rate."""
    return float(np.mean(seconds < _BEATS * bound_s(device, ops))) <= LEFT_OUT_ABOVE


def bound_s(device: Device, ops: Sequence[Op]) -> Array:
    """Least time any kernel could take: FLOP at peak, bytes at full bandwidth, shape ``(N,)``."""
    total = np.zeros_like(ops[0].flop)
    for op in ops:
        flop = op.flop / device.compute(op.fmt).flop_per_s if op.fmt else 0.0
        total = total + (np.maximum(flop, op.bytes / device.memory_bytes_per_s) if op.family != "vector" else 0.0)
    return total


def _by_format(table: Table, columns: Sequence[str]) -> Iterator[tuple[str, Array, Array]]:
    """Rows of a table by compute format: keys of shape ``(N, columns)`` and seconds."""
    keys = np.stack([table.numbers[name] for name in columns], axis=1)
    windowed = table.numbers.get("window_size", np.zeros(len(keys))) > 0.0
    labels = np.array([_label(words) for words in zip(*table.words.values(), strict=True)], dtype=str)
    for label in sorted(set(labels.tolist())):
        if label:
            chosen = (labels == label) & (table.seconds > 0.0) & ~windowed
            stored = np.full((int(chosen.sum()), 1), 1.0 if label.endswith("+8") else 2.0)
            yield label.split("+")[0], np.hstack([keys[chosen], stored]), table.seconds[chosen]


def _label(words: Sequence[str]) -> str:
    """Compute format and cache width of a row, empty where the cost model has no place for it."""
    dtype, *others = words
    if dtype not in FORMATS or any(word.startswith("power_law") for word in others):
        return ""
    return FORMATS[dtype] + ("+8" if "fp8" in others else "")


def _fastest(parts: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Each shape once, with the least time any table has for it; shapes in order."""
    keys, inverse = np.unique(np.concatenate([key for key, _ in parts]), axis=0, return_inverse=True)
    least = np.full(len(keys), np.inf)
    np.minimum.at(least, inverse.ravel(), np.concatenate([seconds for _, seconds in parts]))
    return keys, least


def _thinned(dataset: Dataset) -> Dataset:
    """At most :data:`MOST_SHAPES` shapes, every so many of them in order."""
    chosen = np.zeros(len(dataset), dtype=np.bool_)
    chosen[np.linspace(0, len(dataset) - 1, min(MOST_SHAPES, len(dataset))).astype(int)] = True
    return dataset.part(chosen)


def _pick(op: Op, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Op:
    names = ("flop", "bytes", "depth", "rows", "width", "wire_bytes", "ranks")
    return replace(op, **{name: getattr(op, name)[chosen] for name in names})


def _gemm(keys: Array, fmt: str) -> tuple[Op, ...]:
    m, n, k = keys[:3]
    return (gemm("product", "ffn", fmt, m, k, n, 1.0),)


def _moe(keys: Array, fmt: str) -> tuple[Op, ...]:
    """Gate and up, activation, down, permutation and sum, on a rank of ``experts / ep`` experts, with even routing."""
    tokens, hidden, inner, top_k, experts, tp, ep = keys[:7]
    held, local = experts / ep, inner / tp
    slots = tokens * top_k / ep
    touched = np.minimum(held, slots)
    return (
        grouped_gemm("up", fmt, slots, touched, hidden, 2.0 * local, 1.0),
        activation("activation", slots, local, 1.0, True),
        grouped_gemm("down", fmt, slots, touched, local, hidden, 1.0),
        vector("permutation and sum", "ffn", 2.0 * slots * hidden * 4.0, 1.0, launches=2.0),
    )


def _decode(keys: Array, fmt: str) -> tuple[Op, ...]:
    requests, step, heads, kv_heads, width, _window, stored = keys
    entries = step + 1.0
    flop = 4.0 * requests * heads * width * entries
    moved = requests * entries * kv_heads * 2.0 * width * stored
    return (compute_op("core", "attention_decode", "attention", fmt, flop, moved, rows=entries, width=moved),)


def _prefill(keys: Array, fmt: str) -> tuple[Op, ...]:
    requests, tokens, heads, kv_heads, width, _window, stored = keys
    entries = (tokens + 1.0) / 2.0
    flop = 4.0 * requests * tokens * heads * width * entries
    cache = kv_heads * 2.0 * width * stored
    moved = requests * tokens * (heads * width * 4.0 + cache) + requests * entries * cache
    return (compute_op("core", "attention_prefill", "attention", fmt, flop, moved, rows=entries, width=flop),)


def _latent_decode(keys: Array, fmt: str) -> tuple[Op, ...]:
    requests, step, heads, stored = keys
    entries = step + 1.0
    flop = 2.0 * requests * heads * (576.0 + 512.0) * entries
    moved = requests * entries * 576.0 * stored
    return (compute_op("core", "mla_decode", "attention", fmt, flop, moved, rows=heads, width=moved),)


def _latent_prefill(keys: Array, fmt: str) -> tuple[Op, ...]:
    requests, tokens, heads, _stored = keys
    return _prefill(
        np.stack([requests, tokens, heads, heads, array(160.0) + 0.0 * heads, 0.0 * heads, 2.0 + 0.0 * heads]), fmt
    )


_LATENT = ("mla_dtype", "kv_cache_dtype")
_READERS = (
    ("gemm", ("m", "n", "k"), ("gemm_dtype",), "gemm", _gemm),
    (
        "moe", ("num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size"),
        ("moe_dtype", "distribution"), "grouped", _moe,
    ),
    (
        "generation_attention", ("batch_size", "step", "num_heads", "num_key_value_heads", "head_dim", "window_size"),
        ("attn_dtype", "kv_cache_dtype"), "attention_decode", _decode,
    ),
    (
        "context_attention", ("batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim", "window_size"),
        ("attn_dtype", "kv_cache_dtype"), "attention_prefill", _prefill,
    ),
    ("generation_mla", ("batch_size", "step", "num_heads"), _LATENT, "mla_decode", _latent_decode),
    ("context_mla", ("batch_size", "isl", "num_heads"), _LATENT, "attention_prefill", _latent_prefill),
)  # fmt: skip

"""Formats of traces: how each is told from its first lines, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from accord.base.registry import Registry
from accord.workloads.columns import Columns, Options
from accord.workloads.readers import (
    aiperf,
    azure,
    bailian,
    burstgpt,
    lengths_only,
    mooncake,
    sharegpt,
    vllm_bench,
    vllm_requests,
)
from accord.workloads.table import heading_of
from accord.workloads.tally import Tally

Reader = Callable[[Iterable[str], Tally, Options], Columns]
PEEK = 64
_LIKE = 0.5


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    about: in words, for help; shape: how the file is laid out; marks: keys or columns that tell it
    chains: it says which request follows which
    """

    about: str
    shape: Literal["lines", "table", "document"]
    marks: frozenset[str]
    read: Reader
    chains: bool = False


_MEMBERS: Mapping[str, Format] = {
    "bailian": Format(
        "Qwen-Bailian JSONL: timestamp (s), lengths, chats, ids of 16-token blocks",
        "lines",
        frozenset(("chat_id", "timestamp", "input_length", "output_length")),
        bailian.read,
        chains=True,
    ),
    "mooncake": Format(
        "Mooncake JSONL: timestamp (ms), lengths, ids of 512-token blocks",
        "lines",
        frozenset(("timestamp", "input_length", "output_length")),
        mooncake.read,
    ),
    "vllm-requests": Format(
        "requests of a measured vLLM run, JSONL",
        "lines",
        frozenset(("input_toks", "output_toks", "arrival_time")),
        vllm_requests.read,
    ),
    "aiperf": Format(
        "AIPerf profile_export.jsonl", "lines", frozenset(("metadata", "metrics")), aiperf.read, chains=True
    ),
    "azure": Format("Azure LLM inference CSV of 2023 or 2024", "table", frozenset(azure.NAMES), azure.read),
    "burstgpt": Format("BurstGPT CSV", "table", frozenset(burstgpt.NAMES), burstgpt.read, chains=True),
    "lengths": Format("CSV of lengths, as Vidur's", "table", frozenset(lengths_only.NAMES), lengths_only.read),
    "vllm-bench": Format(
        "result of vllm bench serve --save-detailed, JSON", "document", frozenset(vllm_bench.MARKS), vllm_bench.read
    ),
    "sharegpt": Format(
        "ShareGPT JSON, lengths by characters", "document", frozenset(("conversations",)), sharegpt.read, chains=True
    ),
}
FORMATS: Registry[Format] = Registry("trace format", _MEMBERS)  # of formats with common marks the special one first


def detect(head: Sequence[str]) -> str | None:
    """Name of the format of a file that begins with the lines ``head``; None where no format fits."""
    filled = [line for line in head if line.strip()]
    if not filled:
        return None
    if filled[0].lstrip()[0] == "[":
        return "sharegpt"
    for line in filled[:PEEK]:
        keys = _keys(line)
        found = keys and (_by_marks("lines", keys) or _by_marks("document", keys))
        if found:
            return found
    if filled[0].lstrip()[0] == "{":
        text = "".join(filled)
        return _by_marks("document", frozenset(mark for mark in vllm_bench.MARKS if f'"{mark}"' in text))
    return _by_marks("table", _cells(filled[0]))


def nearest(head: Sequence[str]) -> str:
    """Hint for a file of no known format: the format most like it and what it lacks, else all names."""
    first = next((line for line in head if line.strip()), "")
    keys = _keys(first) or _cells(first)
    shares = {name: len(FORMATS[name].marks & keys) / len(FORMATS[name].marks) for name in FORMATS}
    best = max(shares, key=lambda name: shares[name])
    lacks = ", ".join(f"'{mark}'" for mark in sorted(FORMATS[best].marks - keys))
    if shares[best] >= _LIKE:
        return f"it is most like '{best}', which has {lacks} as well"
    return f"known: {', '.join(FORMATS)}; say which by its name"


def _by_marks(shape: str, keys: frozenset[str]) -> str | None:
    return next((name for name in FORMATS if FORMATS[name].shape == shape and FORMATS[name].marks <= keys), None)


def _cells(line: str) -> frozenset[str]:
    return frozenset(heading_of([line])[0])


def _keys(line: str) -> frozenset[str]:
    if not line.lstrip().startswith("{"):
        return frozenset()
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()

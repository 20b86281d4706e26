"""Formats of traces: how each is told from its first lines, and who reads it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from accord.base.registry import Registry
from accord.workloads.columns import Columns, Options
from accord.workloads.readers import azure, mooncake, vllm_requests
from accord.workloads.tally import Tally

Reader = Callable[[Iterable[str], Tally, Options], Columns]
PEEK = 64


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    shape: how the file is laid out; marks: keys or columns that tell it; about: in words, for help
    """

    about: str
    shape: Literal["lines", "table", "document"]
    marks: frozenset[str]
    read: Reader


_MEMBERS: Mapping[str, Format] = {
    "mooncake": Format(
        "Mooncake JSONL: timestamp (ms), lengths, ids of 512-token blocks",
        "lines",
        frozenset(("timestamp", "input_length", "output_length")),
        mooncake.read,
    ),
    "azure": Format("Azure LLM inference CSV of 2023 or 2024", "table", frozenset(azure.NAMES), azure.read),
    "vllm-requests": Format(
        "requests of a measured vLLM run, JSONL",
        "lines",
        frozenset(("input_toks", "output_toks", "arrival_time")),
        vllm_requests.read,
    ),
}
FORMATS: Registry[Format] = Registry("trace format", _MEMBERS)  # of formats with common marks the special one first


def detect(head: Sequence[str]) -> str | None:
    """Name of the format of a file that begins with the lines ``head``; None where no format fits."""
    filled = [line for line in head if line.strip()]
    if not filled:
        return None
    for line in filled[:PEEK]:
        if line.lstrip()[0] not in "{[":
            break
        found = _by_marks("lines", _keys(line))
        if found:
            return found
    return _by_marks("table", frozenset(cell.strip() for cell in next(csv.reader(filled[:1]), [])))


def _by_marks(shape: str, keys: frozenset[str]) -> str | None:
    return next((name for name in FORMATS if FORMATS[name].shape == shape and FORMATS[name].marks <= keys), None)


def _keys(line: str) -> frozenset[str]:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()

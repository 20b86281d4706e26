"""Measured rows of collectives and links: cells become typed rows, and rows become questions.

Nothing here looks at a source, a title or an id. A row states the collective, its ranks, nodes and bytes in its
columns and the rest in ``key=value`` notes; what it leaves out is filled by the defaults below and named as assumed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.base.errors import TableError
from accord.fabric.algorithms import ALGORITHMS, COLLECTIVES
from accord.validation.csv_table import Cells, read_table

REQUIRED = ("id", "source_id", "kind", "confidence", "chip", "collective", "metric", "value")
COLUMNS = (*REQUIRED, "scope", "ranks", "size_bytes")
"""What tells a table of collectives from others."""
EXCHANGES = ("ep_dispatch", "ep_combine")
METRICS = ("time_s", "busbw_byte_per_s", "algbw_byte_per_s", "latency_s")
LARGE_BYTES = float(8 << 30)  # of a rate whose size is not stated: the best over sizes
SMALL_BYTES = 64.0
SCALED_EVERY = 128.0  # numbers of an fp8 message that share a 4-byte scale
_COUNTS = ("ranks", "nodes")
_NUMBERS = ("size_bytes", "value")
_NOTED = ("tokens_per_rank", "hidden", "topk", "switch_hops")
_LIBRARY = {"default": "auto", "nvlstree": "nvls", "copy": "auto"}


@dataclass(frozen=True, slots=True)
class FabricRow:
    """One measured value of a collective or a link.

    text: words of the columns; numbers: the numeric columns that are filled; flags: ``key=value`` of the notes
    """

    id: str
    line: int
    text: Mapping[str, str]
    numbers: Mapping[str, float]
    flags: Mapping[str, str]

    def count(self, name: str) -> int | None:
        """A whole number, None where the row is silent."""
        return int(self.numbers[name]) if name in self.numbers else None

    def noted(self, name: str) -> float | None:
        """A number of the notes, None where they are silent."""
        return float(self.flags[name]) if name in self.flags else None

    @property
    def system(self) -> str:
        """The system's id, the chip's where the row names none."""
        return self.text.get("system") or self.text["chip"]

    @property
    def sure(self) -> bool:
        """Measured, and not of low confidence."""
        return self.text["kind"] == "measured" and self.text["confidence"] != "low"


@dataclass(frozen=True, slots=True)
class FabricQuestion:
    """What a row asks.

    kind: a ``collective``, an ``exchange`` of experts, or one remote ``access``
    algorithm: one of the fabric's, ``auto``, or ``low-latency`` and ``normal`` of exchanges
    per_node: ranks on a node where they sit on several, else None; size_bytes: as nccl-tests counts it
    tokens, copies, message_bytes: of an exchange: tokens of a rank, ranks a token goes to, bytes of one copy
    hops: switches between two devices, None where not stated; assumed: fields that defaults filled
    skipped: why it cannot be asked, None for a sound question
    """

    kind: str
    name: str
    algorithm: str
    ranks: int
    per_node: float | None
    size_bytes: float
    tokens: float = 0.0
    copies: int = 0
    message_bytes: float = 0.0
    hops: int | None = None
    assumed: tuple[str, ...] = ()
    skipped: str | None = None


def read_fabric(content: str, name: str) -> tuple[FabricRow, ...]:
    """Rows of a table of collectives (CSV with a header). Raises TableError with file and line."""
    return read_table(content, name, "table of collectives", COLUMNS, _row, REQUIRED)


def _row(filled: Cells, where: str, line: int) -> FabricRow:
    numbers = {column: _number(filled[column], column, where) for column in (*_COUNTS, *_NUMBERS) if column in filled}
    parts = (part.strip() for part in filled.get("notes", "").split(";"))
    flags = dict(part.split("=", 1) for part in parts if re.match(r"[a-z_]+=", part))
    for name in _NOTED:
        if name in flags and not re.fullmatch(r"[0-9]{1,7}", flags[name]):
            raise TableError(f"{name}={flags[name]} in the notes is no whole number", where=where)
    return FabricRow(filled["id"], line, {k: v for k, v in filled.items() if k not in numbers}, numbers, flags)


def _number(text: str, column: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise TableError(f"{column} is '{text}', not a number", where=where) from None
    if not math.isfinite(value) or value < 0.0:
        raise TableError(f"{column} is {text}; it must be a finite number of 0 or more", where=where)
    if column in _COUNTS and (value != math.floor(value) or not 1.0 <= value <= 1e7):
        raise TableError(f"{column} is {text}, not a whole number from 1 to 10,000,000", where=where)
    return value


def question_of(row: FabricRow) -> FabricQuestion:
    """The question of a row; one that the model has no answer to says why in ``skipped``."""
    name, metric = row.text["collective"], row.text["metric"]
    ranks, nodes = row.count("ranks") or 2, row.count("nodes") or 1
    asked = row.text.get("algorithm", "default")
    algorithm = _LIBRARY.get(asked, asked)
    per_node = ranks / nodes if nodes > 1 and row.text.get("scope") == "inter-node" else None
    assumed = () if "ranks" in row.numbers else ("ranks",)
    if metric not in METRICS:
        return FabricQuestion("collective", name, algorithm, ranks, per_node, 0.0, skipped="no_shape")
    if name in EXCHANGES:
        return _exchange(row, name, algorithm, ranks, per_node, assumed)
    if name == "p2p" and metric == "latency_s":
        size = row.numbers.get("size_bytes", SMALL_BYTES)
        noted = row.noted("switch_hops")
        hops = int(noted) if noted is not None else None
        return FabricQuestion("access", name, "auto", ranks, per_node, size, hops=hops, assumed=assumed)
    known = name in COLLECTIVES and (algorithm == "auto" or algorithm in ALGORITHMS)
    size = row.numbers.get("size_bytes", LARGE_BYTES if metric.endswith("byte_per_s") else SMALL_BYTES)
    if "size_bytes" not in row.numbers:
        assumed = (*assumed, "size_bytes")
    return FabricQuestion(
        "collective", name, algorithm, ranks, per_node, size, assumed=assumed, skipped=None if known else "no_shape"
    )


def _exchange(
    row: FabricRow, name: str, algorithm: str, ranks: int, per_node: float | None, assumed: tuple[str, ...]
) -> FabricQuestion:
    """Dispatch or combine: its message is what the row says of bytes, else of tokens and of a token's numbers."""
    tokens, hidden, topk = (row.noted(key) for key in ("tokens_per_rank", "hidden", "topk"))
    size = row.numbers.get("size_bytes", 0.0)
    if not tokens or not topk or not (hidden or size):
        return FabricQuestion("exchange", name, algorithm, ranks, per_node, size, skipped="no_shape")
    eighth = row.flags.get("dtype") == "fp8"
    message = size / tokens / topk if size else (hidden or 0.0) * (1.0 + 4.0 / SCALED_EVERY if eighth else 2.0)
    return FabricQuestion(
        "exchange", name, algorithm, ranks, per_node, tokens * topk * message, tokens, int(topk), message,
        assumed=assumed,
    )  # fmt: skip


def to_score(rows: Sequence[FabricRow]) -> frozenset[str]:
    """Ids of the rows that count: sure measured times, and sure bus bandwidths of which no time is given."""
    timed = {_what(row) for row in rows if row.text["metric"] == "time_s"}
    return frozenset(
        row.id
        for row in rows
        if row.sure
        and row.numbers["value"] > 0.0
        and (row.text["metric"] == "time_s" or (row.text["metric"] == "busbw_byte_per_s" and _what(row) not in timed))
    )


def _what(row: FabricRow) -> tuple[object, ...]:
    """What a row measured, without its value: the same for a time and the bandwidth calculated from it."""
    words = ("chip", "system", "collective", "algorithm", "library", "scope")
    return (
        *(row.text.get(word) for word in words),
        *(row.numbers.get(name) for name in ("ranks", "nodes", "size_bytes")),
    )

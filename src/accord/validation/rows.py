"""Measured tables: rows of text become typed rows, and rows become requests.

Nothing here looks at a source, a title or an id. What a row leaves out is filled by the same
defaults that fill any question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from accord.base.errors import TableError
from accord.inference.request import EstimateRequest, PoolRequest
from accord.validation.csv_table import Cells, read_table

REQUIRED = ("id", "source_id", "kind", "confidence", "phase", "metric", "value")
_COUNTS = (
    "chips", "devices", "prefill_instances", "prefill_devices", "decode_instances", "decode_devices", "tp", "pp", "ep",
    "dp", "prefill_tp", "prefill_ep", "prefill_dp", "decode_tp", "decode_ep", "decode_dp", "mtp_tokens", "microbatches",
    "num_requests", "max_num_seqs", "max_num_batched_tokens", "distinct_prompts",
)  # fmt: skip
_NUMBERS = (
    "value", "isl", "osl", "kv_len", "batch_per_device", "tokens_per_device", "concurrency", "request_rate",
    "accept_rate", "m", "n", "k", "message_bytes", "nodes",
)  # fmt: skip
NUMERIC = frozenset((*_COUNTS, *_NUMBERS))
_MEAN = re.compile(r"actual lengths[^;]*\(mean ([0-9.]+)\)")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured value.

    text: non-numeric columns; numbers: the numeric ones that are filled; flags: ``key=value`` of the notes
    """

    id: str
    line: int
    text: Mapping[str, str]
    numbers: Mapping[str, float]
    flags: Mapping[str, str]

    def count(self, name: str) -> int | None:
        """A whole number, None where the row is silent."""
        return int(self.numbers[name]) if name in self.numbers else None

    def number(self, name: str) -> float | None:
        """A number, None where the row is silent."""
        return self.numbers.get(name)

    @property
    def to_score(self) -> bool:
        """Measured, and not of low confidence."""
        return self.text["kind"] == "measured" and self.text["confidence"] != "low"


def read_rows(content: str, name: str) -> tuple[Row, ...]:
    """Rows of a measured table (CSV with a header). Raises TableError with file and line."""
    return read_table(content, name, "measured table", REQUIRED, _row, REQUIRED)


def _row(filled: Cells, where: str, line: int) -> Row:
    numbers: dict[str, float] = {}
    for column in (*_COUNTS, *_NUMBERS):
        if column in filled:
            numbers[column] = number(filled[column], column, where)
    notes = (part.strip() for part in filled.get("notes", "").split(";"))
    flags = dict(part.split("=", 1) for part in notes if re.fullmatch(r"[a-z_]+=\S+", part))
    if not re.fullmatch(r"[1-9][0-9]{0,6}", flags.get("groups", "1")):
        raise TableError(f"groups={flags['groups']} in the notes is no whole number of 1 or more", where=where)
    if flags.get("range", "min") not in ("min", "max"):
        raise TableError(f"range={flags['range']} in the notes is neither min nor max", where=where)
    if "value" in numbers and not numbers["value"] >= 0.0:
        raise TableError(f"value is {filled['value']}; a measurement is 0 or more", where=where)
    text = {key: value for key, value in filled.items() if key not in numbers}
    mean = _MEAN.search(filled.get("notes", ""))
    if mean:
        for column in ("isl", "osl"):
            if column in numbers:
                numbers[column] *= float(mean.group(1))
    return Row(filled["id"], line, text, numbers, flags)


def number(text: str, column: str, where: str) -> float:
    """The number of a cell. Raises TableError for none, a negative one, and a broken one where a count is wanted."""
    try:
        value = float(text)
    except ValueError:
        raise TableError(f"{column} is '{text}', not a number", where=where) from None
    if not math.isfinite(value) or value < 0.0:
        raise TableError(f"{column} is {text}; it must be a finite number of 0 or more", where=where)
    if column in _COUNTS and value != math.floor(value):
        raise TableError(f"{column} is {text}, not a whole number", where=where)
    return value


def request_of(row: Row, phase: str | None = None) -> EstimateRequest:
    """The question a row answers."""
    text = row.text
    asked = phase or text["phase"]
    split = text.get("mode") == "disaggregated" and asked in ("serve", "offline")
    mtp = row.count("mtp_tokens")
    return EstimateRequest(
        model=text.get("model", ""),
        system=text.get("system") or text.get("chip", ""),
        phase="decode" if asked == "cache" else asked,  # type: ignore[arg-type]
        chips=row.count("chips") if not split else None,
        devices=row.count("devices") if not split else None,
        tp=row.count("tp"), pp=row.count("pp"), dp=row.count("dp"), ep=row.count("ep"),
        batch_per_device=row.number("batch_per_device"),
        tokens_per_device=row.number("tokens_per_device"),
        concurrency=row.number("concurrency"),
        request_rate=row.number("request_rate"),
        isl=row.number("isl"), osl=row.number("osl"), kv_len=row.number("kv_len"),
        weights=text.get("weights"), kv=text.get("kv"),
        mtp_tokens=mtp, mtp_accept=row.number("accept_rate"),
        microbatches=row.count("microbatches"),
        engine=text.get("engine"),
        engine_version=version_of(row),
        full=True,
        speculative=mtp is None and "speculative" in row.flags,
        balanced="balanced routing" in text.get("notes", ""),
        prefill=_pool(row, "prefill") if split or asked == "prefill" else None,
        decode=_pool(row, "decode") if split or asked == "decode" else None,
    )  # fmt: skip


def version_of(row: Row) -> str | None:
    """The engine's version where the row begins it with a number, else the day of the row."""
    stated = row.text.get("engine_version", "")
    return stated if re.match(r"v?\d", stated) else row.text.get("date")


def _pool(row: Row, name: str) -> PoolRequest | None:
    """A pool of its own columns; the instance columns serve rows about one pool."""
    devices = row.count(f"{name}_devices")
    ranks = {key: row.count(f"{name}_{key}") for key in ("tp", "ep", "dp")}
    if all(value is None for value in ranks.values()):
        ranks = {key: row.count(key) for key in ("tp", "ep", "dp")}
    if devices is None and all(value is None for value in ranks.values()):
        return None
    return PoolRequest(
        instances=row.count(f"{name}_instances") or 1, devices=devices, tp=ranks["tp"], ep=ranks["ep"], dp=ranks["dp"]
    )

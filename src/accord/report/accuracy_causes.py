"""Why an estimate may be far off: causes that a row itself shows, whatever its id or source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from accord.validation.rows import Row
from accord.validation.score import Scored

FOUR_BIT = ("fp4", "mxfp4", "int4")
RANKS = ("tp", "pp", "dp", "ep", "cp")
LENGTHS = ("isl", "osl", "kv_len")
NAMED = ("engine", "system", "weights", *RANKS, *LENGTHS)  # assumed fields that a cause speaks of
NOTHING_KNOWN = "none of the known causes"


@dataclass(frozen=True, slots=True)
class Seen:
    """A row with what the table around it shows: how many sources know its engine and its chip."""

    row: Row
    scored: Scored
    engine_sources: int
    chip_sources: int

    def is_assumed(self, *fields: str) -> bool:
        """Whether a default filled one of these fields, of any pool."""
        return any(_field(name) in fields for name in self.scored.assumed)


CAUSES: tuple[tuple[str, Callable[[Seen], bool]], ...] = (
    ("engine not in the catalog: constants of any engine", lambda seen: "engine" in seen.scored.assumed),
    ("engine known from one source: no constants of its own", lambda seen: seen.engine_sources == 1),
    ("chip known from one source", lambda seen: seen.chip_sources == 1),
    ("system not in the catalog: the chip stands for it", lambda seen: "system" in seen.scored.assumed),
    (
        "open loop: how requests arrive is not stated",
        lambda seen: seen.row.text["phase"] == "serve" and "request_rate" in {**seen.row.text, **seen.row.numbers},
    ),
    (
        "tail of a queue: near saturation a few per cent of throughput decide whether it grows",
        lambda seen: seen.scored.metric.startswith("ttft_p"),
    ),
    (
        "all requests at once: ramps, length spread and host work decide",
        lambda seen: seen.row.text["phase"] == "offline" and "concurrency" in seen.row.numbers,
    ),
    (
        "offline maximum without a stated load",
        lambda seen: seen.row.text["phase"] == "offline" and "concurrency" not in seen.row.numbers,
    ),
    (
        "draft length and acceptance not recorded",
        lambda seen: "speculative" in seen.row.flags and "accept_rate" not in seen.row.numbers,
    ),
    (
        "4-bit weights: which kernels the engine chose is not known",
        lambda seen: seen.row.text.get("weights") in FOUR_BIT,
    ),
    ("parallelism not stated", lambda seen: seen.is_assumed(*RANKS)),
    ("lengths not stated", lambda seen: seen.is_assumed(*LENGTHS)),
    ("weight format not stated", lambda seen: seen.is_assumed("weights")),
)


class Causes:
    """The causes of a table's rows."""

    def __init__(self, rows: Sequence[Row]) -> None:
        """Count the sources of every engine and chip among the rows to score."""
        self._rows = {row.id: row for row in rows}
        self._engines = _sources(rows, "engine")
        self._chips = _sources(rows, "chip")

    def of(self, scored: Scored) -> str:
        """Every cause that holds for a scored row, in the order of the table, then what else a default filled."""
        row = self._rows[scored.id]
        seen = Seen(
            row,
            scored,
            len(self._engines.get(row.text.get("engine", ""), ())),
            len(self._chips.get(row.text.get("chip", ""), ())),
        )
        found = [text for text, holds in CAUSES if holds(seen)]
        others = [name for name in scored.assumed if _field(name) not in NAMED]
        if others:
            found.append(f"filled by default: {', '.join(others)}")
        return "; ".join(found) or NOTHING_KNOWN


def _field(name: str) -> str:
    """An assumed field without the pool it belongs to."""
    return name.removeprefix("prefill_").removeprefix("decode_")


def _sources(rows: Sequence[Row], column: str) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows:
        if row.to_score and column in row.text:
            found.setdefault(row.text[column], set()).add(row.text["source_id"])
    return found

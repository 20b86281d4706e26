"""Measured tables of failures: cells become typed rows, and rows become observations to fit or figures to predict.

What is predicted: mean times to failure, counts of all interruptions, rates a chip or node and day, effective training
time and availability. All other rows are inputs. Nothing looks at a source or an id, but to group rows by source.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from accord.base.errors import TableError
from accord.reliability.fit import DAY_S, About, Observation
from accord.validation.csv_table import Cells, read_table
from accord.validation.rows import number

REQUIRED = ("id", "source_id", "kind", "confidence", "chips", "component", "metric", "value", "unit")
COLUMNS = (*REQUIRED, "duration_days")
"""What tells a table of failures from others."""
UNITS: Mapping[str, str] = {
    "count": "count", "rate_per_chip_day": "1/day", "rate_per_node_day": "1/day", "failures_per_day": "1/day",
    "mttf_h": "h", "effective_training_time": "1", "availability": "1",
}  # fmt: skip
RATES = ("mttf_h", "rate_per_chip_day", "rate_per_node_day")
SHARES = ("effective_training_time", "availability")
NODE_CHIPS = 8.0  # of the nodes that rates a node-day are about
Scope = Literal["all", "job", "node", "accelerator"]
# What figures are about, by the word of the column; "all" of a count holds planned interruptions too.
_SCOPES: Mapping[str, Scope] = {
    "all": "all", "all-interruptions": "all", "all-unexpected": "job", "job": "job", "restart": "job",
    "node": "node", "machine": "node", "server": "node", "host": "node",
    "gpu": "accelerator", "npu": "accelerator", "tpu": "accelerator", "chip": "accelerator",
    "accelerator": "accelerator",
}  # fmt: skip
# Beginnings of the words for single causes, and the parts of a job's interruptions that they belong to.
_CAUSES: Mapping[str, tuple[About, ...]] = {
    "gpu-": ("accelerator", "node"), "npu-": ("accelerator", "node"), "host-": ("node",),
    "unplanned-maintenance-": ("node",), "network-": ("elsewhere",), "dependency-": ("elsewhere",),
    "software-": ("elsewhere",), "unknown-": ("elsewhere",),
}  # fmt: skip
_FLAG = re.compile(r"([a-z_]+)=(\S+)")


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One figure of a job or fleet.

    chips: of it, None where the row is silent; lasts_s: observed time; value: in the unit of its metric
    bound: ``lower`` or ``upper`` where the value is one; upper: the upper end where the value is the lower one
    projected: calculated by the source for a job that nobody ran
    """

    id: str
    line: int
    source_id: str
    kind: str
    confidence: str
    chip: str
    chips: float | None
    lasts_s: float | None
    component: str
    metric: str
    value: float
    bound: str | None = None
    upper: float | None = None
    projected: bool = False

    @property
    def scope(self) -> Scope | None:
        """What the figure is about, None where that is no part of the model."""
        return _SCOPES.get(self.component)

    @property
    def skipped(self) -> str | None:
        """Why the row is not predicted; None where it is."""
        counted = self.metric == "count" and self.component in ("all", "all-interruptions", "all-unexpected")
        if not (counted or self.metric in (*RATES, *SHARES)):
            return "input"
        if self.confidence == "low":
            return "low_confidence"
        if self.projected:
            return "projection"
        if self.chips is None:
            return "no_chips"
        if counted and self.lasts_s is None:
            return "no_duration"
        return None if self.scope or self.metric in SHARES else "no_component"


def read_failures(content: str, name: str) -> tuple[FailureRow, ...]:
    """Rows of a table of failures (CSV with a header). Raises TableError with file and line."""
    filled = [column for column in REQUIRED if column != "chips"]
    return read_table(content, name, "table of failures", COLUMNS, _row, filled)


def _row(text: Cells, where: str, line: int) -> FailureRow:
    metric = text["metric"]
    if text["unit"] != UNITS.get(metric, text["unit"]):
        raise TableError(
            f"unit is '{text['unit']}', but {metric} is in '{UNITS[metric]}'", where=where,
            hint=f"write {UNITS[metric]} and the value in it",
        )  # fmt: skip
    value = number(text["value"], "value", where)
    notes = text.get("notes", "")
    flags = dict(_FLAG.findall(notes.replace(";", " ")))
    words = set(re.findall(r"[a-z]+", notes.lower()))
    if flags.get("bound", "lower") not in ("lower", "upper"):
        raise TableError(f"bound={flags['bound']} in the notes is neither lower nor upper", where=where)
    if metric in SHARES and value > 1.0:
        raise TableError(f"value is {text['value']}; {metric} is a share of 1", where=where)
    chips, days = (
        number(text[column], column, where) if column in text else None for column in ("chips", "duration_days")
    )
    upper = number(flags["upper"], "upper", where) if "upper" in flags else None
    return FailureRow(
        text["id"], line, text["source_id"], text["kind"], text["confidence"], text.get("chip", ""), chips or None,
        days * DAY_S if days else None, text["component"], metric, value, flags.get("bound"), upper,
        "projected" in words,
    )  # fmt: skip


def observations_of(rows: Iterable[FailureRow]) -> tuple[Observation, ...]:
    """What rates are fitted to: measured counts and rates of known size that are no bounds; causes are added up."""
    found: list[Observation] = []
    causes: dict[tuple[str, float, float, About, str], float] = defaultdict(float)
    for row in rows:
        if row.kind != "measured" or row.bound or not row.chips or row.value <= 0.0 or row.confidence == "low":
            continue
        for about in _parts(row):
            if row.metric == "count" and row.lasts_s:
                causes[row.source_id, row.chips, row.lasts_s, about, row.chip] += row.value
        one = _observation(row)
        if one is not None:
            found.append(one)
    for (group, chips, lasts, about, chip), events in causes.items():
        found.append(Observation(group, about, chips, events / (chips * lasts), events, chip))
    return tuple(found)


def _parts(row: FailureRow) -> Sequence[About]:
    return next((parts for start, parts in _CAUSES.items() if row.component.startswith(start)), ())


def _observation(row: FailureRow) -> Observation | None:
    """A row whose figure is of one of the fitted rates; planned interruptions are none."""
    scope, chips = row.scope, row.chips
    if scope is None or scope == "all" or chips is None:
        return None
    if row.metric == "count" and row.lasts_s:
        return Observation(row.source_id, scope, chips, row.value / (chips * row.lasts_s), row.value, row.chip)
    per_chip = {
        "mttf_h": 1.0 / (row.value * 3600.0 * chips),
        "rate_per_chip_day": row.value / DAY_S,
        "rate_per_node_day": row.value / (NODE_CHIPS * DAY_S),
        "failures_per_day": row.value / (chips * DAY_S),
    }.get(row.metric)
    return None if per_chip is None else Observation(row.source_id, scope, chips, per_chip, chip=row.chip)

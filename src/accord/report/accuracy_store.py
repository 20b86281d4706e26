"""Rows of a cross-validation as they are kept between runs: small dicts that join the rows in sample by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from accord.validation.score import Scored

FIELDS = ("id", "source_id", "metric", "predicted", "low", "high", "log_ratio", "inside", "skipped")
DIGITS = 6  # significant ones, so that rounding on another machine changes no byte


def stored(rows: Iterable[Scored | Mapping[str, object]]) -> list[dict[str, object]]:
    """Held-out rows as dicts of FIELDS. Raises KeyError where a mapping lacks one."""
    return [
        {name: _rounded(row[name] if isinstance(row, Mapping) else getattr(row, name)) for name in FIELDS}
        for row in rows
    ]


def restored(kept: Sequence[Mapping[str, object]], in_sample: Sequence[Scored]) -> tuple[Scored, ...]:
    """Held-out rows again: what is not kept is that of the same row in sample; rows not there are left out."""
    known = {row.id: row for row in in_sample}
    return tuple(_restored(known[str(row["id"])], row) for row in kept if row["id"] in known)


def _restored(base: Scored, row: Mapping[str, object]) -> Scored:
    skipped = row["skipped"]
    return replace(
        base,
        predicted=_number(row["predicted"]),
        low=_number(row["low"]),
        high=_number(row["high"]),
        log_ratio=_number(row["log_ratio"]),
        inside=None if row["inside"] is None else bool(row["inside"]),
        skipped=None if skipped is None else str(skipped),
    )


def _rounded(value: object) -> object:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None

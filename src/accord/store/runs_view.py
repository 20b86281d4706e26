"""Kept runs made readable: plain dicts for JSON, and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from accord.report.tables import NOTHING, Table, number, number_column, pairs, text_column
from accord.store.record import Comparison, Run

SHORT = 8  # digits of an id, where they are enough to tell runs apart
DIGITS = 4


def run_dict(run: Run) -> dict[str, object]:
    """A run with everything that is kept of it."""
    return {"id": run.id, **msgspec.to_builtins(run.record)}


def list_dict(runs: Sequence[Run]) -> dict[str, object]:
    """Result of ``runs list``."""
    return {"runs": [run_dict(run) for run in runs]}


def compare_dict(found: Comparison) -> dict[str, object]:
    """Result of ``runs compare``: what is kept of each run, inputs that differ, metrics with ratios to the first."""
    return {
        "runs": [run_dict(run) for run in found.runs],
        "inputs": [{"name": row.name, "values": list(row.values)} for row in found.inputs],
        "metrics": [
            {"name": row.name, "values": list(row.values), "ratios": list(row.ratios)} for row in found.metrics
        ],
    }


def list_table(runs: Sequence[Run]) -> Table:
    """Runs, one a line."""
    headings = ("id", "created (UTC)", "verb", "model", "system", "label")
    names = short_ids([run.id for run in runs])
    rows = tuple((name, *_facts(run)) for name, run in zip(names, runs, strict=True))
    notes: tuple[str, ...] = ("'accord runs show ID' shows one, 'accord runs compare ID ID' puts them side by side",)
    notes = (*_interrupted(runs), *notes)
    return Table(
        title=f"{len(runs)} run{'' if len(runs) == 1 else 's'}",
        columns=tuple(text_column(heading) for heading in headings),
        rows=rows,
        notes=notes if runs else ("no run is kept that fits",),
    )


def show_tables(run: Run) -> tuple[Table, ...]:
    """One run: what it is, what went in, what came out, what was written."""
    record = run.record
    facts = [
        ("created", _moment(record.created)),
        ("label", record.label or NOTHING),
        ("complete", "yes" if record.complete else "no, it was interrupted"),
        ("accord", record.accord),
        ("catalog", record.catalog),
    ]
    metrics = tuple((name, _number(value)) for name, value in record.metrics.items())
    tables = (
        pairs("Inputs", [(name, _cell(value)) for name, value in record.inputs.items()]),
        Table(title="Metrics, in SI units", columns=(text_column("metric"), number_column("value")), rows=metrics),
        pairs("Files", [(path, "") for path in record.files]),
    )
    return pairs(f"{record.verb} {run.id}", facts), *(table for table in tables if table.rows)


def compare_tables(found: Comparison) -> tuple[Table, ...]:
    """Runs under one another, then inputs and metrics with a column for each."""
    ids = short_ids([run.id for run in found.runs])
    tags = [chr(ord("A") + at) if len(ids) <= 26 else name for at, name in enumerate(ids)]
    runs = tuple((tag, name, *_facts(run)) for tag, name, run in zip(tags, ids, found.runs, strict=True))
    headings = ("", "id", "created (UTC)", "verb", "model", "system", "label")
    notes = [*_interrupted(found.runs)]
    for what, names in (
        ("catalogs", {run.record.catalog for run in found.runs}),
        ("versions of Accord", {run.record.accord for run in found.runs}),
    ):
        if len(names) > 1:
            notes.append(f"made with different {what}")
    first = Table(
        title="Runs", columns=tuple(text_column(heading) for heading in headings), rows=runs, notes=tuple(notes)
    )
    inputs = Table(
        title="Inputs that differ",
        columns=(text_column("input"), *(text_column(tag) for tag in tags)),
        rows=tuple((row.name, *(_cell(value) for value in row.values)) for row in found.inputs),
    )
    columns = [number_column(tags[0])]
    for tag in tags[1:]:
        columns += [number_column(tag), number_column(f"{tag}/{tags[0]}")]
    metrics = Table(
        title="Metrics, in SI units",
        columns=(text_column("metric"), *columns),
        rows=tuple((row.name, *_values(row.values, row.ratios)) for row in found.metrics),
    )
    return first, *(table for table in (inputs, metrics) if table.rows)


def deleted_table(ids: Sequence[str]) -> Table:
    """What was forgotten."""
    return pairs(f"Forgot {len(ids)} run{'' if len(ids) == 1 else 's'}", [(id, "") for id in ids])


def short_ids(ids: Sequence[str]) -> list[str]:
    """Beginnings of ids, equally long, by which different ones differ."""
    different = set(ids)
    length = next((n for n in range(SHORT, 32) if len({id[:n] for id in different}) == len(different)), 32)
    return [id[:length] for id in ids]


def _interrupted(runs: Sequence[Run]) -> tuple[str, ...]:
    known = all(run.record.complete for run in runs)
    return () if known else ("* was interrupted: its numbers are of what was done until then",)


def _facts(run: Run) -> tuple[str, ...]:
    record = run.record
    verb = record.verb if record.complete else f"{record.verb} *"
    return _moment(record.created), verb, record.model or NOTHING, record.system or NOTHING, record.label or NOTHING


def _moment(created: str) -> str:
    return created.replace("T", " ").removesuffix("Z")


def _values(values: Sequence[float | None], ratios: Sequence[float | None]) -> list[str]:
    cells = [_number(values[0])]
    for value, ratio in zip(values[1:], ratios[1:], strict=True):
        cells += [_number(value), number(ratio, DIGITS)]
    return cells


def _number(value: float | None) -> str:
    """A metric; a count with all its digits."""
    if value is not None and value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return number(value, DIGITS)


def _cell(value: object) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_cell(item)}" for key, item in value.items()) or NOTHING
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value) or NOTHING
    return str(value)

"""What is remembered of a run, and runs side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from accord._version import VERSION
from accord.base.errors import UsageError


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run as its verb hands it over.

    verb: that made it; created: when, ISO 8601 with its zone, kept in UTC to the second
    inputs: everything it depends on, as in the envelope; metrics: finite numbers by name, SI units
    catalog: SHA-256 of the catalog [hex]; model, system, label: to find it by, "" for none
    complete: False for a run that was interrupted; files: paths of what was written
    Raises UsageError for a time that cannot be read or has no zone, and for a number that is not finite.
    """

    verb: str
    created: str
    inputs: Mapping[str, object]
    metrics: Mapping[str, float]
    catalog: str
    accord: str = VERSION
    model: str = ""
    system: str = ""
    label: str = ""
    complete: bool = True
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Bring the time into its one form; refuse what cannot be kept."""
        msgspec.structs.force_setattr(self, "created", _utc(self.created))
        for name, value in self.metrics.items():
            if not math.isfinite(value):
                raise UsageError(f"metric {name} of a run is {value}", hint="leave out what is not known")


class Run(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record that is kept under an id of 32 hexadecimal digits."""

    id: str
    record: Record


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One metric of several runs: its values and their ratios to the first run's, None where one is missing."""

    name: str
    values: tuple[float | None, ...]
    ratios: tuple[float | None, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An input in which runs differ, with its dotted name; None where a run has none."""

    name: str
    values: tuple[object, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Runs side by side, in the order asked for."""

    runs: tuple[Run, ...]
    inputs: tuple[Difference, ...]
    metrics: tuple[Row, ...]


def side_by_side(runs: Sequence[Run]) -> Comparison:
    """Metrics of runs with ratios to the first, and the inputs in which they differ."""
    names = dict.fromkeys(name for run in runs for name in run.record.metrics)
    rows = (_row(name, [run.record.metrics.get(name) for run in runs]) for name in names)
    flat = [dict(_leaves("", run.record.inputs)) for run in runs]
    keys = dict.fromkeys(key for inputs in flat for key in inputs)
    found = (Difference(name=key, values=tuple(inputs.get(key) for inputs in flat)) for key in keys)
    differences = tuple(one for one in found if any(value != one.values[0] for value in one.values))
    return Comparison(runs=tuple(runs), inputs=differences, metrics=tuple(rows))


def _row(name: str, values: Sequence[float | None]) -> Row:
    first = values[0]
    ratios = tuple(None if value is None or not first else value / first for value in values)
    return Row(name=name, values=tuple(values), ratios=ratios)


def _leaves(name: str, value: object) -> list[tuple[str, object]]:
    """Plain values by dotted name; a list counts as one value."""
    if isinstance(value, Mapping) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(f"{name}.{key}" if name else str(key), item)]
    return [(name, value)] if name else []


def _utc(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no time of a run", hint="write it as '2026-01-31T12:00:00Z'") from None
    if moment.tzinfo is None:
        raise UsageError(f"'{text}' has no time zone", hint=f"write '{text}Z' for UTC")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Test definitions and comparisons of two results, as the result of ``accord policy conformance`` and as tables."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from accord.catalog.conformance import Conformance
from accord.policy.conformance import SAME, Compared, Comparison, definition_sha256
from accord.policy.conformance_items import items_sha256
from accord.policy.evidence import Evidence
from accord.report.evidence_view import one_dict
from accord.report.tables import NOTHING, Table, number, number_column, pairs, text_column

_DIGITS = 5
_PERCENT = 100.0
_TOLD = {"agree": "agree", "disagree": "DISAGREE", "not comparable": "NOT COMPARABLE"}


@dataclass(frozen=True, slots=True)
class Side:
    """One party's result; signed_by, keys: names and ids of believed keys that signed it, empty where none did."""

    evidence: Evidence
    signed_by: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def definition_dict(definition: Conformance) -> dict[str, object]:
    """A definition with its hashes."""
    own = bool(definition.items)
    return {
        "id": definition.id, "title": definition.title, "kind": definition.kind, "format": definition.format,
        "version": definition.version, "date": definition.date, "sha256": definition_sha256(definition),
        "data_sha256": items_sha256(definition) if own else definition.data_sha256, "items": list(definition.items),
        "fixed": dict(definition.fixed), "protocol": list(definition.protocol),
        "quantities": [
            {
                "name": one.name, "unit": one.unit, "absolute": one.absolute, "relative": one.relative,
                "least_samples": one.least_samples, "least": one.least, "most": one.most,
            }
            for one in definition.quantities
        ],
        "risks": list(definition.risks), "valid_days": definition.valid_days, "note": definition.note,
    }  # fmt: skip


def list_tables(definitions: Sequence[Conformance]) -> tuple[Table, ...]:
    """The definitions that there are, and how to go on."""
    names = ("definition", "version", "kind", "format", "sha256", "title")
    rows = tuple(
        (one.id, one.version, one.kind, one.format, definition_sha256(one)[:12], one.title) for one in definitions
    )
    notes = (
        "How to run one: accord policy conformance DEFINITION; its items: --items; an empty result file: --template.",
        "Compare two parties' results: accord policy conformance DEFINITION MINE.json THEIRS.json.",
    )
    return (Table(title="Test definitions", columns=tuple(map(text_column, names)), rows=rows, notes=notes),)


def definition_tables(definition: Conformance) -> tuple[Table, ...]:
    """How to run a definition: steps, settings, what is reported, hashes."""
    told = definition_dict(definition)
    about = [
        ("definition", f"{definition.id}, version {definition.version}, {definition.date}"),
        ("sha256", str(told["sha256"])), ("sha256 of the data", str(told["data_sha256"] or NOTHING)),
        ("result file", definition.format), ("risks", ", ".join(definition.risks) or NOTHING),
        ("a result holds", f"{definition.valid_days} days"),
    ]  # fmt: skip
    steps = tuple((str(at), step) for at, step in enumerate(definition.protocol, start=1))
    fixed = tuple((name, "same in both" if value == SAME else value) for name, value in definition.fixed.items())
    columns = (
        text_column("quantity"), text_column("unit"), text_column("agree within"),
        number_column("least samples"),
    )  # fmt: skip
    rows = tuple(
        (one.name, one.unit, _within(one.absolute, one.relative), str(one.least_samples or NOTHING))
        for one in definition.quantities
    )
    return (
        pairs(definition.title, about),
        Table(title="How to run it", columns=(number_column("step"), text_column("what")), rows=steps),
        Table(title="Settings", columns=(text_column("setting"), text_column("value")), rows=fixed),
        Table(
            title="What is reported", columns=columns, rows=rows, notes=(definition.note,) if definition.note else ()
        ),
    )


def comparison_dict(
    definition: Conformance, sides: Sequence[Side], found: Comparison, day: datetime.date
) -> dict[str, object]:
    """Result of a comparison."""
    return {
        "date": day.isoformat(), "definition": definition_dict(definition), "verdict": found.verdict,
        "reasons": list(found.reasons), "quantities": [_compared(one) for one in found.quantities],
        "results": [{**one_dict(side.evidence), "signed_by": list(side.signed_by)} for side in sides],
    }  # fmt: skip


def comparison_tables(
    definition: Conformance, sides: Sequence[Side], found: Comparison, day: datetime.date
) -> tuple[Table, ...]:
    """The verdict, why, and each quantity."""
    about = [("definition", f"{definition.id}, version {definition.version}"), ("on", day.isoformat())]
    about += [(name, _side(side)) for name, side in zip(("first", "second"), sides, strict=True)]
    about += [("verdict", _TOLD[found.verdict]), *(("why", reason) for reason in found.reasons)]
    apart = [one for one in found.quantities if not one.agrees]
    about += [("why", f"{one.quantity.name} differs by {_by(one)}, more than {_allowed(one)}") for one in apart]
    tables = [pairs("Two results of one test", about)]
    if found.quantities:
        columns = (
            text_column("quantity"), text_column("unit"), number_column("first"), number_column("second"),
            number_column("apart"), text_column("agree within"), text_column("agree"),
        )  # fmt: skip
        rows = tuple(
            (
                one.quantity.name, one.quantity.unit, number(one.first, _DIGITS), number(one.second, _DIGITS),
                _by(one), _allowed(one), "yes" if one.agrees else "NO",
            )
            for one in found.quantities
        )  # fmt: skip
        tables.append(Table(title="Quantities", columns=columns, rows=rows))
    return tuple(tables)


def _side(side: Side) -> str:
    one = side.evidence
    signed = f", signed by {', '.join(side.signed_by)}" if side.signed_by else ", not signed"
    return f"{one.file}: {one.told}{signed}"


def _compared(one: Compared) -> dict[str, object]:
    return {
        "name": one.quantity.name, "unit": one.quantity.unit, "first": one.first, "second": one.second,
        "difference": one.difference, "share": one.share, "absolute": one.quantity.absolute,
        "relative": one.quantity.relative, "agrees": one.agrees,
    }  # fmt: skip


def _by(one: Compared) -> str:
    share = "" if one.share is None else f" ({_PERCENT * one.share:.3g} %)"
    return f"{number(one.difference, 3)}{share}"


def _allowed(one: Compared) -> str:
    return _within(one.quantity.absolute, one.quantity.relative)


def _within(absolute: float | None, relative: float | None) -> str:
    parts = [] if absolute is None else [f"{absolute:g}"]
    parts += [] if relative is None else [f"{_PERCENT * relative:g} %"]
    return " or ".join(parts) or "no difference"

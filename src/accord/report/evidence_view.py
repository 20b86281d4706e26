"""Evidence files and the risks they cover, as the result of ``accord policy evidence`` and as tables."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.policy.evidence import Evidence
from accord.policy.evidence_figures import impossible
from accord.policy.evidence_found import EvidenceKind
from accord.policy.evidence_json import Node
from accord.policy.risks import Covered
from accord.report.tables import NOTHING, Table, number, number_column, text_column

NOT_NAMED = "model not named"
NOTE = (
    "Covered says that the risk was tested and the test finished, not how the model did, nor that it was tested well.",
    "A test speaks to a risk by its name; tests under other names are not recognised.",
)
_SHOWN = 4  # figures of a file in its row


@dataclass(frozen=True, slots=True)
class ModelRisks:
    """How the risks stand for one model; model: as its files name it, None where they do not."""

    model: str | None
    risks: Sequence[Covered]


def evidence_dict(evidence: Sequence[Evidence], models: Sequence[ModelRisks], day: datetime.date) -> dict[str, object]:
    """Result of ``policy evidence``."""
    return {
        "date": day.isoformat(),
        "files": [one_dict(one) for one in evidence],
        "models": [{"model": one.model, "risks": [_risk(risk) for risk in one.risks]} for one in models],
        "notes": list(NOTE),
    }


def one_dict(one: Evidence) -> dict[str, object]:
    """One test or bill of a file."""
    return {
        "file": one.file, "sha256": one.sha256, "content_sha256": one.content_sha256,
        "kind": one.kind, "format": one.format, "title": one.title,
        "model": one.model, "date": None if one.date is None else one.date.isoformat(), "samples": one.samples,
        "risks": list(one.risks), "metrics": dict(one.metrics), "tests": list(one.tests), "told": one.told,
        "evidence": one.unfinished is None, "why_not": one.unfinished, "definition": dict(one.definition) or None,
        "settings": dict(one.settings),
    }  # fmt: skip


def one_read(node: Node) -> Evidence:
    """The reverse of :func:`one_dict`. Raises DataError."""
    day, samples, why = node.get("date"), node.get("samples"), node.get("why_not")
    model, definition = node.get("model"), node.get("definition")
    kind = node.need("kind").text()
    kinds: tuple[EvidenceKind, ...] = ("safety", "performance", "bom")
    known = [one for one in kinds if one == kind]
    if not known:
        raise node.need("kind").wrong(f"is {kind!r}, none of {', '.join(kinds)}")
    format = node.need("format").text()
    metrics = {name: one.number() for name, one in node.need("metrics").pairs()}
    return Evidence(
        kind=known[0], format=format, title=node.need("title").text(),
        model=None if model is None else model.text(), date=None if day is None else day.day(),
        risks=tuple(one.text() for one in node.each("risks")),
        metrics=metrics,
        samples=None if samples is None else samples.whole(),
        sha256=node.need("sha256").text(), content_sha256=node.need("content_sha256").text(),
        told=node.need("told").text(), file=node.file, tests=tuple(one.text() for one in node.each("tests")),
        unfinished=impossible(known[0], format, metrics) if why is None else why.text(),
        definition={} if definition is None else {name: one.text() for name, one in definition.pairs()},
        settings={name: one.text() for name, one in node.need("settings").pairs()},
    )  # fmt: skip


def evidence_tables(
    evidence: Sequence[Evidence], models: Sequence[ModelRisks], day: datetime.date
) -> tuple[Table, ...]:
    """What each file shows, then the risks of each model."""
    tables = [_files(evidence)]
    tables += [_risks(one, day) for one in models]
    last = tables[-1]
    tables[-1] = Table(title=last.title, columns=last.columns, rows=last.rows, notes=(*last.notes, *NOTE))
    return tuple(tables)


def _files(evidence: Sequence[Evidence]) -> Table:
    names = ("file", "shows", "day", "risks", "figures")
    rows = tuple(
        (
            one.file, one.told, NOTHING if one.date is None else one.date.isoformat(), ", ".join(one.risks) or NOTHING,
            _figures(one.metrics) if one.unfinished is None else f"no evidence: {one.unfinished}",
        )
        for one in evidence
    )  # fmt: skip
    return Table(title="What the files show", columns=tuple(text_column(name) for name in names), rows=rows)


def _figures(metrics: Mapping[str, float]) -> str:
    shown = [f"{name} {number(value, 4)}" for name, value in list(metrics.items())[:_SHOWN]]
    left = len(metrics) - len(shown)
    return ", ".join([*shown, *([f"{left} more"] if left else [])]) or NOTHING


def _risks(model: ModelRisks, day: datetime.date) -> Table:
    columns = (
        text_column("risk"), text_column("state"), text_column("by"), text_column("until"),
        number_column("life", "days"), text_column("why"),
    )  # fmt: skip
    rows = tuple(
        (
            one.risk.id, one.state, ", ".join(one.by) or NOTHING,
            NOTHING if one.until is None else one.until.isoformat(), str(one.risk.valid_days), one.why or NOTHING,
        )
        for one in model.risks
    )  # fmt: skip
    return Table(title=f"Risks on {day}: {model.model or NOT_NAMED}", columns=columns, rows=rows)


def _risk(one: Covered) -> dict[str, object]:
    return {
        "id": one.risk.id, "name": one.risk.name, "about": one.risk.about, "state": one.state, "by": list(one.by),
        "until": None if one.until is None else one.until.isoformat(), "why": one.why or None,
        "valid_days": one.risk.valid_days, "valid_why": one.risk.valid_why, "note": one.risk.note,
    }  # fmt: skip

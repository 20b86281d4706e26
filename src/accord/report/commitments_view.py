"""What instruments ask of a plan or run, as the result of ``accord policy commitments`` and as tables."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from accord.catalog.governance import EvidenceName, Theme
from accord.policy.commitments import Finding, Lacking, Shown, Touched
from accord.report.adoption_view import provision_dict
from accord.report.tables import NOTHING, Table, pairs, text_column

WIDTH, WORDS = 100, 62
NOT_SCORED = "Nothing is scored: that evidence exists says neither that a provision is kept nor that it binds anybody."


@dataclass(frozen=True, slots=True)
class Committed:
    """The answer.

    subject: in words; themes: with why each is touched; evidence: by name; found: provisions, oldest instrument first
    """

    subject: str
    day: datetime.date
    themes: Mapping[Theme, str]
    evidence: Mapping[EvidenceName, Finding]
    found: tuple[Touched, ...]


def commitments_dict(told: Committed) -> dict[str, object]:
    """The result."""
    return {
        "date": told.day.isoformat(), "subject": told.subject,
        "themes": [{"theme": theme, "because": why} for theme, why in told.themes.items()],
        "evidence": {name: _finding_dict(one) for name, one in told.evidence.items()},
        "provisions": [
            {
                "instrument": one.instrument.id, "title": one.instrument.title, "form": one.instrument.form,
                "binding": one.instrument.binding, **provision_dict(one.instrument, one.provision),
                "touched": list(one.themes), "shown": list(one.shown), "cannot": list(one.lacking),
                "computable": not one.silent,
            }
            for one in told.found
        ],
        "counts": counts(told.found), "remark": NOT_SCORED,
    }  # fmt: skip


def counts(found: Sequence[Touched]) -> dict[str, int]:
    """How many provisions are touched, have evidence, only lack it, or cannot have any here."""
    return {
        "touched": len(found), "with_evidence": sum(1 for one in found if one.shown),
        "lacking": sum(1 for one in found if one.lacking and not one.shown),
        "not_computable": sum(1 for one in found if one.silent),
    }  # fmt: skip


def _finding_dict(one: Finding) -> dict[str, object]:
    if isinstance(one, Lacking):
        return {"shown": False, "why": one.why, "hint": one.hint or None}
    return {
        "shown": True, "text": one.text, "value": one.value, "unit": one.unit, "low": one.low, "high": one.high,
        "basis": one.basis, "from": one.origin, "sources": list(one.sources),
    }  # fmt: skip


def commitments_tables(told: Committed) -> tuple[Table, ...]:
    """Themes, evidence, provisions with something to show, those that lack it, and those without."""
    title = f"{told.subject}: what governance instruments ask, as of {told.day}"
    shown = [(name, one) for name, one in told.evidence.items() if isinstance(one, Shown)]
    lacking = [(name, one) for name, one in told.evidence.items() if isinstance(one, Lacking)]
    without = [one for one in told.found if one.lacking and not one.shown]
    tables = [
        pairs("\n".join(textwrap.wrap(title, WIDTH)), list(told.themes.items()), ("Themes that it touches, and why.",)),
        _evidence(shown),
        pairs("Evidence that is lacking", [(name, _why(one)) for name, one in lacking]),
        _provisions("Provisions with evidence", [one for one in told.found if one.shown]),
        _provisions("Provisions whose evidence is lacking", without),
        _silent([one for one in told.found if one.silent]),
    ]  # fmt: skip
    return tuple(table for table in tables if table.rows)


def _why(one: Lacking) -> str:
    return f"{one.why}; {one.hint}" if one.hint else one.why


def _evidence(shown: Sequence[tuple[EvidenceName, Shown]]) -> Table:
    rows = [row for name, one in shown for row in _rows(name, one.text, one.origin)]
    return Table(
        title="Evidence", columns=(text_column("evidence"), text_column("what it shows"), text_column("from")),
        rows=tuple(rows),
    )  # fmt: skip


def _rows(name: str, words: str, last: str) -> Iterator[tuple[str, str, str]]:
    """Rows of wrapped words, with the name and the last cell beside the first line."""
    for at, line in enumerate(textwrap.wrap(words, WORDS, subsequent_indent="  ")):
        yield (name if at == 0 else "", line, last if at == 0 else "")


def _provisions(title: str, found: Sequence[Touched]) -> Table:
    rows = []
    instrument = ""
    for one in found:
        name = one.instrument.id
        if name != instrument:
            rows.append((f"{name} ({one.instrument.binding})", "", ""))
            instrument = name
        evidence = [*one.shown, *(f"no {lacking}" for lacking in one.lacking)]
        rows += list(_rows(f"  {one.provision.id}", one.provision.text, ", ".join(evidence)))
    columns = (text_column("provision"), text_column("in our words"), text_column("evidence"))
    return Table(title=title, columns=columns, rows=tuple(rows), notes=tuple(textwrap.wrap(NOT_SCORED, WIDTH)))


def _silent(found: Sequence[Touched]) -> Table:
    """Provisions that nothing here speaks to, by instrument."""
    by_instrument: dict[str, list[str]] = {}
    for one in found:
        by_instrument.setdefault(one.instrument.id, []).append(one.provision.id)
    rows = [
        (name if at == 0 else "", line)
        for name, ids in by_instrument.items()
        for at, line in enumerate(textwrap.wrap(", ".join(ids), WIDTH - 28) or [NOTHING])
    ]
    return pairs("Touched, and nothing that Accord computes would show it", rows)

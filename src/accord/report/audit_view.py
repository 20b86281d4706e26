"""``accord audit`` as tables: all claims in rows, or one claim with its calculation unfolded."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from accord.claims.judge import ClaimVerdict, PartVerdict, Told
from accord.report.audit_result import amount, calculation, cited, margin_text, span, tally, test_text
from accord.report.tables import NOTHING, Table, number_column, pairs, text_column

_WIDE = 100


def claims_table(found: Sequence[ClaimVerdict]) -> Table:
    """One row a claim."""
    rows = tuple(
        (one.claim.id, one.verdict, margin_text(one.margin), _percent(one.probability, " %"), _said(one))
        for one in found
    )
    counted = ", ".join(f"{count} {word}" for word, count in tally(found).items())
    notes = (
        f"{len(found)} claims: {counted}." if found else "The catalog has no claims.",
        "Margin: of the stated part nearest to failing, value over what it is compared with, less 1. "
        "True: draws in which all stated parts are.",
        "'accord audit ID' unfolds one.",
    )
    columns = (
        text_column("claim"), text_column("verdict"), number_column("margin"), number_column("true"),
        text_column("on condition, or why"),
    )  # fmt: skip
    return Table(title="Claims, recomputed", columns=columns, rows=rows, notes=notes)


def claim_tables(one: ClaimVerdict, *, explain: bool = False) -> tuple[Table, ...]:
    """One claim unfolded; explain: with every source of its terms."""
    tables = [_head(one), _parts(one.parts), _calculation(one)]
    terms = _terms(one.parts)
    return tuple([*tables, *([terms] if terms.rows else []), _sources(one, explain)])


def _head(one: ClaimVerdict) -> Table:
    claim = one.claim
    items = [
        ("said by", f"{claim.said_by}, {claim.date}"),
        ("verdict", one.verdict),
        *(("" if at else "if", text) for at, text in enumerate(one.conditions)),
        *(("" if at else "why", text) for at, text in enumerate(one.why)),
        ("probability", _percent(one.probability, " %")),
        ("margin", margin_text(one.margin) + (f" ({one.deciding.part.name})" if one.deciding is not None else "")),
    ]
    items += [("note", claim.note)] if claim.note else []
    return pairs(f"{claim.id}: {claim.statement}", items)


def _parts(parts: Sequence[PartVerdict]) -> Table:
    rows = tuple(
        (
            str(at), part.part.name, "aside" if part.part.aside else "stated", part.verdict,
            amount(part.value, part.part.unit) + span(part) if part.value is not None else NOTHING,
            test_text(part) or NOTHING, _percent(part.probability),
        )
        for at, part in enumerate(parts, 1)
    )  # fmt: skip
    columns = (
        number_column("no"), text_column("part"), text_column("role"), text_column("verdict"), text_column("value"),
        text_column("test"), number_column("true", "%"),
    )  # fmt: skip
    return Table(title="Parts", columns=columns, rows=rows)


def _calculation(one: ClaimVerdict) -> Table:
    lines = [(str(at), calculation(part)) for at, part in enumerate(one.parts, 1)]
    notes = tuple(f"{part.part.name}: {part.part.note}" for part in one.parts if part.part.note)
    return Table(title="Calculation", columns=(number_column(""), text_column("")), rows=tuple(lines), notes=notes)


def _terms(parts: Sequence[PartVerdict]) -> Table:
    """Every term once, with the numbers of the parts that use it."""
    users: dict[tuple[str, str], list[int]] = {}
    terms: dict[tuple[str, str], Told] = {}
    for at, part in enumerate(parts, 1):
        for told in part.terms:
            users.setdefault(_key(told), []).append(at)
            terms[_key(told)] = told
    rows = []
    for key, told in terms.items():
        found, used = told.quantity, ", ".join(map(str, users[key]))
        if found is None:
            rows.append((used, told.name, "not known", NOTHING, told.refused or ""))
            continue
        ends = NOTHING if found.exact else f"{amount(found.low, found.unit)} to {amount(found.high, found.unit)}"
        if len(found.points) > 1:
            ends += f" ({len(found.points)} values of sources)"
        rows.append((used, told.name, amount(found.value, found.unit), ends, f"{found.how} [{found.basis}]"))
    columns = (
        text_column("of"), text_column("term"), text_column("value"), text_column("90 % interval"), text_column("how"),
    )  # fmt: skip
    return Table(title="Terms", columns=columns, rows=tuple(rows))


def _sources(one: ClaimVerdict, explain: bool) -> Table:
    entries = cited(one)
    own = f"claims/{one.claim.id}:"
    shown = entries if explain else [entry for entry in entries if str(entry["id"]).startswith(own)]
    rows = tuple(
        (str(at), f"{entry['id']} ({entry['date']}): "
         + ", ".join(str(entry[name]) for name in ("publisher", "title", "locator") if entry.get(name))
         + (f"\n{entry['url']}" if entry.get("url") else ""))
        for at, entry in enumerate(shown, 1)
    )  # fmt: skip
    left = len(entries) - len(shown)
    said = f"{one.claim.said_by}: {one.claim.source}, {one.claim.locator}."
    notes = (said, f"{left} more stand behind the terms: --explain lists them.") if left else (said,)
    columns = (number_column(""), text_column(""))
    return Table(title="Sources", columns=columns, rows=rows, notes=notes)


def _key(told: Told) -> tuple[str, str]:
    return told.name, told.quantity.how if told.quantity is not None else told.refused or ""


def _said(one: ClaimVerdict) -> str:
    text = one.condition or "; ".join(one.why)
    return textwrap.shorten(text, _WIDE, placeholder=" ...") if text else NOTHING


def _percent(probability: float | None, unit: str = "") -> str:
    if probability is None:
        return NOTHING
    text = f"{100.0 * probability:.1f}".rstrip("0").rstrip(".")
    return f"{text}{unit}"
